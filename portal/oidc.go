package portal

import (
	"cmp"
	"net/http"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

// startProvider sends the browser to an OpenID provider, which sends it back to finishProvider. It is a link and no form: forms lead
// to no other site.
func (h *Handler) startProvider(w http.ResponseWriter, r *http.Request) error {
	if err := h.signIns.Check(httpx.Network(r.RemoteAddr)); err != nil {
		return err
	}
	query := r.URL.Query()
	address, cookie, err := h.Accounts.StartProvider(r, query.Get("tenant"), query.Get("provider"), ownPage(query.Get("next")))
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}

// finishProvider signs in who comes back from an OpenID provider.
func (h *Handler) finishProvider(w http.ResponseWriter, r *http.Request) error {
	if err := h.signIns.Check(httpx.Network(r.RemoteAddr)); err != nil {
		return err
	}
	cookies, next, err := h.Accounts.FinishProvider(r)
	for _, cookie := range cookies {
		http.SetCookie(w, cookie)
	}
	switch e := desk.AsError(err); {
	case err == nil:
		http.Redirect(w, r, cmp.Or(ownPage(next), "/"), http.StatusSeeOther)
		return nil
	case e.Kind == desk.Internal, e.Kind == desk.Unavailable:
		return err
	default:
		return h.renderSignIn(w, r, signInPage{}, e)
	}
}
