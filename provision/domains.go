package provision

import (
	"context"

	"rollcall/companies"
	"rollcall/desk"
)

// UnmappedDomain is a domain that no company lists, and how many active contacts are without a company for that.
type UnmappedDomain struct {
	Domain   string
	Contacts int
	Freemail bool // anybody can have an address there
}

// UnmappedDomains returns the domains for which it would be worth most to make a company first.
func (e *Engine) UnmappedDomains(ctx context.Context, actor desk.Actor, limit int) ([]UnmappedDomain, error) {
	counts, err := e.Store.Read(ctx).UnmappedDomains(actor.TenantID, limit)
	list := make([]UnmappedDomain, len(counts))
	for i, c := range counts {
		list[i] = UnmappedDomain{c.Domain, c.Contacts, companies.IsFreemail(c.Domain)}
	}
	return list, err
}

// AmbiguousDomain is a domain whose contacts get no company, since it is not clear which.
type AmbiguousDomain struct {
	Domain    string
	Reason    desk.CompanyReason // CompanyAmbiguousListing or CompanyAmbiguousContacts
	Unmapped  int                // active contacts without a company
	Companies []DomainCompany    // by id
}

// DomainCompany is a company by which a domain is ambiguous.
type DomainCompany struct {
	ID, Name string
	Listed   bool // the company lists the domain
	Contacts int  // of the domain, which are the company's
}

// AmbiguousDomains returns domains that are ambiguous, in order, and through which companies they are.
func (e *Engine) AmbiguousDomains(ctx context.Context, actor desk.Actor, limit int) ([]AmbiguousDomain, error) {
	links, err := e.Store.Read(ctx).AmbiguousDomains(actor.TenantID, limit)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, l := range links {
		ids = append(ids, l.CompanyID)
	}
	names, err := e.Store.Read(ctx).CompanyNames(actor.TenantID, ids)
	if err != nil {
		return nil, err
	}
	var list []AmbiguousDomain
	listed := 0
	for _, l := range links {
		if len(list) == 0 || list[len(list)-1].Domain != l.Domain {
			list, listed = append(list, AmbiguousDomain{Domain: l.Domain, Reason: desk.CompanyAmbiguousContacts}), 0
		}
		d := &list[len(list)-1]
		if l.CompanyID == "" {
			d.Unmapped = l.Contacts
			continue
		}
		if l.Listed {
			if listed++; listed > 1 {
				d.Reason = desk.CompanyAmbiguousListing
			}
		}
		d.Companies = append(d.Companies, DomainCompany{l.CompanyID, names[l.CompanyID], l.Listed, l.Contacts})
	}
	return list, nil
}
