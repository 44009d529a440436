package portal

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
)

// pageSize is how many rows a list has.
const pageSize = 50

// contactsPage is a list of contacts.
type contactsPage struct {
	contactFilter
	fault
	Contacts    []provision.ContactView
	Tabs        []tab
	Found       desk.Count // how many contacts the filter finds in the tab
	Total       desk.Count // and how many the tab has
	Connections []desk.Connection
	// Company is the one that the filter names; without it, Meant are those that it may mean.
	Company *desk.Company
	Meant   []desk.Company
	Self    string // the page's own address
	Newer   string // address of the page before, "" on the first
	Older   string // address of the page after, "" on the last
	// The form over the list: which rows are chosen, and the company that they shall have, of those that are offered. Bulk is what
	// came of it.
	Chosen  map[string]bool
	To      string
	Offered []desk.Company
	Bulk    *bulkResult
}

// Query is the page's place, as the form over the list returns to it.
func (p contactsPage) Query() string { return strings.TrimPrefix(p.Self, "/contacts?") }

// contactFilter is which contacts a list shows, as it stands in its address.
type contactFilter struct {
	Tab        string // one of contactTabs
	Text       string
	Named      string // a company, by its id or by what is typed of its name
	Connection string // slug
	Domain     string
	Sync       desk.SyncState
}

// contactTabs are the parts of the list by what stands in an address.
var contactTabs = []struct{ status, label string }{
	{"active", "Active"}, {"deleted", "Deleted"}, {"verified", "Verified"}, {"unsynced", "Unsynced"}, {"all", "All"},
}

// tab is a link to another part of a list.
type tab struct {
	Label, Path string
	Here        bool
	Count       desk.Count // of all there are of the kind, whatever the filter
}

// readContactFilter reads the filter of an address. Without a tab it is the active contacts'.
func readContactFilter(query url.Values) contactFilter {
	f := contactFilter{
		Tab: query.Get("status"), Text: query.Get("q"), Named: query.Get("company"), Connection: query.Get("connection"), Domain: domainOf(query.Get("domain")),
		Sync: desk.SyncState(query.Get("sync")),
	}
	for _, t := range contactTabs {
		if t.status == f.Tab {
			return f
		}
	}
	f.Tab = "active"
	return f
}

// domainOf returns the domain of what may be a whole address.
func domainOf(address string) string { return address[strings.LastIndex(address, "@")+1:] }

// Narrow reports whether the list is filtered beyond its tab.
func (f contactFilter) Narrow() bool { return f != contactFilter{Tab: f.Tab} }

// path is the address of the list with another parameter or two.
func (f contactFilter) path(more ...string) string {
	query := url.Values{}
	pairs := append([]string{"status", f.Tab, "q", f.Text, "company", f.Named, "connection", f.Connection, "domain", f.Domain, "sync", string(f.Sync)}, more...)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return "/contacts?" + query.Encode()
}

// Clear is the address of the tab without filters.
func (f contactFilter) Clear() string { return contactFilter{Tab: f.Tab}.path() }

// With is the address of the list of a company's contacts.
func (f contactFilter) With(c desk.Company) string {
	f.Named = c.ID
	return f.path()
}

// query asks the engine for a page of the list.
func (f contactFilter) query(company, after, before string) provision.ContactQuery {
	q := provision.ContactQuery{
		Text: f.Text, Domain: f.Domain, Company: company, Connection: f.Connection, Sync: f.Sync,
		Status: desk.Active, Order: desk.NewestFirst, After: after, Before: before, Limit: pageSize,
	}
	switch f.Tab {
	case "all":
		q.Status = ""
	case "deleted":
		q.Status, q.Order = desk.SoftDeleted, desk.LastDeletedFirst
	case "verified":
		q.Verified = true
	case "unsynced":
		q.Sync = desk.SyncNone
	}
	return q
}

func (h *Handler) contacts(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.contactsPage(r.Context(), actor, r.URL.Query())
	if err != nil {
		page.fault = faultOf(err)
		return h.showAgain(w, r, actor, err, "contacts", "Contacts", page)
	}
	return h.show(w, r, actor, "contacts", "Contacts", page)
}

// contactsPage gathers the list with a query's filter and position.
func (h *Handler) contactsPage(ctx context.Context, actor desk.Actor, query url.Values) (page contactsPage, err error) {
	page.contactFilter = readContactFilter(query)
	after, before := query.Get("after"), query.Get("before")
	page.Self = page.path("after", after, "before", before)
	counts, err := h.Engine.ContactCounts(ctx, actor)
	if err != nil {
		return page, err
	}
	for i, count := range []desk.Count{counts.Active, counts.Deleted, counts.Verified, counts.Unsynced, counts.All} {
		t, other := contactTabs[i], page.contactFilter
		other.Tab = t.status
		page.Tabs = append(page.Tabs, tab{t.label, other.path(), t.status == page.Tab, count})
		if t.status == page.Tab {
			page.Total = count
		}
	}
	if page.Connections, err = h.Engine.Connections(ctx, actor); err != nil {
		return page, err
	}
	if page.Offered, err = h.Engine.FindCompanies(ctx, actor, "", maxMeant); err != nil {
		return page, err
	}
	company := ""
	if page.Named != "" {
		if page.Company, page.Meant, err = h.findCompany(ctx, actor, page.Named); err != nil || page.Company == nil {
			return page, err
		}
		company = page.Company.ID
	}
	asked := page.query(company, after, before)
	found, err := h.Engine.Contacts(ctx, actor, asked)
	if err != nil {
		return page, err
	}
	page.Contacts, page.Found = found.Contacts, desk.Count{N: len(found.Contacts)}
	if page.Narrow() && found.Prev+found.Next != "" {
		if page.Found, err = h.Engine.CountContacts(ctx, actor, asked); err != nil {
			return page, err
		}
	}
	if found.Prev != "" {
		page.Newer = page.path("before", found.Prev)
	}
	if found.Next != "" {
		page.Older = page.path("after", found.Next)
	}
	return page, nil
}
