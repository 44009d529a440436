package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// agentLinkLife is how long a link is good by which an agent sets a password. It may have to wait over a weekend.
const agentLinkLife = 72 * time.Hour

// Agents returns a page of the actor's tenant's agents in the order of their addresses, after a folded one.
func (a *Authenticator) Agents(ctx context.Context, actor desk.Actor, after string, limit int) ([]desk.Agent, error) {
	return a.Store.Read(ctx).Agents(actor.TenantID, after, limit)
}

// Agent returns an agent, or NotFound.
func (a *Authenticator) Agent(ctx context.Context, actor desk.Actor, id string) (desk.Agent, error) {
	g, err := a.Store.Read(ctx).Agent(actor.TenantID, id)
	return g, notFound(err, noAgent)
}

// AgentByEmail returns the agent with an email address, in any case, or NotFound.
func (a *Authenticator) AgentByEmail(ctx context.Context, actor desk.Actor, email string) (desk.Agent, error) {
	g, err := a.Store.Read(ctx).AgentByEmail(actor.TenantID, desk.Fold(strings.TrimSpace(email)))
	return g, notFound(err, "no agent of tenant "+actor.TenantID+" has this email address")
}

const noAgent = "no agent with this id"

// Invite adds an agent of the given name, email address and role to the actor's tenant, completes the record, and returns the
// secret of a link by which the agent sets a password, which is never to be had again. The name defaults to the beginning of
// the address. A taken address is a Uniqueness error.
func (a *Authenticator) Invite(ctx context.Context, actor desk.Actor, g *desk.Agent) (link string, err error) {
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := addAgent(tx, actor, g); err != nil {
			return err
		}
		link, err = addLink(tx, actor, *g)
		return err
	})
	return link, err
}

// addAgent adds an agent to the actor's tenant, and completes the record.
func addAgent(tx *store.Tx, actor desk.Actor, g *desk.Agent) error {
	g.TenantID, g.ID, g.CreatedAt = actor.TenantID, store.NewID(), tx.Now
	g.Email = strings.TrimSpace(g.Email)
	g.EmailKey = desk.Fold(g.Email)
	if g.Name = strings.TrimSpace(g.Name); g.Name == "" {
		g.Name = desk.NameOfEmail(g.Email)
	}
	if err := g.Check(); err != nil {
		return err
	}
	if _, err := tx.Tenant(g.TenantID); err != nil {
		return notFound(err, "no tenant "+g.TenantID)
	}
	if err := emailTaken(tx.CreateAgent(g)); err != nil {
		return err
	}
	ev := agentEvent(actor, *g, desk.OpCreate, desk.Created, "agent")
	ev.Changes = []desk.Change{{Field: "role", To: string(g.Role)}}
	return tx.Record(ev)
}

// emailTaken says of which field a Uniqueness error is.
func emailTaken(err error) error {
	if desk.KindOf(err) == desk.Uniqueness {
		return &desk.Error{Kind: desk.Uniqueness, Field: "email", Msg: "An agent with this email address exists already.", Err: err}
	}
	return err
}

// addLink makes an agent's link, in whose place former ones are no longer good.
func addLink(tx *store.Tx, actor desk.Actor, g desk.Agent) (string, error) {
	if _, err := tx.DeleteTokensOf(g.TenantID, g.ID, "", desk.TokenSignIn); err != nil {
		return "", err
	}
	expires := tx.Now.Add(agentLinkLife)
	return Add(tx, actor, &desk.Token{Kind: desk.TokenSignIn, TenantID: g.TenantID, AgentID: g.ID, Role: g.Role, Label: g.Name, ExpiresAt: &expires})
}

// NewLink returns the secret of another link by which an agent sets a password, for who has forgotten it or lost the first one.
// An unknown agent is NotFound, a disabled one a Conflict.
func (a *Authenticator) NewLink(ctx context.Context, actor desk.Actor, id string) (link string, err error) {
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		g, err := lockAgent(tx, actor, id)
		if err != nil {
			return err
		}
		if g.DisabledAt != nil {
			return desk.Errorf(desk.Conflict, "", "%s is disabled. Enable the agent first.", g.Name)
		}
		link, err = addLink(tx, actor, g)
		return err
	})
	return link, err
}

// EditAgent changes an agent, or is NotFound. To another role, or disabled, the agent's sessions end. That the last
// administrator would go is a Conflict.
func (a *Authenticator) EditAgent(ctx context.Context, actor desk.Actor, id string, edit desk.AgentEdit) (g desk.Agent, err error) {
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		if edit.Role != nil && *edit.Role != desk.RoleAdmin || edit.Disabled != nil && *edit.Disabled {
			if err := keepAdmin(tx, actor, id); err != nil {
				return err
			}
		}
		before, err := lockAgent(tx, actor, id)
		if err != nil {
			return err
		}
		g = before
		var changes []desk.Change
		if edit.Name != nil {
			if g.Name = strings.TrimSpace(*edit.Name); g.Name != before.Name {
				changes = append(changes, desk.Change{Field: "name", From: before.Name, To: g.Name})
			}
		}
		var ended []desk.TokenKind
		if edit.Role != nil && *edit.Role != before.Role {
			g.Role = *edit.Role
			changes, ended = append(changes, roleChange(before, g)), []desk.TokenKind{desk.TokenSession}
		}
		outcome := desk.Updated
		switch {
		case edit.Disabled == nil, *edit.Disabled == (before.DisabledAt != nil):
		case *edit.Disabled:
			g.DisabledAt, outcome = &tx.Now, desk.Deactivated
			ended = []desk.TokenKind{desk.TokenSession, desk.TokenSignIn}
		default:
			g.DisabledAt, outcome = nil, desk.Restored
		}
		if len(changes) == 0 && outcome == desk.Updated {
			return nil
		}
		if err := g.Check(); err != nil {
			return err
		}
		if err := tx.UpdateAgent(&g); err != nil {
			return err
		}
		if len(ended) > 0 {
			if _, err := tx.DeleteTokensOf(g.TenantID, g.ID, "", ended...); err != nil {
				return err
			}
		}
		ev := agentEvent(actor, g, desk.OpPatch, outcome, "agent")
		ev.Changes = changes
		return tx.Record(ev)
	})
	return g, err
}

func roleChange(before, after desk.Agent) desk.Change {
	return desk.Change{Field: "role", From: string(before.Role), To: string(after.Role)}
}

// DeleteAgent removes an agent with sessions and links, or is NotFound. That the last administrator would go is a Conflict. What
// the agent did stays in the log under the agent's name.
func (a *Authenticator) DeleteAgent(ctx context.Context, actor desk.Actor, id string) error {
	return a.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := keepAdmin(tx, actor, id); err != nil {
			return err
		}
		g, err := lockAgent(tx, actor, id)
		if err != nil {
			return err
		}
		if _, err := tx.DeleteTokensOf(g.TenantID, g.ID, "", desk.TokenSession, desk.TokenSignIn); err != nil {
			return err
		}
		if err := tx.DeleteAgent(g.TenantID, g.ID); err != nil {
			return err
		}
		return tx.Record(agentEvent(actor, g, desk.OpDelete, desk.Deleted, "agent"))
	})
}

// keepAdmin refuses to take away the last administrator who can sign in. All who could be are locked, so that of two
// administrators who demote each other at the same moment one is left.
func keepAdmin(tx *store.Tx, actor desk.Actor, id string) error {
	admins, err := tx.LockAdmins(actor.TenantID)
	if err == nil && len(admins) == 1 && admins[0].ID == id {
		return desk.Errorf(desk.Conflict, "", "%s is the last administrator who can sign in. Make another agent an administrator first.", admins[0].Name)
	}
	return err
}

func lockAgent(tx *store.Tx, actor desk.Actor, id string) (desk.Agent, error) {
	g, err := tx.LockAgent(actor.TenantID, id)
	return g, notFound(err, noAgent)
}

// agentEvent is about an agent.
func agentEvent(actor desk.Actor, g desk.Agent, operation desk.Operation, outcome desk.Outcome, what string) desk.Event {
	ev := actor.Event(operation, outcome, what)
	ev.Detail = fmt.Sprintf("agent %s", g.Name)
	return ev
}
