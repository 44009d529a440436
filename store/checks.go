package store

import (
	"fmt"
	"time"

	"rollcall/desk"
)

// What an operator is told of the tables. Each question goes along indexes, and looks at no more rows than there are helpdesks and
// connections, or at as many as it is told.

// EventTimes returns the times of the oldest and newest event of all helpdesks and connections that there are, zero for none.
func (r Reader) EventTimes() (oldest, newest time.Time, err error) {
	const end = "(SELECT id FROM events e WHERE e.tenant_id = logs.tenant_id AND e.connection = logs.connection ORDER BY id "
	var ids struct{ Oldest, Newest *string }
	err = r.db.WithContext(r.ctx).Raw("SELECT min(oldest) AS oldest, max(newest) AS newest FROM (SELECT " + end + "LIMIT 1) AS oldest, " + end + "DESC LIMIT 1) AS newest" +
		" FROM (SELECT tenant_id, slug AS connection FROM connections UNION ALL SELECT tenant_id, '' FROM tenants) AS logs) AS ends").Scan(&ids).Error
	if err != nil || ids.Oldest == nil {
		return oldest, newest, fail(err, "look for the ends of the log")
	}
	if oldest, err = timeOf(*ids.Oldest); err == nil {
		newest, err = timeOf(*ids.Newest)
	}
	return oldest, newest, err
}

// OverdueJobs returns the names of jobs that should have been done before a time, and that no process has had since, in order.
func (r Reader) OverdueJobs(before time.Time) (names []string, err error) {
	before = micro(before)
	err = r.db.WithContext(r.ctx).Raw("SELECT name FROM jobs WHERE tenant_id = '' AND due_at < ? AND held_until < ? ORDER BY name", before, before).Scan(&names).Error
	return names, fail(err, "look for overdue jobs")
}

// StaleRescans returns the tenants of which contacts have been mapped to companies anew since before a time, and still are.
func (r Reader) StaleRescans(before time.Time) (tenants []string, err error) {
	err = r.db.WithContext(r.ctx).Raw("SELECT tenant_id FROM rescan_progress WHERE finished_at IS NULL AND started_at < ? ORDER BY tenant_id", micro(before)).Scan(&tenants).Error
	return tenants, fail(err, "look for stale rescans")
}

// WithoutAdmin is a tenant in which nobody who can sign in is an administrator.
type WithoutAdmin struct {
	TenantID string
	Invited  bool // whether there is one who has not made use of the link
}

// WithoutAdmin returns all of them.
func (r Reader) WithoutAdmin() (list []WithoutAdmin, err error) {
	const admin = "(SELECT 1 FROM agents a WHERE a.tenant_id = tenants.tenant_id AND a.role = 'admin' AND a.disabled_at IS NULL"
	err = r.db.WithContext(r.ctx).Raw("SELECT tenant_id, EXISTS " + admin + ") AS invited FROM tenants WHERE NOT EXISTS " + admin + " AND (a.password_hash <> '' OR a.issuer <> '')) ORDER BY tenant_id").Scan(&list).Error
	return list, fail(err, "look for administrators")
}

// ExpiringTokens returns up to limit tokens of the JSON API that expire in a period, of all tenants, the first to expire first.
func (r Reader) ExpiringTokens(from, to time.Time, limit int) (list []desk.Token, err error) {
	err = r.db.WithContext(r.ctx).Raw("SELECT "+tokens.list("t")+" FROM tenants n CROSS JOIN tokens t WHERE t.tenant_id = n.tenant_id AND t.kind = ? AND t.expires_at IS NOT NULL AND t.expires_at >= ? AND t.expires_at < ?"+
		" ORDER BY t.expires_at, t.id LIMIT ?", desk.TokenAPI, micro(from), micro(to), limit).Scan(&list).Error
	return list, fail(err, "look for tokens that expire")
}

// Oddity is a row that should not be as it is.
type Oddity struct {
	ID   string
	What string
}

// OddContacts looks at the newest contacts of a tenant.
func (r Reader) OddContacts(tenant string, newest int) ([]Oddity, error) {
	table := "directory_users u"
	if r.engine == SQLite {
		table += " INDEXED BY directory_users_contact" // left to itself, it reads all of the tenant's users for each
	}
	of := " FROM " + table + " WHERE u.tenant_id = c.tenant_id AND u.contact_id = c.id)"
	return r.odd("contacts", `CASE
		WHEN c.directories <> (SELECT count(*)`+of+` OR c.disabled <> (SELECT count(CASE WHEN u.active THEN NULL ELSE 1 END)`+of+` THEN 'counts other directories than have it'
		WHEN (c.status = 'deleted') <> (c.deleted_at IS NOT NULL) THEN 'is deleted without a time, or has one without being deleted'
		WHEN c.company_id <> '' AND (SELECT o.id FROM companies o WHERE o.tenant_id = c.tenant_id AND o.id = c.company_id) IS NULL THEN 'has a company that does not exist'
		ELSE '' END`, "contacts WHERE tenant_id = ?", newest, tenant)
}

// OddUsers looks at the newest users of a connection.
func (r Reader) OddUsers(tenant, connection string, newest int) ([]Oddity, error) {
	return r.odd("directory users", `CASE
		WHEN c.contact_id IS NULL AND c.held = '' THEN 'has no contact, and nothing holds it back'
		WHEN c.contact_id IS NOT NULL AND (SELECT o.id FROM contacts o WHERE o.tenant_id = c.tenant_id AND o.id = c.contact_id) IS NULL THEN 'has a contact that does not exist'
		ELSE '' END`, "directory_users WHERE tenant_id = ? AND connection = ?", newest, tenant, connection)
}

// odd returns those of the newest rows c for which an expression says something.
func (r Reader) odd(rows, what, from string, newest int, args ...any) (list []Oddity, err error) {
	// The limit stands in the text, so that PostgreSQL knows how few rows these are.
	query := fmt.Sprintf("SELECT id, what FROM (SELECT id, %s AS what FROM (SELECT * FROM %s ORDER BY id DESC LIMIT %d) AS c) AS ways WHERE what <> '' ORDER BY id", what, from, newest)
	err = r.db.WithContext(r.ctx).Raw(query, args...).Scan(&list).Error
	return list, fail(err, "look at "+rows)
}
