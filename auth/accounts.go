package auth

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/store"
)

// An account takes ten guesses at once, and one more a minute.
const (
	guesses        = 10
	guessesASecond = 1.0 / 60
)

// accounts bounds how often passwords are guessed in this process.
type accounts struct {
	once  sync.Once
	limit *httpx.Limiter
}

// guess counts one more try of an account's password, whether there is such an account or not, or returns RateLimited.
func (a *accounts) guess(tenant, emailKey string) error {
	a.once.Do(func() { a.limit = httpx.NewLimiter(guessesASecond, guesses) })
	if a.limit.Check(desk.HashSecret(tenant+"\x00"+emailKey)) != nil {
		return desk.Errorf(desk.RateLimited, "", "Too many attempts for this account. Wait a minute, then try again.")
	}
	return nil
}

// OnlyTenant returns the installation's tenant if it has just one, else "".
func (a *Authenticator) OnlyTenant(ctx context.Context) (string, error) {
	return a.Store.Read(ctx).OnlyTenant()
}

var errPassword = desk.Errorf(desk.Unauthenticated, "", "The email address or the password is wrong.")

// PasswordSignIn opens a session for an agent, and returns its cookie. That there is no such agent, that the password is
// wrong, and that the agent is disabled are the same error after the same work.
func (a *Authenticator) PasswordSignIn(r *http.Request, tenant, email, password string) (*http.Cookie, error) {
	key := desk.Fold(strings.TrimSpace(email))
	if err := a.accounts.guess(tenant, key); err != nil {
		return nil, err
	}
	var g desk.Agent
	if desk.CheckSlug("tenant", tenant) == nil && desk.Storable(key) {
		var err error
		if g, err = a.Store.Read(r.Context()).AgentByEmail(tenant, key); err != nil && desk.KindOf(err) != desk.NotFound {
			return nil, err
		}
	}
	right, err := verify(r.Context(), g.PasswordHash, password)
	if err != nil {
		return nil, err
	}
	var cookie *http.Cookie
	if err = errPassword; right && g.DisabledAt == nil {
		err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
			now, err := tx.LockAgent(tenant, g.ID)
			if desk.KindOf(err) == desk.NotFound || err == nil && (now.PasswordHash != g.PasswordHash || now.DisabledAt != nil) {
				return errPassword // since it was read
			}
			if err != nil {
				return err
			}
			cookie, err = a.enter(tx, r, now, "password")
			return err
		})
	}
	if err == errPassword {
		a.noteFailure(r, tenant, key, right)
	}
	return cookie, err
}

// enter opens a session for an agent, whose row is locked and is written.
func (a *Authenticator) enter(tx *store.Tx, r *http.Request, g desk.Agent, by string) (*http.Cookie, error) {
	g.LastSignInAt = &tx.Now
	if err := tx.UpdateAgent(&g); err != nil {
		return nil, err
	}
	return a.open(tx, r, desk.Token{TenantID: g.TenantID, Role: g.Role, Label: g.Name}, g, by)
}

// noteFailure records that somebody failed to sign in as an agent, once a minute, beside the request. A stranger's guesses at
// addresses that nobody has are not recorded: the log must not be what strangers fill.
func (a *Authenticator) noteFailure(r *http.Request, tenant, key string, right bool) {
	if !a.refused.first("signin "+desk.HashSecret(tenant+"\x00"+key), a.Store.Now()) {
		return
	}
	detail := "wrong password"
	if right {
		detail = "the agent is disabled"
	}
	actor := during(r, desk.Actor{Type: desk.ActorAgent, TenantID: tenant})
	a.beside(r.Context(), func(ctx context.Context) {
		err := a.Store.Tx(ctx, func(tx *store.Tx) error {
			g, err := tx.AgentByEmail(tenant, key)
			if err != nil {
				return err
			}
			actor.Name = g.Name
			ev := actor.Event(desk.OpSignIn, desk.Refused, string(desk.Unauthenticated))
			ev.Detail = detail
			return tx.Record(ev)
		})
		if err != nil && desk.KindOf(err) != desk.NotFound {
			a.Log.Warn("record a failed sign-in", "error", err, "request_id", actor.RequestID)
		}
	})
}

// LinkOwner returns the agent who sets a password by a link; an agent without an id for the first sign-in link, which is for
// whoever has it. A link that is not good, or no longer, is Unauthenticated.
func (a *Authenticator) LinkOwner(r *http.Request, secret string) (desk.Agent, error) {
	t, err := a.check(r, strings.TrimSpace(secret), store.Reader.Token, desk.TokenSignIn)
	if err != nil || t.AgentID == "" {
		return desk.Agent{}, err
	}
	g, err := a.Store.Read(r.Context()).Agent(t.TenantID, t.AgentID)
	if desk.KindOf(err) == desk.NotFound {
		err = errUnauthenticated
	}
	return g, err
}

// AcceptLink gives the agent whose link it is a password, uses up the link, and opens a session, whose cookie it returns. All
// former sessions of the agent end. With a password that will not do the link stays good.
func (a *Authenticator) AcceptLink(r *http.Request, secret, password string) (*http.Cookie, error) {
	t, err := a.check(r, strings.TrimSpace(secret), store.Reader.Token, desk.TokenSignIn)
	if err == nil && t.AgentID == "" {
		err = errUnauthenticated
	}
	if err == nil {
		err = desk.CheckPassword(password)
	}
	if err != nil {
		return nil, err
	}
	hash, err := hashPassword(r.Context(), password)
	if err != nil {
		return nil, err
	}
	var cookie *http.Cookie
	err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
		g, err := tx.LockAgent(t.TenantID, t.AgentID)
		if desk.KindOf(err) == desk.NotFound || err == nil && g.DisabledAt != nil {
			return errUnauthenticated
		}
		if err != nil {
			return err
		}
		if unused, err := tx.DeleteToken(t.TenantID, t.ID); err != nil || !unused {
			return orUnauthenticated(err)
		}
		cookie, err = a.setPassword(tx, r, g, hash, "link")
		return err
	})
	return cookie, err
}

// setPassword gives an agent, whose row is locked, another password, ends all sessions and links, and opens a session.
func (a *Authenticator) setPassword(tx *store.Tx, r *http.Request, g desk.Agent, hash, by string) (*http.Cookie, error) {
	g.PasswordHash = hash
	if _, err := tx.DeleteTokensOf(g.TenantID, g.ID, "", desk.TokenSession, desk.TokenSignIn); err != nil {
		return nil, err
	}
	if err := tx.Record(agentEvent(during(r, itself(g)), g, desk.OpPatch, desk.Updated, "password")); err != nil {
		return nil, err
	}
	return a.enter(tx, r, g, by)
}

// CreateAccount makes an agent of an administrator who came with the first link or with a token, and opens a session for the
// agent in place of the present one. A taken email address is a Uniqueness error.
func (a *Authenticator) CreateAccount(r *http.Request, actor desk.Actor, name, email, password string) (*http.Cookie, error) {
	if actor.AgentID != "" {
		return nil, desk.Errorf(desk.Conflict, "", "You have an account already.")
	}
	if actor.Role != desk.RoleAdmin {
		return nil, desk.Errorf(desk.Forbidden, "", "Only an administrator can make accounts.")
	}
	if err := desk.CheckPassword(password); err != nil {
		return nil, err
	}
	hash, err := hashPassword(r.Context(), password)
	if err != nil {
		return nil, err
	}
	var cookie *http.Cookie
	err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
		g := desk.Agent{Name: name, Email: email, Role: actor.Role, PasswordHash: hash}
		if err := addAgent(tx, actor, &g); err != nil {
			return err
		}
		cookie, err = a.enter(tx, r, g, "password")
		return err
	})
	return cookie, err
}

// ChangePassword gives the actor another password, ends all sessions, and opens a new one for this browser. A wrong present
// password is InvalidValue of "present".
func (a *Authenticator) ChangePassword(r *http.Request, actor desk.Actor, present, password string) (*http.Cookie, error) {
	g, err := a.Agent(r.Context(), actor, actor.AgentID)
	if err == nil {
		err = a.accounts.guess(g.TenantID, g.EmailKey)
	}
	if err != nil {
		return nil, err
	}
	right, err := verify(r.Context(), g.PasswordHash, present)
	if err == nil && !right {
		err = desk.Errorf(desk.InvalidValue, "present", "This is not your present password.")
	}
	if err == nil {
		err = desk.CheckPassword(password)
	}
	if err != nil {
		return nil, err
	}
	hash, err := hashPassword(r.Context(), password)
	if err != nil {
		return nil, err
	}
	var cookie *http.Cookie
	err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
		now, err := lockAgent(tx, actor, g.ID)
		if err != nil {
			return err
		}
		if now.PasswordHash != g.PasswordHash || now.DisabledAt != nil {
			return errUnauthenticated // since it was read
		}
		cookie, err = a.setPassword(tx, r, now, hash, "password")
		return err
	})
	return cookie, err
}

// Sessions lists the actor's sessions that are good now, in the order in which they began.
func (a *Authenticator) Sessions(ctx context.Context, actor desk.Actor) ([]desk.Token, error) {
	list, err := a.Store.Read(ctx).Sessions(actor.TenantID, actor.AgentID)
	now := a.Store.Now()
	return slices.DeleteFunc(list, func(t desk.Token) bool { return expired(t, now) || idle(t, now) }), err
}

// EndSession ends one of the actor's sessions, if it has not ended yet.
func (a *Authenticator) EndSession(ctx context.Context, actor desk.Actor, id string) error {
	return a.Store.Tx(ctx, func(tx *store.Tx) error {
		list, err := tx.Sessions(actor.TenantID, actor.AgentID)
		if err != nil || !slices.ContainsFunc(list, func(t desk.Token) bool { return t.ID == id }) {
			return err
		}
		if there, err := tx.DeleteToken(actor.TenantID, id); err != nil || !there {
			return err
		}
		return tx.Record(actor.Event(desk.OpDelete, desk.Deleted, "session"))
	})
}

// EndOtherSessions ends the actor's sessions but for the one that asks.
func (a *Authenticator) EndOtherSessions(ctx context.Context, actor desk.Actor) error {
	return a.Store.Tx(ctx, func(tx *store.Tx) error {
		n, err := tx.DeleteTokensOf(actor.TenantID, actor.AgentID, actor.SessionID, desk.TokenSession)
		if err != nil || n == 0 {
			return err
		}
		ev := actor.Event(desk.OpDelete, desk.Deleted, "session")
		ev.Detail = fmt.Sprintf("%d other sessions", n)
		return tx.Record(ev)
	})
}
