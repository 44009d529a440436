package portal

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"rollcall/desk"
)

// Accounts is what the pages about agents ask and do; package auth has it.
type Accounts interface {
	// OnlyTenant returns the tenant of an installation that has just one, else "".
	OnlyTenant(context.Context) (string, error)
	// PasswordSignIn returns the cookie of a new session for an agent, or Unauthenticated.
	PasswordSignIn(r *http.Request, tenant, email, password string) (*http.Cookie, error)
	// LinkOwner returns who sets a password by a link, an agent without an id for the first sign-in link, or Unauthenticated.
	LinkOwner(r *http.Request, secret string) (desk.Agent, error)
	// AcceptLink gives the link's owner a password, and returns the cookie of a new session.
	AcceptLink(r *http.Request, secret, password string) (*http.Cookie, error)
	// CreateAccount makes an agent of an administrator who is none, and returns the cookie of a new session.
	CreateAccount(r *http.Request, actor desk.Actor, name, email, password string) (*http.Cookie, error)

	// ProviderNames lists a tenant's OpenID providers, all tenants' for "".
	ProviderNames(tenant string) []string
	// StartProvider returns the address of a provider to which a browser goes to sign in, and the cookie to go with.
	StartProvider(r *http.Request, tenant, name, next string) (address string, cookie *http.Cookie, err error)
	// FinishProvider returns the cookies of a new session, or of none with an error, and the page that comes next.
	FinishProvider(r *http.Request) (cookies []*http.Cookie, next string, err error)

	// SentBefore notes that a form is sent, which is known by all that it holds, and reports whether it was sent before.
	SentBefore(ctx context.Context, actor desk.Actor, form string) (bool, error)

	// ChangePassword ends all sessions of the actor, and returns the cookie of a new one.
	ChangePassword(r *http.Request, actor desk.Actor, present, password string) (*http.Cookie, error)
	// Sessions lists the actor's sessions, EndSession ends one of them, EndOtherSessions all but the one that asks.
	Sessions(context.Context, desk.Actor) ([]desk.Token, error)
	EndSession(ctx context.Context, actor desk.Actor, id string) error
	EndOtherSessions(context.Context, desk.Actor) error

	// Agents returns a page of the tenant's agents in the order of their folded addresses.
	Agents(ctx context.Context, actor desk.Actor, after string, limit int) ([]desk.Agent, error)
	Agent(ctx context.Context, actor desk.Actor, id string) (desk.Agent, error)
	// Invite adds an agent, and returns the secret of a link by which they set a password, as NewLink does for one who is there.
	Invite(context.Context, desk.Actor, *desk.Agent) (link string, err error)
	NewLink(ctx context.Context, actor desk.Actor, id string) (link string, err error)
	EditAgent(ctx context.Context, actor desk.Actor, id string, edit desk.AgentEdit) (desk.Agent, error)
	DeleteAgent(ctx context.Context, actor desk.Actor, id string) error
}

type accountPage struct {
	Actor    desk.Actor
	Agent    desk.Agent // without an id for who came with a token or with the first link
	Name     string     // in the form
	Sessions []session
}

// session is a line of the list of sessions.
type session struct {
	desk.Token
	Browser string
	Here    bool // the one that looks at the page
}

const accountTitle = "Your account"

// account shows agents what is known of them, and where they are signed in.
func (h *Handler) account(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.accountPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "account", accountTitle, page)
}

func (h *Handler) accountPage(r *http.Request, actor desk.Actor) (accountPage, error) {
	page := accountPage{Actor: actor}
	if actor.AgentID == "" {
		return page, nil
	}
	var err error
	if page.Agent, err = h.Accounts.Agent(r.Context(), actor, actor.AgentID); err != nil {
		return page, err
	}
	page.Name = page.Agent.Name
	list, err := h.Accounts.Sessions(r.Context(), actor)
	for _, t := range slices.Backward(list) { // the latest first
		page.Sessions = append(page.Sessions, session{t, browser(t.UserAgent), t.ID == actor.SessionID})
	}
	return page, err
}

// accountAgain shows the account again with what is wrong with a form of it.
func (h *Handler) accountAgain(w http.ResponseWriter, r *http.Request, actor desk.Actor, err error) error {
	page, broken := h.accountPage(r, actor)
	if broken != nil {
		return broken
	}
	if r.PostForm.Has("name") {
		page.Name = r.PostForm.Get("name")
	}
	return h.showAgain(w, r, actor, err, "account", accountTitle, page)
}

// rename takes an agent's own name.
func (h *Handler) rename(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	name := r.PostForm.Get("name")
	if _, err := h.Accounts.EditAgent(r.Context(), actor, actor.AgentID, desk.AgentEdit{Name: &name}); err != nil {
		return h.accountAgain(w, r, actor, err)
	}
	return h.done(w, r, "/account", "Your name is saved.")
}

func (h *Handler) changePassword(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	cookie, err := h.Accounts.ChangePassword(r, actor, r.PostForm.Get("present"), r.PostForm.Get("password"))
	if err != nil {
		return h.accountAgain(w, r, actor, err)
	}
	http.SetCookie(w, cookie)
	return h.done(w, r, "/account", "Your password is changed. Everywhere else you are signed out.")
}

// endSessions ends one of the agent's sessions, or all but this one.
func (h *Handler) endSessions(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	notice := "The session has ended."
	var err error
	if id := r.PostForm.Get("session"); id != "" {
		err = h.Accounts.EndSession(r.Context(), actor, id)
	} else {
		notice = "Everywhere else you are signed out."
		err = h.Accounts.EndOtherSessions(r.Context(), actor)
	}
	if err != nil {
		return err
	}
	return h.done(w, r, "/account", notice)
}

// browsers and systems are told by words in what a browser says of itself: the first that is there. Most name others as well.
var (
	browsers = [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
	}
	systems = [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"},
	}
)

// browser says in two words what a browser is.
func browser(userAgent string) string {
	first := func(list [][2]string, none string) string {
		for _, known := range list {
			if strings.Contains(userAgent, known[0]) {
				return known[1]
			}
		}
		return none
	}
	name, system := first(browsers, "A browser"), first(systems, "")
	if system == "" {
		return name
	}
	return name + " on " + system
}
