package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// UnmappedDomain is a domain that no company lists.
type UnmappedDomain struct {
	Domain   string `json:"domain"`
	Contacts int    `json:"contacts" doc:"Active contacts that are without a company for that"`
	Freemail bool   `json:"freemail" doc:"Anybody can have an address there"`
}

// AmbiguousDomain is a domain whose contacts get no company, since it is not clear which.
type AmbiguousDomain struct {
	Domain    string          `json:"domain"`
	Reason    string          `json:"reason" enum:"ambiguous_companies,ambiguous_contacts"`
	Unmapped  int             `json:"unmapped" doc:"Active contacts without a company"`
	Companies []DomainCompany `json:"companies"`
}

// DomainCompany is a company by which a domain is ambiguous.
type DomainCompany struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Listed   bool   `json:"listed" doc:"The company lists the domain"`
	Contacts int    `json:"contacts" doc:"Active contacts of the domain that are the company's"`
}

// DomainsPage is how much of a report is asked for.
type DomainsPage struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

func (h *Handler) registerDomains(api huma.API) {
	tags := []string{"Companies"}
	register(h, api, huma.Operation{Method: "GET", Path: "/api/v1/domains/unmapped", Summary: "List unmapped domains", Tags: tags,
		Description: "Domains of contacts without a company, those with most contacts first."},
		func(ctx context.Context, actor desk.Actor, in *DomainsPage) (*list[UnmappedDomain], error) {
			domains, err := h.Engine.UnmappedDomains(ctx, actor, in.Limit)
			return newList(domains, in.Limit, nil, func(d provision.UnmappedDomain) UnmappedDomain { return UnmappedDomain(d) }), err
		})
	register(h, api, huma.Operation{Method: "GET", Path: "/api/v1/domains/ambiguous", Summary: "List ambiguous domains", Tags: tags,
		Description: "Domains that several companies list, or that one lists while contacts are different companies', in order."},
		func(ctx context.Context, actor desk.Actor, in *DomainsPage) (*list[AmbiguousDomain], error) {
			domains, err := h.Engine.AmbiguousDomains(ctx, actor, in.Limit)
			return newList(domains, in.Limit, nil, newAmbiguousDomain), err
		})
}

func newAmbiguousDomain(d provision.AmbiguousDomain) AmbiguousDomain {
	out := AmbiguousDomain{d.Domain, string(d.Reason), d.Unmapped, []DomainCompany{}}
	for _, c := range d.Companies {
		out.Companies = append(out.Companies, DomainCompany(c))
	}
	return out
}
