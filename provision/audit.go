package provision

import (
	"context"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// AuditQuery asks for a page of the audit log, newest first.
type AuditQuery struct {
	Actor    string    // by name; "" for anybody
	From, To time.Time // at From or later, and before To; zero for any time
	Before   string    // the id after which the page begins, "" for the newest
	Limit    int
}

// Audit returns a page of what people did in the tenant, and of what was administered. Nobody can change it: see the database's triggers.
func (e *Engine) Audit(ctx context.Context, actor desk.Actor, q AuditQuery) ([]EventView, error) {
	events, err := e.Store.Read(ctx).Events(store.EventQuery{
		TenantID: actor.TenantID, Audit: true, Actor: q.Actor, From: q.From, To: q.To, Before: q.Before, Limit: q.Limit,
	})
	if err != nil {
		return nil, err
	}
	return e.nameContacts(ctx, actor, events)
}

// AuditReport begins a report of all of the audit log that a query asks for, whatever its page.
func (e *Engine) AuditReport(ctx context.Context, actor desk.Actor, q AuditQuery) (*Report, error) {
	q.Limit = reportPart
	return newReport(ctx, "audit", q.From, q.To, func(ctx context.Context, before string) ([]EventView, error) {
		q.Before = before
		return e.Audit(ctx, actor, q)
	})
}
