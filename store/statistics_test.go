package store_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestAnalyze holds that PostgreSQL learns soon how large a table has become, and is not bothered again as long as it stays so.
func TestAnalyze(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		const people = 400
		large := desk.Profile{Title: strings.Repeat("x", 500)}
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			if err := tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}); err != nil {
				return err
			}
			for range people {
				if err := tx.CreateContact(&desk.Contact{TenantID: "acme", ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now, Profile: large}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Analyze(t.Context()); err != nil {
			t.Fatal(err)
		}
		if s.Engine() != store.Postgres {
			return
		}
		db := testkit.OpenSQL(t, databaseURL)
		known, times := 0, 0
		if err := db.QueryRow("SELECT reltuples FROM pg_class WHERE oid = 'contacts'::regclass").Scan(&known); err != nil || known != people {
			t.Errorf("it believes in %d contacts, %v", known, err)
		}
		const analyzed = "SELECT analyze_count + autoanalyze_count FROM pg_stat_user_tables WHERE relid = 'contacts'::regclass"
		for deadline := time.Now().Add(time.Minute); times == 0; time.Sleep(100 * time.Millisecond) { // PostgreSQL counts with a delay
			if time.Now().After(deadline) {
				t.Fatal("it counts nothing")
			}
			if err := db.QueryRow(analyzed).Scan(&times); err != nil {
				t.Fatal(err)
			}
		}
		for range 3 {
			if err := s.Analyze(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.QueryRow(analyzed).Scan(&known); err != nil || known != times {
			t.Errorf("looked at %d times, then %d times, %v", times, known, err)
		}
	})
}

// TestAnalyzeSchema holds that it does so in a schema whose name is to be quoted.
func TestAnalyzeSchema(t *testing.T) {
	databaseURL := testkit.Postgres(t)
	if _, err := testkit.OpenSQL(t, databaseURL).Exec(`CREATE SCHEMA "My-Schema"`); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", `"My-Schema"`)
	u.RawQuery = q.Encode()
	if err := open(t, u.String()).Analyze(t.Context()); err != nil {
		t.Error(err)
	}
}
