package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// CreateAgent adds an agent; a taken email address or identity is a Uniqueness error.
func (tx *Tx) CreateAgent(a *desk.Agent) error {
	return fail(gorm.G[desk.Agent](tx.db).Create(tx.ctx, a), "create agent")
}

// Agent returns an agent, or NotFound.
func (r Reader) Agent(tenant, id string) (desk.Agent, error) {
	return r.agent("tenant_id = ? AND id = ?", tenant, id)
}

// AgentByEmail returns the agent with the folded address, or NotFound.
func (r Reader) AgentByEmail(tenant, emailKey string) (desk.Agent, error) {
	return r.agent("tenant_id = ? AND email_key = ?", tenant, emailKey)
}

// AgentByIdentity returns the agent for whom an OpenID provider vouches, or NotFound.
func (r Reader) AgentByIdentity(tenant string, i desk.Identity) (desk.Agent, error) {
	return r.agent("tenant_id = ? AND issuer = ? AND issuer <> '' AND subject = ?", tenant, i.Issuer, i.Subject)
}

func (r Reader) agent(where string, args ...any) (desk.Agent, error) {
	a, err := gorm.G[desk.Agent](r.db).Where(where, args...).Take(r.ctx)
	return a, fail(err, "read agent")
}

// Agents returns a page of a tenant's agents in the order of their folded addresses, after which the page begins.
func (r Reader) Agents(tenant, after string, limit int) ([]desk.Agent, error) {
	list, err := gorm.G[desk.Agent](r.db).Where("tenant_id = ? AND email_key > ?", tenant, after).Order("email_key").Limit(limit).Find(r.ctx)
	return list, fail(err, "list agents")
}

// LockAgent returns an agent, locked until the transaction ends, or NotFound. Who is just signing in holds this lock.
func (tx *Tx) LockAgent(tenant, id string) (desk.Agent, error) {
	return lock[desk.Agent](tx, "agent", "tenant_id = ? AND id = ?", tenant, id)
}

// LockAdmins returns the administrators who can sign in, locked until the transaction ends, in the order of their ids. A
// transaction that also locks an agent does so afterwards.
func (tx *Tx) LockAdmins(tenant string) (list []desk.Agent, err error) {
	err = tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Order("id").
		Where("tenant_id = ? AND role = 'admin' AND disabled_at IS NULL AND (password_hash <> '' OR issuer <> '')", tenant).Find(&list).Error
	return list, fail(err, "lock administrators")
}

// UpdateAgent writes all of an agent; a taken email address or identity is a Uniqueness error.
func (tx *Tx) UpdateAgent(a *desk.Agent) error { return update(tx, "agent", a) }

// DeleteAgent removes an agent, whose sessions and links go by DeleteTokensOf.
func (tx *Tx) DeleteAgent(tenant, id string) error {
	_, err := gorm.G[desk.Agent](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	return fail(err, "delete agent")
}

// ofAgent says so that agent_id is not empty, which the index wants to hear.
const ofAgent = "tenant_id = ? AND agent_id = ? AND agent_id <> ''"

// Session returns the token with the hash and the agent whose it is, who has no id where there is none, or NotFound.
func (r Reader) Session(tenant, hash string) (desk.Token, desk.Agent, error) {
	t, err := r.Token(tenant, hash)
	if err != nil || t.AgentID == "" {
		return t, desk.Agent{}, err
	}
	a, err := r.Agent(tenant, t.AgentID)
	return t, a, err
}

// Sessions lists an agent's sessions in the order in which they began.
func (r Reader) Sessions(tenant, agent string) ([]desk.Token, error) {
	list, err := gorm.G[desk.Token](r.db).Where(ofAgent+" AND kind = ?", tenant, agent, desk.TokenSession).Order("id").Find(r.ctx)
	return list, fail(err, "list sessions")
}

// DeleteSession ends a browser's session by its hash, if there is one.
func (tx *Tx) DeleteSession(tenant, hash string) error {
	_, err := gorm.G[desk.Token](tx.db).Where("tenant_id = ? AND hash = ? AND kind = ?", tenant, hash, desk.TokenSession).Delete(tx.ctx)
	return fail(err, "delete session")
}

// DeleteTokensOf removes an agent's tokens of some kinds, but for one ("" for none), and returns how many there were.
func (tx *Tx) DeleteTokensOf(tenant, agent, except string, kinds ...desk.TokenKind) (int, error) {
	n, err := gorm.G[desk.Token](tx.db).Where(ofAgent+" AND kind IN ? AND id <> ?", tenant, agent, kinds, except).Delete(tx.ctx)
	return n, fail(err, "delete an agent's tokens")
}
