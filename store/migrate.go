package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/pressly/goose/v3"
)

//go:embed migrations
var migrations embed.FS

// Migration is one step of the schema. Applied is zero for a pending one, and Name is "" for the newest step of a newer program.
type Migration struct {
	Version int64
	Name    string
	Applied time.Time
}

// migrate brings the schema up to date. It refuses a database whose schema is newer than this program.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	defer s.closeProvider(provider)
	for attempt := 0; ; attempt++ {
		current, target, err := provider.GetVersions(ctx)
		if err == nil && current > target {
			return fmt.Errorf("the database has schema version %d, this program knows up to %d: use a newer rollcall", current, target)
		}
		if err == nil && current == target {
			return nil
		}
		if err == nil {
			if _, err = provider.Up(ctx); err == nil {
				return nil
			}
		}
		// PostgreSQL has a lock for this, and may still find that a step and the requests of servers wait for each other. On SQLite
		// another process that starts at the same moment may have made the step first, which shows as an error here and as a
		// higher version on the next look.
		if s.engine != SQLite && !lostRace(err) || attempt == 5 {
			return fmt.Errorf("bring the database schema up to date: %w", oneLine(err))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (s *Store) provider() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+string(s.engine))
	if err != nil {
		return nil, err
	}
	if s.engine == SQLite {
		// goose keeps its times as text.
		pool, err := driver.Open(liteDSN(s.path, "immediate", "auto"), fts5.Register)
		if err != nil {
			return nil, err
		}
		return goose.NewProvider(goose.DialectSQLite3, pool, files, goose.WithDisableGlobalRegistry(true))
	}
	return goose.NewProvider(goose.DialectPostgres, s.pools[0], files, goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(schemaLock{}))
}

// schemaLock lets one server at a time change a PostgreSQL schema. goose's own lock asks every few seconds; this one does so at once. (A
// statement that waits would do worse: CREATE INDEX CONCURRENTLY waits for all statements that began before it, and so for that one.)
type schemaLock struct{}

// schemaLockID is any number that nothing else in the database locks.
const schemaLockID = 7_023_846_510

func (schemaLock) SessionLock(ctx context.Context, conn *sql.Conn) error {
	for {
		locked := false
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", schemaLockID).Scan(&locked); err != nil || locked {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (schemaLock) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", schemaLockID)
	return err
}

// closeProvider closes the connection that a provider has for itself.
func (s *Store) closeProvider(p *goose.Provider) {
	if s.engine == SQLite {
		p.Close()
	}
}

// Migrations lists the schema's steps in a database, without applying any.
func Migrations(ctx context.Context, databaseURL string) ([]Migration, error) {
	if err := exists(databaseURL); err != nil {
		return nil, err
	}
	s, err := connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	provider, err := s.provider()
	if err != nil {
		return nil, err
	}
	defer s.closeProvider(provider)
	status, err := provider.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the state of the schema: %w", err)
	}
	list := make([]Migration, len(status))
	for i, m := range status {
		list[i] = Migration{Version: m.Source.Version, Name: m.Source.Path, Applied: m.AppliedAt}
	}
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the version of the schema: %w", err)
	}
	if current > target {
		list = append(list, Migration{Version: current})
	}
	return list, nil
}
