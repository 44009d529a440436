package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateToken adds a token.
func (tx *Tx) CreateToken(t *desk.Token) error {
	return fail(gorm.G[desk.Token](tx.db).Create(tx.ctx, t), "create token")
}

// Token returns the token with the hash, or NotFound.
func (r Reader) Token(tenant, hash string) (desk.Token, error) {
	t, err := gorm.G[desk.Token](r.db).Where("tenant_id = ? AND hash = ?", tenant, hash).Take(r.ctx)
	return t, fail(err, "read token")
}

// Directory returns the SCIM token with the hash, and the directory that it is for, or NotFound.
func (r Reader) Directory(tenant, hash string) (desk.Token, desk.Directory, error) {
	var row struct {
		Token      desk.Token      `gorm:"embedded;embeddedPrefix:t_"`
		Connection desk.Connection `gorm:"embedded;embeddedPrefix:c_"`
		Fields     []desk.Field    `gorm:"serializer:json"`
	}
	result := r.db.WithContext(r.ctx).Raw("SELECT "+tokenColumns+", "+connectionColumns+", n.fields FROM tokens t JOIN connections c ON c.tenant_id = t.tenant_id AND c.slug = t.connection"+
		" JOIN tenants n ON n.tenant_id = t.tenant_id WHERE t.tenant_id = ? AND t.hash = ?", tenant, hash).Scan(&row)
	if result.Error == nil && result.RowsAffected == 0 {
		result.Error = gorm.ErrRecordNotFound
	}
	return row.Token, desk.Directory{Connection: row.Connection, Fields: row.Fields}, fail(result.Error, "read token")
}

var tokenColumns, connectionColumns = prefixed("t", desk.Token{}), prefixed("c", desk.Connection{})

// UseToken notes when a token was last used.
func (s *Store) UseToken(ctx context.Context, tenant, id string, at time.Time) error {
	_, err := gorm.G[desk.Token](s.write).Where("tenant_id = ? AND id = ?", tenant, id).Update(ctx, "last_used_at", at.UTC().Truncate(time.Microsecond))
	return fail(err, "note the use of a token")
}

// DeleteToken removes a token and reports whether it was there: of two requests that use up one token, one removes it.
func (tx *Tx) DeleteToken(tenant, id string) (bool, error) {
	n, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	return n > 0, fail(err, "delete token")
}

// DeleteExpired removes a tenant's expired tokens of some kinds.
func (tx *Tx) DeleteExpired(tenant string, kinds ...desk.TokenKind) error {
	_, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND kind IN ? AND expires_at <= ?", tenant, kinds, tx.Now).Delete(tx.ctx)
	return fail(err, "delete expired tokens")
}
