package auth_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
)

// door is a server whose tenants' agents come from an OpenID provider.
type door struct {
	*desks
	provider *testkit.Provider
}

func doors(t *testing.T, f func(*door)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		d := &door{&desks{T: t, Server: testkit.NewServer(t, databaseURL)}, testkit.NewProvider(t)}
		d.Connect(t, "main", "entra")
		d.Connect(t, "other", "entra")
		d.Auth.Providers = d.read(`[
			{"tenant":"main","name":"Entra","issuer":"ISSUER","clientId":"rollcall","clientSecret":"SECRET","roles":{"agents-id":"agent","admins-id":"admin"}},
			{"tenant":"main","name":"By address","issuer":"ISSUER","clientId":"rollcall","clientSecret":"SECRET","claim":"email","roles":{"@Desk.example":"agent","boss@desk.example":"admin"}},
			{"tenant":"main","name":"Google","issuer":"ISSUER","clientId":"rollcall","clientSecret":"SECRET","claim":"hd","roles":{"desk.example":"agent"}},
			{"tenant":"main","name":"Trusted","issuer":"ISSUER","clientId":"rollcall","clientSecret":"SECRET","claim":"roles","roles":{"Desk.Agent":"agent"},"trustEmails":true},
			{"tenant":"main","name":"Wrong secret","issuer":"ISSUER","clientId":"rollcall","clientSecret":"x","roles":{"agents-id":"agent"}},
			{"tenant":"other","name":"Entra","issuer":"ISSUER","clientId":"rollcall","clientSecret":"SECRET","roles":{"agents-id":"agent"}}]`)
		f(d)
	})
}

func (d *door) read(text string) []auth.Provider {
	d.Helper()
	list, err := auth.ReadProviders([]byte(strings.NewReplacer("ISSUER", d.provider.URL, "SECRET", d.provider.Secret).Replace(text)))
	if err != nil {
		d.Fatal(err)
	}
	return list
}

// claims are those of Ann, who is an agent, with some changed.
func claims(changes map[string]any) map[string]any {
	c := map[string]any{"sub": "ann", "name": "Ann Mensah", "email": "ann@desk.example", "email_verified": true, "groups": []string{"others-id", "agents-id"}}
	maps.Copy(c, changes)
	return c
}

// visit goes to the provider, and returns the request with which the browser comes back.
func (d *door) visit(tenant, provider string) *http.Request {
	d.Helper()
	address, cookie, err := d.Auth.StartProvider(bearing(""), tenant, provider, "/contacts/x")
	if err != nil {
		d.Fatal(err)
	}
	if cookie.Name != "rollcall_oidc" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 600 || cookie.Path != "/" {
		d.Errorf("the cookie is %v", cookie)
	}
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		d.Fatal(err)
	}
	a, err := testkit.Do(request)
	if err != nil || a.Status != 302 || !strings.HasPrefix(a.Header.Get("Location"), d.URL+"/signin/oidc/callback?") {
		d.Fatalf("the provider answers %d %s %s, %v", a.Status, a.Header.Get("Location"), a.Body, err)
	}
	back := httptest.NewRequest("GET", a.Header.Get("Location"), nil)
	back.AddCookie(cookie)
	return back
}

// come signs in by a provider, and returns a request of the browser.
func (d *door) come(provider string, said map[string]any) (*http.Request, error) {
	d.Helper()
	d.provider.SetClaims(said)
	return d.finish(d.visit("main", provider))
}

func (d *door) finish(back *http.Request) (*http.Request, error) {
	d.Helper()
	cookies, next, err := d.Auth.FinishProvider(back)
	if len(cookies) == 0 || cookies[0].Name != "rollcall_oidc" || cookies[0].MaxAge >= 0 {
		d.Errorf("the cookies are %v", cookies)
	}
	if err != nil {
		if len(cookies) != 1 {
			d.Errorf("with the error %v there are cookies %v", err, cookies)
		}
		return nil, err
	}
	if next != "/contacts/x" {
		d.Errorf("it goes on to %q", next)
	}
	return with(cookies[1]), nil
}

func (d *door) welcome(provider string, said map[string]any) desk.Actor {
	d.Helper()
	browser, err := d.come(provider, said)
	if err != nil {
		d.Fatal(err)
	}
	return d.actor(browser)
}

func TestProviderSignIn(t *testing.T) {
	doors(t, func(d *door) {
		browser, err := d.come("Entra", claims(nil))
		if err != nil {
			t.Fatal(err)
		}
		ann := d.actor(browser)
		if ann.Name != "Ann Mensah" || ann.Role != desk.RoleAgent || ann.TenantID != "main" || ann.AgentID == "" {
			t.Errorf("signed in as %+v", ann)
		}
		// What the provider says next time is what counts, and another role ends the sessions.
		again := d.welcome("Entra", claims(map[string]any{"name": "Ann", "email": "ann.mensah@desk.example", "groups": []string{"agents-id", "admins-id"}}))
		if again.AgentID != ann.AgentID || again.Role != desk.RoleAdmin || again.Name != "Ann" {
			t.Errorf("signed in as %+v", again)
		}
		d.in("the session with the former role", browser, false)
		g, err := d.Auth.Agent(t.Context(), system, ann.AgentID)
		if err != nil || g.Email != "ann.mensah@desk.example" || g.PasswordHash != "" || g.Identity != (desk.Identity{Issuer: d.provider.URL, Subject: "ann"}) {
			t.Errorf("the record is %+v, %v", g, err)
		}
		_, err = d.Auth.PasswordSignIn(bearing(""), "main", g.Email, "")
		d.wantKind("a password that is none", err, desk.Unauthenticated)
		// What is not good to be stored is not.
		odd := d.welcome("Entra", claims(map[string]any{"sub": "odd", "name": "a\nb", "email": "odd@desk.example"}))
		if odd.Name != "odd" {
			t.Errorf("signed in as %+v", odd)
		}
		// Another tenant's agent of the same provider is another.
		d.provider.SetClaims(claims(nil))
		if browser, err = d.finish(d.visit("other", "Entra")); err != nil {
			t.Fatal(err)
		}
		if other := d.actor(browser); other.TenantID != "other" || other.AgentID == ann.AgentID {
			t.Errorf("signed in as %+v", other)
		}
		_, _, err = d.Auth.StartProvider(bearing(""), "other", "Google", "")
		d.wantKind("another tenant's provider", err, desk.NotFound)
		for _, line := range []string{
			"Ann Mensah: create created agent (agent Ann Mensah) role <nil>→agent", "Ann Mensah: signin started oidc",
			"Ann: patch updated agent (agent Ann) role agent→admin",
		} {
			if !slices.Contains(d.log(), line) {
				t.Errorf("the log lacks %q: %q", line, d.log())
			}
		}
	})
}

// TestProviderRefusals signs in with what proves too little.
func TestProviderRefusals(t *testing.T) {
	doors(t, func(d *door) {
		pass := d.agent("kofi@desk.example", desk.RoleAdmin)
		ann := d.welcome("Entra", claims(nil))
		for what, c := range map[string]struct {
			provider string
			changes  map[string]any
			kind     desk.Kind
			log      string
		}{
			"no group of ours":               {"Entra", map[string]any{"sub": "x", "email": "x@desk.example", "groups": []string{"agents"}}, desk.Forbidden, ""},
			"no groups":                      {"Entra", map[string]any{"sub": "x", "groups": nil}, desk.Forbidden, ""},
			"groups of another type":         {"Entra", map[string]any{"sub": "x", "groups": []any{1, true, nil, []string{"agents-id"}}}, desk.Forbidden, ""},
			"more groups than are sent":      {"Entra", map[string]any{"sub": "x", "groups": nil, "_claim_names": map[string]string{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example/groups"}}}, desk.Forbidden, "more groups than the provider sends"},
			"an agent who is in none":        {"Entra", map[string]any{"groups": []string{}}, desk.Forbidden, ""},
			"an address of an agent":         {"Entra", map[string]any{"sub": "k", "email": "KOFI@desk.example", "email_verified": false}, desk.Conflict, "does not prove that it is you"},
			"the same, and nothing is said":  {"Entra", map[string]any{"sub": "k", "email": "kofi@desk.example", "email_verified": nil}, desk.Conflict, ""},
			"the same, and not true is said": {"Entra", map[string]any{"sub": "k", "email": "kofi@desk.example", "email_verified": "no"}, desk.Conflict, ""},
			"the same, as a user name":       {"Trusted", map[string]any{"sub": "k", "email": nil, "preferred_username": "kofi@desk.example", "roles": "Desk.Agent"}, desk.Conflict, ""},
			"the address of who came before": {"Entra", map[string]any{"sub": "another ann"}, desk.Conflict, ""},
			"no address":                     {"Entra", map[string]any{"sub": "x", "email": nil}, desk.InvalidValue, ""},
			"an address that is none":        {"Entra", map[string]any{"sub": "x", "email": "x"}, desk.InvalidValue, ""},
			"another domain":                 {"By address", map[string]any{"sub": "x", "email": "x@evil-desk.example"}, desk.Forbidden, ""},
			"a domain that is not verified":  {"By address", map[string]any{"sub": "x", "email": "x@desk.example", "email_verified": false}, desk.Forbidden, "not verified"},
			"two domains":                    {"By address", map[string]any{"sub": "x", "email": "boss@desk.example@evil.example"}, desk.Forbidden, ""},
			"no Google organisation":         {"Google", map[string]any{"sub": "x"}, desk.Forbidden, ""},
			"another Google organisation":    {"Google", map[string]any{"sub": "x", "hd": "evil.example"}, desk.Forbidden, ""},
			"no subject":                     {"Entra", map[string]any{"sub": nil}, desk.Unauthenticated, ""},
			"a subject of 256 signs":         {"Entra", map[string]any{"sub": strings.Repeat("x", 256)}, desk.Unauthenticated, ""},
		} {
			_, err := d.come(c.provider, claims(c.changes))
			d.wantKind(what, err, c.kind)
			if c.log != "" && !strings.Contains(strings.Join(d.log(), "\n"), c.log) {
				t.Errorf("%s: the log lacks %q: %q", what, c.log, d.log())
			}
			// Refusals of one person are recorded once a minute; the next case is somebody else's.
			d.Auth.Close()
			d.Store.Now = func(before func() time.Time) func() time.Time {
				return func() time.Time { return before().Add(61 * time.Second) }
			}(d.Store.Now)
		}
		d.Auth.Close()
		d.Store.Now = time.Now
		if g, err := d.Auth.Agent(t.Context(), system, pass.ID); err != nil || g.Identity != (desk.Identity{}) {
			t.Errorf("the record is %+v, %v", g, err)
		}
		if err := d.edit(ann.AgentID, disabled(true)); err != nil {
			t.Fatal(err)
		}
		_, err := d.come("Entra", claims(nil))
		d.wantKind("a disabled agent", err, desk.Forbidden)
		list, err := d.Auth.Agents(t.Context(), system, "", 100)
		if err != nil || len(list) != 2 {
			t.Errorf("there are %d agents, %v", len(list), err)
		}
	})
}

// TestProviderLinks has agents who were there come by a provider for the first time.
func TestProviderLinks(t *testing.T) {
	doors(t, func(d *door) {
		for email, c := range map[string]struct {
			provider string
			changes  map[string]any
			role     desk.Role
		}{
			"verified@desk.example": {"Entra", map[string]any{"sub": "1"}, desk.RoleAgent},
			"text@desk.example":     {"Entra", map[string]any{"sub": "2", "email_verified": "true"}, desk.RoleAgent},
			"edov@desk.example":     {"Entra", map[string]any{"sub": "3", "email_verified": nil, "xms_edov": true, "groups": []string{"admins-id"}}, desk.RoleAdmin},
			"edov1@desk.example":    {"Entra", map[string]any{"sub": "4", "email_verified": nil, "xms_edov": 1}, desk.RoleAgent},
			"trusted@desk.example":  {"Trusted", map[string]any{"sub": "5", "email_verified": nil, "roles": []string{"Desk.Agent"}}, desk.RoleAgent},
			"BOSS@desk.example":     {"By address", map[string]any{"sub": "6"}, desk.RoleAdmin},
			"domain@DESK.example":   {"By address", map[string]any{"sub": "7"}, desk.RoleAgent},
			"google@desk.example":   {"Google", map[string]any{"sub": "8", "hd": "Desk.Example"}, desk.RoleAgent},
		} {
			g := d.agent(strings.ToLower(email), desk.RoleAgent)
			c.changes["email"] = email
			if actor := d.welcome(c.provider, claims(c.changes)); actor.AgentID != g.ID || actor.Role != c.role {
				t.Errorf("%s is %+v", email, actor)
			}
			d.enter(strings.ToLower(email)) // the password is still good
		}
		if !strings.Contains(strings.Join(d.log(), "\n"), "provider <nil>→Google") {
			t.Errorf("the log is %q", d.log())
		}
	})
}

// TestProviderAttacks comes back from the provider with what is not an answer to this browser, or not this provider's.
func TestProviderAttacks(t *testing.T) {
	doors(t, func(d *door) {
		refused := func(what string, back *http.Request) {
			t.Helper()
			_, err := d.finish(back)
			d.wantKind(what, err, desk.Unauthenticated)
		}
		d.provider.SetClaims(claims(nil))
		// changed returns an answer with another query.
		changed := func(back *http.Request, change func(url.Values)) *http.Request {
			t.Helper()
			q := back.URL.Query()
			change(q)
			other := httptest.NewRequest("GET", "/signin/oidc/callback?"+q.Encode(), nil)
			for _, c := range back.Cookies() {
				other.AddCookie(c)
			}
			return other
		}
		refused("another state", changed(d.visit("main", "Entra"), func(q url.Values) { q.Set("state", "x") }))
		refused("no state", changed(d.visit("main", "Entra"), func(q url.Values) { q.Del("state") }))
		refused("another issuer's answer", changed(d.visit("main", "Entra"), func(q url.Values) { q.Set("iss", "https://evil.example") }))
		refused("an error", changed(d.visit("main", "Entra"), func(q url.Values) { q.Del("code"); q.Set("error", "<script>") }))
		refused("a made-up code", changed(d.visit("main", "Entra"), func(q url.Values) { q.Set("code", "x") }))

		// An attacker's answer in a victim's browser, which has no cookie, or another one.
		attacker, victim := d.visit("main", "Entra"), d.visit("main", "Entra")
		refused("no cookie", httptest.NewRequest("GET", attacker.URL.String(), nil))
		crossed := httptest.NewRequest("GET", attacker.URL.String(), nil)
		crossed.AddCookie(victim.Cookies()[0])
		refused("another browser's cookie", crossed)
		// A victim's code in the attacker's own answer: the verifier is another.
		refused("another browser's code", changed(attacker, func(q url.Values) { q.Set("code", victim.URL.Query().Get("code")) }))
		for what, value := range map[string]string{"no base64": "%", "no JSON": "eA", "nothing in it": base64.RawURLEncoding.EncodeToString([]byte("{}"))} {
			broken := httptest.NewRequest("GET", "/signin/oidc/callback?state=&code=x", nil)
			broken.AddCookie(&http.Cookie{Name: "rollcall_oidc", Value: value})
			refused("a cookie with "+what, broken)
		}

		// An answer is good once.
		back := d.visit("main", "Entra")
		if _, err := d.finish(back); err != nil {
			t.Fatal(err)
		}
		refused("a replayed answer", back)

		for what, changes := range map[string]map[string]any{
			"another nonce":           {"nonce": "x"},
			"no nonce":                {"nonce": nil},
			"another issuer":          {"iss": "https://evil.example"},
			"another audience":        {"aud": "another client"},
			"given to another client": {"aud": []string{"rollcall", "another"}, "azp": "another"},
			"several, and no azp":     {"aud": []string{"rollcall", "another"}},
			"expired":                 {"exp": time.Now().Add(-time.Minute).Unix()},
			"of the future":           {"nbf": time.Now().Add(time.Hour).Unix()},
		} {
			_, err := d.come("Entra", claims(changes))
			d.wantKind(what, err, desk.Unauthenticated)
		}
		d.provider.SetClaims(claims(nil))
		former := d.provider.SetKey(testkit.NewKey(t))
		refused("another key", d.visit("main", "Entra"))
		d.provider.SetKey(former)

		_, err := d.come("Wrong secret", claims(nil))
		d.wantKind("a client secret that is wrong", err, desk.Unavailable)
		back = d.visit("main", "Entra")
		d.provider.Fail(true)
		_, err = d.finish(back)
		d.wantKind("a provider out of order", err, desk.Unavailable)
		d.provider.Fail(false)
		if log := d.Logged.String(); strings.Contains(log, "ann@") || strings.Contains(log, "Mensah") || strings.Contains(log, "secret &") || strings.Contains(log, "<script") || !strings.Contains(log, "another nonce") {
			t.Errorf("the log holds %s", log)
		}
	})
}

// TestProviderCookie holds that over https the cookie is of this host alone.
func TestProviderCookie(t *testing.T) {
	d := &door{&desks{T: t, Server: testkit.NewServer(t, testkit.SQLite(t))}, testkit.NewProvider(t)}
	d.Auth.PublicURL = "https://desk.example/portal"
	d.Auth.Providers = d.read(`[{"tenant":"main","name":"E","issuer":"ISSUER","clientId":"rollcall","roles":{"a":"agent"},"scopes":["groups"]}]`)
	address, cookie, err := d.Auth.StartProvider(bearing(""), "main", "E", strings.Repeat("x", 2000))
	if err != nil || cookie.Name != "__Host-rollcall_oidc" || !cookie.Secure || !cookie.HttpOnly || len(cookie.Value) > 1000 {
		t.Errorf("the cookie is %v, %v", cookie, err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	if q := u.Query(); q.Get("redirect_uri") != "https://desk.example/portal/signin/oidc/callback" || q.Get("scope") != "openid groups" || q.Get("code_challenge_method") != "S256" || len(q.Get("nonce")) < 40 || len(q.Get("state")) < 40 {
		t.Errorf("it goes to %s", address)
	}
}

func TestReadProviders(t *testing.T) {
	good := `{"tenant":"main","name":"Entra","issuer":"https://login.example/t/v2.0","clientId":"c","clientSecret":"s","roles":{"g":"admin"}}`
	list, err := auth.ReadProviders([]byte("[" + good + "]"))
	if err != nil || len(list) != 1 || list[0].Claim != "groups" || strings.Join(list[0].Scopes, " ") != "openid profile email" || list[0].Roles["g"] != desk.RoleAdmin {
		t.Errorf("read %+v, %v", list, err)
	}
	for text, want := range map[string]string{
		``:                               "JSON list",
		good:                             "JSON list",
		`[` + good + `] x`:               "something after",
		`[` + good + `,` + good + `]`:    "provider 2: tenant main has another one",
		`[{"tenant":"main","typo":"x"}]`: "typo",
	} {
		if _, err := auth.ReadProviders([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
	for change, want := range map[string]string{
		`"tenant":"main"→"tenant":"Main!"`:                        "no tenant's slug",
		`"name":"Entra"→"name":""`:                                "the name is missing",
		`https://login.example/t/v2.0→http://login.example`:       "want an https URL",
		`https://login.example/t/v2.0→https://u:p@login.example`:  "want an https URL",
		`https://login.example/t/v2.0→https://login.example/?x=1`: "want an https URL",
		`https://login.example/t/v2.0→login.example`:              "want an https URL",
		`"clientId":"c"→"clientId":""`:                            "clientId is missing",
		`{"g":"admin"}→{}`:                                        "roles is missing",
		`{"g":"admin"}→{"g":"boss"}`:                              "a role is agent or admin",
		`{"g":"admin"}→{"":"agent"}`:                              "a role is agent or admin",
	} {
		from, to, _ := strings.Cut(change, "→")
		if _, err := auth.ReadProviders([]byte("[" + strings.Replace(good, from, to, 1) + "]")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
	local := strings.Replace(good, "https://login.example/t/v2.0", "http://127.0.0.1:5556/dex", 1)
	if _, err := auth.ReadProviders([]byte("[" + local + "]")); err != nil {
		t.Error(err)
	}
}
