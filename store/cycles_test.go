package store_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// processes are two servers over one database, with one clock.
type processes struct {
	*testing.T
	a, b *store.Store
	mu   sync.Mutex
	now  time.Time
}

func eachProcesses(t *testing.T, f func(*processes)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := &processes{T: t, now: noon}
		clock := func() time.Time { p.mu.Lock(); defer p.mu.Unlock(); return p.now }
		p.a, p.b = open(t, databaseURL), open(t, databaseURL)
		p.a.Now, p.b.Now = clock, clock
		f(p)
	})
}

func (p *processes) at(minute float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = noon.Add(time.Duration(minute * float64(time.Minute)))
}

func (p *processes) record(s *store.Store, outcomes ...desk.Outcome) {
	p.Helper()
	for _, outcome := range outcomes {
		err := s.Tx(p.Context(), func(tx *store.Tx) error {
			return tx.Record(desk.Event{TenantID: "t", Connection: "c", ActorType: desk.ActorDirectory, Outcome: outcome})
		})
		if err != nil {
			p.Fatal(err)
		}
	}
}

func (p *processes) write(list ...*store.Store) {
	p.Helper()
	for _, s := range list {
		if err := s.WriteActivity(p.Context()); err != nil {
			p.Fatal(err)
		}
	}
}

// settle counts the events of cycles that are over.
func (p *processes) settle() {
	p.Helper()
	r := p.a.Read(p.Context())
	list, err := r.UnsettledCycles(p.a.Now(), 10)
	if err != nil {
		p.Fatal(err)
	}
	for _, c := range list {
		from, to, err := r.CycleSpan(c)
		if err != nil {
			p.Fatal(err)
		}
		counts, last, err := r.CountEvents(c.TenantID, c.Connection, from, to)
		if err != nil {
			p.Fatal(err)
		}
		if err := p.a.Tx(p.Context(), func(tx *store.Tx) error { return tx.SettleCycle(c, counts, last) }); err != nil {
			p.Fatal(err)
		}
	}
}

// seen is what a test compares of a cycle: minutes after noon, and counts.
type seen struct {
	From, To                   float64
	Outcomes                   map[desk.Outcome]int
	Unchanged, Lookups, Errors int
}

func (p *processes) cycles() []seen {
	p.Helper()
	list, err := p.a.Read(p.Context()).Cycles("t", "c", "", 100)
	if err != nil {
		p.Fatal(err)
	}
	var out []seen
	for _, c := range list {
		minutes := func(t time.Time) float64 { return t.Sub(noon).Truncate(time.Millisecond).Minutes() }
		out = append(out, seen{minutes(c.StartedAt), minutes(c.EndedAt), c.Outcomes, c.Unchanged, c.Lookups, c.Errors})
	}
	return out
}

func (p *processes) want(want ...seen) {
	p.Helper()
	if diff := cmp.Diff(want, p.cycles()); diff != "" {
		p.Error(diff)
	}
}

type counts = map[desk.Outcome]int

func TestCycles(t *testing.T) {
	eachProcesses(t, func(p *processes) {
		lookup := desk.Cycle{TenantID: "t", Connection: "c", Lookups: 1}
		p.write(p.a, p.b)
		p.want()

		p.record(p.a, desk.Created, desk.Created)
		p.a.Count(lookup)
		p.b.Count(lookup)
		p.record(p.b, desk.Refused)
		p.write(p.a)
		p.at(6)
		p.b.Count(desk.Cycle{TenantID: "t", Connection: "c", Unchanged: 2, Errors: 1})
		p.write(p.b, p.a)
		first := seen{0, 6, counts{desk.Created: 2, desk.Refused: 1}, 2, 2, 1}
		p.want(first)

		p.at(15)
		p.a.Count(desk.Cycle{TenantID: "t", Connection: "other", Lookups: 1})
		p.a.Count(desk.Cycle{TenantID: "u", Connection: "c", Lookups: 1})
		p.at(16)
		p.a.Count(lookup)
		p.write(p.a)
		second := seen{16, 16, counts{}, 0, 1, 0}
		p.want(second, first)

		// Process b is late with what it saw before process a's cycle began.
		p.at(15.5)
		p.b.Count(lookup)
		p.write(p.b)
		second.From, second.Lookups = 15.5, 2
		p.want(second, first)

		// And with what belongs to a cycle that is over.
		p.at(3)
		p.record(p.b, desk.Deleted)
		p.write(p.b)
		first.Outcomes[desk.Deleted] = 1
		p.want(second, first)

		p.at(100)
		last, err := p.a.Read(p.Context()).LastActivity("t")
		want := map[string]time.Time{}
		if diff := cmp.Diff(want, last); diff != "" || err != nil {
			p.Errorf("last activity of connections that there are not: %s, %v", diff, err)
		}
		err = p.a.Tx(p.Context(), func(tx *store.Tx) error {
			if err := tx.CreateTenant(&desk.Tenant{ID: "t", CreatedAt: tx.Now}); err != nil {
				return err
			}
			for _, slug := range []string{"c", "quiet"} {
				if err := tx.CreateConnection(&desk.Connection{TenantID: "t", Slug: slug, CreatedAt: tx.Now}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			p.Fatal(err)
		}
		want["c"] = noon.Add(16 * time.Minute)
		if last, err = p.a.Read(p.Context()).LastActivity("t"); err != nil {
			p.Fatal(err)
		}
		if diff := cmp.Diff(want, last); diff != "" {
			p.Errorf("last activity: %s", diff)
		}
	})
}

// TestActivityOfManyProcesses holds that nothing is lost when processes count and write at the same moment, nor when a
// transaction is rolled back or a write fails.
func TestActivityOfManyProcesses(t *testing.T) {
	eachProcesses(t, func(p *processes) {
		const workers, rounds = 4, 10
		var all sync.WaitGroup
		for i := range workers {
			s := []*store.Store{p.a, p.b}[i%2]
			all.Go(func() {
				for range rounds {
					s.Count(desk.Cycle{TenantID: "t", Connection: "c", Lookups: 1})
					s.Count(desk.Cycle{TenantID: "t", Connection: "d", Lookups: 1})
					p.record(s, desk.Updated)
					p.write(s)
				}
			})
		}
		all.Wait()
		err := p.a.Tx(p.Context(), func(tx *store.Tx) error {
			if err := tx.Record(desk.Event{TenantID: "t", Connection: "c", ActorType: desk.ActorDirectory, Outcome: desk.Deleted}); err != nil {
				return err
			}
			tx.Count(desk.Cycle{TenantID: "t", Connection: "c", Unchanged: 1})
			return desk.Errorf(desk.Conflict, "", "no")
		})
		if desk.KindOf(err) != desk.Conflict {
			p.Fatal(err)
		}
		p.a.Count(desk.Cycle{TenantID: "t", Connection: "c", Lookups: 1})
		ended, cancel := context.WithCancel(p.Context())
		cancel()
		if p.a.WriteActivity(ended) == nil {
			p.Error("wrote without a database")
		}
		p.write(p.a)
		p.want(seen{0, 0, counts{desk.Updated: workers * rounds}, 0, workers*rounds + 1, 0})
	})
}

// TestSettledCycles holds that the counts of a cycle that is over are those of the log, whatever a process took with it.
func TestSettledCycles(t *testing.T) {
	eachProcesses(t, func(p *processes) {
		p.record(p.a, desk.Created)
		p.write(p.a)
		p.at(2)
		p.record(p.b, desk.Created, desk.Refused) // whose process never writes its counts
		err := p.b.Tx(p.Context(), func(tx *store.Tx) error {
			return tx.Record(desk.Event{TenantID: "t", Connection: "c", ActorType: desk.ActorAgent, Outcome: desk.Updated}) // of the connection's settings
		})
		if err != nil {
			p.Fatal(err)
		}
		p.at(10)
		p.settle()
		p.want(seen{0, 0, counts{desk.Created: 1}, 0, 0, 0}) // it may go on
		p.at(10.1)
		p.settle()
		over := seen{0, 2, counts{desk.Created: 2, desk.Refused: 1}, 0, 0, 0}
		p.want(over)
		if list, err := p.a.Read(p.Context()).UnsettledCycles(p.a.Now().Add(time.Hour), 10); err != nil || len(list) > 0 {
			p.Errorf("still to settle: %v, %v", list, err)
		}

		// What comes soon after what was found so is part of the cycle, which is settled once more.
		p.at(10.5)
		p.record(p.a, desk.Deleted)
		p.write(p.a)
		p.record(p.b, desk.Deleted)
		p.at(40)
		p.settle()
		p.want(seen{0, 10.5, counts{desk.Created: 2, desk.Refused: 1, desk.Deleted: 2}, 0, 0, 0})
		p.record(p.a, desk.Erased)
		p.write(p.a)
		p.at(60)
		p.settle()
		p.want(seen{40, 40, counts{desk.Erased: 1}, 0, 0, 0}, seen{0, 10.5, counts{desk.Created: 2, desk.Refused: 1, desk.Deleted: 2}, 0, 0, 0})
	})
}

// TestLateProcess holds that an event counts in one cycle only, where what a process writes late reaches into the time after the cycle before.
func TestLateProcess(t *testing.T) {
	eachProcesses(t, func(p *processes) {
		p.record(p.a, desk.Created)
		p.write(p.a)
		p.at(5)
		p.record(p.b, desk.Updated)
		p.at(12)
		p.record(p.a, desk.Deleted)
		p.write(p.a, p.b)
		p.at(60)
		p.settle()
		p.want(seen{5, 12, counts{desk.Updated: 1, desk.Deleted: 1}, 0, 0, 0}, seen{0, 0, counts{desk.Created: 1}, 0, 0, 0})
	})
}
