package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// TestEventQueries asks for events by all combinations of what they can be asked for, a page at a time, and compares with a
// plain look through all of them.
func TestEventQueries(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	pointer := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		now := noon
		s.Now = func() time.Time { return now }
		for range 400 {
			now = now.Add(time.Duration(random.IntN(4)) * 500 * time.Microsecond)
			ev := desk.Event{
				TenantID: pick("t", "t", "t", "other"), Connection: pick("c", "c", "d", ""), ActorType: desk.ActorType(pick("directory", "agent")),
				Operation: desk.Operations[random.IntN(len(desk.Operations))], Outcome: desk.Outcomes[random.IntN(len(desk.Outcomes))],
				ContactID: pointer(pick("", "p1", "p2", "p3")), UserID: pointer(pick("", "u1", "u2")), SubjectKey: pick("", "", "kofi", "p1"), RequestID: pick("", "r1", "r2"),
			}
			if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Record(ev) }); err != nil {
				t.Fatal(err)
			}
		}
		var all []desk.Event
		for _, log := range []store.Log{{"t", "c"}, {"t", "d"}, {"t", ""}, {"other", "c"}, {"other", "d"}, {"other", ""}} {
			list, err := s.Read(t.Context()).Events(store.EventQuery{TenantID: log.TenantID, Connection: log.Connection, Limit: 1000})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, list...)
		}
		slices.SortFunc(all, func(a, b desk.Event) int { return b.At.Compare(a.At) })
		if len(all) != 400 || !slices.IsSortedFunc(all, func(a, b desk.Event) int { return strings.Compare(b.ID, a.ID) }) {
			t.Fatalf("%d events, whose ids are not in the order of their times", len(all))
		}
		for range 300 {
			q := store.EventQuery{TenantID: "t", Connection: "c", Limit: 1 + random.IntN(20), Directory: random.IntN(4) == 0}
			if random.IntN(3) == 0 {
				q.From = noon.Add(time.Duration(random.IntN(200)) * time.Millisecond)
			}
			if random.IntN(3) == 0 {
				q.To = noon.Add(time.Duration(100+random.IntN(300)) * time.Millisecond)
			}
			if random.IntN(3) == 0 {
				q.Operations = desk.Operations[:1+random.IntN(4)]
			}
			if random.IntN(3) == 0 {
				q.Outcomes = desk.Outcomes[random.IntN(4):]
			}
			if random.IntN(4) == 0 {
				q.RequestID = "r1"
			}
			switch random.IntN(6) {
			case 0:
				q.Contacts, q.Users, q.Subject = []string{"p1", "p2"}, []string{"u1", "u2"}, "kofi"
			case 1:
				q.Contacts, q.Users, q.Subject = []string{"p1"}, []string{"p1"}, "p1"
			case 2:
				q.Contacts, q.Connection = []string{"p3"}, ""
			}
			var want []string
			for _, ev := range all {
				if asked(q, ev) {
					want = append(want, ev.ID)
				}
			}
			var got []string
			for more := true; more; {
				page, err := s.Read(t.Context()).Events(q)
				if err != nil {
					t.Fatalf("%+v: %v", q, err)
				}
				for _, ev := range page {
					got = append(got, ev.ID)
					q.Before = ev.ID
				}
				more = len(page) == q.Limit
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%+v: %s", q, diff)
			}
			if len(want) == 0 {
				continue
			}
			from := random.IntN(len(want)) // and from there back to the newest
			q.Before, q.After = "", want[from]
			got = nil
			for more := true; more; {
				page, err := s.Read(t.Context()).Events(q)
				if err != nil {
					t.Fatalf("%+v: %v", q, err)
				}
				var ids []string
				for _, ev := range page {
					ids = append(ids, ev.ID)
				}
				if more = len(page) == q.Limit; more {
					q.After = ids[0]
				}
				got = append(ids, got...)
			}
			if diff := cmp.Diff(want[:from], got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("back %+v: %s", q, diff)
			}
		}
	})
}

// asked reports whether a query asks for an event.
func asked(q store.EventQuery, ev desk.Event) bool {
	is := func(id *string, one ...string) bool { return id != nil && slices.Contains(one, *id) }
	person := len(q.Contacts) == 0 && len(q.Users) == 0 && q.Subject == "" ||
		is(ev.ContactID, q.Contacts...) || is(ev.UserID, q.Users...) || ev.SubjectKey != "" && ev.SubjectKey == q.Subject
	return person && ev.TenantID == q.TenantID && (q.Connection == ev.Connection || q.Connection == "" && len(q.Contacts) > 0) &&
		(len(q.Operations) == 0 || slices.Contains(q.Operations, ev.Operation)) && (len(q.Outcomes) == 0 || slices.Contains(q.Outcomes, ev.Outcome)) &&
		(q.RequestID == "" || q.RequestID == ev.RequestID) && (!q.Directory || ev.ActorType == desk.ActorDirectory) &&
		!ev.At.Before(q.From) && (q.To.IsZero() || ev.At.Before(q.To))
}

// TestDuration holds that an event says how long its request has taken, and nothing where there was none.
func TestDuration(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		for began, least := range map[time.Time]int64{time.Now().Add(-time.Minute): 60e6, {}: 0} {
			err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.Record(desk.Event{TenantID: "t", Connection: "c", Began: began}) })
			if err != nil {
				t.Fatal(err)
			}
			list, err := s.Read(t.Context()).Events(store.EventQuery{TenantID: "t", Connection: "c", Limit: 1})
			if err != nil || list[0].Microseconds < least || least == 0 && list[0].Microseconds != 0 {
				t.Errorf("a request that began at %v took %d µs, %v", began, list[0].Microseconds, err)
			}
		}
	})
}

// TestDeleteEvents holds that what is old goes, in batches, from all logs, and nothing else.
func TestDeleteEvents(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		start := time.Now().UTC().Truncate(time.Second).Add(-72 * time.Hour) // what is younger than a day the database keeps
		now := start
		s.Now = func() time.Time { return now }
		logs := []store.Log{{"a", ""}, {"a", "c"}, {"b", "c"}, {"b", "d"}}
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			for i := range 10 {
				now = start.Add(time.Duration(i) * time.Hour)
				for _, log := range logs[:3] {
					if err := tx.Record(desk.Event{TenantID: log.TenantID, Connection: log.Connection}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Count(desk.Cycle{TenantID: "b", Connection: "d", Lookups: 1}) // a log without events, but with a cycle
		if err := s.WriteActivity(t.Context()); err != nil {
			t.Fatal(err)
		}
		var found []store.Log
		r := s.Read(t.Context())
		for log, err := r.NextLog(store.Log{}); err == nil; log, err = r.NextLog(log) {
			found = append(found, log)
		}
		if diff := cmp.Diff(logs, found); diff != "" {
			t.Errorf("logs: %s", diff)
		}
		batches := func(log store.Log, before time.Time) string {
			var sizes []int
			for n := 2; n == 2; {
				err := s.Tx(t.Context(), func(tx *store.Tx) (err error) {
					n, err = tx.DeleteEvents(log, before, 2)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				sizes = append(sizes, n)
			}
			left, err := r.Events(store.EventQuery{TenantID: log.TenantID, Connection: log.Connection, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(sizes, " ", len(left))
		}
		fifth := start.Add(5 * time.Hour)
		if got := batches(logs[1], fifth); got != "[2 2 1] 5" {
			t.Errorf("batches and rest: %s", got)
		}
		if got := batches(logs[1], fifth.Add(time.Millisecond)); got != "[1] 4" {
			t.Errorf("a moment later: %s", got)
		}
		if got := batches(logs[2], start); got != "[0] 10" {
			t.Errorf("of another tenant: %s", got)
		}
		if got := batches(logs[3], now.Add(time.Hour)); got != "[1] 0" {
			t.Errorf("cycles: %s", got)
		}
	})
}
