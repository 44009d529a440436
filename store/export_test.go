package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3/vfs"
	"gorm.io/gorm"
)

// Pragmas returns the settings of the connection that writes.
func Pragmas(t *testing.T, s *Store) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, name := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout"} {
		var value string
		if err := s.write.Raw("PRAGMA " + name).Scan(&value).Error; err != nil {
			t.Fatal(err)
		}
		values[name] = value
	}
	return values
}

// OpenAt opens a database with the schema as it is after a step.
func OpenAt(t *testing.T, databaseURL string, step int64) *Store {
	t.Helper()
	s, err := connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	provider, err := s.provider()
	if err != nil {
		t.Fatal(err)
	}
	defer s.closeProvider(provider)
	if _, err := provider.UpTo(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	return s
}

// Exec runs a statement.
func Exec(t *testing.T, s *Store, statement string) {
	t.Helper()
	if err := s.write.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
}

// RollBack ends a transaction from within, as SQLite does when the disk fails.
func RollBack(t *testing.T, tx *Tx) {
	t.Helper()
	if err := tx.ask(question{sql: "ROLLBACK"}); err != nil {
		t.Fatal(err)
	}
}

// LookedUpFor sets for how long look-ups are remembered.
func LookedUpFor(t *testing.T, d time.Duration) {
	t.Helper()
	before := lookedUpFor
	lookedUpFor = d
	t.Cleanup(func() { lookedUpFor = before })
}

// Connections returns how many connections to the database there are.
func Connections(s *Store) int { return s.pools[0].Stats().OpenConnections }

// AskLong asks PostgreSQL what takes long.
func AskLong(ctx context.Context, s *Store) error {
	return s.ask(ctx, question{sql: "SELECT pg_sleep(60)", row: ignore})
}

// Texts counts the texts that are remembered of questions about companies.
func Texts() (n int) {
	for _, texts := range []*sync.Map{&companyTexts, &guessTexts} {
		texts.Range(func(any, any) bool { n++; return true })
	}
	return n
}

// Patience is how many creates ask after a surprise.
const Patience = patience

// GuessBegin is what a guess begins with.
const GuessBegin = guessBegin

// LearnGuesses learns many guesses, and returns how many are kept.
func LearnGuesses(n int) int {
	var g guesses
	for i := range n {
		g.learn(guessKey{domain: fmt.Sprint(i)}, nil, false)
	}
	return len(g.list)
}

// Statements records all statements from now on.
func Statements(t *testing.T, s *Store) *Recorder {
	t.Helper()
	r := &Recorder{}
	record := func(db *gorm.DB) {
		if db.DryRun {
			return // a part of another
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.list = append(r.list, Statement{db.Statement.SQL.String(), slices.Clone(db.Statement.Vars)})
	}
	s.observer = func(q question) {
		if word, _, _ := strings.Cut(q.sql, " "); slices.Contains([]string{"INSERT", "BEGIN", "COMMIT"}, word) || strings.Contains(q.sql, "pg_advisory_xact_lock") {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		text := q.sql
		if s.engine == Postgres {
			text = numbered(text)
		}
		r.list = append(r.list, Statement{text, slices.Clone(q.args)})
	}
	for _, db := range []*gorm.DB{s.read, s.write} {
		err := errors.Join(db.Callback().Query().After("gorm:query").Register("record", record),
			db.Callback().Row().After("gorm:row").Register("record", record), db.Callback().Raw().After("gorm:raw").Register("record", record),
			db.Callback().Delete().After("gorm:delete").Register("record", record))
		if err != nil {
			t.Fatal(err)
		}
		if s.engine == Postgres {
			break // both are one
		}
	}
	return r
}

// Recorder keeps statements.
type Recorder struct {
	mu   sync.Mutex
	list []Statement
}

// Statement is SQL with its arguments.
type Statement struct {
	SQL  string
	Args []any
}

// Take returns what was recorded since the last call.
func (r *Recorder) Take() []Statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

// WalkStep sets how many contacts a search walks along at a time.
func WalkStep(t *testing.T, contacts int) {
	before := walkStep
	walkStep = contacts
	t.Cleanup(func() { walkStep = before })
}

// SearchLag sets how many contacts wait for SQLite's full-text index.
func SearchLag(t *testing.T, contacts int) {
	before := searchLag
	searchLag = contacts
	t.Cleanup(func() { searchLag = before })
}

// Waiting returns how many contacts wait for SQLite's full-text index.
func Waiting(t *testing.T, s *Store) (n int) {
	t.Helper()
	if err := s.read.Raw("SELECT count(*) FROM contact_search_waiting").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n
}

// SearchPieces returns the pieces that SQLite's full-text index has, and those that it should have, each with its contact's number.
func SearchPieces(t *testing.T, s *Store) (has, want []string) {
	t.Helper()
	db := s.write
	var keys []struct {
		Num       int64
		SearchKey string
	}
	err := errors.Join(db.Exec("CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_pieces USING fts5vocab('main', 'contact_search', 'instance')").Error,
		db.Raw("SELECT DISTINCT doc || ' ' || term FROM temp.search_pieces").Scan(&has).Error, db.Raw("SELECT num, search_key FROM contacts").Scan(&keys).Error)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		for text := []rune(k.SearchKey); len(text) >= 3; text = text[1:] {
			want = append(want, fmt.Sprintf("%d %s", k.Num, string(text[:3])))
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	return has, slices.Compact(want)
}

// CountLimit sets how far contacts are counted.
func CountLimit(t *testing.T, contacts int) {
	before := countLimit
	countLimit = contacts
	t.Cleanup(func() { countLimit = before })
}

// Parts returns what the schema of a database is made of, a line for each part.
func Parts(t *testing.T, s *Store) (lines []string) {
	t.Helper()
	list, err := s.parts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		lines = append(lines, p.line())
	}
	return lines
}

// WAL wraps a WAL, and returns what runs a commit that writes to it.
func WAL(file vfs.File) (wal vfs.File, during func(func() error) error) {
	f := &walFile{File: file}
	return f, f.during
}

// Stuck sets after how long a create goes beside a group that is under way.
func Stuck(t *testing.T, after time.Duration) {
	before := stuck
	stuck = after
	t.Cleanup(func() { stuck = before })
}
