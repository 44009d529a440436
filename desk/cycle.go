package desk

import "time"

// Quiet is how long a directory is quiet before its next request begins another cycle. Entra's cycles begin 40 minutes apart.
const Quiet = 10 * time.Minute

// Cycle is a burst of a directory's requests: what came with no pause of Quiet in between. Requests for reading count as
// well, so that there is a cycle that found nothing to do.
type Cycle struct {
	TenantID   string `gorm:"primaryKey"`
	Connection string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"` // a UUIDv7 that begins with the time of the first request that was counted
	StartedAt  time.Time
	EndedAt    time.Time       // of the last request so far
	Outcomes   map[Outcome]int `gorm:"serializer:json"` // the directory's events
	Unchanged  int             // writes that changed nothing
	Lookups    int             // reads
	Errors     int             // requests that failed by a fault of the server
	// Settled says that the cycle is over and its events have been counted in the log. Until then what is here has been added
	// up by the server processes, one of which may have ended before it could write down its last seconds.
	Settled bool
}

// Takes reports whether activity is part of the cycle.
func (c *Cycle) Takes(more Cycle) bool {
	return more.StartedAt.Before(c.EndedAt.Add(Quiet)) && c.StartedAt.Before(more.EndedAt.Add(Quiet))
}

// Add adds activity.
func (c *Cycle) Add(more Cycle) {
	if c.StartedAt.IsZero() || more.StartedAt.Before(c.StartedAt) {
		c.StartedAt = more.StartedAt
	}
	if more.EndedAt.After(c.EndedAt) {
		c.EndedAt = more.EndedAt
	}
	if c.Outcomes == nil {
		c.Outcomes = map[Outcome]int{}
	}
	for outcome, n := range more.Outcomes {
		c.Outcomes[outcome] += n
	}
	c.Unchanged += more.Unchanged
	c.Lookups += more.Lookups
	c.Errors += more.Errors
}

// Running reports whether the cycle may go on.
func (c *Cycle) Running(now time.Time) bool { return now.Before(c.EndedAt.Add(Quiet)) }

// Failed is how many requests were refused, or failed by a fault of the server.
func (c *Cycle) Failed() int { return c.Outcomes[Refused] + c.Errors }

// Skipped is how many writes the connection's settings kept from contacts.
func (c *Cycle) Skipped() int { return c.Outcomes[Skipped] }

// Synced is how many writes were carried out: what was neither skipped nor refused.
func (c *Cycle) Synced() int {
	n := -c.Outcomes[Skipped] - c.Outcomes[Refused]
	for _, count := range c.Outcomes {
		n += count
	}
	return n
}
