package provision_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// TestHealthAndDays holds that each connection is told its own cycles, none of another one that had its slug, and its days.
func TestHealthAndDays(t *testing.T) {
	both(t, func(w *world) {
		now := w.Store.Now().UTC()
		today := now.Truncate(24 * time.Hour)
		noon := today.Add(-12 * time.Hour) // yesterday's
		w.Store.Now = func() time.Time { return now }
		cycle := func(connection string, at time.Time, outcomes map[desk.Outcome]int, faults int) {
			w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error {
				id := fmt.Sprintf("%08x-%04x-7000-8000-000000000000", at.UnixMilli()>>16, at.UnixMilli()&0xffff)
				return tx.CreateCycle(&desk.Cycle{TenantID: "t", Connection: connection, ID: id, StartedAt: at, EndedAt: at.Add(time.Minute), Outcomes: outcomes, Errors: faults})
			}))
		}
		var made time.Time
		w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error {
			for i, slug := range []string{"a", "b"} {
				c, err := tx.LockConnection("t", slug)
				if err != nil {
					return err
				}
				c.CreatedAt = today.AddDate(0, 0, -30*(i+1))
				made = c.CreatedAt
				if err := tx.UpdateConnection(&c); err != nil {
					return err
				}
			}
			return nil
		}))
		for i := range 20 {
			cycle("a", noon.Add(time.Duration(i)*20*time.Minute), map[desk.Outcome]int{desk.Created: 2, desk.Updated: 1, desk.Skipped: 5, desk.Refused: 1}, 1)
		}
		cycle("a", today.AddDate(0, 0, -20), map[desk.Outcome]int{desk.Created: 100}, 0)
		cycle("b", now.Add(-time.Minute), map[desk.Outcome]int{desk.Updated: 7}, 0)
		cycle("gone", now, map[desk.Outcome]int{desk.Updated: 7}, 0)

		list, err := w.Health(w.ctx(), w.agent)
		w.must(err)
		if len(list) != 2 || list[0].Slug != "a" || list[1].Slug != "b" {
			w.Fatalf("the health is %+v", list)
		}
		if c := list[0].LastCycle; c == nil || !c.StartedAt.Equal(noon.Add(19*20*time.Minute)) || !list[0].LastActivity.Equal(c.EndedAt) || c.Outcomes[desk.Created] != 2 {
			w.Errorf("the last cycle is %+v", c)
		}
		if c := list[1].LastCycle; c == nil || c.Synced() != 7 {
			w.Errorf("the last cycle of the other is %+v", c)
		}
		days, err := w.Days(w.ctx(), w.agent, 14)
		w.must(err)
		want := make([]provision.Day, 14)
		for i := range want {
			want[i].Date = today.AddDate(0, 0, i-13)
		}
		want[12].Synced, want[12].Failed = 60, 40
		if diff := cmp.Diff(want, days["a"]); diff != "" {
			w.Error(diff)
		}
		if n := len(days); n != 2 {
			w.Errorf("%d connections have days", n)
		}

		// Another connection that takes the slug has none of it.
		w.must(w.DeleteConnection(w.ctx(), w.agent, "a"))
		w.must(w.CreateConnection(w.ctx(), w.agent, &desk.Connection{Slug: "a", Provider: "okta"}))
		c, err := w.HealthOf(w.ctx(), w.agent, "a")
		w.must(err)
		if c.LastCycle != nil || c.LastActivity != nil || c.Provider != "okta" || !c.CreatedAt.After(made) {
			w.Errorf("the new one is %+v", c)
		}
		days, err = w.Days(w.ctx(), w.agent, 14)
		w.must(err)
		if days["a"][12].Synced != 0 {
			w.Errorf("its days are %+v", days["a"])
		}
		_, err = w.HealthOf(w.ctx(), w.agent, "nowhere")
		w.wantKind(err, desk.NotFound, "")
	})
}

// TestPauseWithReason holds that the directory is told why it has to wait.
func TestPauseWithReason(t *testing.T) {
	both(t, func(w *world) {
		on := true
		c, err := w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Paused: &on, Reason: "moving house"})
		w.must(err)
		if c.PausedBy != "ann (moving house)" || w.last().Detail != "moving house" {
			w.Errorf("paused by %q, the event is %+v", c.PausedBy, w.last())
		}
		for _, bad := range []string{strings.Repeat("x", 301), "\x00"} {
			_, err := w.EditConnection(w.ctx(), w.agent, "b", provision.ConnectionEdit{Paused: &on, Reason: bad})
			w.wantKind(err, desk.InvalidValue, "reason")
		}
		err = w.CreateConnection(w.ctx(), w.agent, &desk.Connection{Slug: "new", Provider: "okta"})
		w.wantKind(err, desk.InvalidValue, "slug")
	})
}

// TestNewestUsers holds their order, and that to look at them is no activity of the directory's.
func TestNewestUsers(t *testing.T) {
	both(t, func(w *world) {
		for _, name := range []string{"kofi", "ann", "ben"} {
			w.push(w.a, user(name))
		}
		w.push(w.b, user("esi"))
		w.must(w.Store.WriteActivity(w.ctx()))
		list, err := w.NewestUsers(w.ctx(), w.agent, "a", 2)
		w.must(err)
		if len(list) != 2 || list[0].UserNameKey != "ben" || list[1].UserNameKey != "ann" {
			w.Errorf("they are %+v", list)
		}
		if _, people, err := w.Unmapped(w.ctx(), w.agent, "a", 2); err != nil || people != 2 {
			w.Errorf("attributes are counted over %d people, %v", people, err)
		}
		w.must(w.Store.WriteActivity(w.ctx()))
		if cycles, err := w.Cycles(w.ctx(), w.agent, "a", "", 1); err != nil || cycles[0].Lookups != 0 {
			w.Errorf("the cycles are %+v, %v", cycles, err)
		}
	})
}
