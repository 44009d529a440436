package provision

import (
	"context"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// Engine applies what directories and agents ask for.
type Engine struct {
	Store *store.Store
}

// setProfile gives the contact a profile, and decides its company where that is new or the address changed.
func setProfile(ctx context.Context, tx *store.Tx, c *desk.Contact, p desk.Profile) error {
	address := c.EmailKey
	c.SetProfile(p, companies.DomainOf(p.MainAddress()))
	if c.CompanyReason != "" && c.EmailKey == address {
		return nil
	}
	return setCompany(ctx, tx, c)
}

// setCompany decides the contact's company anew.
func setCompany(ctx context.Context, tx *store.Tx, c *desk.Contact) error {
	facts, err := tx.CompanyFacts(ctx, c.TenantID, c.Domain, c.ID)
	if err != nil {
		return err
	}
	facts.Current, facts.Company = c.CompanyReason, c.CompanyID
	c.CompanyID, c.CompanyReason = companies.Resolve(facts)
	return nil
}

// softDelete moves the contact to Deleted contacts.
func softDelete(tx *store.Tx, c *desk.Contact, by desk.ActorType) {
	now := tx.Now
	c.Status, c.DeletedBy, c.DeletedAt = desk.SoftDeleted, by, &now
}

// restore takes the contact out of Deleted contacts.
func restore(c *desk.Contact) {
	c.Status, c.DeletedBy, c.DeletedAt = desk.Active, "", nil
}

// heldElsewhere reports whether a connection other than the given one holds the contact active.
func heldElsewhere(ctx context.Context, tx *store.Tx, c *desk.Contact, connection string) (bool, error) {
	users, err := tx.UsersOf(ctx, c.TenantID, c.ID)
	for _, u := range users {
		if u.Active && u.Connection != connection {
			return true, err
		}
	}
	return false, err
}

// contactChanges lists what changed in a contact.
func contactChanges(before, after *desk.Contact) []desk.Change {
	changes := before.Profile.Diff(after.Profile)
	add := func(field string, from, to any) {
		if from != to {
			changes = append(changes, desk.Change{Field: field, From: none(from), To: none(to)})
		}
	}
	add("company", before.CompanyID, after.CompanyID)
	add("companyReason", string(before.CompanyReason), string(after.CompanyReason))
	add("status", string(before.Status), string(after.Status))
	add("verified", before.VerifiedAt != nil, after.VerifiedAt != nil)
	return changes
}

// none is nil for an empty string.
func none(v any) any {
	if v == "" {
		return nil
	}
	return v
}

// newEvent returns an event of the actor's.
func newEvent(actor desk.Actor, operation desk.Operation, outcome desk.Outcome, reason string) desk.Event {
	return desk.Event{
		TenantID: actor.TenantID, Connection: actor.Connection, ActorType: actor.Type, ActorName: actor.Name, RequestID: actor.RequestID,
		Operation: operation, Outcome: outcome, Reason: reason,
	}
}

// record adds the event to the transaction.
func record(ctx context.Context, tx *store.Tx, e desk.Event) error {
	e.ID, e.At = store.NewID(), tx.Now
	return tx.CreateEvent(ctx, &e)
}

// Refusal is a request that was turned down.
type Refusal struct {
	Operation desk.Operation
	UserID    string // the SCIM id that it named, "" for none
	ContactID string // the contact that it named, "" for none
	Subject   string // what its body said about who it is, "" for nothing
	Err       error
}

// Refuse leaves the event of a refusal, in a transaction of its own.
func (e *Engine) Refuse(ctx context.Context, actor desk.Actor, r Refusal) error {
	refused := desk.AsError(r.Err)
	ev := newEvent(actor, r.Operation, desk.Refused, string(refused.Kind))
	ev.Detail, ev.Subject, ev.SubjectKey = refused.Msg, r.Subject, desk.Fold(r.Subject)
	if r.UserID != "" {
		ev.UserID = &r.UserID
	}
	if r.ContactID != "" {
		ev.ContactID = &r.ContactID
	}
	// A client that has gone is recorded as well.
	return e.Store.Tx(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if r.UserID != "" {
			u, err := tx.User(ctx, actor.TenantID, actor.Connection, r.UserID)
			if err == nil {
				ev.ContactID = &u.ContactID
			} else if desk.KindOf(err) != desk.NotFound {
				return err
			}
		}
		return record(ctx, tx, ev)
	})
}
