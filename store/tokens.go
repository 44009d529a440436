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
func (r Reader) Directory(tenant, hash string) (t desk.Token, d desk.Directory, err error) {
	found := false
	err = r.ask(question{sql: readToken, args: []any{tenant, hash}, row: func(scan scanner) error {
		found = true
		var state directoryState
		to := connections.dest(tokens.dest(make([]any, 0, 40), &t), &d.Connection)
		if err := scan(append(to, &asJSON{&d.Fields}, &state.settings, &state.fields, &state.paused)...); err != nil {
			return err
		}
		d.State = state.String()
		return nil
	}})
	if err == nil && !found {
		err = gorm.ErrRecordNotFound
	}
	return t, d, fail(err, "read token")
}

// CurrentDirectory returns a connection as its directory's requests find it, or NotFound.
func (r Reader) CurrentDirectory(tenant, slug string) (d desk.Directory, err error) {
	var state string
	var list []desk.Connection
	fields := question{sql: "SELECT fields FROM tenants WHERE tenant_id = ?", args: []any{tenant}, row: func(scan scanner) error { return scan(&asJSON{&d.Fields}) }}
	// The state first: what has changed since then shows as another one.
	err = r.ask(readState(&state, tenant, slug), connections.reading(&list, "WHERE tenant_id = ? AND slug = ?", tenant, slug), fields)
	d.Connection, err = one(list, err, "read connection")
	d.State = state
	return d, err
}

var (
	tokens      = newModel[desk.Token]()
	connections = newModel[desk.Connection]()

	readToken = "SELECT " + tokens.list("t") + ", " + connections.list("c") + ", n.fields, c.settings, n.fields, c.paused_at FROM tokens t" +
		" JOIN connections c ON c.tenant_id = t.tenant_id AND c.slug = t.connection JOIN tenants n ON n.tenant_id = t.tenant_id WHERE t.tenant_id = ? AND t.hash = ?"
)

const selectState = "SELECT c.settings, n.fields, c.paused_at FROM connections c JOIN tenants n ON n.tenant_id = c.tenant_id WHERE c.tenant_id = ? AND c.slug = ?"

// directoryState is what desk.Directory.State is made of.
type directoryState struct {
	settings string
	fields   *string
	paused   *time.Time
}

func (d directoryState) String() string {
	state := d.settings
	if d.fields != nil {
		state += "\n" + *d.fields
	}
	if d.paused != nil {
		state += "\npaused"
	}
	return state
}

// readState asks for a connection's state, which stays "" where the connection is gone.
func readState(state *string, tenant, slug string) question {
	return question{sql: selectState, args: []any{tenant, slug}, row: func(scan scanner) error {
		var d directoryState
		err := scan(&d.settings, &d.fields, &d.paused)
		*state = d.String()
		return err
	}}
}

// UseToken notes when and from where a token was last used.
func (s *Store) UseToken(ctx context.Context, tenant, id string, at time.Time, address string) error {
	return s.txAt(ctx, func() time.Time { return at }, func(tx *Tx) error {
		err := tx.write(question{sql: noteUse, args: []any{tx.Now, address, tenant, id}}, nil)
		return fail(err, "note the use of a token")
	})
}

const noteUse = "UPDATE tokens SET last_used_at = ?, last_used_address = ? WHERE tenant_id = ? AND id = ?"

// DeleteToken removes a token and reports whether it was there: of two requests that use up one token, one removes it.
func (tx *Tx) DeleteToken(tenant, id string) (bool, error) {
	tx.access = true
	n, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	return n > 0, fail(err, "delete token")
}

// revokedFor is how long a token that was deleted is recognised.
const revokedFor = 90 * 24 * time.Hour

// RevokeToken removes one of a connection's tokens, of which the hash alone is kept for a while: who still sends it is no stranger.
func (tx *Tx) RevokeToken(tenant, id string) error {
	tx.access = true
	_, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Select("kind", "label", "expires_at", "last_used_at", "last_used_address").
		Updates(tx.ctx, desk.Token{Kind: desk.TokenRevoked, ExpiresAt: new(tx.Now.Add(revokedFor))})
	return fail(err, "revoke token")
}

// TokenQuery asks for a page of a connection's tokens in the order of their ids, which is that of creation.
type TokenQuery struct {
	TenantID   string
	Connection string // slug
	After      string // the id after which the page begins
	Limit      int
}

// Tokens returns a page of a connection's tokens, but for those of OAuth clients.
func (r Reader) Tokens(q TokenQuery) ([]desk.Token, error) {
	list, err := gorm.G[desk.Token](r.db).Where("tenant_id = ? AND connection = ? AND kind = ? AND id > ?", q.TenantID, q.Connection, desk.TokenSCIM, q.After).
		Order("id").Limit(q.Limit).Find(r.ctx)
	return list, fail(err, "list tokens")
}

// LockToken returns one of a connection's tokens, locked until the transaction ends, or NotFound.
func (tx *Tx) LockToken(tenant, connection, id string) (desk.Token, error) {
	return lock[desk.Token](tx, "token", "tenant_id = ? AND id = ? AND connection = ? AND kind = ?", tenant, id, connection, desk.TokenSCIM)
}

// DeleteAccess removes all by which a connection's directory gets in, OAuth clients and tokens, and reports whether there was
// any.
func (tx *Tx) DeleteAccess(tenant, connection string) (bool, error) {
	tx.access = true
	// Clients come first: who is just getting a token holds its client's row.
	clients, err := gorm.G[desk.Client](tx.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Delete(tx.ctx)
	if err != nil {
		return false, fail(err, "delete clients")
	}
	tokens, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Delete(tx.ctx)
	return clients+tokens > 0, fail(err, "delete tokens")
}

// expiredBatch is how many expired rows a request clears away beside its own work: more than it makes.
const expiredBatch = 20

// DeleteExpired removes some of a tenant's expired tokens of some kinds.
func (tx *Tx) DeleteExpired(tenant string, kinds ...desk.TokenKind) error {
	return tx.deleteBatch("tokens", "tenant_id = ? AND kind IN ? AND expires_at IS NOT NULL AND expires_at <= ?", tenant, kinds, tx.Now)
}

// DeleteExpiredGrants removes some of a tenant's consents that led to nothing, or that nobody has used for long.
func (tx *Tx) DeleteExpiredGrants(tenant string) error {
	return tx.deleteBatch("grants", "tenant_id = ? AND expires_at <= ?", tenant, tx.Now)
}

// deleteBatch removes some of the rows of a table of which a condition holds that begins with the tenant. Rows that another
// transaction has in hand are left to it.
func (tx *Tx) deleteBatch(table, where string, args ...any) error {
	unlocked := ""
	if tx.engine == Postgres {
		unlocked = " FOR UPDATE SKIP LOCKED"
	}
	// Materialized, or PostgreSQL may ask for a batch for every row.
	err := tx.db.Exec("WITH batch AS MATERIALIZED (SELECT id FROM "+table+" WHERE "+where+" LIMIT ?"+unlocked+")"+
		" DELETE FROM "+table+" WHERE tenant_id = ? AND id IN (SELECT id FROM batch)", append(args, expiredBatch, args[0])...).Error
	return fail(err, "delete expired "+table)
}
