package portal_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// browser keeps cookies and follows redirects.
type browser struct {
	*testing.T
	base   string
	client *http.Client
}

func newBrowser(t *testing.T, base string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, base, &http.Client{Jar: jar}}
}

// open gets a page and returns its status, address and text.
func (b *browser) open(path string) (status int, address, text string) {
	b.Helper()
	response, err := b.client.Get(b.base + path)
	return b.read(response, err)
}

func (b *browser) post(path string, form url.Values) (status int, address, text string) {
	b.Helper()
	response, err := b.client.PostForm(b.base+path, form)
	return b.read(response, err)
}

func (b *browser) read(response *http.Response, err error) (int, string, string) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return response.StatusCode, response.Request.URL.Path, string(text)
}

func TestSignIn(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		_, scim := s.Connect(t, "main", "entra")
		b := newBrowser(t, s.URL)
		for _, path := range []string{"/", "/contacts", "/contacts/x"} {
			if _, address, text := b.open(path); address != "/signin" || !strings.Contains(text, "API token") {
				t.Errorf("%s leads to %s", path, address)
			}
		}
		for _, token := range []string{"", "x", scim, s.Token(t, "main", desk.RoleAgent) + "x"} {
			if status, _, text := b.post("/signin", url.Values{"token": {token}}); status != 401 || !strings.Contains(text, "not valid") {
				t.Errorf("%.8q signs in: %d", token, status)
			}
		}
		token := s.Token(t, "main", desk.RoleAgent)
		if status, address, text := b.post("/signin", url.Values{"token": {" " + token + " "}}); status != 200 || address != "/" || !strings.Contains(text, "1 connection is not set up yet") || !strings.Contains(text, "<strong>test</strong>") {
			t.Fatalf("signing in leads to %s: %d", address, status)
		}
		if _, address, _ := b.post("/signout", nil); address != "/signin" {
			t.Errorf("signing out leads to %s", address)
		}
		if _, address, _ := b.open("/contacts"); address != "/signin" {
			t.Error("the session outlives signing out")
		}

		// A link is good once, and opening it does not use it up.
		signIn := auth.SignInLink("main", time.Now().UTC())
		link, err := s.Auth.Issue(t.Context(), provision.System("main"), &signIn)
		if err != nil {
			t.Fatal(err)
		}
		b.open("/signin/" + link)
		if _, _, text := b.open("/signin/" + link); !strings.Contains(text, `value="`+link+`"`) {
			t.Error("the link's page does not offer to sign in")
		}
		if _, address, _ := b.post("/signin", url.Values{"token": {link}}); address != "/welcome" {
			t.Error("the link does not sign in")
		}
		if status, _, _ := newBrowser(t, s.URL).post("/signin", url.Values{"token": {link}}); status != 401 {
			t.Error("the link signs in twice")
		}
	})
}

func TestContactPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, token := s.Connect(t, "main", "entra")
		push := func(body string) string {
			u := testkit.Call(t, "POST", base+"/Users", token, body).Want(t, 201)
			user, err := s.Engine.User(t.Context(), desk.Actor{TenantID: "main", Connection: "entra"}, u["id"].(string))
			if err != nil {
				t.Fatal(err)
			}
			return *user.ContactID
		}
		contact := push(`{"userName":"named"}`)
		id := push(`{"userName":"k","externalId":"K-1","displayName":"<script>alert(1)</script>","title":"<b>","emails":[{"value":"\"><img src=x>@acme.example"}]}`)
		push(`{"userName":"gone","displayName":"Gone Girl","active":false}`)
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		wants := func(path string, status int, parts ...string) {
			t.Helper()
			got, _, text := b.open(path)
			if got != status {
				t.Errorf("%s: status %d, want %d", path, got, status)
			}
			for _, part := range parts {
				if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, strings.TrimPrefix(part, "!")) {
					t.Errorf("%s: %q (absent: %v)", path, absent, not)
				}
			}
			for _, raw := range []string{"<script>", "<img", "<b>", "style="} {
				if strings.Contains(text, raw) {
					t.Errorf("%s holds %s", path, raw)
				}
			}
			if strings.Count(text, "<script") != strings.Count(text, `<script src="/static/`) {
				t.Errorf("%s holds a script that is not the portal's", path)
			}
		}
		// The history tells a company by its name, as long as there is one.
		agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann"}
		for _, f := range []desk.Field{{Name: "location", Type: desk.FieldText, Multiple: true}, {Name: "floors", Type: desk.FieldNumber, Multiple: true}} {
			if err := s.Engine.CreateField(t.Context(), agent, f); err != nil {
				t.Fatal(err)
			}
		}
		placed := push(`{"userName":"placed","` + desk.FieldsURN + `":{"location":["Accra","<b>"],"floors":[2,7.5]}}`)
		wants("/contacts/"+placed, 200, "<dd>Accra, &lt;b&gt; <a class=\"owner\" href=\"/connections/entra\"", "<dd>2, 7.5 <a class=\"owner\"", "<ins>Accra, &lt;b&gt;</ins>")
		company := func(name string) string {
			c, err := s.Engine.CreateCompany(t.Context(), agent, provision.CompanyEdit{Name: &name})
			if err != nil {
				t.Fatal(err)
			}
			return c.ID
		}
		acme, gone := company("Acme & Sons"), company("Short-lived")
		for _, id := range []string{acme, gone} {
			if _, err := s.Engine.EditContact(t.Context(), agent, contact, nil, provision.ContactEdit{CompanyID: &id}); err != nil {
				t.Fatal(err)
			}
		}
		wants("/contacts/"+contact, 200, "<del>Acme &amp; Sons</del>", "<ins>Short-lived</ins>", "!>"+acme+"<", "!>"+gone+"<")
		if err := s.Engine.DeleteCompany(t.Context(), agent, gone); err != nil {
			t.Fatal(err)
		}
		wants("/contacts/"+contact, 200, "<ins>Acme &amp; Sons</ins>", "<ins>"+gone+"</ins>")
		wants("/contacts", 200, "&lt;script&gt;alert(1)", "just now</time>", "No company lists", "!Gone Girl")
		wants("/contacts?status=deleted", 200, "Gone Girl", "!alert(1)")
		wants("/contacts?status=all&q=gone", 200, "Gone Girl", "!alert(1)")
		wants("/contacts?q=nobody", 200, "No contact fits")
		wants("/contacts/"+id, 200, "K-1", "Directory / Sync", "created", `<th scope="row">Name</th>`, "&lt;script&gt;")
		wants("/contacts/nobody", 404, "No contact with this id.")
		wants("/nowhere", 404, "no such page")
		wants("/contacts?q=%00", 400)
		wants("/static/style.css", 200)
		wants("/static/", 404, "no such page")
		wants("/static/../portal.go", 404)
		wants("//contacts", 200, "alert(1)")

		// Pages of another tenant's agent.
		s.Connect(t, "other", "entra")
		other := newBrowser(t, s.URL)
		other.post("/signin", url.Values{"token": {s.Token(t, "other", desk.RoleAdmin)}})
		if status, _, text := other.open("/contacts/" + id); status != 404 || strings.Contains(text, "alert") {
			t.Errorf("another tenant's agent sees the contact: %d", status)
		}
		if _, _, text := other.open("/contacts?status=all"); strings.Contains(text, "alert") {
			t.Error("another tenant's agent sees the contact in the list")
		}
	})
}

func TestPages(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	for i := range 60 {
		if i == 0 {
			s.Connect(t, "main", "entra")
		}
		_, err := s.Engine.CreateUser(t.Context(), testkit.Directory("main", "entra"), desk.Resource{"userName": "user-" + string(rune('a'+i/26)) + string(rune('a'+i%26)), "active": true})
		if err != nil {
			t.Fatal(err)
		}
	}
	b := newBrowser(t, s.URL)
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
	page := func(address string, people int, newer, older bool) map[string]string {
		t.Helper()
		_, _, text := b.open(address)
		to := map[string]string{}
		for _, way := range []string{"prev", "next"} {
			if link, _, found := strings.Cut(text, `" rel="`+way+`"`); found {
				to[way] = strings.ReplaceAll(link[strings.LastIndex(link, `"`)+1:], "&amp;", "&")
			}
		}
		if n := strings.Count(text, `<tr id="c-`); n != people || (to["prev"] != "") != newer || (to["next"] != "") != older {
			t.Fatalf("%s has %d contacts and leads to %v", address, n, to)
		}
		return to
	}
	for _, list := range []string{"/contacts?q=user", "/contacts?status=all", "/contacts?status=verified&sync=active"} {
		if strings.Contains(list, "verified") {
			page(list, 0, false, false)
			continue
		}
		first := page(list, 50, false, true)
		second := page(first["next"], 10, true, false)
		if back := page(second["prev"], 50, false, true); back["next"] != first["next"] {
			t.Errorf("back from %s the next page is %s", first["next"], back["next"])
		}
	}
	if status, _, _ := b.open("/contacts?after=%00"); status != 400 {
		t.Errorf("a page that begins nowhere: %d", status)
	}
}

func TestSecurityHeaders(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	a := testkit.Call(t, "GET", s.URL+"/signin", "", nil)
	if csp := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers are %v", a.Header)
	}
	for path, allow := range map[string]string{"/contacts": "GET, HEAD", "/signin": "GET, HEAD, POST", "/signout": "POST", "/static/style.css": "GET, HEAD"} {
		if a := testkit.Call(t, "DELETE", s.URL+path, "", nil); a.Status != 405 || a.Header.Get("Allow") != allow {
			t.Errorf("DELETE %s: %d, allows %q, want %q", path, a.Status, a.Header.Get("Allow"), allow)
		}
	}
	// Another site's form is refused.
	request, err := http.NewRequest("POST", s.URL+"/signin", strings.NewReader("token="+s.Token(t, "main", desk.RoleAdmin)))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := http.DefaultClient.Do(request)
	if err != nil || response.StatusCode != 403 {
		t.Errorf("another site's form is answered %v, %v", response, err)
	}
	s.Auth.PublicURL = "https://desk.example"
	secure, err := s.Auth.SignIn(request, s.Token(t, "main", desk.RoleAdmin))
	if err != nil || !secure.HttpOnly || !secure.Secure || secure.SameSite != http.SameSiteLaxMode || secure.Name != "__Host-rollcall_session" || secure.Path != "/" || secure.Domain != "" {
		t.Errorf("the cookie is %v, %v", secure, err)
	}
}
