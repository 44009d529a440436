package portal

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
)

// connectionRoutes are the pages about connections.
func (h *Handler) connectionRoutes() []route {
	const agent, admin = desk.RoleAgent, desk.RoleAdmin
	return []route{
		{"GET", "/connections", agent, h.connections},
		{"POST", "/connections", admin, h.createConnection},
		{"GET", "/connections/new", admin, h.newConnection},
		{"GET", "/connections/{slug}", agent, h.connection},
		{"POST", "/connections/{slug}", admin, h.editConnection},
		{"POST", "/connections/{slug}/pause", admin, h.pauseConnection},
		{"POST", "/connections/{slug}/resume", admin, h.resumeConnection},
		{"POST", "/connections/{slug}/recorder", admin, h.recordConnection},
		{"GET", "/connections/{slug}/recording", admin, h.recording},
		{"POST", "/connections/{slug}/recording/delete", admin, h.deleteRecording},
		{"POST", "/connections/{slug}/delete", admin, h.deleteConnection},
		{"GET", "/connections/{slug}/setup", agent, h.setup},
		{"POST", "/connections/{slug}/setup", admin, h.setupToken},
		{"GET", "/connections/{slug}/mapping", agent, h.mapping},
		{"POST", "/connections/{slug}/mapping", admin, h.editMapping},
		{"GET", "/connections/{slug}/settings", agent, h.settings},
		{"POST", "/connections/{slug}/settings", admin, h.editSwitches},
		{"POST", "/connections/{slug}/scope", admin, h.editScope},
		{"GET", "/connections/{slug}/held", agent, h.held},
		{"POST", "/connections/{slug}/held/{id}", agent, h.answerHeld},
		{"GET", "/connections/{slug}/tokens", admin, h.tokens},
		{"POST", "/connections/{slug}/tokens", admin, h.createToken},
		{"POST", "/connections/{slug}/tokens/{id}/revoke", admin, h.revokeToken},
		{"POST", "/connections/{slug}/clients", admin, h.createClient},
		{"POST", "/connections/{slug}/clients/{id}/delete", admin, h.deleteClient},
		{"POST", "/connections/{slug}/clients/{id}/secrets", admin, h.createSecret},
		{"POST", "/connections/{slug}/clients/{id}/secrets/{secret}/delete", admin, h.deleteSecret},
	}
}

// connectionHead is what stands above all pages of a connection.
type connectionHead struct {
	desk.Connection
	Tab   string // the page, as it stands in its address; "" for the first
	Admin bool
}

func newHead(actor desk.Actor, c desk.Connection, tab string) connectionHead {
	return connectionHead{c, tab, actor.Role == desk.RoleAdmin}
}

// version tells two states of a connection's settings apart.
func version(s desk.Settings) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // what was read from JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// unchanged refuses a change of settings that are no longer those with which a form was opened.
func unchanged(opened string) provision.ConnectionCheck {
	return func(c desk.Connection) error {
		if version(c.Settings) != opened {
			return errOvertaken
		}
		return nil
	}
}

var errOvertaken = desk.Errorf(desk.VersionMismatch, "", "Nothing is saved: the connection’s settings were changed while you were writing; its log tells by whom. Save again to put what stands here over them.")

// address is that of the page.
func (c connectionHead) address() string {
	return strings.TrimSuffix("/connections/"+c.Slug+"/"+c.Tab, "/")
}

type connectionsPage struct {
	Cards []connectionCard
	Admin bool
}

type connectionCard struct {
	provision.ConnectionHealth
	Chart  chart
	Unused bool // nothing but made
}

// chartDays is how many days a chart shows.
const chartDays = 14

func (h *Handler) connections(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	list, err := h.Engine.Health(r.Context(), actor)
	if err != nil {
		return err
	}
	days, err := h.Engine.Days(r.Context(), actor, chartDays)
	if err != nil {
		return err
	}
	page := connectionsPage{Admin: actor.Role == desk.RoleAdmin}
	for _, c := range list {
		page.Cards = append(page.Cards, connectionCard{c, newChart(days[c.Slug]), notSetUp(c)})
	}
	return h.show(w, r, actor, "connections", "Connections", page)
}

// chart shows what a directory did day by day, as bars in a box that is chartHeight high and ten wide for each day.
type chart struct {
	Bars  []dayBar
	Width int
	Label string // what it shows, in words
}

// dayBar is a day: what failed stands on top of what was done.
type dayBar struct {
	X, OKY, OKHeight, FailedY, FailedHeight int
	Label                                   string
}

const chartHeight = 40

func newChart(days []provision.Day) chart {
	most, synced, failed := 1, 0, 0
	for _, d := range days {
		most, synced, failed = max(most, d.Synced+d.Failed), synced+d.Synced, failed+d.Failed
	}
	// What is little beside much is seen all the same.
	height := func(n int) int {
		if n == 0 {
			return 0
		}
		return max(2, n*(chartHeight-6)/most)
	}
	c := chart{Width: 10 * len(days), Label: fmt.Sprintf("The last %d days: %s, %s failed.", len(days), plural(synced, "change", "changes"), count(failed))}
	for i, d := range days {
		b := dayBar{X: 10*i + 1, OKHeight: height(d.Synced), FailedHeight: height(d.Failed)}
		b.OKY = chartHeight - 1 - b.OKHeight
		b.FailedY = b.OKY - b.FailedHeight
		b.Label = fmt.Sprintf("%s: %s, %s failed", d.Date.Format("2 January"), plural(d.Synced, "change", "changes"), count(d.Failed))
		c.Bars = append(c.Bars, b)
	}
	return c
}

type newConnectionPage struct {
	Name, Slug, Provider, Description string
	Providers                         []string
}

const newConnectionTitle = "New connection"

func (h *Handler) newConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	return h.show(w, r, actor, "connection-new", newConnectionTitle, newConnectionPage{Provider: "entra", Providers: desk.Providers})
}

func (h *Handler) createConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if before, err := h.sentBefore(w, r, actor, "/connections", "This form was sent already; the connection that it made is here."); before || err != nil {
		return err
	}
	form := r.PostForm
	page := newConnectionPage{Name: strings.TrimSpace(form.Get("name")), Slug: strings.TrimSpace(form.Get("slug")), Provider: form.Get("provider"), Description: form.Get("description"), Providers: desk.Providers}
	c := desk.Connection{Slug: page.Slug, Provider: page.Provider, Name: cmp.Or(page.Name, providers[page.Provider]), Description: strings.TrimSpace(page.Description)}
	if c.Slug == "" {
		others, err := h.Engine.Connections(r.Context(), actor)
		if err != nil {
			return err
		}
		c.Slug = suggestSlug(cmp.Or(page.Name, page.Provider), others)
	}
	if err := h.Engine.CreateConnection(r.Context(), actor, &c); err != nil {
		return h.showAgain(w, r, actor, err, "connection-new", newConnectionTitle, page)
	}
	return h.done(w, r, "/connections/"+c.Slug+"/setup", c.Name+" is made. Now connect the directory.")
}

var noSlug = regexp.MustCompile(`[^a-z0-9]+`)

// suggestSlug makes a slug of a name that no connection has.
func suggestSlug(name string, others []desk.Connection) string {
	const most = 36 // with room for a number
	base := noSlug.ReplaceAllString(desk.Fold(name), "-")
	base = strings.Trim(base[:min(len(base), most)], "-")
	taken := func(slug string) bool {
		return desk.CheckSlug("slug", slug) != nil || slug == "new" || slices.ContainsFunc(others, func(c desk.Connection) bool { return c.Slug == slug })
	}
	if base == "" {
		base = "directory"
	}
	slug := base
	for n := 2; taken(slug) && n < 1000; n++ {
		slug = fmt.Sprintf("%s-%d", base, n)
	}
	return slug
}
