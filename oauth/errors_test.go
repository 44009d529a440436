package oauth_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/oauth"
)

func TestEveryKindHasACode(t *testing.T) {
	for _, kind := range desk.Kinds {
		w := httptest.NewRecorder()
		oauth.WriteError(w, httptest.NewRequest("POST", "/", nil), desk.Errorf(kind, "", "x"))
		if w.Code < 400 || !regexp.MustCompile(`^\{"error":"[a-z_]+","error_description":"[ -~]+"\}$`).MatchString(w.Body.String()) {
			t.Errorf("%s is answered %d %s", kind, w.Code, w.Body)
		}
	}
}

// TestTokenErrors sends the token endpoint what clients must not send.
func TestTokenErrors(t *testing.T) {
	each(t, func(w *world) {
		w.Connect(w, "other", "entra")
		id, secret := w.client(desk.Client{Label: "Entra"})
		second, secondSecret := w.client(desk.Client{})
		code, codeSecret := w.client(desk.Client{RedirectURIs: []string{callback}})
		public, _ := w.client(desk.Client{RedirectURIs: []string{callback}, Public: true})
		access := w.post("/oauth/main/token", w.address(), id, secret, url.Values{"grant_type": {"client_credentials"}}).Want(w, 200)["access_token"].(string)
		const form = "application/x-www-form-urlencoded"
		grant := "grant_type=client_credentials"
		as := func(id, secret string) string { return grant + "&client_id=" + id + "&client_secret=" + secret }
		const assertion = "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
		for name, c := range map[string]struct {
			user, password, body string
			status               int
			want                 string
		}{
			"all right, by Basic":                      {id, secret, grant, 200, ""},
			"all right, by parameters":                 {"", "", as(id, secret), 200, ""},
			"the id in both":                           {id, secret, grant + "&client_id=" + id, 200, ""},
			"empty parameters, which count for none":   {id, secret, grant + "&client_secret=&client_assertion=&scope=&code=", 200, ""},
			"parameters that nobody knows":             {id, secret, grant + "&resource=x&audience=y", 200, ""},
			"encoded by Basic":                         {strings.ReplaceAll(id, "-", "%2D"), strings.ReplaceAll(secret, "_", "%5f"), grant, 200, ""},
			"nothing":                                  {"", "", "", 401, "invalid_client"},
			"nothing but the grant":                    {"", "", grant, 401, "invalid_client"},
			"no secret":                                {"", "", grant + "&client_id=" + id, 401, "invalid_client"},
			"no id":                                    {"", "", grant + "&client_secret=" + secret, 401, "invalid_client"},
			"an empty secret":                          {id, "", grant, 401, "invalid_client"},
			"a wrong secret":                           {id, secret + "a", grant, 401, "invalid_client"},
			"a shorter secret":                         {id, secret[:len(secret)-1], grant, 401, "invalid_client"},
			"the secret in capitals":                   {id, strings.ToUpper(secret), grant, 401, "invalid_client"},
			"another client's secret":                  {id, secondSecret, grant, 401, "invalid_client"},
			"another client's id":                      {second, secret, grant, 401, "invalid_client"},
			"no such client":                           {"nobody", secret, grant, 401, "invalid_client"},
			"an id as long as can be":                  {strings.Repeat("x", 5000), secret, grant, 401, "invalid_client"},
			"a broken id":                              {"a\xff", secret, grant, 400, "invalid_request"},
			"an id that is not encoded":                {"a%zz", secret, grant, 400, "invalid_request"},
			"a secret that is not encoded":             {id, "%", grant, 400, "invalid_request"},
			"a NUL":                                    {"", "", as("%00", secret), 400, "invalid_request"},
			"a token for a secret":                     {id, w.Token(w, "main", desk.RoleAdmin), grant, 401, "invalid_client"},
			"its access token for a secret":            {id, access, grant, 401, "invalid_client"},
			"both ways":                                {id, secret, as(id, secret), 400, "invalid_request"},
			"two ids":                                  {id, secret, grant + "&client_id=" + second, 400, "invalid_request"},
			"a secret and an assertion":                {"", "", as(id, secret) + assertion + "&client_assertion=x", 400, "invalid_request"},
			"Basic and an assertion":                   {id, secret, grant + assertion + "&client_assertion=x", 400, "invalid_request"},
			"an assertion without a type":              {"", "", grant + "&client_id=" + id + "&client_assertion=x", 400, "invalid_request"},
			"an assertion of another type":             {"", "", grant + "&client_id=" + id + "&client_assertion=x&client_assertion_type=saml", 400, "invalid_request"},
			"a type without an assertion":              {"", "", as(id, secret) + assertion, 400, "invalid_request"},
			"an assertion of nobody":                   {"", "", grant + assertion + "&client_assertion=x", 400, "invalid_request"},
			"an assertion of a client with secrets":    {"", "", grant + assertion + "&client_assertion=x&client_id=" + id, 401, "invalid_client"},
			"no grant":                                 {id, secret, "scope=x", 400, "invalid_request"},
			"an empty grant":                           {id, secret, "grant_type=", 400, "invalid_request"},
			"a grant that is none":                     {id, secret, "grant_type=password&username=a&password=b", 400, "unsupported_grant_type"},
			"two grants":                               {id, secret, grant + "&" + grant, 400, "invalid_request"},
			"a code for a client that acts on its own": {id, secret, "grant_type=authorization_code&code=x&redirect_uri=y", 400, "unauthorized_client"},
			"a refresh token for the same":             {id, secret, "grant_type=refresh_token&refresh_token=x", 400, "unauthorized_client"},
			"a client that needs consent":              {code, codeSecret, grant, 400, "unauthorized_client"},
			"a public client":                          {"", "", grant + "&client_id=" + public, 400, "unauthorized_client"},
			"a public client with a secret":            {public, secret, grant, 401, "invalid_client"},
			"no code":                                  {code, codeSecret, "grant_type=authorization_code&redirect_uri=y", 400, "invalid_request"},
			"no refresh token":                         {code, codeSecret, "grant_type=refresh_token", 400, "invalid_request"},
			"a refresh token that is none":             {code, codeSecret, "grant_type=refresh_token&refresh_token=x", 400, "invalid_grant"},
			"a body that is no form":                   {id, secret, "grant_type=%zz", 400, "invalid_request"},
			"semicolons":                               {id, secret, "grant_type=client_credentials;x=y", 400, "invalid_request"},
			"a body as large as can be":                {id, secret, strings.Repeat("x", 2_000_000), 413, "invalid_request"},
		} {
			a := w.send("/oauth/main/token", w.address(), form, c.user, c.password, c.body)
			if c.status == 200 {
				a.Want(w, 200)
				continue
			}
			if a.Status != c.status || w.oauthError(name, a, c.status) != c.want {
				w.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.want)
			}
			if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (c.status == 401) {
				w.Errorf("%s: challenges with %q", name, challenge)
			}
		}
		same := func(what string, a, b testkit.Answer) {
			w.Helper()
			a.Header.Del("X-Request-Id")
			b.Header.Del("X-Request-Id")
			a.Header.Del("Date")
			b.Header.Del("Date")
			if diff := cmp.Diff(a, b); diff != "" {
				w.Errorf("%s: %s", what, diff)
			}
		}
		ask := func(path, user string) testkit.Answer {
			return w.send(path, w.address(), form, user, secret+"a", grant)
		}
		same("an unknown client and a wrong secret", ask("/oauth/main/token", id), ask("/oauth/main/token", "nobody"))
		same("an unknown tenant and a wrong secret", ask("/oauth/main/token", id), ask("/oauth/nobody/token", id))
		same("a tenant that cannot be", ask("/oauth/main/token", id), ask("/oauth/Not-A-Slug/token", id))
		same("another tenant", ask("/oauth/main/token", id), w.send("/oauth/other/token", w.address(), form, id, secret, grant))

		if a := w.send("/oauth/main/token", w.address(), "application/json", id, secret, `{"grant_type":"client_credentials"}`); w.oauthError("JSON", a, 400) != "invalid_request" {
			w.Errorf("JSON: %s", a.Body)
		}
		// What stands in the URL counts for nothing.
		a := w.send("/oauth/main/token?"+as(id, secret), w.address(), form, "", "", "scope=x")
		if w.oauthError("in the URL", a, 401) != "invalid_client" {
			w.Errorf("in the URL: %s", a.Body)
		}
		for path, status := range map[string]int{"/oauth/main/token": 405, "/oauth/main/revoke": 405, "/oauth/main": 404, "/oauth": 404, "/.well-known/nothing": 404} {
			if a := testkit.Call(w, "GET", w.URL+path, "", nil); a.Status != status || status == 405 && a.Header.Get("Allow") != "POST" {
				w.Errorf("GET %s: %d, allows %q", path, a.Status, a.Header.Get("Allow"))
			}
		}
	})
}

// TestLimits holds that one address and one client can ask so often, and that others are served meanwhile.
func TestLimits(t *testing.T) {
	w := newWorld(t, testkit.SQLite(t))
	id, secret := w.client(desk.Client{})
	grant := url.Values{"grant_type": {"client_credentials"}}
	limited := func(ask func(i int) testkit.Answer) testkit.Answer {
		w.Helper()
		for i := range 1000 {
			if a := ask(i); a.Status == 429 {
				return a
			}
		}
		w.Fatal("a thousand requests passed")
		return testkit.Answer{}
	}
	a := limited(func(int) testkit.Answer {
		return w.post("/oauth/main/token", "2001:db8::1", id, "wrong", grant)
	})
	if w.oauthError("an address", a, 429) != "temporarily_unavailable" || a.Header.Get("Retry-After") != "1" {
		w.Errorf("an address: %v %s", a.Header, a.Body)
	}
	w.post("/oauth/main/token", "2001:db8:0:1::1", id, secret, grant).Want(w, 200)
	limited(func(i int) testkit.Answer {
		return w.post("/oauth/main/token", fmt.Sprintf("2001:db8:1::%x", i), "somebody", "wrong", grant) // one customer's network
	})
	limited(func(i int) testkit.Answer {
		return w.post("/oauth/main/token", fmt.Sprintf("192.0.2.%d", i%256), "nobody", "wrong", grant)
	})
	w.post("/oauth/main/token", "203.0.113.1", id, secret, grant).Want(w, 200)
	limited(func(i int) testkit.Answer {
		return w.post("/signin", "198.51.100.1", "", "", url.Values{"token": {"wrong"}})
	})
	w.post("/signin", "198.51.100.2", "", "", url.Values{"token": {w.Token(w, "main", desk.RoleAgent)}}).Want(w, 303)

	// However often it was refused, the log has it once.
	n := 0
	for _, ev := range w.events() {
		if ev.Outcome == desk.Refused {
			n++
		}
	}
	if n != 1 {
		w.Errorf("%d refusals in the log", n)
	}
}

func TestMetadata(t *testing.T) {
	w := newWorld(t, testkit.SQLite(t))
	body := testkit.Call(w, "GET", w.URL+"/.well-known/oauth-authorization-server/oauth/main", "", nil).Want(w, 200)
	for name, want := range map[string]any{
		"issuer": w.issuer, "token_endpoint": w.issuer + "/token", "authorization_endpoint": w.issuer + "/authorize", "revocation_endpoint": w.issuer + "/revoke",
		"code_challenge_methods_supported": []any{"S256"}, "response_types_supported": []any{"code"}, "authorization_response_iss_parameter_supported": true,
		"grant_types_supported": []any{"client_credentials", "authorization_code", "refresh_token"},
	} {
		if diff := cmp.Diff(want, body[name]); diff != "" {
			w.Errorf("%s: %s", name, diff)
		}
	}
	if a := testkit.Call(w, "GET", w.URL+"/.well-known/oauth-authorization-server/oauth/Not-A-Slug", "", nil); a.Status != 404 {
		w.Errorf("a tenant that cannot be: %d", a.Status)
	}
}

// TestSecretsStaySecret goes through every flow, rightly and wrongly, and looks for each secret in the log, the events and
// everything else that the database holds.
func TestSecretsStaySecret(t *testing.T) {
	each(t, func(w *world) {
		i := w.issuerOf()
		var secrets []string
		keep := func(s ...string) { secrets = append(secrets, s...) }
		id, secret := w.client(desk.Client{})
		_, next, err := w.Engine.CreateClientSecret(w.Context(), admin, "entra", id, nil)
		if err != nil {
			w.Fatal(err)
		}
		keep(secret, next)
		grant := url.Values{"grant_type": {"client_credentials"}}
		keep(w.post("/oauth/main/token", "203.0.113.1", id, secret, grant).Want(w, 200)["access_token"].(string))
		w.post("/oauth/main/token", "203.0.113.1", "nobody", secret, grant).Want(w, 401)
		w.post("/oauth/main/token?client_secret="+next, "203.0.113.1", id, next+"x", grant).Want(w, 401)

		config := w.config(w.client(desk.Client{RedirectURIs: []string{callback}}))
		b := w.browser(desk.RoleAdmin, "main")
		verifier := oauth2.GenerateVerifier()
		code := w.consent(b, config, oauth2.S256ChallengeOption(verifier))
		keep(config.ClientSecret, verifier, code)
		if _, err := config.Exchange(w.Context(), code, oauth2.VerifierOption(verifier+"x")); err == nil {
			w.Error("a wrong verifier is taken")
		}
		token, err := config.Exchange(w.Context(), code, oauth2.VerifierOption(verifier))
		if err != nil {
			w.Fatal(err)
		}
		refreshed, err := w.refresh(config, token.RefreshToken)
		if err != nil {
			w.Fatal(err)
		}
		keep(token.AccessToken, token.RefreshToken, refreshed.AccessToken, refreshed.RefreshToken)
		w.wantOpen("the refreshed", refreshed.AccessToken, true)
		w.post("/oauth/main/revoke", "203.0.113.1", config.ClientID, config.ClientSecret, url.Values{"token": {refreshed.AccessToken}}).Want(w, 200)
		if _, err := config.Exchange(w.Context(), code, oauth2.VerifierOption(verifier)); err == nil {
			w.Error("a used code is taken")
		}

		federated, _ := w.client(desk.Client{Federation: i.federation()})
		for _, claims := range []map[string]any{{"jti": "1"}, {"aud": "wrong"}, {"exp": "wrong"}} {
			assertion := oidctest.SignIDToken(i.signing, "one", oidc.RS256, i.claims(time.Now(), claims))
			keep(strings.Split(assertion, ".")...)
			w.prove(federated, assertion)
		}
		w.Auth.Close()
		seen := map[string]string{"log": w.Logged.String()}
		db := testkit.OpenSQL(w, w.database)
		for _, table := range []string{"tokens", "clients", "grants", "events"} {
			rows, err := db.Query("SELECT * FROM " + table)
			if err != nil {
				w.Fatal(err)
			}
			columns, err := rows.Columns()
			if err != nil {
				w.Fatal(err)
			}
			for rows.Next() {
				values := make([]any, len(columns))
				for i := range values {
					values[i] = new(any)
				}
				if err := rows.Scan(values...); err != nil {
					w.Fatal(err)
				}
				for _, v := range values {
					seen[table] += fmt.Sprintf("%s\n", *v.(*any))
				}
			}
			if err := rows.Err(); err != nil {
				w.Fatal(err)
			}
		}
		if !strings.Contains(seen["log"], "/oauth/main/token") || !strings.Contains(seen["events"], "authorize") || !strings.Contains(seen["tokens"], desk.HashSecret(secret)) {
			w.Fatal("the test looks in the wrong places")
		}
		for where, text := range seen {
			for _, s := range secrets {
				if strings.HasPrefix(s, "rc") {
					s = s[strings.LastIndex(s, "_")+1:] // what makes it a secret
				}
				if strings.Contains(text, s) {
					w.Errorf("%s is in the %s", s, where)
				}
			}
		}
	})
}
