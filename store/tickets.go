package store

import (
	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateTicket adds a ticket.
func (tx *Tx) CreateTicket(t *desk.Ticket) error {
	return fail(gorm.G[desk.Ticket](tx.db).Create(tx.ctx, t), "create ticket")
}

// UpdateTicket writes all of a ticket.
func (tx *Tx) UpdateTicket(t *desk.Ticket) error {
	return update(tx, "ticket", t)
}

// Ticket returns a ticket, or NotFound.
func (r Reader) Ticket(tenant, id string) (desk.Ticket, error) {
	t, err := gorm.G[desk.Ticket](r.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(r.ctx)
	return t, fail(err, "read ticket")
}

// LockTicket returns a ticket, locked until the transaction ends, or NotFound.
func (tx *Tx) LockTicket(tenant, id string) (desk.Ticket, error) {
	return lock[desk.Ticket](tx, "ticket", "tenant_id = ? AND id = ?", tenant, id)
}

// TicketQuery asks for a page of tickets in the order of their ids, which is that of creation.
type TicketQuery struct {
	TenantID string
	Contact  string            // id; "" for any
	Status   desk.TicketStatus // "" for any
	After    string            // the id after which the page begins
	Limit    int
}

// Tickets returns a page of tickets.
func (r Reader) Tickets(q TicketQuery) ([]desk.Ticket, error) {
	db := gorm.G[desk.Ticket](r.db).Where("tenant_id = ? AND id > ?", q.TenantID, q.After)
	if q.Contact != "" {
		db = db.Where("contact_id = ?", q.Contact)
	}
	if q.Status != "" {
		db = db.Where("status = ?", q.Status)
	}
	list, err := db.Order("id").Limit(q.Limit).Find(r.ctx)
	return list, fail(err, "list tickets")
}

// MarkTickets marks a contact's tickets as spam by its deletion, however many they are, but for those that are marked already.
func (tx *Tx) MarkTickets(tenant, contact string) error {
	return fail(tx.write(markTickets.writing(tx.Now, tenant, contact), nil), "mark tickets")
}

// UnmarkTickets takes off the marks that the contact's deletion set, and no others.
func (tx *Tx) UnmarkTickets(tenant, contact string) error {
	return fail(tx.write(unmarkTickets.writing(tx.Now, tenant, contact), nil), "unmark tickets")
}

var (
	markTickets   = ifRight("UPDATE tickets SET spam = true, spam_by_deletion = true, modified_at = ? WHERE tenant_id = ? AND contact_id = ? AND NOT spam")
	unmarkTickets = ifRight("UPDATE tickets SET spam = false, spam_by_deletion = false, modified_at = ? WHERE tenant_id = ? AND contact_id = ? AND spam_by_deletion")
)

// EraseTickets removes what the tickets of a contact say.
func (tx *Tx) EraseTickets(tenant, contact string) error {
	return fail(tx.db.Exec("UPDATE tickets SET subject = '' WHERE tenant_id = ? AND contact_id = ?", tenant, contact).Error, "erase tickets")
}
