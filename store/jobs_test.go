package store_test

import (
	"sync"
	"testing"
	"time"

	"rollcall/store"
)

// TestJobs holds that one process at a time has a job, and another one when that is done with it, or dead.
func TestJobs(t *testing.T) {
	eachProcesses(t, func(p *processes) {
		claim := func(s *store.Store, holder string, want bool) {
			p.Helper()
			if got, err := s.ClaimJob(p.Context(), "job", holder, time.Minute, time.Hour); err != nil || got != want {
				p.Errorf("%s claims it: %v, %v", holder, got, err)
			}
		}
		hold := func(s *store.Store, holder string, want bool) {
			p.Helper()
			if got, err := s.HoldJob(p.Context(), "job", holder, time.Minute); err != nil || got != want {
				p.Errorf("%s holds it: %v, %v", holder, got, err)
			}
		}
		release := func(s *store.Store, holder string) {
			p.Helper()
			if err := s.ReleaseJob(p.Context(), "job", holder, time.Hour); err != nil {
				p.Error(err)
			}
		}
		claim(p.a, "a", true)
		claim(p.b, "b", false)
		claim(p.a, "a", false) // it has it already
		p.at(0.9)
		hold(p.a, "a", true)
		hold(p.b, "b", false)
		p.at(1.5)
		claim(p.b, "b", false)
		p.at(2) // a has died
		claim(p.b, "b", true)
		hold(p.a, "a", false)
		release(p.a, "a") // which is no longer its to do
		claim(p.a, "a", false)
		release(p.b, "b")
		claim(p.a, "a", false) // not due
		p.at(63)
		var claimed sync.Map
		var all sync.WaitGroup
		for i := range 8 {
			s := []*store.Store{p.a, p.b}[i%2]
			all.Go(func() {
				if ok, err := s.ClaimJob(p.Context(), "job", string(rune('a'+i)), time.Minute, time.Hour); err != nil {
					p.Error(err)
				} else if ok {
					claimed.Store(i, true)
				}
			})
		}
		all.Wait()
		n := 0
		claimed.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			p.Errorf("%d processes have one job", n)
		}
		p.at(0) // the clock is set back an hour
		claim(p.a, "c", true)
		claim(p.b, "d", false)
		release(p.a, "c") // due in an hour
		p.at(-90)
		claim(p.b, "d", true)
	})
}
