package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

type signInPage struct {
	Problem   string      // what is wrong with what was tried, "" for nothing
	Next      string      // the page that the agent wanted to see; "" for the first
	Lost      bool        // they sent a form from it, after their session had ended, and it is not kept
	Form      *unsentForm // in whose place the page stands, nil for none
	AskTenant bool        // there are several helpdesks
	Tenant    string
	Email     string
	WithToken bool // a token did not do, so its form is open

	Providers    []choice // OpenID providers of the helpdesk
	AskProviders bool     // there are some, and which ones depends on the helpdesk

	Secret string     // of a sign-in link; "" for the form
	Owner  desk.Agent // who sets a password by the link; without an id for the first sign-in link
}

// choice is a way to sign in that leads to another site.
type choice struct{ Name, Address string }

// showSignIn asks who is there, or offers to use a link. Opening a link does not use it up: mail scanners open links too.
func (h *Handler) showSignIn(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page := signInPage{Next: ownPage(query.Get("next")), Lost: query.Has("lost"), Tenant: cmp.Or(query.Get("tenant"), lastTenant(r))}
	var problem *desk.Error
	if secret := mux.Vars(r)["secret"]; secret != "" {
		owner, err := h.Accounts.LinkOwner(r, secret)
		switch {
		case desk.KindOf(err) == desk.Unauthenticated:
			problem = errLink
		case err != nil:
			return err
		default:
			page.Secret, page.Owner = secret, owner
		}
	}
	return h.renderSignIn(w, r, page, problem)
}

var errLink = desk.Errorf(desk.Unauthenticated, "", "This link is not valid, has been used, or has expired. An administrator can make you a new one.")

// renderSignIn writes the page with what is wrong, nil for nothing.
func (h *Handler) renderSignIn(w http.ResponseWriter, r *http.Request, page signInPage, problem *desk.Error) error {
	only, err := h.Accounts.OnlyTenant(r.Context())
	if err != nil {
		return err
	}
	page.AskTenant, page.Tenant = only == "", cmp.Or(only, page.Tenant)
	if page.Tenant != "" {
		for _, name := range h.Accounts.ProviderNames(page.Tenant) {
			query := url.Values{"tenant": {page.Tenant}, "provider": {name}}
			if page.Next != "" && page.Form == nil { // a provider's page opens beside a form
				query.Set("next", page.Next)
			}
			page.Providers = append(page.Providers, choice{name, "/signin/oidc?" + query.Encode()})
		}
	}
	page.AskProviders = len(page.Providers) == 0 && page.AskTenant && page.Form == nil && len(h.Accounts.ProviderNames("")) > 0
	title, status := "Sign in", http.StatusOK
	if page.Form != nil {
		status = http.StatusUnauthorized
	}
	if problem != nil {
		status, page.Problem = httpx.Statuses[problem.Kind], problem.Msg
	}
	if page.Owner.ID != "" {
		title = "Choose a password"
	}
	return h.render(w, status, "signin", layout{Title: title, Page: page})
}

// tenantCookie keeps the helpdesk to which an agent has signed in last, so that its name is typed once.
const tenantCookie = "rollcall_helpdesk"

func lastTenant(r *http.Request) string {
	cookie, err := r.Cookie(tenantCookie)
	if err != nil || desk.CheckSlug("tenant", cookie.Value) != nil {
		return ""
	}
	return cookie.Value
}

// ownPage returns an address of this server's as it is, and "" for others: a link must not lead on to another site.
func ownPage(address string) string {
	_, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return ""
	}
	return address
}

// signIn takes an email address and a password, or an API token, or a link with the password that its owner chooses.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	if err := r.ParseForm(); err != nil {
		return desk.Errorf(desk.InvalidSyntax, "", "The form cannot be read.")
	}
	page := signInPage{Next: ownPage(r.PostForm.Get("next")), Tenant: strings.TrimSpace(r.PostForm.Get("tenant")), Email: r.PostForm.Get("email")}
	to, err := h.trySignIn(w, r, &page)
	if err == nil && to != "" {
		http.Redirect(w, r, cmp.Or(page.Next, to), http.StatusSeeOther)
	}
	return err
}

// trySignIn begins a session for who proves to be an agent, and returns the page that comes next. To others it shows the sign-in page
// again, and returns "".
func (h *Handler) trySignIn(w http.ResponseWriter, r *http.Request, page *signInPage) (to string, err error) {
	cookie, to, err := h.prove(r, page)
	switch desk.KindOf(err) {
	case "":
		http.SetCookie(w, cookie)
		if desk.CheckSlug("tenant", page.Tenant) == nil {
			http.SetCookie(w, h.cookie(&http.Cookie{Name: tenantCookie, Value: page.Tenant, MaxAge: 365 * 24 * 60 * 60}))
		}
		r.Header.Set("Cookie", cookie.Name+"="+cookie.Value) // the request goes on in the new session
		return to, nil
	case desk.RateLimited:
		w.Header().Set("Retry-After", "60")
	case desk.Unauthenticated, desk.InvalidValue:
	default:
		return "", err
	}
	return "", h.renderSignIn(w, r, *page, desk.AsError(err))
}

// prove tries what the form holds. It returns the cookie of the session and the page that comes next, and completes the page to
// be shown otherwise.
func (h *Handler) prove(r *http.Request, page *signInPage) (cookie *http.Cookie, to string, err error) {
	if h.signIns.Check(httpx.Network(r.RemoteAddr)) != nil {
		return nil, "", desk.Errorf(desk.RateLimited, "", "Too many attempts from your network. Wait a minute, then try again.")
	}
	secret, password := strings.TrimSpace(r.PostForm.Get("token")), r.PostForm.Get("password")
	kind, _, _ := desk.ParseSecret(secret)
	switch {
	case kind == desk.TokenSignIn:
		return h.useLink(r, secret, password, page)
	case r.PostForm.Has("token"):
		if cookie, err = h.SignIn(r, secret); desk.KindOf(err) == desk.Unauthenticated {
			page.WithToken = true
			err = desk.Errorf(desk.Unauthenticated, "", "This token is not valid, or has expired.")
		}
		return cookie, "/", err
	}
	tenant := page.Tenant
	if tenant == "" {
		if tenant, err = h.Accounts.OnlyTenant(r.Context()); err != nil {
			return nil, "", err
		}
	}
	cookie, err = h.Accounts.PasswordSignIn(r, tenant, page.Email, password)
	return cookie, "/", err
}

// useLink signs in by a link. Who comes by the first one is asked for an account of their own.
func (h *Handler) useLink(r *http.Request, secret, password string, page *signInPage) (cookie *http.Cookie, to string, err error) {
	owner, err := h.Accounts.LinkOwner(r, secret)
	if err == nil && owner.ID == "" {
		to = "/welcome"
		cookie, err = h.SignIn(r, secret)
	} else if err == nil {
		to = "/"
		cookie, err = h.Accounts.AcceptLink(r, secret, password)
	}
	switch desk.KindOf(err) {
	case desk.Unauthenticated:
		err = errLink
	case desk.InvalidValue: // the password will not do, and the link is still good
		page.Secret, page.Owner = secret, owner
	}
	return cookie, to, err
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, err := h.SignOut(r)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}
