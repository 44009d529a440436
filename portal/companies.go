package portal

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
)

type companiesPage struct {
	Text      string
	Companies []desk.Company
	Contacts  map[string]desk.Count                // how many active ones they have, by company
	Shared    map[string][]provision.DomainCompany // of their domains, those that others list as well
	Adding    string                               // the domain for which a company is looked for, "" for none
	Next      string                               // address of the next page, "" on the last
	Rescan    rescan
	Admin     bool
}

func (h *Handler) companies(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	query := r.URL.Query()
	page := companiesPage{Text: query.Get("q"), Adding: query.Get("add"), Admin: actor.Role == desk.RoleAdmin}
	list, err := h.Engine.SearchCompanies(r.Context(), actor, page.Text, query.Get("after"), pageSize+1)
	if err != nil {
		return err
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		page.Next = "/companies?" + url.Values{"q": {page.Text}, "add": {page.Adding}, "after": {list[pageSize-1].Name}}.Encode()
	}
	page.Companies = list
	ids := make([]string, len(list))
	for i, c := range list {
		ids[i] = c.ID
	}
	if page.Contacts, err = h.Engine.CompanyContacts(r.Context(), actor, ids...); err != nil {
		return err
	}
	if page.Shared, err = h.Engine.SharedDomains(r.Context(), actor, list...); err != nil {
		return err
	}
	if page.Rescan, err = h.rescan(r, actor, r.URL.RequestURI()); err != nil {
		return err
	}
	return h.show(w, r, actor, "companies", "Companies", page)
}

// newCompanyPage is the form of a new company, with what was typed and what is wrong with it.
type newCompanyPage struct {
	Name, Domains string
	fault
}

func (h *Handler) newCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	return h.show(w, r, actor, "company-new", "New company", newCompanyPage{})
}

func (h *Handler) createCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page := newCompanyPage{Name: r.PostForm.Get("name"), Domains: r.PostForm.Get("domains")}
	domains := strings.FieldsFunc(page.Domains, func(c rune) bool { return strings.ContainsRune(" \t\r\n,;", c) })
	err := refuseFreemail(r, domains...)
	if err == nil {
		var c desk.Company
		if c, err = h.Engine.CreateCompany(r.Context(), actor, provision.CompanyEdit{Name: &page.Name, Domains: &domains}); err == nil {
			return h.done(w, r, "/companies/"+c.ID, c.Name+" is there.")
		}
	}
	page.fault = faultOf(err)
	return h.showAgain(w, r, actor, err, "company-new", "New company", page)
}

// startRescan maps all contacts to companies anew.
func (h *Handler) startRescan(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if err := h.Engine.StartRescan(r.Context(), actor); err != nil {
		return err
	}
	return h.done(w, r, "/companies", "")
}

// errFreemail is why a domain is refused at which anybody can have an address.
var errFreemail = errors.New("freemail")

// refuseFreemail refuses such domains, unless the form says that they are meant. (Those who give the addresses are companies as well.)
func refuseFreemail(r *http.Request, domains ...string) error {
	list := provision.Freemail(domains...)
	if len(list) == 0 || r.PostForm.Get("freemail") != "" {
		return nil
	}
	e := desk.Errorf(desk.InvalidValue, "domains", "anybody can have an address at %s, and all who do would become this company’s", strings.Join(list, ", "))
	e.Err = errFreemail
	return e
}
