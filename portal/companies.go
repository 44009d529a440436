package portal

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
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
	domains := readDomains(page.Domains)
	err := h.refuseDoubtful(r, actor, "", domains...)
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

// readDomains reads domains, one a line, or with commas between them.
func readDomains(text string) (list []string) {
	for _, domain := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune("\r\n,;", c) }) {
		if domain = strings.TrimSpace(domain); domain != "" {
			list = append(list, domain)
		}
	}
	return list
}

// errDoubtful is why a domain is refused of which somebody has to say that it is meant.
var errDoubtful = errors.New("doubtful")

// refuseDoubtful refuses domains for a company (id "" for a new one) at which anybody can have an address, or that another company
// lists, unless the form says that they are meant. (Those who give the addresses are companies as well.)
func (h *Handler) refuseDoubtful(r *http.Request, actor desk.Actor, id string, domains ...string) error {
	if r.PostForm.Get("insist") != "" {
		return nil
	}
	var doubts []string
	if free := provision.Freemail(domains...); len(free) > 0 {
		doubts = append(doubts, "anybody can have an address at "+strings.Join(free, ", ")+", and all who do would become this company’s")
	}
	listed, err := h.Engine.ListedDomains(r.Context(), actor, domains...)
	if err != nil {
		return err
	}
	for _, domain := range slices.Sorted(maps.Keys(listed)) {
		var others []string
		for _, c := range listed[domain] {
			if c.ID == id {
				others = nil
				break // it changes nothing
			}
			others = append(others, c.Name)
		}
		if len(others) > 0 {
			doubts = append(doubts, "the domain "+domain+" is listed by "+strings.Join(others, ", ")+": listed by both, it is ambiguous, and its contacts lose their company until somebody settles it")
		}
	}
	if len(doubts) == 0 {
		return nil
	}
	e := desk.Errorf(desk.InvalidValue, "domains", "%s", strings.Join(doubts, "; "))
	e.Err = errDoubtful
	return e
}
