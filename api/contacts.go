package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Contact is a person as the helpdesk knows them.
type Contact struct {
	ID               string         `json:"id" example:"01980a3c-5a7e-7b3e-9d1c-2f6b8e4a0c11"`
	DisplayName      string         `json:"displayName" example:"Kofi Adeyemi"`
	UserName         string         `json:"userName,omitempty" example:"kofi@acme.example"`
	Emails           []Address      `json:"emails"`
	Phones           []Address      `json:"phones"`
	Title            string         `json:"title,omitempty" example:"Team lead"`
	Fields           map[string]any `json:"fields,omitempty" doc:"Values of custom fields: text, numbers, booleans, dates as times, and lists of these"`
	Company          *CompanyRef    `json:"company" doc:"null for none; companyReason says why"`
	CompanyReason    string         `json:"companyReason" enum:"manual,directory,domain,no_match,ambiguous_companies,ambiguous_contacts" example:"domain"`
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
	Type    string `json:"type,omitempty" example:"work" maxLength:"100" doc:"work if left out"`
	Value   string `json:"value" minLength:"1" example:"kofi@acme.example"`
	Primary bool   `json:"primary,omitempty" example:"true"`
}

// CompanyRef names a contact's company.
type CompanyRef struct {
	ID   string `json:"id" example:"01980a3c-61b2-7c55-8f0e-9a4d3c2b1e00"`
	Name string `json:"name" example:"Acme"`
}

// Sync is what one directory says.
type Sync struct {
	Connection   string    `json:"connection" example:"entra" doc:"Its slug"`
	Provider     string    `json:"provider" example:"entra"`
	ExternalID   string    `json:"externalId,omitempty" example:"7a1e0c52-0d0f-4a7e-8a39-5f7b2f0d4b11" doc:"The directory's id of the person"`
	SCIMID       string    `json:"scimId" example:"01980a3c-5a7f-7d10-b2c4-7e1f0a9b8c22" doc:"Our id of the directory's user"`
	Active       bool      `json:"active" example:"true"`
	LastSyncedAt time.Time `json:"lastSyncedAt" doc:"When the directory last changed something"`
}

// TransformSchema says that a contact may be without a company.
func (Contact) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	company := s.Properties["company"]
	s.Properties["company"] = &huma.Schema{Description: company.Description, AnyOf: []*huma.Schema{{Ref: company.Ref}, {Type: "null"}}}
	return s
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
	DisplayName   optional[string]    `json:"displayName,omitempty" example:"Kofi Adeyemi"`
	UserName      optional[string]    `json:"userName,omitempty" example:"kofi@acme.example"`
	Title         optional[string]    `json:"title,omitempty" example:"Team lead"`
	Emails        optional[[]Address] `json:"emails,omitempty" doc:"All of the contact's addresses"`
	Phones        optional[[]Address] `json:"phones,omitempty" doc:"All of the contact's numbers"`
	Fields        map[string]any      `json:"fields,omitempty" doc:"Values of custom fields by name, lists for those with several; null empties one"`
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
	ETag string `header:"ETag" doc:"Changes with everything that the answer says"`
	Body Contact
}

func answerContact(v provision.ContactView, err error) (*contactAnswer, error) {
	c := newContact(v)
	return &contactAnswer{etag(c), c}, err
}

// contactUnless is the answer to a GET, for which the client may have the contact already.
type contactUnless struct {
	Status int
	ETag   string `header:"ETag" doc:"Changes with everything that the answer says"`
	Body   Contact
}

// etag is a strong entity tag (RFC 9110 section 8.8.3): a digest of all that an answer says, which is more than the record's row.
func etag(answer any) string {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // what was read from JSON
	}
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
}

// IfMatch is a condition of a change (RFC 9110 section 13.1.1).
type IfMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag of what is changed, as it was read, or several; nothing happens if it has changed since"`
}

// check is the condition as the engine asks for it, nil for none.
func (in IfMatch) check() provision.ContactCheck {
	if in.IfMatch == "" {
		return nil
	}
	return func(v provision.ContactView) error { return in.matches("contact", etag(newContact(v))) }
}

// matches returns an error unless the condition names what has the tag.
func (in IfMatch) matches(what, tag string) error {
	if listed(in.IfMatch, tag) {
		return nil
	}
	return desk.Errorf(desk.VersionMismatch, "If-Match", "the %s has changed and is not the one that If-Match names; read it again", what)
}

// listed reports whether a header lists an entity tag, or any. A weak tag is never the same as a strong one.
func listed(header, tag string) bool {
	for t := range strings.SplitSeq(header, ",") {
		if t = strings.TrimSpace(t); t == tag || t == "*" {
			return true
		}
	}
	return false
}

func (h *Handler) registerContacts(api huma.API) {
	const collection, item = "/api/v1/contacts", "/api/v1/contacts/{id}"
	tags := []string{"Contacts"}
	notFound := []int{http.StatusNotFound}
	conditional := append(notFound, http.StatusPreconditionFailed)

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List contacts", Tags: tags,
		Description: "A page may have fewer contacts than its limit, even none, and yet have a next one."}, h.listContacts)
	register(h, api, huma.Operation{Method: "POST", Path: collection, Summary: "Create contact", Tags: tags, DefaultStatus: http.StatusCreated,
		Description: "A contact that no directory has pushed. One that does later finds it by its userName or address."},
		func(ctx context.Context, actor desk.Actor, in *struct{ Body contactEdit }) (*contactAnswer, error) {
			edit, err := in.Body.edit()
			if err != nil {
				return nil, err
			}
			return answerContact(h.Engine.CreateContact(ctx, actor, edit))
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get contact", Tags: tags, Errors: notFound,
		Responses: map[string]*huma.Response{"304": {Description: "The contact is as If-None-Match says"}}},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ContactPath
			IfNoneMatch string `header:"If-None-Match" doc:"The ETag of the contact as it was read, or several"`
		}) (*contactUnless, error) {
			c, err := answerContact(h.Engine.Contact(ctx, actor, in.ID))
			status := http.StatusOK
			if listed(strings.ReplaceAll(in.IfNoneMatch, "W/", ""), c.ETag) { // here a weak tag will do
				status = http.StatusNotModified
			}
			return &contactUnless{status, c.ETag, c.Body}, err
		})
	register(h, api, huma.Operation{Method: "PATCH", Path: item, Summary: "Edit contact", Tags: tags, Errors: conditional,
		Description: "What the body leaves out stays as it is; null empties a field."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ContactPath
			IfMatch
			Body contactEdit
		}) (*contactAnswer, error) {
			edit, err := in.Body.edit()
			if err != nil {
				return nil, err
			}
			return answerContact(h.Engine.EditContact(ctx, actor, in.ID, in.check(), edit))
		})
	register(h, api, huma.Operation{Method: "DELETE", Path: item, Summary: "Delete contact", Tags: tags, Errors: conditional,
		Description: "Moves the contact to the deleted ones, and marks its tickets as spam. Deleting it again changes nothing."},
		func(ctx context.Context, actor desk.Actor, in *contactChange) (*struct{}, error) {
			return nil, h.Engine.DeleteContact(ctx, actor, in.ID, in.check())
		})
	register(h, api, huma.Operation{Method: "POST", Path: item + "/restore", Summary: "Restore contact", Tags: tags, Errors: conditional,
		Description: "Takes the contact out of the deleted ones. Restoring it again changes nothing."},
		func(ctx context.Context, actor desk.Actor, in *contactChange) (*contactAnswer, error) {
			return answerContact(h.Engine.RestoreContact(ctx, actor, in.ID, in.check()))
		})
	register(h, api, huma.Operation{Method: "POST", Path: item + "/erase", Summary: "Erase contact", Tags: tags, Errors: append(conditional, http.StatusConflict),
		Description: "Removes a deleted contact's personal data for good; the contact is gone. A 409 says that it is not deleted."},
		func(ctx context.Context, actor desk.Actor, in *contactChange) (*struct{}, error) {
			return nil, h.Engine.EraseContact(ctx, actor, in.ID, in.check())
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
			return readEvents(in.Limit, before, func(before string, limit int) ([]desk.Event, error) {
				return h.Engine.ContactEvents(ctx, actor, in.ID, before, limit)
			}, func(ev *desk.Event) *desk.Event { return ev }, newEvent)
		})
}

// contactChange is a request without a body that changes a contact.
type contactChange struct {
	ContactPath
	IfMatch
}

type contactsQuery struct {
	Page
	Status     string `query:"status" enum:"active,deleted,all" default:"active"`
	Text       string `query:"q" maxLength:"200" doc:"Words, each of which is a part of the name, the userName or an address, in any order and in any case"`
	Domain     string `query:"domain" maxLength:"300" doc:"Of the main email address"`
	Company    string `query:"company" maxLength:"100" doc:"A company's id"`
	Verified   bool   `query:"verified" doc:"Only those whom a directory adopted"`
	Connection string `query:"connection" maxLength:"100" doc:"Only those in this directory, by the connection's slug"`
	Sync       string `query:"sync" enum:"none,active,inactive" doc:"Only those in no directory, or whom a directory (that of connection, if given) says to be active or inactive"`
	Order      string `query:"order" enum:"oldest,newest" default:"oldest" doc:"By creation, the oldest or the newest first"`
}

func (h *Handler) listContacts(ctx context.Context, actor desk.Actor, in *contactsQuery) (*list[Contact], error) {
	after, err := in.after()
	if err != nil {
		return nil, err
	}
	q := provision.ContactQuery{
		Status: desk.Status(in.Status), Text: in.Text, Domain: in.Domain, Company: in.Company, Verified: in.Verified, Connection: in.Connection,
		Sync: desk.SyncState(in.Sync), After: after, Limit: in.Limit,
	}
	if in.Status == "all" {
		q.Status = ""
	}
	if in.Order == "newest" {
		q.Order = desk.NewestFirst
	}
	page, err := h.Engine.Contacts(ctx, actor, q)
	return newPage(page.Contacts, page.Next, newContact), err
}
