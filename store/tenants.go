package store

import (
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
	return update(tx, "tenant", t)
}

// HasTenants reports whether any tenant exists.
func (r Reader) HasTenants() (bool, error) {
	found, err := gorm.G[desk.Tenant](r.db).Limit(1).Find(r.ctx)
	return len(found) > 0, fail(err, "look for tenants")
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
	return update(tx, "connection", c)
}

// LockConnection returns a connection, locked until the transaction ends, or NotFound.
func (tx *Tx) LockConnection(tenant, slug string) (desk.Connection, error) {
	return lock[desk.Connection](tx, "connection", "tenant_id = ? AND slug = ?", tenant, slug)
}
