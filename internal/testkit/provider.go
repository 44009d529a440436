package testkit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"rollcall/desk"
)

// Provider is an OpenID provider at which one person is signed in already, so that its authorization endpoint leads straight back. It
// holds clients to the letter of the protocol.
type Provider struct {
	URL    string
	Client string // the id of its only client
	Secret string

	mu      sync.Mutex
	claims  map[string]any
	key     *ecdsa.PrivateKey
	pending map[string]url.Values // authorization requests, by code
	fails   bool
}

// NewProvider starts a provider on this machine, and ends it with the test.
func NewProvider(t testing.TB) *Provider {
	t.Helper()
	p := &Provider{Client: "rollcall", Secret: "the client's secret & more", pending: map[string]url.Values{}, key: NewKey(t)}
	documents := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: p.key.Public(), KeyID: "one", Algorithm: oidc.ES256}}, Algorithms: []string{oidc.ES256}}
	mux := http.NewServeMux()
	mux.Handle("/", documents)
	mux.HandleFunc("GET /auth", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.fails {
			http.Error(w, "out of order", http.StatusBadGateway)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(ts.Close)
	p.URL = ts.URL
	documents.SetIssuer(ts.URL)
	return p
}

// NewKey returns a key to sign with.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// SetClaims sets what the provider says of the person from now on, over what makes a good statement; nil takes a claim out.
func (p *Provider) SetClaims(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = claims
}

// SetKey sets the key with which statements are signed from now on; the published one stays.
func (p *Provider) SetKey(key *ecdsa.PrivateKey) (former *ecdsa.PrivateKey) {
	p.mu.Lock()
	defer p.mu.Unlock()
	former, p.key = p.key, key
	return former
}

// Fail has the provider answer nothing but errors, or work again.
func (p *Provider) Fail(fails bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fails = fails
}

// authorize is called with the lock held, as token is.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.Client || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" ||
		q.Get("nonce") == "" || q.Get("state") == "" || !slices.Contains(strings.Fields(q.Get("scope")), "openid") {
		http.Error(w, "a bad request: "+r.URL.RawQuery, http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.pending[code] = q
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {p.URL}}.Encode(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	asked, known := p.pending[r.PostFormValue("code")]
	delete(p.pending, r.PostFormValue("code"))
	w.Header().Set("Content-Type", "application/json")
	switch {
	case id != p.Client || secret != p.Secret:
		w.WriteHeader(http.StatusUnauthorized)
		w.Write([]byte(`{"error":"invalid_client"}`))
		return
	case !known || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") ||
		desk.Challenge(r.PostFormValue("code_verifier")) != asked.Get("code_challenge"):
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "aud": p.Client, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(claims, p.claims)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err) // the test's own claims
	}
	json.NewEncoder(w).Encode(map[string]any{
		"access_token": "unused", "token_type": "Bearer", "id_token": oidctest.SignIDToken(p.key, "one", oidc.ES256, string(text)),
	})
}
