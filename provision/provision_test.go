package provision_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// world is a tenant with the connections a and b, and an agent.
type world struct {
	*testing.T
	*provision.Engine
	a, b, agent desk.Actor
}

// both runs f in a fresh world on each engine.
func both(t *testing.T, f func(*world)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		st, err := store.Open(context.Background(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		w := &world{T: t, Engine: &provision.Engine{Store: st}, agent: desk.Actor{Type: desk.ActorAgent, TenantID: "t", Name: "ann"}}
		w.must(w.CreateTenant(w.ctx(), "t", ""))
		for _, slug := range []string{"a", "b"} {
			w.must(w.CreateConnection(w.ctx(), provision.System("t"), &desk.Connection{Slug: slug, Provider: "entra"}))
		}
		w.a = testkit.Directory("t", "a")
		w.b = testkit.Directory("t", "b")
		f(w)
		w.checkDirectories()
	})
}

// checkDirectories holds what contacts keep of their users to these, at the end of every test.
func (w *world) checkDirectories() {
	w.Helper()
	for q := (provision.ContactQuery{Limit: 1000}); ; {
		page, err := w.Contacts(w.ctx(), w.agent, q)
		w.must(err)
		for _, c := range page.Contacts {
			var want desk.Contact
			for _, u := range c.Users {
				want.Count(&u, 1)
			}
			if c.Directories != want.Directories || c.Disabled != want.Disabled {
				w.Fatalf("contact %s counts %d directories, %d of them inactive, but there are %d and %d", c.ID, c.Directories, c.Disabled, want.Directories, want.Disabled)
			}
		}
		if q.After = page.Next; q.After == "" {
			return
		}
	}
}

func (w *world) ctx() context.Context { return w.Context() }

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// user is a resource in canonical form; pairs are attributes beside the userName.
func user(userName string, pairs ...any) desk.Resource {
	r := desk.Resource{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": userName, "active": true}
	for i := 0; i < len(pairs); i += 2 {
		r[pairs[i].(string)] = pairs[i+1]
	}
	return r
}

func work(address string) []any {
	return []any{map[string]any{"type": "work", "value": address, "primary": true}}
}

func (w *world) push(actor desk.Actor, r desk.Resource) desk.DirectoryUser {
	w.Helper()
	u, err := w.CreateUser(w.ctx(), actor, r)
	w.must(err)
	return u
}

// change patches attributes of a user.
func (w *world) change(actor desk.Actor, id string, pairs ...any) error {
	_, err := w.UpdateUser(w.ctx(), actor, desk.OpPatch, id, nil, func(r desk.Resource) (desk.Resource, string, error) {
		for i := 0; i < len(pairs); i += 2 {
			if r[pairs[i].(string)] = pairs[i+1]; pairs[i+1] == nil {
				delete(r, pairs[i].(string))
			}
		}
		return r, "", nil
	})
	return err
}

// set does so, and returns the user.
func (w *world) set(actor desk.Actor, id string, pairs ...any) desk.DirectoryUser {
	w.Helper()
	w.must(w.change(actor, id, pairs...))
	u, err := w.User(w.ctx(), actor, id)
	w.must(err)
	return u
}

func (w *world) contact(id string) provision.ContactView {
	w.Helper()
	c, err := w.Contact(w.ctx(), w.agent, id)
	w.must(err)
	return c
}

// all lists every contact's id.
func (w *world) all() []string {
	w.Helper()
	page, err := w.Contacts(w.ctx(), w.agent, provision.ContactQuery{Limit: 1000})
	w.must(err)
	var ids []string
	for _, c := range page.Contacts {
		ids = append(ids, c.ID)
	}
	return ids
}

// make adds a contact by hand.
func (w *world) make(name, userName, email string) provision.ContactView {
	w.Helper()
	edit := provision.ContactEdit{DisplayName: &name, UserName: &userName}
	if email != "" {
		edit.Emails = &[]desk.Address{{Type: "work", Value: email}}
	}
	c, err := w.CreateContact(w.ctx(), w.agent, edit)
	w.must(err)
	return c
}

// wantKind fails unless err is of the kind.
func (w *world) wantKind(err error, kind desk.Kind, field string) {
	w.Helper()
	e := desk.AsError(err)
	if err == nil || e.Kind != kind || e.Field != field {
		w.Fatalf("got error %v, want kind %s of field %q", err, kind, field)
	}
}

// wantStatus fails unless the contact rests where it should.
func (w *world) wantStatus(id string, status desk.Status, by desk.ActorType) {
	w.Helper()
	c := w.contact(id)
	if c.Status != status || c.DeletedBy != by || (c.DeletedAt != nil) != (status == desk.SoftDeleted) {
		w.Fatalf("contact is %s by %q at %v; want %s by %q", c.Status, c.DeletedBy, c.DeletedAt, status, by)
	}
}

// lastEvent returns the contact's newest event.
func (w *world) lastEvent(contact string) desk.Event {
	w.Helper()
	events, err := w.ContactEvents(w.ctx(), w.agent, contact, "", 1)
	w.must(err)
	if len(events) == 0 {
		w.Fatal("no event")
	}
	return events[0]
}

func (w *world) wantEvent(contact string, operation desk.Operation, outcome desk.Outcome, reason string) desk.Event {
	w.Helper()
	e := w.lastEvent(contact)
	if e.Operation != operation || e.Outcome != outcome || e.Reason != reason {
		w.Fatalf("last event is %s, %s, %q; want %s, %s, %q", e.Operation, e.Outcome, e.Reason, operation, outcome, reason)
	}
	return e
}

// The rows of the events table, in its order.

func TestCreateUser(t *testing.T) {
	t.Run("nothing matches", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi@acme.example", "externalId", "k1", "displayName", "Kofi", "emails", work("kofi@acme.example")))
			c := w.contact(*u.ContactID)
			if c.Status != desk.Active || c.VerifiedAt != nil || c.DisplayName != "Kofi" || len(c.Users) != 1 || c.Users[0].ID != u.ID {
				w.Fatalf("contact is %+v", c)
			}
			e := w.wantEvent(c.ID, desk.OpCreate, desk.Created, "no_match")
			want := map[string]any{"displayName": "Kofi", "userName": "kofi@acme.example", "externalId": "k1", "active": true, "status": "active", "companyReason": "no_match"}
			for _, change := range e.Changes {
				if value, ok := want[change.Field]; ok && (change.From != nil || change.To != value) {
					w.Errorf("%s: from %v to %v, want from nil to %v", change.Field, change.From, change.To, value)
				}
				delete(want, change.Field)
			}
			if len(want) > 0 {
				w.Errorf("the event lacks %v", want)
			}
			if *e.UserID != u.ID || e.ActorType != desk.ActorDirectory || e.ActorName != "a" || e.Connection != "a" {
				w.Errorf("event is %+v", e)
			}
		})
	})
	t.Run("a contact matches", func(t *testing.T) {
		for name, c := range map[string]struct {
			contact [3]string // name, userName, email
			pushed  desk.Resource
			by      string
		}{
			"by userName":                  {[3]string{"K", "KOFI@acme.example", ""}, user("kofi@ACME.example"), "userName"},
			"by work email":                {[3]string{"K", "", "Kofi@acme.example"}, user("k.adeyemi", "emails", work("kofi@acme.EXAMPLE")), "email"},
			"by a userName's address":      {[3]string{"K", "", "kofi@acme.example"}, user("kofi@acme.example"), "email"},
			"userName counts before email": {[3]string{"K", "kofi", "other@acme.example"}, user("kofi", "emails", work("third@acme.example")), "userName"},
		} {
			t.Run(name, func(t *testing.T) {
				both(t, func(w *world) {
					made := w.make(c.contact[0], c.contact[1], c.contact[2])
					u := w.push(w.a, c.pushed)
					if *u.ContactID != made.ID {
						w.Fatal("a second contact was made")
					}
					if got := w.contact(made.ID); got.VerifiedAt == nil || got.Status != desk.Active {
						w.Fatalf("contact is %+v", got)
					}
					w.wantEvent(made.ID, desk.OpCreate, desk.Adopted, c.by)
				})
			})
		}
	})
	t.Run("a deleted contact matches", func(t *testing.T) {
		both(t, func(w *world) {
			made := w.make("Kofi", "kofi", "")
			w.must(w.DeleteContact(w.ctx(), w.agent, made.ID, nil))
			if u := w.push(w.a, user("kofi")); *u.ContactID != made.ID {
				w.Fatal("a second contact was made")
			}
			w.wantStatus(made.ID, desk.Active, "")
		})
	})
	t.Run("adoption keeps what the directory does not say", func(t *testing.T) {
		both(t, func(w *world) {
			made := w.make("Old", "kofi", "kofi@home.example")
			title, emails := "Lead", []desk.Address{{Type: "home", Value: "kofi@home.example"}, {Type: "work", Value: "old@acme.example"}}
			_, err := w.EditContact(w.ctx(), w.agent, made.ID, nil, provision.ContactEdit{Title: &title, Emails: &emails})
			w.must(err)
			w.push(w.a, user("kofi", "displayName", "Kofi", "emails", work("kofi@acme.example")))
			want := desk.Profile{DisplayName: "Kofi", UserName: "kofi", Title: "Lead",
				Emails: []desk.Address{{Type: "work", Value: "kofi@acme.example", Primary: true}, {Type: "home", Value: "kofi@home.example"}}}
			if diff := cmp.Diff(want, w.contact(made.ID).Profile); diff != "" {
				w.Error(diff)
			}
		})
	})
	t.Run("two contacts match", func(t *testing.T) {
		both(t, func(w *world) {
			one, two := w.make("One", "", "kofi@acme.example"), w.make("Two", "", "kofi@acme.example")
			u := w.push(w.a, user("k", "emails", work("kofi@acme.example")))
			if *u.ContactID == one.ID || *u.ContactID == two.ID {
				w.Fatal("one of two candidates was taken")
			}
			ev := w.wantEvent(*u.ContactID, desk.OpCreate, desk.Created, "ambiguous_match")
			if !strings.Contains(ev.Detail, one.ID) || !strings.Contains(ev.Detail, two.ID) || !strings.Contains(ev.Detail, "by email") {
				w.Errorf("the event does not name both: %q", ev.Detail)
			}
		})
	})
	t.Run("a contact with a user on this connection is none", func(t *testing.T) {
		both(t, func(w *world) {
			first := w.push(w.a, user("kofi", "emails", work("kofi@acme.example")))
			second := w.push(w.a, user("kofi2", "emails", work("kofi@acme.example")))
			if *first.ContactID == *second.ContactID {
				w.Fatal("two people of one directory were merged")
			}
		})
	})
	t.Run("the same externalId is active", func(t *testing.T) {
		both(t, func(w *world) {
			w.push(w.a, user("kofi", "externalId", "k1"))
			_, err := w.CreateUser(w.ctx(), w.a, user("other", "externalId", "k1"))
			w.wantKind(err, desk.Uniqueness, "externalId")
			if _, err = w.CreateUser(w.ctx(), w.a, user("other", "externalId", "K1")); err != nil {
				w.Error("externalId is case-exact:", err)
			}
		})
	})
	t.Run("the same externalId is inactive", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "externalId", "k1", "title", "Old"))
			w.set(w.a, u.ID, "active", false)
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorDirectory)
			again := w.push(w.a, user("kofi.new", "externalId", "k1", "displayName", "Kofi"))
			if again.ID != u.ID || *again.ContactID != *u.ContactID || !again.Active || again.Version != 3 {
				w.Fatalf("revived as %+v, was %+v", again, u)
			}
			w.wantStatus(*u.ContactID, desk.Active, "")
			if p := w.contact(*u.ContactID).Profile; p.Title != "" || p.UserName != "kofi.new" {
				w.Errorf("profile is %+v", p)
			}
			w.wantEvent(*u.ContactID, desk.OpCreate, desk.Revived, "")
		})
	})
	t.Run("the same userName", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi@acme.example", "externalId", "k1"))
			_, err := w.CreateUser(w.ctx(), w.a, user("KOFI@acme.example", "externalId", "k2"))
			w.wantKind(err, desk.Uniqueness, "userName")
			w.set(w.a, u.ID, "active", false)
			_, err = w.CreateUser(w.ctx(), w.a, user("kofi@acme.example", "externalId", "k2"))
			w.wantKind(err, desk.Uniqueness, "userName")
			other := w.push(w.a, user("other", "externalId", "k3"))
			w.set(w.a, other.ID, "active", false)
			_, err = w.CreateUser(w.ctx(), w.a, user("kofi@acme.example", "externalId", "k3"))
			w.wantKind(err, desk.Uniqueness, "userName")
			if len(w.all()) != 2 {
				w.Error("a refused request left a contact")
			}
		})
	})
	t.Run("inactive from the start", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "active", false))
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		})
	})
}

func TestUpdateUser(t *testing.T) {
	t.Run("something changes", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "title", "Old", "displayName", "Kofi"))
			after := w.set(w.a, u.ID, "title", "New", "nickName", "Ko")
			if after.Version != 2 || !after.ModifiedAt.After(u.ModifiedAt) {
				w.Errorf("version %d, modified %v after %v", after.Version, after.ModifiedAt, u.ModifiedAt)
			}
			if got := w.contact(*u.ContactID).Title; got != "New" {
				w.Errorf("title is %q", got)
			}
			e := w.wantEvent(*u.ContactID, desk.OpPatch, desk.Updated, "")
			want := []desk.Change{{Field: "title", From: "Old", To: "New"}, {Field: "nickName", From: nil, To: "Ko"}}
			if diff := cmp.Diff(want, e.Changes); diff != "" {
				w.Error(diff)
			}
		})
	})
	t.Run("an agent's change of another field stays", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "title", "Old", "displayName", "Kofi"))
			name := "Kofi A."
			_, err := w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{DisplayName: &name})
			w.must(err)
			w.set(w.a, u.ID, "title", "New")
			if got := w.contact(*u.ContactID); got.DisplayName != "Kofi A." || got.Title != "New" {
				w.Errorf("profile is %+v", got.Profile)
			}
		})
	})
	t.Run("nothing changes", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "title", "T"))
			before := w.lastEvent(*u.ContactID)
			after := w.set(w.a, u.ID, "title", "T", "active", true)
			if after.Version != u.Version || !after.ModifiedAt.Equal(u.ModifiedAt) || w.lastEvent(*u.ContactID).ID != before.ID {
				w.Error("a change of nothing left a trace")
			}
		})
	})
	t.Run("an agent had deleted the contact", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi", "title", "T"))
			w.must(w.DeleteContact(w.ctx(), w.agent, *u.ContactID, nil))
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorAgent)
			w.set(w.a, u.ID, "title", "T") // nothing
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorAgent)
			w.set(w.a, u.ID, "title", "U")
			w.wantStatus(*u.ContactID, desk.Active, "")
			w.wantEvent(*u.ContactID, desk.OpPatch, desk.Restored, "")
		})
	})
	t.Run("an agent had deleted the contact, and the user is inactive", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi"))
			w.must(w.DeleteContact(w.ctx(), w.agent, *u.ContactID, nil))
			w.set(w.a, u.ID, "active", false)
			w.set(w.a, u.ID, "title", "U")
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorAgent)
		})
	})
	t.Run("active goes to false and comes back", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi"))
			w.set(w.a, u.ID, "active", false)
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorDirectory)
			e := w.wantEvent(*u.ContactID, desk.OpPatch, desk.Deactivated, "")
			want := []desk.Change{{Field: "status", From: "active", To: "deleted"}, {Field: "active", From: true, To: false}}
			if diff := cmp.Diff(want, e.Changes); diff != "" {
				w.Error(diff)
			}
			if got, err := w.User(w.ctx(), w.a, u.ID); err != nil || got.Active {
				w.Fatalf("the user is %+v, %v; want it readable and inactive", got, err)
			}
			w.set(w.a, u.ID, "active", true)
			w.wantStatus(*u.ContactID, desk.Active, "")
			w.wantEvent(*u.ContactID, desk.OpPatch, desk.Restored, "")
		})
	})
	t.Run("active is taken off", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi"))
			w.set(w.a, u.ID, "active", nil)
			w.wantStatus(*u.ContactID, desk.Active, "")
			w.set(w.a, u.ID, "active", false)
			w.set(w.a, u.ID, "active", nil)
			if after := w.set(w.a, u.ID, "title", "T"); after.Active {
				w.Error("the person woke up")
			}
			w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		})
	})
	t.Run("rename", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi"))
			w.push(w.a, user("taken"))
			_, err := w.UpdateUser(w.ctx(), w.a, desk.OpReplace, u.ID, nil, func(desk.Resource) (desk.Resource, string, error) { return user("TAKEN"), "", nil })
			w.wantKind(err, desk.Uniqueness, "userName")
			if after := w.set(w.a, u.ID, "userName", "Kofi.A"); after.ID != u.ID || w.contact(*u.ContactID).UserName != "Kofi.A" {
				w.Error("a rename is not in place")
			}
		})
	})
	t.Run("unknown id, or another connection's", func(t *testing.T) {
		both(t, func(w *world) {
			u := w.push(w.a, user("kofi"))
			keep := func(r desk.Resource) (desk.Resource, string, error) { return r, "", nil }
			_, err := w.UpdateUser(w.ctx(), w.a, desk.OpPatch, "nobody", nil, keep)
			w.wantKind(err, desk.NotFound, "")
			_, err = w.UpdateUser(w.ctx(), w.b, desk.OpPatch, u.ID, nil, keep)
			w.wantKind(err, desk.NotFound, "")
		})
	})
}

func TestDeleteUser(t *testing.T) {
	both(t, func(w *world) {
		u := w.push(w.a, user("kofi", "externalId", "k1"))
		w.must(w.DeleteUser(w.ctx(), w.a, u.ID, nil))
		_, err := w.User(w.ctx(), w.a, u.ID)
		w.wantKind(err, desk.NotFound, "")
		w.wantKind(w.DeleteUser(w.ctx(), w.a, u.ID, nil), desk.NotFound, "")
		w.wantStatus(*u.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		w.wantEvent(*u.ContactID, desk.OpDelete, desk.Deleted, "")

		// A new assignment, by externalId alone, finds the same contact.
		again := w.push(w.a, user("kofi.new", "externalId", "k1"))
		if again.ID == u.ID || *again.ContactID != *u.ContactID {
			w.Fatalf("pushed again as %+v, was %+v", again, u)
		}
		w.wantStatus(*u.ContactID, desk.Active, "")
		w.wantEvent(*u.ContactID, desk.OpCreate, desk.Adopted, "externalId")
	})
}

func TestTwoDirectories(t *testing.T) {
	both(t, func(w *world) {
		a := w.push(w.a, user("kofi@acme.example", "externalId", "k1", "displayName", "Kofi"))
		b := w.push(w.b, user("kofi@acme.example", "externalId", "z-9"))
		if *a.ContactID != *b.ContactID || a.ID == b.ID {
			w.Fatal("one person has two contacts, or one user")
		}
		contact := *a.ContactID
		w.set(w.a, a.ID, "active", false)
		w.wantStatus(contact, desk.Active, "")
		w.wantEvent(contact, desk.OpPatch, desk.Deactivated, "held_by_other_connection")
		w.set(w.a, a.ID, "active", true)
		w.must(w.DeleteUser(w.ctx(), w.b, b.ID, nil))
		w.wantStatus(contact, desk.Active, "")
		w.wantEvent(contact, desk.OpDelete, desk.Deleted, "held_by_other_connection")
		w.set(w.a, a.ID, "active", false)
		w.wantStatus(contact, desk.SoftDeleted, desk.ActorDirectory)
	})
}

func TestTwoDirectoriesByExternalID(t *testing.T) {
	both(t, func(w *world) {
		a := w.push(w.a, user("kofi", "externalId", "same"))
		b := w.push(w.b, user("adeyemi", "externalId", "same"))
		if *a.ContactID != *b.ContactID {
			w.Error("the externalId that another connection knows did not match")
		}
	})
}

// TestEraseContact erases somebody with a history: other names, refusals under each of them, a user that is gone.
func TestEraseContact(t *testing.T) {
	both(t, func(w *world) {
		refuse := func(r desk.Resource, kind desk.Kind) {
			w.Helper()
			_, err := w.CreateUser(w.ctx(), w.a, r)
			if err == nil {
				err = desk.Errorf(desk.InvalidValue, "title", "title must be text")
			}
			if desk.KindOf(err) != kind {
				w.Fatalf("%v, want %s", err, kind)
			}
			w.must(w.Refuse(w.ctx(), w.a, provision.Refusal{Operation: desk.OpCreate, Subject: r.UserName(), Err: err}))
		}
		born := w.push(w.a, user("Born@acme.example", "externalId", "k1", "emails", work("Born@acme.example")))
		refuse(user("born@ACME.example"), desk.Uniqueness)
		w.set(w.a, born.ID, "userName", "wed@acme.example", "emails", work("wed@acme.example"))
		refuse(user("WED@acme.example"), desk.Uniqueness)
		bystander := w.push(w.a, user("ann@acme.example"))
		refuse(user("ANN@acme.example"), desk.Uniqueness)
		contact := *born.ContactID

		w.wantKind(w.EraseContact(w.ctx(), w.agent, contact, nil), desk.Conflict, "status")
		w.must(w.DeleteUser(w.ctx(), w.a, born.ID, nil))
		w.wantStatus(contact, desk.SoftDeleted, desk.ActorDirectory)
		w.must(w.EraseContact(w.ctx(), w.agent, contact, nil))
		_, err := w.Contact(w.ctx(), w.agent, contact)
		w.wantKind(err, desk.NotFound, "")
		w.wantKind(w.EraseContact(w.ctx(), w.agent, contact, nil), desk.NotFound, "")

		events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Limit: 100})
		w.must(err)
		kept := 0
		for _, e := range events {
			text := strings.ToLower(fmt.Sprint(e.Changes, e.Subject, e.SubjectKey, e.Detail))
			if strings.Contains(text, "born@") || strings.Contains(text, "wed@") || strings.Contains(text, "k1") {
				w.Errorf("event keeps personal data: %+v", e)
			}
			if e.ContactID != nil && *e.ContactID == contact {
				kept++
			}
			if e.Subject == "ANN@acme.example" && e.Detail == "" || e.ContactID != nil && *e.ContactID == *bystander.ContactID && e.Outcome == desk.Created && e.Changes == nil {
				w.Errorf("somebody else's event was erased: %+v", e)
			}
		}
		if kept < 4 { // created, updated, deleted, and the refusals that named the contact
			w.Errorf("%d events of the contact are left, want all", kept)
		}
		if again := w.push(w.a, user("wed@acme.example", "externalId", "k1")); *again.ContactID == contact {
			w.Error("an erased contact came back")
		}
	})
}

// TestEraseHeldContact erases somebody whom a directory still holds: its user goes as well.
func TestEraseHeldContact(t *testing.T) {
	both(t, func(w *world) {
		u := w.push(w.a, user("kofi@acme.example", "externalId", "k1", "emails", work("kofi@acme.example")))
		w.must(w.DeleteContact(w.ctx(), w.agent, *u.ContactID, nil))
		w.must(w.EraseContact(w.ctx(), w.agent, *u.ContactID, nil))
		_, err := w.User(w.ctx(), w.a, u.ID)
		w.wantKind(err, desk.NotFound, "")
		users, total, err := w.Users(w.ctx(), w.a, desk.UserQuery{Limit: 10})
		if err != nil || len(users)+total > 0 {
			w.Fatalf("%d users are left, %v", total, err)
		}
		w.push(w.a, user("kofi@acme.example", "externalId", "k1", "emails", work("kofi@acme.example")))
	})
}

// TestEraseOnceHeld erases somebody who was held under another name before an agent said who it is: the log finds them as long as
// they are there, and tells nothing of them afterwards.
func TestEraseOnceHeld(t *testing.T) {
	both(t, func(w *world) {
		w.decide(`{"apply":{"create":false},"adopt":"ask"}`)
		w.make("Kofi", "kofi@acme.example", "")
		u := w.push(w.a, user("kofi@acme.example", "externalId", "k1", "emails", work("mensah@acme.example")))
		w.must(w.change(w.a, u.ID, "userName", "born@acme.example"))
		w.must(w.change(w.a, u.ID, "userName", "KOFI@acme.example"))
		bystander := w.push(w.a, user("ann@acme.example"))
		if u.ContactID != nil || bystander.ContactID != nil {
			w.Fatalf("they are not held: %+v, %+v", u, bystander)
		}
		look := func(person string) (found []string) {
			w.Helper()
			events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Person: person, Limit: 10})
			w.must(err)
			for _, ev := range events {
				found = append(found, ev.Subject)
			}
			return found
		}
		all := []string{"KOFI@acme.example", "born@acme.example", "kofi@acme.example"}
		for person, want := range map[string][]string{
			"kofi@acme.example": all, "Mensah@acme.example": all, "k1": all, u.ID: all, "BORN@acme.example": {"born@acme.example"}, "ann@acme.example": {"ann@acme.example"}, "nobody@acme.example": nil,
		} {
			if diff := cmp.Diff(want, look(person)); diff != "" {
				w.Errorf("%s: %s", person, diff)
			}
		}
		contact, err := w.AnswerHeld(w.ctx(), w.agent, "a", u.ID, "")
		w.must(err)
		w.must(w.DeleteContact(w.ctx(), w.agent, contact.ID, nil))
		w.must(w.EraseContact(w.ctx(), w.agent, contact.ID, nil))
		events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Limit: 100})
		w.must(err)
		for _, e := range events {
			text := strings.ToLower(fmt.Sprint(e.Changes, e.Subject, e.SubjectKey, e.Detail))
			if strings.Contains(text, "born@") || strings.Contains(text, "kofi@") || strings.Contains(text, "mensah@") {
				w.Errorf("event keeps personal data: %+v", e)
			}
		}
		if diff := cmp.Diff([]string{"ann@acme.example"}, look("ann@acme.example")); diff != "" {
			w.Errorf("somebody else's: %s", diff)
		}
	})
}

// TestRefuse records what clients that are gone, hostile or long-winded were refused.
func TestRefuse(t *testing.T) {
	both(t, func(w *world) {
		gone, cancel := context.WithCancel(w.ctx())
		cancel()
		long := strings.Repeat("ü", 10_000)
		for _, r := range []provision.Refusal{
			{Subject: "kofi", Err: desk.Errorf(desk.InvalidValue, "", "no")},
			{Subject: "nul\x00 and \xff", UserID: "\x00", Err: desk.Errorf(desk.InvalidPath, "", "nul\x00")},
			{Subject: long, UserID: long, ContactID: long, Err: desk.Errorf(desk.InvalidValue, "", "%s", long)},
			{Err: errors.New("pq: secret")},
		} {
			r.Operation = desk.OpPatch
			w.must(w.Refuse(gone, w.a, r))
			events, err := w.ConnectionEvents(w.ctx(), w.agent, "a", provision.EventQuery{Limit: 1})
			w.must(err)
			ev := events[0]
			if ev.Outcome != desk.Refused || ev.Reason != string(desk.KindOf(r.Err)) || ev.Detail == "" || (ev.Subject == "") != (r.Subject == "") || len(ev.SubjectKey) > desk.MaxKey {
				w.Errorf("%.40q leaves %+.200v", r.Subject, ev)
			}
			if strings.ContainsAny(ev.Subject+ev.Detail, "\x00") || strings.Contains(ev.Detail, "secret") {
				w.Errorf("event tells %q of %q", ev.Detail, ev.Subject)
			}
		}
	})
}
