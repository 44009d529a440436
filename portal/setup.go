package portal

import (
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type setupPage struct {
	connectionHead
	TenantURL string
	Made      *madeSecret // the token that was just made here
	HasTokens bool        // or OAuth clients
	Live      arrivals
	Lifetimes []lifetime
	NewToken  lifetimeForm
	Endpoints endpoints
	Mapping   []attribute
	Text      string // the mapping as text with tabs, which spreadsheets and notes take
}

// arrivals is what has come from a directory since somebody began to look.
type arrivals struct {
	Self     string // where to look again
	Provider string
	Paused   bool
	Heard    *time.Time    // the last request that was served since then
	Before   *time.Time    // the last one, if none since then
	Denied   *desk.Denial  // requests that were turned away since then, and after what was served
	Person   *desk.Profile // who came last
	Contact  string        // their contact's id, "" for none
	New      bool          // they came since then
	Arrived  time.Time
}

func (h *Handler) setup(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.setupPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "setup", page.Name+": setup", page)
}

// setupToken makes a token where the directory is set up.
func (h *Handler) setupToken(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if before, err := h.sentBefore(w, r, actor, r.URL.Path, secretShownOnce); before || err != nil {
		return err
	}
	made, issueErr := h.issue(r, actor)
	page, err := h.setupPage(r, actor)
	if err != nil {
		return err
	}
	if issueErr != nil {
		page.NewToken = readLifetime(r.PostForm)
		return h.showAgain(w, r, actor, issueErr, "setup", page.Name+": setup", page)
	}
	page.Made, page.HasTokens = made, true
	return h.show(w, r, actor, "setup", page.Name+": setup", page)
}

func (h *Handler) setupPage(r *http.Request, actor desk.Actor) (setupPage, error) {
	c, err := h.Engine.HealthOf(r.Context(), actor, mux.Vars(r)["slug"])
	if err != nil {
		return setupPage{}, err
	}
	page := setupPage{
		connectionHead: newHead(actor, c.Connection, "setup"), TenantURL: h.tenantURL(c.Connection), Lifetimes: lifetimes, NewToken: readLifetime(nil),
		Endpoints: h.endpoints(actor.TenantID), Mapping: attributes[c.Provider], HasTokens: true,
	}
	if page.Mapping == nil {
		page.Mapping = attributes["generic"]
	}
	for _, a := range page.Mapping {
		page.Text += a.From + "\t" + a.To + "\n"
	}
	for _, reason := range c.Reasons {
		page.HasTokens = page.HasTokens && reason.Code != "no_credential"
	}
	page.Live, err = h.arrivals(r, actor, c)
	return page, err
}

func (h *Handler) tenantURL(c desk.Connection) string {
	return h.PublicURL + "/scim/" + c.TenantID + "/" + c.Slug
}

// arrivals looks what has come since the time that the address names, which is that at which the page was opened.
func (h *Handler) arrivals(r *http.Request, actor desk.Actor, c provision.ConnectionHealth) (arrivals, error) {
	since, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("since"))
	if err != nil {
		since = h.Engine.Store.Now().UTC()
	}
	a := arrivals{
		Self: "/connections/" + c.Slug + "/setup?" + url.Values{"since": {since.Format(time.RFC3339Nano)}}.Encode(), Provider: c.Provider, Paused: c.PausedAt != nil,
	}
	if c.LastActivity != nil && c.LastActivity.After(since) {
		a.Heard = c.LastActivity
	} else {
		a.Before = c.LastActivity
	}
	for _, d := range c.Denials {
		if d.LastAt.After(since) && (a.Denied == nil || d.LastAt.After(a.Denied.LastAt)) {
			a.Denied = &d
		}
	}
	newest, err := h.Engine.NewestUsers(r.Context(), actor, c.Slug, 1)
	if err != nil || len(newest) == 0 {
		return a, err
	}
	u := newest[0]
	resource, err := u.Decode()
	if err != nil {
		return a, err
	}
	profile := desk.ProfileOf(resource)
	a.Person, a.Arrived, a.New = &profile, u.CreatedAt, u.CreatedAt.After(since)
	if u.ContactID != nil {
		a.Contact = *u.ContactID
	}
	return a, nil
}

// attribute is a row of the mapping that a directory is set up with.
type attribute struct {
	From, To string
	Note     string
}

const (
	workEmail   = `emails[type eq "work"].value`
	workPhone   = `phoneNumbers[type eq "work"].value`
	mobilePhone = `phoneNumbers[type eq "mobile"].value`
	department  = desk.EnterpriseURN + ":department"
	company     = desk.EnterpriseURN + ":organization"
)

// attributes are the mappings by provider.
var attributes = map[string][]attribute{
	"entra": {
		{"objectId", "externalId", "Matching precedence 1. Apply: always"},
		{"userPrincipalName", "userName", "Matching precedence 2. Apply: only during object creation"},
		{`Switch([IsSoftDeleted], , "False", "True", "True", "False")`, "active", ""},
		{"displayName", "displayName", ""},
		{"jobTitle", "title", ""},
		{"telephoneNumber", workPhone, ""},
		{"mobile", mobilePhone, ""},
		{"mail", workEmail, "Decides the company by its domain"},
	},
	"okta": {
		{"userName", "userName", "The unique identifier"},
		{"firstName", "name.givenName", ""},
		{"lastName", "name.familyName", ""},
		{"displayName", "displayName", ""},
		{"email", workEmail, "Decides the company by its domain"},
		{"title", "title", ""},
		{"primaryPhone", workPhone, ""},
		{"mobilePhone", mobilePhone, ""},
		{"organization", company, "Optional: the company’s name, which stands above the domain"},
	},
	"onelogin": {
		{"{$user.id}", "externalId", ""},
		{"{$parameters.scimusername}", "userName", "The email address"},
		{"{$user.display_name}", "displayName", ""},
		{"{$user.firstname}", "name.givenName", ""},
		{"{$user.lastname}", "name.familyName", ""},
		{"{$user.email}", workEmail, "Decides the company by its domain"},
		{"{$user.phone}", workPhone, ""},
		{"{$parameters.title}", "title", ""},
	},
	"jumpcloud": {
		{"username or email", "userName", ""},
		{"firstname", "name.givenName", ""},
		{"lastname", "name.familyName", ""},
		{"displayname", "displayName", ""},
		{"email", workEmail, "Decides the company by its domain"},
		{"jobTitle", "title", ""},
		{"work phone", workPhone, ""},
		{"mobile phone", mobilePhone, ""},
	},
	"google": {
		{"Username", "userName", "The primary email address"},
		{"First name", "name.givenName", ""},
		{"Last name", "name.familyName", ""},
		{"Username", workEmail, "Decides the company by its domain"},
		{"Title", "title", ""},
		{"Phone (work)", workPhone, ""},
		{"Phone (mobile)", mobilePhone, ""},
	},
	"zoho": {
		{"Email", "userName", ""},
		{"Display name", "displayName", ""},
		{"First name", "name.givenName", ""},
		{"Last name", "name.familyName", ""},
		{"Email", workEmail, "Decides the company by its domain"},
		{"Designation", "title", ""},
		{"Phone", workPhone, ""},
		{"Mobile", mobilePhone, ""},
		{"Department", department, "Optional, with a custom field department"},
	},
	"generic": {
		{"an id that never changes", "externalId", "How the directory knows the person again"},
		{"the sign-in name", "userName", "Unique, without regard to case"},
		{"enabled or not", "active", "false moves the contact to Deleted contacts"},
		{"the name", "displayName", "Else name.formatted, else name.givenName and name.familyName"},
		{"the work email", workEmail, "Decides the company by its domain"},
		{"the job title", "title", ""},
		{"the work phone", workPhone, ""},
		{"the mobile phone", mobilePhone, ""},
		{"the company’s name", company, "Optional; it stands above the domain"},
	},
}
