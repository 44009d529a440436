package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

func open(t *testing.T, databaseURL string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// TestEveryKeyLeadsWithTenant holds on the real schema of both engines, so that the tables can be distributed by tenant.
func TestEveryKeyLeadsWithTenant(t *testing.T) {
	// Kind (index or foreign key), name and first column of every key.
	const postgres = `
		SELECT 'index', i.relname, a.attname FROM pg_index x
		JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
		WHERE n.nspname = 'public' AND c.relname <> 'goose_db_version'
		UNION ALL
		SELECT 'foreign key', o.conname, a.attname FROM pg_constraint o
		JOIN pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = o.conkey[1] WHERE o.contype = 'f'`
	const sqlite = `
		SELECT 'index', i.name, c.name FROM pragma_table_list t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
		WHERE t.schema = 'main' AND t.type = 'table' AND t.name <> 'goose_db_version' AND c.seqno = 0
		UNION ALL
		SELECT 'foreign key', t.name, f."from" FROM pragma_table_list t, pragma_foreign_key_list(t.name) f WHERE t.schema = 'main' AND f.seq = 0`
	tables := []string{"tenants", "connections", "tokens", "companies", "company_domains", "contacts", "directory_users", "directory_user_emails", "events", "clients", "grants"}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		query := sqlite
		if s.Engine() == store.Postgres {
			query = postgres
		}
		db := testkit.OpenSQL(t, databaseURL)
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		keys := map[string]int{}
		for rows.Next() {
			var kind, name, first string
			if err := rows.Scan(&kind, &name, &first); err != nil {
				t.Fatal(err)
			}
			if first != "tenant_id" {
				t.Errorf("%s %s begins with %s", kind, name, first)
			}
			keys[kind]++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if keys["index"] < len(tables) || keys["foreign key"] < 5 {
			t.Errorf("looked at %v; the query misses some", keys)
		}
		for _, table := range tables {
			if _, err := db.Exec("SELECT tenant_id FROM " + table); err != nil {
				t.Errorf("%s: %v", table, err)
			}
		}
	})
}

func TestDurability(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	s := open(t, databaseURL)
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := store.Pragmas(t, s)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"} {
		if got[pragma] != want {
			t.Errorf("%s is %s, want %s", pragma, got[pragma], want)
		}
	}
}

func TestTimes(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		now := time.Date(2026, 3, 29, 2, 30, 0, 123456789, time.FixedZone("", 3*3600))
		s.Now = func() time.Time { return now }
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.CreateTenant(&desk.Tenant{ID: "t", CreatedAt: tx.Now})
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read(t.Context()).Tenant("t")
		if err != nil {
			t.Fatal(err)
		}
		if want := time.Date(2026, 3, 28, 23, 30, 0, 123456000, time.UTC); got.CreatedAt != want {
			t.Errorf("%v came back as %v", want, got.CreatedAt)
		}
	})
}

func TestOpenErrors(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, []byte("this is no database, and long enough to be seen as none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"":                                   "want sqlite:PATH or postgres://",
		"sqlite:":                            "want sqlite:PATH or postgres://",
		"mysql://root:secret@localhost/x":    "want sqlite:PATH or postgres://",
		"sqlite:/no/such/folder/rollcall.db": "folder /no/such/folder does not exist",
		"sqlite:" + blocked:                  "not a database",
		"postgres://u:secret@127.0.0.1:1/x":  "refused",
		"postgres://u:secret@%zz/x":          "not a PostgreSQL URL",
	} {
		_, err := store.Open(t.Context(), url)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", url, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: the error shows the password, or has several lines: %v", url, err)
		}
	}
}

func TestMigrations(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		if _, err := store.Migrations(t.Context(), databaseURL); err == nil && strings.HasPrefix(databaseURL, "sqlite:") {
			t.Error("looking at a database that does not exist made one")
		}
		// Servers that start at the same moment bring the schema up to date once.
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				s, err := store.Open(context.Background(), databaseURL)
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		wg.Wait()
		steps, err := store.Migrations(t.Context(), databaseURL)
		if err != nil || len(steps) == 0 {
			t.Fatal(steps, err)
		}
		for _, step := range steps {
			if step.Applied.IsZero() || step.Name == "" {
				t.Errorf("%+v is not applied", step)
			}
		}
		db := testkit.OpenSQL(t, databaseURL)
		if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, " + truth(databaseURL) + ")"); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(t.Context(), databaseURL); err == nil || !strings.Contains(err.Error(), "use a newer rollcall") {
			t.Errorf("a newer schema gives %v", err)
		}
	})
}

func truth(databaseURL string) string {
	if strings.HasPrefix(databaseURL, "sqlite:") {
		return "1"
	}
	return "true"
}

func TestUniqueness(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		ctx := t.Context()
		create := func(f func(*store.Tx) error) *desk.Error {
			err := s.Tx(ctx, f)
			if err == nil {
				return nil
			}
			return desk.AsError(err)
		}
		tenant := func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "t"}) }
		connection := func(tx *store.Tx) error {
			return tx.CreateConnection(&desk.Connection{TenantID: "t", Slug: "c", Provider: "entra"})
		}
		company := func(tx *store.Tx) error {
			return tx.CreateCompany(&desk.Company{TenantID: "t", ID: store.NewID(), NameKey: "acme", Domains: []string{"acme.example"}})
		}
		n := 0
		user := func(externalID, userName, contact string) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				n++
				return tx.CreateUser(&desk.DirectoryUser{TenantID: "t", Connection: "c", ID: fmt.Sprint(n), ContactID: &contact, Resource: "{}", ExternalID: &externalID, UserNameKey: userName}, nil)
			}
		}
		if err := create(tenant); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"1", "2", "3"} {
			if err := create(func(tx *store.Tx) error {
				return tx.CreateContact(&desk.Contact{TenantID: "t", ID: id, Status: desk.Active})
			}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			field string
			f     func(*store.Tx) error
		}{
			{"tenant", tenant}, {"", connection}, {"connection", connection}, {"", company}, {"name", company},
			{"", user("x1", "u1", "1")}, {"externalId", user("x1", "u2", "2")}, {"userName", user("x2", "u1", "2")}, {"contact", user("x3", "u3", "1")},
		} {
			err := create(c.f)
			switch {
			case c.field == "" && err != nil:
				t.Fatal(err)
			case c.field != "" && (err == nil || err.Kind != desk.Uniqueness || err.Field != c.field):
				t.Errorf("got %v, want Uniqueness of %s", err, c.field)
			}
		}
		// Other databases' errors say nothing to clients.
		err := create(user("x9", "u9", "nobody"))
		if err == nil || err.Kind != desk.Internal || err.Msg != "internal error" {
			t.Errorf("a broken reference gives %v", err)
		}
	})
}

func TestRollback(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			if err := tx.CreateTenant(&desk.Tenant{ID: "t"}); err != nil {
				return err
			}
			return desk.Errorf(desk.Conflict, "", "no")
		})
		if desk.KindOf(err) != desk.Conflict {
			t.Fatal(err)
		}
		if _, err := s.Read(t.Context()).Tenant("t"); desk.KindOf(err) != desk.NotFound {
			t.Errorf("a rolled-back row is there: %v", err)
		}
	})
}

// TestUpgrade opens a database of the first version, with what it holds. A server that has it open at that moment goes on.
func TestUpgrade(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		old := store.OpenAt(t, databaseURL, 1)
		at := "'2026-01-02 03:04:05+00'"
		if old.Engine() == store.SQLite {
			at = "1767323045000000"
		}
		store.Exec(t, old, "INSERT INTO tenants (tenant_id, name, created_at) VALUES ('t', 'T', "+at+")")
		store.Exec(t, old, "INSERT INTO connections (tenant_id, slug, name, provider, created_at) VALUES ('t', 'c', 'C', 'entra', "+at+")")
		for _, id := range []string{"1", "2", "3"} {
			store.Exec(t, old, "INSERT INTO contacts (tenant_id, id, display_name, user_name, title, company_id, company_reason, status, deleted_by, created_at, modified_at, user_name_key, email_key, domain, search_key)"+
				" VALUES ('t', '"+id+"', '', '', '', '', 'no_match', 'active', '', "+at+", "+at+", '', '', '', 'kofi "+id+"')")
		}
		// Of the first, two directories have a user, of the second one, of the third none.
		for contact, connections := range map[string][]string{"1": {"c", "d"}, "2": {"c"}} {
			for _, slug := range connections {
				store.Exec(t, old, "INSERT INTO directory_users (tenant_id, connection, id, contact_id, active, resource, version, created_at, modified_at, user_name_key)"+
					" VALUES ('t', '"+slug+"', '"+contact+"', '"+contact+"', "+fmt.Sprint(slug == "c")+", '{}', 1, "+at+", "+at+", '"+contact+"')")
			}
		}
		if _, err := old.Read(t.Context()).Companies("t", "", 10); err != nil {
			t.Fatal(err)
		}
		store.WalkStep(t, 1)
		upgraded := open(t, databaseURL)
		for _, s := range []*store.Store{upgraded, old} {
			r := s.Read(t.Context())
			tenant, err := r.Tenant("t")
			if err != nil || tenant.Name != "T" || len(tenant.Fields) != 0 || !tenant.CreatedAt.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
				t.Errorf("tenant %+v, %v", tenant, err)
			}
			connections, err := r.Connections("t")
			if err != nil || len(connections) != 1 || connections[0].RecorderKey != "" {
				t.Errorf("connections %+v, %v", connections, err)
			}
			if found, _, err := r.Contacts(store.ContactQuery{TenantID: "t", Text: "kofi", Limit: 10}); err != nil || len(found) != 3 || found[0].Directories != 2 || found[0].Disabled != 1 || found[1].Directories != 1 || found[1].Disabled != 0 || found[2].Directories != 0 {
				t.Errorf("found %+v, %v", found, err)
			}
		}
	})
}

// TestNotesBesideTransactions holds that what is noted beside requests waits for its turn, and keeps no transaction from its next statement.
func TestNotesBesideTransactions(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		began := time.Now()
		var notes sync.WaitGroup
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			if err := tx.CreateTenant(&desk.Tenant{ID: "t", CreatedAt: tx.Now}); err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			t.Cleanup(cancel)
			for i := range 4 {
				notes.Go(func() {
					err := s.UseToken(ctx, "t", fmt.Sprint(i), tx.Now, "")
					if _, held := s.HoldJob(ctx, "job", "holder", time.Minute); err != nil || held != nil {
						t.Error(err, held)
					}
				})
			}
			time.Sleep(200 * time.Millisecond) // they wait
			_, err := tx.LockTenant("t")
			return err
		})
		notes.Wait()
		if took := time.Since(began); err != nil || took > 5*time.Second {
			t.Errorf("%v, after %v", err, took)
		}
	})
}

// TestFilesOfOwner holds that nobody else on the machine can read a SQLite database, be it in the files beside it.
func TestFilesOfOwner(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	s := open(t, databaseURL)
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}) }); err != nil {
		t.Fatal(err)
	}
	for _, beside := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(strings.TrimPrefix(databaseURL, "sqlite:") + beside)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%q: %v, %v", beside, info, err)
		}
	}
}

// TestGivenUp holds that a connection to PostgreSQL is closed whose request was given up, and not handed to another that waits for one.
func TestGivenUp(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		if s.Engine() != store.Postgres {
			return
		}
		if err := s.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		before := store.Connections(s)
		ctx, giveUp := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer giveUp()
		if err := store.AskLong(ctx, s); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a question that was given up returns %v", err)
		}
		if after := store.Connections(s); after != before-1 {
			t.Errorf("there are %d connections, want %d", after, before-1)
		}
	})
}

// TestExecModes writes JSON as PostgreSQL takes it where it is not asked for the types of arguments, as behind a pooler.
func TestExecModes(t *testing.T) {
	plain := testkit.Postgres(t)
	open(t, plain)
	separator := "?"
	if strings.Contains(plain, "?") {
		separator = "&"
	}
	for _, mode := range []string{"cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			s := open(t, plain+separator+"default_query_exec_mode="+mode)
			err := s.Tx(t.Context(), func(tx *store.Tx) error {
				if err := tx.CreateTenant(&desk.Tenant{ID: mode, CreatedAt: tx.Now}); err != nil {
					return err
				}
				c := desk.Contact{TenantID: mode, ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
				c.Emails = []desk.Address{{Type: "work", Value: "ann@acme.example"}}
				if err := tx.CreateContact(&c); err != nil {
					return err
				}
				changed := c
				changed.Emails = []desk.Address{{Type: "home", Value: "ann@acme.example"}}
				return tx.UpdateContact(&c, &changed)
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
