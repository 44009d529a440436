package portal

import (
	"context"
	"net/http"
	"net/url"

	"rollcall/desk"
	"rollcall/provision"
)

// bulkResult is what came of a change of chosen contacts.
type bulkResult struct {
	Changed int
	Done    string // what was done to them: "deleted"
	Refused []refusedContact
}

// Text says it in a sentence.
func (b bulkResult) Text() string {
	return plural(b.Changed, "contact", "contacts") + " " + b.Done + "."
}

// refusedContact is a contact that was not changed, and why.
type refusedContact struct {
	ID, Name, Why string
}

// bulk changes the contacts that were chosen in a list, and shows the list again.
func (h *Handler) bulk(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	query, err := url.ParseQuery(r.PostForm.Get("query"))
	if err != nil {
		return desk.Errorf(desk.InvalidSyntax, "", "The form cannot be read.")
	}
	result, fault := h.changeAll(r.Context(), actor, r.PostForm)
	if fault != nil && desk.KindOf(fault) != desk.InvalidValue {
		return fault
	}
	if fault == nil && len(result.Refused) == 0 {
		return h.done(w, r, "/contacts?"+query.Encode(), result.Text())
	}
	page, err := h.contactsPage(r.Context(), actor, query)
	if err != nil {
		return err
	}
	if fault != nil {
		page.To, page.Chosen = r.PostForm.Get("to"), chosen(r)
		return h.showAgain(w, r, actor, fault, "contacts", "Contacts", page)
	}
	page.Bulk = &result
	return h.show(w, r, actor, "contacts", "Contacts", page)
}

// chosen are the ids of the contacts that a form has chosen.
func chosen(r *http.Request) map[string]bool {
	ids := map[string]bool{}
	for _, id := range r.PostForm["contact"] {
		ids[id] = true
	}
	return ids
}

// changeAll does to each of the chosen contacts what the form asks for.
func (h *Handler) changeAll(ctx context.Context, actor desk.Actor, form url.Values) (result bulkResult, err error) {
	edit := provision.BulkEdit{Operation: desk.OpPatch}
	switch form.Get("do") {
	case "company":
		company, err := h.namedCompany(ctx, actor, form.Get("to"))
		if err != nil {
			return result, err
		}
		edit.Edit.CompanyID, result.Done = &company.ID, "set to "+company.Name
	case "auto":
		edit.Edit.CompanyAuto, result.Done = true, "given back to sync"
	case "delete":
		edit.Operation, result.Done = desk.OpDelete, "deleted"
	case "restore":
		edit.Operation, result.Done = desk.OpRestore, "restored"
	default:
		return result, desk.Errorf(desk.InvalidValue, "", "Choose what to do with the contacts.")
	}
	if len(form["contact"]) == 0 || len(form["contact"]) > pageSize {
		return result, desk.Errorf(desk.InvalidValue, "", "Choose up to %d contacts.", pageSize)
	}
	done, err := h.Engine.EditContacts(ctx, actor, form["contact"], edit)
	result.Changed = len(done.Changed) + len(done.Unchanged)
	for _, c := range done.Refused {
		name := c.Name
		if name == "" {
			name = "a contact"
		}
		result.Refused = append(result.Refused, refusedContact{c.ID, name, c.Err.Msg})
	}
	return result, err
}
