package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/internal/testkit"
)

// TestNothingPersonalIsLogged has directories, agents and programs do what they do and provokes each kind of error, with names, addresses
// and secrets that would be recognised, and looks for them in all that the server writes and in its traces, at the lowest level.
func TestNothingPersonalIsLogged(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		traced := &spans{}
		collector := httptest.NewServer(traced)
		defer collector.Close()
		provider := testkit.NewProvider(t)
		provider.SetClaims(map[string]any{"sub": "zyx-subject", "email": "zyx.agent@zyx.example", "email_verified": true, "name": "Zyx Agent", "groups": []string{"zyx-admins"}})
		provider.Secret = "zyx-provider-secret"
		text, err := json.Marshal([]any{map[string]any{"tenant": "main", "name": "idp", "issuer": provider.URL, "clientId": provider.Client, "clientSecret": provider.Secret, "claim": "groups", "roles": map[string]string{"zyx-admins": "admin"}}})
		if err != nil {
			t.Fatal(err)
		}
		providers := filepath.Join(t.TempDir(), "providers.json")
		if err := os.WriteFile(providers, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p := start(t, databaseURL, "--log-format", "json", "--log-level", "debug", "--otlp", collector.URL, "--oidc", providers, "--rate", "60")
		run := func(args ...string) string {
			t.Helper()
			code, stdout, stderr := command(t, append(args, "--tenant", "main", "--database", databaseURL)...)
			if code != 0 {
				t.Fatal(stderr)
			}
			return strings.TrimSpace(stdout)
		}
		secrets := map[string]string{"anything made up": "zyx", "a telephone number": "4955512349876"}
		scim, admin := p.greeted("Secret token"), run("token", "create", "--role", "admin")
		secrets["the SCIM token"], secrets["the API token"] = scim, admin
		link := run("agent", "create", "zyx.agent@zyx.example", "--role", "admin", "--name", "Zyx Agent", "--public-url", p.base)
		secrets["a sign-in link"] = link[strings.LastIndex(link, "/")+1:]
		client := run("client", "create", "--connection", "entra", "--label", "Zyx")
		id, secret := regexp.MustCompile(`Client id:\s+(\S+)`).FindStringSubmatch(client)[1], regexp.MustCompile(`Client secret:\s+(\S+)`).FindStringSubmatch(client)[1]
		secrets["a client's secret"] = secret

		statuses := map[int]bool{}
		users := p.base + "/scim/main/entra/Users"
		call := func(method, place, token string, body any) testkit.Answer {
			t.Helper()
			a := testkit.Call(t, method, place, token, body)
			statuses[a.Status] = true
			return a
		}
		user := `{"userName":"zyx.user@zyx.example","externalId":"zyx-external","displayName":"Zyx Zyxson","title":"Zyxer","active":true,"name":{"familyName":"Zyxson"},
			"emails":[{"type":"work","value":"zyx.user@zyx.example"}],"phoneNumbers":[{"type":"work","value":"+4955512349876"}],"zyxAttribute":"zyx"}`
		person := call("POST", users, scim, user).Want(t, 201)["id"].(string)
		call("POST", users, scim, user).Want(t, 409)
		call("POST", users, scim, `{"userName":"zyx`).Want(t, 400)
		call("POST", users, scim, `{"userName":{"zyx":"zyx"}}`).Want(t, 400)
		call("POST", users, "rcs_main_zyx", user).Want(t, 401)
		call("GET", users+"/zyx.user@zyx.example", scim, nil).Want(t, 404)
		call("GET", users+"/zyx.user@zyx.example/x/Zyx%20Zyxson", scim, nil).Want(t, 404)
		call("GET", users+"?filter="+url.QueryEscape(`userName eq "zyx.user@zyx.example"`), scim, nil).Want(t, 200)
		call("GET", users+"?filter="+url.QueryEscape(`zyx qe "zyx"`), scim, nil).Want(t, 400)
		call("PATCH", users+"/"+person, scim, `{"Operations":[{"op":"replace","path":"zyx[","value":"zyx"}]}`).Want(t, 400)
		call("PATCH", users+"/"+person, scim, `{"Operations":[{"op":"replace","path":"title","value":"Zyx"}]}`).Want(t, 200)
		call("POST", p.base+"/scim/main/entra/Bulk", scim, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{"method":"POST","path":"/Users","bulkId":"zyx","data":`+user+`}]}`).Want(t, 200)
		contacts := p.base + "/api/v1/contacts"
		call("GET", contacts+"?q=zyx.user@zyx.example", admin, nil).Want(t, 200)
		contact := call("POST", contacts, admin, `{"displayName":"Zyx","emails":[{"value":"zyx@zyx.example"}]}`).Want(t, 201)["id"].(string)
		call("POST", contacts, admin, `{"displayName":7,"zyx":"zyx"}`)
		precondition, err := http.NewRequest("PATCH", contacts+"/"+contact, strings.NewReader(`{"title":"Zyx"}`))
		if err != nil {
			t.Fatal(err)
		}
		precondition.Header = http.Header{"Authorization": {"Bearer " + admin}, "If-Match": {`"zyx"`}, "Content-Type": {"application/json"}, "User-Agent": {"zyx"}, "X-Forwarded-For": {"192.0.2.77"}, "Referer": {p.base + "/contacts?q=zyx"}}
		if a, err := testkit.Do(precondition); err != nil || a.Status != 412 {
			t.Fatal(a.Status, err)
		}
		call("GET", p.base+"/nowhere/zyx.user@zyx.example?q=zyx", "", nil).Want(t, 404)

		grant := func(secret string) testkit.Answer {
			t.Helper()
			a, err := http.PostForm(p.base+"/oauth/main/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			var body map[string]any
			json.NewDecoder(a.Body).Decode(&body)
			if token, ok := body["access_token"].(string); ok {
				secrets["an access token"] = token
			}
			return testkit.Answer{Status: a.StatusCode}
		}
		if good, bad := grant(secret), grant("rck_main_zyx"); good.Status != 200 || bad.Status != 401 {
			t.Errorf("the token endpoint answers %d and %d", good.Status, bad.Status)
		}

		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			if code := r.URL.Query().Get("code"); code != "" {
				secrets["an OpenID code"], secrets["an OpenID state"] = code, r.URL.Query().Get("state")
			}
			return nil
		}}
		visit := func(method, path string, form url.Values) (int, string) {
			t.Helper()
			var a *http.Response
			if method == "POST" {
				a, err = browser.PostForm(p.base+path, form)
			} else {
				a, err = browser.Get(p.base + path)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer a.Body.Close()
			base, _ := url.Parse(p.base)
			for _, c := range jar.Cookies(base) {
				if len(c.Value) > 20 {
					secrets["the cookie "+c.Name+" after "+path] = c.Value
				}
			}
			return a.StatusCode, a.Request.URL.Path
		}
		visit("POST", "/signin", url.Values{"email": {"zyx.agent@zyx.example"}, "password": {"zyx is no password"}, "tenant": {"main"}})
		visit("POST", "/signin", url.Values{"token": {"rca_main_zyx"}})
		visit("GET", "/signin/rcl_main_zyx", nil)
		visit("GET", "/signin/oidc/callback?code=zyx-code&state=zyx-state", nil)
		visit("GET", "/signin/oidc/callback?error=zyx&error_description=zyx", nil)
		provider.Fail(true)
		visit("GET", "/signin/oidc?tenant=main&provider=idp", nil)
		provider.Fail(false)
		visit("GET", "/signin/oidc?tenant=main&provider=idp", nil)
		if status, at := visit("POST", "/signin", url.Values{"token": {admin}}); status != 200 || at != "/" {
			t.Fatalf("signing in leads to %s, %d", at, status)
		}
		for _, path := range []string{"/contacts?q=zyx.user@zyx.example&status=all", "/contacts/" + contact, "/contacts/zyx.user@zyx.example", "/log?person=zyx.user@zyx.example", "/companies?q=zyx", "/agents", "/nowhere?zyx"} {
			visit("GET", path, nil)
		}
		visit("POST", "/contacts/new", url.Values{"displayName": {"Zyx"}, "email": {"zyx"}, "userName": {"zyx\x00"}})

		// Faults of the server's own.
		db := testkit.OpenSQL(t, databaseURL)
		exec := func(statement string) {
			t.Helper()
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		again := strings.ReplaceAll(user, "zyx", "zyx2")
		exec("ALTER TABLE events RENAME TO broken")
		call("POST", users, scim, again).Want(t, 500)
		call("PATCH", contacts+"/"+contact, admin, `{"title":"Zyxest"}`).Want(t, 500)
		visit("GET", "/log?person=zyx.user@zyx.example", nil)
		exec("ALTER TABLE broken RENAME TO events")
		if !strings.HasPrefix(databaseURL, "sqlite:") {
			for _, broken := range []string{"ADD CONSTRAINT broken CHECK (title NOT LIKE 'Zyx%') NOT VALID", "ALTER COLUMN title TYPE date USING '2026-11-20'"} {
				exec("ALTER TABLE contacts " + broken)
				call("POST", users, scim, again).Want(t, 500)
				call("PATCH", contacts+"/"+contact, admin, `{"title":"Zyxest"}`).Want(t, 500)
				exec("ALTER TABLE contacts DROP CONSTRAINT IF EXISTS broken")
			}
		}
		for i := 0; i < 500 && !statuses[429]; i++ {
			call("GET", users+"?filter=userName+eq+%22zyx%22", scim, nil)
		}
		for _, status := range []int{200, 201, 400, 401, 404, 409, 429, 500} {
			if !statuses[status] {
				t.Errorf("no request was answered with %d", status)
			}
		}
		if code := p.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}
		log := p.stderr.String()
		if strings.Count(log, `"level":"ERROR"`) < 3 || strings.Count(log, `"msg":"request"`) < 40 || !strings.Contains(log, `"level":"DEBUG"`) {
			t.Errorf("the log is %s", log)
		}
		delete(secrets, "")
		for _, what := range []string{"an access token", "the SCIM token", "an OpenID code", "a sign-in link"} {
			if len(secrets[what]) < 10 {
				t.Errorf("%s is %q", what, secrets[what])
			}
		}
		leaks := 0
		look := func(where, line string) {
			lower := strings.ToLower(line)
			for what, value := range secrets {
				if strings.Contains(lower, strings.ToLower(value)) && leaks < 20 {
					leaks++
					t.Errorf("%s tells %s: %s", where, what, strings.TrimSpace(line))
				}
			}
		}
		for line := range strings.Lines(log) {
			look("the log", line)
			if !json.Valid([]byte(line)) {
				t.Errorf("a line is no JSON: %s", line)
			}
		}
		traced.mu.Lock()
		defer traced.mu.Unlock()
		if len(traced.list) < 100 {
			t.Errorf("%d spans only", len(traced.list))
		}
		for _, s := range traced.list {
			s.TraceId, s.SpanId, s.ParentSpanId = nil, nil, nil // random bytes, which spell anything at times
			look("a trace", fmt.Sprint(s))
		}
	})
}
