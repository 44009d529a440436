package desk

import (
	"fmt"
	"time"
)

// Moment writes a time for people to read, in UTC and to the minute.
func Moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// Span writes for people, roughly, how long something takes: 90 seconds, 40 minutes, 5 hours, 12 days.
func Span(d time.Duration) string {
	n, unit := d/time.Second, "second"
	switch {
	case d >= 48*time.Hour:
		n, unit = d/(24*time.Hour), "day"
	case d >= 2*time.Hour:
		n, unit = d/time.Hour, "hour"
	case d >= 2*time.Minute:
		n, unit = d/time.Minute, "minute"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
