package provision_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
)

// TestDeletion asks what put people into Deleted contacts: their last deletion, not one before it or what came after.
func TestDeletion(t *testing.T) {
	both(t, func(w *world) {
		w.Store.Now = func() time.Time { return time.Now().Add(-48 * time.Hour) } // what is younger than a day is not deleted in the end
		kofi, ines, tariq := w.push(w.a, user("kofi")), w.push(w.a, user("ines")), w.push(w.b, user("tariq", "active", false))
		wants := func(u desk.DirectoryUser, want *desk.Event) {
			t.Helper()
			got := w.contact(*u.ContactID).Deletion
			if got != nil {
				got = &desk.Event{ActorType: got.ActorType, ActorName: got.ActorName, Connection: got.Connection, Outcome: got.Outcome}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				w.Errorf("deletion (-want +got):\n%s", diff)
			}
		}
		w.set(w.a, kofi.ID, "active", false)
		wants(kofi, &desk.Event{ActorType: desk.ActorDirectory, ActorName: "a", Connection: "a", Outcome: desk.Deactivated})
		wants(ines, nil)
		wants(tariq, &desk.Event{ActorType: desk.ActorDirectory, ActorName: "b", Connection: "b", Outcome: desk.Created})
		w.set(w.a, kofi.ID, "active", true)
		wants(kofi, nil)
		w.must(w.DeleteContact(w.ctx(), w.agent, *kofi.ContactID, nil))
		w.set(w.a, kofi.ID, "active", false, "title", "Lead")
		wants(kofi, &desk.Event{ActorType: desk.ActorAgent, ActorName: "ann", Outcome: desk.Deleted})
		w.must(w.DeleteOldEvents(w.ctx(), w.Store.Now().Add(1)))
		wants(kofi, nil)
	})
}

func TestFindCompanies(t *testing.T) {
	both(t, func(w *world) {
		for _, name := range []string{"Acme", "acme Labs", "Ácme", "Globex", "100%"} {
			w.company(name)
		}
		for text, want := range map[string][]string{
			"": {"100%", "Acme"}, " ACM": {"Acme", "acme Labs"}, "acme l": {"acme Labs"}, "á": {"Ácme"}, "labs": nil, "%": nil, "100%": {"100%"}, "\x00": nil, "\xff": nil,
		} {
			found, err := w.FindCompanies(w.ctx(), w.agent, text, 2)
			w.must(err)
			var names []string
			for _, c := range found {
				names = append(names, c.Name)
			}
			if diff := cmp.Diff(want, names); diff != "" {
				w.Errorf("%q (-want +got):\n%s", text, diff)
			}
		}
		if found, err := w.FindCompanies(w.ctx(), desk.Actor{Type: desk.ActorAgent, TenantID: "other"}, "acme", 2); err != nil || len(found) > 0 {
			w.Errorf("another tenant finds %v, %v", found, err)
		}
	})
}
