package portal_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// axePath is where `npm install --prefix .ci axe-core` puts the checker of accessibility.
const axePath = "../.ci/node_modules/axe-core/axe.min.js"

// maxWeight is the most that a page may weigh with all that it loads, in bytes as they are sent.
const maxWeight = 100_000

// chromium is the browser that all journeys share.
var chromium struct {
	once sync.Once
	ctx  context.Context
	axe  string
	err  error
}

// startChromium starts the browser, or skips the test where there is none and none has to be.
func startChromium(t *testing.T) context.Context {
	t.Helper()
	chromium.once.Do(func() {
		axe, err := os.ReadFile(axePath)
		if err == nil {
			_, err = exec.LookPath("chromium")
		}
		if err != nil {
			chromium.err = err
			return
		}
		chromium.axe = string(axe)
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.ExecPath("chromium"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
		allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
		chromium.ctx, _ = chromedp.NewContext(allocator)
		chromium.err = chromedp.Do(chromium.ctx)
	})
	if missing := errors.Is(chromium.err, os.ErrNotExist) || errors.Is(chromium.err, exec.ErrNotFound); missing && os.Getenv("REQUIRE_BROWSER") == "" {
		t.Skip("no browser: install chromium, and axe-core by npm install --prefix .ci axe-core@4.14.1")
	}
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	return chromium.ctx
}

// visitor is somebody who looks at the portal in a browser.
type visitor struct {
	*testing.T
	*testkit.Server
	Phone bool

	ctx      context.Context
	cookie   *http.Cookie // of the session
	mu       sync.Mutex
	problems []string // what the browser complained of
	shot     int      // how many pictures were made
}

// journeys run f in a browser on a desk, in light, over a server on SQLite, and at the same time on a phone, in dark, over one on
// PostgreSQL, if that can be had.
func journeys(t *testing.T, f func(v *visitor)) {
	databases := testkit.All(t)
	for name, databaseURL := range map[string]string{"desktop": databases[0], "phone": databases[len(databases)-1]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, _, _ := strings.Cut(databaseURL, ":")
			t.Run(engine, func(t *testing.T) { f(newVisitor(t, testkit.NewServer(t, databaseURL), name == "phone")) })
		})
	}
}

// newVisitor opens a browser of its own on the server. At its end it must not have complained of anything.
func newVisitor(t *testing.T, s *testkit.Server, phone bool) *visitor {
	t.Helper()
	ctx, cancel := chromedp.NewContext(startChromium(t), chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	v := &visitor{T: t, Server: s, Phone: phone, ctx: ctx}
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context in which it is first used
		t.Fatal(err)
	}
	width, height, scheme := int64(1280), int64(900), "light"
	if phone {
		width, height, scheme = 380, 800, "dark"
	}
	v.do(chromedp.EmulateViewport(width, height))
	call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	call(v, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}) // there are others beside it
	if err := chromedp.Listen(ctx, v.listen); err != nil {
		t.Fatal(err)
	}
	call(v, browserlog.Enable, cdp.Empty{})
	call(v, runtime.Enable, cdp.Empty{})
	t.Cleanup(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		for _, p := range v.problems {
			t.Error(p)
		}
	})
	return v
}

// listen keeps what the browser complains of: errors of scripts, and what the Content-Security-Policy refuses.
func (v *visitor) listen(event any) {
	problem := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		problem = fmt.Sprintf("script failed: %+v", e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			for _, arg := range e.Args {
				problem += "console: " + string(arg.Value) + arg.Description
			}
		}
	case *browserlog.EventEntryAdded:
		if e.Entry.Level == browserlog.EntryLevelError {
			problem = "browser: " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if problem != "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.problems = append(v.problems, problem)
	}
}

// Forgive takes back what the browser complained of so far, for pages whose status is an error by design.
func (v *visitor) Forgive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.problems = nil
}

// patience is how long something may take to appear.
const patience = 15 * time.Second

func (v *visitor) do(steps ...chromedp.Action[chromedp.Void]) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		v.Fatal(err)
	}
}

func call[P, R any](v *visitor, command cdp.Command[P, R], params P) {
	v.Helper()
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		v.Fatal(err)
	}
}

// ask evaluates an expression in the page, with args in it as JSON.
func ask[T any](v *visitor, expression string, args ...any) T {
	v.Helper()
	for i, a := range args {
		text, err := json.Marshal(a)
		if err != nil {
			v.Fatal(err)
		}
		args[i] = string(text)
	}
	got, err := evaluate[T](v, fmt.Sprintf(expression, args...))
	if err != nil {
		v.Fatalf("%s: %v", expression, err)
	}
	return got
}

// evaluate evaluates a script in the page. Where the page goes away meanwhile, the one that comes after it is asked.
func evaluate[T any](v *visitor, script string) (T, error) {
	ctx, cancel := context.WithTimeout(v.ctx, patience)
	defer cancel()
	for {
		got, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
		if away := new(cdproto.Error); !errors.As(err, &away) || away.Code != codeAway {
			return got, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// codeAway is the browser's code for a script whose page navigates before there is an answer, or is not there yet.
const codeAway = -32000

// SignIn signs the visitor in to the tenant main with a role.
func (v *visitor) SignIn(role desk.Role) {
	v.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm(v.URL+"/signin", url.Values{"token": {v.Token(v.T, "main", role)}})
	if err != nil {
		v.Fatal(err)
	}
	response.Body.Close()
	for _, c := range response.Cookies() {
		v.cookie = c
		call(v, network.SetCookie, network.SetCookieParams{Name: c.Name, Value: c.Value, URL: v.URL, HTTPOnly: &c.HttpOnly, SameSite: network.CookieSameSiteLax})
	}
}

// Open opens a page of the portal, and checks it.
func (v *visitor) Open(path string) {
	v.Helper()
	v.do(chromedp.Navigate(v.URL + path))
	v.Check()
}

// Path returns the path of the page, with its query.
func (v *visitor) Path() string { return ask[string](v, `location.pathname + location.search`) }

// wait waits until an expression holds in the page.
func (v *visitor) wait(what, expression string, args ...any) {
	v.Helper()
	for end := time.Now().Add(patience); !ask[bool](v, expression, append([]any{}, args...)...); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			v.Fatalf("%s: not within %s; %s says:\n%s", what, patience, v.Path(), ask[string](v, `document.body.innerText`))
		}
	}
}

// Sees waits until the page shows texts.
func (v *visitor) Sees(texts ...string) {
	v.Helper()
	for _, text := range texts {
		v.wait("to see "+text, `!!document.body?.innerText.includes(%s)`, text)
	}
}

// SeesNot waits until the page does not show texts.
func (v *visitor) SeesNot(texts ...string) {
	v.Helper()
	for _, text := range texts {
		v.wait("to see no "+text, `document.body?.innerText.includes(%s) === false`, text)
	}
}

// find is a script that finds what a person would point at: a button, link, tab or summary by what it says, the visible one.
const find = `(name => {
  const shown = e => e.checkVisibility({visibilityProperty: true}) && e.getClientRects().length > 0;
  const says = e => (e.getAttribute("aria-label") || e.innerText || "").replace(/\s+/g, " ").trim();
  const all = [...document.querySelectorAll("button, a, summary, [role=button], label")].filter(shown);
  return all.find(e => says(e) === name) || all.find(e => says(e).startsWith(name));
})(%s)`

// Click clicks on the button, link or summary that says so, once it is there. A click that leads to another page checks that page.
func (v *visitor) Click(name string) {
	v.Helper()
	v.wait("to click "+name, `!!`+find, name)
	before := ask[float64](v, `performance.timeOrigin`)
	at := ask[[]float64](v, `(e => { e.scrollIntoView({block: "center"}); const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2]; })(`+find+`)`, name)
	v.do(chromedp.MouseClickXY(at[0], at[1]))
	time.Sleep(50 * time.Millisecond)
	v.wait("the page after "+name, `document.readyState === "complete"`)
	if ask[float64](v, `performance.timeOrigin`) != before {
		v.Check()
	}
}

// LeaveAsks clicks on a link that leads away from a form in which something has changed, is asked whether to, and stays.
func (v *visitor) LeaveAsks(link string) {
	v.Helper()
	asked := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(v.ctx)
	defer cancel()
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*page.EventJavascriptDialogOpening); ok && e.Type == page.DialogTypeBeforeunload {
			asked <- struct{}{}
		}
	}); err != nil {
		v.Fatal(err)
	}
	call(v, page.Enable, page.EnableParams{})
	path := v.Path()
	at := ask[[]float64](v, `(e => { e.scrollIntoView({block: "center"}); const r = e.getClientRects()[0]; return [r.x + r.width / 2, r.y + r.height / 2]; })(`+find+`)`, link)
	clicked := make(chan error, 1)
	go func() { clicked <- chromedp.Do(v.ctx, chromedp.MouseClickXY(at[0], at[1])) }()
	select {
	case <-asked:
	case <-time.After(patience):
		v.Fatalf("%s leads away from %s without a question", link, path)
	}
	call(v, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false})
	if err := <-clicked; err != nil {
		v.Fatal(err)
	}
	if v.Path() != path {
		v.Errorf("it leads to %s", v.Path())
	}
}

// field is a script that finds a field by its label.
const field = `(name => {
  const label = [...document.querySelectorAll("label")].find(l => l.innerText.replace(/\s+/g, " ").trim().startsWith(name) || l.textContent.replace(/\s+/g, " ").trim() === name);
  return label?.control || document.querySelector("[aria-label=" + JSON.stringify(name) + "]");
})(%s)`

// Fill writes a text into the field with a label, as one who types does.
func (v *visitor) Fill(label, text string) {
	v.Helper()
	v.wait("to fill in "+label, `!!`+field, label)
	ask[bool](v, `(e => { e.scrollIntoView({block: "center"}); e.focus(); e.select(); return true; })(`+field+`)`, label)
	call(v, input.InsertText, input.InsertTextParams{Text: text})
}

// Focus puts the keyboard's focus on the field with a label.
func (v *visitor) Focus(label string) {
	v.Helper()
	v.wait("to focus "+label, `!!`+field, label)
	ask[bool](v, `(e => { e.focus(); return true; })(`+field+`)`, label)
}

// Press presses keys one after the other, as package kb writes them.
func (v *visitor) Press(keys ...string) {
	v.Helper()
	for _, key := range keys {
		v.do(chromedp.KeyEvent(key))
	}
}

// Choose chooses an option of a list by what it says.
func (v *visitor) Choose(label, option string) {
	v.Helper()
	v.wait("to choose "+option, `!!(e => e && [...e.options].some(o => o.text.trim() === %s))(`+field+`)`, option, label)
	ask[bool](v, `(option => (e => { e.value = [...e.options].find(o => o.text.trim() === option).value; e.dispatchEvent(new Event("input", {bubbles: true})); e.dispatchEvent(new Event("change", {bubbles: true})); return true; }))(%s)(`+field+`)`, option, label)
	time.Sleep(50 * time.Millisecond)
	v.wait("the page after "+option, `document.readyState === "complete"`)
}

// Check holds the page to what all pages are held to: accessible by axe-core's rules, no wider than the screen, light.
func (v *visitor) Check() {
	v.Helper()
	v.wait("the page", `document.readyState === "complete"`)
	v.shoot()
	if wide := ask[int](v, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wide > 0 {
		v.Errorf("%s is %d pixels wider than the screen, by %s", v.Path(), wide, ask[string](v, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName + "." + e.className).slice(0, 5).join(" ")`))
	}
	if weight := ask[int](v, `[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].reduce((n, e) => n + e.encodedBodySize, 0)`); weight > maxWeight {
		v.Errorf("%s weighs %d bytes", v.Path(), weight)
	}
	findings, err := evaluate[[]string](v, chromium.axe+`; axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.filter(x => x.impact === "serious" || x.impact === "critical" || x.impact === "moderate")
		.map(x => x.id + " (" + x.impact + "): " + x.help + ": " + x.nodes.slice(0, 3).map(n => n.html + " " + (n.any[0]?.message || "")).join(" | ")))`)
	if err != nil {
		v.Fatal(err)
	}
	for _, finding := range findings {
		v.Errorf("%s: %s", v.Path(), finding)
	}
}

// shots is a folder for a picture of each page that is checked, to look at.
var shots = flag.String("shots", "", "write a picture of each page that journeys see to this folder")

func (v *visitor) shoot() {
	v.Helper()
	if *shots != "" {
		v.shot++
		v.Screenshot(filepath.Join(*shots, fmt.Sprintf("%s-%02d.png", strings.ReplaceAll(v.Name(), "/", "-"), v.shot)))
	}
}

// Screenshot writes a picture of the page to a file.
func (v *visitor) Screenshot(path string) {
	v.Helper()
	picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		v.Fatal(err)
	}
	if err := os.WriteFile(path, picture, 0o644); err != nil {
		v.Fatal(err)
	}
}

// Push sends a user as Entra does, and returns the SCIM id.
func (v *visitor) Push(tenantURL, token, body string) string {
	v.Helper()
	return testkit.Call(v.T, "POST", tenantURL+"/Users", token, body).Want(v.T, 201)["id"].(string)
}

// entraUser is the body with which Entra creates a person.
func entraUser(objectID, name, address string) string {
	return fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":%q,"userName":%q,"active":true,"displayName":%q,"title":"Engineer",
		"emails":[{"primary":true,"type":"work","value":%q}],"phoneNumbers":[{"type":"work","value":"+1 206 555 0100"}],"meta":{"resourceType":"User"}}`,
		objectID, strings.ToLower(address), name, address)
}
