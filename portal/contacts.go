package portal

import (
	"net/http"
	"net/url"

	"rollcall/desk"
	"rollcall/provision"
)

const pageSize = 50

type contactsPage struct {
	Status   string // active, deleted or all
	Text     string
	Contacts []provision.ContactView
	Self     string // the page's own address
	Next     string // address of the next page, "" on the last
	Statuses []statusLink
}

type statusLink struct {
	Name, Label string
}

func (h *Handler) contacts(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	query := r.URL.Query()
	page := contactsPage{Status: query.Get("status"), Text: query.Get("q"), Statuses: []statusLink{{"active", "Active"}, {"deleted", "Deleted"}, {"all", "All"}}}
	q := provision.ContactQuery{Text: page.Text, After: query.Get("after"), Limit: pageSize}
	switch page.Status {
	case "deleted":
		q.Status = desk.SoftDeleted
	case "all":
	default:
		page.Status, q.Status = "active", desk.Active
	}
	found, err := h.Engine.Contacts(r.Context(), actor, q)
	if err != nil {
		return err
	}
	if found.Next != "" {
		page.Next = "/contacts?" + url.Values{"status": {page.Status}, "q": {page.Text}, "after": {found.Next}}.Encode()
	}
	page.Contacts, page.Self = found.Contacts, r.URL.RequestURI()
	return h.show(w, r, actor, "contacts", "Contacts", page)
}
