package provision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
)

func TestContactCounts(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example")
		w.make("By hand", "", "")
		w.make("Kofi", "kofi@acme.example", "")
		w.must(w.DeleteContact(w.ctx(), w.agent, w.make("Gone", "", "gone@acme.example").ID, nil))
		w.push(w.a, user("kofi@acme.example")) // adopted
		w.push(w.a, user("ann@acme.example"))
		w.set(w.a, w.push(w.a, user("left@acme.example")).ID, "active", false)
		got, err := w.ContactCounts(w.ctx(), w.agent)
		w.must(err)
		n := func(n int) desk.Count { return desk.Count{N: n} }
		if diff := cmp.Diff(provision.ContactCounts{All: n(5), Active: n(3), Deleted: n(2), Verified: n(1), Unsynced: n(1)}, got); diff != "" {
			t.Error(diff)
		}
		companies, err := w.CompanyContacts(w.ctx(), w.agent, acme)
		w.must(err)
		if diff := cmp.Diff(map[string]desk.Count{acme: n(2)}, companies); diff != "" {
			t.Error(diff)
		}
	})
}
