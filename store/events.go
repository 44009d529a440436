package store

import (
	"slices"
	"time"

	"gorm.io/gorm"

	"rollcall/desk"
)

// Record adds an event, with the id and time of now.
func (tx *Tx) Record(e desk.Event) error {
	e.ID, e.At = NewID(), tx.Now
	return fail(gorm.G[desk.Event](tx.db).Create(tx.ctx, &e), "record event")
}

// RecordAll adds events of one time.
func (tx *Tx) RecordAll(events []desk.Event) error {
	for i := range events {
		events[i].ID, events[i].At = NewID(), tx.Now
	}
	if len(events) == 0 {
		return nil
	}
	return fail(gorm.G[desk.Event](tx.db).CreateInBatches(tx.ctx, &events, 500), "record events")
}

// CountDeactivations returns how many people a connection has deactivated, and how many deleted, since a time, of contacts that were
// made before another.
func (r Reader) CountDeactivations(tenant, connection string, since, made time.Time) (deactivated, deleted int, err error) {
	var counts []struct {
		Outcome desk.Outcome
		N       int
	}
	err = r.db.WithContext(r.ctx).Raw("SELECT outcome, count(*) AS n FROM events WHERE tenant_id = ? AND connection = ? AND id >= ? AND outcome IN ('deactivated', 'deleted')"+
		" AND contact_id < ? GROUP BY outcome", tenant, connection, firstID(since), firstID(made)).Scan(&counts).Error
	for _, c := range counts {
		if c.Outcome == desk.Deleted {
			deleted = c.N
		} else {
			deactivated = c.N
		}
	}
	return deactivated, deleted, fail(err, "count deactivations")
}

// EventQuery asks for a page of events, newest first: a contact's, or a connection's.
type EventQuery struct {
	TenantID   string
	Contact    string // id, or "" for the connection's
	Connection string // slug
	Before     string // the id after which the page begins, "" for the newest
	Limit      int    // 0 for all
}

// Events returns a page of events.
func (r Reader) Events(q EventQuery) ([]desk.Event, error) {
	db := gorm.G[desk.Event](r.db).Where("tenant_id = ?", q.TenantID)
	if q.Contact != "" {
		db = db.Where("contact_id = ?", q.Contact)
	} else {
		db = db.Where("connection = ?", q.Connection)
	}
	if q.Before != "" {
		db = db.Where("id < ?", q.Before)
	}
	if q.Limit > 0 {
		db = db.Limit(q.Limit)
	}
	list, err := db.Order("id DESC").Find(r.ctx)
	return list, fail(err, "list events")
}

// EraseEvents removes personal data from the events of a contact, and from the refusals about any of the subjects
// (folded user names, external ids, addresses). The events themselves stay.
func (tx *Tx) EraseEvents(tenant, contact string, subjects []string) error {
	const blank = "UPDATE events SET changes = NULL, detail = '', subject = '', subject_key = '' WHERE tenant_id = ? AND "
	if err := tx.db.Exec(blank+"contact_id = ?", tenant, contact).Error; err != nil {
		return fail(err, "erase events")
	}
	for chunk := range slices.Chunk(subjects, 500) {
		if err := tx.db.Exec(blank+"subject_key <> '' AND subject_key IN ?", tenant, chunk).Error; err != nil {
			return fail(err, "erase events")
		}
	}
	return nil
}
