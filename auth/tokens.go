package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/store"
)

// Authenticator issues tokens and checks them. Its methods may be called concurrently.
type Authenticator struct {
	Store *store.Store
	Log   *slog.Logger
	// Issuers carries requests to those who sign OAuth clients' assertions. By default it reaches public addresses alone.
	Issuers http.RoundTripper
	// PublicURL is where browsers reach the portal, without a slash at the end.
	PublicURL string
	// Providers are the OpenID providers by which agents can sign in.
	Providers []Provider

	used        minutes // tokens whose use was noted, by id
	refused     minutes // OAuth clients and agents of whom a refusal was recorded
	notes       sync.WaitGroup
	keys        keyCache
	accounts    accounts
	discoveries discoveries
	directories directories
}

// Issue stores a token of the given kind, tenant, connection, role, label and expiry, completes the record, and returns the
// secret, which is never to be had again. An unknown tenant or connection is NotFound.
func (a *Authenticator) Issue(ctx context.Context, actor desk.Actor, t *desk.Token) (secret string, err error) {
	err = a.Store.Tx(ctx, func(tx *store.Tx) error {
		secret, err = Add(tx, actor, t)
		return err
	})
	return secret, err
}

// Add does the same inside a transaction.
func Add(tx *store.Tx, actor desk.Actor, t *desk.Token) (secret string, err error) {
	if err := checkToken(t, tx.Now); err != nil {
		return "", err
	}
	what := "tenant " + t.TenantID
	if t.Kind == desk.TokenSCIM {
		what = "connection " + t.Connection + " in tenant " + t.TenantID
		_, err = tx.LockConnection(t.TenantID, t.Connection) // which could go, and come back with the token still there
	} else {
		_, err = tx.Tenant(t.TenantID)
	}
	if desk.KindOf(err) == desk.NotFound {
		return "", desk.Errorf(desk.NotFound, "", "no %s", what)
	}
	if err != nil {
		return "", err
	}
	if t.ExpiresAt != nil {
		at := t.ExpiresAt.UTC().Truncate(time.Microsecond) // as it is stored
		t.ExpiresAt = &at
	}
	secret = desk.NewSecret(t.Kind, t.TenantID)
	t.ID, t.Hash, t.CreatedAt = store.NewID(), desk.HashSecret(secret), tx.Now
	if err := tx.CreateToken(t); err != nil {
		return "", err
	}
	return secret, recordToken(tx, actor.Event(desk.OpCreate, desk.Created, "token"), t)
}

const maxLabel = 200 // characters

// checkToken refuses a token that nobody can want.
func checkToken(t *desk.Token, now time.Time) error {
	if utf8.RuneCountInString(t.Label) > maxLabel || strings.ContainsRune(t.Label, 0) {
		return desk.Errorf(desk.InvalidValue, "label", "a label has up to %d characters, and no NUL among them", maxLabel)
	}
	if t.ExpiresAt != nil && !t.ExpiresAt.After(now) {
		return desk.Errorf(desk.InvalidValue, "expiresAt", "give a time to come, or none for a token that does not expire")
	}
	return nil
}

func recordToken(tx *store.Tx, ev desk.Event, t *desk.Token) error {
	ev.Connection = t.Connection
	ev.Detail = strings.TrimSpace(string(t.Kind) + " token " + t.Label)
	return tx.Record(ev)
}

// Tokens returns a page of a connection's tokens, but for those of OAuth clients, in the order of their creation, or NotFound.
func (a *Authenticator) Tokens(ctx context.Context, actor desk.Actor, connection, after string, limit int) ([]desk.Token, error) {
	r := a.Store.Read(ctx)
	if _, err := r.Connection(actor.TenantID, connection); err != nil {
		return nil, notFound(err, "no connection with this slug")
	}
	return r.Tokens(store.TokenQuery{TenantID: actor.TenantID, Connection: connection, After: after, Limit: limit})
}

// DeleteToken removes a connection's token, or is NotFound. Requests with it are refused from then on.
func (a *Authenticator) DeleteToken(ctx context.Context, actor desk.Actor, connection, id string) error {
	return a.Store.Tx(ctx, func(tx *store.Tx) error {
		t, err := tx.LockToken(actor.TenantID, connection, id)
		if err != nil {
			return notFound(err, "no token with this id in this connection")
		}
		if err := tx.RevokeToken(t.TenantID, t.ID); err != nil {
			return err
		}
		if err := tx.DeleteExpired(t.TenantID, desk.TokenRevoked); err != nil {
			return err
		}
		return recordToken(tx, actor.Event(desk.OpDelete, desk.Deleted, "token"), &t)
	})
}

// notFound says what was not found.
func notFound(err error, msg string) error {
	if desk.KindOf(err) == desk.NotFound {
		return &desk.Error{Kind: desk.NotFound, Msg: msg, Err: err}
	}
	return err
}

var errUnauthenticated = desk.Errorf(desk.Unauthenticated, "", "a valid bearer token is needed: Authorization: Bearer …")

// SCIM returns the directory that sends a request to a connection's SCIM endpoint, or Unauthenticated, by ErrKnownToken where the token is
// another connection's, has expired or was deleted.
func (a *Authenticator) SCIM(r *http.Request, tenant, connection string) (desk.Actor, error) {
	var d *desk.Directory
	t, err := a.check(r, bearer(r), func(_ store.Reader, tenant, hash string) (t desk.Token, err error) {
		t, d, err = a.directory(r.Context(), tenant, hash)
		return t, err
	}, desk.TokenSCIM, desk.TokenAccess)
	if err == nil && (t.TenantID != tenant || t.Connection != connection) {
		err = errUnauthenticated
	}
	if why, ok := errors.AsType[*desk.Error](err); ok && t.ID != "" && t.TenantID == tenant {
		known := *why
		known.Err = desk.ErrKnownToken
		err = &known
	}
	if err != nil {
		return desk.Actor{}, err
	}
	return desk.Actor{Type: desk.ActorDirectory, TenantID: t.TenantID, Connection: t.Connection, Directory: d, Name: t.Connection}, nil
}

// API returns the program or agent that a request to the JSON API comes from, or Unauthenticated.
func (a *Authenticator) API(r *http.Request) (desk.Actor, error) {
	t, err := a.check(r, bearer(r), store.Reader.Token, desk.TokenAPI)
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

// check returns the token of a request's secret, as read finds it, if it is of one of the kinds and good now. One that is no longer comes
// with the error.
func (a *Authenticator) check(r *http.Request, secret string, read func(r store.Reader, tenant, hash string) (desk.Token, error), kinds ...desk.TokenKind) (desk.Token, error) {
	kind, tenant, _ := desk.ParseSecret(secret)
	if !slices.Contains(kinds, kind) {
		return desk.Token{}, errUnauthenticated
	}
	hash := desk.HashSecret(secret)
	t, err := read(a.Store.Read(r.Context()), tenant, hash)
	if desk.KindOf(err) == desk.NotFound {
		return desk.Token{}, errUnauthenticated
	}
	if err != nil {
		return desk.Token{}, err
	}
	switch {
	case !equal(t.Hash, hash):
		return desk.Token{}, errUnauthenticated
	case t.Kind == desk.TokenRevoked:
		return t, errUnauthenticated
	case t.Kind != kind:
		return desk.Token{}, errUnauthenticated
	}
	now := a.Store.Now()
	switch {
	case !expired(t, now):
		a.noteUse(r.Context(), t, now, r.RemoteAddr)
		return t, nil
	case t.Kind == desk.TokenAccess:
		return t, desk.Errorf(desk.Unauthenticated, "", "the access token has expired; ask the token endpoint for another")
	}
	return t, desk.Errorf(desk.Unauthenticated, "", "the token expired on %s; make a new one", t.ExpiresAt.UTC().Format(time.DateOnly))
}

func expired(t desk.Token, now time.Time) bool {
	return t.ExpiresAt != nil && !now.Before(*t.ExpiresAt)
}

// equal compares hashes in a time that does not tell where they differ.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// noteUse keeps a token's last use, to the minute: writing each would double the cost of a look-up. It does so beside the
// request, which need not wait for it.
func (a *Authenticator) noteUse(ctx context.Context, t desk.Token, now time.Time, address string) {
	if !a.used.first(t.ID, now) {
		return
	}
	a.beside(ctx, func(ctx context.Context) {
		if err := a.Store.UseToken(ctx, t.TenantID, t.ID, now, address); err != nil {
			a.Log.Warn("note the use of a token", "token", t.ID, "error", err)
		}
	})
}

// beside runs f beside a request, for a while after it if need be.
func (a *Authenticator) beside(ctx context.Context, f func(context.Context)) {
	a.notes.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		f(ctx)
	})
}

// Close waits until all uses are noted.
func (a *Authenticator) Close() { a.notes.Wait() }

// minutes remembers what happened within the last minute.
type minutes struct {
	mu sync.Mutex
	at map[string]time.Time
}

// maxMinutes bounds how much is remembered.
const maxMinutes = 10_000

// first reports whether something happens for the first time within a minute.
func (m *minutes) first(what string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.at[what]) < time.Minute {
		return false
	}
	if len(m.at) >= maxMinutes {
		clear(m.at)
	}
	if m.at == nil {
		m.at = map[string]time.Time{}
	}
	m.at[what] = now
	return true
}
