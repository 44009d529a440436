package oauth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// issuer signs assertions, as Entra does for its provisioning service.
type issuer struct {
	url     string
	keys    *oidctest.Server
	signing *rsa.PrivateKey
	asked   atomic.Int64
	down    atomic.Bool
}

func (w *world) issuerOf() *issuer {
	w.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		w.Fatal(err)
	}
	i := &issuer{signing: key, keys: &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "one", Algorithm: oidc.RS256}}}}
	ts := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		if i.down.Load() {
			http.Error(rw, "secret of the network behind", http.StatusBadGateway)
			return
		}
		i.keys.ServeHTTP(rw, r)
	}))
	w.Cleanup(ts.Close)
	i.url = ts.URL
	i.keys.SetIssuer(i.url)
	w.Auth.Issuers = ts.Client().Transport
	return i
}

func (i *issuer) jwks(w *world) string {
	w.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.signing.Public(), KeyID: "one", Algorithm: oidc.RS256, Use: "sig"}}})
	if err != nil {
		w.Fatal(err)
	}
	return string(text)
}

// claims are those of a good assertion, with some changed; nil takes one out.
func (i *issuer) claims(now time.Time, changes map[string]any) string {
	claims := map[string]any{
		"iss": i.url, "sub": "the sync fabric", "aud": "api://rollcall", "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(65 * time.Minute).Unix(),
		"tid": "a tenant", "ver": "2.0",
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (i *issuer) federation() desk.Federation {
	return desk.Federation{Issuer: i.url, Subject: "the sync fabric", Audience: "api://rollcall"}
}

// federated is x/oauth2's configuration of a client that sends an assertion for a secret.
func (w *world) federated(id, assertion string) *clientcredentials.Config {
	return &clientcredentials.Config{
		ClientID: id, TokenURL: w.issuer + "/token", AuthStyle: oauth2.AuthStyleInParams, Scopes: []string{"scim"},
		EndpointParams: url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}},
	}
}

// TestFederation has an issuer's statement stand in for a secret, with its keys found by discovery, at a URL, and pasted.
func TestFederation(t *testing.T) {
	each(t, func(w *world) {
		i := w.issuerOf()
		assertion := oidctest.SignIDToken(i.signing, "one", oidc.RS256, i.claims(time.Now(), nil))
		for name, keys := range map[string]desk.Federation{"discovery": {}, "url": {JWKSURI: i.url + "/keys"}, "pasted": {JWKS: i.jwks(w)}} {
			f := i.federation()
			f.JWKSURI, f.JWKS = keys.JWKSURI, keys.JWKS
			id, secret := w.client(desk.Client{Label: name, Federation: f})
			if secret != "" {
				w.Errorf("%s: a federated client was given a secret", name)
			}
			i.asked.Store(0)
			// Entra sends one statement again and again, as long as it lasts.
			for range 3 {
				response, err := w.federated(id, assertion).Client(w.Context()).Get(w.scim + "/Users")
				if err != nil || response.StatusCode != 200 {
					w.Fatalf("%s: %v, %v", name, response, err)
				}
				response.Body.Close()
			}
			if n, want := i.asked.Load(), map[string]int64{"discovery": 2, "url": 1}[name]; n != want {
				w.Errorf("%s: the issuer was asked %d times, want %d", name, n, want)
			}
		}
	})
}

// TestAssertions tries everything that can be wrong with a statement. The client is told the same each time; the log says what.
func TestAssertions(t *testing.T) {
	each(t, func(w *world) {
		i := w.issuerOf()
		other, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			w.Fatal(err)
		}
		curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			w.Fatal(err)
		}
		now := time.Now()
		sign := func(changes map[string]any) string {
			return oidctest.SignIDToken(i.signing, "one", oidc.RS256, i.claims(now, changes))
		}
		with := func(claim string, v any) string { return sign(map[string]any{claim: v}) }
		by := func(key crypto.PrivateKey, id, algorithm string) string {
			return oidctest.SignIDToken(key, id, algorithm, i.claims(now, nil))
		}
		good := sign(nil)
		parts := strings.Split(good, ".")
		shared := func() string { // signed with the public key as a shared secret
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: i.signing.N.Bytes()}, nil)
			if err != nil {
				w.Fatal(err)
			}
			signed, err := signer.Sign([]byte(i.claims(now, nil)))
			if err != nil {
				w.Fatal(err)
			}
			text, err := signed.CompactSerialize()
			if err != nil {
				w.Fatal(err)
			}
			return text
		}
		unix := func(d time.Duration) int64 { return now.Add(d).Unix() }
		for name, c := range map[string]struct{ assertion, log string }{
			"no JWT":                       {"x", "malformed"},
			"unsigned":                     {"eyJhbGciOiJub25lIn0." + parts[1] + ".", "malformed"},
			"another's signature":          {by(other, "one", oidc.RS256), "signature"},
			"another's key":                {by(other, "two", oidc.RS256), "signature"},
			"another kind of key":          {by(curve, "one", oidc.ES256), "signature"},
			"a shared secret":              {shared(), "malformed"},
			"changed claims":               {parts[0] + "." + strings.Repeat("A", len(parts[1])) + "." + parts[2], "signature"},
			"another issuer":               {with("iss", "https://evil.example"), "issued by a different provider"},
			"another issuer in other form": {with("iss", i.url+"/"), "issued by a different provider"},
			"no issuer":                    {with("iss", nil), "issued by a different provider"},
			"another subject":              {with("sub", "somebody else"), "another subject"},
			"no subject":                   {with("sub", nil), "another subject"},
			"a longer subject":             {with("sub", "the sync fabric."), "another subject"},
			"another audience":             {with("aud", "api://other"), "audience"},
			"no audience":                  {with("aud", nil), "audience"},
			"an audience and another":      {with("aud", []string{"api://rollcall", "api://other"}), "several audiences"},
			"expired":                      {with("exp", unix(-time.Minute)), "expired"},
			"without an end":               {with("exp", nil), "expired"},
			"good for too long":            {with("exp", unix(49*time.Hour)), "two days"},
			"not yet good":                 {with("nbf", unix(10*time.Minute)), "nbf"},
			"of the future":                {with("iat", unix(10*time.Minute)), "iat"},
			"two of them in one":           {good + " " + good, "malformed"},
			"a JWT in JSON":                {`{"payload":"` + parts[1] + `"}`, "malformed"},
			"something as large as can be": {strings.Repeat("a.", 30_000), "malformed"},
			"a claim that is no claim":     {with("aud", map[string]any{"x": 1}), ""},
			"an end that is no time":       {with("exp", "soon"), ""},
			"a name that is no name":       {sign(map[string]any{"jti": 5}), ""},
		} {
			id, _ := w.client(desk.Client{Federation: i.federation()})
			a := w.prove(id, c.assertion)
			if got := w.oauthError(name, a, 401); got != "invalid_client" || !strings.Contains(string(a.Body), `"client authentication failed"`) {
				w.Errorf("%s: %s", name, a.Body)
			}
			w.wantEvent(desk.OpAuthorize, desk.Refused, "unauthenticated", c.log)
			if err := w.Engine.DeleteClient(w.Context(), admin, "entra", id); err != nil {
				w.Fatal(err)
			}
		}
		id, secret := w.client(desk.Client{})
		w.oauthError("a client without federation", w.prove(id, good), 401)
		w.oauthError("no such client", w.prove("nobody", good), 401)
		id, _ = w.client(desk.Client{Federation: i.federation()})
		w.oauthError("a secret for a statement", w.post("/oauth/main/token", "203.0.113.1", id, secret, url.Values{"grant_type": {"client_credentials"}}), 401)
		w.oauthError("no statement", w.post("/oauth/main/token", "203.0.113.1", "", "", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}}), 401)
		w.prove(id, good).Want(w, 200)
	})
}

// prove asks for a token by an assertion.
func (w *world) prove(id, assertion string) testkit.Answer {
	w.Helper()
	return w.post("/oauth/main/token", w.address(), "", "", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_assertion_type": {assertionType}, "client_assertion": {assertion},
	})
}

// TestAssertionIsGoodOnce holds that a statement with a name of its own (jti) is taken once.
func TestAssertionIsGoodOnce(t *testing.T) {
	each(t, func(w *world) {
		i := w.issuerOf()
		id, _ := w.client(desk.Client{Federation: i.federation()})
		other, _ := w.client(desk.Client{Federation: i.federation()})
		sign := func(jti string) string {
			return oidctest.SignIDToken(i.signing, "one", oidc.RS256, i.claims(time.Now(), map[string]any{"jti": jti}))
		}
		first := sign("1")
		w.prove(id, first).Want(w, 200)
		if got := w.oauthError("again", w.prove(id, first), 401); got != "invalid_client" {
			w.Errorf("again: %s", got)
		}
		w.wantEvent(desk.OpAuthorize, desk.Refused, "unauthenticated", "has been used before")
		w.oauthError("another statement of the same name", w.prove(id, sign("1")), 401)
		w.prove(id, sign("2")).Want(w, 200)
		w.prove(other, first).Want(w, 200)
		w.wait(2 * time.Hour)
		w.oauthError("once it has expired", w.prove(id, first), 401)
	})
}

// TestIssuer holds what becomes of an issuer that changes its keys, cannot be reached, or is not what it says.
func TestIssuer(t *testing.T) {
	each(t, func(w *world) {
		i := w.issuerOf()
		id, _ := w.client(desk.Client{Label: "Entra", Federation: i.federation()})
		sign := func(key crypto.PrivateKey, name string) string {
			return oidctest.SignIDToken(key, name, oidc.RS256, i.claims(time.Now().Add(time.Duration(w.late.Load())), nil))
		}
		i.down.Store(true)
		a := w.prove(id, sign(i.signing, "one"))
		if got := w.oauthError("no issuer", a, 503); got != "temporarily_unavailable" || a.Header.Get("Retry-After") == "" || strings.Contains(string(a.Body), "secret") {
			w.Errorf("no issuer: %s", a.Body)
		}
		w.wantEvent(desk.OpAuthorize, desk.Refused, "unavailable", "the issuer answers 502")
		if detail := w.events()[0].Detail; strings.Contains(detail, "secret of the network") {
			w.Errorf("the log shows what an address answers: %s", detail)
		}
		i.down.Store(false)
		w.prove(id, sign(i.signing, "one")).Want(w, 200)

		// New keys are fetched when they turn up, and old ones are forgotten within the hour.
		next, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			w.Fatal(err)
		}
		old := i.keys.PublicKeys
		i.keys.PublicKeys = append(old, oidctest.PublicKey{PublicKey: next.Public(), KeyID: "two", Algorithm: oidc.RS256})
		w.prove(id, sign(next, "two")).Want(w, 200)
		i.keys.PublicKeys = i.keys.PublicKeys[1:]
		w.wait(61 * time.Minute)
		w.oauthError("a key that is gone", w.prove(id, sign(i.signing, "one")), 401)
		w.prove(id, sign(next, "two")).Want(w, 200)
		i.down.Store(true)
		w.prove(id, sign(next, "two")).Want(w, 200) // its keys are known
		i.down.Store(false)

		// A discovery document of somebody else.
		i.keys.SetIssuer("https://evil.example")
		w.wait(61 * time.Minute)
		if got := w.oauthError("another's document", w.prove(id, sign(next, "two")), 401); got != "invalid_client" {
			w.Errorf("another's document: %s", got)
		}

		// By default only public addresses are reached: not this machine's, whatever an administrator names.
		w.Auth.Issuers = nil
		asked := i.asked.Load()
		for _, f := range []desk.Federation{{JWKSURI: i.url + "/keys"}, {JWKSURI: "https://169.254.169.254/latest"}, {JWKSURI: "https://10.0.0.1/"}, {JWKSURI: "https://localhost/"}, {JWKSURI: "https://[::ffff:127.0.0.1]/"}} {
			f.Issuer, f.Subject, f.Audience = i.url, "the sync fabric", "api://rollcall"
			id, _ := w.client(desk.Client{Federation: f})
			w.oauthError(f.JWKSURI, w.prove(id, sign(next, "two")), 503)
			w.wantEvent(desk.OpAuthorize, desk.Refused, "unavailable", "is not a public address")
		}
		if n := i.asked.Load(); n != asked {
			w.Errorf("a private address was asked %d times", n-asked)
		}
	})
}
