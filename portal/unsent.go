package portal

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/desk"
)

// A form that is sent when its agent's session has ended is not lost. The sign-in page takes its place, at the form's own address, and
// carries what was typed in a hidden field. Once the same agent has signed in, the form's handler does what it always does, but in a
// context in which nothing is written, and so it shows the form again, as it does where something is wrong with one.

// unsentForm is a form that waits for its agent to sign in.
type unsentForm struct {
	Address string // to which it was sent
	Owner   string // whose it is, as ownerOf tells
	Fields  string // what was typed, as the query of an address
}

// The fields of the sign-in page that stands in a form's place.
const unsentField, ownerField = "unsent", "owner"

const (
	maxUnsent     = 32 << 10            // of a form's fields that are kept, in bytes
	maxUnsentBody = 2*maxUnsent + 1<<14 // of the sign-in page's form around them
)

// secretFields are those of forms that are not kept.
var secretFields = []string{"password", "present", "token"}

// errUnsent is what a form's handler is told that would write.
var errUnsent = desk.Errorf(desk.InvalidValue, "", "Nothing has been saved yet; send the form again.")

// unsent reports whether a request shows a form again that was typed before its agent signed in again.
func unsent(r *http.Request) bool { return desk.WhyReadOnly(r.Context()) != nil }

// agentCookie keeps who has worked in this browser last, so that it is known after the session's end whose a form was.
const agentCookie = "rollcall_agent"

// ownerOf tells agents apart, "" for who is none: a token says nothing of who bears it.
func ownerOf(actor desk.Actor) string {
	if actor.AgentID == "" {
		return ""
	}
	return actor.TenantID + "." + actor.AgentID
}

// rememberAgent keeps who works in this browser.
func (h *Handler) rememberAgent(w http.ResponseWriter, r *http.Request, actor desk.Actor) {
	last, owner := "", ownerOf(actor)
	if cookie, err := r.Cookie(agentCookie); err == nil {
		last = cookie.Value
	}
	switch {
	case owner == last:
	case owner == "":
		http.SetCookie(w, h.cookie(&http.Cookie{Name: agentCookie, MaxAge: -1}))
	default:
		http.SetCookie(w, h.cookie(&http.Cookie{Name: agentCookie, Value: owner, MaxAge: 365 * 24 * 60 * 60}))
	}
}

// signInFirst sends somebody to sign in who has no session, and reports whether they have done so with this very request.
func (h *Handler) signInFirst(w http.ResponseWriter, r *http.Request) (signedIn bool, err error) {
	switch {
	case r.Header.Get("HX-Request") != "": // a part of a page, where no sign-in page belongs
		w.Header().Set("HX-Refresh", "true")
	case r.Method == http.MethodPost:
		return h.signInToForm(w, r)
	case r.URL.Path == "/":
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/signin?"+url.Values{"next": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
	}
	return false, nil
}

// signInToForm shows the sign-in page in the place of a form, and takes what is filled in there. Of a form that cannot be kept it leads
// back to the page.
func (h *Handler) signInToForm(w http.ResponseWriter, r *http.Request) (signedIn bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxUnsentBody)
	page := signInPage{Next: formPage(r), Form: readUnsent(r)}
	if page.Form == nil {
		http.Redirect(w, r, "/signin?"+url.Values{"next": {page.Next}, "lost": {""}}.Encode(), http.StatusSeeOther)
		return false, nil
	}
	page.Tenant, _, _ = strings.Cut(page.Form.Owner, ".")
	if !r.PostForm.Has(unsentField) {
		return false, h.renderSignIn(w, r, page, nil)
	}
	page.Next, page.Email = ownPage(r.PostForm.Get("next")), r.PostForm.Get("email")
	if !r.PostForm.Has("password") {
		return false, h.renderSignIn(w, r, page, desk.Errorf(desk.Unauthenticated, "", "You are not signed in yet."))
	}
	to, err := h.trySignIn(w, r, &page)
	return to != "", err
}

// formPage is the page from which a form was sent.
func formPage(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Host != r.Host {
		return "/"
	}
	return from.RequestURI()
}

// readUnsent reads a form that was sent after its agent's session had ended, or the sign-in page that carries it. It is nil for one that is
// not kept: whose agent is not known, that is too large, or that holds a secret.
func readUnsent(r *http.Request) *unsentForm {
	cookie, err := r.Cookie(agentCookie)
	if r.ParseForm() != nil || checkText(r.PostForm) != nil {
		return nil
	}
	form := unsentForm{Address: r.URL.RequestURI()}
	switch {
	case r.PostForm.Has(unsentField):
		form.Owner, form.Fields = r.PostForm.Get(ownerField), r.PostForm.Get(unsentField)
	case err != nil || slices.ContainsFunc(secretFields, r.PostForm.Has):
		return nil
	default:
		form.Owner, form.Fields = cookie.Value, r.PostForm.Encode()
	}
	if form.Owner == "" || len(form.Fields) > maxUnsent {
		return nil
	}
	return &form
}

// showUnsent shows a form again to the agent whose it is, after they have signed in. Others get to its page.
func (h *Handler) showUnsent(w http.ResponseWriter, r *http.Request, actor desk.Actor, page route) error {
	next, owner := cmp.Or(ownPage(r.PostForm.Get("next")), "/"), r.PostForm.Get(ownerField)
	form, err := url.ParseQuery(r.PostForm.Get(unsentField))
	if err == nil {
		err = checkText(form)
	}
	if err != nil {
		return desk.Errorf(desk.InvalidSyntax, "", "The form cannot be read.")
	}
	if owner == "" || owner != ownerOf(actor) {
		return h.done(w, r, next, "You are signed in. What somebody else had typed here is gone.")
	}
	r = r.WithContext(desk.ReadOnly(r.Context(), errUnsent))
	r.PostForm = form
	err = page.serve(w, r, actor)
	if errors.Is(err, errUnsent) { // a button, beside which nothing is typed
		return h.done(w, r, next, "You are signed in again. Nothing has been done yet: if you still want it, ask for it again.")
	}
	return err
}
