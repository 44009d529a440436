package portal

import (
	"net/http"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
)

// shownDomains is how many domains a report shows.
const shownDomains = 50

type domainsPage struct {
	View      string // unmapped or ambiguous
	Unmapped  []unmappedDomain
	Freemail  []provision.UnmappedDomain
	Ambiguous []provision.AmbiguousDomain
	More      bool // there are more than are shown
	Rescan    rescan
	Admin     bool
}

// At returns what is wrong with the form of a domain, "" for nothing.
func (p domainsPage) At(string) string {
	for _, d := range p.Unmapped {
		if d.Fault != "" {
			return d.Fault
		}
	}
	return ""
}

// unmappedDomain is a domain with the form that makes a company of it.
type unmappedDomain struct {
	provision.UnmappedDomain
	Typed string // the name in the form
	Fault string
	Known string // the company that has the suggested name, "" for none
}

func (h *Handler) domains(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.domainsPage(r, actor, r.URL.Query().Get("view"))
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "domains", "Domains", page)
}

func (h *Handler) domainsPage(r *http.Request, actor desk.Actor, view string) (page domainsPage, err error) {
	page = domainsPage{View: "unmapped", Admin: actor.Role == desk.RoleAdmin}
	if page.Rescan, err = h.rescan(r, actor, r.URL.RequestURI()); err != nil {
		return page, err
	}
	if view == "ambiguous" {
		page.View = view
		page.Ambiguous, err = h.Engine.UnsettledDomains(r.Context(), actor, shownDomains+1)
		if page.More = len(page.Ambiguous) > shownDomains; page.More {
			page.Ambiguous = page.Ambiguous[:shownDomains]
		}
		return page, err
	}
	list, err := h.Engine.UnmappedDomains(r.Context(), actor, shownDomains+1)
	if page.More = len(list) > shownDomains; page.More {
		list = list[:shownDomains]
	}
	for _, d := range list {
		if d.Freemail {
			page.Freemail = append(page.Freemail, d)
		} else {
			page.Unmapped = append(page.Unmapped, unmappedDomain{UnmappedDomain: d, Typed: d.Name()})
		}
	}
	if err != nil {
		return page, err
	}
	names := make([]string, len(page.Unmapped))
	for i, d := range page.Unmapped {
		names[i] = d.Typed
	}
	ids, err := h.Engine.CompaniesByName(r.Context(), actor, names...)
	for i := range page.Unmapped {
		page.Unmapped[i].Known = ids[names[i]]
	}
	return page, err
}

// makeCompany makes a company of an unmapped domain.
func (h *Handler) makeCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	name, domain := r.PostForm.Get("name"), r.PostForm.Get("domain")
	c, err := h.Engine.CreateCompany(r.Context(), actor, provision.CompanyEdit{Name: &name, Domains: &[]string{domain}})
	if err == nil {
		return h.done(w, r, "/companies/"+c.ID, c.Name+" is there, and lists "+strings.Join(c.Domains, ", ")+".")
	}
	page, failed := h.domainsPage(r, actor, "unmapped")
	if failed != nil {
		return failed
	}
	page.Rescan.Self = "/domains"
	for i := range page.Unmapped {
		if d := &page.Unmapped[i]; d.Domain == domain {
			d.Typed, d.Fault = name, desk.AsError(err).Msg
		}
	}
	return h.showAgain(w, r, actor, err, "domains", "Domains", page)
}

// settleDomain gives a domain that several companies list to one of them alone.
func (h *Handler) settleDomain(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	domain, id := r.PostForm.Get("domain"), r.PostForm.Get("company")
	if err := h.Engine.AssignDomain(r.Context(), actor, domain, id); err != nil {
		return err
	}
	c, err := h.Engine.Company(r.Context(), actor, id)
	if err != nil {
		return err
	}
	return h.done(w, r, "/domains?view=ambiguous", domain+" is "+c.Name+"’s alone.")
}
