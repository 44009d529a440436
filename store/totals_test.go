package store

import (
	"errors"
	"testing"
	"time"
)

func TestTotals(t *testing.T) {
	var known totals[int]
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	counted := 0
	fault := errors.New("fault")
	for i, step := range []struct {
		list    string
		after   time.Duration
		there   int
		err     error
		want    int
		counted int // how often, until then
	}{
		{list: "short", there: 9_999, want: 9_999, counted: 1},
		{list: "short", there: 9_998, want: 9_998, counted: 2},
		{list: "long", there: 10_000, want: 10_000, counted: 3},
		{list: "long", after: time.Minute - 1, there: 10_001, want: 10_000, counted: 3},
		{list: "other", after: time.Minute - 1, there: 20_000, want: 20_000, counted: 4},
		{list: "long", after: time.Minute, err: fault, counted: 5},
		{list: "long", after: time.Minute, there: 7, want: 7, counted: 6},
		{list: "long", after: time.Minute, there: 8, want: 8, counted: 7},
		{list: "other", after: -time.Minute, there: 30_000, want: 30_000, counted: 8}, // the clock was set back
	} {
		n, err := known.of(step.list, now.Add(step.after), func() (int, int, error) {
			counted++
			return step.there, step.there, step.err
		})
		if n != step.want || !errors.Is(err, step.err) || counted != step.counted {
			t.Errorf("step %d: %d, %v, counted %d times", i, n, err, counted)
		}
	}
}
