package auth

import (
	"context"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// formLife is how long a form that was sent is known again: longer than the session in which it was.
const formLife = 24 * time.Hour

// SentBefore notes that a form is sent, which is known by all that it holds, and reports whether it was sent before.
func (a *Authenticator) SentBefore(ctx context.Context, actor desk.Actor, form string) (bool, error) {
	err := a.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteExpired(actor.TenantID, desk.TokenForm); err != nil {
			return err
		}
		expires := a.expiry(formLife)
		return tx.CreateToken(&desk.Token{
			TenantID: actor.TenantID, ID: store.NewID(), Kind: desk.TokenForm, Hash: desk.HashSecret(string(desk.TokenForm) + "\x00" + form), ExpiresAt: &expires, CreatedAt: tx.Now,
		})
	})
	if desk.KindOf(err) == desk.Uniqueness {
		return true, nil
	}
	return false, err
}
