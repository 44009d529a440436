package portal_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/portal"
	"rollcall/provision"
)

// newAgent makes an agent of the tenant main with a password.
func newAgent(t testing.TB, s *testkit.Server, email string, role desk.Role) {
	t.Helper()
	link, err := s.Auth.Invite(t.Context(), provision.System("main"), &desk.Agent{Email: email, Role: role})
	if err == nil {
		_, err = s.Auth.AcceptLink(httptest.NewRequest("POST", "/signin", nil), link, password)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// cookie is a cookie of the browser's, "" for none.
func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.base)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// endSession takes the session's cookie from the browser, as time does.
func (b *browser) endSession() {
	b.Helper()
	u, err := url.Parse(b.base)
	if err != nil {
		b.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: "rollcall_session", Path: "/", MaxAge: -1}})
}

// post sends a form from a page, and returns the answer.
func (b *browser) postFrom(page, path string, form url.Values) (status int, address, text string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), "POST", b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Referer", b.base+page)
	response, err := b.client.Do(r)
	return b.read(response, err)
}

// TestUnsentForm sends a form after the session's end: it is there again for the same agent once they have signed in, and only for them,
// and does nothing until it is sent again.
func TestUnsentForm(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		newAgent(t, s, "ann@desk.example", desk.RoleAgent)
		newAgent(t, s, "ben@desk.example", desk.RoleAgent)
		b := newBrowser(t, s.URL)
		signIn := func(email, password string) url.Values {
			return url.Values{"email": {email}, "password": {password}}
		}
		waits := func(text, email, password string) url.Values {
			b.Helper()
			form := signIn(email, password)
			for _, name := range []string{"next", "owner", "unsent"} {
				form.Set(name, html.UnescapeString(b.hidden(text, name)))
			}
			return form
		}
		contacts := func(want int) {
			t.Helper()
			page, err := s.Engine.Contacts(t.Context(), provision.System("main"), provision.ContactQuery{Limit: 10})
			if err != nil || len(page.Contacts) != want {
				t.Fatalf("there are %d contacts, want %d, %v", len(page.Contacts), want, err)
			}
		}
		b.post("/signin", signIn("ann@desk.example", password))
		_, _, page := b.open("/contacts/new")
		form := asItStands(t, page)
		form.Set("displayName", `Kofi "<script>" & Söhne`)
		form.Set("email", "kofi@acme.example")
		b.endSession()
		const way = "/contacts/new"
		_, _, text := b.postFrom(way, way, form)
		b.wants(401, way, "nothing has been done yet", `action="/contacts/new"`, `name="next" value="/contacts/new"`, "!API token", "!<script>\"")(401, way, text)

		// A wrong password loses nothing.
		b.wants(401, way, "password is wrong", `name="unsent"`)(b.post(way, waits(text, "ann@desk.example", "wrong")))
		b.wants(401, way, "You are not signed in yet", `name="unsent"`)(b.post(way, url.Values{"owner": {b.hidden(text, "owner")}, "unsent": {"displayName=Kofi"}}))

		status, address, again := b.post(way, waits(text, "ann@desk.example", password))
		b.wants(200, way, "You are signed in again", "<h1>New contact</h1>", "ann@desk.example")(status, address, again+"ann@desk.example")
		filled := asItStands(t, again)
		if filled.Get("displayName") != form.Get("displayName") || filled.Get("email") != form.Get("email") {
			t.Errorf("the form holds %v", filled)
		}
		contacts(0)
		b.wants(200, "", "Saved.")(first(b.post(way, filled)))
		contacts(1)

		// Somebody else signs in.
		b.open("/contacts/new")
		b.endSession()
		_, _, text = b.postFrom(way, way, form)
		b.wants(200, way, "What somebody else had typed here is gone", "!Kofi")(b.post(way, waits(text, "ben@desk.example", password)))
		b.endSession()
		b.post("/signin", signIn("ann@desk.example", password))
		b.wants(409, way, "Kofi", "You are signed in again", "address already")(b.post(way, waits(text, "", ""))) // in another tab meanwhile
		contacts(1)

		// What is asked for by a button alone is not done, and neither is what fails to be read.
		list, err := s.Engine.Contacts(t.Context(), provision.System("main"), provision.ContactQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		contact := "/contacts/" + list.Contacts[0].ID
		b.endSession()
		_, _, text = b.postFrom(contact, contact+"/delete", url.Values{})
		b.wants(200, contact, "Nothing has been done yet", ">Delete</button>")(b.post(contact+"/delete", waits(text, "ann@desk.example", password)))
		broken := waits(text, "", "")
		broken.Set("unsent", "a=%zz")
		b.wants(400, contact+"/delete", "cannot be read")(b.post(contact+"/delete", broken))
		broken.Set("unsent", "a=%00")
		b.wants(400, contact+"/delete", "cannot be read")(b.post(contact+"/delete", broken))

		// Neither secrets nor what is very large is kept, nor what is sent by who is no agent.
		for what, lost := range map[string]struct {
			path string
			form url.Values
		}{
			"a password": {"/account/password", url.Values{"present": {password}, "password": {"another long one"}}},
			"a book":     {way, url.Values{"displayName": {strings.Repeat("x", 33<<10)}}},
			"a library":  {way, url.Values{"displayName": {strings.Repeat("x", 1<<20)}}},
			"no text":    {way, url.Values{"displayName": {"a\x00"}}},
		} {
			b.endSession()
			status, address, text := b.postFrom("/account", lost.path, lost.form)
			if status != 200 || address != "/signin" || !strings.Contains(text, "the form was not saved") || !strings.Contains(text, `name="next" value="/account"`) || strings.Contains(text, "unsent") {
				t.Errorf("%s leads to %s with %d", what, address, status)
			}
		}
		stranger := newBrowser(t, s.URL)
		stranger.wants(200, "/signin", "the form was not saved", "!Kofi")(stranger.postFrom(way, way, form))
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		if b.open("/contacts"); b.cookie("rollcall_agent") != "" {
			t.Error("who comes with a token is taken for the agent before")
		}

		// Another site can neither fill in a form nor send one.
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+way, strings.NewReader(waits(text, "ann@desk.example", password).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		response, err := b.client.Do(r)
		b.wants(403, way, "another site")(b.read(response, err))
	})
}

// first leaves the address of an answer out.
func first(status int, _, text string) (int, string, string) { return status, "", text }

// form is a form of a page as somebody fills it in.
type form struct {
	action string
	values url.Values
	typed  []string    // texts
	chosen [][2]string // names and values of radio buttons and lists
}

// formsOf fills in the forms of a page that are posted, with texts that are found again.
func formsOf(page *html.Node, address string) (list []form) {
	n := 0
	for node := range page.Descendants() {
		if node.Data != "form" || attribute(node, "method") != "post" {
			continue
		}
		f := form{action: attribute(node, "action"), values: url.Values{}}
		if f.action == "" {
			f.action, _, _ = strings.Cut(address, "?")
		}
		f.action, _, _ = strings.Cut(f.action, "#")
		radios := map[string]string{}
		for e := range node.Descendants() {
			name, kind := attribute(e, "name"), attribute(e, "type")
			switch {
			case e.Type != html.ElementNode || name == "" || has(e, "readonly"):
			case e.Data == "button":
				if !f.values.Has(name) {
					f.values.Set(name, attribute(e, "value"))
				}
			case kind == "radio":
				radios[name] = attribute(e, "value")
			case kind == "checkbox":
				f.values.Add(name, "on")
			case kind == "hidden":
				f.values.Add(name, attribute(e, "value"))
			case e.Data == "input", e.Data == "textarea":
				n++
				text := fmt.Sprintf("typed %d", n)
				if kind == "number" || attribute(e, "inputmode") == "numeric" {
					text = fmt.Sprint(70 + n)
				}
				f.values.Add(name, text)
				f.typed = append(f.typed, text)
			case e.Data == "select":
				last := ""
				for o := range e.Descendants() {
					if o.Data == "option" && o.Type == html.ElementNode {
						if last = attribute(o, "value"); !has(o, "value") {
							last = o.FirstChild.Data
						}
					}
				}
				f.values.Add(name, last)
				f.chosen = append(f.chosen, [2]string{name, last})
			}
		}
		for name, value := range radios {
			f.values.Set(name, value)
			f.chosen = append(f.chosen, [2]string{name, value})
		}
		list = append(list, f)
	}
	return list
}

// missing lists what of a form a page does not hold.
func (f form) missing(page *html.Node) (list []string) {
	texts, chosen := map[string]bool{}, map[[2]string]bool{}
	for n := range page.Descendants() {
		switch name := attribute(n, "name"); {
		case n.Data == "textarea" && n.FirstChild != nil:
			texts[strings.TrimSpace(n.FirstChild.Data)] = true
		case n.Data == "input" && attribute(n, "type") == "radio":
			chosen[[2]string{name, attribute(n, "value")}] = has(n, "checked") || chosen[[2]string{name, attribute(n, "value")}]
		case n.Data == "input":
			texts[attribute(n, "value")] = true
		case n.Data == "select":
			for o := range n.Descendants() {
				if o.Data == "option" && has(o, "selected") {
					value := attribute(o, "value")
					if !has(o, "value") {
						value = o.FirstChild.Data
					}
					chosen[[2]string{name, value}] = true
				}
			}
		}
	}
	for _, text := range f.typed {
		if !texts[text] {
			list = append(list, text)
		}
	}
	for _, choice := range f.chosen {
		if !chosen[choice] {
			list = append(list, strings.Join(choice[:], "="))
		}
	}
	return list
}

// TestEveryUnsentForm fills in every form of the portal, sends it after the session's end, and finds all of it again after signing in,
// with nothing written. A form that asks for a password says so in a field that is not kept.
func TestEveryUnsentForm(t *testing.T) {
	portal.ParsePages()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		unlinked := seedPages(t, s)
		_, err := s.Engine.EditConnection(t.Context(), provision.System("main"), "zoho", provision.ConnectionEdit{Paused: new(true)})
		if err != nil {
			t.Fatal(err)
		}
		newAgent(t, s, "admin@desk.example", desk.RoleAdmin)
		w := newWalker(t, s, "main", desk.RoleAdmin)
		w.cookies = w.post("/signin", url.Values{"email": {"admin@desk.example"}, "password": {password}}).Result().Cookies()
		session := w.cookies
		owner := w.get("/").Result().Cookies()
		if !slices.ContainsFunc(owner, func(c *http.Cookie) bool { return c.Name == "rollcall_agent" }) {
			t.Fatal("it is not kept who works in the browser")
		}
		forms := map[string][]form{} // by the address and the names of the fields
		w.walk(3, func(address string, _ *httptest.ResponseRecorder, page *html.Node) {
			for _, f := range formsOf(page, address) {
				route := w.route(address) + " " + fmt.Sprint(len(f.values))
				if len(forms[route+f.action]) == 0 && f.action != "/signout" {
					forms[route+f.action] = append(forms[route+f.action], f)
				}
			}
		}, append(unlinked, "/", "/contacts")...)
		db := testkit.OpenSQL(t, databaseURL)
		rows := func() map[string]int {
			t.Helper()
			counts := map[string]int{}
			for _, table := range []string{"events", "tokens", "contacts", "directory_users", "companies", "company_domains", "connections", "agents", "clients", "rescans", "reapplies"} {
				var n int
				if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
					t.Fatal(err)
				}
				counts[table] = n
			}
			return counts
		}
		before, kept := rows(), 0
		for _, list := range forms {
			for _, f := range list {
				w.cookies = owner
				answer := w.post(f.action, f.values)
				if f.values.Has("password") {
					if answer.Code != 303 || !strings.Contains(answer.Header().Get("Location"), "lost=") {
						t.Errorf("%s: the form with a password is answered %d", f.action, answer.Code)
					}
					continue
				}
				signIn := asItStands(t, answer.Body.String())
				if answer.Code != 401 || signIn.Get("unsent") != f.values.Encode() {
					t.Errorf("%s: answered %d\n%s", f.action, answer.Code, answer.Body)
					continue
				}
				w.cookies = session
				answer = w.post(f.action, signIn)
				page, err := html.Parse(strings.NewReader(answer.Body.String()))
				if err != nil {
					t.Fatal(err)
				}
				missing := f.missing(page)
				if answer.Code == 303 && len(f.typed) == 0 {
					continue
				}
				if kept++; answer.Code >= 500 || len(missing) > 0 || !strings.Contains(answer.Body.String(), "You are signed in again") {
					t.Errorf("%s %v: answered %d without %q", f.action, f.values, answer.Code, missing)
				}
				for _, fault := range faults(page) {
					t.Errorf("%s: %s", f.action, fault)
				}
			}
		}
		if kept < 20 {
			t.Errorf("only %d forms were kept", kept)
		}
		if diff := cmp.Diff(before, rows()); diff != "" {
			t.Errorf("something was written:\n%s", diff)
		}
	})
}
