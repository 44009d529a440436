package auth

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"rollcall/desk"
)

const (
	// maxSkew is how far an issuer's clock may be ahead of ours. It is that of go-oidc, which sees to nbf.
	maxSkew = 5 * time.Minute
	// maxAssertion is how far ahead an assertion may expire: Entra's last up to 28 hours.
	maxAssertion = 48 * time.Hour
	// keyLife is how long an issuer's keys are kept without asking again. Unknown ones are asked for at once.
	keyLife = time.Hour
)

// Algorithms are those of key pairs. "none" and shared secrets are no proof.
var Algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

// refused is an assertion that does not prove the client. The client is told as little as of a wrong secret, the log what is
// wrong.
func refused(why string) error {
	return &desk.Error{Kind: desk.Unauthenticated, Msg: errClient.Msg, Err: errors.New(why)}
}

// checkAssertion checks what an issuer states of a client (RFC 7523 section 3) and returns the record that keeps it from being
// used twice, nil for a statement without a jti: Entra's have none, and it uses each for as long as it lasts.
func (a *Authenticator) checkAssertion(ctx context.Context, client desk.Client, assertion string) (*desk.Token, error) {
	f, now := client.Federation, a.Store.Now()
	keys, err := a.keySet(ctx, f, now)
	if err != nil {
		return nil, unproven(err, err)
	}
	watched := &watchedKeys{KeySet: keys}
	config := &oidc.Config{ClientID: f.Audience, SupportedSigningAlgs: Algorithms, Now: func() time.Time { return now }}
	t, err := oidc.NewVerifier(f.Issuer, watched, config).Verify(ctx, assertion)
	switch {
	case err != nil:
		return nil, unproven(err, watched.err)
	case len(t.Audience) != 1:
		return nil, refused(fmt.Sprintf("the assertion is for several audiences, %q", t.Audience))
	case !equal(desk.HashSecret(t.Subject), desk.HashSecret(f.Subject)):
		return nil, refused(fmt.Sprintf("the assertion is about another subject, %q", t.Subject))
	case t.IssuedAt.After(now.Add(maxSkew)):
		return nil, refused("the assertion was issued in the future (its iat)")
	case t.Expiry.After(now.Add(maxAssertion)):
		return nil, refused("the assertion lasts longer than two days (its exp)")
	}
	var claims struct{ JTI string }
	if err := t.Claims(&claims); err != nil {
		return nil, refused(err.Error())
	}
	if claims.JTI == "" {
		return nil, nil
	}
	expires := t.Expiry.UTC().Truncate(time.Microsecond)
	return &desk.Token{
		TenantID: client.TenantID, Kind: desk.TokenAssertion, Hash: desk.HashSecret(client.ID + "\x00" + claims.JTI),
		Connection: client.Connection, ClientID: client.ID, ExpiresAt: &expires,
	}, nil
}

// unproven tells an issuer that could not be asked from an assertion that is no good.
func unproven(err, cause error) error {
	var unreached *url.Error
	if errors.As(cause, &unreached) {
		return &desk.Error{Kind: desk.Unavailable, Msg: "the issuer's keys cannot be fetched now; try again later", Err: err}
	}
	return refused(err.Error())
}

// watchedKeys remembers why it failed, which oidc's errors do not say in a form to be asked.
type watchedKeys struct {
	oidc.KeySet
	err error
}

func (k *watchedKeys) VerifySignature(ctx context.Context, jwt string) (payload []byte, err error) {
	payload, err = k.KeySet.VerifySignature(ctx, jwt)
	k.err = err
	return payload, err
}

// keyCache holds issuers' keys.
type keyCache struct {
	mu   sync.Mutex
	sets map[desk.Federation]cachedKeys
}

type cachedKeys struct {
	oidc.KeySet
	until time.Time
}

// maxKeySets bounds how many issuers' keys are held.
const maxKeySets = 1000

// keySet returns the keys of a client's issuer: those that were pasted, those at a URL, or those that the issuer's discovery
// document tells of.
func (a *Authenticator) keySet(ctx context.Context, f desk.Federation, now time.Time) (oidc.KeySet, error) {
	if f.JWKS != "" {
		return pastedKeys(f.JWKS)
	}
	of := desk.Federation{Issuer: f.Issuer, JWKSURI: f.JWKSURI}
	a.keys.mu.Lock()
	cached, ok := a.keys.sets[of]
	a.keys.mu.Unlock()
	if ok && now.Before(cached.until) {
		return cached, nil
	}
	ctx = oidc.ClientContext(ctx, a.fetcher())
	address := f.JWKSURI
	if address == "" {
		provider, err := oidc.NewProvider(ctx, f.Issuer)
		if err != nil {
			return nil, err
		}
		var document struct {
			Keys string `json:"jwks_uri"`
		}
		if err := provider.Claims(&document); err != nil {
			return nil, err
		}
		address = document.Keys
	}
	set := oidc.NewRemoteKeySet(ctx, address)
	a.keys.mu.Lock()
	defer a.keys.mu.Unlock()
	if len(a.keys.sets) >= maxKeySets {
		clear(a.keys.sets)
	}
	if a.keys.sets == nil {
		a.keys.sets = map[desk.Federation]cachedKeys{}
	}
	a.keys.sets[of] = cachedKeys{set, now.Add(keyLife)}
	return set, nil
}

func pastedKeys(text string) (oidc.KeySet, error) {
	var list jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, err
	}
	var keys []crypto.PublicKey
	for _, k := range list.Keys {
		keys = append(keys, k.Key)
	}
	return &oidc.StaticKeySet{PublicKeys: keys}, nil
}
