package portal

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

//go:embed templates
var templates embed.FS

// pages are the templates by name, each with the layout and the shared parts around it. They are read when they are first shown: all of
// them take as much memory as all else that a server without agents needs.
var pages = func() map[string]func() *template.Template {
	shared := sync.OnceValue(func() *template.Template {
		return template.Must(template.New("layout.html").Funcs(functions).ParseFS(templates, "templates/layout.html", "templates/parts*.html"))
	})
	names, err := fs.Glob(templates, "templates/*.html")
	if err != nil {
		panic(err) // the pattern above
	}
	list := map[string]func() *template.Template{}
	for _, name := range names {
		page := strings.TrimSuffix(path.Base(name), ".html")
		if page == "layout" || strings.HasPrefix(page, "parts") {
			continue
		}
		list[page] = sync.OnceValue(func() *template.Template {
			return template.Must(template.Must(shared().Clone()).ParseFS(templates, name))
		})
	}
	return list
}()

// Handler serves the portal of all tenants.
type Handler struct {
	Engine *provision.Engine
	// Session returns the agent whose browser sent the request, or an Unauthenticated error.
	Session func(*http.Request) (desk.Actor, error)
	// SignIn returns the cookie of a new session for the bearer of a token.
	SignIn func(r *http.Request, secret string) (*http.Cookie, error)
	// SignOut ends the session and returns the cookie that says so.
	SignOut  func(*http.Request) (*http.Cookie, error)
	Accounts Accounts
	Tokens   Tokens
	// ReadUser reads a user whom a directory would send to a tenant with these custom fields.
	ReadUser  func(fields []desk.Field, body []byte) (desk.Resource, error)
	InFlight  *httpx.InFlight // nil for no bound
	PublicURL string
	Log       *slog.Logger

	signIns *httpx.Limiter // by address
}

// route is a page, or a form of one, for those who have signed in.
type route struct {
	method string // a GET is also a HEAD
	path   string
	role   desk.Role // the least that opens it
	serve  func(http.ResponseWriter, *http.Request, desk.Actor) error
}

// routes are all pages but the way in.
func (h *Handler) routes() []route {
	const agent, admin = desk.RoleAgent, desk.RoleAdmin
	return slices.Concat(h.connectionRoutes(), []route{
		{"GET", "/", agent, h.home},
		{"GET", "/contacts", agent, h.contacts},
		{"POST", "/contacts/bulk", agent, h.bulk},
		{"GET", "/pick/company", agent, h.pickCompany},
		{"GET", "/contacts/new", agent, h.newContact},
		{"POST", "/contacts/new", agent, h.newContact},
		{"GET", "/contacts/{id}", agent, h.contact},
		{"GET", "/contacts/{id}/edit", agent, h.editContact},
		{"POST", "/contacts/{id}/edit", agent, h.editContact},
		{"POST", "/contacts/{id}/company", agent, h.setCompany},
		{"POST", "/contacts/{id}/delete", agent, h.deleteContact},
		{"POST", "/contacts/{id}/restore", agent, h.restoreContact},
		{"GET", "/contacts/{id}/erase", agent, h.erase},
		{"POST", "/contacts/{id}/erase", agent, h.erase},
		{"GET", "/deleted", agent, h.deleted},
		{"POST", "/deleted", agent, h.restoreAll},
		{"GET", "/companies", agent, h.companies},
		{"POST", "/companies", admin, h.createCompany},
		{"GET", "/companies/new", admin, h.newCompany},
		{"POST", "/companies/rescan", admin, h.startRescan},
		{"GET", "/companies/{id}", agent, h.company},
		{"POST", "/companies/{id}", admin, h.renameCompany},
		{"POST", "/companies/{id}/domains", admin, h.addDomain},
		{"POST", "/companies/{id}/domains/remove", admin, h.removeDomain},
		{"POST", "/companies/{id}/delete", admin, h.deleteCompany},
		{"GET", "/domains", agent, h.domains},
		{"POST", "/domains/company", admin, h.makeCompany},
		{"POST", "/domains/settle", admin, h.settleDomain},
		{"GET", "/agents", admin, h.agents},
		{"POST", "/agents", admin, h.invite},
		{"GET", "/agents/{id}", admin, h.agent},
		{"POST", "/agents/{id}", admin, h.editAgent},
		{"POST", "/agents/{id}/link", admin, h.newLink},
		{"POST", "/agents/{id}/delete", admin, h.deleteAgent},
		{"GET", "/audit", admin, h.audit},
		{"GET", "/audit.csv", admin, h.downloadAudit},
		{"GET", "/account", agent, h.account},
		{"POST", "/account", agent, h.rename},
		{"POST", "/account/password", agent, h.changePassword},
		{"POST", "/account/sessions", agent, h.endSessions},
		{"GET", "/welcome", admin, h.showWelcome},
		{"POST", "/welcome", admin, h.welcome},
		{"GET", "/log", agent, h.syncLog},
		{"GET", "/log/cycles", agent, h.cycles},
		{"GET", "/log/{connection}.csv", agent, h.downloadLog},
		{"GET", "/log/{connection}/{event}", agent, h.event},
		{"GET", "/oauth/{tenant}/authorize", agent, h.authorize}, // it tells agents what they lack
		{"POST", "/oauth/{tenant}/authorize", agent, h.authorize},
	})
}

// Access says for whom each page is.
func (h *Handler) Access() []httpx.Access {
	return httpx.AccessOf(h.router(), func(method, path string) httpx.Who {
		for _, page := range h.routes() {
			if page.method == method && page.path == path {
				return httpx.Who(page.role)
			}
		}
		return httpx.Anybody
	})
}

// Routes returns the handler of all pages.
func (h *Handler) Routes() http.Handler {
	h.signIns = httpx.NewLimiter(1, 20)
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(h.public(func(http.ResponseWriter, *http.Request) error {
		return desk.Errorf(desk.Forbidden, "", "This form was sent from another site.")
	}))
	return httpx.Recover(headers(protection.Handler(h.router())), h.Log, h.writeError)
}

func (h *Handler) router() *mux.Router {
	router := mux.NewRouter().SkipClean(true)
	router.Use(httpx.NoteRoute)
	router.HandleFunc("/static/{file}", serveStatic).Methods("GET", "HEAD")
	router.Handle("/signin", h.public(h.showSignIn)).Methods("GET", "HEAD")
	router.Handle("/signin/oidc", h.public(h.startProvider)).Methods("GET")
	router.Handle("/signin/oidc/callback", h.public(h.finishProvider)).Methods("GET")
	router.Handle("/signin/{secret}", h.public(h.showSignIn)).Methods("GET", "HEAD")
	router.Handle("/signin", h.public(h.signIn)).Methods("POST")
	router.Handle("/signout", h.public(h.signOut)).Methods("POST")
	for _, page := range h.routes() {
		methods := []string{page.method}
		if page.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		router.Handle(page.path, h.page(page)).Methods(methods...)
	}
	router.NotFoundHandler = h.public(func(http.ResponseWriter, *http.Request) error {
		return desk.Errorf(desk.NotFound, "", "There is no such page.")
	})
	router.MethodNotAllowedHandler = h.public(func(w http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodGet { // the address of a form, which stands above one that was shown again; the page is a step up
			http.Redirect(w, r, path.Dir(r.URL.Path), http.StatusSeeOther)
			return nil
		}
		httpx.Allow(w, r, router)
		return desk.Errorf(desk.MethodNotAllowed, "", "This page cannot be used like that.")
	})
	return router
}

// headers keeps pages from loading anything from elsewhere, from being framed, and from being kept by caches.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy("'self'"))
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// policy is the Content-Security-Policy of a page whose forms lead to the given places.
func policy(forms string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action " + forms + "; base-uri 'none'; frame-ancestors 'none'"
}

// public serves a page to anybody.
func (h *Handler) public(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := httpx.CheckURL(r)
		if err == nil {
			err = serve(w, r)
		}
		if err != nil {
			h.writeError(w, r, err)
		}
	})
}

// maxForm is the most that a form may hold, in bytes: a mapping is the largest.
const maxForm = 1 << 20

// page serves a page to agents who have signed in and whose role suffices. Others sign in, and then get back to it, or to the form that
// they sent.
func (h *Handler) page(page route) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		actor, err := h.Session(r)
		if desk.KindOf(err) == desk.Unauthenticated {
			if signedIn, err := h.signInFirst(w, r); err != nil || !signedIn {
				return err
			}
			actor, err = h.Session(r)
		}
		if err != nil {
			return err
		}
		h.rememberAgent(w, r, actor)
		place, err := h.InFlight.Enter(r.Context(), actor.TenantID)
		if err != nil {
			return err
		}
		defer place.Leave()
		if page.role == desk.RoleAdmin && actor.Role != desk.RoleAdmin {
			return desk.Errorf(desk.Forbidden, "", "Only administrators can do this. Ask one of yours.")
		}
		actor.RequestID, actor.Began = httpx.RequestID(r.Context()), httpx.Began(r.Context())
		if r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				return desk.Errorf(desk.InvalidSyntax, "", "The form cannot be read, or is too large.")
			}
			if r.PostForm.Has(unsentField) {
				return h.showUnsent(w, r, actor, page)
			}
			if err := checkText(r.PostForm); err != nil {
				return err
			}
		}
		return page.serve(w, r, actor)
	})
}

// checkText refuses a form that holds what cannot be kept.
func checkText(form url.Values) error {
	for _, values := range form {
		if slices.ContainsFunc(values, func(v string) bool { return !desk.Storable(v) }) {
			return desk.Errorf(desk.InvalidValue, "", "The form holds characters that no text can.")
		}
	}
	return nil
}

// layout is what the frame around a page shows.
type layout struct {
	Title   string
	Section string     // of the menu; the first part of the page's path
	Actor   desk.Actor // nobody before signing in
	Notice  string     // what the form before this page has done
	Unsent  bool       // the form on the page was filled in before its agent signed in again, and has done nothing
	Problem *desk.Error
	Page    any
}

// Admin reports whether who looks at the page administers the helpdesk.
func (l layout) Admin() bool { return l.Actor.Role == desk.RoleAdmin }

// show writes a page for an agent.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, actor desk.Actor, name, title string, page any) error {
	return h.render(w, http.StatusOK, name, layout{Title: title, Section: section(r), Actor: actor, Notice: h.takeNotice(w, r), Unsent: unsent(r), Page: page})
}

// showAgain writes the page of a form again with what is wrong with it: above it, unless the page says it at the field by a method At,
// as a fault has it. What is not the form's fault is returned.
func (h *Handler) showAgain(w http.ResponseWriter, r *http.Request, actor desk.Actor, err error, name, title string, page any) error {
	if errors.Is(err, errUnsent) {
		return h.show(w, r, actor, name, title, page)
	}
	e := desk.AsError(err)
	switch status := httpx.Statuses[e.Kind]; e.Kind {
	case desk.Internal, desk.Unavailable, desk.NotFound, desk.Unauthenticated, desk.Forbidden, desk.RateLimited:
		return err
	default:
		if p, ok := page.(interface{ At(field string) string }); ok && e.Field != "" && p.At(e.Field) != "" {
			e = nil
		}
		return h.render(w, status, name, layout{Title: title, Section: section(r), Actor: actor, Unsent: unsent(r), Problem: e, Page: page})
	}
}

// section is the part of the menu to which a page belongs.
func section(r *http.Request) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch first {
	case "domains":
		return "companies"
	case "audit":
		return "agents"
	}
	return first
}

// noticeCookie carries over a redirect what a form has done.
const noticeCookie = "rollcall_notice"

// done leads on from a form that did its work, to a page that says so. notice is "" where the page shows it anyway.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, to, notice string) error {
	if notice != "" {
		http.SetCookie(w, h.cookie(&http.Cookie{Name: noticeCookie, Value: url.QueryEscape(notice), MaxAge: 60}))
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// takeNotice returns the notice that waits for the next page, once.
func (h *Handler) takeNotice(w http.ResponseWriter, r *http.Request) string {
	cookie, err := r.Cookie(noticeCookie)
	if err != nil || r.Header.Get("HX-Request") != "" {
		return ""
	}
	http.SetCookie(w, h.cookie(&http.Cookie{Name: noticeCookie, MaxAge: -1}))
	notice, err := url.QueryUnescape(cookie.Value)
	if err != nil || !desk.Storable(notice) {
		return ""
	}
	return notice
}

// cookie completes a cookie of the portal's.
func (h *Handler) cookie(c *http.Cookie) *http.Cookie {
	c.Path, c.HttpOnly, c.SameSite, c.Secure = "/", true, http.SameSiteLaxMode, h.secure()
	return c
}

// secure reports whether the portal is reached by https.
func (h *Handler) secure() bool { return strings.HasPrefix(h.PublicURL, "https:") }

// render writes a page. It is made whole first, so that an error does not follow half of it.
func (h *Handler) render(w http.ResponseWriter, status int, name string, data layout) error {
	var b bytes.Buffer
	if err := pages[name]().Execute(&b, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
	return nil
}

// writeError shows an error as a page.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := desk.AsError(err)
	if httpx.Fault(r.Context(), err) {
		h.report(r, err)
	}
	if e.Kind == desk.RateLimited {
		w.Header().Set("Retry-After", httpx.RetryAfter)
	}
	status := httpx.Statuses[e.Kind]
	if err := h.render(w, status, "error", layout{Title: http.StatusText(status), Page: httpx.Public(r.Context(), e)}); err != nil {
		h.Log.Error("portal", "error", err)
	}
}

// report logs an error that is ours.
func (h *Handler) report(r *http.Request, err error) {
	h.Log.Error("portal", "error", err, "request_id", httpx.RequestID(r.Context()))
}
