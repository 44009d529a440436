package auth

import (
	"context"

	"rollcall/desk"
	"rollcall/store"
)

// redeem uses up a code or a refresh token and returns its grant with the next refresh token. One that was used up before is
// errReused: somebody else has it as well (RFC 6749 section 10.5, RFC 9700 section 4.14).
//
// The refresh token before the last stays good until the last one is used. So an answer that was lost costs nothing, and a
// client that keeps to its first refresh token goes on, while of two who hold the same token one is found out.
func redeem(tx *store.Tx, client desk.Client, g GrantRequest) (desk.Grant, string, error) {
	secret, want := g.Code, desk.GrantCode
	if g.Type == RefreshToken {
		secret, want = g.RefreshToken, desk.GrantRefresh
	}
	kind, tenant, id := desk.ParseSecret(secret)
	if kind != want || tenant != client.TenantID {
		return desk.Grant{}, "", errGrant
	}
	grant, err := tx.LockGrant(tenant, id)
	if desk.KindOf(err) == desk.NotFound {
		return grant, "", errGrant
	}
	if err != nil {
		return grant, "", err
	}
	if grant.ClientID != client.ID || !tx.Now.Before(grant.ExpiresAt) {
		return grant, "", errGrant
	}
	hash := desk.HashSecret(secret)
	switch kind {
	case desk.GrantCode:
		switch {
		case !equal(grant.CodeHash, hash), !equal(grant.Binding, desk.Binding(g.RedirectURI, desk.Challenge(g.Verifier))), g.Verifier != "" && len(g.Verifier) < 43:
			return grant, "", errGrant
		case grant.Refresh != "":
			return grant, "", errReused
		}
	case desk.GrantRefresh:
		switch {
		case grant.Refresh == "":
			return grant, "", errGrant
		case !equal(grant.Refresh, hash) && !equal(grant.Previous, hash):
			return grant, "", errReused
		}
		grant.Previous = hash
	}
	refresh := desk.NewSecret(desk.GrantRefresh, tenant, grant.ID)
	grant.Refresh, grant.LastUsedAt, grant.ExpiresAt = desk.HashSecret(refresh), &tx.Now, tx.Now.Add(desk.RefreshLife)
	return grant, refresh, tx.UpdateGrant(&grant)
}

// takeBack ends a grant of which a used secret turned up again.
func takeBack(tx *store.Tx, c Credentials, client desk.Client, grant desk.Grant) error {
	ev := c.actor(client).Event(desk.OpAuthorize, desk.Refused, "reused")
	ev.Detail = client.Name() + ": a code or refresh token was used a second time, so its tokens are revoked; a new consent is needed"
	if err := tx.Record(ev); err != nil {
		return err
	}
	return tx.DeleteGrant(grant)
}

// Revoke ends a client's access token, or a refresh token with all that came of its grant (RFC 7009). What is no token of the
// client's is none to be revoked.
func (a *Authenticator) Revoke(ctx context.Context, c Credentials, token string) error {
	client, used, err := a.client(ctx, c)
	if err == nil {
		err = a.Store.Tx(ctx, func(tx *store.Tx) error {
			if err := use(tx, used); err != nil {
				return err
			}
			what, err := revoke(tx, client, token)
			if err != nil || what == "" {
				return err
			}
			ev := c.actor(client).Event(desk.OpDelete, desk.Deleted, "token")
			ev.Detail = client.Name() + " revoked its " + what
			return tx.Record(ev)
		})
	}
	a.noteRefusal(ctx, c, err)
	return err
}

// revoke returns what it has ended, "" for nothing.
func revoke(tx *store.Tx, client desk.Client, secret string) (string, error) {
	hash := desk.HashSecret(secret)
	var err error
	switch kind, tenant, id := desk.ParseSecret(secret); {
	case tenant != client.TenantID:
	case kind == desk.TokenAccess:
		var t desk.Token
		if t, err = tx.Token(tenant, hash); err == nil && t.Kind == kind && t.ClientID == client.ID {
			_, err = tx.DeleteToken(tenant, t.ID)
			return "access token", err
		}
	case kind == desk.GrantRefresh:
		var g desk.Grant
		if g, err = tx.LockGrant(tenant, id); err == nil && g.ClientID == client.ID && (equal(g.Refresh, hash) || equal(g.Previous, hash)) {
			return "refresh token", tx.DeleteGrant(g)
		}
	}
	if desk.KindOf(err) == desk.NotFound {
		err = nil
	}
	return "", err
}
