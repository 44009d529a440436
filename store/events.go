package store

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"rollcall/desk"
)

// Record adds an event, with the id and time of now: events of one contact or user are in the order in which they happened,
// also where transactions waited for each other.
func (tx *Tx) Record(e desk.Event) error {
	tx.stamp(&e)
	return fail(tx.write(events.inserting(&e)), "record event")
}

// stamp gives an event its id, time and duration, and counts it.
func (tx *Tx) stamp(e *desk.Event) {
	e.At = tx.store.clock.next(tx.store.Now())
	e.ID = idAt(e.At)
	if !e.Began.IsZero() {
		e.Microseconds = time.Since(e.Began).Microseconds()
	}
	if e.ActorType == desk.ActorDirectory {
		tx.counted = append(tx.counted, desk.Cycle{
			TenantID: e.TenantID, Connection: e.Connection, StartedAt: e.At, EndedAt: e.At, Outcomes: map[desk.Outcome]int{e.Outcome: 1},
		})
	}
}

// RecordAll adds events.
func (tx *Tx) RecordAll(events []desk.Event) error {
	for i := range events {
		tx.stamp(&events[i])
	}
	if len(events) == 0 {
		return nil
	}
	return fail(gorm.G[desk.Event](tx.db).CreateInBatches(tx.ctx, &events, 500), "record events")
}

// afterDeletion is how many of a contact's events are looked at for that of its deletion: others may have waited for the contact at
// the same moment.
const afterDeletion = 5

// manyDeletions is for how many contacts deletions are looked for at once: events are long where people are.
const manyDeletions = 50

// Deletions returns the events that put deleted contacts where they are, by contact and without what changed, of those that the log still
// has.
func (r Reader) Deletions(contacts []desk.Contact) (map[string]desk.Event, error) {
	found := map[string]desk.Event{}
	for some := range slices.Chunk(contacts, manyDeletions) {
		if err := r.deletions(found, some); err != nil {
			return nil, fail(err, "look for deletions")
		}
	}
	return found, nil
}

func (r Reader) deletions(found map[string]desk.Event, contacts []desk.Contact) error {
	var parts []string
	var args []any
	columns := events.list("")
	for _, c := range contacts {
		if c.DeletedAt != nil {
			parts = append(parts, fmt.Sprintf("SELECT %[1]s FROM (SELECT %[1]s FROM events WHERE tenant_id = ? AND contact_id = ? AND id >= ? ORDER BY id LIMIT %[2]d) AS part%[3]d", columns, afterDeletion, len(parts)))
			args = append(args, c.TenantID, c.ID, floor(*c.DeletedAt))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	var list []desk.Event
	err := r.db.WithContext(r.ctx).Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&list).Error
	slices.SortFunc(list, func(a, b desk.Event) int { return strings.Compare(a.ID, b.ID) })
	for _, e := range list {
		moved := slices.ContainsFunc(e.Changes, func(c desk.Change) bool { return c.Field == "status" && c.To == string(desk.SoftDeleted) })
		if _, earlier := found[*e.ContactID]; moved && !earlier {
			e.Changes = nil
			found[*e.ContactID] = e
		}
	}
	return err
}

// CountDeactivations returns how many people a connection's directory has deactivated or deleted since a time, and how many of
// them it has deleted, of contacts that were made before another time.
func (r Reader) CountDeactivations(tenant, connection string, since, made time.Time) (people, deleted int, err error) {
	var counts struct{ People, Deleted int }
	err = r.db.WithContext(r.ctx).Raw("SELECT count(DISTINCT contact_id) AS people, count(DISTINCT CASE WHEN outcome = 'deleted' THEN contact_id END) AS deleted FROM events"+
		" WHERE tenant_id = ? AND connection = ? AND id >= ? AND outcome IN ('deactivated', 'deleted') AND actor_type = ? AND contact_id < ?",
		tenant, connection, floor(since), desk.ActorDirectory, floor(made)).Scan(&counts).Error
	return counts.People, counts.Deleted, fail(err, "count deactivations")
}

// EventQuery asks for a page of events, newest first.
type EventQuery struct {
	TenantID   string
	Connection string // slug; "" for what no directory did, and together with Contacts for all
	// Whom they are about: one of the contacts, one of the SCIM users, or, where there is no contact, the subject (folded). All of
	// them empty for anybody.
	Contacts []string
	Users    []string
	Subject  string

	Operations []desk.Operation // none for all
	Outcomes   []desk.Outcome   // none for all
	RequestID  string           // "" for all
	Directory  bool             // only what the directory did itself, not what was done to its connection
	Audit      bool             // the audit log, of all connections; only with times and Actor
	Actor      string           // who did it, by name; "" for anybody
	From, To   time.Time        // recorded at From or later, and before To; zero for any time
	// Before is the id after which the page begins, After the one before which it ends: of the newer events the oldest. Without
	// either it is the newest page.
	Before, After string
	Limit         int // 0 for all, of one contact
}

// ofConnection reports whether only one connection's events are asked for.
func (q EventQuery) ofConnection() bool {
	return !q.Audit && (q.Connection != "" || len(q.Contacts) == 0)
}

// condition is a part of a WHERE clause.
type condition struct {
	sql  string
	args []any
}

// and returns both conditions as one.
func (c condition) and(sql string, args ...any) condition {
	return condition{c.sql + " AND " + sql, slices.Concat(c.args, args)}
}

// Events returns a page of events. Each way to find them goes along an index in the order of ids, so that it reads as many
// entries as the page has, or all of one person's.
func (r Reader) Events(q EventQuery) ([]desk.Event, error) {
	ways := r.ways(q)
	found, order := ways[0], "id DESC"
	if q.After != "" {
		order = "id"
	}
	if len(ways) > 1 {
		// The newest of each way, and of these the newest. (LIMIT inside a UNION wants a subquery on SQLite.)
		found = condition{sql: "tenant_id = ? AND id IN (SELECT id FROM (", args: []any{q.TenantID}}
		for i, way := range ways {
			if i > 0 {
				found.sql += " UNION "
			}
			found.sql += fmt.Sprintf("SELECT id FROM (SELECT id FROM events WHERE %s ORDER BY %s LIMIT %d) AS way%d", way.sql, order, q.Limit, i)
			found.args = append(found.args, way.args...)
		}
		found.sql += fmt.Sprintf(") AS ways ORDER BY %s LIMIT %d)", order, q.Limit)
		if q.ofConnection() {
			found = found.and("connection = ?", q.Connection)
		}
	}
	db := gorm.G[desk.Event](r.db).Where(found.sql, found.args...)
	if q.Limit > 0 {
		db = db.Limit(q.Limit)
	}
	list, err := db.Order(order).Find(r.ctx)
	if q.After != "" {
		slices.Reverse(list)
	}
	return list, fail(err, "list events")
}

// Event returns an event of a connection, or NotFound.
func (r Reader) Event(tenant, connection, id string) (desk.Event, error) {
	ev, err := gorm.G[desk.Event](r.db).Where("tenant_id = ? AND connection = ? AND id = ?", tenant, connection, id).Take(r.ctx)
	return ev, fail(err, "read event")
}

// ways returns the conditions of which one holds of each event that a query asks for.
func (r Reader) ways(q EventQuery) []condition {
	all := condition{"tenant_id = ?", []any{q.TenantID}}
	if q.Before != "" {
		all = all.and("id < ?", q.Before)
	}
	if q.After != "" {
		all = all.and("id > ?", q.After)
	}
	if !q.From.IsZero() {
		all = all.and("id >= ?", floor(q.From))
	}
	if !q.To.IsZero() {
		all = all.and("id < ?", floor(q.To))
	}
	if q.Directory {
		all = all.and("actor_type = ?", desk.ActorDirectory)
	}
	if q.Audit {
		if all = all.and(audited); q.Actor != "" {
			all = all.and("actor_name = ?", q.Actor)
		}
		return []condition{all}
	}
	person := len(q.Contacts) > 0 || len(q.Users) > 0 || q.Subject != ""
	byWhat := len(q.Operations)+len(q.Outcomes) > 0 && !person && q.RequestID == ""
	if len(q.Operations) > 0 && !byWhat {
		all = all.and("operation IN ?", q.Operations)
	}
	if len(q.Outcomes) > 0 && !byWhat {
		all = all.and("outcome IN ?", q.Outcomes)
	}
	connection := all
	if q.ofConnection() {
		connection = all.and("connection = ?", q.Connection)
	}
	switch {
	case person:
		return r.aboutPerson(q, all, connection)
	case q.RequestID != "": // spelt out for the partial index
		return []condition{connection.and("request_id = ? AND request_id <> ''", q.RequestID)}
	case byWhat:
		return byOutcome(q, connection)
	}
	return []condition{connection}
}

// aboutPerson returns the ways to the events of a person. all and connection hold of each, with and without its connection.
func (r Reader) aboutPerson(q EventQuery, all, connection condition) (ways []condition) {
	if q.RequestID != "" {
		all, connection = all.and("request_id = ?", q.RequestID), connection.and("request_id = ?", q.RequestID)
	}
	if q.ofConnection() {
		filter := "connection = ?"
		if r.engine == SQLite {
			filter = "+" + filter // not a reason to walk through the whole connection
		}
		all = all.and(filter, q.Connection)
	}
	for _, id := range q.Contacts {
		ways = append(ways, all.and("contact_id = ?", id))
	}
	for _, id := range q.Users {
		ways = append(ways, connection.and("user_id = ?", id))
	}
	if q.Subject != "" {
		ways = append(ways, all.and("subject_key = ? AND subject_key <> ''", q.Subject))
	}
	return ways
}

// byOutcome returns a way for each pair of operation and outcome, which an index keeps in the order of ids. They are written
// as literals: with parameters PostgreSQL might plan for a frequent outcome and be asked for a rare one.
func byOutcome(q EventQuery, connection condition) (ways []condition) {
	operations, outcomes := q.Operations, q.Outcomes
	if len(operations) == 0 {
		operations = desk.Operations
	}
	if len(outcomes) == 0 {
		outcomes = desk.Outcomes
	}
	for _, operation := range operations {
		for _, outcome := range outcomes {
			ways = append(ways, connection.and("operation = "+quote(string(operation))+" AND outcome = "+quote(string(outcome))))
		}
	}
	return ways
}

// UserRef names a directory user, who need not be there any more.
type UserRef struct{ Connection, ID string }

// EraseEvents removes personal data from the events of a contact, and from those of no contact that name any of the subjects
// (folded user names, external ids, addresses), or one of the users. The events themselves stay.
func (tx *Tx) EraseEvents(tenant, contact string, subjects []string, users []UserRef) error {
	const blank = "UPDATE events SET changes = NULL, detail = '', subject = '', subject_key = '' WHERE tenant_id = ? AND "
	if err := tx.db.Exec(blank+"contact_id = ?", tenant, contact).Error; err != nil {
		return fail(err, "erase events")
	}
	for chunk := range slices.Chunk(subjects, 500) {
		if err := tx.db.Exec(blank+"subject_key <> '' AND subject_key IN ?", tenant, chunk).Error; err != nil {
			return fail(err, "erase events")
		}
	}
	for _, u := range users {
		if err := tx.db.Exec(blank+"connection = ? AND user_id = ? AND subject_key <> ''", tenant, u.Connection, u.ID).Error; err != nil {
			return fail(err, "erase events")
		}
	}
	return nil
}

// CountEvents counts what a directory did in a stretch of time, and says when it did the last of it.
func (r Reader) CountEvents(tenant, connection string, from, to time.Time) (counts map[desk.Outcome]int, last time.Time, err error) {
	var rows []struct {
		Outcome desk.Outcome
		Count   int
		Last    string
	}
	err = r.db.WithContext(r.ctx).Raw("SELECT outcome, count(*) AS count, max(id) AS last FROM events WHERE tenant_id = ? AND connection = ?"+
		" AND id >= ? AND id < ? AND actor_type = ? GROUP BY outcome", tenant, connection, floor(from), floor(to), desk.ActorDirectory).Scan(&rows).Error
	if err != nil {
		return nil, last, fail(err, "count events")
	}
	counts = map[desk.Outcome]int{}
	for _, row := range rows {
		counts[row.Outcome] = row.Count
		at, err := timeOf(row.Last)
		if err != nil {
			return nil, last, err
		}
		if at.After(last) {
			last = at
		}
	}
	return counts, last, nil
}

// Log is a connection's part of the log, or with the slug "" that of what no directory did.
type Log struct{ TenantID, Connection string }

// NextLog returns the log after another, in the order of their names, or NotFound. Connections that are gone have left theirs.
func (r Reader) NextLog(after Log) (log Log, err error) {
	found := false
	for _, table := range []string{"events", "cycles"} {
		tenant, connection, err := r.nextPair(table, "connection", "", after.TenantID, after.Connection)
		if desk.KindOf(err) == desk.NotFound {
			continue
		}
		if err != nil {
			return log, err
		}
		if next := (Log{tenant, connection}); !found || cmp.Or(cmp.Compare(tenant, log.TenantID), cmp.Compare(connection, log.Connection)) < 0 {
			log, found = next, true
		}
	}
	if !found {
		err = gorm.ErrRecordNotFound
	}
	return log, fail(err, "look for logs")
}

// nextPair returns the first tenant and value of another column after a pair, of the rows of a table of which a condition ("" for
// all) holds, or NotFound. An index begins with the two. (Compared as a pair, SQLite would walk along all rows that are equal.)
func (r Reader) nextPair(table, column, where, tenant, value string) (nextTenant, next string, err error) {
	if where == "" {
		where = "true"
	}
	query := "SELECT tenant_id AS tenant, " + column + " AS value FROM " + table + " WHERE " + where + " AND "
	var row struct{ Tenant, Value string }
	result := r.db.WithContext(r.ctx).Raw(query+"tenant_id = ? AND "+column+" > ? ORDER BY "+column+" LIMIT 1", tenant, value).Scan(&row)
	if result.Error == nil && result.RowsAffected == 0 {
		result = r.db.WithContext(r.ctx).Raw(query+"tenant_id > ? ORDER BY tenant_id, "+column+" LIMIT 1", tenant).Scan(&row)
	}
	if err = result.Error; err == nil && result.RowsAffected == 0 {
		err = gorm.ErrRecordNotFound
	}
	return row.Tenant, row.Value, fail(err, "look for the next "+column)
}

// DeleteEvents deletes up to limit of a log's events, and as many of its cycles, that are older than a time, and returns how
// many of each went at most.
func (tx *Tx) DeleteEvents(log Log, before time.Time, limit int) (deleted int, err error) {
	err = tx.purge(log.TenantID, func() error {
		deleted, err = tx.deleteEvents(log, before, limit)
		return err
	})
	return deleted, err
}

func (tx *Tx) deleteEvents(log Log, before time.Time, limit int) (int, error) {
	most := int64(0)
	for _, table := range []string{"events", "cycles"} {
		const old = "tenant_id = ? AND connection = ? AND id < ?"
		statement := "DELETE FROM TABLE WHERE " + old + " AND id IN (SELECT id FROM TABLE WHERE " + old + " ORDER BY id LIMIT ?)"
		result := tx.db.Exec(strings.ReplaceAll(statement, "TABLE", table),
			log.TenantID, log.Connection, floor(before), log.TenantID, log.Connection, floor(before), limit)
		if result.Error != nil {
			return 0, fail(result.Error, "delete old "+table)
		}
		most = max(most, result.RowsAffected)
	}
	return int(most), nil
}
