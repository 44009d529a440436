package store

import (
	"sync"
	"time"
)

// Of a long list the number of its entries is counted once a minute, not for each of its pages.

const (
	manyUsers = 10_000 // from here on a list is long
	totalLife = time.Minute
	maxTotals = 1000
)

// totals remembers how long long lists are. The zero value is ready.
type totals struct {
	mu   sync.Mutex
	list map[string]total
}

type total struct {
	n  int
	at time.Time
}

// of returns a list's length as it was within the last minute, or counts.
func (t *totals) of(list string, now time.Time, count func() (int, error)) (int, error) {
	t.mu.Lock()
	known, ok := t.list[list]
	t.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < totalLife {
		return known.n, nil
	}
	n, err := count()
	if err != nil {
		return 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case n < manyUsers:
		delete(t.list, list)
		return n, nil
	case t.list == nil || len(t.list) >= maxTotals:
		t.list = map[string]total{}
	}
	t.list[list] = total{n, now}
	return n, nil
}
