package portal

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

// shownHeld is how many held users a page shows.
const shownHeld = 20

type heldPage struct {
	Connection desk.Connection
	Users      []provision.HeldUser
	Next       string // address of the next page, "" on the last
}

// held shows the users of a connection of whom an agent shall say whether they are contacts that are there already.
func (h *Handler) held(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	c, err := h.Engine.Connection(r.Context(), actor, slug)
	if err != nil {
		return err
	}
	page := heldPage{Connection: c}
	page.Users, err = h.Engine.HeldUsers(r.Context(), actor, slug, desk.HeldAdoption, r.URL.Query().Get("after"), shownHeld+1)
	if err != nil {
		return err
	}
	if len(page.Users) > shownHeld {
		page.Users = page.Users[:shownHeld]
		page.Next = "/connections/" + slug + "/held?" + url.Values{"after": {page.Users[shownHeld-1].ID}}.Encode()
	}
	return h.show(w, r, actor, "held", "Who is this?", page)
}

// answerHeld ends the waiting of a held user: they are the given contact, or a new one.
func (h *Handler) answerHeld(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	c, err := h.Engine.AnswerHeld(r.Context(), actor, slug, r.PostForm.Get("user"), r.PostForm.Get("contact"))
	if err != nil {
		return err
	}
	return h.done(w, r, "/connections/"+slug+"/held", c.DisplayName+" is in step with "+slug+" now.")
}
