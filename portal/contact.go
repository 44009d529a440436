package portal

import (
	"context"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

// historySize is how many events a page of a contact's history has, and maxTickets how many of its tickets are shown.
const historySize, maxTickets = 20, 50

// contactPage is a contact with all that is known of it.
type contactPage struct {
	provision.ContactView
	Connections map[string]desk.Connection // by slug
	Tickets     []desk.Ticket
	Events      []desk.Event
	Mentioned   map[string]string // names of the contacts that messages of the events name, by id
	Self        string            // the page's own address
	Newest      string            // address of the newest part of the history, "" there
	Older       string            // address of what is older, "" at its end
	To          string            // what was typed for a company
	Offered     []desk.Company
	Owners      provision.Owners
}

// Owner returns the connections from whose directories a value comes, by the field's name in provision.Owners.
func (p contactPage) Owner(field string) []desk.Connection {
	var list []desk.Connection
	for _, slug := range p.Owners[field] {
		list = append(list, p.Connections[slug])
	}
	return list
}

func (h *Handler) contact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.contactPage(r.Context(), actor, mux.Vars(r)["id"], r.URL.Query().Get("before"))
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "contact", page.DisplayName, page)
}

// contactPage gathers a contact and a page of its history.
func (h *Handler) contactPage(ctx context.Context, actor desk.Actor, id, before string) (page contactPage, err error) {
	if !desk.Storable(before) {
		return page, desk.Errorf(desk.InvalidValue, "before", "No page of the history begins there.")
	}
	if page.ContactView, err = h.Engine.Contact(ctx, actor, id); err != nil {
		return page, err
	}
	if page.Events, err = h.Engine.ContactEvents(ctx, actor, id, before, historySize+1); err != nil {
		return page, err
	}
	path := "/contacts/" + page.ID
	page.Self = path
	if before != "" {
		page.Self, page.Newest = path+"?"+url.Values{"before": {before}}.Encode(), path+"#history"
	}
	if len(page.Events) > historySize {
		page.Events = page.Events[:historySize]
		page.Older = path + "?" + url.Values{"before": {page.Events[historySize-1].ID}}.Encode() + "#history"
	}
	if err := h.spellOut(ctx, actor, page.Events); err != nil {
		return page, err
	}
	var messages []string
	for _, e := range page.Events {
		messages = append(messages, e.Detail)
	}
	if page.Mentioned, err = h.Engine.Mentioned(ctx, actor, messages...); err != nil {
		return page, err
	}
	if page.Tickets, err = h.Engine.Tickets(ctx, actor, provision.TicketQuery{Contact: page.ID, Limit: maxTickets}); err != nil {
		return page, err
	}
	connections, err := h.Engine.Connections(ctx, actor)
	if err != nil {
		return page, err
	}
	page.Connections = map[string]desk.Connection{}
	for _, c := range connections {
		page.Connections[c.Slug] = c
	}
	if page.Owners, err = h.Engine.FieldOwners(ctx, actor, page.ContactView); err != nil {
		return page, err
	}
	page.Offered, err = h.Engine.FindCompanies(ctx, actor, "", maxMeant)
	return page, err
}

// spellOut puts names in the place of companies' ids in what changed, and words in that of reasons. A company that is gone keeps its
// id.
func (h *Handler) spellOut(ctx context.Context, actor desk.Actor, events []desk.Event) error {
	var sides []*any
	var ids []string
	for _, e := range events {
		for i := range e.Changes {
			for _, side := range []*any{&e.Changes[i].From, &e.Changes[i].To} {
				switch text, ok := (*side).(string); {
				case ok && e.Changes[i].Field == "company":
					sides, ids = append(sides, side), append(ids, text)
				case ok && e.Changes[i].Field == "companyReason":
					*side = reasons[desk.CompanyReason(text)]
				}
			}
		}
	}
	names, err := h.Engine.CompanyNames(ctx, actor, ids)
	for _, side := range sides {
		if name, ok := names[(*side).(string)]; ok {
			*side = name
		}
	}
	return err
}
