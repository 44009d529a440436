package store

import (
	"fmt"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateTenant adds a tenant; its taken id is a Uniqueness error.
func (tx *Tx) CreateTenant(t *desk.Tenant) error {
	return fail(gorm.G[desk.Tenant](tx.db).Create(tx.ctx, t), "create tenant")
}

// CreateConnection adds a connection; its taken slug is a Uniqueness error, its unknown tenant NotFound.
func (tx *Tx) CreateConnection(c *desk.Connection) error {
	return fail(gorm.G[desk.Connection](tx.db).Create(tx.ctx, c), "create connection")
}

// Tenant returns a tenant, or NotFound.
func (r Reader) Tenant(id string) (desk.Tenant, error) {
	t, err := gorm.G[desk.Tenant](r.db).Where("tenant_id = ?", id).Take(r.ctx)
	return t, fail(err, "read tenant")
}

// LockTenant returns a tenant, locked until the transaction ends, or NotFound.
func (tx *Tx) LockTenant(id string) (desk.Tenant, error) {
	return lock[desk.Tenant](tx, "tenant", "tenant_id = ?", id)
}

// UpdateTenant writes all of a tenant.
func (tx *Tx) UpdateTenant(t *desk.Tenant) error {
	tx.access = true
	return update(tx, "tenant", t)
}

// HasTenants reports whether any tenant exists.
func (r Reader) HasTenants() (bool, error) {
	found, err := gorm.G[desk.Tenant](r.db).Limit(1).Find(r.ctx)
	return len(found) > 0, fail(err, "look for tenants")
}

// OnlyTenant returns the id of the tenant if there is just one, else "".
func (r Reader) OnlyTenant() (string, error) {
	found, err := gorm.G[desk.Tenant](r.db).Select("tenant_id").Limit(2).Find(r.ctx)
	if err != nil || len(found) != 1 {
		return "", fail(err, "look for tenants")
	}
	return found[0].ID, nil
}

// HasConnections reports whether any tenant has a connection.
func (r Reader) HasConnections() (bool, error) {
	found, err := gorm.G[desk.Connection](r.db).Limit(1).Find(r.ctx)
	return len(found) > 0, fail(err, "look for connections")
}

// Connection returns a connection, or NotFound.
func (r Reader) Connection(tenant, slug string) (desk.Connection, error) {
	c, err := gorm.G[desk.Connection](r.db).Where("tenant_id = ? AND slug = ?", tenant, slug).Take(r.ctx)
	return c, fail(err, "read connection")
}

// Connections lists a tenant's connections by slug.
func (r Reader) Connections(tenant string) ([]desk.Connection, error) {
	list, err := gorm.G[desk.Connection](r.db).Where("tenant_id = ?", tenant).Order("slug").Find(r.ctx)
	return list, fail(err, "list connections")
}

// UpdateConnection writes all of a connection.
func (tx *Tx) UpdateConnection(c *desk.Connection) error {
	tx.access = true
	return update(tx, "connection", c)
}

// LockConnection returns a connection, locked until the transaction ends, or NotFound.
func (tx *Tx) LockConnection(tenant, slug string) (desk.Connection, error) {
	return lock[desk.Connection](tx, "connection", "tenant_id = ? AND slug = ?", tenant, slug)
}

// UnlinkUsers removes a page of a connection's users, and returns how many there were: fewer than UnlinkPage when none is left.
// Their contacts stay as they are and keep the externalId under which the directory knew them; each gets the event, completed
// by contact and user. The emails by which the users were found stay until DeleteConnection.
func (tx *Tx) UnlinkUsers(tenant, slug string, each desk.Event) (int, error) {
	// The limit stands in the text, so that PostgreSQL knows how few rows these are.
	page := fmt.Sprintf("(SELECT * FROM directory_users WHERE tenant_id = @tenant AND connection = @slug ORDER BY id LIMIT %d) AS page", UnlinkPage)
	at := tx.store.clock.next(tx.store.Now())
	args := map[string]any{
		"tenant": tenant, "slug": slug, "now": tx.Now, "at": at, "time": idAt(at)[:18], "type": each.ActorType, "name": each.ActorName,
		"operation": each.Operation, "outcome": each.Outcome, "reason": each.Reason, "detail": each.Detail, "request": each.RequestID,
	}
	var n int64
	for _, statement := range []string{
		"UPDATE contacts SET external_id = COALESCE(page.external_id, contacts.external_id), directories = directories - 1, disabled = disabled - CASE WHEN page.active THEN 0 ELSE 1 END, modified_at = @now FROM " + page +
			" WHERE contacts.tenant_id = @tenant AND contacts.id = page.contact_id",
		// An event's id is a UUIDv7: the time is now's, the random part the user's.
		"INSERT INTO events (tenant_id, connection, id, at, actor_type, actor_name, operation, outcome, reason, detail, contact_id, user_id, subject, subject_key, request_id)" +
			" SELECT tenant_id, connection, CAST(@time AS text) || substr(id, 19), @at, @type, @name, @operation, @outcome, @reason, @detail, contact_id, id, '', '', @request FROM " + page +
			" WHERE contact_id IS NOT NULL",
		"DELETE FROM directory_users WHERE tenant_id = @tenant AND connection = @slug AND id IN (SELECT id FROM " + page + ")",
	} {
		result := tx.db.Exec(statement, args)
		if result.Error != nil {
			return 0, fail(result.Error, "unlink users")
		}
		n = result.RowsAffected
	}
	return int(n), nil
}

// UnlinkPage is how many users UnlinkUsers removes.
const UnlinkPage = 1000

// DeleteConnection removes a connection without users, and all that it kept.
func (tx *Tx) DeleteConnection(tenant, slug string) error {
	tx.access = true
	for _, table := range []string{"directory_user_emails", "exchanges"} {
		if err := tx.db.Exec("DELETE FROM "+table+" WHERE tenant_id = ? AND connection = ?", tenant, slug).Error; err != nil {
			return fail(err, "delete connection")
		}
	}
	_, err := gorm.G[desk.Connection](tx.db).Where("tenant_id = ? AND slug = ?", tenant, slug).Delete(tx.ctx)
	return fail(err, "delete connection")
}
