package portal

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/desk"
	"rollcall/provision"
)

// deletedPage is the list of deleted contacts.
type deletedPage struct {
	fault
	Text     string
	Contacts []provision.ContactView
	Self     string
	Newer    string // address of the page before, "" on the first
	Older    string // address of the page after, "" on the last
	Bulk     *bulkResult
	Chosen   map[string]bool // ids of the contacts in the form
}

func (h *Handler) deleted(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.deletedPage(r.Context(), actor, r.URL.Query())
	if err != nil {
		page.fault = faultOf(err)
		return h.showAgain(w, r, actor, err, "deleted", "Deleted contacts", page)
	}
	return h.show(w, r, actor, "deleted", "Deleted contacts", page)
}

// deletedPage gathers the list with a query's text and position.
func (h *Handler) deletedPage(ctx context.Context, actor desk.Actor, query url.Values) (deletedPage, error) {
	page := deletedPage{Text: query.Get("q")}
	after, before := query.Get("after"), query.Get("before")
	at := func(pairs ...string) string {
		query := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i+1] != "" {
				query.Set(pairs[i], pairs[i+1])
			}
		}
		return "/deleted?" + query.Encode()
	}
	page.Self = at("q", page.Text, "after", after, "before", before)
	found, err := h.Engine.Contacts(ctx, actor, provision.ContactQuery{
		Status: desk.SoftDeleted, Text: page.Text, Order: desk.LastDeletedFirst, After: after, Before: before, Limit: pageSize,
	})
	page.Contacts = found.Contacts
	if found.Prev != "" {
		page.Newer = at("q", page.Text, "before", found.Prev)
	}
	if found.Next != "" {
		page.Older = at("q", page.Text, "after", found.Next)
	}
	return page, err
}

// restoreAll restores the contacts that were chosen.
func (h *Handler) restoreAll(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	result, err := h.changeAll(r.Context(), actor, url.Values{"do": {"restore"}, "contact": r.PostForm["contact"]})
	if err == nil && len(result.Refused) == 0 {
		return h.done(w, r, "/deleted", result.Text())
	}
	page, missing := h.deletedPage(r.Context(), actor, url.Values{})
	if missing != nil {
		return missing
	}
	if err != nil {
		page.Chosen = chosen(r)
		return h.showAgain(w, r, actor, err, "deleted", "Deleted contacts", page)
	}
	page.Bulk = &result
	return h.show(w, r, actor, "deleted", "Deleted contacts", page)
}
