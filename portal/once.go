package portal

import (
	"crypto/rand"
	"html/template"
	"net/http"

	"rollcall/desk"
)

// once is the field of a form that is to do its work once, however often it is sent: it makes each form that is opened another one.
func once() template.HTML {
	return template.HTML(`<input type="hidden" name="once" value="` + rand.Text() + `">`) // #nosec G203 -- of our own making
}

// sentBefore reports whether a form was sent before as it is, by a second click or a reload. It then leads on to where one sees
// what came of it, and says so.
func (h *Handler) sentBefore(w http.ResponseWriter, r *http.Request, actor desk.Actor, to, notice string) (bool, error) {
	if !r.PostForm.Has("once") || unsent(r) {
		return false, nil
	}
	before, err := h.Accounts.SentBefore(r.Context(), actor, r.URL.Path+"?"+r.PostForm.Encode())
	if err != nil || !before {
		return false, err
	}
	return true, h.done(w, r, to, notice)
}

const secretShownOnce = "This form was sent already, and nothing more was made. A secret is shown once only; if you do not have it, make another one." // #nosec G101 -- a text for people
