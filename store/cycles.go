package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"

	"rollcall/desk"
)

// activity counts what directories do, until WriteActivity adds it to their cycles: a write with each look-up would make it
// several times as dear.
type activity struct {
	mu      sync.Mutex
	counted map[Log]*desk.Cycle
	totals  map[Log]*desk.Cycle // all that was ever counted
}

// Count counts what a directory has just done and no event tells. The cycle needs no times.
func (s *Store) Count(c desk.Cycle) {
	c.StartedAt = s.Now().UTC().Truncate(time.Microsecond)
	c.EndedAt = c.StartedAt
	s.activity.add(c)
}

// Count does the same for what counts only if the transaction is committed.
func (tx *Tx) Count(c desk.Cycle) {
	c.StartedAt, c.EndedAt = tx.Now, tx.Now
	tx.counted = append(tx.counted, c)
}

func (a *activity) add(list ...desk.Cycle) {
	a.mu.Lock()
	defer a.mu.Unlock()
	addTo(&a.counted, list)
	addTo(&a.totals, list)
}

// putBack adds what was taken and could not be written.
func (a *activity) putBack(list []desk.Cycle) {
	a.mu.Lock()
	defer a.mu.Unlock()
	addTo(&a.counted, list)
}

func addTo(counts *map[Log]*desk.Cycle, list []desk.Cycle) {
	if *counts == nil {
		*counts = map[Log]*desk.Cycle{}
	}
	for _, c := range list {
		key := Log{c.TenantID, c.Connection}
		if (*counts)[key] == nil {
			(*counts)[key] = &desk.Cycle{TenantID: c.TenantID, Connection: c.Connection}
		}
		(*counts)[key].Add(c)
	}
}

// Totals returns what each connection's directory has done since this process began.
func (s *Store) Totals() []desk.Cycle {
	s.activity.mu.Lock()
	defer s.activity.mu.Unlock()
	var list []desk.Cycle
	for _, c := range s.activity.totals {
		copied := *c
		copied.Outcomes = maps.Clone(c.Outcomes)
		list = append(list, copied)
	}
	return list
}

// take returns what was counted, in the order in which rows are locked, and begins anew.
func (a *activity) take() []desk.Cycle {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []desk.Cycle
	for _, c := range a.counted {
		list = append(list, *c)
	}
	a.counted = nil
	slices.SortFunc(list, func(a, b desk.Cycle) int {
		return cmp.Or(cmp.Compare(a.TenantID, b.TenantID), cmp.Compare(a.Connection, b.Connection))
	})
	return list
}

// WriteActivity adds what this process has counted since the last call to the cycles of the connections. What could not be
// written is kept for the next call. A process that is killed loses what it has not written; SettleCycle finds the events among it.
func (s *Store) WriteActivity(ctx context.Context) error {
	counted := s.activity.take()
	if len(counted) == 0 {
		return nil
	}
	err := s.Tx(ctx, func(tx *Tx) error {
		for _, c := range counted {
			if err := tx.addActivity(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.activity.putBack(counted)
	}
	return err
}

// addActivity adds to the cycle that takes it, or begins one.
func (tx *Tx) addActivity(more desk.Cycle) error {
	if err := tx.lockCycles(more.TenantID, more.Connection); err != nil {
		return err
	}
	list, err := tx.Cycles(more.TenantID, more.Connection, floor(more.EndedAt.Add(desk.Quiet)), 1)
	if err != nil {
		return err
	}
	if len(list) == 0 || !list[0].Takes(more) {
		more.ID = idAt(more.StartedAt)
		return tx.CreateCycle(&more)
	}
	c := list[0]
	c.Add(more)
	c.Settled = false
	return update(tx, "cycle", &c)
}

// CreateCycle adds a cycle.
func (tx *Tx) CreateCycle(c *desk.Cycle) error {
	return fail(gorm.G[desk.Cycle](tx.db).Create(tx.ctx, c), "begin cycle")
}

// lockCycles keeps other processes from changing the cycles of a connection. It is the last lock of a transaction.
func (tx *Tx) lockCycles(tenant, connection string) error {
	if tx.engine == SQLite {
		return nil
	}
	return fail(tx.db.Exec("SELECT pg_advisory_xact_lock(?)", lockKey(tenant, connection, "cycles")).Error, "lock cycles")
}

// Cycles returns a page of a connection's cycles, newest first. before is the id after which it begins, "" for the newest.
func (r Reader) Cycles(tenant, connection, before string, limit int) ([]desk.Cycle, error) {
	db := gorm.G[desk.Cycle](r.db).Where("tenant_id = ? AND connection = ?", tenant, connection)
	if before != "" {
		db = db.Where("id < ?", before)
	}
	list, err := db.Order("id DESC").Limit(limit).Find(r.ctx)
	return list, fail(err, "list cycles")
}

// RecentCycles returns the newest cycles of each of a tenant's connections, newest first: so many of each, at most.
func (r Reader) RecentCycles(tenant string, each int) ([]desk.Cycle, error) {
	return r.cyclesFrom(tenant, "COALESCE((SELECT id FROM cycles WHERE tenant_id = n.tenant_id AND connection = n.slug ORDER BY id DESC LIMIT 1 OFFSET ?), '')", each-1)
}

// CyclesSince returns the cycles of a tenant's connections that began at a time or later, newest first. Between two cycles of a
// connection lies [desk.Quiet], so that a day has 144 of them at most.
func (r Reader) CyclesSince(tenant string, since time.Time) ([]desk.Cycle, error) {
	return r.cyclesFrom(tenant, "?", floor(since))
}

// cyclesFrom returns the cycles of a tenant's connections from an id on, which an expression with one argument gives for each.
func (r Reader) cyclesFrom(tenant, first string, arg any) ([]desk.Cycle, error) {
	var list []desk.Cycle
	// CROSS, or SQLite begins with the cycles.
	err := r.db.WithContext(r.ctx).Raw("SELECT c.* FROM connections n CROSS JOIN cycles c WHERE n.tenant_id = ? AND c.tenant_id = n.tenant_id AND c.connection = n.slug"+
		" AND c.id >= "+first, tenant, arg).Scan(&list).Error
	slices.SortFunc(list, func(a, b desk.Cycle) int { return strings.Compare(b.ID, a.ID) })
	return list, fail(err, "list cycles of connections")
}

// Cycle returns a cycle, or NotFound.
func (r Reader) Cycle(tenant, connection, id string) (desk.Cycle, error) {
	c, err := gorm.G[desk.Cycle](r.db).Where("tenant_id = ? AND connection = ? AND id = ?", tenant, connection, id).Take(r.ctx)
	return c, fail(err, "read cycle")
}

// CycleSpan returns the stretch of time in which the directory's events are those of the cycle: from its start up to where
// another one began, or could have.
func (r Reader) CycleSpan(c desk.Cycle) (from, to time.Time, err error) {
	to = c.EndedAt.Add(desk.Quiet)
	next, err := gorm.G[desk.Cycle](r.db).Where("tenant_id = ? AND connection = ? AND id > ?", c.TenantID, c.Connection, c.ID).
		Order("id").Limit(1).Find(r.ctx)
	if len(next) > 0 && next[0].StartedAt.Before(to) {
		to = next[0].StartedAt
	}
	return c.StartedAt, to, fail(err, "look for the next cycle")
}

// UnsettledCycles returns up to limit cycles that are over, and whose events have not been counted in the log.
func (r Reader) UnsettledCycles(now time.Time, limit int) ([]desk.Cycle, error) {
	list, err := gorm.G[desk.Cycle](r.db).Where("NOT settled AND ended_at < ?", now.UTC().Add(-desk.Quiet)).Limit(limit).Find(r.ctx)
	return list, fail(err, "list cycles that are over")
}

// SettleCycle gives a cycle that is over the counts of its events, unless it has changed since it was read.
func (tx *Tx) SettleCycle(c desk.Cycle, counts map[desk.Outcome]int, last time.Time) error {
	if err := tx.lockCycles(c.TenantID, c.Connection); err != nil {
		return err
	}
	current, err := tx.Cycle(c.TenantID, c.Connection, c.ID)
	if err != nil {
		return err
	}
	if !current.EndedAt.Equal(c.EndedAt) || !maps.Equal(current.Outcomes, c.Outcomes) {
		return nil
	}
	current.Outcomes, current.Settled = counts, true
	if last.After(current.EndedAt) {
		current.EndedAt = last
	}
	return update(tx, "cycle", &current)
}

// LastActivity returns when each of a tenant's connections was last heard of, by slug.
func (r Reader) LastActivity(tenant string) (map[string]time.Time, error) {
	// One step along an index for each connection.
	list, err := gorm.G[desk.Cycle](r.db).Where("tenant_id = ? AND (connection, id) IN (SELECT slug,"+
		" (SELECT max(id) FROM cycles WHERE tenant_id = ? AND connection = slug) FROM connections WHERE tenant_id = ?)", tenant, tenant, tenant).Find(r.ctx)
	last := map[string]time.Time{}
	for _, c := range list {
		last[c.Connection] = c.EndedAt
	}
	return last, fail(err, "read the last activity")
}
