package provision_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// TestCyclesCount holds what of a directory's requests counts as what, that agents' work counts for nothing, and that the log
// by cycle has as many events as the cycle counts.
func TestCyclesCount(t *testing.T) {
	both(t, func(w *world) {
		kofi := w.push(w.a, user("kofi@acme.example", "title", "Lead"))
		_, err := w.User(w.ctx(), w.a, kofi.ID)
		w.must(err)
		_, err = w.User(w.ctx(), w.a, "nobody")
		w.wantKind(err, desk.NotFound, "")
		_, _, err = w.Users(w.ctx(), w.a, desk.UserQuery{Limit: 10})
		w.must(err)
		w.must(w.change(w.a, kofi.ID, "title", "Lead"))
		w.must(w.change(w.a, kofi.ID, "title", "Chief"))
		w.must(w.change(w.a, kofi.ID, "active", false))
		w.must(w.change(w.a, kofi.ID, "active", true))
		w.wantKind(w.change(w.a, "nobody", "active", false), desk.NotFound, "")
		w.must(w.Refuse(w.ctx(), w.a, provision.Refusal{Operation: desk.OpPatch, UserID: "nobody", Err: desk.Errorf(desk.NotFound, "", "no")}))
		w.Fault(w.a)
		w.must(w.DeleteContact(w.ctx(), w.agent, *kofi.ContactID, nil))
		w.push(w.b, user("ann@acme.example"))
		w.must(w.DeleteUser(w.ctx(), w.a, kofi.ID, nil))
		w.must(w.Store.WriteActivity(w.ctx()))
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Notes: pointer("seen")}) // in the connection's log, but not by the directory
		w.must(err)

		want := desk.Cycle{
			TenantID: "t", Connection: "a", Unchanged: 1, Lookups: 3, Errors: 1,
			Outcomes: map[desk.Outcome]int{desk.Created: 1, desk.Updated: 1, desk.Deactivated: 1, desk.Restored: 1, desk.Deleted: 1, desk.Refused: 1},
		}
		check := func() {
			w.Helper()
			cycles, err := w.Cycles(w.ctx(), w.agent, "a", "", 10)
			w.must(err)
			if len(cycles) != 1 {
				w.Fatalf("%d cycles", len(cycles))
			}
			c := cycles[0]
			events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Cycle: c.ID, Limit: 100})
			w.must(err)
			outcomes := map[desk.Outcome]int{}
			for _, ev := range events {
				outcomes[ev.Outcome]++
			}
			if diff := cmp.Diff(want.Outcomes, outcomes); diff != "" {
				w.Errorf("the cycle's events: %s", diff)
			}
			if last := events[0].At; !c.EndedAt.Equal(last) || c.StartedAt.After(c.EndedAt) {
				w.Errorf("from %v to %v, the last event was at %v", c.StartedAt, c.EndedAt, last)
			}
			want.ID, want.StartedAt, want.EndedAt, want.Settled = c.ID, c.StartedAt, c.EndedAt, c.Settled
			if diff := cmp.Diff(want, c); diff != "" {
				w.Error(diff)
			}
		}
		check()
		w.must(w.SettleCycles(w.ctx()))
		if check(); want.Settled {
			w.Error("settled while it may go on")
		}
		w.Store.Now = func() time.Time { return time.Now().Add(desk.Quiet + time.Minute) }
		w.must(w.SettleCycles(w.ctx()))
		if check(); !want.Settled {
			w.Error("not settled")
		}

		_, err = w.Cycles(w.ctx(), w.agent, "nobody", "", 10)
		w.wantKind(err, desk.NotFound, "")
		_, err = w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Cycle: "nothing", Limit: 10})
		w.wantKind(err, desk.InvalidValue, "cycle")
		w.Store.Now = time.Now
		cycles, err := w.Cycles(w.ctx(), w.agent, "b", "", 10)
		w.must(err)
		_, err = w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Cycle: cycles[0].ID, Limit: 10})
		w.wantKind(err, desk.InvalidValue, "cycle") // another connection's
	})
}

// TestLogOutlivesConnection holds that a new connection under an old slug has the log of both, and was not active before it was made.
func TestLogOutlivesConnection(t *testing.T) {
	both(t, func(w *world) {
		now := time.Now().Add(24 * time.Hour) // the time of events is the store's, however they are written
		w.Store.Now = func() time.Time { now = now.Add(time.Second); return now }
		w.push(w.a, user("kofi@acme.example"))
		w.must(w.Store.WriteActivity(w.ctx()))
		c, err := w.Connection(w.ctx(), w.agent, "a")
		w.must(err)
		if c.LastActivityAt == nil || now.Sub(*c.LastActivityAt) > time.Minute {
			w.Errorf("active at %v", c.LastActivityAt)
		}
		w.must(w.DeleteConnection(w.ctx(), w.agent, "a"))
		w.must(w.CreateConnection(w.ctx(), w.agent, &desk.Connection{Slug: "a", Provider: "okta"}))
		if c, err = w.Connection(w.ctx(), w.agent, "a"); err != nil || c.LastActivityAt != nil {
			w.Errorf("a new connection was active at %v, %v", c.LastActivityAt, err)
		}
		events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{From: now.Add(-time.Hour), To: now.Add(time.Hour), Limit: 10})
		w.must(err)
		var log []string
		for _, ev := range events {
			log = append(log, string(ev.Operation)+" "+string(ev.Outcome)+" "+ev.Reason)
		}
		want := []string{"create created connection", "delete deleted connection", "delete unlinked connection", "create created no_match"}
		if diff := cmp.Diff(want, log); diff != "" {
			w.Error(diff)
		}
	})
}

// TestEventsOfPerson looks for somebody by all that an administrator may know of them.
func TestEventsOfPerson(t *testing.T) {
	both(t, func(w *world) {
		kofi := w.push(w.a, user("Kofi@acme.example", "externalId", "K1", "displayName", "Kofi Mensah", "emails", work("mensah@acme.example")))
		w.push(w.a, user("ann@acme.example", "externalId", "k2", "displayName", "Ann"))
		gone := w.push(w.a, user("left@acme.example", "externalId", "k3"))
		w.must(w.DeleteUser(w.ctx(), w.a, gone.ID, nil))
		refuse := func(r provision.Refusal) {
			r.Operation, r.Err = desk.OpPatch, desk.Errorf(desk.InvalidValue, "", "no")
			w.must(w.Refuse(w.ctx(), w.a, r))
		}
		refuse(provision.Refusal{Subject: "KOFI@acme.example"})
		refuse(provision.Refusal{UserID: kofi.ID})
		refuse(provision.Refusal{UserID: gone.ID})
		refuse(provision.Refusal{Subject: "stranger@acme.example"})

		look := func(person string) (found []string) {
			w.Helper()
			events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Person: person, Limit: 10})
			w.must(err)
			for _, ev := range events {
				found = append(found, string(ev.Outcome)+" "+ev.ContactName)
			}
			return found
		}
		for person, want := range map[string][]string{
			"kofi@ACME.example":     {"refused Kofi Mensah", "refused ", "created Kofi Mensah"},
			"Mensah@acme.example":   {"refused Kofi Mensah", "created Kofi Mensah"},
			"K1":                    {"refused Kofi Mensah", "created Kofi Mensah"},
			"k1":                    nil,
			kofi.ID:                 {"refused Kofi Mensah", "created Kofi Mensah"},
			*kofi.ContactID:         {"refused Kofi Mensah", "created Kofi Mensah"},
			gone.ID:                 {"refused ", "deleted left@acme.example", "created left@acme.example"},
			"k3":                    {"deleted left@acme.example", "created left@acme.example"},
			"stranger@acme.example": {"refused "},
			"nobody":                nil,
		} {
			if diff := cmp.Diff(want, look(person)); diff != "" {
				w.Errorf("%s: %s", person, diff)
			}
		}
		w.must(w.DeleteContact(w.ctx(), w.agent, *kofi.ContactID, nil))
		w.must(w.EraseContact(w.ctx(), w.agent, *kofi.ContactID, nil))
		for person, want := range map[string][]string{
			"kofi@acme.example": nil, "mensah@acme.example": nil, "K1": nil,
			*kofi.ContactID: {"refused ", "created "}, // who they were is gone, and what happened is not
		} {
			if diff := cmp.Diff(want, look(person)); diff != "" {
				w.Errorf("%s, erased: %s", person, diff)
			}
		}
	})
}

// TestDeleteOldEvents holds that what is too old goes from all logs, those of agents and of contacts' histories among them, and
// that it stops when it is told to.
func TestDeleteOldEvents(t *testing.T) {
	both(t, func(w *world) {
		now := time.Now().Add(-48 * time.Hour)
		w.Store.Now = func() time.Time { return now }
		kofi := w.push(w.a, user("kofi@acme.example"))
		made, err := w.CreateContact(w.ctx(), w.agent, provision.ContactEdit{DisplayName: pointer("Ann")})
		w.must(err)
		w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error {
			for range 2500 { // several batches
				if err := tx.Record(w.b.Event(desk.OpPatch, desk.Updated, "")); err != nil {
					return err
				}
			}
			return nil
		}))
		w.must(w.Store.WriteActivity(w.ctx()))
		now = now.Add(47 * time.Hour)
		w.must(w.change(w.a, kofi.ID, "title", "Lead"))
		w.must(w.Store.WriteActivity(w.ctx()))

		count := func(q store.EventQuery) int {
			q.TenantID, q.Limit = "t", 10_000
			events, err := w.Store.Read(w.ctx()).Events(q)
			w.must(err)
			return len(events)
		}
		ended, cancel := context.WithCancel(w.ctx())
		cancel()
		if w.DeleteOldEvents(ended, now.Add(-time.Hour)) == nil {
			w.Error("went on though it was told to stop")
		}
		w.must(w.DeleteOldEvents(w.ctx(), now.Add(-46*time.Hour)))
		for name, c := range map[string]struct{ got, want int }{
			"connection a":   {count(store.EventQuery{Connection: "a"}), 2}, // one says that it was made
			"connection b":   {count(store.EventQuery{Connection: "b"}), 1},
			"agents":         {count(store.EventQuery{}), 1}, // that the tenant was made
			"Kofi's history": {count(store.EventQuery{Contacts: []string{*kofi.ContactID}}), 1},
			"Ann's history":  {count(store.EventQuery{Contacts: []string{made.ID}}), 0},
		} {
			if c.got != c.want {
				w.Errorf("%s: %d events are left, want %d", name, c.got, c.want)
			}
		}
		var left []string
		for _, slug := range []string{"a", "b"} {
			cycles, err := w.Cycles(w.ctx(), w.agent, slug, "", 10)
			w.must(err)
			for _, c := range cycles {
				left = append(left, slug+c.StartedAt.Format(" 02 15h"))
			}
		}
		if want := []string{now.UTC().Format("a 02 15h")}; !slices.Equal(left, want) {
			w.Errorf("cycles left: %v, want %v", left, want)
		}
	})
}

func pointer(s string) *string { return &s }
