package store

import (
	"context"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateEvent adds an event.
func (tx *Tx) CreateEvent(ctx context.Context, e *desk.Event) error {
	return fail(gorm.G[desk.Event](tx.db).Create(ctx, e), "create event")
}

// EventQuery asks for a page of events, newest first: a contact's, or a connection's.
type EventQuery struct {
	TenantID   string
	Contact    string // id, or "" for the connection's
	Connection string // slug
	Before     string // the id after which the page begins, "" for the newest
	Limit      int
}

// Events returns a page of events.
func (r reader) Events(ctx context.Context, q EventQuery) ([]desk.Event, error) {
	db := gorm.G[desk.Event](r.db).Where("tenant_id = ?", q.TenantID)
	if q.Contact != "" {
		db = db.Where("contact_id = ?", q.Contact)
	} else {
		db = db.Where("connection = ?", q.Connection)
	}
	if q.Before != "" {
		db = db.Where("id < ?", q.Before)
	}
	list, err := db.Order("id DESC").Limit(q.Limit).Find(ctx)
	return list, fail(err, "list events")
}

// EraseEvents removes personal data from the events of a contact, and from the refusals about any of the subjects
// (folded user names, external ids, addresses). The events themselves stay.
func (tx *Tx) EraseEvents(ctx context.Context, tenant, contact string, subjects []string) error {
	const blank = "UPDATE events SET changes = NULL, detail = '', subject = '', subject_key = '' WHERE tenant_id = ? AND "
	if err := tx.db.Exec(blank+"contact_id = ?", tenant, contact).Error; err != nil {
		return fail(err, "erase events")
	}
	if len(subjects) == 0 {
		return nil
	}
	return fail(tx.db.Exec(blank+"subject_key <> '' AND subject_key IN ?", tenant, subjects).Error, "erase events")
}
