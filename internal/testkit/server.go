package testkit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"rollcall/api"
	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/oauth"
	"rollcall/portal"
	"rollcall/provision"
	"rollcall/scim"
	"rollcall/store"
)

// Server is a whole server over a real database.
type Server struct {
	URL     string
	Handler http.Handler
	Store   *store.Store
	Engine  *provision.Engine
	Auth    *auth.Authenticator
	Logged  *Log           // all that it logs
	Access  []httpx.Access // for whom each route is
}

// NewServer starts a server over the database, and ends it with the test.
func NewServer(t testing.TB, databaseURL string) *Server {
	t.Helper()
	st, err := store.Open(context.Background(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	kept := &Log{}
	log := slog.New(slog.NewMultiHandler(
		slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}),
		slog.NewTextHandler(kept, &slog.HandlerOptions{Level: slog.LevelDebug}),
	))
	s := &Server{Logged: kept, Store: st, Engine: &provision.Engine{Store: st}, Auth: &auth.Authenticator{Store: st, Log: log}}
	t.Cleanup(func() {
		s.Auth.Close()
		st.Close()
	})
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.Handler.ServeHTTP(w, r) }))
	t.Cleanup(ts.Close)
	s.URL, s.Auth.PublicURL = ts.URL, ts.URL
	endpoint := &scim.Handler{Engine: s.Engine, Authenticate: s.Auth.SCIM, PublicURL: s.URL, Log: log}
	program := &api.Handler{
		Engine: s.Engine, Authenticate: s.Auth.API, Tokens: s.Auth, ReadUser: scim.ReadUser, ReadPatch: scim.ReadPatch, PublicURL: s.URL, Version: "test", Log: log,
	}
	client := &oauth.Handler{Auth: s.Auth, PublicURL: s.URL, Log: log}
	pages := &portal.Handler{
		Engine: s.Engine, Session: s.Auth.Session, SignIn: s.Auth.SignIn, SignOut: s.Auth.SignOut, Accounts: s.Auth, Tokens: s.Auth, ReadUser: scim.ReadUser, PublicURL: s.URL, Log: log,
	}
	edges := httpx.Edges{SCIM: endpoint.Routes(), API: program.Routes(), OAuth: client.Routes(), Portal: pages.Routes(), Ready: st.Ping}
	s.Access = slices.Concat(endpoint.Access(), program.Access(), client.Access(), pages.Access(), edges.Access())
	s.Handler = httpx.Wrap(httpx.Behind(httpx.Loopback, edges), log, nil)
	return s
}

// Log keeps what is written to it.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Connect makes a tenant, unless it exists, and a connection of it, and returns the tenant URL and a secret token.
func (s *Server) Connect(t testing.TB, tenant, connection string) (tenantURL, token string) {
	t.Helper()
	ctx := context.Background()
	if err := s.Engine.CreateTenant(ctx, tenant, ""); err != nil && desk.KindOf(err) != desk.Uniqueness {
		t.Fatal(err)
	}
	if err := s.Engine.CreateConnection(ctx, provision.System(tenant), &desk.Connection{Slug: connection, Provider: "generic"}); err != nil {
		t.Fatal(err)
	}
	token, err := s.Auth.Issue(ctx, provision.System(tenant), &desk.Token{Kind: desk.TokenSCIM, TenantID: tenant, Connection: connection})
	if err != nil {
		t.Fatal(err)
	}
	return s.URL + "/scim/" + tenant + "/" + connection, token
}

// Directory returns a connection as the actor of its directory's requests, with default settings but without a guard.
func Directory(tenant, slug string) desk.Actor {
	settings := desk.DefaultSettings()
	settings.Guard.Percent = 0
	c := desk.Connection{TenantID: tenant, Slug: slug, Settings: settings}
	return desk.Actor{Type: desk.ActorDirectory, TenantID: tenant, Connection: slug, Directory: &desk.Directory{Connection: c}, Name: slug}
}

// Token returns a token for the tenant's JSON API.
func (s *Server) Token(t testing.TB, tenant string, role desk.Role) string {
	t.Helper()
	token, err := s.Auth.Issue(context.Background(), provision.System(tenant), &desk.Token{Kind: desk.TokenAPI, TenantID: tenant, Role: role, Label: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// SHA256 returns the hash under which a token's secret is stored.
func SHA256(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
