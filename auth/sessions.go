package auth

import (
	"net/http"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

const (
	cookieName  = "rollcall_session"
	sessionLife = 12 * time.Hour
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

// SignIn opens a session for the bearer of an API token or a sign-in link's secret, which is used up by it. It returns the
// session's cookie; secure says that the portal is reached by https.
func (a *Authenticator) SignIn(r *http.Request, secret string, secure bool) (*http.Cookie, error) {
	t, err := a.check(r, strings.TrimSpace(secret), store.Reader.Token, desk.TokenAPI, desk.TokenSignIn)
	if err != nil {
		return nil, err
	}
	session := desk.NewSecret(desk.TokenSession, t.TenantID)
	expires := a.expiry(sessionLife)
	if t.Kind == desk.TokenAPI && t.ExpiresAt != nil && t.ExpiresAt.Before(expires) {
		expires = *t.ExpiresAt
	}
	err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
		if t.Kind == desk.TokenSignIn {
			if unused, err := tx.DeleteToken(t.TenantID, t.ID); err != nil || !unused {
				return orUnauthenticated(err)
			}
		}
		if err := tx.DeleteExpired(t.TenantID, desk.TokenSignIn, desk.TokenSession); err != nil {
			return err
		}
		return tx.CreateToken(&desk.Token{
			TenantID: t.TenantID, ID: store.NewID(), Kind: desk.TokenSession, Hash: desk.HashSecret(session),
			Role: t.Role, Label: t.Label, ExpiresAt: &expires, CreatedAt: tx.Now,
		})
	})
	if err != nil {
		return nil, err
	}
	return &http.Cookie{
		Name: cookieName, Value: session, Path: "/", Expires: expires, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}, nil
}

func orUnauthenticated(err error) error {
	if err == nil {
		return errUnauthenticated
	}
	return err
}

// Session returns the agent whose browser sent the request, or Unauthenticated.
func (a *Authenticator) Session(r *http.Request) (desk.Actor, error) {
	t, err := a.session(r)
	return agent(t), err
}

func (a *Authenticator) session(r *http.Request) (desk.Token, error) {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return desk.Token{}, errUnauthenticated
	}
	return a.check(r, cookie.Value, store.Reader.Token, desk.TokenSession)
}

// SignOut ends the browser's session and returns the cookie that makes it forget.
func (a *Authenticator) SignOut(r *http.Request) (*http.Cookie, error) {
	forget := &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	t, err := a.session(r)
	if err == nil {
		err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
			_, err := tx.DeleteToken(t.TenantID, t.ID)
			return err
		})
	}
	if desk.KindOf(err) == desk.Unauthenticated {
		err = nil // it had ended already
	}
	return forget, err
}
