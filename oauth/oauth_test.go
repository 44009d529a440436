package oauth_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/oauth2"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// world is a server with a connection, under a clock that the test moves.
type world struct {
	*testing.T
	*testkit.Server
	database string
	scim     string // tenant URL of main's connection entra
	issuer   string
	late     atomic.Int64 // how far the server's clock is ahead
	asked    atomic.Int64
}

var admin = desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann", Role: desk.RoleAdmin}

func each(t *testing.T, f func(*world)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) { f(newWorld(t, databaseURL)) })
}

func newWorld(t *testing.T, databaseURL string) *world {
	t.Helper()
	w := &world{T: t, Server: testkit.NewServer(t, databaseURL), database: databaseURL}
	w.Store.Now = func() time.Time { return time.Now().Add(time.Duration(w.late.Load())) }
	w.scim, _ = w.Connect(t, "main", "entra")
	w.issuer = desk.Issuer(w.URL, "main")
	return w
}

// wait moves the server's clock.
func (w *world) wait(d time.Duration) { w.late.Add(int64(d)) }

// client makes an OAuth client of the connection entra.
func (w *world) client(c desk.Client) (id, secret string) {
	w.Helper()
	if c.Connection == "" {
		c.Connection = "entra"
	}
	view, secret, err := w.Engine.CreateClient(w.Context(), admin, c, nil)
	if err != nil {
		w.Fatal(err)
	}
	return view.ID, secret
}

// opens reports whether a token opens the connection's SCIM endpoint.
func (w *world) opens(token string) bool {
	w.Helper()
	switch a := testkit.Call(w, "GET", w.scim+"/Users", token, nil); a.Status {
	case 200:
		return true
	case 401:
		return false
	default:
		w.Fatalf("status %d\n%s", a.Status, a.Body)
		return false
	}
}

func (w *world) wantOpen(what, token string, want bool) {
	w.Helper()
	if w.opens(token) != want {
		w.Errorf("%s: the token opens SCIM: %v, want %v", what, !want, want)
	}
}

// address returns an address from which nothing has come yet, for tests that ask more than one address may.
func (w *world) address() string {
	n := w.asked.Add(1)
	return fmt.Sprintf("198.51.%d.%d", n/256, n%256)
}

// post sends a form, as from an address, with Basic credentials if user is not "".
func (w *world) post(path, from, user, password string, form url.Values) testkit.Answer {
	w.Helper()
	return w.send(path, from, "application/x-www-form-urlencoded", user, password, form.Encode())
}

func (w *world) send(path, from, contentType, user, password, body string) testkit.Answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), "POST", w.URL+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-Forwarded-For", from)
	if user != "" {
		request.SetBasicAuth(user, password)
	}
	a, err := testkit.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	w.Auth.Close() // what is noted beside the request comes before the next one
	return a
}

// oauthError returns the error of an answer, which has to have RFC 6749's form.
func (w *world) oauthError(what string, a testkit.Answer, status int) string {
	w.Helper()
	body := a.Want(w, status)
	if a.Header.Get("Content-Type") != "application/json" || a.Header.Get("Cache-Control") != "no-store" || body["error_description"] == "" {
		w.Errorf("%s: %v %s", what, a.Header, a.Body)
	}
	name, _ := body["error"].(string)
	return name
}

// refusedBy returns the code of the error that x/oauth2 met, "" for none.
func refusedBy(err error) string {
	var e *oauth2.RetrieveError
	if as, ok := err.(*oauth2.RetrieveError); ok {
		e = as
	} else if u, ok := err.(*url.Error); ok {
		return refusedBy(u.Err)
	}
	if e == nil {
		return ""
	}
	return e.ErrorCode
}

// events returns the connection's events, newest first.
func (w *world) events() []desk.Event {
	w.Helper()
	w.Auth.Close()
	list, err := w.Store.Read(w.Context()).Events(store.EventQuery{TenantID: "main", Connection: "entra"})
	if err != nil {
		w.Fatal(err)
	}
	return list
}

// wantEvent fails unless the newest event is of that operation, outcome and reason, and says that.
func (w *world) wantEvent(operation desk.Operation, outcome desk.Outcome, reason, detail string) {
	w.Helper()
	ev := w.events()[0]
	if ev.Operation != operation || ev.Outcome != outcome || ev.Reason != reason || !strings.Contains(ev.Detail, detail) {
		w.Errorf("the newest event is %s %s %s %q, want %s %s %s %q", ev.Operation, ev.Outcome, ev.Reason, ev.Detail, operation, outcome, reason, detail)
	}
}

// secrets lists a client's secrets.
func (w *world) secrets(id string) []desk.Token {
	w.Helper()
	list, err := w.Engine.Clients(w.Context(), admin, "entra")
	if err != nil {
		w.Fatal(err)
	}
	for _, c := range list {
		if c.ID == id {
			return c.Secrets
		}
	}
	w.Fatalf("no client %s in %v", id, list)
	return nil
}

// browser is an administrator's. It stops where it would leave the server.
type browser struct {
	*world
	client *http.Client
}

func (w *world) browser(role desk.Role, tenant string) *browser {
	w.Helper()
	b := w.stranger()
	response, err := b.client.PostForm(w.URL+"/signin", url.Values{"token": {w.Token(w, tenant, role)}})
	if err != nil {
		w.Fatal(err)
	}
	response.Body.Close()
	return b
}

// stranger has not signed in.
func (w *world) stranger() *browser {
	w.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), w.URL+"/") {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is where a browser arrived.
type page struct {
	status  int
	address *url.URL // outside the server: where it was sent
	header  http.Header
	form    *form // the page's last form, nil for none
	text    string
}

// form is a form as a browser would send it.
type form struct {
	action string
	fields url.Values
	texts  []string // names of the fields to be filled in
}

func (b *browser) open(address string) page {
	b.Helper()
	response, err := b.client.Get(address)
	return b.read(response, err)
}

func (b *browser) submit(p page, more url.Values) page {
	b.Helper()
	if p.form == nil {
		b.Fatalf("there is no form: %d %s", p.status, p.text)
	}
	for name, list := range more {
		p.form.fields[name] = list
	}
	to, err := p.address.Parse(p.form.action)
	if err != nil {
		b.Fatal(err)
	}
	response, err := b.client.PostForm(to.String(), p.form.fields)
	return b.read(response, err)
}

func (b *browser) read(response *http.Response, err error) page {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	p := page{status: response.StatusCode, address: response.Request.URL, header: response.Header}
	if location, err := response.Location(); err == nil {
		p.address = location
		return p
	}
	root, err := html.Parse(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	for n := range root.Descendants() {
		switch {
		case n.Type == html.TextNode:
			p.text += n.Data
		case n.Data == "form":
			p.form = &form{action: attribute(n, "action"), fields: url.Values{}}
		case n.Data == "input" && attribute(n, "type") == "hidden":
			p.form.fields.Add(attribute(n, "name"), attribute(n, "value"))
		case n.Data == "input":
			p.form.texts = append(p.form.texts, attribute(n, "name"))
		}
	}
	return p
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// callback is where the clients of these tests have the browser go back to.
const callback = "https://directory.example/provision/oauth/callback?keep=1"

// config is a client's of the code flow as x/oauth2 wants it.
func (w *world) config(id, secret string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: id, ClientSecret: secret, RedirectURL: callback, Scopes: []string{"anything"},
		Endpoint: oauth2.Endpoint{AuthURL: w.issuer + "/authorize", TokenURL: w.issuer + "/token"},
	}
}

// consent asks an administrator's browser for consent and returns the code with which it is sent back.
func (w *world) consent(b *browser, c *oauth2.Config, options ...oauth2.AuthCodeOption) string {
	w.Helper()
	asked := b.open(c.AuthCodeURL("the state", options...))
	back := b.submit(asked, url.Values{"decision": {"allow"}})
	query := back.address.Query()
	if back.status != 303 || !strings.HasPrefix(back.address.String(), callback+"&") || query.Get("state") != "the state" || query.Get("iss") != w.issuer || query.Get("code") == "" {
		w.Fatalf("consent leads to %d %s %s", back.status, back.address, back.text)
	}
	return query.Get("code")
}

// connected goes through the code flow and returns the first token.
func (w *world) connected(c *oauth2.Config) *oauth2.Token {
	w.Helper()
	verifier := oauth2.GenerateVerifier()
	code := w.consent(w.browser(desk.RoleAdmin, "main"), c, oauth2.S256ChallengeOption(verifier))
	token, err := c.Exchange(w.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		w.Fatal(err)
	}
	return token
}

// refresh asks for the next token by a refresh token.
func (w *world) refresh(c *oauth2.Config, token string) (*oauth2.Token, error) {
	defer w.Auth.Close()
	return c.TokenSource(w.Context(), &oauth2.Token{RefreshToken: token}).Token()
}

// crossSite sends a form as a browser does that another site tells to.
func (w *world) crossSite(address string, form url.Values, cookie string) testkit.Answer {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), "POST", address, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	request.Header.Set("Origin", "https://evil.example")
	request.Header.Set("Cookie", cookie)
	a, err := testkit.Do(request)
	if err != nil {
		w.Fatal(err)
	}
	return a
}
