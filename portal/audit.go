package portal

import (
	"net/http"
	"net/url"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// auditFilter says which part of the audit log is shown, as the page's address has it and its form.
type auditFilter struct{ Actor, From, To string }

// readAuditFilter reads what is asked for. What cannot be read is kept for the form, which is shown again.
func readAuditFilter(query url.Values) (f auditFilter, q provision.AuditQuery, err error) {
	f = auditFilter{query.Get("actor"), query.Get("from"), query.Get("to")}
	q.Actor = f.Actor
	if q.From, err = readTime(&f.From); err == nil {
		q.To, err = readTime(&f.To)
	}
	return f, q, err
}

// values is the filter as the query of an address, from an event on.
func (f auditFilter) values(before string) string {
	v := url.Values{}
	for name, text := range map[string]string{"actor": f.Actor, "from": f.From, "to": f.To, "before": before} {
		if text != "" {
			v.Set(name, text)
		}
	}
	return v.Encode()
}

type auditPage struct {
	fault
	Filter      auditFilter
	Events      []provision.EventView
	Connections map[string]desk.Connection // those that there are, by slug
	// Addresses of the log otherwise; "" where there is none.
	Newest, Older, CSV string
}

// Filtered reports whether the page may lack events.
func (p auditPage) Filtered() bool { return p.Filter != auditFilter{} }

// audit lists what people did in the tenant, and what was administered.
func (h *Handler) audit(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	filter, q, err := readAuditFilter(r.URL.Query())
	page := auditPage{Filter: filter, CSV: "/audit.csv?" + filter.values("")}
	if q.Before, q.Limit = r.URL.Query().Get("before"), pageSize+1; q.Before != "" {
		page.Newest = "/audit?" + filter.values("")
	}
	if err == nil {
		page.Events, err = h.Engine.Audit(r.Context(), actor, q)
	}
	if err != nil {
		page.fault = faultOf(err)
		return h.showAgain(w, r, actor, err, "audit", "Audit log", page)
	}
	if len(page.Events) > pageSize {
		page.Events = page.Events[:pageSize]
		page.Older = "/audit?" + filter.values(page.Events[pageSize-1].ID)
	}
	events := make([]desk.Event, len(page.Events))
	for i, view := range page.Events {
		events[i] = view.Event
	}
	connections, err := h.Engine.Connections(r.Context(), actor)
	if err != nil {
		return err
	}
	page.Connections = map[string]desk.Connection{}
	for _, c := range connections {
		page.Connections[c.Slug] = c
	}
	if err := h.spellOut(r.Context(), actor, events); err != nil {
		return err
	}
	return h.show(w, r, actor, "audit", "Audit log", page)
}

// downloadAudit sends all events that the page with the same filter leads to.
func (h *Handler) downloadAudit(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	_, q, err := readAuditFilter(r.URL.Query())
	if err != nil {
		return err
	}
	report, err := h.Engine.AuditReport(r.Context(), actor, q)
	if err != nil {
		return err
	}
	httpx.SendCSV(r.Context(), w, report.Name, report.Write, func(err error) { h.report(r, err) })
	return nil
}
