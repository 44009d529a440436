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
	LastCycle    *desk.Cycle
	Denials      []desk.Denial // since the last activity
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
	recent, err := r.RecentCycles(actor.TenantID, recentCycles)
	if err != nil {
		return nil, err
	}
	for _, c := range recent {
		if v := vitals[c.Connection]; v != nil && !c.EndedAt.Before(v.Connection.CreatedAt) { // or it is another's, which had the slug
			v.Recent = append(v.Recent, c)
		}
	}
	list := make([]ConnectionHealth, len(connections))
	for i, c := range connections {
		v := vitals[c.Slug]
		list[i] = ConnectionHealth{Connection: c, NextActivity: v.NextActivity()}
		if len(v.Recent) > 0 {
			list[i].LastActivity, list[i].LastCycle = &v.Recent[0].EndedAt, &v.Recent[0]
		}
		for _, d := range denials {
			if d.Connection == c.Slug && (len(v.Recent) == 0 || v.Recent[0].EndedAt.Before(d.LastAt)) {
				v.Denials = append(v.Denials, d)
			}
		}
		list[i].Denials = v.Denials
		list[i].Health, list[i].Reasons = v.Diagnose(e.Store.Now())
	}
	return list, nil
}

// HealthOf returns how one connection does, or NotFound.
func (e *Engine) HealthOf(ctx context.Context, actor desk.Actor, slug string) (ConnectionHealth, error) {
	list, err := e.Health(ctx, actor)
	for _, c := range list {
		if c.Slug == slug {
			return c, nil
		}
	}
	if err == nil {
		err = noConnection(desk.Errorf(desk.NotFound, "", "no connection"))
	}
	return ConnectionHealth{}, err
}

// Day is what a connection's directory did on a day, of UTC.
type Day struct {
	Date           time.Time
	Synced, Failed int // as a cycle counts them, on the day on which it began
}

// Days returns what the directories of the tenant's connections did on the last days, today included, oldest first, by slug.
func (e *Engine) Days(ctx context.Context, actor desk.Actor, days int) (map[string][]Day, error) {
	r := e.Store.Read(ctx)
	connections, err := r.Connections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	const day = 24 * time.Hour
	first := e.Store.Now().UTC().Truncate(day).AddDate(0, 0, 1-days)
	all := map[string][]Day{}
	made := map[string]time.Time{}
	for _, c := range connections {
		made[c.Slug] = c.CreatedAt
		for i := range days {
			all[c.Slug] = append(all[c.Slug], Day{Date: first.AddDate(0, 0, i)})
		}
	}
	cycles, err := r.CyclesSince(actor.TenantID, first)
	for _, c := range cycles {
		i := int(c.StartedAt.Sub(first) / day)
		if list := all[c.Connection]; i < len(list) && !c.EndedAt.Before(made[c.Connection]) {
			list[i].Synced += c.Synced()
			list[i].Failed += c.Failed()
		}
	}
	return all, err
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
