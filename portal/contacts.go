package portal

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"rollcall/desk"
	"rollcall/provision"
)

const pageSize = 50

// reasons say in a sentence how a contact came to its company, or why it has none.
var reasons = map[desk.CompanyReason]string{
	desk.CompanyManual:            "Set by hand; sync leaves it.",
	desk.CompanyByDomain:          "The one company that lists the email domain.",
	desk.CompanyNoMatch:           "No company lists the email domain.",
	desk.CompanyAmbiguousListing:  "Several companies list the email domain.",
	desk.CompanyAmbiguousContacts: "Contacts of this domain belong to different companies.",
}

type contactsPage struct {
	Status   string // active, deleted or all
	Text     string
	Contacts []provision.ContactView
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
	page.Contacts = found.Contacts
	return h.render(w, http.StatusOK, "contacts", layout{Title: "Contacts", Tenant: actor.TenantID, Agent: actor.Name, Page: page})
}

// ago says how long a time is past, roughly.
func ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}
