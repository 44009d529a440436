package store_test

import (
	"errors"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestLookedUp holds what comes of users who are looked up and then changed: the change reads nothing, and goes by nothing that is no
// longer so.
func TestLookedUp(t *testing.T) {
	s := open(t, testkit.Postgres(t))
	withUsers(t, s, 2)
	statements := store.Statements(t, s)
	asked := func() (list []string) { // reads, and guesses with the locks that they take
		for _, q := range statements.Take() {
			if strings.HasPrefix(q.SQL, "SELECT") {
				list = append(list, q.SQL)
			}
		}
		return list
	}
	userName := desk.Attribute{Path: []string{"userName"}, Multi: -1}
	byID := func(id string) (desk.DirectoryUser, error) { return s.Read(t.Context()).User("acme", "entra", id) }
	lookUps := map[string]func() (desk.DirectoryUser, error){
		"by id": func() (desk.DirectoryUser, error) { return byID("u0") },
		"by name": func() (desk.DirectoryUser, error) {
			list, err := s.Read(t.Context()).Users("acme", "entra", desk.UserQuery{Filter: desk.Compare{Attr: userName, Op: desk.Eq, Value: "user0"}, Limit: 10})
			return append(list, desk.DirectoryUser{})[0], err
		},
	}
	meanwhile := func(f func(tx *store.Tx) error) func() {
		return func() {
			t.Helper()
			if err := s.Tx(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
	}
	lock := func(tx *store.Tx, state string) error {
		_, err := tx.LockUser("acme", "entra", "u0", state)
		return err
	}
	add := func(tx *store.Tx, state string) error { return countIn(tx, "u0", state) }
	addOnce := meanwhile(func(tx *store.Tx) error { return add(tx, "") })
	errFault := errors.New("fault")
	sum := 0
	for _, test := range []struct {
		what   string
		before func() // the change, and after the look-up
		change func(tx *store.Tx, state string) error
		runs   int
		asks   int
		added  int
		want   error
	}{
		{"a change", nil, add, 1, 1, 1, nil},
		{"nothing changed", nil, lock, 2, 2, 0, nil},
		{"a refusal", nil, func(tx *store.Tx, state string) error { return errors.Join(add(tx, state), errFault) }, 2, 2, 0, errFault},
		{"a state that is not known", nil, func(tx *store.Tx, _ string) error { return add(tx, "") }, 1, 3, 1, nil},
		{"the same change before", addOnce, add, 2, 3, 2, nil},
		{"another change before", meanwhile(func(tx *store.Tx) error {
			c, err := tx.LockContact("acme", "c0")
			changed := c
			changed.Directories++
			u, failed := tx.User("acme", "entra", "u0")
			next := u
			next.Version++
			return errors.Join(err, failed, tx.UpdateContact(&c, &changed), tx.UpdateUser(&u, &next, nil, nil))
		}), lock, 2, 2, 1, nil},
		{"other settings before", meanwhile(func(tx *store.Tx) error {
			c, err := tx.LockConnection("acme", "entra")
			c.Settings.KeepNames = !c.Settings.KeepNames
			return errors.Join(err, tx.UpdateConnection(&c))
		}), add, 2, 3, 1, nil},
	} {
		for how, lookUp := range lookUps {
			state := stateOf(t, s)
			addOnce() // after which a look-up reads the contact
			if u, err := lookUp(); err != nil || u.ID != "u0" {
				t.Fatalf("%s: %q, %v", how, u.ID, err)
			}
			if test.before != nil {
				test.before()
			}
			asked()
			runs := 0
			err := s.Tx(t.Context(), func(tx *store.Tx) error { runs++; return test.change(tx, state) })
			if list := asked(); !errors.Is(err, test.want) || test.want == nil && err != nil || runs != test.runs || len(list) != test.asks {
				t.Errorf("%s, of one looked up %s: %v after %d runs that asked %q; want %v, %d, %d questions", test.what, how, err, runs, list, test.want, test.runs, test.asks)
			}
			sum += 1 + test.added
		}
	}
	if user, contact := counted(t, s, "u0"); int(user) != sum || contact != sum {
		t.Errorf("at the end the user counts %d, and the contact %d; want %d", user, contact, sum)
	}

	// One who is gone, and one who has no contact.
	state := stateOf(t, s)
	u, err := byID("u1")
	if err != nil {
		t.Fatal(err)
	}
	held := desk.DirectoryUser{TenantID: "acme", Connection: "entra", ID: "u2", Resource: "{}", UserNameKey: "user2", Held: desk.HeldScope}
	meanwhile(func(tx *store.Tx) error { return errors.Join(tx.DeleteUser(&u, nil), tx.CreateUser(&held, nil)) })()
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return countIn(tx, "u1", state) }); desk.KindOf(err) != desk.NotFound {
		t.Errorf("a change of one who is gone: %v", err)
	}
	if u, err := byID("u2"); err != nil || u.UserNameKey != "user2" {
		t.Errorf("one without a contact is looked up as %+v, %v", u, err)
	}
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { _, err := tx.LockUser("acme", "entra", "u2", state); return err }); err != nil {
		t.Errorf("to change one without a contact: %v", err)
	}

	// Where nobody is changed, look-ups do not read contacts; nor do they where somebody is large.
	alone := func() bool {
		t.Helper()
		asked()
		if _, err := byID("u0"); err != nil {
			t.Fatal(err)
		}
		list := asked()
		return len(list) == 1 && !strings.Contains(list[0], "contacts")
	}
	addOnce()
	if alone() {
		t.Error("after a change a look-up reads no contact")
	}
	for range 40 {
		alone()
	}
	if !alone() {
		t.Error("after many look-ups one reads the contact")
	}
	say := func(resource string) {
		t.Helper()
		meanwhile(func(tx *store.Tx) error {
			u, err := tx.User("acme", "entra", "u0")
			said := u
			said.Resource = resource
			return errors.Join(err, tx.UpdateUser(&u, &said, nil, nil))
		})()
	}
	say(`{"displayName":"` + strings.Repeat("x", 9000) + `"}`)
	addOnce()
	if alone() || !alone() {
		t.Error("of somebody large, a look-up does not read the contact, or the next one does")
	}

	// What was looked up long ago counts no longer.
	store.LookedUpFor(t, 0)
	say("{}")
	if alone() {
		t.Error("after a change a look-up reads no contact")
	}
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return add(tx, state) }); err != nil {
		t.Error(err)
	}
	if list := asked(); len(list) != 3 {
		t.Errorf("a change long after the look-up asks %q", list)
	}
}
