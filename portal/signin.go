package portal

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
)

type signInPage struct {
	Secret string // of a sign-in link; "" for the form
	Error  string
}

// showSignIn asks for a token, or offers to use a link's. Opening a link does not use it up: mail scanners open links too.
func (h *Handler) showSignIn(w http.ResponseWriter, r *http.Request) error {
	return h.render(w, http.StatusOK, "signin", layout{Title: "Sign in", Page: signInPage{Secret: mux.Vars(r)["secret"]}})
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	cookie, err := h.SignIn(r.Context(), r.PostFormValue("token"), strings.HasPrefix(h.PublicURL, "https:"))
	if desk.KindOf(err) == desk.Unauthenticated {
		page := signInPage{Error: "This token or link is not valid, or has been used or expired."}
		return h.render(w, http.StatusUnauthorized, "signin", layout{Title: "Sign in", Page: page})
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/contacts", http.StatusSeeOther)
	return nil
}

func (h *Handler) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, err := h.SignOut(r)
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}
