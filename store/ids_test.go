package store

import (
	"sync"
	"testing"
	"time"
)

func TestIDsOfTimes(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for i := range 3000 { // each microsecond of three milliseconds
		at := at.Add(time.Duration(i) * time.Microsecond)
		id := idAt(at)
		if got, err := timeOf(id); err != nil || !got.Equal(at) {
			t.Fatalf("the id of %v is of %v, %v", at, got, err)
		}
		if id < floor(at) || id >= floor(at.Add(time.Microsecond)) {
			t.Fatalf("%s is not of %v", id, at)
		}
		if id[14] != '7' || id[19] < '8' || id[19] > 'b' {
			t.Fatalf("%s is no UUIDv7", id)
		}
	}
	// The ids of before are made by a library, and have to fit.
	before := time.Now()
	id := NewID()
	if after := time.Now().Add(time.Millisecond); id < floor(before) || id >= floor(after) {
		t.Errorf("%s is not between %s and %s", id, floor(before), floor(after))
	}
	if floor(time.Time{}) > floor(time.Unix(0, 0)) || floor(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)) < floor(at) {
		t.Error("years that no id can have are not at the ends")
	}
}

func TestClock(t *testing.T) {
	var c clock
	now := time.Date(2026, 11, 20, 12, 0, 0, 999, time.UTC)
	seen := map[time.Time]bool{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			last := time.Time{}
			for range 1000 {
				next := c.next(now)
				mu.Lock()
				if !next.After(last) || seen[next] {
					t.Errorf("%v after %v", next, last)
				}
				seen[next], last = true, next
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if earlier := c.next(now.Add(-time.Hour)); !earlier.Equal(now.Add(-time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("an hour earlier it is %v", earlier)
	}
	if later := c.next(now.Add(time.Hour)); !later.Equal(now.Add(time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("an hour later it is %v", later)
	}
}
