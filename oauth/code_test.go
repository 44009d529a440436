package oauth_test

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestCodeFlow has x/oauth2 come to its tokens by an administrator's consent, for each kind of client.
func TestCodeFlow(t *testing.T) {
	each(t, func(w *world) {
		for name, c := range map[string]desk.Client{
			"with a secret":                  {},
			"public":                         {Public: true},
			"with a secret and without PKCE": {WithoutPKCE: true},
		} {
			c.Label, c.RedirectURIs = "Zoho <Directory>", []string{"https://other.example/", callback}
			config := w.config(w.client(c))
			verifier := oauth2.GenerateVerifier()
			challenge, proof := []oauth2.AuthCodeOption{oauth2.S256ChallengeOption(verifier)}, []oauth2.AuthCodeOption{oauth2.VerifierOption(verifier)}
			if c.WithoutPKCE {
				challenge, proof = nil, nil
			}

			// Who has not signed in does so, and gets to the same page.
			b := w.stranger()
			p := b.open(config.AuthCodeURL("a&b=ü", challenge...))
			if p.address.Path != "/signin" || len(p.form.texts) != 1 {
				w.Fatalf("%s: a stranger gets to %s", name, p.address)
			}
			p = b.submit(p, url.Values{"token": {"wrong"}})
			p = b.submit(p, url.Values{"token": {w.Token(w, "main", desk.RoleAdmin)}})
			if p.status != 200 || p.address.Path != "/oauth/main/authorize" {
				w.Fatalf("%s: signing in leads to %d %s", name, p.status, p.address)
			}
			for _, part := range []string{"Zoho <Directory>", config.ClientID, "directory.example", "the connection entra"} {
				if !strings.Contains(p.text, part) {
					w.Errorf("%s: the page does not say %q: %s", name, part, p.text)
				}
			}
			if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' https://directory.example;") || !strings.Contains(csp, "frame-ancestors 'none'") {
				w.Errorf("%s: the policy is %s", name, csp)
			}
			back := b.submit(p, url.Values{"decision": {"allow"}})
			query := back.address.Query()
			if back.status != 303 || back.address.Host != "directory.example" || query.Get("keep") != "1" || query.Get("state") != "a&b=ü" || query.Get("iss") != w.issuer || back.header.Get("Cache-Control") != "no-store" {
				w.Fatalf("%s: consent leads to %d %s %v", name, back.status, back.address, back.header)
			}
			w.wantEvent(desk.OpCreate, desk.Created, "consent", "client Zoho <Directory>")
			if ev := w.events()[0]; ev.ActorType != desk.ActorAgent || ev.ActorName != "test" || ev.RequestID == "" {
				w.Errorf("consent leaves %+v", ev)
			}

			token, err := config.Exchange(w.Context(), query.Get("code"), proof...)
			if err != nil {
				w.Fatalf("%s: %v", name, err)
			}
			// The client of x/oauth2 pushes a user, and later fetches a new token by itself.
			response, err := config.Client(w.Context(), token).Post(w.scim+"/Users", "application/scim+json", strings.NewReader(`{"userName":"`+name+`"}`))
			if err != nil || response.StatusCode != 201 {
				w.Fatalf("%s: %v, %v", name, response, err)
			}
			response.Body.Close()
			w.wait(2 * time.Hour)
			w.wantOpen(name+", two hours later", token.AccessToken, false)
			token.Expiry = time.Now().Add(-time.Minute)
			next, err := config.TokenSource(w.Context(), token).Token()
			if err != nil {
				w.Fatalf("%s: %v", name, err)
			}
			if next.RefreshToken == token.RefreshToken || next.AccessToken == token.AccessToken {
				w.Errorf("%s: the refresh token was not replaced", name)
			}
			w.wantOpen(name+", refreshed", next.AccessToken, true)

			form := url.Values{"token": {next.RefreshToken}, "client_id": {config.ClientID}, "client_secret": {config.ClientSecret}}
			w.post("/oauth/main/revoke", "203.0.113.1", "", "", form).Want(w, 200)
			w.wantOpen(name+", revoked", next.AccessToken, false)
			if _, err := w.refresh(config, next.RefreshToken); refusedBy(err) != "invalid_grant" {
				w.Errorf("%s: a revoked refresh token gives %v", name, err)
			}
		}
	})
}

// TestConsentIsAnAdministrators asks agents, other tenants' administrators, and other sites' forms.
func TestConsentIsAnAdministrators(t *testing.T) {
	each(t, func(w *world) {
		w.Connect(w, "other", "entra")
		config := w.config(w.client(desk.Client{RedirectURIs: []string{callback}}))
		asked := config.AuthCodeURL("s", oauth2.S256ChallengeOption(oauth2.GenerateVerifier()))
		for name, b := range map[string]*browser{"an agent": w.browser(desk.RoleAgent, "main"), "another tenant's administrator": w.browser(desk.RoleAdmin, "other")} {
			p := b.open(asked)
			if p.status != 403 || p.address.Host == "directory.example" {
				w.Errorf("%s gets to %d %s %s", name, p.status, p.address, p.text)
			}
			u, _ := url.Parse(asked)
			form := u.Query()
			form.Set("decision", "allow")
			response, err := b.client.PostForm(w.issuer+"/authorize", form)
			if p := b.read(response, err); p.status != 403 {
				w.Errorf("%s consents: %d %s", name, p.status, p.address)
			}
		}
		b := w.browser(desk.RoleAdmin, "main")
		p := b.open(asked)
		back := b.submit(p, url.Values{"decision": {"deny"}}).address.Query()
		if back.Get("error") != "access_denied" || back.Get("state") != "s" || back.Get("iss") != w.issuer || back.Get("code") != "" {
			w.Errorf("no consent leads to %v", back)
		}
		// Another site has the administrator's browser send the form.
		jar := b.client.Jar
		u, _ := url.Parse(w.URL)
		a := w.crossSite(w.issuer+"/authorize", p.form.fields, jar.Cookies(u)[0].String())
		if a.Status != 403 || a.Header.Get("Location") != "" {
			w.Errorf("another site's form: %d %s", a.Status, a.Body)
		}
		for _, ev := range w.events() {
			if ev.Reason == "consent" {
				w.Errorf("consent was given: %+v", ev)
			}
		}
	})
}

// TestAuthorizationErrors holds where errors go: to the client, except while it is not sure that it is the client's address.
func TestAuthorizationErrors(t *testing.T) {
	each(t, func(w *world) {
		id, _ := w.client(desk.Client{RedirectURIs: []string{callback, "https://directory.example/b"}})
		loose, _ := w.client(desk.Client{RedirectURIs: []string{callback}, WithoutPKCE: true})
		alone, _ := w.client(desk.Client{})
		good := url.Values{
			"response_type": {"code"}, "client_id": {id}, "redirect_uri": {callback}, "state": {"s"}, "scope": {"x"},
			"code_challenge": {desk.Challenge(strings.Repeat("v", 43))}, "code_challenge_method": {"S256"},
		}
		b := w.browser(desk.RoleAdmin, "main")
		for name, c := range map[string]struct {
			change url.Values
			status int    // of a page here, or
			want   string // the error there
		}{
			"nothing wrong":                   {nil, 200, ""},
			"a parameter that nobody knows":   {url.Values{"prompt": {"x"}, "resource": {"a", "b"}}, 200, ""},
			"no client":                       {url.Values{"client_id": nil}, 404, ""},
			"an unknown client":               {url.Values{"client_id": {"nobody"}}, 404, ""},
			"a broken client":                 {url.Values{"client_id": {"a\x00"}}, 400, ""},
			"a client without redirect URLs":  {url.Values{"client_id": {alone}}, 404, ""},
			"no redirect URL":                 {url.Values{"redirect_uri": nil}, 404, ""},
			"an empty redirect URL":           {url.Values{"redirect_uri": {""}}, 404, ""},
			"another redirect URL":            {url.Values{"redirect_uri": {"https://evil.example/"}}, 404, ""},
			"a longer redirect URL":           {url.Values{"redirect_uri": {callback + "&x=1"}}, 404, ""},
			"a redirect URL's beginning":      {url.Values{"redirect_uri": {"https://directory.example/provision/oauth/callback"}}, 404, ""},
			"a redirect URL in other letters": {url.Values{"redirect_uri": {strings.ToUpper(callback)}}, 404, ""},
			"two clients":                     {url.Values{"client_id": {id, id}}, 400, ""},
			"two redirect URLs":               {url.Values{"redirect_uri": {callback, callback}}, 400, ""},
			"two states":                      {url.Values{"state": {"a", "b"}}, 400, ""},
			"no response type":                {url.Values{"response_type": nil}, 0, "invalid_request"},
			"a token for a response":          {url.Values{"response_type": {"token"}}, 0, "unsupported_response_type"},
			"no challenge":                    {url.Values{"code_challenge": nil, "code_challenge_method": nil}, 0, "invalid_request"},
			"no method":                       {url.Values{"code_challenge_method": nil}, 0, "invalid_request"},
			"a plain challenge":               {url.Values{"code_challenge_method": {"plain"}}, 0, "invalid_request"},
			"a short challenge":               {url.Values{"code_challenge": {"abc"}}, 0, "invalid_request"},
			"a method without a challenge":    {url.Values{"client_id": {loose}, "code_challenge": nil}, 0, "invalid_request"},
			"a plain one, though it need not": {url.Values{"client_id": {loose}, "code_challenge_method": {"plain"}}, 0, "invalid_request"},
			"none, and it need not":           {url.Values{"client_id": {loose}, "code_challenge": nil, "code_challenge_method": nil}, 200, ""},
		} {
			query := url.Values{}
			for _, values := range []url.Values{good, c.change} {
				for name, list := range values {
					query[name] = list
				}
			}
			p := b.open(w.issuer + "/authorize?" + query.Encode())
			back := p.address.Query()
			if c.want == "" && (p.status != c.status || p.address.Host == "directory.example") {
				w.Errorf("%s leads to %d %s, want a page with %d", name, p.status, p.address, c.status)
			}
			if c.want != "" && (p.address.Host != "directory.example" || back.Get("error") != c.want || back.Get("error_description") == "" || back.Get("state") != "s" || back.Get("iss") != w.issuer) {
				w.Errorf("%s leads to %d %s, want the error %s there", name, p.status, p.address, c.want)
			}
			// The form is checked like the request: it too may be anybody's.
			if c.status != 200 {
				query.Set("decision", "allow")
				response, err := b.client.PostForm(w.issuer+"/authorize", query)
				if p := b.read(response, err); p.address.Query().Get("code") != "" || p.status != c.status && c.status != 0 {
					w.Errorf("%s, as a form, leads to %d %s", name, p.status, p.address)
				}
			}
		}
	})
}

// TestSignInLeadsNowhereElse holds that the way back after signing in is one of this server's.
func TestSignInLeadsNowhereElse(t *testing.T) {
	w := newWorld(t, testkit.SQLite(t))
	for next, want := range map[string]string{
		"/contacts?status=all": "/contacts?status=all", "": "/", "https://evil.example/": "/", "//evil.example/": "/",
		`/\evil.example/`: "/", "contacts": "/", "javascript:alert(1)": "/", "/%": "/",
	} {
		b := w.stranger()
		p := b.submit(b.open(w.URL+"/signin?"+url.Values{"next": {next}}.Encode()), url.Values{"token": {w.Token(w, "main", desk.RoleAgent)}})
		if p.address.RequestURI() != want || p.address.Host != strings.TrimPrefix(w.URL, "http://") {
			w.Errorf("%q leads to %s, want %s", next, p.address, want)
		}
		// A form of somebody else's making.
		response, err := b.client.PostForm(w.URL+"/signin", url.Values{"next": {next}, "token": {w.Token(w, "main", desk.RoleAgent)}})
		if p = b.read(response, err); p.address.RequestURI() != want || p.address.Host != strings.TrimPrefix(w.URL, "http://") {
			w.Errorf("%q in a form leads to %s", next, p.address)
		}
	}
}

// TestCodeIsBound tries a code with everything else than what it was made for.
func TestCodeIsBound(t *testing.T) {
	each(t, func(w *world) {
		redirects := []string{callback, "https://directory.example/b"}
		config := w.config(w.client(desk.Client{RedirectURIs: redirects}))
		other := w.config(w.client(desk.Client{RedirectURIs: redirects}))
		loose := w.config(w.client(desk.Client{RedirectURIs: redirects, WithoutPKCE: true}))
		b := w.browser(desk.RoleAdmin, "main")
		verifier := oauth2.GenerateVerifier()
		code := w.consent(b, config, oauth2.S256ChallengeOption(verifier))
		refuse := func(what, want string, c *oauth2.Config, code string, options ...oauth2.AuthCodeOption) {
			w.Helper()
			if _, err := c.Exchange(w.Context(), code, options...); refusedBy(err) != want {
				w.Errorf("%s: %v, want %s", what, err, want)
			}
		}
		elsewhere := *config
		elsewhere.RedirectURL = redirects[1]
		nowhere := *config
		nowhere.RedirectURL = ""
		stranger := *config
		stranger.ClientSecret = other.ClientSecret
		public := *config
		public.ClientSecret = ""
		proof := oauth2.VerifierOption(verifier)
		refuse("another client", "invalid_grant", other, code, proof)
		refuse("another client's secret", "invalid_client", &stranger, code, proof)
		refuse("no secret", "invalid_client", &public, code, proof)
		refuse("another redirect URL", "invalid_grant", &elsewhere, code, proof)
		refuse("no redirect URL", "invalid_request", &nowhere, code, proof)
		refuse("another verifier", "invalid_grant", config, code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
		refuse("no verifier", "invalid_grant", config, code)
		refuse("no code", "invalid_request", config, "", proof)
		refuse("another code", "invalid_grant", config, code[:len(code)-4]+"aaaa", proof)
		refuse("a code of nobody's", "invalid_grant", config, desk.NewSecret(desk.GrantCode, "main", "nobody"), proof)
		refuse("a token for a code", "invalid_grant", config, w.connected(config).RefreshToken, proof)
		if _, err := w.refresh(config, code); refusedBy(err) != "invalid_grant" {
			w.Errorf("a code for a refresh token: %v", err)
		}
		if _, err := config.Exchange(w.Context(), code, proof); err != nil {
			w.Errorf("what was refused used the code up: %v", err)
		}

		// A verifier without a challenge is somebody who took PKCE out of the request (RFC 9700 section 4.8.2).
		refuse("a verifier without a challenge", "invalid_grant", loose, w.consent(b, loose), proof)
		// One that is too short to be a secret.
		refuse("a short verifier", "invalid_grant", config, w.consent(b, config, oauth2.S256ChallengeOption("short")), oauth2.VerifierOption("short"))

		late := w.consent(b, config, oauth2.S256ChallengeOption(verifier))
		w.wait(desk.CodeLife)
		refuse("a code of a minute ago", "invalid_grant", config, late, proof)
	})
}

// TestCodeIsGoodOnce holds that a code that comes a second time ends what came of it: somebody else has it too.
func TestCodeIsGoodOnce(t *testing.T) {
	each(t, func(w *world) {
		config := w.config(w.client(desk.Client{RedirectURIs: []string{callback}, Label: "Zoho"}))
		b := w.browser(desk.RoleAdmin, "main")
		verifier := oauth2.GenerateVerifier()
		code := w.consent(b, config, oauth2.S256ChallengeOption(verifier))
		token, err := config.Exchange(w.Context(), code, oauth2.VerifierOption(verifier))
		if err != nil {
			w.Fatal(err)
		}
		beside := w.connected(config)
		if _, err := config.Exchange(w.Context(), code, oauth2.VerifierOption(verifier)); refusedBy(err) != "invalid_grant" {
			w.Errorf("a code's second use: %v", err)
		}
		w.wantEvent(desk.OpAuthorize, desk.Refused, "reused", "client Zoho: a code or refresh token was used a second time")
		w.wantOpen("the code's token", token.AccessToken, false)
		if _, err := w.refresh(config, token.RefreshToken); refusedBy(err) != "invalid_grant" {
			w.Errorf("the code's refresh token: %v", err)
		}
		w.wantOpen("another consent's token", beside.AccessToken, true)

		// Many at the same moment: one gets a token, which the others end.
		code = w.consent(b, config, oauth2.S256ChallengeOption(verifier))
		var mu sync.Mutex
		var tokens []string
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				token, err := config.Exchange(context.Background(), code, oauth2.VerifierOption(verifier))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					tokens = append(tokens, token.AccessToken)
				} else if refusedBy(err) != "invalid_grant" {
					w.Error(err)
				}
			})
		}
		wg.Wait()
		if len(tokens) != 1 {
			w.Fatalf("%d of six got a token", len(tokens))
		}
		w.wantOpen("the one's token", tokens[0], false)
	})
}

// TestRefresh holds what becomes of refresh tokens that are used in order, lost, kept to, and stolen.
func TestRefresh(t *testing.T) {
	each(t, func(w *world) {
		for name, public := range map[string]bool{"with a secret": false, "public": true} {
			config := w.config(w.client(desk.Client{RedirectURIs: []string{callback}, Public: public}))
			other := w.config(w.client(desk.Client{RedirectURIs: []string{callback}, Public: public}))
			next := func(token string) string {
				w.Helper()
				got, err := w.refresh(config, token)
				if err != nil {
					w.Fatalf("%s: %v", name, err)
				}
				w.wantOpen(name, got.AccessToken, true)
				return got.RefreshToken
			}
			ended := func(what, token string) {
				w.Helper()
				if _, err := w.refresh(config, token); refusedBy(err) != "invalid_grant" {
					w.Errorf("%s: %s: %v", name, what, err)
				}
			}
			first := w.connected(config).RefreshToken
			if _, err := w.refresh(other, first); refusedBy(err) != "invalid_grant" {
				w.Errorf("%s: another client's: %v", name, err)
			}
			second := next(first)
			third := next(second)
			// The answer with the fourth was lost; the third still counts.
			next(third)
			fourth := next(third)
			w.wait(100 * 24 * time.Hour)
			fifth := next(fourth)
			w.wait(100 * 24 * time.Hour) // each is good for 180 days
			sixth := next(fifth)
			ended("the third, long used", third)
			w.wantEvent(desk.OpAuthorize, desk.Refused, "reused", "")
			ended("the last, after an old one came up", sixth)

			// A client that keeps to its first refresh token.
			kept := w.connected(config).RefreshToken
			for range 3 {
				next(kept)
			}
			// A thief uses the same token as the client: whoever comes second with what he got is found out.
			token := w.connected(config).RefreshToken
			thiefs := next(token)
			clients := next(token)
			next(clients)
			ended("the thief's", thiefs)
			ended("the client's, after the thief's", clients)

			unused := w.connected(config).RefreshToken
			w.wait(desk.RefreshLife)
			ended("one of 180 days ago", unused)
		}
	})
}
