package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

var prefixes = map[desk.TokenKind]string{desk.TokenSCIM: "rcs", desk.TokenAPI: "rca", desk.TokenSignIn: "rcl", desk.TokenSession: "rcw"}

var encoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Authenticator issues tokens and checks them. Its methods may be called concurrently.
type Authenticator struct {
	Store *store.Store
	Log   *slog.Logger

	mu    sync.Mutex
	used  map[string]time.Time // when a token's use was last noted, by id
	notes sync.WaitGroup
}

// Issue stores a token of the given kind, tenant, connection, role, label and expiry, and returns its secret, which is
// never to be had again. An unknown tenant or connection is NotFound.
func (a *Authenticator) Issue(ctx context.Context, t desk.Token) (secret string, err error) {
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		secret, err = Add(tx, t)
		return err
	})
	return secret, err
}

// Add does the same inside a transaction.
func Add(tx *store.Tx, t desk.Token) (secret string, err error) {
	what := "tenant " + t.TenantID
	if t.Kind == desk.TokenSCIM {
		what = "connection " + t.Connection + " in tenant " + t.TenantID
		_, err = tx.Connection(t.TenantID, t.Connection)
	} else {
		_, err = tx.Tenant(t.TenantID)
	}
	if desk.KindOf(err) == desk.NotFound {
		return "", desk.Errorf(desk.NotFound, "", "no %s", what)
	}
	if err != nil {
		return "", err
	}
	secret = NewSecret(t.Kind, t.TenantID)
	t.ID, t.Hash, t.CreatedAt = store.NewID(), hash(secret), tx.Now
	if err := tx.CreateToken(&t); err != nil {
		return "", err
	}
	ev := desk.Actor{Type: desk.ActorSystem, TenantID: t.TenantID, Connection: t.Connection, Name: "rollcall"}.Event(desk.OpCreate, desk.Created, "token")
	ev.Detail = strings.TrimSpace(string(t.Kind) + " token " + t.Label)
	return secret, tx.Record(ev)
}

// NewSecret returns a new token of a tenant.
func NewSecret(kind desk.TokenKind, tenant string) string {
	var bits [32]byte
	rand.Read(bits[:])
	return prefixes[kind] + "_" + tenant + "_" + encoding.EncodeToString(bits[:])
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

var errUnauthenticated = desk.Errorf(desk.Unauthenticated, "", "a valid bearer token is needed: Authorization: Bearer …")

// SCIM returns the directory that sends a request to a connection's SCIM endpoint, or Unauthenticated.
func (a *Authenticator) SCIM(r *http.Request, tenant, connection string) (desk.Actor, error) {
	var d desk.Directory
	t, err := a.check(r.Context(), bearer(r), func(r store.Reader, tenant, hash string) (t desk.Token, err error) {
		t, d, err = r.Directory(tenant, hash)
		return t, err
	}, desk.TokenSCIM)
	if err != nil {
		return desk.Actor{}, err
	}
	if t.TenantID != tenant || t.Connection != connection {
		return desk.Actor{}, errUnauthenticated
	}
	return desk.Actor{Type: desk.ActorDirectory, TenantID: t.TenantID, Connection: t.Connection, Directory: &d, Name: t.Connection}, nil
}

// API returns the program or agent that a request to the JSON API comes from, or Unauthenticated.
func (a *Authenticator) API(r *http.Request) (desk.Actor, error) {
	t, err := a.check(r.Context(), bearer(r), store.Reader.Token, desk.TokenAPI)
	if err != nil {
		return desk.Actor{}, err
	}
	return agent(t), nil
}

func agent(t desk.Token) desk.Actor {
	name := t.Label
	if name == "" {
		name = t.ID
	}
	return desk.Actor{Type: desk.ActorAgent, TenantID: t.TenantID, Name: name, Role: t.Role}
}

// bearer returns the secret of the Authorization header, "" for none.
func bearer(r *http.Request) string {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}

// check returns the token of a secret, as read finds it, if it is of one of the kinds and good now.
func (a *Authenticator) check(ctx context.Context, secret string, read func(r store.Reader, tenant, hash string) (desk.Token, error), kinds ...desk.TokenKind) (desk.Token, error) {
	prefix, rest, _ := strings.Cut(secret, "_")
	tenant, _, _ := strings.Cut(rest, "_")
	fits := slices.ContainsFunc(kinds, func(k desk.TokenKind) bool { return prefixes[k] == prefix })
	if !fits || desk.CheckSlug("tenant", tenant) != nil {
		return desk.Token{}, errUnauthenticated
	}
	sum := hash(secret)
	t, err := read(a.Store.Read(ctx), tenant, sum)
	if desk.KindOf(err) == desk.NotFound {
		return desk.Token{}, errUnauthenticated
	}
	if err != nil {
		return desk.Token{}, err
	}
	if !slices.Contains(kinds, t.Kind) || subtle.ConstantTimeCompare([]byte(t.Hash), []byte(sum)) != 1 {
		return desk.Token{}, errUnauthenticated
	}
	now := a.Store.Now()
	if t.ExpiresAt != nil && !now.Before(*t.ExpiresAt) {
		return desk.Token{}, desk.Errorf(desk.Unauthenticated, "", "the token expired on %s; make a new one", t.ExpiresAt.UTC().Format(time.DateOnly))
	}
	a.noteUse(ctx, t, now)
	return t, nil
}

// noteUse keeps a token's last use, to the minute: writing each would double the cost of a look-up. It does so beside the
// request, which need not wait for it.
func (a *Authenticator) noteUse(ctx context.Context, t desk.Token, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now.Sub(a.used[t.ID]) < time.Minute {
		return
	}
	if len(a.used) >= maxUsed {
		clear(a.used)
	}
	if a.used == nil {
		a.used = map[string]time.Time{}
	}
	a.used[t.ID] = now
	a.notes.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := a.Store.UseToken(ctx, t.TenantID, t.ID, now); err != nil {
			a.Log.Warn("note the use of a token", "token", t.ID, "error", err)
		}
	})
}

// maxUsed bounds how many tokens' uses are remembered.
const maxUsed = 10_000

// Close waits until all uses are noted.
func (a *Authenticator) Close() { a.notes.Wait() }
