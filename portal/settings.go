package portal

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type settingsPage struct {
	connectionHead
	Rows       []scopeRow
	OutOfScope desk.OutOfScope
	Problems   []desk.Problem // with the whole scope
	Review     *review
	Applying   applying
	Switches   desk.Settings
	Version    string   // of the settings with which the form was opened
	Added      bool     // the last row is to be filled in
	Overtaken  []string // the switches that differ from what somebody else has saved meanwhile
}

// scopeRow is a rule of a scope as it is edited.
type scopeRow struct {
	Kind      string // values, pattern or filter
	Attribute string // "" for a filter
	Text      string // the values, one a line, the pattern or the filter
	Problems  []desk.Problem
}

func newScopeRow(r desk.ScopeRule) scopeRow {
	row := scopeRow{Kind: "values", Attribute: r.Attribute, Text: strings.Join(r.Values, "\n")}
	switch {
	case r.Pattern != "":
		row.Kind, row.Text = "pattern", r.Pattern
	case r.Filter != "":
		row.Kind, row.Text = "filter", r.Filter
	}
	return row
}

func (row scopeRow) rule() desk.ScopeRule {
	text := strings.TrimSpace(row.Text)
	switch row.Kind {
	case "pattern":
		return desk.ScopeRule{Attribute: row.Attribute, Pattern: text}
	case "filter":
		return desk.ScopeRule{Filter: text}
	}
	rule := desk.ScopeRule{Attribute: row.Attribute, Values: []string{}}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" {
			rule.Values = append(rule.Values, line)
		}
	}
	return rule
}

func (h *Handler) settings(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.settingsPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "settings", page.Name+": scope & switches", page)
}

func (h *Handler) settingsPage(r *http.Request, actor desk.Actor) (page settingsPage, err error) {
	c, err := h.Engine.Connection(r.Context(), actor, mux.Vars(r)["slug"])
	if err != nil {
		return page, err
	}
	page.connectionHead = newHead(actor, c, "settings")
	page.OutOfScope, page.Switches, page.Version = c.Settings.OutOfScope, c.Settings, version(c.Settings)
	for _, rule := range c.Settings.Scope.Rules {
		page.Rows = append(page.Rows, newScopeRow(rule))
	}
	page.Applying, err = h.applying(r, actor, page.connectionHead)
	return page, err
}

// readScope reads the scope of a form. Rows without anything in them are none.
func (p *settingsPage) readScope(form url.Values) {
	p.Rows, p.OutOfScope = nil, desk.OutOfScope(form.Get("outOfScope"))
	kinds, attributes, texts := form["kind"], form["attribute"], form["text"]
	for i := range min(len(kinds), len(attributes), len(texts)) {
		if strings.TrimSpace(attributes[i]+texts[i]) != "" {
			p.Rows = append(p.Rows, scopeRow{Kind: kinds[i], Attribute: strings.TrimSpace(attributes[i]), Text: texts[i]})
		}
	}
}

// ScopeChanged and SwitchesChanged report whether the forms hold something else than is saved.
func (p settingsPage) ScopeChanged() bool {
	return p.OutOfScope != p.Settings.OutOfScope || !reflect.DeepEqual(p.rules(), p.Settings.Scope.Rules)
}

func (p settingsPage) SwitchesChanged() bool { return !reflect.DeepEqual(p.Switches, p.Settings) }

// rules are those of the form's scope.
func (p settingsPage) rules() (list []desk.ScopeRule) {
	for _, row := range p.Rows {
		list = append(list, row.rule())
	}
	return list
}

// scope returns the change that the form's scope is.
func (p *settingsPage) scope() []byte {
	s := desk.Scope{Rules: p.rules()}
	text, err := json.Marshal(map[string]any{"scope": s, "outOfScope": p.OutOfScope})
	if err != nil {
		panic(err) // it is text
	}
	return text
}

// editScope does what a button of the scope's form asks for: it changes rows, tells what they would do, or saves.
func (h *Handler) editScope(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.settingsPage(r, actor)
	if err != nil {
		return err
	}
	page.readScope(r.PostForm)
	do, row, _ := strings.Cut(r.PostForm.Get("do"), "-")
	switch do {
	case "add":
		page.Rows = append(page.Rows, scopeRow{Kind: "values"})
		page.Added = true
	case "remove":
		page.Rows = without(page.Rows, row)
	case "save":
		if page.Review, err = h.saveReviewed(r, actor, page.Slug, page.scope()); err == nil && page.Review == nil {
			return h.done(w, r, page.address(), "The scope is saved.")
		}
	default:
		page.Review, err = h.review(r, actor, page.Slug, page.scope())
	}
	if !errors.Is(err, errOvertaken) { // else it goes on with the settings of now
		page.Version = r.PostForm.Get("version")
	}
	err = placeProblems(err, len(page.Rows), func(i int) *[]desk.Problem { return &page.Rows[i].Problems }, &page.Problems)
	if err != nil {
		return h.showAgain(w, r, actor, err, "settings", page.Name+": scope & switches", page)
	}
	return h.show(w, r, actor, "settings", page.Name+": scope & switches", page)
}

// editSwitches saves what changes of the directory a connection applies.
func (h *Handler) editSwitches(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.settingsPage(r, actor)
	if err != nil {
		return err
	}
	form, s := r.PostForm, &page.Switches
	s.Apply = desk.Apply{Create: form.Has("create"), Update: form.Has("update"), Deactivate: form.Has("deactivate"), Delete: form.Has("delete")}
	s.Adopt, s.UpdateExisting, s.KeepNames, s.CreateCompanies = desk.Adopt(form.Get("adopt")), form.Has("updateExisting"), form.Has("keepNames"), form.Has("createCompanies")
	for name, to := range map[string]*int{"percent": &s.Guard.Percent, "atLeast": &s.Guard.AtLeast, "grace": &s.Guard.Grace} {
		n, err := strconv.Atoi(form.Get(name))
		if err != nil {
			n = -1 // which the settings refuse
		}
		*to = n
	}
	text, err := json.Marshal(map[string]any{
		"apply": s.Apply, "adopt": s.Adopt, "updateExisting": s.UpdateExisting, "keepNames": s.KeepNames, "createCompanies": s.CreateCompanies, "guard": s.Guard,
	})
	if err != nil {
		return err
	}
	_, err = h.Engine.EditConnection(r.Context(), actor, page.Slug, provision.ConnectionEdit{Settings: text, Check: unchanged(r.PostForm.Get("version"))})
	if errors.Is(err, errOvertaken) {
		if page.Overtaken, err = overtaken(page.Settings, *s); err == nil {
			err = errOvertaken
		}
	} else {
		page.Version = r.PostForm.Get("version")
	}
	if err != nil {
		return h.showAgain(w, r, actor, err, "settings", page.Name+": scope & switches", page)
	}
	return h.done(w, r, page.address(), "The switches are saved.")
}

// switchNames are what the page calls the settings that are switches.
var switchNames = map[string]string{
	"apply.create": "Create", "apply.update": "Update", "apply.deactivate": "Deactivate", "apply.delete": "Delete", "adopt": "Who matches a contact",
	"updateExisting": "Update existing", "keepNames": "Keep names", "createCompanies": "Create companies",
	"guard.percent": "Guard’s share", "guard.atLeast": "Guard’s number", "guard.graceMinutes": "Guard’s grace",
}

// overtaken says what a form's switches would change of the settings that are saved.
func overtaken(saved, typed desk.Settings) (list []string, err error) {
	changes, err := provision.SettingsChanges(saved, typed)
	for _, c := range changes {
		list = append(list, switchNames[strings.TrimPrefix(c.Field, "settings.")]+": from "+value(c.From)+" to "+value(c.To))
	}
	return list, err
}
