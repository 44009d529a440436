package provision

import (
	"context"
	"time"

	"rollcall/desk"
)

// ConnectionHealth is how a connection does.
type ConnectionHealth struct {
	desk.Connection
	Health       desk.Health
	Reasons      []desk.HealthReason // the worst first
	LastActivity *time.Time
	NextActivity *time.Time // nil where it is not known
}

// recentCycles is how many of a connection's cycles are looked at: more than an hour can have.
const recentCycles = 8

// Health returns how the tenant's connections do, by slug.
func (e *Engine) Health(ctx context.Context, actor desk.Actor) ([]ConnectionHealth, error) {
	r := e.Store.Read(ctx)
	connections, err := r.Connections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	vitals := map[string]*desk.Vitals{}
	var slugs []string
	for _, c := range connections {
		slugs = append(slugs, c.Slug)
		vitals[c.Slug] = &desk.Vitals{Connection: c}
	}
	credentials, err := r.Credentials(actor.TenantID, slugs)
	if err != nil {
		return nil, err
	}
	for _, t := range credentials {
		if v := vitals[t.Connection]; v != nil {
			v.Credentials = append(v.Credentials, t)
		}
	}
	denials, err := r.Denials(actor.TenantID)
	if err != nil {
		return nil, err
	}
	federated, err := r.FederatedConnections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	for _, slug := range federated {
		if v := vitals[slug]; v != nil {
			v.Federated = true
		}
	}
	list := make([]ConnectionHealth, len(connections))
	for i, c := range connections {
		v := vitals[c.Slug]
		if v.Recent, err = r.Cycles(actor.TenantID, c.Slug, "", recentCycles); err != nil {
			return nil, err
		}
		list[i] = ConnectionHealth{Connection: c, NextActivity: v.NextActivity()}
		if len(v.Recent) > 0 {
			list[i].LastActivity = &v.Recent[0].EndedAt
		}
		for _, d := range denials {
			if d.Connection == c.Slug && (len(v.Recent) == 0 || v.Recent[0].EndedAt.Before(d.LastAt)) {
				v.Denials = append(v.Denials, d)
			}
		}
		list[i].Health, list[i].Reasons = v.Diagnose(e.Store.Now())
	}
	return list, nil
}

// AllHealth returns how the connections of all tenants do.
func (e *Engine) AllHealth(ctx context.Context) ([]ConnectionHealth, error) {
	tenants, err := e.Store.Read(ctx).Tenants()
	var all []ConnectionHealth
	for _, t := range tenants {
		list, err := e.Health(ctx, System(t.ID))
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, err
}
