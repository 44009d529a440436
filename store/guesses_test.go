package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// connected makes a tenant, acme, with the connection entra, and returns what tells the state of that.
func connected(t *testing.T, s *store.Store) (state func() string) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		err := tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now})
		return errors.Join(err, tx.CreateConnection(&desk.Connection{TenantID: "acme", Slug: "entra", Name: "Entra", Provider: "entra", CreatedAt: tx.Now}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		t.Helper()
		d, err := s.Read(t.Context()).CurrentDirectory("acme", "entra")
		if err != nil {
			t.Fatal(err)
		}
		return d.State
	}
}

// TestGuesses holds that a create finds what is there, whatever the one before it found.
func TestGuesses(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		tx := func(f func(*store.Tx) error) {
			t.Helper()
			if err := s.Tx(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		state := connected(t, s)
		statements := store.Statements(t, s)
		var n atomic.Int64
		// create makes a contact where nobody is known, and returns what it found, and whether it guessed that at first and at last.
		create := func(ctx context.Context, name, state string) (r store.Recognition, guessed, right bool, err error) {
			t.Helper()
			statements.Take()
			p := store.Person{TenantID: "acme", Connection: "entra", UserName: name, Email: name}
			q := store.CompanyQuery{TenantID: "acme", Domain: "acme.example", Listings: []string{"acme.example", "*.example"}}
			err = s.Tx(ctx, func(tx *store.Tx) (err error) {
				if r, err = tx.Recognise(p, q, state); err != nil || len(r.Candidates) > 0 {
					return err
				}
				return tx.CreateContact(&desk.Contact{TenantID: "acme", ID: fmt.Sprintf("c%03d", n.Add(1)), UserNameKey: name, Domain: "acme.example", Status: desk.Active,
					CompanyID: strings.Join(r.Facts.Listed, ""), CreatedAt: tx.Now, ModifiedAt: tx.Now})
			})
			asked := false
			for _, q := range statements.Take() {
				if strings.HasPrefix(q.SQL, store.GuessBegin) {
					guessed = true
				} else if strings.Contains(q.SQL, "AS known FROM") {
					asked = true
				}
			}
			return r, guessed, guessed && !asked, err
		}
		guesses := s.Engine() == store.Postgres
		check := func(name, state string, want store.Recognition, guessed, right bool) {
			t.Helper()
			r, g, ok, err := create(t.Context(), name, state)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if fmt.Sprint(r) != fmt.Sprint(want) {
				t.Errorf("%s: found %+v, want %+v", name, r, want)
			}
			if g != (guesses && guessed) || ok != (guesses && right) {
				t.Errorf("%s: guessed %t, and rightly %t; want %t, %t", name, g, ok, guessed, right)
			}
		}
		found := func(state string, listed, linked []string, candidates ...store.Candidate) store.Recognition {
			return store.Recognition{State: state, Facts: desk.CompanyFacts{Domain: "acme.example", Listed: listed, Linked: linked}, Candidates: candidates}
		}
		before := state()
		nobody := found(before, nil, nil)
		check("a", before, nobody, false, false)
		check("b", before, nobody, true, true)
		check("c", "", nobody, false, false) // who does not know the state asks
		check("d", before, nobody, true, true)

		// Somebody is there: after that some ask.
		a := store.Candidate{ContactID: "c001", MatchedBy: "userName"}
		check("a", before, found(before, nil, nil, a), true, false)
		check("a", before, found(before, nil, nil, a), false, false)
		patience := func(want store.Recognition) {
			t.Helper()
			for range store.Patience {
				check(fmt.Sprint("patience", n.Load()), want.State, want, false, false)
			}
		}
		patience(nobody)
		check("f", before, nobody, true, true)

		// A company lists the domain, and has its first contact.
		tx(func(tx *store.Tx) error {
			return tx.CreateCompany(&desk.Company{TenantID: "acme", ID: "k1", Name: "Acme", NameKey: "acme", Domains: []string{"acme.example"}, CreatedAt: tx.Now})
		})
		check("g", before, found(before, []string{"k1"}, nil), true, false)
		check("h", before, found(before, []string{"k1"}, []string{"k1"}), false, false)
		check("i", before, found(before, []string{"k1"}, []string{"k1"}), true, true)

		// The connection changes, of which this request does not know, and the next one does.
		listed := func(state string) store.Recognition { return found(state, []string{"k1"}, []string{"k1"}) }
		tx(func(tx *store.Tx) error {
			c, err := tx.LockConnection("acme", "entra")
			c.Settings.KeepNames = true
			return errors.Join(err, tx.UpdateConnection(&c))
		})
		after := state()
		check("j", before, listed(after), true, false)
		patience(listed(after))
		check("k", after, listed(after), true, true)
		tx(func(tx *store.Tx) error {
			tenant, err := tx.LockTenant("acme")
			tenant.Fields = []desk.Field{{Name: "badge", Type: desk.FieldText}}
			return errors.Join(err, tx.UpdateTenant(&tenant))
		})
		before, after = after, state()
		check("l", before, listed(after), true, false)
		patience(listed(after))
		check("m", after, listed(after), true, true)
		pause := func(at *time.Time) {
			t.Helper()
			tx(func(tx *store.Tx) error {
				c, err := tx.LockConnection("acme", "entra")
				c.PausedAt = at
				return errors.Join(err, tx.UpdateConnection(&c))
			})
		}
		now := time.Now().UTC()
		pause(&now)
		check("n", after, listed(state()), true, false)
		pause(nil)
		patience(listed(after))

		// Both of two who push one person at once find them, or one does.
		var ids [2]store.Recognition
		fails := make(chan error, 2)
		for i := range ids {
			go func() {
				var err error
				ids[i], _, _, err = create(t.Context(), "same", after)
				fails <- err
			}()
		}
		if err := errors.Join(<-fails, <-fails); err != nil {
			t.Fatal(err)
		}
		if len(ids[0].Candidates)+len(ids[1].Candidates) != 1 {
			t.Errorf("two at once found %v and %v", ids[0].Candidates, ids[1].Candidates)
		}
	})
}

// TestUnsure holds that what a transaction, or a part of one, refuses by a guess it refuses by the answer.
func TestUnsure(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		state := connected(t, s)()
		errFault := errors.New("fault")
		runs, known := 0, 0
		// create fails for a person whom nobody knows, if refuse says so.
		create := func(ctx context.Context, id string, refuse bool) error {
			return s.Tx(ctx, func(tx *store.Tx) error {
				runs++
				r, err := tx.Recognise(store.Person{TenantID: "acme", Connection: "entra", UserName: id}, store.CompanyQuery{TenantID: "acme"}, state)
				if err != nil {
					return err
				}
				if len(r.Candidates) > 0 {
					known++
					return nil
				}
				if refuse {
					return errFault
				}
				return tx.CreateContact(&desk.Contact{TenantID: "acme", ID: id, UserNameKey: id, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now})
			})
		}
		expect := func(what string, err, want error, wantRuns, wantKnown int) {
			t.Helper()
			if s.Engine() == store.SQLite {
				wantRuns = runs // it guesses nothing
			}
			if !errors.Is(err, want) || want == nil && err != nil || runs != wantRuns || known != wantKnown {
				t.Errorf("%s: %v after %d runs, known to %d; want %v, %d, %d", what, err, runs, known, want, wantRuns, wantKnown)
			}
			runs, known = 0, 0
		}
		settled := 0
		settle := func() {
			t.Helper()
			for range store.Patience {
				settled++
				if err := create(t.Context(), fmt.Sprint("settled", settled), false); err != nil {
					t.Fatal(err)
				}
			}
			runs = 0
		}
		expect("the first", create(t.Context(), "a", false), nil, 1, 0)
		expect("a right guess", create(t.Context(), "b", false), nil, 1, 0)
		expect("a refusal by a right guess", create(t.Context(), "c", true), errFault, 2, 0)
		settle()
		expect("a refusal by a wrong guess", create(t.Context(), "a", true), nil, 2, 1)

		settle()
		expect("a right guess", create(t.Context(), "c", false), nil, 1, 0)
		together := func(steps ...func(context.Context) error) error {
			return s.Together(t.Context(), "acme", func(ctx context.Context) error {
				known = 0
				for _, step := range steps {
					if err := step(ctx); err != nil {
						return err
					}
				}
				return nil
			})
		}
		step := func(id string, refuse bool, want error) func(context.Context) error {
			return func(ctx context.Context) error {
				if err := create(ctx, id, refuse); !errors.Is(err, want) || want == nil {
					return err
				}
				return nil
			}
		}
		expect("right guesses together", together(step("d", false, nil), step("e", false, nil)), nil, 2, 0)
		expect("a refusal among them", together(step("f", false, nil), step("g", true, errFault), step("h", false, nil)), nil, 4, 0)
		settle()
		expect("a wrong guess among them", together(step("i", false, nil), step("a", false, nil), step("k", false, nil)), nil, 6, 1)
		settle()
		expect("a right guess", create(t.Context(), "l", false), nil, 1, 0)
		expect("one by one's own part", together(step("m", false, nil), step("m", false, nil), step("n", false, nil)), nil, 6, 1)
		settle()
		expect("a right guess", create(t.Context(), "o", false), nil, 1, 0)
		err := together(step("a", false, nil), func(ctx context.Context) error {
			if _, err := s.Read(ctx).ContactNames("acme", []string{"a"}); err != nil {
				return errFault // what came of the guess is not told on
			}
			return nil
		})
		expect("a wrong guess that is kept secret", err, nil, 2, 1)
		names, err := s.Read(t.Context()).ContactNames("acme", strings.Split("abcdefghijklmno", ""))
		if err != nil || len(names) != 13 {
			t.Errorf("at the end %v are there: %v", names, err)
		}
	})
}

// TestGuessesOfDepth holds that creates in domains of ever more levels find what others do, and leave no text of each behind.
func TestGuessesOfDepth(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		state := connected(t, s)()
		before := store.Texts()
		for levels := 1; levels <= 100; levels++ {
			q := store.CompanyQuery{TenantID: "acme", Domain: fmt.Sprint(levels), Listings: make([]string, levels)}
			for range 2 {
				err := s.Tx(t.Context(), func(tx *store.Tx) error {
					r, err := tx.Recognise(store.Person{TenantID: "acme", Connection: "entra", UserName: "ann"}, q, state)
					if err == nil && (r.State != state || r.Facts.Listed != nil) {
						t.Errorf("%d levels: found %+v", levels, r)
					}
					return err
				})
				if err != nil {
					t.Fatalf("%d levels: %v", levels, err)
				}
			}
		}
		if n := store.Texts() - before; n > 20 {
			t.Errorf("%d texts are kept", n)
		}
	})
}

// TestGuessesOfMany holds that guesses do not add up in memory.
func TestGuessesOfMany(t *testing.T) {
	if most := store.LearnGuesses(10_000); most > 4000 {
		t.Errorf("%d guesses are kept", most)
	}
}
