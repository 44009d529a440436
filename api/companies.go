package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Company is an organisation whose people are contacts.
type Company struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Domains []string `json:"domains" doc:"Email domains, normalised; *.acme.com stands for all subdomains of acme.com"`
}

func newCompany(c desk.Company) Company { return Company{c.ID, c.Name, c.Domains} }

type companyAnswer struct {
	Body Company
}

func answerCompany(c desk.Company, err error) (*companyAnswer, error) {
	return &companyAnswer{newCompany(c)}, err
}

// CompanyPath names a company.
type CompanyPath struct {
	ID string `path:"id" maxLength:"100"`
}

func (h *Handler) registerCompanies(api huma.API) {
	const collection, item = "/api/v1/companies", "/api/v1/companies/{id}"
	tags := []string{"Companies"}
	notFound, taken := http.StatusNotFound, http.StatusConflict

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List companies", Tags: tags},
		func(ctx context.Context, actor desk.Actor, in *struct{ Page }) (*list[Company], error) {
			after, err := in.after()
			if err != nil {
				return nil, err
			}
			companies, err := h.Engine.Companies(ctx, actor, after, in.Limit+1)
			return newList(companies, in.Limit, func(c desk.Company) string { return c.ID }, newCompany), err
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: collection, Summary: "Create company", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{taken}}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			Body struct {
				Name    string   `json:"name"`
				Domains []string `json:"domains,omitempty"`
			}
		}) (*companyAnswer, error) {
			c, err := h.Engine.CreateCompany(ctx, actor, provision.CompanyEdit{Name: &in.Body.Name, Domains: &in.Body.Domains})
			return answerCompany(c, err)
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get company", Tags: tags, Errors: []int{notFound}},
		func(ctx context.Context, actor desk.Actor, in *CompanyPath) (*companyAnswer, error) {
			return answerCompany(h.Engine.Company(ctx, actor, in.ID))
		})
	register(h, api, adminOnly(huma.Operation{Method: "PATCH", Path: item, Summary: "Edit company", Tags: tags, Errors: []int{notFound, taken}}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			CompanyPath
			Body struct {
				Name    *string   `json:"name,omitempty"`
				Domains *[]string `json:"domains,omitempty" doc:"All of the company's domains"`
			}
		}) (*companyAnswer, error) {
			c, err := h.Engine.EditCompany(ctx, actor, in.ID, provision.CompanyEdit{Name: in.Body.Name, Domains: in.Body.Domains})
			return answerCompany(c, err)
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete company", Tags: tags, Errors: []int{notFound},
		Description: "Its contacts are left without a company."}),
		func(ctx context.Context, actor desk.Actor, in *CompanyPath) (*struct{}, error) {
			return nil, h.Engine.DeleteCompany(ctx, actor, in.ID)
		})
}
