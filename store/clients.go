package store

import (
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateClient adds an OAuth client.
func (tx *Tx) CreateClient(c *desk.Client) error {
	return fail(gorm.G[desk.Client](tx.db).Create(tx.ctx, c), "create client")
}

// Client returns an OAuth client, or NotFound.
func (r Reader) Client(tenant, id string) (desk.Client, error) {
	c, err := gorm.G[desk.Client](r.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(r.ctx)
	return c, fail(err, "read client")
}

// LockClient returns an OAuth client, locked until the transaction ends, or NotFound.
func (tx *Tx) LockClient(tenant, id string) (desk.Client, error) {
	return lock[desk.Client](tx, "client", "tenant_id = ? AND id = ?", tenant, id)
}

// UseClient notes that a client gets a token, and reports whether there still is such a client. Until the transaction ends
// nobody can delete it.
func (tx *Tx) UseClient(tenant, id, address string) (bool, error) {
	n, err := gorm.G[desk.Client](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Select("last_used_at", "last_used_address").
		Updates(tx.ctx, desk.Client{LastUsedAt: &tx.Now, LastUsedAddress: address})
	return n > 0, fail(err, "note the use of a client")
}

// Clients lists a connection's OAuth clients in the order in which they were made.
func (r Reader) Clients(tenant, connection string) ([]desk.Client, error) {
	list, err := gorm.G[desk.Client](r.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Order("id").Find(r.ctx)
	return list, fail(err, "list clients")
}

// FederatedConnections returns the connections of a tenant of which a client signs in with another issuer's assertions.
func (r Reader) FederatedConnections(tenant string) ([]string, error) {
	var slugs []string
	err := r.db.WithContext(r.ctx).Raw("SELECT DISTINCT connection FROM clients WHERE tenant_id = ? AND issuer <> ''", tenant).Scan(&slugs).Error
	return slugs, fail(err, "list federated connections")
}

// DeleteClient removes an OAuth client with its secrets, consents and tokens.
func (tx *Tx) DeleteClient(tenant, id string) error {
	tx.access = true
	// The client comes first: who is just getting a token holds its row.
	if _, err := gorm.G[desk.Client](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx); err != nil {
		return fail(err, "delete client")
	}
	_, err := gorm.G[desk.Token](tx.db).Where(ofClient, tenant, id).Delete(tx.ctx)
	return fail(err, "delete a client's tokens")
}

// ofClient says so that client_id is not empty, which the index wants to hear.
const ofClient = "tenant_id = ? AND client_id = ? AND client_id <> ''"

// ClientSecrets lists the secrets of OAuth clients in the order in which they were made.
func (r Reader) ClientSecrets(tenant string, clients ...string) ([]desk.Token, error) {
	list, err := gorm.G[desk.Token](r.db).Where("tenant_id = ? AND client_id IN ? AND client_id <> '' AND kind = ?", tenant, clients, desk.TokenClientSecret).Find(r.ctx)
	slices.SortFunc(list, func(a, b desk.Token) int { return strings.Compare(a.ID, b.ID) }) // few; SQLite would read all tokens in that order
	return list, fail(err, "list client secrets")
}

// ClientOfSecret returns the client secret with the hash and the client whose it is, or NotFound.
func (r Reader) ClientOfSecret(tenant, hash string) (desk.Token, desk.Client, error) {
	var row struct {
		Token  desk.Token  `gorm:"embedded;embeddedPrefix:t_"`
		Client desk.Client `gorm:"embedded;embeddedPrefix:c_"`
	}
	result := r.db.WithContext(r.ctx).Raw("SELECT "+tokenColumns+", "+clientColumns+" FROM tokens t JOIN clients c ON c.tenant_id = t.tenant_id AND c.id = t.client_id"+
		" WHERE t.tenant_id = ? AND t.hash = ?", tenant, hash).Scan(&row)
	if result.Error == nil && result.RowsAffected == 0 {
		result.Error = gorm.ErrRecordNotFound
	}
	return row.Token, row.Client, fail(result.Error, "read client")
}

var tokenColumns, clientColumns = prefixed("t", desk.Token{}), prefixed("c", desk.Client{})

// CreateGrant adds a consent.
func (tx *Tx) CreateGrant(g *desk.Grant) error {
	return fail(gorm.G[desk.Grant](tx.db).Create(tx.ctx, g), "create grant")
}

// LockGrant returns a consent, locked until the transaction ends, or NotFound.
func (tx *Tx) LockGrant(tenant, id string) (desk.Grant, error) {
	return lock[desk.Grant](tx, "grant", "tenant_id = ? AND id = ?", tenant, id)
}

// UpdateGrant writes all of a consent.
func (tx *Tx) UpdateGrant(g *desk.Grant) error { return update(tx, "grant", g) }

// DeleteGrant takes a consent back, with the tokens that came of it.
func (tx *Tx) DeleteGrant(g desk.Grant) error {
	tx.access = true
	if _, err := gorm.G[desk.Grant](tx.db).Where("tenant_id = ? AND id = ?", g.TenantID, g.ID).Delete(tx.ctx); err != nil {
		return fail(err, "delete grant")
	}
	_, err := gorm.G[desk.Token](tx.db).Where(ofClient+" AND kind = ? AND grant_id = ?", g.TenantID, g.ClientID, desk.TokenAccess, g.ID).Delete(tx.ctx)
	return fail(err, "delete a grant's tokens")
}
