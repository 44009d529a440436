package store

import (
	"sync"
	"time"
)

// Of a long list the number of its entries, and what else takes a look at all of it, is found once a minute, not for each of its pages.

const (
	manyEntries = 10_000 // from here on a list is long
	totalLife   = time.Minute
	maxTotals   = 1000
)

// totals remembers what was found of long lists. The zero value is ready.
type totals[T any] struct {
	mu   sync.Mutex
	list map[string]total[T]
}

type total[T any] struct {
	value T
	at    time.Time
}

// of returns what was found of a list within the last minute, or finds it, and how many entries it has.
func (t *totals[T]) of(list string, now time.Time, find func() (T, int, error)) (T, error) {
	t.mu.Lock()
	known, ok := t.list[list]
	t.mu.Unlock()
	if age := now.Sub(known.at); ok && age >= 0 && age < totalLife {
		return known.value, nil
	}
	value, n, err := find()
	if err != nil {
		var none T
		return none, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case n < manyEntries:
		delete(t.list, list)
		return value, nil
	case t.list == nil || len(t.list) >= maxTotals:
		t.list = map[string]total[T]{}
	}
	t.list[list] = total[T]{value, now}
	return value, nil
}
