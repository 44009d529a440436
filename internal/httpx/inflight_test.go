package httpx

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/desk"
)

func TestInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewInFlight(3)
		var greedy, most atomic.Int32
		for range 10 { // each of which takes a second
			go func() {
				place, err := f.Enter(t.Context(), "greedy")
				if err != nil {
					t.Error(err)
					return
				}
				most.Store(max(most.Load(), greedy.Add(1)))
				time.Sleep(time.Second)
				greedy.Add(-1)
				place.Leave()
			}()
		}
		synctest.Wait()
		if greedy.Load() != 3 {
			t.Errorf("%d of the greedy one's are under way", greedy.Load())
		}
		began := time.Now()
		place, err := f.Enter(t.Context(), "other")
		if err != nil || time.Since(began) > 0 {
			t.Errorf("another tenant waits %v, %v", time.Since(began), err)
		}
		place.Leave()
		time.Sleep(10 * time.Second)
		if most.Load() != 3 || greedy.Load() != 0 {
			t.Errorf("up to %d were under way, and %d are still", most.Load(), greedy.Load())
		}

		// Who does not get a place in time is told to wait, and takes none.
		var held []Place
		for range 3 {
			place, err := f.Enter(t.Context(), "greedy")
			if err != nil {
				t.Fatal(err)
			}
			held = append(held, place)
		}
		for range 5 {
			began := time.Now()
			if _, err := f.Enter(t.Context(), "greedy"); desk.KindOf(err) != desk.RateLimited || time.Since(began) != patience {
				t.Errorf("after %v: %v", time.Since(began), err)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := f.Enter(gone, "greedy"); err == nil {
			t.Error("one whose client has gone gets a place")
		}
		for _, p := range held {
			p.Leave()
		}
		for range 3 {
			if _, err := f.Enter(t.Context(), "greedy"); err != nil {
				t.Error(err)
			}
		}
		if n := testing.AllocsPerRun(100, func() { place, _ := f.Enter(t.Context(), "other"); place.Leave() }); n > 0 {
			t.Errorf("a place costs %v allocations", n)
		}
		if place, err = NewInFlight(0).Enter(t.Context(), "greedy"); err != nil {
			t.Error(err)
		}
		place.Leave()
	})
}
