package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// logOf is what the pages of a connection's log have in common.
type logOf struct {
	Connections []desk.Connection
	Connection  desk.Connection // whose log it is; without a slug where there is none
	Tab         string          // events or cycles
}

// logOf finds the connection that a query names, or the one that was heard of last.
func (h *Handler) logOf(r *http.Request, actor desk.Actor, tab string) (logOf, error) {
	list, err := h.Engine.Connections(r.Context(), actor)
	frame := logOf{Connections: list, Tab: tab}
	if err != nil || len(list) == 0 {
		return frame, err
	}
	slug := r.URL.Query().Get("connection")
	frame.Connection = list[0]
	for _, c := range list {
		if c.Slug == slug {
			frame.Connection = c
			return frame, nil
		}
		if c.LastActivityAt != nil && (frame.Connection.LastActivityAt == nil || c.LastActivityAt.After(*frame.Connection.LastActivityAt)) {
			frame.Connection = c
		}
	}
	if slug != "" {
		return frame, desk.Errorf(desk.NotFound, "", "There is no connection %s.", slug)
	}
	return frame, nil
}

// logFilter says which events are shown, as the page's address has it and its form.
type logFilter struct {
	Outcome, Operation, Person, Request, Cycle, From, To string
}

// logTimes are how times in an address may be written, in UTC where they do not say otherwise: the first is a form's.
var logTimes = []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02", time.RFC3339}

// readLogFilter reads what is asked for. What cannot be read is kept for the form, which is shown again.
func readLogFilter(query url.Values) (f logFilter, q provision.EventQuery, err error) {
	get := func(name string) string { return strings.TrimSpace(query.Get(name)) }
	f = logFilter{get("outcome"), get("operation"), get("person"), get("request"), get("cycle"), get("from"), get("to")}
	if f.Outcome != "" && !slices.Contains(desk.Outcomes, desk.Outcome(f.Outcome)) || f.Operation != "" && !slices.Contains(desk.Operations, desk.Operation(f.Operation)) {
		return f, q, desk.Errorf(desk.InvalidValue, "outcome", "Choose the outcome and the operation from the lists.")
	}
	if f.Outcome != "" {
		q.Outcomes = []desk.Outcome{desk.Outcome(f.Outcome)}
	}
	if f.Operation != "" {
		q.Operations = []desk.Operation{desk.Operation(f.Operation)}
	}
	q.Person, q.RequestID, q.Cycle = f.Person, f.Request, f.Cycle
	if q.From, err = readTime(&f.From); err == nil {
		q.To, err = readTime(&f.To)
	}
	return f, q, err
}

// readTime reads a time of an address, zero where it has none, and writes it as the form has it.
func readTime(written *string) (time.Time, error) {
	text := strings.TrimSpace(*written)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range logTimes {
		if at, err := time.Parse(layout, text); err == nil {
			at = at.UTC()
			*written = at.Format(logTimes[0])
			return at, nil
		}
	}
	return time.Time{}, desk.Errorf(desk.InvalidValue, "from", "“%s” is no time. Write it like %s.", text, logTimes[1])
}

// values is the filter as the query of an address, with more of it by name and value.
func (f logFilter) values(more ...string) string {
	v := url.Values{}
	pairs := append([]string{
		"outcome", f.Outcome, "operation", f.Operation, "person", f.Person, "request", f.Request, "cycle", f.Cycle, "from", f.From, "to", f.To,
	}, more...)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v.Encode()
}

type logPage struct {
	logOf
	fault
	Filter     logFilter
	Cycle      *desk.Cycle // to which the filter limits the log
	Outcomes   []desk.Outcome
	Operations []desk.Operation
	Events     []provision.EventView
	Live       bool // renews itself
	Paused     bool // would, but shall not
	Self       string
	// Addresses of the same page otherwise; "" where there is none.
	Newer, Older, Newest, Pause, CSV, AnyTime string
}

// Filtered reports whether the page may lack events of the connection.
func (p logPage) Filtered() bool { return p.Filter != logFilter{} }

// address is that of the log with a filter, and more of a query by name and value.
func (p logPage) address(f logFilter, more ...string) string {
	return "/log?" + f.values(append(more, "connection", p.Connection.Slug)...)
}

func (h *Handler) syncLog(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	frame, err := h.logOf(r, actor, "events")
	if err != nil {
		return err
	}
	page := logPage{logOf: frame, Outcomes: desk.Outcomes, Operations: desk.Operations, Self: r.URL.RequestURI()}
	if frame.Connection.Slug == "" {
		return h.show(w, r, actor, "log", "Sync log", page)
	}
	query := r.URL.Query()
	var q provision.EventQuery
	if page.Filter, q, err = readLogFilter(query); err == nil {
		q.Before, q.After, q.Limit = query.Get("before"), query.Get("after"), pageSize+1
		page.Events, err = h.Engine.ConnectionEvents(r.Context(), actor, frame.Connection.Slug, q)
	}
	if err == nil && page.Filter.Cycle != "" {
		var cycle desk.Cycle
		cycle, err = h.Engine.Cycle(r.Context(), actor, frame.Connection.Slug, page.Filter.Cycle)
		page.Cycle = &cycle
	}
	if err != nil {
		page.fault = faultOf(err)
		return h.showAgain(w, r, actor, err, "log", "Sync log", page)
	}
	page.Paused = query.Get("paused") != ""
	page.Newest = page.address(page.Filter)
	if q.After != "" && len(page.Events) <= pageSize { // nothing newer is left out
		http.Redirect(w, r, page.Newest, http.StatusSeeOther)
		return nil
	}
	page.turn(q)
	return h.show(w, r, actor, "log", "Sync log", page)
}

// turn finds the pages around one for which an event more than it shows was asked.
func (p *logPage) turn(q provision.EventQuery) {
	more := len(p.Events) > pageSize
	switch {
	case more && q.After != "":
		p.Events = p.Events[1:]
	case more:
		p.Events = p.Events[:pageSize]
	}
	if n := len(p.Events); n > 0 {
		if q.After != "" || q.Before != "" {
			p.Newer = p.address(p.Filter, "after", p.Events[0].ID)
		}
		if q.After != "" || more {
			p.Older = p.address(p.Filter, "before", p.Events[n-1].ID)
		}
	}
	newest := q.After == "" && q.Before == ""
	p.Live = newest && !p.Paused
	if p.Live {
		p.Pause = p.address(p.Filter, "paused", "1")
	}
	p.CSV = "/log/" + p.Connection.Slug + ".csv?" + p.Filter.values()
	anyTime := p.Filter
	anyTime.Cycle = ""
	p.AnyTime = p.address(anyTime)
}

// downloadLog sends all events that the page with the same filter leads to.
func (h *Handler) downloadLog(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	_, q, err := readLogFilter(r.URL.Query())
	if err != nil {
		return err
	}
	report, err := h.Engine.EventReport(r.Context(), actor, mux.Vars(r)["connection"], q)
	if err != nil {
		return err
	}
	httpx.SendCSV(r.Context(), w, report.Name, report.Write, func(err error) { h.report(r, err) })
	return nil
}

type eventPage struct {
	provision.EventView
	Connection desk.Connection
	Mentioned  map[string]string // names of the contacts that the message names, by id
	// Addresses in the log: what the same request did, and what else is known of the person; "" where there is none.
	Request, Person string
}

func (h *Handler) event(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	vars := mux.Vars(r)
	connection, err := h.Engine.Connection(r.Context(), actor, vars["connection"])
	if err != nil {
		return err
	}
	view, err := h.Engine.ConnectionEvent(r.Context(), actor, connection.Slug, vars["event"])
	if err != nil {
		return err
	}
	if err := h.spellOut(r.Context(), actor, []desk.Event{view.Event}); err != nil {
		return err
	}
	page := eventPage{EventView: view, Connection: connection}
	if page.Mentioned, err = h.Engine.Mentioned(r.Context(), actor, view.Detail); err != nil {
		return err
	}
	in := logPage{logOf: logOf{Connection: connection}}
	if view.RequestID != "" {
		page.Request = in.address(logFilter{Request: view.RequestID})
	}
	person := view.Subject
	for _, id := range []*string{view.UserID, view.ContactID} {
		if id != nil {
			person = *id
		}
	}
	if person != "" {
		page.Person = in.address(logFilter{Person: person})
	}
	return h.show(w, r, actor, "event", operations[view.Operation]+": "+cmp.Or(view.ContactName, view.Subject, string(view.Outcome)), page)
}
