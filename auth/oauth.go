package auth

import (
	"context"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// Credentials are what an OAuth client proves itself with, and where its request comes from.
type Credentials struct {
	Tenant    string
	ClientID  string
	Secret    string // "" for none
	Assertion string // a JWT of the client's issuer, "" for none
	Address   string // IP address
	RequestID string
}

// plausible reports whether there can be such a client.
func (c Credentials) plausible() bool {
	return desk.CheckSlug("tenant", c.Tenant) == nil && len(c.ClientID) <= 100
}

// The grants for which clients get tokens (RFC 6749 section 4).
const (
	ClientCredentials = "client_credentials"
	AuthorizationCode = "authorization_code"
	RefreshToken      = "refresh_token"
)

// GrantRequest is what a client asks for a token by.
type GrantRequest struct {
	Type         string
	Code         string
	RedirectURI  string
	Verifier     string // PKCE's, "" for none
	RefreshToken string
}

// Access is what a client gets: a token that is good for desk.AccessLife, and one for the next, "" with client credentials.
type Access struct {
	Token   string
	Refresh string
}

var (
	errClient = desk.Errorf(desk.Unauthenticated, "", "client authentication failed")
	errGrant  = desk.Errorf(desk.NotFound, "", "the code or refresh token is not valid for this client and redirect URL, has been used, or has expired")
	errReused = desk.Errorf(desk.NotFound, "", "the code or refresh token has been used before; a new consent is needed")
)

// Token gives a client an access token for its connection. A client that does not prove itself is Unauthenticated, one that may
// not ask by this grant Forbidden, a code or refresh token that is not good NotFound.
func (a *Authenticator) Token(ctx context.Context, c Credentials, g GrantRequest) (Access, error) {
	client, used, err := a.client(ctx, c)
	if err == nil {
		err = mayAsk(client, g)
	}
	var access Access
	if err == nil {
		access, err = a.grant(ctx, c, client, used, g)
	}
	a.noteRefusal(ctx, c, err)
	return access, err
}

// mayAsk checks what can be checked of a request without looking at what it is good for.
func mayAsk(client desk.Client, g GrantRequest) error {
	byConsent := len(client.RedirectURIs) > 0
	switch {
	case g.Type == "":
		return desk.Errorf(desk.InvalidValue, "grant_type", "grant_type is missing")
	case g.Type != ClientCredentials && g.Type != AuthorizationCode && g.Type != RefreshToken:
		return desk.Errorf(desk.NotImplemented, "grant_type", "grant_type must be client_credentials, authorization_code or refresh_token")
	case byConsent && g.Type == ClientCredentials:
		return desk.Errorf(desk.Forbidden, "", "this client has redirect URLs, so it needs an administrator's consent: grant_type authorization_code")
	case !byConsent && g.Type != ClientCredentials:
		return desk.Errorf(desk.Forbidden, "", "this client has no redirect URLs, so it acts on its own: grant_type client_credentials")
	case g.Type == AuthorizationCode && (g.Code == "" || g.RedirectURI == ""):
		return desk.Errorf(desk.InvalidValue, "code", "code and redirect_uri are needed, as they were in the authorization")
	case g.Type == RefreshToken && g.RefreshToken == "":
		return desk.Errorf(desk.InvalidValue, "refresh_token", "refresh_token is missing")
	}
	return nil
}

// client returns the client that credentials prove, and the record of the assertion that this takes, nil for none. That there
// is no such client and that it proves itself wrongly are the same error after the same work.
func (a *Authenticator) client(ctx context.Context, c Credentials) (desk.Client, *desk.Token, error) {
	if !c.plausible() {
		return desk.Client{}, nil, errClient
	}
	reader := a.Store.Read(ctx)
	if c.Secret != "" {
		hash := desk.HashSecret(c.Secret)
		t, client, err := reader.ClientOfSecret(c.Tenant, hash)
		if err != nil {
			return desk.Client{}, nil, orClient(err)
		}
		now := a.Store.Now()
		switch {
		case t.Kind != desk.TokenClientSecret || !equal(t.Hash, hash) || !equal(desk.HashSecret(client.ID), desk.HashSecret(c.ClientID)):
			return desk.Client{}, nil, errClient
		case expired(t, now):
			return desk.Client{}, nil, desk.Errorf(desk.Unauthenticated, "", "the client secret expired on %s; make a new one", t.ExpiresAt.UTC().Format(time.DateOnly))
		}
		a.noteUse(ctx, t, now, c.Address)
		return client, nil, nil
	}
	client, err := reader.Client(c.Tenant, c.ClientID)
	switch {
	case err != nil:
		return desk.Client{}, nil, orClient(err)
	case c.Assertion != "" && client.Federated():
		used, err := a.checkAssertion(ctx, client, c.Assertion)
		return client, used, err
	case c.Assertion == "" && client.Public:
		return client, nil, nil
	}
	return desk.Client{}, nil, errClient
}

func orClient(err error) error {
	if err == nil || desk.KindOf(err) == desk.NotFound {
		return errClient
	}
	return err
}

// grant makes the access token of an authenticated client.
func (a *Authenticator) grant(ctx context.Context, c Credentials, client desk.Client, used *desk.Token, g GrantRequest) (access Access, err error) {
	var reused bool
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		access, reused = Access{}, false
		if there, err := tx.UseClient(client.TenantID, client.ID, c.Address); err != nil || !there {
			return orClient(err) // deleted since it was looked up
		}
		if err := use(tx, used); err != nil {
			return err
		}
		var grant desk.Grant
		if g.Type != ClientCredentials {
			var err error
			if grant, access.Refresh, err = redeem(tx, client, g); err == errReused {
				reused = true
				return takeBack(tx, c, client, grant)
			} else if err != nil {
				return err
			}
		}
		if access.Token, err = issue(tx, client, grant.ID); err != nil {
			return err
		}
		if err := tx.DeleteExpired(client.TenantID, desk.TokenAccess, desk.TokenAssertion); err != nil {
			return err
		}
		return tx.DeleteExpiredGrants(client.TenantID)
	})
	if err == nil && reused {
		err = errReused
	}
	if err != nil {
		return Access{}, err
	}
	return access, nil
}

// use keeps an assertion from being used twice.
func use(tx *store.Tx, used *desk.Token) error {
	if used == nil {
		return nil
	}
	t := *used
	t.ID, t.CreatedAt = store.NewID(), tx.Now
	err := tx.CreateToken(&t)
	if desk.KindOf(err) == desk.Uniqueness {
		return refused("the assertion has been used before (its jti)")
	}
	return err
}

// issue makes an access token.
func issue(tx *store.Tx, client desk.Client, grant string) (secret string, err error) {
	secret = desk.NewSecret(desk.TokenAccess, client.TenantID)
	expires := tx.Now.Add(desk.AccessLife)
	return secret, tx.CreateToken(&desk.Token{
		TenantID: client.TenantID, ID: store.NewID(), Kind: desk.TokenAccess, Hash: desk.HashSecret(secret), Connection: client.Connection,
		ClientID: client.ID, GrantID: grant, Label: client.Label, ExpiresAt: &expires, CreatedAt: tx.Now,
	})
}

// actor is the client as the log knows it.
func (c Credentials) actor(client desk.Client) desk.Actor {
	return desk.Actor{Type: desk.ActorDirectory, TenantID: client.TenantID, Connection: client.Connection, Name: client.Connection, RequestID: c.RequestID}
}

// noteRefusal records that a client was refused a token, once a minute, beside the request: the log must not be what a stranger
// fills, nor what tells strangers which clients there are.
func (a *Authenticator) noteRefusal(ctx context.Context, c Credentials, err error) {
	kind := desk.KindOf(err)
	if err == nil || err == errReused || kind == desk.Internal || !c.plausible() || !a.refused.first(c.Tenant+" "+c.ClientID, a.Store.Now()) {
		return
	}
	a.beside(ctx, func(ctx context.Context) {
		err := a.Store.Tx(ctx, func(tx *store.Tx) error {
			client, absent := tx.Client(c.Tenant, c.ClientID)
			if desk.KindOf(absent) == desk.NotFound {
				return nil
			}
			if absent != nil {
				return absent
			}
			ev := c.actor(client).Event(desk.OpAuthorize, desk.Refused, string(kind))
			ev.Detail = client.Name() + ": " + detail(err)
			return tx.Record(ev)
		})
		if err != nil {
			a.Log.Warn("record a refused client", "error", err, "request_id", c.RequestID)
		}
	})
}

// detail is what the log keeps of a refusal: more than the client was told, if there is more.
func detail(err error) string {
	e := desk.AsError(err)
	text := e.Msg
	if e.Err != nil {
		text += " (" + e.Err.Error() + ")"
	}
	return clip(text, 500)
}

// clip shortens a text to so many bytes, and makes it one that databases take.
func clip(text string, enough int) string {
	if len(text) > enough {
		text = text[:enough] + "…"
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}
