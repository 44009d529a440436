package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Contact is a person as the helpdesk knows them.
type Contact struct {
	ID               string         `json:"id"`
	DisplayName      string         `json:"displayName"`
	UserName         string         `json:"userName,omitempty"`
	Emails           []Address      `json:"emails"`
	Phones           []Address      `json:"phones"`
	Title            string         `json:"title,omitempty"`
	Fields           map[string]any `json:"fields,omitempty" doc:"Values of custom fields: text, numbers, booleans, and dates as times"`
	Company          *CompanyRef    `json:"company" doc:"null for none; companyReason says why"`
	CompanyReason    string         `json:"companyReason" enum:"manual,directory,domain,no_match,ambiguous_companies,ambiguous_contacts"`
	DirectoryCompany string         `json:"directoryCompany,omitempty" doc:"What a directory calls the company"`
	Status           string         `json:"status" enum:"active,deleted"`
	DeletedBy        string         `json:"deletedBy,omitempty" enum:"agent,directory"`
	DeletedAt        *time.Time     `json:"deletedAt,omitempty"`
	Verified         bool           `json:"verified" doc:"Whether a directory adopted the contact, which existed before"`
	VerifiedAt       *time.Time     `json:"verifiedAt,omitempty"`
	Sync             []Sync         `json:"sync" doc:"One element per directory that holds the person"`
	CreatedAt        time.Time      `json:"createdAt"`
	ModifiedAt       time.Time      `json:"modifiedAt"`
}

// Address is an email address or telephone number.
type Address struct {
	Type    string `json:"type,omitempty" example:"work" maxLength:"100"`
	Value   string `json:"value" minLength:"1"`
	Primary bool   `json:"primary,omitempty"`
}

// CompanyRef names a contact's company.
type CompanyRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Sync is what one directory says.
type Sync struct {
	Connection   string    `json:"connection"`
	Provider     string    `json:"provider"`
	ExternalID   string    `json:"externalId,omitempty"`
	SCIMID       string    `json:"scimId"`
	Active       bool      `json:"active"`
	LastSyncedAt time.Time `json:"lastSyncedAt"`
}

func newContact(v provision.ContactView) Contact {
	c := Contact{
		ID: v.ID, DisplayName: v.DisplayName, UserName: v.UserName, Emails: addresses(v.Emails), Phones: addresses(v.Phones), Title: v.Title, Fields: v.Fields,
		CompanyReason: string(v.CompanyReason), DirectoryCompany: v.DirectoryCompany, Status: string(v.Status), DeletedBy: string(v.DeletedBy), DeletedAt: v.DeletedAt,
		Verified: v.VerifiedAt != nil, VerifiedAt: v.VerifiedAt, Sync: []Sync{}, CreatedAt: v.CreatedAt, ModifiedAt: v.ModifiedAt,
	}
	if v.CompanyName != "" {
		c.Company = &CompanyRef{v.CompanyID, v.CompanyName}
	}
	for _, u := range v.Users {
		s := Sync{Connection: u.Connection, Provider: v.Providers[u.Connection], SCIMID: u.ID, Active: u.Active, LastSyncedAt: u.ModifiedAt}
		if u.ExternalID != nil {
			s.ExternalID = *u.ExternalID
		}
		c.Sync = append(c.Sync, s)
	}
	return c
}

func addresses(list []desk.Address) []Address {
	out := make([]Address, len(list))
	for i, a := range list {
		out[i] = Address(a)
	}
	return out
}

// contactEdit is the body of a POST or PATCH.
type contactEdit struct {
	DisplayName   optional[string]    `json:"displayName,omitempty"`
	UserName      optional[string]    `json:"userName,omitempty"`
	Title         optional[string]    `json:"title,omitempty"`
	Emails        optional[[]Address] `json:"emails,omitempty"`
	Phones        optional[[]Address] `json:"phones,omitempty"`
	Fields        map[string]any      `json:"fields,omitempty" doc:"Values of custom fields by name; null empties one"`
	CompanyID     optional[string]    `json:"companyId,omitempty" doc:"Sets the company by hand, null for none; sync then leaves it"`
	CompanyReason string              `json:"companyReason,omitempty" enum:"auto" doc:"auto gives the company back to sync"`
}

func (b contactEdit) edit() (provision.ContactEdit, error) {
	list := func(o optional[[]Address], label string) *[]desk.Address {
		if !o.Sent {
			return nil
		}
		out := []desk.Address{}
		for _, a := range o.Value {
			if a.Type == "" {
				a.Type = label
			}
			out = append(out, desk.Address(a))
		}
		return &out
	}
	e := provision.ContactEdit{
		DisplayName: b.DisplayName.pointer(), UserName: b.UserName.pointer(), Title: b.Title.pointer(),
		Emails: list(b.Emails, "work"), Phones: list(b.Phones, "work"),
		Fields: b.Fields, CompanyID: b.CompanyID.pointer(), CompanyAuto: b.CompanyReason == "auto",
	}
	if e.CompanyAuto && e.CompanyID != nil {
		return e, desk.Errorf(desk.InvalidValue, "companyId", "companyId sets the company by hand, companyReason auto gives it back to sync; send one of the two")
	}
	return e, nil
}

// ContactPath names a contact.
type ContactPath struct {
	ID string `path:"id" maxLength:"100"`
}

type contactAnswer struct {
	Body Contact
}

func answerContact(v provision.ContactView, err error) (*contactAnswer, error) {
	return &contactAnswer{newContact(v)}, err
}

func (h *Handler) registerContacts(api huma.API) {
	const collection, item = "/api/v1/contacts", "/api/v1/contacts/{id}"
	tags := []string{"Contacts"}
	notFound := []int{http.StatusNotFound}

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List contacts", Tags: tags}, h.listContacts)
	register(h, api, huma.Operation{Method: "POST", Path: collection, Summary: "Create contact", Tags: tags, DefaultStatus: http.StatusCreated},
		func(ctx context.Context, actor desk.Actor, in *struct{ Body contactEdit }) (*contactAnswer, error) {
			edit, err := in.Body.edit()
			if err != nil {
				return nil, err
			}
			return answerContact(h.Engine.CreateContact(ctx, actor, edit))
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get contact", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *ContactPath) (*contactAnswer, error) {
			return answerContact(h.Engine.Contact(ctx, actor, in.ID))
		})
	register(h, api, huma.Operation{Method: "PATCH", Path: item, Summary: "Edit contact", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ContactPath
			Body contactEdit
		}) (*contactAnswer, error) {
			edit, err := in.Body.edit()
			if err != nil {
				return nil, err
			}
			return answerContact(h.Engine.EditContact(ctx, actor, in.ID, edit))
		})
	register(h, api, huma.Operation{Method: "DELETE", Path: item, Summary: "Delete contact", Tags: tags, Errors: notFound,
		Description: "Moves the contact to the deleted ones. Deleting it again changes nothing."},
		func(ctx context.Context, actor desk.Actor, in *ContactPath) (*struct{}, error) {
			return nil, h.Engine.DeleteContact(ctx, actor, in.ID)
		})
	register(h, api, huma.Operation{Method: "POST", Path: item + "/restore", Summary: "Restore contact", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *ContactPath) (*contactAnswer, error) {
			return answerContact(h.Engine.RestoreContact(ctx, actor, in.ID))
		})
	register(h, api, huma.Operation{Method: "POST", Path: item + "/erase", Summary: "Erase contact", Tags: tags, Errors: append(notFound, http.StatusConflict),
		Description: "Removes a deleted contact's personal data for good."},
		func(ctx context.Context, actor desk.Actor, in *ContactPath) (*struct{}, error) {
			return nil, h.Engine.EraseContact(ctx, actor, in.ID)
		})
	register(h, api, huma.Operation{Method: "GET", Path: item + "/events", Summary: "List contact events", Tags: tags, Errors: notFound,
		Description: "The contact's history, newest first."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ContactPath
			Page
		}) (*list[Event], error) {
			before, err := in.after()
			if err != nil {
				return nil, err
			}
			events, err := h.Engine.ContactEvents(ctx, actor, in.ID, before, in.Limit+1)
			return newList(events, in.Limit, eventID, newEvent), err
		})
}

type contactsQuery struct {
	Page
	Status  string `query:"status" enum:"active,deleted,all" default:"active"`
	Text    string `query:"q" maxLength:"200" doc:"In the name, userName or addresses"`
	Domain  string `query:"domain" maxLength:"300" doc:"Of the main email address"`
	Company string `query:"company" maxLength:"100" doc:"A company's id"`
}

func (h *Handler) listContacts(ctx context.Context, actor desk.Actor, in *contactsQuery) (*list[Contact], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	q := provision.ContactQuery{Status: desk.Status(in.Status), Text: in.Text, Domain: in.Domain, Company: in.Company, After: after, Limit: in.Limit}
	if in.Status == "all" {
		q.Status = ""
	}
	views, next, err := h.Engine.Contacts(ctx, actor, q)
	return newPage(views, next, newContact), err
}
