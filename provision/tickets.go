package provision

import (
	"context"
	"strings"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/store"
)

// TicketQuery asks for a page of tickets in the order of their creation.
type TicketQuery struct {
	Contact string            // id; "" for any
	Status  desk.TicketStatus // "" for any
	After   string            // the id after which the page begins
	Limit   int
}

// Tickets returns a page of tickets, those that are spam among them.
func (e *Engine) Tickets(ctx context.Context, actor desk.Actor, q TicketQuery) ([]desk.Ticket, error) {
	return e.Store.Read(ctx).Tickets(store.TicketQuery{TenantID: actor.TenantID, Contact: q.Contact, Status: q.Status, After: q.After, Limit: q.Limit})
}

// Ticket returns a ticket, or NotFound.
func (e *Engine) Ticket(ctx context.Context, actor desk.Actor, id string) (desk.Ticket, error) {
	t, err := e.Store.Read(ctx).Ticket(actor.TenantID, id)
	return t, describeTicket(err)
}

// TicketEdit is what an agent says of a ticket; nil leaves a field as it is.
type TicketEdit struct {
	Subject *string
	Status  *desk.TicketStatus
	Spam    *bool
}

const maxSubject = 500 // characters

func (edit TicketEdit) apply(t *desk.Ticket) error {
	if edit.Subject != nil {
		t.Subject = strings.TrimSpace(*edit.Subject)
	}
	if t.Subject == "" || utf8.RuneCountInString(t.Subject) > maxSubject {
		return desk.Errorf(desk.InvalidValue, "subject", "a ticket's subject has up to %d characters, and one at least", maxSubject)
	}
	if edit.Status != nil {
		t.Status = *edit.Status
	}
	if edit.Spam != nil {
		t.Spam, t.SpamByDeletion = *edit.Spam, false
	}
	return checkText("subject", t.Subject)
}

// CreateTicket adds a ticket of a contact. Like the others of a deleted contact it is spam until that comes back, unless the
// edit says otherwise.
func (e *Engine) CreateTicket(ctx context.Context, actor desk.Actor, contact string, edit TicketEdit) (desk.Ticket, error) {
	var t desk.Ticket
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockContact(actor.TenantID, contact)
		if desk.KindOf(err) == desk.NotFound {
			return desk.Errorf(desk.InvalidValue, "contactId", "no contact has this id")
		}
		if err != nil {
			return err
		}
		deleted := c.Status == desk.SoftDeleted
		t = desk.Ticket{TenantID: actor.TenantID, ID: store.NewID(), ContactID: contact, Status: desk.TicketOpen, Spam: deleted, SpamByDeletion: deleted, CreatedAt: tx.Now, ModifiedAt: tx.Now}
		if err := edit.apply(&t); err != nil {
			return err
		}
		if err := tx.CreateTicket(&t); err != nil {
			return err
		}
		return recordTicket(tx, actor.Event(desk.OpCreate, desk.Created, "ticket"), desk.Ticket{}, t)
	})
	return t, err
}

// EditTicket changes a ticket by hand; a change of nothing leaves no trace.
func (e *Engine) EditTicket(ctx context.Context, actor desk.Actor, id string, edit TicketEdit) (desk.Ticket, error) {
	var t desk.Ticket
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		before, err := tx.LockTicket(actor.TenantID, id)
		if err != nil {
			return describeTicket(err)
		}
		t = before
		if err := edit.apply(&t); err != nil {
			return err
		}
		if t == before {
			return nil
		}
		t.ModifiedAt = tx.Now
		if err := tx.UpdateTicket(&t); err != nil {
			return err
		}
		return recordTicket(tx, actor.Event(desk.OpPatch, desk.Updated, "ticket"), before, t)
	})
	return t, err
}

// recordTicket leaves the event of a ticket's change with its contact.
func recordTicket(tx *store.Tx, ev desk.Event, before, after desk.Ticket) error {
	return tx.Record(ticketEvent(ev, before, after))
}

// ticketEvent completes the event of a change.
func ticketEvent(ev desk.Event, before, after desk.Ticket) desk.Event {
	ev.ContactID, ev.Detail = &after.ContactID, "ticket "+after.ID
	add := func(field string, from, to any) {
		if from != to {
			ev.Changes = append(ev.Changes, desk.Change{Field: field, From: none(from), To: none(to)})
		}
	}
	add("subject", before.Subject, after.Subject)
	add("ticketStatus", string(before.Status), string(after.Status))
	add("spam", before.Spam, after.Spam)
	return ev
}

// describeTicket says which record was not found.
func describeTicket(err error) error {
	if desk.KindOf(err) == desk.NotFound {
		return &desk.Error{Kind: desk.NotFound, Msg: "no ticket with this id", Err: err}
	}
	return err
}
