package provision

import (
	"context"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/store"
)

// CreateTenant adds a helpdesk. The name defaults to the slug.
func (e *Engine) CreateTenant(ctx context.Context, slug, name string) error {
	if err := desk.CheckSlug("tenant", slug); err != nil {
		return err
	}
	if name == "" {
		name = slug
	}
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.CreateTenant(ctx, &desk.Tenant{ID: slug, Name: name, CreatedAt: tx.Now}); err != nil {
			return err
		}
		return record(ctx, tx, newEvent(System(slug), desk.OpCreate, desk.Created, "tenant"))
	})
	if desk.KindOf(err) == desk.Uniqueness {
		return desk.Errorf(desk.Uniqueness, "tenant", "tenant %s exists already", slug)
	}
	return err
}

// CreateConnection adds a directory to a tenant. The name defaults to the slug.
func (e *Engine) CreateConnection(ctx context.Context, c desk.Connection) error {
	if err := desk.CheckSlug("connection", c.Slug); err != nil {
		return err
	}
	if !slices.Contains(desk.Providers, c.Provider) {
		return desk.Errorf(desk.InvalidValue, "provider", "provider must be one of %s", strings.Join(desk.Providers, ", "))
	}
	if c.Name == "" {
		c.Name = c.Slug
	}
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.Tenant(ctx, c.TenantID); err != nil {
			return err
		}
		c.CreatedAt = tx.Now
		if err := tx.CreateConnection(ctx, &c); err != nil {
			return err
		}
		ev := newEvent(System(c.TenantID), desk.OpCreate, desk.Created, "connection")
		ev.Connection = c.Slug
		return record(ctx, tx, ev)
	})
	switch desk.KindOf(err) {
	case desk.Uniqueness:
		return desk.Errorf(desk.Uniqueness, "connection", "connection %s exists already in tenant %s", c.Slug, c.TenantID)
	case desk.NotFound:
		return desk.Errorf(desk.NotFound, "tenant", "no tenant %s; make it with: rollcall tenant create %s", c.TenantID, c.TenantID)
	}
	return err
}

// System is the actor of what no person or directory asked for over the network.
func System(tenant string) desk.Actor {
	return desk.Actor{Type: desk.ActorSystem, TenantID: tenant, Name: "rollcall"}
}

// Connections lists the tenant's connections.
func (e *Engine) Connections(ctx context.Context, actor desk.Actor) ([]desk.Connection, error) {
	return e.Store.Connections(ctx, actor.TenantID)
}

// Connection returns a connection, or NotFound.
func (e *Engine) Connection(ctx context.Context, actor desk.Actor, slug string) (desk.Connection, error) {
	c, err := e.Store.Connection(ctx, actor.TenantID, slug)
	if desk.KindOf(err) == desk.NotFound {
		return c, &desk.Error{Kind: desk.NotFound, Msg: "no connection with this slug", Err: err}
	}
	return c, err
}

// ConnectionEvents returns a page of a connection's events, newest first, or NotFound.
func (e *Engine) ConnectionEvents(ctx context.Context, actor desk.Actor, slug, before string, limit int) ([]desk.Event, error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return nil, err
	}
	return e.Store.Events(ctx, store.EventQuery{TenantID: actor.TenantID, Connection: slug, Before: before, Limit: limit})
}
