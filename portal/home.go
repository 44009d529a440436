package portal

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/provision"
)

type homePage struct {
	Tasks       []task // the worst first
	Rescan      rescan
	Connections int
	Today       provision.Day // of all connections together
	Admin       bool
}

// task is something that waits for a person.
type task struct {
	ID                    string // in the page
	Bad                   bool   // people are not, or soon not, in step
	Quiet                 bool   // nothing has gone wrong yet
	Provider, About       string // the directory's, "" for what no directory concerns; and what it is about
	Title, Text, Do, Link string
	At                    time.Time                  // when it last happened, zero where that says nothing
	Domains               []provision.UnmappedDomain // that it names after the text, with links to where they get a company
	More                  bool                       // there are others
}

// rank is the place of a task in the list: the worst first.
func (t task) rank() int {
	switch {
	case t.Bad:
		return 0
	case t.Quiet:
		return 2
	}
	return 1
}

// notSetUp reports whether a connection was made, and its directory has not come yet. It may have a token.
func notSetUp(c provision.ConnectionHealth) bool {
	return c.LastActivity == nil && c.PausedAt == nil && !slices.ContainsFunc(c.Denials, func(d desk.Denial) bool { return d.Known > 0 }) &&
		!slices.ContainsFunc(c.Reasons, func(r desk.HealthReason) bool { return r.Code != "no_credential" })
}

func unusedTask(list []desk.Connection) task {
	t := task{ID: "t-unused", Quiet: true, About: "Connections", Title: plural(len(list), "connection is not set up yet", "connections are not set up yet"), Do: "Look at them", Link: "/connections"}
	if len(list) == 1 {
		t.Provider, t.About, t.Do, t.Link = list[0].Provider, list[0].Name, "Go on", "/connections/"+list[0].Slug+"/setup"
	}
	var names []string
	for _, c := range list[:min(len(list), shownUnused)] {
		names = append(names, c.Name)
	}
	if t.Text = strings.Join(names, ", "); len(list) > shownUnused {
		t.Text += " and others"
	}
	t.Text += ": nothing has come from the directory yet."
	return t
}

// shownUnused is how many connections without anything the home page names.
const shownUnused = 5

// shownAmbiguous is how many ambiguous domains the home page names, and shownUnmapped how many without a company.
const shownAmbiguous, shownUnmapped = 3, 3

func (h *Handler) home(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	ctx, since := r.Context(), h.Engine.Store.Now().UTC().Add(-24*time.Hour)
	page := homePage{Admin: actor.Role == desk.RoleAdmin}
	health, err := h.Engine.Health(ctx, actor)
	if err != nil {
		return err
	}
	attention, err := h.Engine.Attention(ctx, actor, since)
	if err != nil {
		return err
	}
	var unused []desk.Connection
	for _, c := range health {
		a := attention[c.Slug]
		if notSetUp(c) && a == (provision.Attention{}) {
			unused = append(unused, c.Connection)
			continue
		}
		if c.PausedBy == provision.Guard { // of which the refusals come
			a.Refused = 0
		}
		page.Tasks = append(page.Tasks, healthTasks(c, page.Admin)...)
		page.Tasks = append(page.Tasks, attentionTasks(c.Connection, a, since)...)
	}
	if len(unused) > 0 {
		page.Tasks = append(page.Tasks, unusedTask(unused))
	}
	ambiguous, err := h.Engine.Unsettled(ctx, actor, shownAmbiguous+1)
	if err != nil {
		return err
	}
	if len(ambiguous) > 0 {
		page.Tasks = append(page.Tasks, ambiguousTask(ambiguous))
	}
	unmapped, err := h.Engine.UnmappedContacts(ctx, actor)
	if err != nil {
		return err
	}
	if len(unmapped.Largest) > 0 {
		page.Tasks = append(page.Tasks, unmappedTask(unmapped, page.Admin))
	}
	slices.SortStableFunc(page.Tasks, func(a, b task) int { return cmp.Compare(a.rank(), b.rank()) })
	if page.Rescan, err = h.rescan(r, actor, "/"); err != nil {
		return err
	}
	days, err := h.Engine.Days(ctx, actor, 1)
	if err != nil {
		return err
	}
	for _, list := range days {
		page.Today.Synced += list[0].Synced
		page.Today.Failed += list[0].Failed
	}
	page.Connections = len(health)
	return h.show(w, r, actor, "home", "Home", page)
}

// ailments say what a reason of a connection's health is, in a title, and where it is settled: below the connection's page, or in its log.
var ailments = map[string]struct{ title, do, place string }{
	"paused":             {"Paused", "Look at it", ""},
	"no_credential":      {"No secret token", "Make one", "/tokens"},
	"credential_expired": {"The secret token has expired", "Make a new one", "/tokens"},
	"credential_expires": {"The secret token expires soon", "Make a new one", "/tokens"},
	"failures":           {"Many changes fail", "Open the log", "log"},
	"silence":            {"The directory is silent", "Open the setup guide", "/setup"},
	"unauthorized":       {"Requests without a valid token", "Look at the tokens", "/tokens"},
	"not_found":          {"The directory asks at a wrong address", "Open the setup guide", "/setup"},
}

// healthTasks are what is wrong with a connection.
func healthTasks(c provision.ConnectionHealth, admin bool) (tasks []task) {
	for _, reason := range c.Reasons {
		stopped := c.PausedBy == provision.Guard
		if stopped && reason.Code == "failures" { // which are what the guard refuses
			continue
		}
		ail, known := ailments[reason.Code]
		if stopped && reason.Code == "paused" {
			ail.title, reason.Health = "The guard stopped the directory", desk.HealthFailing
		}
		if !known {
			ail.title, ail.do = "Needs attention", "Look at it"
		}
		t := task{
			ID: "t-" + c.Slug + "-" + reason.Code, Bad: reason.Health == desk.HealthFailing, Provider: c.Provider, About: c.Name,
			Title: ail.title, Text: sentence(reason.Message), Do: ail.do, Link: "/connections/" + c.Slug + ail.place,
		}
		switch {
		case ail.place == "log":
			t.Link = "/log?" + url.Values{"connection": {c.Slug}, "outcome": {string(desk.Refused)}}.Encode()
		case ail.place == "/tokens" && !admin: // which only administrators make
			t.Do, t.Link = "Look at it", "/connections/"+c.Slug
		}
		tasks = append(tasks, t)
	}
	return tasks
}

// attentionTasks are what waits for a person at a connection that is in health.
func attentionTasks(c desk.Connection, a provision.Attention, since time.Time) (tasks []task) {
	if a.Held > 0 {
		tasks = append(tasks, task{
			ID: "t-" + c.Slug + "-held", Provider: c.Provider, About: c.Name, Title: atMost(a.Held, "person waits for an answer", "people wait for an answer"),
			Text: "The directory pushed them, and they may be contacts that you have already. Say whether they are.",
			Do:   "Answer", Link: "/connections/" + c.Slug + "/held?reason=" + string(desk.HeldAdoption),
		})
	}
	if a.Refused > 0 {
		tasks = append(tasks, task{
			ID: "t-" + c.Slug + "-refused", Provider: c.Provider, About: c.Name, Title: atMost(a.Refused, "record was refused", "records were refused"),
			Text: "Within the last day. The log says why, and what the directory’s administrator can do.", At: a.LastRefused,
			Do: "Open the log", Link: "/log?" + url.Values{"connection": {c.Slug}, "outcome": {string(desk.Refused)}, "from": {since.Format(logTimes[1])}}.Encode(),
		})
	}
	return tasks
}

// atMost writes a number of things that were counted up to provision.MostAttention.
func atMost(n int, one, many string) string {
	if n >= provision.MostAttention {
		return fmt.Sprintf("%d or more %s", n, many)
	}
	return plural(n, one, many)
}

func ambiguousTask(domains []string) task {
	t := task{
		ID: "t-ambiguous", About: "Companies", Title: plural(len(domains), "domain is ambiguous", "domains are ambiguous"),
		Text: strings.Join(domains, ", ") + ": it is not clear whose contacts these are, so that they have no company.",
		Do:   "Settle", Link: "/domains?view=ambiguous",
	}
	if len(domains) > shownAmbiguous {
		t.Title = "Several domains are ambiguous"
		t.Text = strings.Join(domains[:shownAmbiguous], ", ") + " and others: it is not clear whose contacts these are, so that they have no company."
	}
	return t
}

func unmappedTask(u provision.Unmapped, admin bool) task {
	have := " have no company"
	if u.Contacts == 1 {
		have = " has no company"
	}
	t := task{
		ID: "t-unmapped", Quiet: true, About: "Companies", Do: "Look at them", Link: "/domains", Domains: u.Largest[:min(len(u.Largest), shownUnmapped)],
		Title: plural(u.Contacts, "contact", "contacts") + " of " + plural(u.Domains, "domain", "domains") + have, Text: "No company lists these:",
	}
	if t.More = u.Domains > len(t.Domains); admin {
		t.Do = "Make companies"
	}
	return t
}
