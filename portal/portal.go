package portal

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

//go:embed templates static
var files embed.FS

// pages are the templates by name, each with the layout around it. A broken one stops the program at its start.
var pages = parsePages("signin", "consent", "contacts", "contact", "error")

func parsePages(names ...string) map[string]*template.Template {
	parsed := map[string]*template.Template{}
	for _, name := range names {
		parsed[name] = template.Must(template.New("layout.html").Funcs(functions).ParseFS(files, "templates/layout.html", "templates/"+name+".html"))
	}
	return parsed
}

var functions = template.FuncMap{
	"ago":    ago,
	"exact":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	"reason": func(r desk.CompanyReason) string { return reasons[r] },
	"value":  value,
}

// Handler serves the portal of all tenants.
type Handler struct {
	Engine *provision.Engine
	// Session returns the agent whose browser sent the request, or an Unauthenticated error.
	Session func(*http.Request) (desk.Actor, error)
	// SignIn returns the cookie of a new session for the bearer of a token.
	SignIn func(r *http.Request, secret string, secure bool) (*http.Cookie, error)
	// SignOut ends the session and returns the cookie that says so.
	SignOut   func(*http.Request) (*http.Cookie, error)
	PublicURL string
	Log       *slog.Logger

	signIns *httpx.Limiter // by address
}

// Routes returns the handler of all pages.
func (h *Handler) Routes() http.Handler {
	h.signIns = httpx.NewLimiter(1, 20)
	router := mux.NewRouter().SkipClean(true)
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err) // embedded above
	}
	router.Handle("/static/{file}", http.StripPrefix("/static/", http.FileServerFS(static))).Methods("GET", "HEAD")
	router.Handle("/", http.RedirectHandler("/contacts", http.StatusSeeOther)).Methods("GET", "HEAD")
	router.Handle("/signin", h.public(h.showSignIn)).Methods("GET", "HEAD")
	router.Handle("/signin/{secret}", h.public(h.showSignIn)).Methods("GET", "HEAD")
	router.Handle("/signin", h.public(h.signIn)).Methods("POST")
	router.Handle("/signout", h.public(h.signOut)).Methods("POST")
	router.Handle("/contacts", h.page(h.contacts)).Methods("GET", "HEAD")
	router.Handle("/contacts/{id}", h.page(h.contact)).Methods("GET", "HEAD")
	router.Handle("/oauth/{tenant}/authorize", h.page(h.authorize)).Methods("GET", "HEAD", "POST")
	router.NotFoundHandler = h.public(func(http.ResponseWriter, *http.Request) error {
		return desk.Errorf(desk.NotFound, "", "There is no such page.")
	})
	router.MethodNotAllowedHandler = h.public(func(w http.ResponseWriter, r *http.Request) error {
		httpx.Allow(w, r, router)
		return desk.Errorf(desk.MethodNotAllowed, "", "This page cannot be used like that.")
	})
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(h.public(func(http.ResponseWriter, *http.Request) error {
		return desk.Errorf(desk.Forbidden, "", "This form was sent from another site.")
	}))
	return httpx.Recover(headers(protection.Handler(router)), h.Log, h.writeError)
}

// headers keeps pages from loading anything from elsewhere, from being framed, and from being kept by caches.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policy("'self'"))
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin")
		if !strings.HasPrefix(r.URL.Path, "/static/") {
			header.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}

// policy is the Content-Security-Policy of a page whose forms lead to the given places.
func policy(forms string) string {
	return "default-src 'none'; style-src 'self'; img-src 'self'; form-action " + forms + "; base-uri 'none'; frame-ancestors 'none'"
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

// page serves a page to agents who have signed in, and sends others to do so, and then back.
func (h *Handler) page(serve func(http.ResponseWriter, *http.Request, desk.Actor) error) http.Handler {
	return h.public(func(w http.ResponseWriter, r *http.Request) error {
		actor, err := h.Session(r)
		if desk.KindOf(err) == desk.Unauthenticated {
			to := "/signin"
			if r.Method == http.MethodGet && r.URL.Path != "/contacts" {
				to += "?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		}
		if err != nil {
			return err
		}
		return serve(w, r, actor)
	})
}

// layout is what the frame around a page shows.
type layout struct {
	Title  string
	Tenant string // "" before signing in
	Agent  string
	Page   any
}

// render writes a page. It is made whole first, so that an error does not follow half of it.
func (h *Handler) render(w http.ResponseWriter, status int, name string, data layout) error {
	var b bytes.Buffer
	if err := pages[name].Execute(&b, data); err != nil {
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
	switch e.Kind {
	case desk.Internal, desk.Unavailable:
		h.report(r, err)
	case desk.RateLimited:
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
