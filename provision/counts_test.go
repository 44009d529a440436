package provision_test

import (
	"fmt"
	"testing"
	"time"

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

// TestUnmappedContacts counts contacts whose domain no company lists: a few each time, many once a minute.
func TestUnmappedContacts(t *testing.T) {
	both(t, func(w *world) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		w.Store.Now = func() time.Time { return now }
		wants := func(contacts, domains int, largest ...provision.UnmappedDomain) {
			w.Helper()
			got, err := w.UnmappedContacts(w.ctx(), w.agent)
			w.must(err)
			if diff := cmp.Diff(provision.Unmapped{Contacts: contacts, Domains: domains, Largest: largest}, got); diff != "" {
				w.Errorf("%s", diff)
			}
		}
		of := func(domain string, contacts int) provision.UnmappedDomain {
			return provision.UnmappedDomain{Domain: domain, Contacts: contacts}
		}
		wants(0, 0)
		w.company("Acme", "acme.example", "*.shared.example")
		w.company("Beta", "*.shared.example")
		for domain, n := range map[string]int{"acme.example": 2, "mail.shared.example": 2, "gmail.com": 3, "one.example": 1, "two.example": 2} {
			w.people(domain, n)
		}
		w.make("Nobody", "nobody", "")
		w.must(w.DeleteContact(w.ctx(), w.agent, w.make("Gone", "", "gone@two.example").ID, nil))
		none := ""
		_, err := w.EditContact(w.ctx(), w.agent, w.make("By hand", "", "hand@two.example").ID, nil, provision.ContactEdit{CompanyID: &none})
		w.must(err)
		wants(3, 2, of("two.example", 2), of("one.example", 1))
		w.people("one.example", 2)
		wants(5, 2, of("one.example", 3), of("two.example", 2))

		w.people("many.example", 9_990)
		w.people("gmail.com", 10)
		wants(9_995, 3, of("many.example", 9_990), of("one.example", 3), of("two.example", 2))
		w.people("new.example", 1)
		w.company("One", "one.example")
		now = now.Add(time.Minute - 1)
		wants(9_992, 2, of("many.example", 9_990), of("two.example", 2)) // of what was made meanwhile, the company alone is known
		now = now.Add(1)
		wants(9_993, 3, of("many.example", 9_990), of("two.example", 2), of("new.example", 1))

		for i := range 12 {
			w.people(fmt.Sprintf("d%02d.example", i), 1)
		}
		now = now.Add(time.Minute)
		got, err := w.UnmappedContacts(w.ctx(), w.agent)
		w.must(err)
		if got.Contacts != 10_005 || got.Domains != 15 || len(got.Largest) != 10 || got.Largest[9].Domain != "d07.example" {
			w.Errorf("of more domains than are named it tells %+v", got)
		}
		other, err := w.UnmappedContacts(w.ctx(), desk.Actor{TenantID: "other"})
		w.must(err)
		if other.Contacts != 0 || other.Domains != 0 || len(other.Largest) != 0 {
			w.Errorf("another helpdesk's are %+v", other)
		}
	})
}
