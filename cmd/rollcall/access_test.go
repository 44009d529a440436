package main

import (
	"cmp"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

var update = flag.Bool("update", false, "write docs/ACCESS.md anew")

const accessTable = "../../docs/ACCESS.md"

// credentials are all that a request may come with. A bearer's name is that of the token in the table of a world.
var credentials = []string{
	"nothing", "nonsense", "expired", "revoked",
	"directory", "directory of another connection", "directory of another tenant", "agent", "admin", "admin of another tenant",
	"agent's session", "admin's session", "ended session", "session of another tenant",
}

// answerTo says what a route must answer to a credential: "yes", or how it says no.
func answerTo(a httpx.Access, credential string) string {
	portal := !strings.HasPrefix(a.Path, "/scim/") && !strings.HasPrefix(a.Path, "/api/") && a.Who != httpx.Client
	session := strings.HasSuffix(credential, "session") && credential != "ended session" || credential == "session of another tenant"
	switch {
	case a.Who == httpx.Anybody:
		return "yes"
	case a.Who == httpx.Client:
		return "no client" // none of these is an OAuth client
	case a.Who == httpx.Directory:
		if credential == "directory" {
			return "yes"
		}
		return "401"
	case portal && !session, !portal && credential != "agent" && credential != "admin" && credential != "admin of another tenant":
		if portal {
			return "sign in"
		}
		return "401"
	case a.Who == httpx.Admin && (credential == "agent" || credential == "agent's session"):
		return "403"
	}
	return "yes"
}

// TestAccess calls every route with every credential and holds the answers against docs/ACCESS.md, the table of them all, which it holds
// against the routers in turn: a route that is not in the table fails.
func TestAccess(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		list := slices.Clone(s.Access)
		slices.SortFunc(list, func(a, b httpx.Access) int {
			return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
		})
		holdTable(t, list)

		w := newAccessWorld(t, s, databaseURL)
		for _, credential := range credentials {
			if status, _ := w.call(httpx.Access{Method: "GET", Path: "/metrics"}, credential); status != http.StatusNotFound {
				t.Errorf("/metrics with %s: %d", credential, status)
			}
		}
		for _, a := range list {
			for _, credential := range credentials {
				status, location := w.call(a, credential)
				want := answerTo(a, credential)
				got := "yes"
				switch {
				case status == 401 && a.Who != httpx.Client, status == 403:
					got = fmt.Sprint(status)
				case status == 303 && strings.HasPrefix(location, "/signin") && a.Path != "/signout":
					got = "sign in"
				case a.Who == httpx.Client && (status == 400 || status == 401):
					got = "no client"
				case status >= 500 && status != 501:
					got = fmt.Sprint("a fault, ", status)
				}
				// These ask for more than the role, or are answered so whatever the role: see the tests of their packages.
				if a.Path == "/oauth/{tenant}/authorize" && got == "403" && want == "yes" || strings.HasPrefix(a.Path, "/signin") && status == 401 { // which judges a secret of its own
					continue
				}
				if got != want {
					t.Errorf("%s %s (%s) with %s: %s (%d), want %s", a.Method, a.Path, a.Who, credential, got, status, want)
				}
			}
		}
	})
}

// holdTable compares the routes with the table.
func holdTable(t *testing.T, list []httpx.Access) {
	t.Helper()
	text := "# Access\n\nFor whom each route is. `directory` is a token of the connection in the path, `client` an OAuth client's credentials, `agent` and\n" +
		"`admin` a token of the JSON API below `/api`, and a session elsewhere; an administrator may do what an agent may. What a route does is done in\n" +
		"the tenant of the token or session. The table is made from the code (`go test ./cmd/rollcall -run TestAccess -update`), and a test calls each of\n" +
		"these with each kind of credential. `GET /metrics`, for whoever reaches it, is on a listener of its own (`--metrics`), and on this one it is nothing.\n\n| method | route | for |\n| --- | --- | --- |\n"
	for _, a := range list {
		text += fmt.Sprintf("| %s | `%s` | %s |\n", a.Method, a.Path, a.Who)
	}
	if *update {
		if err := os.WriteFile(accessTable, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(accessTable)
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(string(have), "\n")
	for line := range strings.Lines(text) {
		if line = strings.TrimSuffix(line, "\n"); !slices.Contains(known, line) {
			t.Errorf("docs/ACCESS.md has no %q; if that is meant, run go test ./cmd/rollcall -run TestAccess -update", line)
		}
	}
	if string(have) != text && !t.Failed() {
		t.Error("docs/ACCESS.md has routes that are gone; run go test ./cmd/rollcall -run TestAccess -update")
	}
}

// accessWorld has a credential of each kind.
type accessWorld struct {
	*testing.T
	*testkit.Server
	db       *sql.DB
	bearers  map[string]string
	ended    map[string]map[bool]string // tokens of the API and, under true, of a directory, that are good no more
	cookies  map[string]string          // the API token with which a session is begun, by the session's name
	sessions map[string]string          // their cookies
}

func newAccessWorld(t *testing.T, s *testkit.Server, databaseURL string) *accessWorld {
	t.Helper()
	w := &accessWorld{T: t, Server: s, db: testkit.OpenSQL(t, databaseURL), bearers: map[string]string{"nonsense": "rcs_main_x"}, cookies: map[string]string{}}
	_, w.bearers["directory"] = s.Connect(t, "main", "entra")
	_, w.bearers["directory of another connection"] = s.Connect(t, "main", "okta")
	_, w.bearers["directory of another tenant"] = s.Connect(t, "other", "entra")
	w.bearers["agent"], w.bearers["admin"] = s.Token(t, "main", desk.RoleAgent), s.Token(t, "main", desk.RoleAdmin)
	w.bearers["admin of another tenant"] = s.Token(t, "other", desk.RoleAdmin)
	w.cookies["agent's session"], w.cookies["admin's session"], w.cookies["session of another tenant"] = w.bearers["agent"], w.bearers["admin"], w.bearers["admin of another tenant"]
	w.ended, w.sessions = map[string]map[bool]string{}, map[string]string{}
	for credential, statement := range map[string]string{"expired": "UPDATE tokens SET expires_at = created_at", "revoked": "DELETE FROM tokens"} {
		w.ended[credential] = map[bool]string{}
		for _, directory := range []bool{false, true} {
			token := desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAdmin}
			if directory {
				token = desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "entra"}
			}
			secret, err := s.Auth.Issue(context.Background(), provision.System("main"), &token)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.db.Exec(statement + " WHERE id = '" + token.ID + "'"); err != nil {
				t.Fatal(err)
			}
			w.ended[credential][directory] = secret
		}
	}
	for name, token := range w.cookies {
		w.sessions[name] = w.session(token)
	}
	w.sessions["ended session"] = w.session(w.bearers["admin"])
	out, err := http.NewRequest("POST", s.URL+"/signout", nil)
	if err != nil {
		t.Fatal(err)
	}
	out.Header.Set("Cookie", w.sessions["ended session"])
	if answer, err := testkit.Do(out); err != nil || answer.Status != 303 {
		t.Fatal(answer.Status, err)
	}
	return w
}

// session signs in and returns the cookie.
func (w *accessWorld) session(token string) string {
	w.Helper()
	r, err := http.NewRequest("GET", w.URL, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1"
	cookie, err := w.Auth.SignIn(r, token)
	if err != nil {
		w.Fatal(err)
	}
	return cookie.Name + "=" + cookie.Value
}

// call sends a request to a route, of which what it names does not exist, and returns the answer's status and Location.
func (w *accessWorld) call(a httpx.Access, credential string) (int, string) {
	w.Helper()
	path := strings.NewReplacer("{tenant}", "main", "{connection}", "entra", "{slash:/?}", "", "{file}", "style.css").Replace(a.Path)
	for strings.Contains(path, "{") {
		path = path[:strings.Index(path, "{")] + "x" + path[strings.Index(path, "}")+1:]
	}
	r, err := http.NewRequest(a.Method, w.URL+path, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", len(path)%250)) // sign-ins are limited by address
	if !strings.HasPrefix(path, "/api/") && !strings.HasPrefix(path, "/scim/") && a.Method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Body = http.NoBody
	}
	bearer, cookie := w.bearers[credential], w.sessions[credential]
	if w.ended[credential] != nil {
		bearer = w.ended[credential][a.Who == httpx.Directory]
	}
	if token := w.cookies[credential]; token != "" && (path == "/signout" || strings.HasPrefix(path, "/account")) {
		cookie = w.session(token) // of its own: these end it
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	answer, err := testkit.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	location, _ := url.Parse(answer.Header.Get("Location"))
	return answer.Status, location.Path
}

// TestOtherSites sends the forms of all pages as a browser would that an administrator is signed in with, and that is on another site.
func TestOtherSites(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	w := &accessWorld{T: t, Server: s}
	cookie, forms := w.session(s.Token(t, "main", desk.RoleAdmin)), 0
	for _, a := range s.Access {
		if a.Method != "POST" || a.Who == httpx.Directory || a.Who == httpx.Client || strings.HasPrefix(a.Path, "/api/") {
			continue
		}
		r, err := http.NewRequest("POST", s.URL+regexp.MustCompile(`\{\w+\}`).ReplaceAllString(a.Path, "main"), strings.NewReader("x=y"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Cookie": {cookie}, "Sec-Fetch-Site": {"cross-site"}, "Origin": {"https://elsewhere.example"}}
		if answer, err := testkit.Do(r); err != nil || answer.Status != http.StatusForbidden {
			t.Errorf("another site's form to %s: %d, %v", a.Path, answer.Status, err)
		}
		forms++
	}
	if forms < 30 {
		t.Errorf("there are %d forms only", forms)
	}
}

// TestThreatModel holds that the tests exist that docs/SECURITY.md names.
func TestThreatModel(t *testing.T) {
	text, err := os.ReadFile("../../docs/SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	err = filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		tests.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)\\w+)`").FindAllStringSubmatch(string(text), -1)
	if len(named) < 20 {
		t.Errorf("the page names %d tests", len(named))
	}
	for _, m := range named {
		if !strings.Contains(tests.String(), "func "+m[1]+"(") {
			t.Errorf("there is no %s", m[1])
		}
	}
}
