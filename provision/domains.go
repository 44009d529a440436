package provision

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// UnmappedDomain is a domain that no company lists, and how many active contacts are without a company for that.
type UnmappedDomain struct {
	Domain   string
	Contacts int
	Freemail bool // anybody can have an address there
}

// Name suggests a name for the company of the domain.
func (d UnmappedDomain) Name() string { return companies.NameOf(d.Domain) }

// Freemail returns those of the domains that a company is to list at which anybody can have an address. Nothing keeps a company from
// listing them; who asks for it may not know what they ask for.
func Freemail(domains ...string) (list []string) {
	for _, d := range domains {
		if listing, err := companies.NormaliseListing(d); err == nil && companies.IsFreemail(strings.TrimPrefix(listing, "*.")) {
			list = append(list, listing)
		}
	}
	return list
}

// SharedDomains returns those of some companies' domains that several companies list, each with these, by name.
func (e *Engine) SharedDomains(ctx context.Context, actor desk.Actor, list ...desk.Company) (map[string][]DomainCompany, error) {
	var domains []string
	for _, c := range list {
		domains = append(domains, c.Domains...)
	}
	return e.listed(ctx, actor, domains, 2)
}

// ListedDomains returns those of some domains that companies list, each with these, by name. What is no domain nobody lists.
func (e *Engine) ListedDomains(ctx context.Context, actor desk.Actor, domains ...string) (map[string][]DomainCompany, error) {
	var known []string
	for _, d := range domains {
		if listing, err := companies.NormaliseListing(d); err == nil {
			known = append(known, listing)
		}
	}
	return e.listed(ctx, actor, known, 1)
}

// listed returns those of some domains that so many companies list at least.
func (e *Engine) listed(ctx context.Context, actor desk.Actor, domains []string, least int) (map[string][]DomainCompany, error) {
	var ids []string
	r := e.Store.Read(ctx)
	listings, err := r.Listings(actor.TenantID, domains...)
	if err != nil {
		return nil, err
	}
	shared := map[string][]DomainCompany{}
	for _, l := range listings {
		shared[l.Domain] = append(shared[l.Domain], DomainCompany{ID: l.CompanyID, Listed: true})
	}
	for domain, by := range shared {
		if len(by) < least {
			delete(shared, domain)
			continue
		}
		for _, c := range by {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	names, err := r.CompanyNames(actor.TenantID, slices.Compact(ids))
	for _, by := range shared {
		for i := range by {
			by[i].Name = names[by[i].ID]
		}
		slices.SortFunc(by, func(a, b DomainCompany) int { return strings.Compare(desk.Fold(a.Name), desk.Fold(b.Name)) })
	}
	return shared, err
}

// UnmappedDomains returns the domains for which it would be worth most to make a company first.
func (e *Engine) UnmappedDomains(ctx context.Context, actor desk.Actor, limit int) ([]UnmappedDomain, error) {
	r := e.Store.Read(ctx)
	wildcards, err := r.Wildcards(actor.TenantID)
	if err != nil {
		return nil, err
	}
	most := limit
	if len(wildcards) > 0 {
		most = math.MaxInt32 // some of them are listed by a wildcard
	}
	counts, err := r.UnlistedDomains(actor.TenantID, most)
	var list []UnmappedDomain
	for _, c := range counts {
		if len(list) < limit && wildcardOf(c.Domain, wildcards) == "" {
			list = append(list, UnmappedDomain{c.Domain, c.Contacts, companies.IsFreemail(c.Domain)})
		}
	}
	return list, err
}

// Unmapped is how many active contacts are without a company since none lists their domain, but for domains at which anybody can have
// an address.
type Unmapped struct {
	Contacts, Domains int
	Largest           []UnmappedDomain // up to ten, with most contacts first
}

// UnmappedContacts counts contacts without a company. Where there are many it does so once a minute, but what has got a company meanwhile is
// not among the largest domains.
func (e *Engine) UnmappedContacts(ctx context.Context, actor desk.Actor) (u Unmapped, err error) {
	r := e.Store.Read(ctx)
	wildcards, err := r.Wildcards(actor.TenantID)
	if err != nil {
		return u, err
	}
	found, err := r.Unlisted(actor.TenantID, func(domain string) bool { return !companies.IsFreemail(domain) && wildcardOf(domain, wildcards) == "" })
	if err != nil {
		return u, err
	}
	var domains []string
	for _, d := range found.Largest {
		domains = append(domains, d.Domain)
	}
	listed, err := r.Listings(actor.TenantID, domains...)
	u.Contacts, u.Domains = found.Contacts, found.Domains
	for _, d := range found.Largest {
		if slices.ContainsFunc(listed, func(l desk.CompanyDomain) bool { return l.Domain == d.Domain }) || wildcardOf(d.Domain, wildcards) != "" {
			u.Contacts, u.Domains = u.Contacts-d.Contacts, u.Domains-1
		} else {
			u.Largest = append(u.Largest, UnmappedDomain{Domain: d.Domain, Contacts: d.Contacts})
		}
	}
	return u, err
}

// wildcardOf returns the most specific wildcard that lists a domain, "" for none.
func wildcardOf(domain string, wildcards map[string][]string) string {
	for _, listing := range companies.Listings(domain)[1:] {
		if wildcards[listing] != nil {
			return listing
		}
	}
	return ""
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
	r := e.Store.Read(ctx)
	domains, err := r.AmbiguousListings(actor.TenantID, limit)
	if err != nil {
		return nil, err
	}
	listed, err := ambiguousSubdomains(r, actor.TenantID, limit)
	if err != nil {
		return nil, err
	}
	domains = slices.AppendSeq(domains, maps.Keys(listed))
	slices.Sort(domains)
	domains = domains[:min(limit, len(domains))]
	links, err := r.DomainCompanies(actor.TenantID, domains)
	if err != nil {
		return nil, err
	}
	for _, domain := range domains {
		for _, id := range listed[domain] {
			links = append(links, store.DomainCompany{Domain: domain, CompanyID: id, Listed: true})
		}
	}
	return describeDomains(r, actor.TenantID, links)
}

// Unsettled returns those domains that wait for somebody to say whose they are, in order: those that several companies list, and those
// of contacts that are without a company since others of the domain belong to several. Unlike AmbiguousDomains it does not look at
// every domain that companies list.
func (e *Engine) Unsettled(ctx context.Context, actor desk.Actor, limit int) ([]string, error) {
	return unsettled(e.Store.Read(ctx), actor.TenantID, limit)
}

func unsettled(r store.Reader, tenant string, limit int) ([]string, error) {
	domains, err := r.SharedListings(tenant, limit)
	if err != nil {
		return nil, err
	}
	of, err := r.AmbiguousContacts(tenant, limit)
	if err != nil {
		return nil, err
	}
	domains = append(domains, of...)
	slices.Sort(domains)
	domains = slices.Compact(domains)
	return domains[:min(limit, len(domains))], nil
}

// UnsettledDomains returns the same domains, and through which companies they are ambiguous.
func (e *Engine) UnsettledDomains(ctx context.Context, actor desk.Actor, limit int) ([]AmbiguousDomain, error) {
	r := e.Store.Read(ctx)
	domains, err := unsettled(r, actor.TenantID, limit)
	if err != nil {
		return nil, err
	}
	links, err := r.DomainCompanies(actor.TenantID, domains)
	if err != nil {
		return nil, err
	}
	wildcards, err := r.Wildcards(actor.TenantID)
	if err != nil {
		return nil, err
	}
	for _, domain := range domains {
		if slices.ContainsFunc(links, func(l store.DomainCompany) bool { return l.Domain == domain && l.Listed }) {
			continue // which stands above a wildcard
		}
		for _, id := range wildcards[wildcardOf(domain, wildcards)] {
			links = append(links, store.DomainCompany{Domain: domain, CompanyID: id, Listed: true})
		}
	}
	return describeDomains(r, actor.TenantID, links)
}

// ambiguousSubdomains returns domains of contacts that are without a company since several companies list them by a wildcard, or
// since one does while contacts are different companies', and these companies.
func ambiguousSubdomains(r store.Reader, tenant string, limit int) (map[string][]string, error) {
	wildcards, err := r.Wildcards(tenant)
	if err != nil || len(wildcards) == 0 {
		return nil, err
	}
	found := map[string][]string{}
	for after := ""; ; {
		page, err := r.WalkUnlisted(tenant, after, walkPage)
		if err != nil {
			return nil, err
		}
		for _, domain := range page {
			listed := wildcards[wildcardOf(domain, wildcards)]
			if len(listed) == 1 {
				facts, err := r.CompanyFacts(store.CompanyQuery{TenantID: tenant, Domain: domain})
				if err != nil {
					return nil, err
				}
				if len(facts.Linked) < 2 {
					continue
				}
			}
			if len(listed) > 0 {
				found[domain] = listed
			}
			if len(found) == limit {
				return found, nil
			}
		}
		if len(page) < walkPage {
			return found, nil
		}
		after = page[len(page)-1]
	}
}

// walkPage is how many domains are read at a time.
const walkPage = 500

// describeDomains gathers the links of domains by domain and company, in order.
func describeDomains(r store.Reader, tenant string, links []store.DomainCompany) ([]AmbiguousDomain, error) {
	slices.SortFunc(links, func(a, b store.DomainCompany) int {
		return cmp.Or(strings.Compare(a.Domain, b.Domain), strings.Compare(a.CompanyID, b.CompanyID))
	})
	var ids []string
	for _, l := range links {
		ids = append(ids, l.CompanyID)
	}
	names, err := r.CompanyNames(tenant, slices.Compact(slices.Sorted(slices.Values(ids))))
	if err != nil {
		return nil, err
	}
	var list []AmbiguousDomain
	for _, l := range links {
		if len(list) == 0 || list[len(list)-1].Domain != l.Domain {
			list = append(list, AmbiguousDomain{Domain: l.Domain, Reason: desk.CompanyAmbiguousContacts})
		}
		d := &list[len(list)-1]
		if l.CompanyID == "" {
			d.Unmapped = l.Contacts
			continue
		}
		if n := len(d.Companies); n == 0 || d.Companies[n-1].ID != l.CompanyID {
			d.Companies = append(d.Companies, DomainCompany{ID: l.CompanyID, Name: names[l.CompanyID]})
		}
		c := &d.Companies[len(d.Companies)-1]
		c.Listed, c.Contacts = c.Listed || l.Listed, c.Contacts+l.Contacts
	}
	for i, d := range list {
		listed := slices.DeleteFunc(slices.Clone(d.Companies), func(c DomainCompany) bool { return !c.Listed })
		if len(listed) > 1 {
			list[i].Reason = desk.CompanyAmbiguousListing
		}
	}
	return list, nil
}

// CompaniesByName returns the ids of those companies that have one of some names, by name, in whatever case that is written.
func (e *Engine) CompaniesByName(ctx context.Context, actor desk.Actor, names ...string) (map[string]string, error) {
	var keys []string
	for _, name := range names {
		keys = append(keys, desk.Fold(name))
	}
	byKey, err := e.Store.Read(ctx).CompaniesByName(actor.TenantID, keys)
	ids := map[string]string{}
	for i, name := range names {
		if id, ok := byKey[keys[i]]; ok {
			ids[name] = id
		}
	}
	return ids, err
}

// ShownDomain returns a domain, or what a company lists, as people write it.
func ShownDomain(domain string) string { return companies.Shown(domain) }
