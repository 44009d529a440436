package provision

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// The guard pauses a connection that deactivates many people within an hour: a wrong scope in the directory must not empty the
// helpdesk. What it has let through stands in the log, which all servers share.

// Guard is by whose name the guard pauses a connection.
const Guard = "the guard against mass deactivation"

// guardWindow is the time within which deactivations are counted.
const guardWindow = time.Hour

// guards remembers for each connection how many more deactivations surely pass, so that not each of them counts the log.
type guards struct {
	mu   sync.Mutex
	left map[string]int
}

// take uses up one of those, and reports whether there was one.
func (g *guards) take(connection string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left[connection] == 0 {
		return false
	}
	g.left[connection]--
	return true
}

func (g *guards) give(connection string, n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.left == nil {
		g.left = map[string]int{}
	}
	g.left[connection] = n
}

// countedSince returns from when on a guard counts at a time.
func countedSince(c desk.Connection, now time.Time) time.Time {
	since := now.Add(-guardWindow)
	if c.ResumedAt != nil && c.ResumedAt.After(since) {
		since = *c.ResumedAt
	}
	return since
}

// GuardStop is what the guard saw before it paused a connection.
type GuardStop struct {
	Since  time.Time // from when on it counted
	Passed int       // how many people it let be deactivated until then
}

// GuardStopped returns what the guard saw before it paused a connection, nil if it has not.
func (e *Engine) GuardStopped(ctx context.Context, c desk.Connection) (*GuardStop, error) {
	if c.PausedAt == nil || c.PausedBy != Guard {
		return nil, nil
	}
	stop := &GuardStop{Since: countedSince(c, *c.PausedAt)}
	settled := c.PausedAt.Add(-time.Duration(c.Settings.Guard.Grace) * time.Minute)
	var err error
	stop.Passed, _, err = e.Store.Read(ctx).CountDeactivations(c.TenantID, c.Slug, stop.Since, settled)
	return stop, err
}

// tooMany says that a connection has deactivated as many people as its guard lets through.
type tooMany struct{ limit int }

func (e *tooMany) Error() string {
	return fmt.Sprintf("more than %d people would be deactivated within an hour", e.limit)
}

// pass returns a tooMany error if the contact's deactivation is one too many.
func (g *guards) pass(tx *store.Tx, d *desk.Directory, contact *desk.Contact) error {
	guard, connection := d.Settings.Guard, d.TenantID+"/"+d.Slug
	now := time.Now()
	settled := now.Add(-time.Duration(guard.Grace) * time.Minute)
	if guard.Percent == 0 || contact.CreatedAt.After(settled) || g.take(connection) {
		return nil
	}
	since := countedSince(d.Connection, now)
	users, err := tx.CountUsers(d.TenantID, d.Slug, desk.UserQuery{})
	if err != nil {
		return err
	}
	gone, deleted, err := tx.CountDeactivations(d.TenantID, d.Slug, since, settled)
	if err != nil {
		return err
	}
	limit := max(guard.AtLeast, (users+deleted)*guard.Percent/100)
	if gone >= limit {
		return &tooMany{limit}
	}
	// Other servers count as well: with up to eight of them, none lets through too many.
	g.give(connection, (limit-gone)/8)
	return nil
}

// stopped says that the guard would stop a change.
func (e *Engine) stopped(err error) error {
	var stop *tooMany
	if errors.As(err, &stop) {
		return desk.Errorf(desk.Paused, "", "the guard would pause the connection: %s", stop)
	}
	return err
}

// guarded returns the answer to a request that ended with an error: where the guard stopped it, the connection is paused.
func (e *Engine) guarded(ctx context.Context, actor desk.Actor, err error) error {
	var stop *tooMany
	if !errors.As(err, &stop) {
		return err
	}
	why := fmt.Sprintf("more than %d people would have been deactivated within an hour; if that is right, let the connection go on", stop.limit)
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockConnection(actor.TenantID, actor.Connection)
		if err != nil || c.PausedAt != nil {
			return err
		}
		now := tx.Now
		c.PausedAt, c.PausedBy = &now, Guard
		if err := tx.UpdateConnection(&c); err != nil {
			return err
		}
		ev := System(actor.TenantID).Event(desk.OpPatch, desk.Updated, "connection")
		ev.Connection, ev.RequestID, ev.Detail = c.Slug, actor.RequestID, why
		ev.Changes = []desk.Change{{Field: "paused", From: false, To: true}}
		return tx.Record(ev)
	})
	if err != nil {
		return err
	}
	return desk.Errorf(desk.Paused, "", "%s paused this connection: %s", Guard, why)
}
