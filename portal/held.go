package portal

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type heldPage struct {
	connectionHead
	Reason    string // a desk.Hold, "" for all of them, or "refused"
	Tabs      []statusTab
	Held      []provision.HeldUser
	Companies map[string]string // names of the candidates' companies
	Refused   []provision.EventView
	Next      string            // the address of the next page, "" for none
	Answers   map[string]string // what was answered in the form, by the user's id
}

// statusTab is one of the views of a list.
type statusTab struct{ Name, Label string }

var heldTabs = []statusTab{
	{"", "All"}, {string(desk.HeldAdoption), "Waiting for an answer"}, {string(desk.HeldScope), "Out of scope"}, {string(desk.HeldCreate), "Not created"}, {"refused", "Refused"},
}

const heldOnPage = 25

func (h *Handler) held(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.heldPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "held", page.Name+": held people", page)
}

func (h *Handler) heldPage(r *http.Request, actor desk.Actor) (page heldPage, err error) {
	ctx, query, slug := r.Context(), r.URL.Query(), mux.Vars(r)["slug"]
	c, err := h.Engine.Connection(ctx, actor, slug)
	if err != nil {
		return page, err
	}
	page = heldPage{connectionHead: newHead(actor, c, "held"), Tabs: heldTabs, Reason: query.Get("reason")}
	next := func(after string) string {
		return page.address() + "?" + url.Values{"reason": {page.Reason}, "after": {after}}.Encode()
	}
	if page.Reason == "refused" {
		page.Refused, err = h.Engine.ConnectionEvents(ctx, actor, slug, provision.EventQuery{Outcomes: []desk.Outcome{desk.Refused}, Before: query.Get("after"), Limit: heldOnPage + 1})
		if len(page.Refused) > heldOnPage {
			page.Refused = page.Refused[:heldOnPage]
			page.Next = next(page.Refused[heldOnPage-1].ID)
		}
		return page, err
	}
	page.Held, err = h.Engine.HeldUsers(ctx, actor, slug, desk.Hold(page.Reason), query.Get("after"), heldOnPage+1)
	if len(page.Held) > heldOnPage {
		page.Held = page.Held[:heldOnPage]
		page.Next = next(page.Held[heldOnPage-1].ID)
	}
	if err != nil {
		return page, err
	}
	var companies []string
	for _, u := range page.Held {
		for _, c := range u.Candidates {
			companies = append(companies, c.CompanyID)
		}
	}
	page.Companies, err = h.Engine.CompanyNames(ctx, actor, companies)
	return page, err
}

// answerHeld says who a person is that waits for it: a contact that the helpdesk had, or a new one.
func (h *Handler) answerHeld(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	var view provision.ContactView
	var err error
	switch contact := r.PostForm.Get("contact"); contact {
	case "":
		err = desk.Errorf(desk.InvalidValue, "contact", "Say which contact it is, or that it is a new one.")
	case "new":
		view, err = h.Engine.AnswerHeld(r.Context(), actor, slug, mux.Vars(r)["id"], "")
	default:
		view, err = h.Engine.AnswerHeld(r.Context(), actor, slug, mux.Vars(r)["id"], contact)
	}
	if err == nil {
		return h.done(w, r, "/connections/"+slug+"/held?reason="+string(desk.HeldAdoption), view.DisplayName+" is in step with the directory now.")
	}
	page, pageErr := h.heldPage(r, actor)
	if pageErr != nil {
		return pageErr
	}
	page.Answers = map[string]string{mux.Vars(r)["id"]: r.PostForm.Get("contact")}
	return h.showAgain(w, r, actor, err, "held", page.Name+": held people", page)
}
