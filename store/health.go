package store

import (
	"context"
	"sync"

	"gorm.io/gorm"

	"rollcall/desk"
)

// denials counts requests that were turned away at the door of a connection, until WriteDenials writes them down. Who has no
// token decides how many these are, so no request may cost a write.
type denials struct {
	mu      sync.Mutex
	counted map[denied]*desk.Denial
}

type denied struct {
	Log
	status int
}

// maxDenied is of how many connections, real or made up, denials are counted between two writes.
const maxDenied = 1000

// Deny counts a request to a connection that was answered with 401, or that asked for what is no endpoint (404), and whether it came with
// a token of the tenant's.
func (s *Store) Deny(tenant, connection string, status int, known bool) {
	now := s.Now().UTC()
	d := &desk.Denial{TenantID: tenant, Connection: connection, Status: status, Requests: 1, FirstAt: now, LastAt: now}
	if known {
		d.Known = 1
	}
	s.denials.add(d)
}

func (d *denials) add(list ...*desk.Denial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.counted == nil {
		d.counted = map[denied]*desk.Denial{}
	}
	for _, more := range list {
		key := denied{Log{more.TenantID, more.Connection}, more.Status}
		if have := d.counted[key]; have != nil {
			have.Requests += more.Requests
			have.Known += more.Known
			have.LastAt = more.LastAt
		} else if len(d.counted) < maxDenied || more.Known > 0 { // of connections that are made up none is known
			d.counted[key] = more
		}
	}
}

func (d *denials) take() (list []*desk.Denial) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.counted {
		list = append(list, one)
	}
	d.counted = nil
	return list
}

// WriteDenials adds what this process has counted to the streaks of the connections that there are. What could not be written is
// kept for the next call.
func (s *Store) WriteDenials(ctx context.Context) error {
	list := s.denials.take()
	for i, d := range list {
		if err := s.Tx(ctx, func(tx *Tx) error { return tx.addDenial(*d) }); err != nil {
			s.denials.add(list[i:]...)
			return err
		}
	}
	return nil
}

// addDenial goes on with a streak, or begins one if a request has been served since.
func (tx *Tx) addDenial(d desk.Denial) error {
	if _, err := tx.LockConnection(d.TenantID, d.Connection); desk.KindOf(err) == desk.NotFound {
		return nil
	} else if err != nil {
		return err
	}
	before, err := lock[desk.Denial](tx, "denials", "tenant_id = ? AND connection = ? AND status = ?", d.TenantID, d.Connection, d.Status)
	if desk.KindOf(err) == desk.NotFound {
		return fail(gorm.G[desk.Denial](tx.db).Create(tx.ctx, &d), "begin a streak of denials")
	}
	if err != nil {
		return err
	}
	served, err := tx.Cycles(d.TenantID, d.Connection, "", 1)
	if err != nil {
		return err
	}
	if len(served) == 0 || served[0].EndedAt.Before(before.LastAt) {
		d.Requests += before.Requests
		d.Known += before.Known
		d.FirstAt = before.FirstAt
	}
	return update(tx, "denials", &d)
}

// Denials returns the streaks of a tenant's connections.
func (r Reader) Denials(tenant string) ([]desk.Denial, error) {
	list, err := gorm.G[desk.Denial](r.db).Where("tenant_id = ?", tenant).Find(r.ctx)
	return list, fail(err, "list denials")
}

// Credentials returns what directories sign in with, of these connections: SCIM tokens, and secrets of OAuth clients.
func (r Reader) Credentials(tenant string, connections []string) ([]desk.Token, error) {
	if len(connections) == 0 {
		return nil, nil
	}
	list, err := gorm.G[desk.Token](r.db).Where("tenant_id = ? AND connection IN ? AND kind IN ?", tenant, connections, []desk.TokenKind{desk.TokenSCIM, desk.TokenClientSecret}).Find(r.ctx)
	return list, fail(err, "list credentials")
}

// Tenants lists all tenants by id.
func (r Reader) Tenants() ([]desk.Tenant, error) {
	list, err := gorm.G[desk.Tenant](r.db).Order("tenant_id").Find(r.ctx)
	return list, fail(err, "list tenants")
}
