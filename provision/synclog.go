package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// EventQuery asks for a page of a connection's events, newest first.
type EventQuery struct {
	// Person is whom they are about: a contact's id, a SCIM id, or an externalId, userName or address that somebody has now or
	// that a refused request gave; "" for anybody.
	Person     string
	Operations []desk.Operation // none for all
	Outcomes   []desk.Outcome   // none for all
	RequestID  string           // "" for all
	Cycle      string           // the id of the cycle in which the directory caused them; "" for all
	From, To   time.Time        // at From or later, and before To; zero for any time
	// Before is the id after which the page begins, After the one before which it ends; without either it is the newest page.
	Before, After string
	Limit         int
}

// EventView is an event with the name that its contact has now. It was never the log's: when the person is erased, it is gone.
type EventView struct {
	desk.Event
	ContactName string
}

// ConnectionEvents returns a page of a connection's events, or NotFound.
func (e *Engine) ConnectionEvents(ctx context.Context, actor desk.Actor, slug string, q EventQuery) ([]EventView, error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return nil, err
	}
	ask := store.EventQuery{
		TenantID: actor.TenantID, Connection: slug, Operations: q.Operations, Outcomes: q.Outcomes, RequestID: q.RequestID,
		From: q.From, To: q.To, Before: q.Before, After: q.After, Limit: q.Limit,
	}
	r := e.Store.Read(ctx)
	if q.Cycle != "" {
		if err := within(r, &ask, q.Cycle); err != nil {
			return nil, err
		}
	}
	if q.Person != "" {
		if err := about(r, &ask, q.Person); err != nil {
			return nil, err
		}
	}
	events, err := r.Events(ask)
	if err != nil {
		return nil, err
	}
	return e.nameContacts(ctx, actor, events)
}

// ConnectionEvent returns one of a connection's events, or NotFound.
func (e *Engine) ConnectionEvent(ctx context.Context, actor desk.Actor, slug, id string) (EventView, error) {
	event, err := e.Store.Read(ctx).Event(actor.TenantID, slug, id)
	if desk.KindOf(err) == desk.NotFound {
		err = desk.Errorf(desk.NotFound, "", "no event with this id, or no longer")
	}
	if err != nil {
		return EventView{}, err
	}
	views, err := e.nameContacts(ctx, actor, []desk.Event{event})
	if err != nil {
		return EventView{}, err
	}
	return views[0], nil
}

// within limits a query to a cycle, and to what the directory did in it.
func within(r store.Reader, q *store.EventQuery, cycle string) error {
	c, err := aCycle(r, q.TenantID, q.Connection, cycle)
	if err != nil {
		return err
	}
	from, to, err := r.CycleSpan(c)
	if from.After(q.From) {
		q.From = from
	}
	if q.To.IsZero() || to.Before(q.To) {
		q.To = to
	}
	q.Directory = true
	return err
}

// aCycle returns a connection's cycle. That there is none is the fault of who names it.
func aCycle(r store.Reader, tenant, connection, id string) (desk.Cycle, error) {
	c, err := r.Cycle(tenant, connection, id)
	if desk.KindOf(err) == desk.NotFound {
		err = desk.Errorf(desk.InvalidValue, "cycle", "the connection has no cycle with this id")
	}
	return c, err
}

// about limits a query to a person.
func about(r store.Reader, q *store.EventQuery, person string) error {
	key := desk.Fold(person)
	contacts, err := r.ContactsByKey(q.TenantID, person, key)
	if err != nil {
		return err
	}
	users, err := r.UsersByKey(store.Person{TenantID: q.TenantID, Connection: q.Connection, ExternalID: person, UserName: key})
	if err != nil {
		return err
	}
	held, err := r.HeldByEmail(q.TenantID, q.Connection, key)
	q.Users = []string{person}
	for _, u := range append(users, held...) {
		if u.ContactID != nil {
			contacts = append(contacts, *u.ContactID)
		} else if !slices.Contains(q.Users, u.ID) {
			q.Users = append(q.Users, u.ID)
		}
	}
	contacts = append(contacts, person)
	slices.Sort(contacts)
	q.Contacts, q.Subject = slices.Compact(contacts), key
	return err
}

// nameContacts gives events the names of their contacts.
func (e *Engine) nameContacts(ctx context.Context, actor desk.Actor, events []desk.Event) ([]EventView, error) {
	var ids []string
	for _, ev := range events {
		if ev.ContactID != nil {
			ids = append(ids, *ev.ContactID)
		}
	}
	slices.Sort(ids)
	names, err := e.Store.Read(ctx).ContactNames(actor.TenantID, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	views := make([]EventView, len(events))
	for i, ev := range events {
		views[i].Event = ev
		if ev.ContactID != nil {
			views[i].ContactName = names[*ev.ContactID]
		}
	}
	return views, nil
}

// Cycles returns a page of a connection's cycles, newest first, or NotFound. before is the id after which it begins.
func (e *Engine) Cycles(ctx context.Context, actor desk.Actor, slug, before string, limit int) ([]desk.Cycle, error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return nil, err
	}
	return e.Store.Read(ctx).Cycles(actor.TenantID, slug, before, limit)
}

// Cycle returns one of a connection's cycles. A cycle that there is not is an InvalidValue.
func (e *Engine) Cycle(ctx context.Context, actor desk.Actor, slug, id string) (desk.Cycle, error) {
	return aCycle(e.Store.Read(ctx), actor.TenantID, slug, id)
}

// settledAtOnce is how many cycles are settled in one go.
const settledAtOnce = 100

// SettleCycles counts the events of cycles that are over.
func (e *Engine) SettleCycles(ctx context.Context) error {
	r := e.Store.Read(ctx)
	cycles, err := r.UnsettledCycles(e.Store.Now(), settledAtOnce)
	if err != nil {
		return err
	}
	for _, c := range cycles {
		from, to, err := r.CycleSpan(c)
		if err != nil {
			return err
		}
		counts, last, err := r.CountEvents(c.TenantID, c.Connection, from, to)
		if err != nil {
			return err
		}
		err = e.Store.Tx(ctx, func(tx *store.Tx) error { return tx.SettleCycle(c, counts, last) })
		if err != nil && desk.KindOf(err) != desk.NotFound { // which is a cycle that has just become too old
			return fmt.Errorf("settle cycle %s of connection %s: %w", c.ID, c.Connection, err)
		}
	}
	return nil
}

// deletedAtOnce is how many events a transaction deletes: on SQLite all other writers wait for it.
const deletedAtOnce = 1000

// DeleteOldEvents deletes all tenants' events and cycles of before a time, in small transactions with pauses in between.
func (e *Engine) DeleteOldEvents(ctx context.Context, before time.Time) error {
	r := e.Store.Read(ctx)
	for log, err := r.NextLog(store.Log{}); ; log, err = r.NextLog(log) {
		if desk.KindOf(err) == desk.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		for n := deletedAtOnce; n == deletedAtOnce; {
			began := time.Now()
			err := e.Store.Tx(ctx, func(tx *store.Tx) (err error) {
				n, err = tx.DeleteEvents(log, before, deletedAtOnce)
				return err
			})
			if err != nil {
				return err
			}
			// Others get as much of the time as this does.
			select {
			case <-time.After(time.Since(began)):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}
