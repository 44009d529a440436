package portal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type mappingPage struct {
	connectionHead
	fault
	Default     desk.Mapping // of connections without rules of their own
	Rows        []mappingRow // none for the default
	Expressions bool
	Problems    []desk.Problem // with the whole
	Review      *review
	Applying    applying
	Try         tryOut
	Targets     []string // what a rule can fill
	Version     string   // of the settings with which the form was opened
	Added       bool     // the last row is to be filled in
	Arrives     []string // what the directory sends and no rule uses, once it was asked for
}

// mappingRow is a rule as it is edited.
type mappingRow struct {
	Source, Target string
	Problems       []desk.Problem
}

// review is what a change would do, before it is saved.
type review struct {
	provision.SettingsPreview
	Digest string // of the change that was looked at
}

func (h *Handler) mapping(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.mappingPage(r, actor)
	if err != nil {
		return err
	}
	page.setRules(page.Settings.Mapping)
	if r.URL.Query().Has("arrives") {
		if page.Arrives, err = h.arriving(r, actor, page.Slug); err != nil {
			return err
		}
	}
	return h.show(w, r, actor, "mapping", page.Name+": mapping", page)
}

func (h *Handler) mappingPage(r *http.Request, actor desk.Actor) (page mappingPage, err error) {
	c, err := h.Engine.Connection(r.Context(), actor, mux.Vars(r)["slug"])
	if err != nil {
		return page, err
	}
	page.connectionHead, page.Version = newHead(actor, c, "mapping"), version(c.Settings)
	fields, err := h.Engine.Fields(r.Context(), actor)
	if err != nil {
		return page, err
	}
	page.Targets = slices.Clone(targets)
	for _, f := range fields {
		page.Targets = append(page.Targets, "fields."+f.Name)
	}
	if page.Default, err = h.Engine.DefaultMapping(r.Context(), actor); err != nil {
		return page, err
	}
	if page.Applying, err = h.applying(r, actor, page.connectionHead); err != nil {
		return page, err
	}
	page.Try.People, err = h.newestPeople(r, actor, c.Slug)
	return page, err
}

// targets are those that every helpdesk has; docs/MAPPING.md tells what they take.
var targets = []string{
	"displayName", "firstName", "lastName", "userName", "title", "emails", "emails.work", "phones", "phones.work", "phones.mobile", "companyName", "active", "fields",
}

func (p *mappingPage) setRules(m desk.Mapping) {
	p.Rows, p.Expressions = nil, m.Expressions
	for _, rule := range m.Rules {
		p.addRow(rule)
	}
}

func (p *mappingPage) addRow(rule desk.Rule) {
	p.Rows = append(p.Rows, mappingRow{Source: rule.Source, Target: rule.Target})
}

// readRules reads the rules of a form. Rows without anything in them are none.
func (p *mappingPage) readRules(form url.Values) {
	sources, targets := form["source"], form["target"]
	for i := range min(len(sources), len(targets)) {
		if source, target := strings.TrimSpace(sources[i]), strings.TrimSpace(targets[i]); source+target != "" {
			p.addRow(desk.Rule{Source: source, Target: target})
		}
	}
	p.Expressions = form.Has("expressions")
}

// Changed reports whether the rules are others than are saved.
func (p mappingPage) Changed() bool {
	var rows []desk.Rule
	for _, row := range p.Rows {
		rows = append(rows, desk.Rule{Source: row.Source, Target: row.Target})
	}
	saved := p.Settings.Mapping
	return !slices.Equal(rows, saved.Rules) || p.Expressions != saved.Expressions
}

// settings returns the change that the form's rules are.
func (p *mappingPage) settings() []byte {
	var m desk.Mapping
	for _, row := range p.Rows {
		m.Rules = append(m.Rules, desk.Rule{Source: row.Source, Target: row.Target})
	}
	m.Expressions = p.Expressions && len(m.Rules) > 0
	text, err := json.Marshal(map[string]any{"mapping": m})
	if err != nil {
		panic(err) // it is text
	}
	return text
}

// editMapping does what a button of the form asks for: it changes rows, tries them on a person, tells what they would do, or saves.
func (h *Handler) editMapping(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.mappingPage(r, actor)
	if err != nil {
		return err
	}
	page.readRules(r.PostForm)
	do, row, _ := strings.Cut(r.PostForm.Get("do"), "-")
	page.Try.User, page.Try.Person = r.PostForm.Get("user"), r.PostForm.Get("person")
	switch do {
	case "add":
		page.addRow(desk.Rule{})
		page.Added = true
	case "remove":
		page.Rows = without(page.Rows, row)
	case "own":
		page.setRules(page.Default)
	case "default":
		page.setRules(desk.Mapping{})
	case "person":
		page.Try.User, err = h.personText(r, actor, page.Slug, r.PostForm.Get("person"))
		if err == nil {
			err = h.try(r, actor, page.Slug, &page.Try, page.settings())
		}
	case "try":
		err = h.try(r, actor, page.Slug, &page.Try, page.settings())
	case "save":
		if page.Review, err = h.saveReviewed(r, actor, page.Slug, page.settings()); err == nil && page.Review == nil {
			return h.done(w, r, page.address(), "The mapping is saved.")
		}
	default:
		page.Review, err = h.review(r, actor, page.Slug, page.settings())
	}
	if !errors.Is(err, errOvertaken) { // else it goes on with the settings of now
		page.Version = r.PostForm.Get("version")
	}
	err = placeProblems(err, len(page.Rows), func(i int) *[]desk.Problem { return &page.Rows[i].Problems }, &page.Problems)
	if err != nil {
		if page.fault = faultOf(err); page.field != "user" { // the others stand at their rules, or above
			page.fault = fault{}
		}
		return h.showAgain(w, r, actor, err, "mapping", page.Name+": mapping", page)
	}
	return h.show(w, r, actor, "mapping", page.Name+": mapping", page)
}

// without returns rows without the one of a number, which counts from 1.
func without[T any](rows []T, number string) []T {
	i, err := strconv.Atoi(number)
	if err != nil || i < 1 || i > len(rows) {
		return rows
	}
	return slices.Delete(rows, i-1, i)
}

// placeProblems puts what is wrong with rules beside their rows, of which at returns the list, and the rest with the whole. It
// returns what is then left to say.
func placeProblems(err error, rows int, at func(row int) *[]desk.Problem, whole *[]desk.Problem) error {
	var problems desk.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, problem := range problems {
		list := whole
		if i := problem.Rule - 1; i >= 0 && i < rows {
			list = at(i)
		}
		*list = append(*list, problem)
	}
	return desk.Errorf(desk.InvalidValue, "settings", "Nothing is saved yet: %s to be mended in the rules.", plural(len(problems), "thing is", "things are"))
}

// review tells what a change of settings would do to the people who are there.
func (h *Handler) review(r *http.Request, actor desk.Actor, slug string, settings []byte) (*review, error) {
	p, err := h.Engine.PreviewSettings(r.Context(), actor, slug, settings)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(settings)
	return &review{p, hex.EncodeToString(sum[:])}, nil
}

// saveReviewed saves a change that somebody has seen the review of. Another one is reviewed first.
func (h *Handler) saveReviewed(r *http.Request, actor desk.Actor, slug string, settings []byte) (*review, error) {
	sum := sha256.Sum256(settings)
	if r.PostForm.Get("reviewed") != hex.EncodeToString(sum[:]) {
		return h.review(r, actor, slug, settings)
	}
	_, err := h.Engine.EditConnection(r.Context(), actor, slug, provision.ConnectionEdit{Settings: settings, Check: unchanged(r.PostForm.Get("version"))})
	return nil, err
}

// peopleCounted is over how many of the newest people attributes are counted.
const peopleCounted = 1000

// arriving lists what a connection's directory sends and no rule uses, what most people have first.
func (h *Handler) arriving(r *http.Request, actor desk.Actor, slug string) ([]string, error) {
	counts, people, err := h.Engine.Unmapped(r.Context(), actor, slug, peopleCounted)
	paths := make([]string, 0, len(counts))
	for path := range counts {
		paths = append(paths, path)
	}
	slices.SortFunc(paths, func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	for i, path := range paths {
		paths[i] = path + " (" + count(counts[path]) + " of " + count(people) + ")"
	}
	return paths, err
}
