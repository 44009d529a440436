package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// decisions counts transactions that know what to write, which is when they come to a group.
type decisions struct{ atomic.Int64 }

// wait waits for so many, and until they have most likely come.
func (d *decisions) wait(n int64) {
	for d.Load() < n {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
}

// TestGroups holds that creates which PostgreSQL is sent in one transaction take nothing of each other with them.
func TestGroups(t *testing.T) {
	url := testkit.Postgres(t)
	store.Stuck(t, 5*time.Second)
	s := open(t, url)
	state := connected(t, s)()
	other, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	var decided decisions
	// create makes a contact for somebody whom nobody knows, by the person's name if there is no other id.
	create := func(ctx context.Context, name, id string) (found []store.Candidate, err error) {
		err = s.Tx(ctx, func(tx *store.Tx) error {
			r, err := tx.Recognise(store.Person{TenantID: "acme", Connection: "entra", UserName: name}, store.CompanyQuery{TenantID: "acme"}, state)
			if found = r.Candidates; err != nil || len(found) > 0 {
				return err
			}
			defer decided.Add(1)
			return tx.CreateContact(&desk.Contact{TenantID: "acme", ID: id, UserNameKey: name, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now})
		})
		return found, err
	}
	for _, name := range []string{"first", "second"} {
		if _, err := create(t.Context(), name, name); err != nil {
			t.Fatal(err)
		}
	}
	// while holds up all creates while f runs, by one of the tables that they need.
	while := func(table string, f func()) {
		t.Helper()
		hold, err := other.BeginTx(t.Context(), nil)
		if err == nil {
			_, err = hold.Exec("LOCK TABLE " + table + " IN ACCESS EXCLUSIVE MODE")
		}
		if err != nil {
			t.Fatal(err)
		}
		decided.Store(0)
		f()
		if err := hold.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	names := func(of string, n int) (names []string) {
		for i := range n {
			names = append(names, fmt.Sprint(of, i))
		}
		return names
	}
	there := func(ids []string) int {
		t.Helper()
		list, err := s.Read(t.Context()).ContactNames("acme", ids)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}

	var all sync.WaitGroup
	// push makes contacts for so many, each at once, and none of them may be known.
	push := func(of string, n int) {
		t.Helper()
		for _, name := range names(of, n) {
			all.Go(func() {
				if found, err := create(t.Context(), name, name); err != nil || len(found) > 0 {
					t.Errorf("%s: found %v, %v", name, found, err)
				}
			})
		}
	}
	gone, leave := context.WithCancel(t.Context())
	while("contacts", func() {
		push("head", 10) // as many as groups may be under way, and two
		decided.wait(10)
		push("new", 35)
		all.Go(func() {
			if found, err := create(t.Context(), "first", "again"); err != nil || len(found) != 1 {
				t.Errorf("somebody known: found %v, %v", found, err)
			}
		})
		var twins [2][]store.Candidate
		var both sync.WaitGroup
		for i := range twins {
			both.Go(func() {
				var err error
				if twins[i], err = create(t.Context(), "twin", fmt.Sprint("twin", i)); err != nil {
					t.Errorf("twin %d: %v", i, err)
				}
			})
		}
		all.Go(func() {
			both.Wait()
			if len(twins[0])+len(twins[1]) != 1 {
				t.Errorf("of two at once one found %v, the other one %v", twins[0], twins[1])
			}
		})
		all.Go(func() {
			if _, err := create(gone, "gone", "gone"); !errors.Is(err, context.Canceled) {
				t.Errorf("who has gone: %v", err)
			}
		})
		decided.wait(10 + 35 + 1 + 2 + 1)
		leave()
	})
	all.Wait()
	if n := there(names("new", 35)); n != 35 {
		t.Errorf("%d of 35 are there", n)
	}
	if n := there([]string{"twin0", "twin1", "gone", "again"}); n != 1 {
		t.Errorf("%d are there, want one of the twins", n)
	}

	settled := 0
	settle := func() { // after a surprise some ask
		t.Helper()
		for range store.Patience {
			settled++
			name := fmt.Sprint("settled", settled)
			if _, err := create(t.Context(), name, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle()
	while("contacts", func() {
		for i, name := range names("beside", 20) {
			id := name
			if i == 11 {
				id = "first"
			}
			all.Go(func() {
				var known *desk.Error
				_, err := create(t.Context(), name, id)
				if refused := errors.As(err, &known) && known.Kind == desk.Uniqueness; refused != (i == 11) || i != 11 && err != nil {
					t.Errorf("beside one that is refused, %d: %v", i, err)
				}
			})
		}
		decided.wait(20)
	})
	all.Wait()
	if n := there(names("beside", 20)); n != 19 {
		t.Errorf("%d of 19 are there", n)
	}

	settle()
	var lost []string
	var mu sync.Mutex
	while("contacts", func() {
		for _, name := range names("cut", 20) {
			all.Go(func() {
				var known *desk.Error
				_, err := create(t.Context(), name, name)
				switch {
				case err == nil:
				case errors.As(err, &known) && known.Kind == desk.Unavailable:
					mu.Lock()
					defer mu.Unlock()
					lost = append(lost, name)
				default:
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		decided.wait(20)
		var n int
		err := other.QueryRow("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n)
		if err != nil || n == 0 {
			t.Errorf("ended %d connections: %v", n, err)
		}
	})
	all.Wait()
	if n := there(lost); len(lost) == 0 || n != 0 {
		t.Errorf("of %d creates whose connection ended %d are there", len(lost), n)
	}
	if n := there(names("cut", 20)); n != 20-len(lost) {
		t.Errorf("%d of %d are there", n, 20-len(lost))
	}

	// One has to wait for a key that another transaction has taken.
	settle()
	hold, err := other.BeginTx(t.Context(), nil)
	if err == nil {
		_, err = hold.Exec("INSERT INTO contacts SELECT (jsonb_populate_record(c, '{\"id\": \"held\"}')).* FROM contacts c WHERE id = 'first'")
	}
	if err != nil {
		t.Fatal(err)
	}
	var held sync.WaitGroup
	while("connections", func() {
		push("more", 10)
		decided.wait(10)
		push("free", 10) // in a group with one that waits
		held.Go(func() {
			if _, err := create(t.Context(), "held", "held"); err != nil {
				t.Errorf("one that waits: %v", err)
			}
		})
		decided.wait(21)
	})
	all.Wait()
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	held.Wait()
}
