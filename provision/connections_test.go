package provision_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// did lists what the log says of a contact, newest first.
func (w *world) did(contact string) []string {
	w.Helper()
	events, err := w.ContactEvents(w.ctx(), w.agent, contact, "", 100)
	w.must(err)
	var list []string
	for _, e := range events {
		list = append(list, fmt.Sprintf("%s %s %s by %s on %s", e.Operation, e.Outcome, e.Reason, e.ActorName, e.Connection))
	}
	return list
}

func TestDeleteConnection(t *testing.T) {
	both(t, func(w *world) {
		kofi := w.push(w.a, user("kofi", "externalId", "k-1", "emails", work("kofi@acme.example")))
		ann := w.push(w.a, user("ann"))
		w.push(w.b, user("ann"))
		ben := w.push(w.a, user("ben", "active", false))
		w.must(w.DeleteConnection(w.ctx(), w.agent, "a"))

		w.wantKind(w.DeleteConnection(w.ctx(), w.agent, "a"), desk.NotFound, "")
		_, err := w.Connection(w.ctx(), w.agent, "a")
		w.wantKind(err, desk.NotFound, "")
		if list, total, err := w.Users(w.ctx(), w.a, desk.UserQuery{Limit: 10}); err != nil || len(list) > 0 || total > 0 {
			t.Errorf("%d users are left: %v", total, err)
		}
		w.wantStatus(*kofi.ContactID, desk.Active, "")
		w.wantStatus(*ann.ContactID, desk.Active, "")
		w.wantStatus(*ben.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		if users := w.contact(*kofi.ContactID).Users; len(users) != 0 {
			t.Errorf("kofi still has %+v", users)
		}
		if users := w.contact(*ann.ContactID).Users; len(users) != 1 || users[0].Connection != "b" {
			t.Errorf("ann has %+v", users)
		}
		want := []string{"delete unlinked connection by ann on a", "create created no_match by a on a"}
		if diff := cmp.Diff(want, w.did(*kofi.ContactID)); diff != "" {
			t.Errorf("the history: %s", diff)
		}
		events, err := w.Store.Read(w.ctx()).Events(store.EventQuery{TenantID: "t", Connection: "a", Limit: 1})
		w.must(err)
		if e := events[0]; e.Operation != desk.OpDelete || e.Outcome != desk.Deleted || e.Reason != "connection" || e.ActorName != "ann" {
			t.Errorf("the log ends with %+v", e)
		}

		// A request that had come in before finds nothing to add to.
		_, err = w.CreateUser(w.ctx(), w.a, user("eve"))
		w.wantKind(err, desk.NotFound, "")

		// Another connection finds the people again, by what the first one called them.
		w.must(w.CreateConnection(w.ctx(), w.agent, &desk.Connection{Slug: "a", Provider: "okta"}))
		if again := w.push(w.a, user("k.adeyemi", "externalId", "k-1")); *again.ContactID != *kofi.ContactID {
			t.Error("kofi was made a second time")
		}
	})
}

// TestDeleteLargeConnection deletes a directory of more users than go in one transaction, with time for one.
func TestDeleteLargeConnection(t *testing.T) {
	both(t, func(w *world) {
		const people = store.UnlinkPage + 1
		w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error {
			for i := range people {
				c := desk.Contact{TenantID: "t", ID: store.NewID(), Status: desk.Active}
				c.SetProfile(desk.Profile{UserName: fmt.Sprint("u", i)}, "")
				u := desk.DirectoryUser{TenantID: "t", Connection: "a", ID: store.NewID(), ContactID: &c.ID, Resource: "{}", UserNameKey: c.UserNameKey}
				c.Count(&u, 1)
				if err := tx.CreateContact(&c); err != nil {
					return err
				}
				if err := tx.CreateUser(&u, []desk.UserEmail{{TenantID: "t", Connection: "a", ValueKey: c.UserNameKey, UserID: u.ID}}); err != nil {
					return err
				}
			}
			return tx.CreateToken(&desk.Token{TenantID: "t", ID: "secret", Kind: desk.TokenSCIM, Connection: "a"})
		}))
		hurry, cancel := context.WithTimeout(w.ctx(), 4*time.Second)
		defer cancel()
		w.wantKind(w.DeleteConnection(hurry, w.agent, "a"), desk.Unavailable, "")
		if _, total, err := w.Users(w.ctx(), w.a, desk.UserQuery{}); err != nil || total != 1 {
			t.Errorf("%d users are left: %v", total, err)
		}
		if tokens, err := w.Store.Read(w.ctx()).Tokens(store.TokenQuery{TenantID: "t", Connection: "a", Limit: 1}); err != nil || len(tokens) > 0 {
			t.Errorf("the directory can still write: %v %v", tokens, err)
		}
		w.must(w.DeleteConnection(w.ctx(), w.agent, "a"))

		events, err := w.Store.Read(w.ctx()).Events(store.EventQuery{TenantID: "t", Connection: "a"})
		w.must(err)
		count, contacts := map[desk.Outcome]int{}, map[string]bool{}
		for _, e := range events {
			if count[e.Outcome]++; e.Outcome == desk.Unlinked {
				contacts[*e.ContactID] = true
			}
		}
		if diff := cmp.Diff(map[desk.Outcome]int{desk.Created: 1, desk.Started: 1, desk.Unlinked: people, desk.Deleted: 1}, count); diff != "" || len(contacts) != people {
			t.Errorf("%d contacts were told: %s", len(contacts), diff)
		}
		if n := len(w.all()); n != 1000 { // a page of them
			t.Errorf("%d contacts are left", n)
		}
	})
}

// TestDeleteConnectionInUse deletes a connection while its directory pushes people: no user may be left without a connection.
func TestDeleteConnectionInUse(t *testing.T) {
	both(t, func(w *world) {
		var pushing sync.WaitGroup
		ready := make(chan bool, 4)
		for i := range 4 {
			pushing.Go(func() {
				for j := range 500 {
					_, err := w.CreateUser(w.ctx(), w.a, user(fmt.Sprintf("u%d-%d", i, j)))
					if j == 0 {
						ready <- true
					}
					if err != nil {
						if desk.KindOf(err) != desk.NotFound {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for range 4 {
			<-ready
		}
		w.must(w.DeleteConnection(w.ctx(), provision.System("t"), "a"))
		pushing.Wait()
		if _, total, err := w.Users(w.ctx(), w.a, desk.UserQuery{}); err != nil || total != 0 {
			t.Errorf("%d users are left: %v", total, err)
		}
	})
}
