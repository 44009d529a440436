package portal_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"golang.org/x/net/html"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/portal"
	"rollcall/provision"
)

// walker opens pages of the portal by their links, at the server.
type walker struct {
	testing.TB
	server  *testkit.Server
	cookies []*http.Cookie
	routes  *mux.Router
	skip    string // how the paths of routes end that are not opened; "" for none
}

// newWalker signs in to a tenant with a role.
func newWalker(t testing.TB, s *testkit.Server, tenant string, role desk.Role) *walker {
	t.Helper()
	w := &walker{TB: t, server: s, routes: mux.NewRouter().SkipClean(true)}
	for _, p := range portal.Pages() {
		w.routes.Path(p.Path).Name(p.Path)
	}
	answer := w.post("/signin", url.Values{"token": {s.Token(t, tenant, role)}})
	if w.cookies = answer.Result().Cookies(); len(w.cookies) == 0 {
		t.Fatalf("signing in: %d %s", answer.Code, answer.Body)
	}
	return w
}

func (w *walker) get(address string) *httptest.ResponseRecorder {
	return w.send(httptest.NewRequest("GET", address, nil))
}

func (w *walker) post(address string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", address, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.send(r)
}

func (w *walker) send(r *http.Request) *httptest.ResponseRecorder {
	for _, c := range w.cookies {
		r.AddCookie(c)
	}
	answer := httptest.NewRecorder()
	w.server.Handler.ServeHTTP(answer, r)
	return answer
}

// route returns the path of an address's route, "" for none.
func (w *walker) route(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		w.Fatal(err)
	}
	var match mux.RouteMatch
	if !w.routes.Match(&http.Request{Method: "GET", URL: u}, &match) {
		return ""
	}
	return match.Route.GetName()
}

// walk follows links from some addresses on, to up to so many pages of each route, shows each answer to visit, and returns the
// addresses by route.
func (w *walker) walk(most int, visit func(address string, answer *httptest.ResponseRecorder, page *html.Node), from ...string) map[string][]string {
	w.Helper()
	found, seen := map[string][]string{}, map[string]bool{}
	for len(from) > 0 {
		address := from[0]
		from = from[1:]
		route := w.route(address)
		if seen[address] || route == "" || w.skip != "" && strings.HasSuffix(route, w.skip) || len(found[route]) == most {
			continue
		}
		seen[address] = true
		answer := w.get(address)
		if to := answer.Header().Get("Location"); to != "" {
			from = append(from, to)
			continue
		}
		found[route] = append(found[route], address)
		page, err := html.Parse(strings.NewReader(answer.Body.String()))
		if err != nil {
			w.Fatal(err)
		}
		visit(address, answer, page)
		if strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
			for n := range page.Descendants() {
				to, _, _ := strings.Cut(attribute(n, "href"), "#")
				if n.Data == "a" && strings.HasPrefix(to, "/") {
					from = append(from, to)
				}
			}
		}
	}
	return found
}

// attribute returns an element's attribute, "" for none.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// faults says what is wrong with a page's markup: what a directory or an agent wrote must be text in it, and every field has a name.
func faults(page *html.Node) (list []string) {
	headings, ids, labels := 0, map[string]int{}, map[string]bool{}
	for n := range page.Descendants() {
		if n.Type == html.ElementNode {
			ids[attribute(n, "id")]++
			if n.Data == "label" {
				labels[attribute(n, "for")] = true
			}
		}
	}
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "tabindex" && a.Val > "0" || strings.HasPrefix(a.Val, "javascript:") {
				list = append(list, fmt.Sprintf("<%s> with %s", n.Data, a.Key))
			}
		}
		if id := attribute(n, "id"); id != "" && ids[id] > 1 {
			list = append(list, fmt.Sprintf("several elements with the id %s", id))
		}
		switch n.Data {
		case "h1":
			headings++
		case "script":
			if !strings.HasPrefix(attribute(n, "src"), "/static/") {
				list = append(list, "a script that is not the portal's")
			}
		case "img", "iframe", "object", "embed", "base", "style":
			list = append(list, "<"+n.Data+">")
		case "input", "select", "textarea":
			typ := attribute(n, "type")
			if typ == "hidden" || typ == "submit" || labels[attribute(n, "id")] && attribute(n, "id") != "" ||
				attribute(n, "aria-label") != "" || ids[attribute(n, "aria-labelledby")] > 0 && attribute(n, "aria-labelledby") != "" || inLabel(n) {
				continue
			}
			list = append(list, fmt.Sprintf("<%s name=%q> without a label", n.Data, attribute(n, "name")))
		}
	}
	if headings != 1 {
		list = append(list, fmt.Sprintf("%d main headings", headings))
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func inLabel(n *html.Node) bool {
	for p := range n.Ancestors() {
		if p.Data == "label" {
			return true
		}
	}
	return false
}

// markup is what somebody calls themselves who means the helpdesk no good.
const markup = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`

// seedPages gives the tenant main something of all that pages show, most of it with a name that is markup. It returns the addresses
// of the pages to which no page links, which are administrators'.
func seedPages(t testing.TB, s *testkit.Server) (unlinked []string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, admin, name := t.Context(), desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: markup, Role: desk.RoleAdmin}, markup
	zoho, zohoToken := s.Connect(t, "main", "zoho")
	base, token := s.Connect(t, "main", "entra")
	_, err := s.Engine.EditConnection(ctx, admin, "entra", provision.ConnectionEdit{Name: &name, Description: &name, Notes: &name})
	must(err)
	must(s.Engine.KeepExchange(ctx, desk.Actor{TenantID: "main", Connection: "entra"}, []byte("{}")))
	must(s.Engine.CreateField(ctx, admin, desk.Field{Name: "location", Type: desk.FieldText}))
	for _, company := range []provision.CompanyEdit{
		{Name: &name, Domains: &[]string{"acme.example", "*.acme.example", "shared.example"}}, {Name: new("Beta"), Domains: &[]string{"shared.example"}},
	} {
		_, err := s.Engine.CreateCompany(ctx, admin, company)
		must(err)
	}
	var last string
	for i, address := range []string{"kofi@acme.example", "ama@shared.example", "esi@unlisted.example", "yaw@gmail.com", "abena@acme.example"} {
		last = testkit.Call(t, "POST", base+"/Users", token, map[string]any{
			"userName": address, "externalId": fmt.Sprint("x", i), "displayName": markup, "title": markup, "active": true,
			"emails": []any{map[string]any{"type": "work", "value": address}}, desk.FieldsURN: map[string]any{"location": markup},
		}).Want(t, 201)["id"].(string)
	}
	testkit.Call(t, "POST", base+"/Users", token, map[string]any{"userName": "kofi@acme.example", "displayName": markup}).Want(t, 409)
	_, err = s.Engine.EditConnection(ctx, admin, "zoho", provision.ConnectionEdit{Settings: []byte(`{"adopt":"ask"}`)})
	must(err)
	testkit.Call(t, "POST", zoho+"/Users", zohoToken, map[string]any{"userName": "ama@shared.example", "displayName": markup}).Want(t, 201)
	testkit.Call(t, "POST", base+"/Users", token, map[string]any{"userName": markup, "active": "perhaps"}).Want(t, 400)
	testkit.Call(t, "PATCH", base+"/Users/"+last, token, `{"Operations":[{"op":"replace","path":"active","value":"False"}]}`).Want(t, 200)
	_, err = s.Engine.CreateContact(ctx, admin, provision.ContactEdit{DisplayName: &name, Emails: &[]desk.Address{{Value: "hand@acme.example"}}})
	must(err)
	_, err = s.Auth.Invite(ctx, admin, &desk.Agent{Name: markup, Email: "ann@desk.example", Role: desk.RoleAgent})
	must(err)
	must(s.Store.WriteActivity(ctx))
	client, _, err := s.Engine.CreateClient(ctx, admin, desk.Client{Connection: "entra", Label: markup, RedirectURIs: []string{"https://directory.example/back"}, WithoutPKCE: true}, nil)
	must(err)
	consent := url.Values{"response_type": {"code"}, "client_id": {client.ID}, "redirect_uri": {"https://directory.example/back"}, "state": {"s"}}
	return []string{"/welcome", "/oauth/main/authorize?" + consent.Encode()}
}

// TestEveryPage walks through all pages of a helpdesk that has something of everything, as an administrator and as an agent: each
// link leads to a page, and each page says what it has to in sound markup, whatever people and companies are called.
func TestEveryPage(t *testing.T) {
	portal.ParsePages()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		unlinked := seedPages(t, s)
		for _, role := range []desk.Role{desk.RoleAgent, desk.RoleAdmin} {
			w, from := newWalker(t, s, "main", role), []string{"/", "/contacts", "/pick/company"}
			if role == desk.RoleAdmin {
				from = append(from, unlinked...)
			}
			found := w.walk(12, func(address string, answer *httptest.ResponseRecorder, page *html.Node) {
				if answer.Code != 200 {
					t.Errorf("%s, who is %s: %d", address, role, answer.Code)
				}
				if csp := answer.Header().Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';") {
					t.Errorf("%s: the policy is %q", address, csp)
				}
				if answer.Header().Get("Content-Disposition") != "" {
					return
				}
				if answer.Body.Len() > maxWeight {
					t.Errorf("%s weighs %d bytes", address, answer.Body.Len())
				}
				for _, fault := range faults(page) {
					t.Errorf("%s: %s", address, fault)
				}
			}, from...)
			for _, p := range portal.Pages() {
				if addresses := found[p.Path]; len(addresses) == 0 && (role == desk.RoleAdmin || !p.Admin && p.Path != "/oauth/{tenant}/authorize") {
					t.Errorf("no page that %s sees leads to %s", role, p.Path)
				} else if len(addresses) > 0 && p.Admin && role != desk.RoleAdmin {
					t.Errorf("%s is led to %s", role, addresses)
				}
			}
		}
	})
}

// TestFaults holds that the walk would see what is wrong with a page.
func TestFaults(t *testing.T) {
	page, err := html.Parse(strings.NewReader(`<h1>a</h1><h1>b</h1><script>x</script><img><p id=a style=b><p id=a onclick=c><input name=q><a href="javascript:x">`))
	if err != nil {
		t.Fatal(err)
	}
	if list := faults(page); len(list) != 8 {
		t.Errorf("%d faults: %q", len(list), list)
	}
}

// TestJourneyEveryPage opens a page of every route in a browser, which checks it.
func TestJourneyEveryPage(t *testing.T) {
	journeys(t, func(v *visitor) {
		unlinked := seedPages(v.T, v.Server)
		w := newWalker(v.T, v.Server, "main", desk.RoleAdmin)
		v.SignIn(desk.RoleAdmin)
		files := map[string]bool{} // which are downloaded, not opened
		pages := w.walk(1, func(address string, answer *httptest.ResponseRecorder, _ *html.Node) {
			files[address] = answer.Header().Get("Content-Disposition") != ""
		}, append(unlinked, "/", "/contacts", "/pick/company")...)
		for _, addresses := range pages {
			if !files[addresses[0]] {
				v.Open(addresses[0])
			}
		}
	})
}
