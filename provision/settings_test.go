package provision_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// decide changes the settings of connection a, as its next request finds them.
func (w *world) decide(settings string) {
	w.Helper()
	c, err := w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(settings)})
	w.must(err)
	w.a.Directory = &desk.Directory{Connection: c}
}

// last returns the newest event of connection a.
func (w *world) last() desk.Event {
	w.Helper()
	events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Limit: 1})
	w.must(err)
	return events[0].Event
}

func (w *world) wantLast(outcome desk.Outcome, reason string) {
	w.Helper()
	if ev := w.last(); ev.Outcome != outcome || ev.Reason != reason {
		w.Errorf("the event says %s %q, want %s %q", ev.Outcome, ev.Reason, outcome, reason)
	}
}

func TestSettingsChecks(t *testing.T) {
	both(t, func(w *world) {
		w.decide(`{"apply":{"create":false},"guard":{"atLeast":3}}`)
		want := desk.DefaultSettings()
		want.Apply.Create, want.Guard.AtLeast = false, 3
		c, err := w.Connection(w.ctx(), w.agent, "a")
		w.must(err)
		if diff := cmp.Diff(want, c.Settings); diff != "" {
			w.Error(diff)
		}
		for _, bad := range []string{`{"adopt":"perhaps"}`, `{"guard":{"percent":101}}`, `{"guard":{"percent":-1}}`, `{"guard":{"atLeast":-1}}`, `{"apply":{"fly":true}}`, `[]`, `{`, `{"guard":{"graceMinutes":-1}}`} {
			_, err := w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(bad)})
			if desk.KindOf(err) != desk.InvalidValue {
				w.Errorf("%s: %v", bad, err)
			}
		}
		if again, _ := w.Connection(w.ctx(), w.agent, "a"); !cmp.Equal(again.Settings, want) {
			w.Errorf("refused settings changed them to %+v", again.Settings)
		}
	})
}

func TestSwitches(t *testing.T) {
	both(t, func(w *world) {
		kofi := w.push(w.a, user("kofi", "title", "Clerk"))

		w.decide(`{"apply":{"create":false}}`)
		ama := w.push(w.a, user("ama", "externalId", "a1"))
		w.wantLast(desk.Skipped, "create_off")
		if ama.ContactID != nil || ama.Held != desk.HeldCreate || len(w.all()) != 1 {
			w.Errorf("%+v was imported", ama)
		}
		if ev := w.last(); ev.Changes != nil || ev.ContactID != nil {
			w.Errorf("the event keeps what nobody could erase: %+v", ev)
		}
		// The directory finds what it pushed, and cannot push it twice.
		if again, err := w.User(w.ctx(), w.a, ama.ID); err != nil || again.UserNameKey != "ama" {
			w.Errorf("%+v, %v", again, err)
		}
		_, err := w.CreateUser(w.ctx(), w.a, user("ama", "externalId", "a1"))
		w.wantKind(err, desk.Uniqueness, "externalId")
		w.set(w.a, ama.ID, "title", "Lead")
		w.wantLast(desk.Skipped, "create_off")
		w.decide(`{"apply":{"create":true}}`)
		ama = w.set(w.a, ama.ID, "title", "Head")
		w.wantLast(desk.Created, "no_match")
		if c := w.contact(*ama.ContactID); ama.Held != "" || c.Title != "Head" || c.Status != desk.Active {
			w.Errorf("%+v became %+v", ama, c)
		}

		w.decide(`{"apply":{"update":false}}`)
		w.set(w.a, kofi.ID, "title", "Boss")
		w.wantLast(desk.Skipped, "update_off")
		if c := w.contact(*kofi.ContactID); c.Title != "Clerk" {
			w.Errorf("the title became %s", c.Title)
		}
		w.must(w.DeleteContact(w.ctx(), w.agent, *kofi.ContactID, nil))
		w.set(w.a, kofi.ID, "title", "Chief")
		w.wantStatus(*kofi.ContactID, desk.SoftDeleted, desk.ActorAgent)
		w.set(w.a, kofi.ID, "active", false)
		w.set(w.a, kofi.ID, "active", true)
		w.wantStatus(*kofi.ContactID, desk.Active, "")

		w.decide(`{"apply":{"update":true,"deactivate":false}}`)
		w.set(w.a, kofi.ID, "active", false, "title", "Gone")
		w.wantLast(desk.Skipped, "deactivate_off")
		w.wantStatus(*kofi.ContactID, desk.Active, "")
		if c := w.contact(*kofi.ContactID); c.Title != "Gone" {
			w.Errorf("the title stayed %s", c.Title)
		}

		w.decide(`{"apply":{"deactivate":true,"delete":false}}`)
		w.must(w.DeleteUser(w.ctx(), w.a, ama.ID, nil))
		w.wantLast(desk.Deleted, "delete_off")
		w.wantStatus(*ama.ContactID, desk.Active, "")
		_, err = w.User(w.ctx(), w.a, ama.ID)
		w.wantKind(err, desk.NotFound, "")
	})
}

func TestAdoptionSettings(t *testing.T) {
	both(t, func(w *world) {
		made := w.make("Kofi of the desk", "kofi", "kofi@acme.example")
		w.decide(`{"adopt":"refuse"}`)
		_, err := w.CreateUser(w.ctx(), w.a, user("KOFI"))
		w.wantKind(err, desk.Uniqueness, "userName")
		if !strings.Contains(err.Error(), "adopts none") {
			w.Errorf("it is refused with %v", err)
		}

		w.decide(`{"adopt":"ask"}`)
		kofi := w.push(w.a, user("KOFI", "title", "Clerk"))
		w.wantLast(desk.Skipped, "adoption")
		if kofi.Held != desk.HeldAdoption || w.contact(made.ID).VerifiedAt != nil || len(w.all()) != 1 {
			w.Errorf("%+v did not wait", kofi)
		}
		held, err := w.HeldUsers(w.ctx(), w.agent, "a", desk.HeldAdoption, "", 10)
		w.must(err)
		if len(held) != 1 || held[0].ID != kofi.ID || held[0].UserName != "KOFI" || len(held[0].Candidates) != 1 || held[0].Candidates[0].ID != made.ID || held[0].Profile.UserName != "KOFI" {
			w.Errorf("held are %+v", held)
		}
		_, err = w.AnswerHeld(w.ctx(), w.agent, "a", kofi.ID, "nobody")
		w.wantKind(err, desk.InvalidValue, "contactId")
		_, err = w.AnswerHeld(w.ctx(), w.agent, "a", "nobody", made.ID)
		w.wantKind(err, desk.NotFound, "")
		c, err := w.AnswerHeld(w.ctx(), w.agent, "a", kofi.ID, made.ID)
		w.must(err)
		if c.ID != made.ID || c.VerifiedAt == nil || c.Title != "Clerk" || len(c.Users) != 1 || c.Users[0].Held != "" {
			w.Errorf("adopted as %+v", c)
		}
		if ev := w.last(); ev.Outcome != desk.Adopted || ev.Reason != "agent" || ev.ActorName != "ann" || *ev.ContactID != made.ID {
			w.Errorf("the event is %+v", ev)
		}
		_, err = w.AnswerHeld(w.ctx(), w.agent, "a", kofi.ID, made.ID)
		w.wantKind(err, desk.Conflict, "")

		// Whom the agent says no to is a new contact.
		other := w.make("Ama of the desk", "ama", "")
		ama := w.push(w.a, user("ama"))
		stranger := w.make("A stranger", "stranger", "")
		for _, id := range []string{made.ID, stranger.ID} { // one who is somebody already, and one who was not offered
			_, err = w.AnswerHeld(w.ctx(), w.agent, "a", ama.ID, id)
			w.wantKind(err, desk.InvalidValue, "contactId")
		}
		c, err = w.AnswerHeld(w.ctx(), w.agent, "a", ama.ID, "")
		w.must(err)
		if c.ID == other.ID || c.VerifiedAt != nil {
			w.Errorf("the new contact is %+v", c)
		}

		// A directory that takes back what waits leaves nothing.
		third := w.make("Esi", "esi", "")
		esi := w.push(w.a, user("esi"))
		w.must(w.DeleteUser(w.ctx(), w.a, esi.ID, nil))
		w.wantLast(desk.Deleted, "adoption")
		w.wantStatus(third.ID, desk.Active, "")
	})
}

func TestExistingContacts(t *testing.T) {
	both(t, func(w *world) {
		w.decide(`{"keepNames":true}`)
		made := w.make("Kofi of the desk", "kofi", "")
		kofi := w.push(w.a, user("kofi", "displayName", "Boateng, Kofi", "title", "Clerk"))
		w.set(w.a, kofi.ID, "displayName", "B., Kofi")
		if c := w.contact(made.ID); c.DisplayName != "Kofi of the desk" || c.Title != "Clerk" || c.VerifiedAt == nil {
			w.Errorf("adopted as %+v", c.Profile)
		}
		born := w.push(w.a, user("ama", "displayName", "Ama"))
		w.set(w.a, born.ID, "displayName", "Ama II")
		if c := w.contact(*born.ContactID); c.DisplayName != "Ama II" {
			w.Errorf("a contact of the directory's own keeps its name %s", c.DisplayName)
		}

		w.decide(`{"keepNames":false,"updateExisting":false}`)
		made = w.make("Esi of the desk", "esi", "")
		esi := w.push(w.a, user("esi", "displayName", "Esi", "title", "Clerk"))
		w.set(w.a, esi.ID, "title", "Lead")
		w.wantLast(desk.Skipped, "update_off")
		if c := w.contact(made.ID); c.DisplayName != "Esi of the desk" || c.Title != "" || c.VerifiedAt == nil {
			w.Errorf("adopted as %+v", c.Profile)
		}
		w.set(w.a, esi.ID, "active", false)
		w.wantStatus(made.ID, desk.SoftDeleted, desk.ActorDirectory)
	})
}

func TestGuard(t *testing.T) {
	both(t, func(w *world) {
		// A first import can be taken back.
		w.decide(`{}`)
		for i := range 20 {
			u := w.push(w.a, user(fmt.Sprint("try", i)))
			w.set(w.a, u.ID, "active", false)
			w.must(w.DeleteUser(w.ctx(), w.a, u.ID, nil))
		}
		on, off := true, false
		_, err := w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &on})
		w.must(err)
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &off})
		w.must(err)
		w.decide(`{"guard":{"graceMinutes":0}}`)
		var users []string
		for i := range 60 {
			users = append(users, w.push(w.a, user(fmt.Sprint("u", i))).ID)
		}
		next := 0
		deactivate := func(n int, f func(id string) error) error {
			for range n {
				if err := f(users[next]); err != nil {
					return err
				}
				next++
			}
			return nil
		}
		disable := func(id string) error { return w.change(w.a, id, "active", false) }
		remove := func(id string) error { return w.DeleteUser(w.ctx(), w.a, id, nil) }
		w.must(deactivate(6, disable))
		w.must(deactivate(6, remove)) // 12 are 20 % of 60
		// Who is back has been deactivated all the same; who is inactive already does not count.
		w.set(w.a, users[0], "active", true)
		err = deactivate(1, disable)
		w.wantKind(err, desk.Paused, "")
		if !strings.Contains(err.Error(), "more than 12 people") {
			w.Errorf("it says %v", err)
		}
		c, err := w.Connection(w.ctx(), w.agent, "a")
		w.must(err)
		if c.PausedAt == nil || !strings.Contains(c.PausedBy, "guard") {
			w.Errorf("paused by %q at %v", c.PausedBy, c.PausedAt)
		}
		stop, err := w.GuardStopped(w.ctx(), c)
		w.must(err)
		if stop == nil || stop.Passed != 12 || stop.Since.After(*c.PausedAt) {
			w.Errorf("the guard saw %+v", stop)
		}
		if ev := w.last(); ev.ActorType != desk.ActorSystem || !strings.Contains(ev.Detail, "more than 12") || len(ev.Changes) != 1 {
			w.Errorf("the event is %+v", ev)
		}
		w.wantKind(deactivate(1, remove), desk.Paused, "")
		u, err := w.User(w.ctx(), w.a, users[next])
		w.must(err)
		w.wantStatus(*u.ContactID, desk.Active, "")

		// An administrator lets it go on: it counts anew.
		c, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &off, Reason: " a branch was closed "})
		w.must(err)
		if ev := w.last(); ev.Detail != "a branch was closed" {
			w.Errorf("the event is %+v", ev)
		}
		if stop, err := w.GuardStopped(w.ctx(), c); stop != nil || err != nil {
			w.Errorf("the guard still has %+v, %v", stop, err)
		}
		w.a.Directory = &desk.Directory{Connection: c}
		w.must(deactivate(10, disable))
		w.wantKind(deactivate(1, disable), desk.Paused, "")

		// Each person counts once, and what an administrator does not at all.
		c, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &off, Settings: []byte(`{"guard":{"percent":1,"atLeast":2},"scope":{"rules":[{"filter":"not (title eq \"x\")"}]}}`)})
		w.must(err)
		w.a.Directory = &desk.Directory{Connection: c}
		for range 4 {
			w.set(w.a, users[0], "active", false)
			w.set(w.a, users[0], "active", true)
		}
		for _, id := range users[50:55] {
			w.set(w.a, id, "title", "y")
		}
		w.decide(`{"scope":{"rules":[{"filter":"not (title eq \"y\")"}]}}`)
		w.decide(`{"scope":{}}`)
		w.set(w.a, users[1], "active", true)
		w.set(w.a, users[1], "active", false)

		// Two servers count together.
		c, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &off, Settings: []byte(`{"guard":{"percent":50,"atLeast":20}}`)})
		w.must(err)
		w.a.Directory = &desk.Directory{Connection: c}
		second := &provision.Engine{Store: w.Store}
		n := 0
		for err = nil; err == nil; n++ {
			err = deactivate(1, func(id string) error {
				e := []*provision.Engine{w.Engine, second}[n%2]
				_, err := e.UpdateUser(w.ctx(), w.a, desk.OpPatch, id, nil, func(r desk.Resource) (desk.Resource, string, error) {
					r["active"] = false
					return r, "", nil
				})
				return err
			})
		}
		w.wantKind(err, desk.Paused, "")
		if n-1 != 25 { // half of 54, with the two before
			w.Errorf("%d passed", n-1)
		}
		var left int
		w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) (err error) {
			left, err = tx.CountUsers("t", "a", desk.UserQuery{})
			return err
		}))
		if left != 54 {
			w.Errorf("%d users are left", left)
		}
	})
}

// TestUserNameOfTheDeleted holds that the mark which Entra puts before the user name of somebody deleted reaches no contact.
func TestUserNameOfTheDeleted(t *testing.T) {
	both(t, func(w *world) {
		kofi := w.push(w.a, user("kofi@acme.example", "externalId", "k", "emails", work("kofi@acme.example")))
		const mark = "5f0d4c7e2b194d279e638a51c0b7e2f4"
		kofi = w.set(w.a, kofi.ID, "userName", mark+"kofi@acme.example", "emails", work(mark+"kofi@acme.example"), "active", false)
		c := w.contact(*kofi.ContactID)
		if c.UserName != "kofi@acme.example" || c.Emails[0].Value != "kofi@acme.example" || c.Status != desk.SoftDeleted {
			t.Errorf("the contact is %+v", c.Profile)
		}
		if ev := w.last(); ev.Outcome != desk.Deactivated || !strings.Contains(ev.Detail, "deleted user") {
			t.Errorf("the event is %+v", ev)
		}
		if kofi.UserNameKey != mark+"kofi@acme.example" {
			t.Errorf("the directory finds %s", kofi.UserNameKey)
		}
		for address, want := range map[string]string{
			mark + "@acme.example": mark + "@acme.example", mark[:31] + "kofi@acme.example": mark[:31] + "kofi@acme.example",
			strings.ToUpper(mark) + "k@x": "k@x", mark + "kofi": mark + "kofi",
		} {
			if got := desk.Undeleted(address); got != want {
				t.Errorf("%s becomes %s", address, got)
			}
		}
	})
}

// TestStaleSettings has requests that go by what was read of a connection before an administrator changed it: they do as it is now.
func TestStaleSettings(t *testing.T) {
	both(t, func(w *world) {
		stale, err := w.Store.Read(w.ctx()).CurrentDirectory("t", "a")
		w.must(err)
		actor := w.a
		actor.Directory = &stale
		u, err := w.CreateUser(w.ctx(), actor, desk.Resource{"userName": "ann", "active": true, "title": "Lead"})
		w.must(err)
		const settings = `{"mapping":{"rules":[{"source":"userName","target":"userName"},{"source":"nickName","target":"title"}]}}`
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(settings)})
		w.must(err)
		title := func(u desk.DirectoryUser) string {
			c, err := w.Contact(w.ctx(), w.agent, *u.ContactID)
			w.must(err)
			return c.Title
		}
		kofi, err := w.CreateUser(w.ctx(), actor, desk.Resource{"userName": "kofi", "active": true, "title": "Lead", "nickName": "K"})
		w.must(err)
		if got := title(kofi); got != "K" {
			t.Errorf("a new person has the title %q", got)
		}
		_, err = w.UpdateUser(w.ctx(), actor, desk.OpPatch, u.ID, nil, func(r desk.Resource) (desk.Resource, string, error) {
			r["nickName"] = "A"
			return r, "", nil
		})
		w.must(err)
		if got := title(u); got != "A" {
			t.Errorf("a changed person has the title %q", got)
		}
		pause := true
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &pause})
		w.must(err)
		_, err = w.CreateUser(w.ctx(), actor, desk.Resource{"userName": "esi", "active": true})
		w.wantKind(err, desk.Paused, "")
		w.wantKind(w.DeleteUser(w.ctx(), actor, u.ID, nil), desk.Paused, "")
	})
}
