package auth

import (
	"net/http"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/store"
)

const (
	sessionLife = 12 * time.Hour // a working day
	idleLife    = 2 * time.Hour
	linkLife    = 24 * time.Hour
)

// SignInLink is the token of a link that signs an administrator of the tenant in once, within a day.
func SignInLink(tenant string, now time.Time) desk.Token {
	expires := now.Add(linkLife)
	return desk.Token{Kind: desk.TokenSignIn, TenantID: tenant, Role: desk.RoleAdmin, Label: "first sign-in", ExpiresAt: &expires}
}

func (a *Authenticator) expiry(life time.Duration) time.Time {
	return a.Store.Now().UTC().Add(life).Truncate(time.Microsecond)
}

// SignIn opens a session for the bearer of an API token or the first sign-in link's secret, which is used up by it, and returns
// the session's cookie.
func (a *Authenticator) SignIn(r *http.Request, secret string) (*http.Cookie, error) {
	t, err := a.check(r, strings.TrimSpace(secret), store.Reader.Token, desk.TokenAPI, desk.TokenSignIn)
	if err != nil {
		return nil, err
	}
	if t.AgentID != "" {
		return nil, errUnauthenticated // an agent's link asks for a password: AcceptLink
	}
	session, by := desk.Token{TenantID: t.TenantID, Role: t.Role, Label: t.Label}, "link"
	if t.Kind == desk.TokenAPI {
		session.ExpiresAt, by = t.ExpiresAt, "token"
	}
	var cookie *http.Cookie
	err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
		if t.Kind == desk.TokenSignIn {
			if unused, err := tx.DeleteToken(t.TenantID, t.ID); err != nil || !unused {
				return orUnauthenticated(err)
			}
		}
		cookie, err = a.open(tx, r, session, desk.Agent{}, by)
		return err
	})
	return cookie, err
}

// open begins a session for who has proved by something (the event's reason) to be an agent, or the bearer of a token, and
// returns its cookie. Its id is always a new one, and the session that the browser had before ends.
func (a *Authenticator) open(tx *store.Tx, r *http.Request, session desk.Token, g desk.Agent, by string) (*http.Cookie, error) {
	if kind, tenant, _ := desk.ParseSecret(a.sessionSecret(r)); kind == desk.TokenSession {
		if err := tx.DeleteSession(tenant, desk.HashSecret(a.sessionSecret(r))); err != nil {
			return nil, err
		}
	}
	if err := tx.DeleteExpired(session.TenantID, desk.TokenSignIn, desk.TokenSession); err != nil {
		return nil, err
	}
	secret, expires := desk.NewSecret(desk.TokenSession, session.TenantID), a.expiry(sessionLife)
	if session.ExpiresAt != nil && session.ExpiresAt.Before(expires) {
		expires = *session.ExpiresAt
	}
	session.ID, session.Kind, session.Hash, session.AgentID, session.CreatedAt, session.ExpiresAt = store.NewID(), desk.TokenSession, desk.HashSecret(secret), g.ID, tx.Now, &expires
	session.LastUsedAt, session.LastUsedAddress, session.UserAgent = &tx.Now, r.RemoteAddr, clip(r.UserAgent(), maxUserAgent)
	if err := tx.CreateToken(&session); err != nil {
		return nil, err
	}
	if err := tx.Record(during(r, sessionActor(session, g)).Event(desk.OpSignIn, desk.Started, by)); err != nil {
		return nil, err
	}
	return a.cookie(secret, expires), nil
}

const maxUserAgent = 500 // bytes

// during returns the actor as the one of a request.
func during(r *http.Request, actor desk.Actor) desk.Actor {
	actor.RequestID, actor.Began = httpx.RequestID(r.Context()), httpx.Began(r.Context())
	return actor
}

func orUnauthenticated(err error) error {
	if err == nil {
		return errUnauthenticated
	}
	return err
}

// cookie is a session's. Over https its name keeps other hosts of the domain from setting it.
func (a *Authenticator) cookie(secret string, expires time.Time) *http.Cookie {
	return &http.Cookie{Name: a.cookieName(), Value: secret, Path: "/", Expires: expires, HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode}
}

func (a *Authenticator) cookieName() string {
	if a.secure() {
		return "__Host-rollcall_session"
	}
	return "rollcall_session"
}

// secure reports whether the portal is reached by https.
func (a *Authenticator) secure() bool { return strings.HasPrefix(a.PublicURL, "https:") }

// sessionSecret returns the session's secret that the browser sent, "" for none.
func (a *Authenticator) sessionSecret(r *http.Request) string {
	cookie, err := r.Cookie(a.cookieName())
	if err != nil {
		return ""
	}
	return cookie.Value
}

// Session returns the agent whose browser sent the request, or Unauthenticated. What the agent may do is asked of the agent's
// record each time.
func (a *Authenticator) Session(r *http.Request) (desk.Actor, error) {
	t, g, err := a.session(r)
	return during(r, sessionActor(t, g)), err
}

func sessionActor(t desk.Token, g desk.Agent) desk.Actor {
	actor := agent(t)
	if g.ID != "" {
		actor.AgentID, actor.Name, actor.Role = g.ID, g.Name, g.Role
	}
	actor.SessionID = t.ID
	return actor
}

func (a *Authenticator) session(r *http.Request) (t desk.Token, g desk.Agent, err error) {
	t, err = a.check(r, a.sessionSecret(r), func(r store.Reader, tenant, hash string) (t desk.Token, err error) {
		t, g, err = r.Session(tenant, hash)
		if err == nil && (idle(t, a.Store.Now()) || g.DisabledAt != nil) {
			err = errUnauthenticated
		}
		return t, err
	}, desk.TokenSession)
	return t, g, err
}

// idle reports whether a session has not been used for so long that it is over.
func idle(t desk.Token, now time.Time) bool {
	return t.LastUsedAt != nil && !now.Before(t.LastUsedAt.Add(idleLife))
}

// SignOut ends the browser's session and returns the cookie that makes it forget.
func (a *Authenticator) SignOut(r *http.Request) (*http.Cookie, error) {
	forget := a.cookie("", time.Time{})
	forget.MaxAge = -1
	t, g, err := a.session(r)
	if err == nil {
		err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
			if there, err := tx.DeleteToken(t.TenantID, t.ID); err != nil || !there {
				return err
			}
			return tx.Record(during(r, sessionActor(t, g)).Event(desk.OpDelete, desk.Deleted, "session"))
		})
	}
	if desk.KindOf(err) == desk.Unauthenticated {
		err = nil // it had ended already
	}
	return forget, err
}
