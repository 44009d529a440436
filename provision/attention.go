package provision

import (
	"context"
	"time"

	"rollcall/desk"
)

// Attention is what of a connection waits for a person, beside its health.
type Attention struct {
	Refused     int       // requests
	LastRefused time.Time // zero for none
	Held        int       // users for whom an agent is asked whether they are a contact
}

// MostAttention is up to how many are counted of each.
const MostAttention = 100

// Attention returns what waits for a person, by connection: of requests those that were refused since a time.
func (e *Engine) Attention(ctx context.Context, actor desk.Actor, since time.Time) (map[string]Attention, error) {
	r := e.Store.Read(ctx)
	refused, err := r.RecentRefusals(actor.TenantID, since, MostAttention)
	if err != nil {
		return nil, err
	}
	held, err := r.AdoptionsHeld(actor.TenantID, MostAttention)
	if err != nil {
		return nil, err
	}
	list := map[string]Attention{}
	for _, n := range held {
		list[n.Connection] = Attention{Held: n.Count}
	}
	for _, n := range refused {
		a := list[n.Connection]
		a.Refused = min(MostAttention, a.Refused+n.Count)
		if n.Last.After(a.LastRefused) {
			a.LastRefused = n.Last
		}
		list[n.Connection] = a
	}
	return list, nil
}
