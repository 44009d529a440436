package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// withUsers makes users of the connection entra of acme, u0 and so on, each with a contact, c0 and so on.
func withUsers(t *testing.T, s *store.Store, n int) {
	t.Helper()
	connected(t, s)
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		for i := range n {
			name, contact := fmt.Sprint("user", i), fmt.Sprint("c", i)
			err := tx.CreateContact(&desk.Contact{TenantID: "acme", ID: contact, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now})
			if err == nil {
				err = tx.CreateUser(&desk.DirectoryUser{
					TenantID: "acme", Connection: "entra", ID: fmt.Sprint("u", i), ContactID: &contact, Resource: "{}", UserNameKey: name, CreatedAt: tx.Now, ModifiedAt: tx.Now,
				}, nil)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count adds one to what a user and its contact count.
func count(tx *store.Tx, id string) error { return countIn(tx, id, "") }

// countIn does so for who takes the connection's state for that.
func countIn(tx *store.Tx, id, state string) error {
	l, err := tx.LockUser("acme", "entra", id, state)
	if err != nil {
		return err
	}
	user, contact := l.User, l.Contact
	user.Version++
	contact.Directories++
	return errors.Join(tx.UpdateUser(&l.User, &user, nil, nil), tx.UpdateContact(&l.Contact, &contact))
}

// counted returns what a user and its contact count.
func counted(t *testing.T, s *store.Store, id string) (user int64, contact int) {
	t.Helper()
	u, err := s.Read(t.Context()).User("acme", "entra", id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Read(t.Context()).Contact("acme", *u.ContactID)
	if err != nil {
		t.Fatal(err)
	}
	return u.Version, c.Directories
}

// stateOf returns the state of the connection.
func stateOf(t *testing.T, s *store.Store) (state string) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		l, err := tx.LockUser("acme", "entra", "u0", "")
		state = l.State
		return err
	})
	if err != nil || state == "" {
		t.Fatalf("the state is %q, %v", state, err)
	}
	return state
}

// TestChangesAtOnce holds that no change of a user is lost to another one, be it of the same user or of one in the same group.
func TestChangesAtOnce(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		const users, workers, rounds = 3, 8, 15
		withUsers(t, s, users)
		state := stateOf(t, s)
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				for i := range rounds * users {
					id, known := fmt.Sprint("u", (w+i)%users), ""
					if w%2 == 0 {
						if _, err := s.Read(t.Context()).User("acme", "entra", id); err != nil {
							t.Error(err)
						}
						known = state
					}
					if err := s.Tx(t.Context(), func(tx *store.Tx) error { return countIn(tx, id, known) }); err != nil {
						t.Errorf("%s: %v", id, err)
					}
				}
			})
		}
		all.Wait()
		for i := range users {
			if user, contact := counted(t, s, fmt.Sprint("u", i)); user != workers*rounds || contact != workers*rounds {
				t.Errorf("user %d counts %d, and its contact %d; want %d", i, user, contact, workers*rounds)
			}
		}
	})
}

// TestReadBefore holds what comes of users who are read before the transaction begins that changes them.
func TestReadBefore(t *testing.T) {
	s := open(t, testkit.Postgres(t))
	withUsers(t, s, 1)
	statements := store.Statements(t, s)
	asked := func() (guess, lock bool) {
		for _, q := range statements.Take() {
			guess = guess || strings.Contains(q.SQL, "set_config")
			lock = lock || strings.HasSuffix(q.SQL, "FOR UPDATE OF c, u")
		}
		return guess, lock
	}
	change := func(what string, wantRuns int, wantGuess, wantLock bool, want error, f func(tx *store.Tx, run int) error) {
		t.Helper()
		statements.Take()
		runs := 0
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			runs++
			return f(tx, runs)
		})
		guess, lock := asked()
		if !errors.Is(err, want) || want == nil && err != nil || runs != wantRuns || guess != wantGuess || lock != wantLock {
			t.Errorf("%s: %v after %d runs, guessed %t, locked %t; want %v, %d, %t, %t", what, err, runs, guess, lock, want, wantRuns, wantGuess, wantLock)
		}
	}
	meanwhile := func(f func(tx *store.Tx) error) {
		t.Helper()
		if err := s.Tx(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	errFault := errors.New("fault")
	change("a change", 1, true, false, nil, func(tx *store.Tx, _ int) error { return count(tx, "u0") })
	change("nothing changed", 1, false, false, nil, func(tx *store.Tx, _ int) error {
		_, err := tx.LockUser("acme", "entra", "u0", "")
		return err
	})
	change("a refusal", 1, false, false, errFault, func(tx *store.Tx, _ int) error {
		return errors.Join(count(tx, "u0"), errFault)
	})
	change("nobody", 1, false, true, nil, func(tx *store.Tx, _ int) error {
		if _, err := tx.LockUser("acme", "entra", "nobody", ""); desk.KindOf(err) != desk.NotFound {
			return errors.New("found")
		}
		return nil
	})
	for _, what := range []string{"user", "contact"} {
		change("another change of the "+what+" meanwhile", 2, true, true, nil, func(tx *store.Tx, run int) error {
			err := count(tx, "u0")
			if run == 1 {
				meanwhile(func(tx *store.Tx) error {
					if what == "user" {
						u, err := tx.User("acme", "entra", "u0")
						changed := u
						changed.Version += 10
						return errors.Join(err, tx.UpdateUser(&u, &changed, nil, nil))
					}
					c, err := tx.LockContact("acme", "c0")
					changed := c
					changed.Directories += 10
					return errors.Join(err, tx.UpdateContact(&c, &changed))
				})
			}
			return err
		})
	}
	change("other settings meanwhile", 2, true, true, nil, func(tx *store.Tx, run int) error {
		err := count(tx, "u0")
		if run == 1 {
			meanwhile(func(tx *store.Tx) error {
				c, err := tx.LockConnection("acme", "entra")
				c.Settings.KeepNames = true
				return errors.Join(err, tx.UpdateConnection(&c))
			})
		}
		return err
	})
	change("a question after it", 1, true, false, nil, func(tx *store.Tx, _ int) error {
		err := count(tx, "u0")
		names, asked := tx.ContactNames("acme", []string{"c0"})
		if len(names) != 1 {
			return errors.New("no contact")
		}
		return errors.Join(err, asked)
	})
	if user, contact := counted(t, s, "u0"); user != 15 || contact != 15 {
		t.Errorf("at the end the user counts %d, and the contact %d; want 15", user, contact)
	}

	// A part of several reads what those before it wrote.
	err := s.Together(t.Context(), "acme", func(ctx context.Context) error {
		for range 3 {
			if err := s.Tx(ctx, func(tx *store.Tx) error { return count(tx, "u0") }); err != nil {
				return err
			}
		}
		return nil
	})
	if user, contact := counted(t, s, "u0"); err != nil || user != 18 || contact != 18 {
		t.Errorf("after three together, %v, the user counts %d, and the contact %d; want 18", err, user, contact)
	}
}

// TestRename holds that a user who cannot have a name has no other change run again.
func TestRename(t *testing.T) {
	url := testkit.Postgres(t)
	store.Stuck(t, 5*time.Second)
	s := open(t, url)
	const users = 20
	withUsers(t, s, users)
	hold, err := testkit.OpenSQL(t, url).BeginTx(t.Context(), nil)
	if err == nil {
		_, err = hold.Exec("LOCK TABLE contacts IN EXCLUSIVE MODE") // they can be read
	}
	if err != nil {
		t.Fatal(err)
	}
	var decided decisions
	var all sync.WaitGroup
	for i := 2; i < users; i++ {
		all.Go(func() {
			runs := 0
			err := s.Tx(t.Context(), func(tx *store.Tx) error {
				runs++
				defer decided.Add(1)
				return count(tx, fmt.Sprint("u", i))
			})
			if err != nil || runs != 1 {
				t.Errorf("user %d: %v after %d runs", i, err, runs)
			}
		})
	}
	decided.wait(users - 2)
	refused := make(chan error)
	go func() {
		refused <- s.Tx(t.Context(), func(tx *store.Tx) error {
			l, err := tx.LockUser("acme", "entra", "u0", "")
			renamed := l.User
			renamed.UserNameKey = "user1"
			defer decided.Add(1)
			return errors.Join(err, tx.UpdateUser(&l.User, &renamed, nil, nil))
		})
	}()
	decided.wait(users - 1)
	if err := hold.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-refused; desk.KindOf(err) != desk.Uniqueness {
		t.Errorf("a taken name: %v", err)
	}
	all.Wait()
}
