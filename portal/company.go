package portal

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type companyPage struct {
	desk.Company
	Typed  string // the name in the form
	Adding string // the domain in the form
	Word   string // what was typed to delete it
	Shared map[string][]provision.DomainCompany
	Rescan rescan
	Admin  bool
	fault
}

// Others returns the other companies that list one of the company's domains as well.
func (p companyPage) Others(domain string) (others []provision.DomainCompany) {
	for _, c := range p.Shared[domain] {
		if c.ID != p.ID {
			others = append(others, c)
		}
	}
	return others
}

func (h *Handler) company(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.companyPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "company", page.Name, page)
}

func (h *Handler) companyPage(r *http.Request, actor desk.Actor) (page companyPage, err error) {
	c, err := h.Engine.Company(r.Context(), actor, mux.Vars(r)["id"])
	if err != nil {
		return page, err
	}
	page = companyPage{Company: c, Typed: c.Name, Admin: actor.Role == desk.RoleAdmin}
	if page.Shared, err = h.Engine.SharedDomains(r.Context(), actor, c); err != nil {
		return page, err
	}
	page.Rescan, err = h.rescan(r, actor, "/companies/"+c.ID)
	return page, err
}

// companyAgain shows the company's page with what is wrong with a form of it.
func (h *Handler) companyAgain(w http.ResponseWriter, r *http.Request, actor desk.Actor, err error, keep func(*companyPage)) error {
	page, failed := h.companyPage(r, actor)
	if failed != nil {
		return failed
	}
	page.fault = faultOf(err)
	keep(&page)
	return h.showAgain(w, r, actor, err, "company", page.Name, page)
}

func (h *Handler) renameCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id, name := mux.Vars(r)["id"], r.PostForm.Get("name")
	if _, err := h.Engine.EditCompany(r.Context(), actor, id, provision.CompanyEdit{Name: &name}); err != nil {
		return h.companyAgain(w, r, actor, err, func(p *companyPage) { p.Typed = name })
	}
	return h.done(w, r, "/companies/"+id, "Renamed.")
}

func (h *Handler) addDomain(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id, domain := mux.Vars(r)["id"], r.PostForm.Get("domain")
	err := h.refuseDoubtful(r, actor, id, domain)
	if err == nil {
		if _, err = h.Engine.EditCompany(r.Context(), actor, id, provision.CompanyEdit{Add: []string{domain}}); err == nil {
			return h.done(w, r, "/companies/"+id, "The company lists "+strings.TrimSpace(domain)+" now.")
		}
	}
	return h.companyAgain(w, r, actor, err, func(p *companyPage) { p.Adding = domain })
}

func (h *Handler) removeDomain(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id, domain := mux.Vars(r)["id"], r.PostForm.Get("domain")
	if _, err := h.Engine.EditCompany(r.Context(), actor, id, provision.CompanyEdit{Remove: []string{domain}}); err != nil {
		return err
	}
	return h.done(w, r, "/companies/"+id, "The company no longer lists "+domain+".")
}

func (h *Handler) deleteCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id := mux.Vars(r)["id"]
	c, err := h.Engine.Company(r.Context(), actor, id)
	if err != nil {
		return err
	}
	word := r.PostForm.Get("confirm")
	if strings.TrimSpace(word) != c.Name {
		err = desk.Errorf(desk.InvalidValue, "confirm", "to delete the company, type its name: %s", c.Name)
	} else {
		err = h.Engine.DeleteCompany(r.Context(), actor, id)
	}
	if err != nil {
		return h.companyAgain(w, r, actor, err, func(p *companyPage) { p.Word = word })
	}
	return h.done(w, r, "/companies", c.Name+" is deleted.")
}

// Meaning says whom a domain of the company stands for.
func (companyPage) Meaning(domain string) string {
	if parent, all := strings.CutPrefix(domain, "*."); all {
		return "all subdomains of " + parent + ", such as mail." + parent + ", but not " + parent + " itself"
	}
	return "addresses that end in @" + domain
}
