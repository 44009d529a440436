package store_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

var update = flag.Bool("update", false, "write the lists of the schema's parts anew")

// TestSchemaParts holds the lists by which doctor judges a schema to what the steps make.
func TestSchemaParts(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		got := strings.Join(store.Parts(t, s), "\n") + "\n"
		file := "schema/" + string(s.Engine()) + ".txt"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
			t.Errorf("%s is not what the steps make; go test ./store -run SchemaParts -update writes it anew\n%s", file, diff)
		}
	})
}

// TestSchemaDiagnosis takes away each index, trigger and function after the other, and holds that it is missed, that nothing else is, and
// that the statement which is then advised makes the schema whole again.
func TestSchemaDiagnosis(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		diagnose := func() (list []string) {
			t.Helper()
			other, findings := store.Diagnose(t.Context(), databaseURL)
			if other == nil {
				t.Fatal(findings)
			}
			other.Close()
			for _, f := range findings {
				if f.Name == "schema" && f.Health == desk.HealthFailing {
					list = append(list, f.Message)
				}
			}
			return list
		}
		program := map[store.Engine]string{store.SQLite: "sqlite3", store.Postgres: "psql"}[s.Engine()]
		mended := func(what string, statements ...string) {
			t.Helper()
			for _, statement := range statements {
				store.Exec(t, s, statement)
			}
			got := diagnose()
			if len(got) != 1 || !strings.HasPrefix(got[0], what) {
				t.Fatalf("%s: %q", what, got)
			}
			_, advice, ok := strings.Cut(got[0], "; run this in "+program+": ")
			if !ok {
				t.Fatalf("%s: no statement in %q", what, got)
			}
			drop, make, both := strings.Cut(advice, "; CREATE ")
			if store.Exec(t, s, drop); both {
				store.Exec(t, s, "CREATE "+make)
			}
			if got := diagnose(); got != nil {
				t.Fatalf("%s, mended by %s: %q", what, advice, got)
			}
		}
		if got := diagnose(); got != nil {
			t.Fatalf("a whole schema: %q", got)
		}
		tried := 0
		for _, line := range store.Parts(t, s) {
			what, _, _ := strings.Cut(line, ", ")
			words := strings.Fields(strings.TrimPrefix(what, "unique "))
			drop := "DROP " + words[0] + " " + words[1]
			switch {
			case words[0] == "index" && strings.HasSuffix(words[1], "_pkey"): // the table's own
				continue
			case words[0] == "trigger" && s.Engine() == store.Postgres:
				drop += " ON " + words[3]
			case words[0] != "index" && words[0] != "trigger":
				continue
			}
			tried++
			mended(what+" is missing", drop)
		}
		if tried < 40 {
			t.Errorf("%d parts were taken away", tried)
		}
		if s.Engine() == store.SQLite {
			mended("trigger events_kept of events is another one", "DROP TRIGGER events_kept", "CREATE TRIGGER events_kept BEFORE DELETE ON events BEGIN SELECT 1; END")
			mended("index contacts_email of contacts is another one", "DROP INDEX contacts_email", "CREATE INDEX contacts_email ON contacts (tenant_id)")
		} else {
			mended("trigger events_kept of events is disabled", "ALTER TABLE events DISABLE TRIGGER events_kept")
			mended("function events_kept is another one", "CREATE OR REPLACE FUNCTION events_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN OLD; END $$")
			// Of an index each of what it is made of counts, and nothing that an operator may tune.
			for _, other := range []string{"(tenant_id)", "(email_key, tenant_id)", "(tenant_id, email_key DESC)", "(tenant_id, email_key) WHERE email_key > ''", "(tenant_id, email_key text_pattern_ops)",
				`(tenant_id, email_key COLLATE "POSIX")`, "(tenant_id, lower(email_key))"} {
				mended("index contacts_email of contacts is another one", "DROP INDEX contacts_email", "CREATE INDEX contacts_email ON contacts "+other)
			}
			mended("index contacts_search of contacts is another one", "DROP INDEX contacts_search", "CREATE INDEX contacts_search ON contacts USING gist (search_key gist_trgm_ops)")
			mended("trigger events_kept of events is another one", "DROP TRIGGER events_kept ON events",
				"CREATE TRIGGER events_kept BEFORE DELETE ON events FOR EACH ROW WHEN (OLD.actor_type = 'agent') EXECUTE FUNCTION events_kept()")
			mended("index contacts_email of contacts is not valid", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'contacts_email'::regclass")
			mended("unique index events_pkey of events is not valid", "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'events_pkey'::regclass")
			store.Exec(t, s, "ALTER TABLE purges DROP CONSTRAINT purges_pkey")
			if got := diagnose(); len(got) != 1 || !strings.HasPrefix(got[0], "unique index purges_pkey of purges is missing; its table's own statement makes it") {
				t.Errorf("a missing primary key: %q", got)
			}
			store.Exec(t, s, "ALTER TABLE purges ADD PRIMARY KEY (tenant_id)")
			mended("unique index tokens_hash of tokens is missing", "DROP INDEX tokens_hash", "CREATE INDEX tokens_hash_too ON tokens (tenant_id, hash)")
		}
		if s.Engine() == store.Postgres {
			store.Exec(t, s, "ALTER INDEX contacts_email SET (fillfactor = 70)")
			store.Exec(t, s, "CREATE SCHEMA elsewhere")
			store.Exec(t, s, "ALTER EXTENSION pg_trgm SET SCHEMA elsewhere")
			if got := diagnose(); got != nil {
				t.Errorf("a tuned index, and an extension in a schema of its own: %q", got)
			}
		}
		store.Exec(t, s, "CREATE INDEX own ON contacts (tenant_id, title)")
		if got := diagnose(); got != nil {
			t.Errorf("an index of the operator's own: %q", got)
		}
		store.Exec(t, s, "ALTER TABLE tickets DROP COLUMN subject")
		if got := diagnose(); len(got) != 1 || got[0] != "column subject of tickets is missing; restore the last backup: what was in it is gone" {
			t.Errorf("a missing column: %q", got)
		}
		store.Exec(t, s, "DROP TABLE tickets")
		if got := diagnose(); len(got) != 1 || got[0] != "table tickets is missing; restore the last backup: what was in it is gone" {
			t.Errorf("a missing table: %q", got)
		}
	})
}
