package portal_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

const password = "three words long"

// invite makes an agent, and returns the path of the link by which they set a password.
func invite(t *testing.T, s *testkit.Server, tenant, email string, role desk.Role) string {
	t.Helper()
	link, err := s.Auth.Invite(t.Context(), provision.System(tenant), &desk.Agent{Email: email, Role: role})
	if err != nil {
		t.Fatal(err)
	}
	return "/signin/" + link
}

// arrive opens an agent's link in a new browser and sets a password.
func arrive(t *testing.T, s *testkit.Server, tenant, email string, role desk.Role) *browser {
	t.Helper()
	link := invite(t, s, tenant, email, role)
	b := newBrowser(t, s.URL)
	if status, address, _ := b.post("/signin", url.Values{"token": {strings.TrimPrefix(link, "/signin/")}, "password": {password}}); status != 200 || address != "/" {
		t.Fatalf("the link leads %s to %s: %d", email, address, status)
	}
	return b
}

// wants fails unless an answer has a status, an address, and parts; a part that begins with ! must be absent.
func (b *browser) wants(status int, address string, parts ...string) func(int, string, string) {
	return func(gotStatus int, gotAddress, text string) {
		b.Helper()
		if gotStatus != status || gotAddress != address {
			b.Errorf("answered %d at %s, want %d at %s", gotStatus, gotAddress, status, address)
		}
		for _, part := range parts {
			if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, strings.TrimPrefix(part, "!")) {
				b.Errorf("%s: %q (absent: %v)\n%s", address, absent, not, text)
			}
		}
	}
}

func TestPasswordPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		link := invite(t, s, "main", "ann@desk.example", desk.RoleAgent)
		b := newBrowser(t, s.URL)
		token := strings.TrimPrefix(link, "/signin/")
		b.wants(200, link, "Choose a password", `value="ann@desk.example"`, `autocomplete="new-password"`, "!role=\"alert\"")(b.open(link))
		b.wants(400, "/signin", "at least 12 characters", `role="alert"`, `value="`+token+`"`)(b.post("/signin", url.Values{"token": {token}, "password": {"short"}}))
		b.wants(200, "/", "<h1>Home</h1>", "ann")(b.post("/signin", url.Values{"token": {token}, "password": {password}}))
		b.wants(401, link, "not valid, has been used", `role="alert"`, `autocomplete="current-password"`)(newBrowser(t, s.URL).open(link))
		b.post("/signout", nil)

		b.wants(200, "/signin", `autocomplete="username"`, "!Helpdesk", "API token")(b.open("/signin"))
		b.wants(401, "/signin", "address or the password is wrong", `role="alert"`, `value="ann@desk.example"`, "!"+password)(b.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password + "x"}}))
		b.wants(401, "/signin", "address or the password is wrong")(b.post("/signin", url.Values{"email": {`"><script>`}, "password": {"x"}}))
		b.wants(200, "/", "<h1>Home</h1>")(b.post("/signin", url.Values{"email": {"ANN@desk.example"}, "password": {password}}))
		if _, address, _ := b.post("/signin", url.Values{"email": {"ANN@desk.example"}, "password": {password}, "next": {"/contacts/x"}}); address != "/contacts/x" {
			t.Errorf("signing in leads to %s", address)
		}
		if _, address, _ := b.post("/signin", url.Values{"email": {"ANN@desk.example"}, "password": {password}, "next": {"//evil.example"}}); address != "/" {
			t.Errorf("signing in leads to %s", address)
		}

		// With a second helpdesk one says which.
		s.Connect(t, "other", "entra")
		b = newBrowser(t, s.URL)
		b.wants(200, "/signin", "Helpdesk", `name="tenant" value="ma&lt;in"`)(b.open("/signin?tenant=ma%3Cin"))
		b.wants(401, "/signin", "is wrong", `name="tenant" value="other"`)(b.post("/signin", url.Values{"tenant": {"other"}, "email": {"ann@desk.example"}, "password": {password}}))
		b.wants(401, "/signin", "is wrong")(b.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password}}))
		b.wants(200, "/")(b.post("/signin", url.Values{"tenant": {"main"}, "email": {"ann@desk.example"}, "password": {password}}))

		if log := s.Logged.String(); strings.Contains(log, "ann@") || strings.Contains(log, token) || strings.Contains(log, "three") {
			t.Errorf("the log holds %s", log)
		}
	})
}

// TestFirstAdministrator goes from the link that serve prints to an account, or past it.
func TestFirstAdministrator(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	first := func() *browser {
		t.Helper()
		signIn := auth.SignInLink("main", time.Now().UTC())
		link, err := s.Auth.Issue(t.Context(), provision.System("main"), &signIn)
		if err != nil {
			t.Fatal(err)
		}
		b := newBrowser(t, s.URL)
		b.wants(200, "/signin/"+link, "signs you in once", "!password")(b.open("/signin/" + link))
		b.wants(200, "/welcome", "Make your account", `autocomplete="new-password"`, `href="/contacts"`)(b.post("/signin", url.Values{"token": {link}}))
		return b
	}
	b := first()
	b.wants(400, "/welcome", "an email address", `role="alert"`, `value="Ann"`)(b.post("/welcome", url.Values{"name": {"Ann"}, "email": {"ann"}, "password": {password}}))
	b.wants(400, "/welcome", "at least 12")(b.post("/welcome", url.Values{"name": {"Ann"}, "email": {"ann@desk.example"}, "password": {"short"}}))
	b.wants(200, "/", "Ann")(b.post("/welcome", url.Values{"name": {"Ann"}, "email": {"ann@desk.example"}, "password": {password}}))
	again := newBrowser(t, s.URL)
	again.wants(200, "/", "Ann")(again.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password}}))

	b = first() // who skips it
	b.wants(200, "/contacts", "first sign-in")(b.open("/contacts"))
	b.wants(409, "/welcome", "exists already")(b.post("/welcome", url.Values{"name": {"Ann"}, "email": {"ann@desk.example"}, "password": {password}}))

	b = newBrowser(t, s.URL)
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
	if status, _, _ := b.post("/welcome", url.Values{"name": {"Kofi"}, "email": {"kofi@desk.example"}, "password": {password}}); status != 403 {
		t.Errorf("the bearer of an agent's token makes an account: %d", status)
	}
}

// TestSignInLimits holds that guessing is slow, by account and by address, and that one is told so.
func TestSignInLimits(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	from := func(address, email string) testkit.Answer {
		request, err := http.NewRequest("POST", s.URL+"/signin", strings.NewReader(url.Values{"email": {email}, "password": {"wrong"}}.Encode()))
		if err != nil {
			t.Error(err)
			return testkit.Answer{}
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("X-Forwarded-For", address)
		a, err := testkit.Do(request)
		if err != nil {
			t.Error(err)
		}
		return a
	}
	limited := func(what string, a testkit.Answer, text string) {
		t.Helper()
		if a.Status != 429 || a.Header.Get("Retry-After") == "" || !strings.Contains(string(a.Body), text) || !strings.Contains(string(a.Body), `role="alert"`) {
			t.Errorf("%s: %d\n%s", what, a.Status, a.Body)
		}
	}
	for i := range 10 {
		if a := from(fmt.Sprintf("192.0.2.%d", i), "ann@desk.example"); a.Status != 401 {
			t.Fatalf("guess %d: %d", i, a.Status)
		}
	}
	limited("one account from many addresses", from("192.0.2.99", "ANN@desk.example"), "for this account")
	// All at once, or a slow machine would not come up against the limit.
	var refused atomic.Int64
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if a := from("203.0.113.1", fmt.Sprintf("user%d@desk.example", i)); a.Status == 429 {
				refused.Add(1)
				limited("many accounts from one address", a, "from your network")
			}
		})
	}
	if wg.Wait(); refused.Load() == 0 {
		t.Error("sixty accounts could be tried at once from one address")
	}
}

// TestProviderPages goes to an OpenID provider and comes back.
func TestProviderPages(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	p := testkit.NewProvider(t)
	s.Auth.Providers = []auth.Provider{{Tenant: "main", Name: "Entra & Co", Issuer: p.URL, ClientID: p.Client, ClientSecret: p.Secret, Claim: "groups", Roles: map[string]desk.Role{"agents": desk.RoleAgent}, Scopes: []string{"openid"}}}
	p.SetClaims(map[string]any{"sub": "ann", "name": "Ann Mensah", "email": "ann@desk.example", "groups": []string{"agents"}})
	const way = "/signin/oidc?provider=Entra+%26+Co&tenant=main"
	b := newBrowser(t, s.URL)
	status, _, text := b.open("/signin")
	if status != 200 || !strings.Contains(html.UnescapeString(text), `href="`+way+`">Sign in with Entra & Co<`) {
		t.Errorf("the way to the provider is not there: %d\n%s", status, text)
	}
	b.wants(200, "/", "Ann Mensah")(b.open(way))
	b.wants(200, "/account", "your organisation")(b.open("/account"))
	b.wants(404, "/contacts/x")(newBrowser(t, s.URL).open(way + "&next=/contacts/x"))
	b.wants(200, "/")(newBrowser(t, s.URL).open(way + "&next=//evil.example"))
	b.wants(404, "/signin/oidc", "no such way")(b.open("/signin/oidc?provider=x&tenant=main"))
	b.wants(401, "/signin/oidc/callback", "Sign in again", `role="alert"`)(b.open("/signin/oidc/callback?state=x&code=y"))
	p.SetClaims(map[string]any{"sub": "eve", "email": "eve@desk.example", "groups": []string{"others"}})
	stranger := newBrowser(t, s.URL)
	stranger.wants(403, "/signin/oidc/callback", "has a role in this helpdesk", `role="alert"`)(stranger.open(way))
	if _, address, _ := stranger.open("/contacts"); address != "/signin" {
		t.Errorf("who was refused is at %s", address)
	}
	p.Fail(true)
	s.Auth.Providers[0].Issuer = p.URL + "/new"
	stranger.wants(503, "/signin/oidc", "cannot be asked now")(stranger.open(way))

	// With several helpdesks one says which, and sees its providers.
	s.Connect(t, "other", "entra")
	b.wants(200, "/signin", "your organisation", "!Entra &amp; Co")(b.open("/signin"))
	b.wants(200, "/signin", "Entra &amp; Co")(b.open("/signin?tenant=main"))
	b.wants(200, "/signin", "!Entra &amp; Co")(b.open("/signin?tenant=other"))
}

// TestJourneyProvider signs in with an organisation's account.
func TestJourneyProvider(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.Connect(v.T, "main", "entra")
		p := testkit.NewProvider(v.T)
		v.Auth.Providers = []auth.Provider{{Tenant: "main", Name: "Microsoft", Issuer: p.URL, ClientID: p.Client, ClientSecret: p.Secret, Claim: "groups", Roles: map[string]desk.Role{"admins": desk.RoleAdmin}, Scopes: []string{"openid"}}}
		p.SetClaims(map[string]any{"sub": "ann", "name": "Ann Mensah", "email": "ann@desk.example", "groups": []string{"admins"}})
		v.Open("/agents")
		v.Sees("or with a password")
		v.Click("Sign in with Microsoft")
		v.Sees("ann@desk.example", "Administrator")
	})
}

// TestEndedSession holds that who has to sign in again is told why, gets back, and need not type the helpdesk's name again.
func TestEndedSession(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	s.Connect(t, "other", "entra")
	b := newBrowser(t, s.URL)
	if _, address, text := b.open("/contacts?q=kofi"); address != "/signin" || !strings.Contains(text, "you get to the page that you asked for") || !strings.Contains(text, `name="next" value="/contacts?q=kofi"`) {
		t.Errorf("a page leads to %s\n%s", address, text)
	}
	post := func(referer string) string {
		t.Helper()
		r, err := http.NewRequest("POST", s.URL+"/connections/entra/settings", strings.NewReader("adopt=ask"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", referer)
		response, err := b.client.Do(r)
		_, address, text := b.read(response, err)
		if address != "/signin" || !strings.Contains(text, "the form was not saved") {
			t.Errorf("a form leads to %s\n%s", address, text)
		}
		return text
	}
	if text := post(s.URL + "/connections/entra/settings?x=1"); !strings.Contains(text, `name="next" value="/connections/entra/settings?x=1"`) {
		t.Errorf("it does not lead back:\n%s", text)
	}
	if text := post("https://evil.example/phish"); strings.Contains(text, "phish") {
		t.Error("it leads to another site")
	}
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}, "tenant": {"main"}})
	b.post("/signout", nil)
	if _, _, text := b.open("/signin"); !strings.Contains(text, `name="tenant" value="main"`) {
		t.Error("the helpdesk is forgotten")
	}
}
