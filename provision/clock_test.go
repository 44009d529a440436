package provision_test

import (
	"fmt"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

// TestClockSetBack sets the clock back by hours between writes: each is kept, with its event, and pages still show all.
func TestClockSetBack(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		entra := testkit.Directory("main", "entra")
		now := time.Now().UTC().Truncate(time.Microsecond)
		s.Store.Now = func() time.Time { return now }
		var ids []string
		for i := range 6 {
			u, err := s.Engine.CreateUser(t.Context(), entra, desk.Resource{"userName": fmt.Sprintf("u%d", i), "active": true})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, u.ID)
			now = now.Add(-time.Hour)
		}
		for i, id := range ids {
			u, err := s.Engine.UpdateUser(t.Context(), entra, desk.OpPatch, id, nil, func(r desk.Resource) (desk.Resource, string, error) {
				r["title"] = fmt.Sprintf("Title %d", i)
				return r, "", nil
			})
			if err != nil || u.Version != 2 {
				t.Fatalf("version %d, %v", u.Version, err)
			}
			now = now.Add(-time.Minute)
		}
		seen := map[string]bool{}
		q := provision.ContactQuery{Limit: 2}
		for more := true; more; more = q.After != "" {
			page, err := s.Engine.Contacts(t.Context(), entra, q)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Contacts {
				seen[c.UserName] = true
				events, err := s.Engine.ContactEvents(t.Context(), entra, c.ID, "", 10)
				if err != nil || len(events) != 2 {
					t.Errorf("%s has %d events, %v", c.UserName, len(events), err)
				}
			}
			q.After = page.Next
		}
		if len(seen) != len(ids) {
			t.Errorf("pages show %d of %d contacts", len(seen), len(ids))
		}
		var events int
		before := ""
		for {
			page, err := s.Engine.ConnectionEvents(t.Context(), entra, "entra", provision.EventQuery{Before: before, Limit: 3})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				if e.ActorType == desk.ActorDirectory {
					events++
				}
			}
			if len(page) < 3 {
				break
			}
			before = page[len(page)-1].ID
		}
		if events != 2*len(ids) {
			t.Errorf("the log shows %d of %d events", events, 2*len(ids))
		}
		if err := s.Store.WriteActivity(t.Context()); err != nil {
			t.Error(err)
		}
		_, err := s.Auth.Issue(t.Context(), provision.System("main"), &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "entra", Label: store.NewID()})
		if err != nil {
			t.Error(err)
		}
	})
}
