package portal

import (
	"cmp"
	"net/http"
	"strings"
	"unicode"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

// setCompany chooses a contact's company by hand: the one that is named, none, or what sync gives.
func (h *Handler) setCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id, named := mux.Vars(r)["id"], r.PostForm.Get("to")
	var edit provision.ContactEdit
	var err error
	notice := ""
	switch r.PostForm.Get("do") {
	case "auto":
		edit.CompanyAuto, notice = true, "The company is sync’s again."
	case "none":
		edit.CompanyID, notice = new(string), "The contact has no company, whatever sync says."
	default:
		var company desk.Company
		if company, err = h.namedCompany(r.Context(), actor, named); err == nil {
			edit.CompanyID, notice = &company.ID, "The company is "+company.Name+", whatever sync says."
		}
	}
	if err == nil {
		_, err = h.Engine.EditContact(r.Context(), actor, id, nil, edit)
	}
	if err == nil {
		return h.done(w, r, "/contacts/"+id, notice)
	}
	page, missing := h.contactPage(r.Context(), actor, id, "")
	if missing != nil {
		return missing
	}
	page.To = named
	return h.showAgain(w, r, actor, err, "contact", page.DisplayName, page)
}

func (h *Handler) deleteContact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id := mux.Vars(r)["id"]
	if err := h.Engine.DeleteContact(r.Context(), actor, id, nil); err != nil {
		return err
	}
	return h.done(w, r, "/contacts/"+id, "The contact is deleted. It can be restored.")
}

func (h *Handler) restoreContact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	view, err := h.Engine.RestoreContact(r.Context(), actor, mux.Vars(r)["id"], nil)
	if err != nil {
		return err
	}
	return h.done(w, r, "/contacts/"+view.ID, view.DisplayName+" is active again.")
}

// erasePage asks whether a contact shall be deleted forever.
type erasePage struct {
	provision.ContactView
	Typed string
}

// Word is what is to be typed.
func (p erasePage) Word() string { return cmp.Or(visible(p.DisplayName), eraseWord) }

// erase shows what goes and what stays when a contact is deleted forever, and does it for who types the contact's name.
func (h *Handler) erase(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	view, err := h.Engine.Contact(r.Context(), actor, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	page := erasePage{ContactView: view}
	if r.Method != http.MethodPost {
		return h.show(w, r, actor, "erase", "Delete forever", page)
	}
	err = h.Engine.EraseContact(r.Context(), actor, view.ID, func(v provision.ContactView) error {
		if page.ContactView = v; !sameName(v.DisplayName, r.PostForm.Get("name")) {
			return desk.Errorf(desk.InvalidValue, "name", "Type the word or name that stands here. Nothing has been erased.")
		}
		return nil
	})
	if err != nil {
		page.Typed = r.PostForm.Get("name")
		return h.showAgain(w, r, actor, err, "erase", "Delete forever", page)
	}
	return h.done(w, r, "/deleted", "The contact is erased for good.")
}

// sameName reports whether somebody has typed a name, give or take spaces and what nobody sees or can type. A name of nothing else is
// typed as "erase".
func sameName(name, typed string) bool {
	return visible(typed) == cmp.Or(visible(name), eraseWord)
}

// eraseWord is typed to erase a contact whose name cannot be.
const eraseWord = "erase"

// visible is what people see of a text: without format characters such as zero-width spaces, and with single spaces.
func visible(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
