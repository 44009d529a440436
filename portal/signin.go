package portal

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

type signInPage struct {
	Secret string // of a sign-in link; "" for the form
	Next   string // the page that the agent wanted to see; "" for the first
	Error  string
}

// showSignIn asks for a token, or offers to use a link's. Opening a link does not use it up: mail scanners open links too.
func (h *Handler) showSignIn(w http.ResponseWriter, r *http.Request) error {
	page := signInPage{Secret: mux.Vars(r)["secret"], Next: ownPage(r.URL.Query().Get("next"))}
	return h.render(w, http.StatusOK, "signin", layout{Title: "Sign in", Page: page})
}

// ownPage returns an address of this server's as it is, and "" for others: a link must not lead on to another site.
func ownPage(address string) string {
	_, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return ""
	}
	return address
}

func (h *Handler) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := h.signIns.Check(httpx.Network(r.RemoteAddr)); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, 1<<14)
	cookie, err := h.SignIn(r, r.PostFormValue("token"), h.secure())
	if desk.KindOf(err) == desk.Unauthenticated {
		page := signInPage{Next: ownPage(r.PostFormValue("next")), Error: "This token or link is not valid, or has been used or expired."}
		return h.render(w, http.StatusUnauthorized, "signin", layout{Title: "Sign in", Page: page})
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, cmp.Or(ownPage(r.PostFormValue("next")), "/contacts"), http.StatusSeeOther)
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
