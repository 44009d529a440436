package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// Preview is what would become of something that a directory sends.
type Preview struct {
	Operation string        `json:"operation" enum:"create,replace,patch"`
	Refused   *Refusal      `json:"refused,omitempty" doc:"Absent if it would be accepted"`
	Outcome   string        `json:"outcome,omitempty" doc:"As the event would say; absent if nothing would change"`
	Reason    string        `json:"reason,omitempty" doc:"What decides: the key that matches, or what the settings hold back"`
	Detail    string        `json:"detail,omitempty"`
	Contact   *Previewed    `json:"contact,omitempty" doc:"The contact as it would be; absent if there would be none"`
	Scope     Scoped        `json:"scope"`
	Mapped    []desk.Mapped `json:"mapped" doc:"Which source gives which field its value"`
	Unmapped  []string      `json:"unmapped" doc:"Attributes that no rule uses"`
	Changes   []Change      `json:"changes"`
}

// Refusal is why a directory would be refused.
type Refusal struct {
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Previewed is a contact as it would be.
type Previewed struct {
	ID               string         `json:"id,omitempty" doc:"Absent for a new one"`
	DisplayName      string         `json:"displayName"`
	UserName         string         `json:"userName,omitempty"`
	Emails           []Address      `json:"emails"`
	Phones           []Address      `json:"phones"`
	Title            string         `json:"title,omitempty"`
	Fields           map[string]any `json:"fields,omitempty"`
	Company          *string        `json:"company" nullable:"true" doc:"Its name; null for none"`
	CompanyReason    string         `json:"companyReason"`
	DirectoryCompany string         `json:"directoryCompany,omitempty"`
	Status           string         `json:"status" enum:"active,deleted"`
	Verified         bool           `json:"verified"`
}

// Scoped is whether the person is in the connection's scope.
type Scoped struct {
	In   bool   `json:"in"`
	Rule string `json:"rule,omitempty" doc:"That decided"`
}

func newPreview(p provision.Preview) Preview {
	out := Preview{
		Operation: string(p.Operation), Outcome: string(p.Outcome), Reason: p.Reason, Detail: p.Detail,
		Scope: Scoped{p.InScope, p.ScopeRule}, Mapped: p.Mapped, Unmapped: p.Unmapped, Changes: []Change{},
	}
	if p.Mapped == nil {
		out.Mapped = []desk.Mapped{}
	}
	if p.Unmapped == nil {
		out.Unmapped = []string{}
	}
	if p.Refused != nil {
		out.Refused = &Refusal{httpx.Statuses[p.Refused.Kind], p.Refused.Msg}
	}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, Change(c))
	}
	if c := p.Contact; c != nil {
		out.Contact = &Previewed{
			ID: c.ID, DisplayName: c.DisplayName, UserName: c.UserName, Emails: addresses(c.Emails), Phones: addresses(c.Phones), Title: c.Title, Fields: c.Fields,
			CompanyReason: string(c.CompanyReason), DirectoryCompany: c.DirectoryCompany, Status: string(c.Status), Verified: c.VerifiedAt != nil,
		}
		if p.CompanyName != "" {
			out.Contact.Company = &p.CompanyName
		}
		if p.New {
			out.Contact.ID = ""
		}
	}
	return out
}

// Unmapped counts what arrived and no rule of a mapping uses.
type Unmapped struct {
	People     int            `json:"people" doc:"Over how many people it was counted, the newest"`
	Attributes map[string]int `json:"attributes" doc:"How many of them have it, by the path by which a rule could name it"`
}

// SettingsPreview is what a change of settings would do to the people whom a connection has.
type SettingsPreview struct {
	People      int    `json:"people" doc:"Looked at, 100,000 at most"`
	All         bool   `json:"all" doc:"Whether that is everybody"`
	Leave       int    `json:"leave" doc:"Active, and would fall out of scope: their contacts are deleted, unless another connection holds them"`
	Enter       int    `json:"enter" doc:"Active, held as out of scope, and would come in"`
	Change      int    `json:"change" doc:"In scope, and the mapping would make something else of their contact"`
	Refused     int    `json:"refused" doc:"Whose values the mapping could not take"`
	RefusedWith string `json:"refusedWith,omitempty" doc:"What is wrong with the first of them"`
}

// SettingsProgress is how far a change of settings has been applied.
type SettingsProgress struct {
	Running   bool       `json:"running"`
	Checked   int        `json:"checked" doc:"People looked at; 0 if nothing runs"`
	Changed   int        `json:"changed"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
}

func (h *Handler) registerPreview(api huma.API) {
	tags := []string{"Connections"}
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: "/api/v1/connections/{slug}/preview", Summary: "Preview user", Tags: tags, Errors: []int{http.StatusNotFound},
		Description: "What would become of a SCIM user that the directory sends, or of a PATCH to one that it has sent: whom it matches, what is mapped, and what would be written. Nothing is."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Body struct {
				User   json.RawMessage `json:"user,omitempty" example:"{\"userName\":\"kofi@acme.example\",\"active\":true}" doc:"A SCIM user"`
				SCIMID string          `json:"scimId,omitempty" maxLength:"100" doc:"Whom patch is for"`
				Patch  json.RawMessage `json:"patch,omitempty" doc:"The body of a SCIM PATCH"`
			}
		}) (*struct{ Body Preview }, error) {
			fields, err := h.Engine.Fields(ctx, actor)
			if err != nil {
				return nil, err
			}
			var p provision.Preview
			switch body := in.Body; {
			case (body.User == nil) == (body.Patch == nil) || (body.Patch == nil) != (body.SCIMID == ""):
				return nil, desk.Errorf(desk.InvalidValue, "user", "give either user, or patch and scimId")
			case body.User != nil:
				r, err := h.ReadUser(fields, body.User)
				if err != nil {
					return nil, err
				}
				p, err = h.Engine.PreviewUser(ctx, actor, in.Slug, r, nil)
				return &struct{ Body Preview }{newPreview(p)}, err
			default:
				edit, err := h.ReadPatch(fields, body.Patch)
				if err != nil {
					return nil, err
				}
				p, err = h.Engine.PreviewPatch(ctx, actor, in.Slug, body.SCIMID, edit)
				return &struct{ Body Preview }{newPreview(p)}, err
			}
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: "/api/v1/connections/{slug}/settings/preview", Summary: "Preview settings", Tags: tags, Errors: []int{http.StatusNotFound},
		Description: "How many people a change of the connection's settings would touch. The body holds those that change, as in a PATCH of the connection."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Body json.RawMessage `example:"{\"createCompanies\":true}"`
		}) (*struct{ Body SettingsPreview }, error) {
			p, err := h.Engine.PreviewSettings(ctx, actor, in.Slug, in.Body)
			return &struct{ Body SettingsPreview }{SettingsPreview(p)}, err
		})
	register(h, api, huma.Operation{Method: "GET", Path: "/api/v1/connections/{slug}/settings/progress", Summary: "Get settings progress", Tags: tags, Errors: []int{http.StatusNotFound},
		Description: "How far the last change of mapping or scope has been applied to the people whom the connection has."},
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*struct{ Body SettingsProgress }, error) {
			r, running, err := h.Engine.ApplyingSettings(ctx, actor, in.Slug)
			out := SettingsProgress{Running: running, Checked: r.Checked, Changed: r.Changed}
			if running {
				out.StartedAt = &r.StartedAt
			}
			return &struct{ Body SettingsProgress }{out}, err
		})
	register(h, api, huma.Operation{Method: "GET", Path: "/api/v1/connections/{slug}/unmapped", Summary: "List unmapped attributes", Tags: tags, Errors: []int{http.StatusNotFound},
		Description: "Attributes that the directory sends and that no rule of the connection's mapping uses."},
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*struct{ Body Unmapped }, error) {
			counts, people, err := h.Engine.Unmapped(ctx, actor, in.Slug, provision.MaxUnmapped)
			return &struct{ Body Unmapped }{Unmapped{people, counts}}, err
		})
}
