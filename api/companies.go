package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Company is an organisation whose people are contacts.
type Company struct {
	ID      string   `json:"id" example:"01980a3c-61b2-7c55-8f0e-9a4d3c2b1e00"`
	Name    string   `json:"name" example:"Acme"`
	Domains []string `json:"domains" example:"[\"acme.example\"]" doc:"Email domains, normalised; *.acme.com stands for all subdomains of acme.com"`
}

func newCompany(c desk.Company) Company { return Company{c.ID, c.Name, c.Domains} }

type companyAnswer struct {
	Body Company
}

func answerCompany(c desk.Company, err error) (*companyAnswer, error) {
	return &companyAnswer{newCompany(c)}, err
}

// Rescan is how far contacts have been mapped to companies anew.
type Rescan struct {
	Running    bool       `json:"running"`
	StartedAt  *time.Time `json:"startedAt,omitempty" doc:"Absent if there never was anything to do"`
	FinishedAt *time.Time `json:"finishedAt,omitempty"`
	Domains    int        `json:"domains" doc:"Email domains that wait, or are being worked on"`
	Checked    int        `json:"checked" doc:"Contacts looked at since the start"`
	Changed    int        `json:"changed" doc:"Contacts that got another company, or another reason"`
}

type rescanAnswer struct {
	Body Rescan
}

func answerRescan(p desk.RescanProgress, err error) (*rescanAnswer, error) {
	out := Rescan{Domains: p.Waiting, Checked: p.Checked, Changed: p.Changed, FinishedAt: p.FinishedAt}
	if !p.StartedAt.IsZero() {
		out.StartedAt, out.Running = &p.StartedAt, p.FinishedAt == nil
	}
	return &rescanAnswer{out}, err
}

// CompanyPath names a company.
type CompanyPath struct {
	ID string `path:"id" maxLength:"100"`
}

func (h *Handler) registerCompanies(api huma.API) {
	const collection, item, rescan = "/api/v1/companies", "/api/v1/companies/{id}", "/api/v1/companies/rescan"
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
				Name    string   `json:"name" example:"Acme"`
				Domains []string `json:"domains,omitempty" example:"[\"acme.example\"]"`
			}
		}) (*companyAnswer, error) {
			c, err := h.Engine.CreateCompany(ctx, actor, provision.CompanyEdit{Name: &in.Body.Name, Domains: &in.Body.Domains})
			return answerCompany(c, err)
		})
	register(h, api, huma.Operation{Method: "GET", Path: rescan, Summary: "Get rescan", Tags: tags,
		Description: "How far contacts have been mapped to companies anew, after companies have changed or on demand."},
		func(ctx context.Context, actor desk.Actor, _ *struct{}) (*rescanAnswer, error) {
			return answerRescan(h.Engine.RescanProgress(ctx, actor))
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: rescan, Summary: "Start rescan", Tags: tags, DefaultStatus: http.StatusAccepted,
		Description: "Maps all contacts to companies anew, in the background, but for those whose company was set by hand."}),
		func(ctx context.Context, actor desk.Actor, _ *struct{}) (*rescanAnswer, error) {
			if err := h.Engine.StartRescan(ctx, actor); err != nil {
				return nil, err
			}
			return answerRescan(h.Engine.RescanProgress(ctx, actor))
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get company", Tags: tags, Errors: []int{notFound}},
		func(ctx context.Context, actor desk.Actor, in *CompanyPath) (*companyAnswer, error) {
			return answerCompany(h.Engine.Company(ctx, actor, in.ID))
		})
	register(h, api, adminOnly(huma.Operation{Method: "PATCH", Path: item, Summary: "Edit company", Tags: tags, Errors: []int{notFound, taken}}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			CompanyPath
			Body struct {
				Name    *string   `json:"name,omitempty" example:"Acme Ltd"`
				Domains *[]string `json:"domains,omitempty" example:"[\"acme.example\"]" doc:"All of the company's domains"`
			}
		}) (*companyAnswer, error) {
			c, err := h.Engine.EditCompany(ctx, actor, in.ID, provision.CompanyEdit{Name: in.Body.Name, Domains: in.Body.Domains})
			return answerCompany(c, err)
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete company", Tags: tags, Errors: []int{notFound},
		Description: "Its contacts get the company that their domain now gives, also those to whom it was set by hand."}),
		func(ctx context.Context, actor desk.Actor, in *CompanyPath) (*struct{}, error) {
			return nil, h.Engine.DeleteCompany(ctx, actor, in.ID)
		})
}
