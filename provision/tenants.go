package provision

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/store"
)

// CreateTenant adds a helpdesk. The name defaults to the slug.
func (e *Engine) CreateTenant(ctx context.Context, slug, name string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error { return AddTenant(tx, slug, name) })
}

// AddTenant does the same inside a transaction.
func AddTenant(tx *store.Tx, slug, name string) error {
	if err := desk.CheckSlug("tenant", slug); err != nil {
		return err
	}
	if name == "" {
		name = slug
	}
	err := tx.CreateTenant(&desk.Tenant{ID: slug, Name: name, CreatedAt: tx.Now})
	if desk.KindOf(err) == desk.Uniqueness {
		return desk.Errorf(desk.Uniqueness, "tenant", "tenant %s exists already", slug)
	}
	if err != nil {
		return err
	}
	return tx.Record(System(slug).Event(desk.OpCreate, desk.Created, "tenant"))
}

// KnowsTenant returns NotFound unless the tenant is there.
func (e *Engine) KnowsTenant(ctx context.Context, slug string) error {
	_, err := e.Store.Read(ctx).Tenant(slug)
	if desk.KindOf(err) == desk.NotFound {
		return desk.Errorf(desk.NotFound, "tenant", "no tenant %s", slug)
	}
	return err
}

// CreateConnection adds a directory to the actor's tenant, and completes the record. The name defaults to the slug.
func (e *Engine) CreateConnection(ctx context.Context, actor desk.Actor, c *desk.Connection) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error { return AddConnection(tx, actor, c) })
}

// AddConnection does the same inside a transaction.
func AddConnection(tx *store.Tx, actor desk.Actor, c *desk.Connection) error {
	if err := desk.CheckSlug("slug", c.Slug); err != nil {
		return err
	}
	if c.Slug == "new" {
		return desk.Errorf(desk.InvalidValue, "slug", "slug cannot be new, which is the portal's page for making a connection")
	}
	if !slices.Contains(desk.Providers, c.Provider) {
		return desk.Errorf(desk.InvalidValue, "provider", "provider must be one of %s", strings.Join(desk.Providers, ", "))
	}
	c.TenantID, c.Name, c.CreatedAt, c.Settings = actor.TenantID, strings.TrimSpace(c.Name), tx.Now, desk.DefaultSettings()
	if c.Name == "" {
		c.Name = c.Slug
	}
	if utf8.RuneCountInString(c.Name) > maxConnectionName {
		return desk.Errorf(desk.InvalidValue, "name", "a connection's name has up to %d characters", maxConnectionName)
	}
	if err := checkText("name", c.Name); err != nil {
		return err
	}
	if _, err := tx.Tenant(c.TenantID); desk.KindOf(err) == desk.NotFound {
		return desk.Errorf(desk.NotFound, "tenant", "no tenant %s; make it with: rollcall tenant create %s", c.TenantID, c.TenantID)
	} else if err != nil {
		return err
	}
	err := tx.CreateConnection(c)
	if desk.KindOf(err) == desk.Uniqueness {
		return desk.Errorf(desk.Uniqueness, "slug", "connection %s exists already in tenant %s", c.Slug, c.TenantID)
	}
	if err != nil {
		return err
	}
	ev := actor.Event(desk.OpCreate, desk.Created, "connection")
	ev.Connection = c.Slug
	return tx.Record(ev)
}

const maxConnectionName = 200 // characters

// System is the actor of what no person or directory asked for over the network.
func System(tenant string) desk.Actor {
	return desk.Actor{Type: desk.ActorSystem, TenantID: tenant, Name: "rollcall"}
}

// Connections lists the tenant's connections.
func (e *Engine) Connections(ctx context.Context, actor desk.Actor) ([]desk.Connection, error) {
	list, err := e.Store.Read(ctx).Connections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	last, err := e.Store.Read(ctx).LastActivity(actor.TenantID)
	for i := range list {
		setLastActivity(&list[i], last)
	}
	return list, err
}

// Connection returns a connection, or NotFound.
func (e *Engine) Connection(ctx context.Context, actor desk.Actor, slug string) (desk.Connection, error) {
	c, err := e.Store.Read(ctx).Connection(actor.TenantID, slug)
	if err != nil {
		return c, noConnection(err)
	}
	last, err := e.Store.Read(ctx).LastActivity(actor.TenantID)
	setLastActivity(&c, last)
	return c, err
}

// setLastActivity says when a connection was last heard of. What is older than itself is of another one, which had its slug.
func setLastActivity(c *desk.Connection, last map[string]time.Time) {
	if at, ok := last[c.Slug]; ok && !at.Before(c.CreatedAt) {
		c.LastActivityAt = &at
	}
}

// noConnection says what was not found.
func noConnection(err error) error {
	if desk.KindOf(err) == desk.NotFound {
		return &desk.Error{Kind: desk.NotFound, Msg: "no connection with this slug", Err: err}
	}
	return err
}
