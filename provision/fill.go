package provision

import (
	"context"
	"iter"
	"slices"
	"time"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// Filling is a helpdesk that Fill makes.
type Filling struct {
	Tenant, Connection string // slugs
	Provider           string
	Companies          []FillCompany
	People             iter.Seq[FillPerson] // in the order in which their contacts were made
}

// FillCompany is one of its companies.
type FillCompany struct {
	Name    string
	Domains []string
}

// FillPerson is one of its people.
type FillPerson struct {
	Resource desk.Resource // in canonical form, as the directory says it, or would
	At       time.Time     // when they came, to the microsecond
	// Known says that an agent had made the contact before, a day earlier; Synced, that the directory has pushed it.
	Known, Synced bool
	Tickets       []string // subjects
}

// fillBatch is how many people are written at once.
const fillBatch = 2000

// Fill fills a database that has no tenants, many times as fast as people can be pushed. The rows are those that CreateUser and
// CreateContact would have made.
func (e *Engine) Fill(ctx context.Context, helpdesks iter.Seq[Filling]) error {
	return e.Store.Fill(ctx, func(f *store.Filler) error {
		for h := range helpdesks {
			if err := fill(f, h); err != nil {
				return err
			}
		}
		return nil
	})
}

func fill(f *store.Filler, h Filling) error {
	first := time.Time{}
	for p := range h.People {
		first = p.At.AddDate(0, 0, -7)
		break
	}
	rules, err := compileRules(desk.Mapping{}, desk.Scope{}, nil)
	if err != nil {
		return err
	}
	w := filler{Filler: f, rules: rules, tenant: h.Tenant, listed: map[string][]string{}}
	c := desk.Connection{TenantID: h.Tenant, Slug: h.Connection, Name: h.Connection, Provider: h.Provider, CreatedAt: first, Settings: desk.DefaultSettings()}
	w.directory = desk.Actor{Type: desk.ActorDirectory, TenantID: h.Tenant, Connection: h.Connection, Name: h.Connection}
	w.agent = desk.Actor{Type: desk.ActorAgent, TenantID: h.Tenant, Name: "Import", Role: desk.RoleAdmin}
	if err := store.Fill(f, []desk.Tenant{{ID: h.Tenant, Name: h.Tenant, CreatedAt: first}}); err != nil {
		return err
	}
	if err := store.Fill(f, []desk.Connection{c}); err != nil {
		return err
	}
	connected := System(h.Tenant).Event(desk.OpCreate, desk.Created, "connection")
	connected.Connection = h.Connection
	w.record(first, System(h.Tenant).Event(desk.OpCreate, desk.Created, "tenant"))
	w.record(first, connected)
	if err := w.companies(h.Companies, first); err != nil {
		return err
	}
	for p := range h.People {
		if err := w.add(p); err != nil {
			return err
		}
		if len(w.contacts) >= fillBatch {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return w.flush()
}

// filler gathers the rows of a helpdesk.
type filler struct {
	*store.Filler
	rules            *rules
	tenant           string
	directory, agent desk.Actor
	listed           map[string][]string // companies by what they list

	contacts []desk.Contact
	users    []desk.DirectoryUser
	emails   []desk.UserEmail
	tickets  []desk.Ticket
	events   []desk.Event
}

func (w *filler) flush() error {
	for _, err := range []error{
		store.Fill(w.Filler, w.contacts), store.Fill(w.Filler, w.users), store.Fill(w.Filler, w.emails), store.Fill(w.Filler, w.tickets), store.Fill(w.Filler, w.events),
	} {
		if err != nil {
			return err
		}
	}
	w.contacts, w.users, w.emails, w.tickets, w.events = w.contacts[:0], w.users[:0], w.emails[:0], w.tickets[:0], w.events[:0]
	return nil
}

func (w *filler) companies(list []FillCompany, at time.Time) error {
	var rows []desk.Company
	var domains []desk.CompanyDomain
	for _, c := range list {
		at = at.Add(time.Microsecond)
		row := desk.Company{TenantID: w.tenant, ID: store.IDAt(at), CreatedAt: at}
		if err := (CompanyEdit{Name: &c.Name, Domains: &c.Domains}).apply(&row); err != nil {
			return err
		}
		for _, d := range row.Domains {
			domains = append(domains, desk.CompanyDomain{TenantID: w.tenant, Domain: d, CompanyID: row.ID})
			w.listed[d] = append(w.listed[d], row.ID)
		}
		rows = append(rows, row)
		w.record(at, companyEvent(w.agent.Event(desk.OpCreate, desk.Created, ""), desk.Company{}, row))
	}
	if err := store.Fill(w.Filler, rows); err != nil {
		return err
	}
	return store.Fill(w.Filler, domains)
}

func (w *filler) record(at time.Time, ev desk.Event) {
	ev.At, ev.ID = at, store.IDAt(at)
	w.events = append(w.events, ev)
}

// add makes a person's rows.
func (w *filler) add(p FillPerson) error {
	to, _, err := w.rules.project(p.Resource)
	if err != nil {
		return err
	}
	at := p.At
	contact := desk.Contact{TenantID: w.tenant, Status: desk.Active}
	w.setProfile(&contact, to.Profile)
	if p.Known {
		at = at.AddDate(0, 0, -1)
		contact.ID = store.IDAt(at)
		ev := w.agent.Event(desk.OpCreate, desk.Created, "")
		ev.ContactID, ev.Changes = &contact.ID, contactChanges(&desk.Contact{}, &contact)
		w.record(at, ev)
	} else {
		contact.ID = store.IDAt(at)
	}
	contact.CreatedAt, contact.ModifiedAt = at, at
	if p.Synced {
		if err := w.push(p, to, &contact); err != nil {
			return err
		}
	}
	for _, subject := range p.Tickets {
		w.ticket(p.At, &contact, subject)
	}
	w.contacts = append(w.contacts, contact)
	return nil
}

// push does what CreateUser does.
func (w *filler) push(p FillPerson, to projected, contact *desk.Contact) error {
	before, outcome, reason := desk.Contact{}, desk.Created, "no_match"
	if p.Known {
		before, outcome, reason = *contact, desk.Adopted, "userName"
		contact.VerifiedAt, contact.ModifiedAt = &p.At, p.At
	}
	u := desk.DirectoryUser{TenantID: w.tenant, Connection: w.directory.Connection, ID: store.IDAt(p.At), ContactID: &contact.ID, Version: 1, CreatedAt: p.At, ModifiedAt: p.At}
	if err := u.SetResource(p.Resource); err != nil {
		return err
	}
	if to.Active != nil {
		u.Active = *to.Active
	}
	if !u.Active {
		contact.Status, contact.DeletedBy, contact.DeletedAt = desk.SoftDeleted, desk.ActorDirectory, &p.At
	}
	contact.Count(&u, 1)
	w.users, w.emails = append(w.users, u), append(w.emails, u.EmailIndex(p.Resource)...)
	ev := w.directory.Event(desk.OpCreate, outcome, reason)
	ev.UserID, ev.ContactID, ev.Changes = &u.ID, &contact.ID, changes(&before, contact, nil, p.Resource)
	w.record(p.At, ev)
	return nil
}

// ticket does what CreateTicket does.
func (w *filler) ticket(at time.Time, contact *desk.Contact, subject string) {
	deleted := contact.Status == desk.SoftDeleted
	t := desk.Ticket{
		TenantID: w.tenant, ID: store.IDAt(at), ContactID: contact.ID, Subject: subject, Status: desk.TicketOpen, Spam: deleted, SpamByDeletion: deleted,
		CreatedAt: at, ModifiedAt: at,
	}
	w.tickets = append(w.tickets, t)
	w.record(at.Add(time.Microsecond), ticketEvent(w.agent.Event(desk.OpCreate, desk.Created, "ticket"), desk.Ticket{}, t))
}

// setProfile gives the contact a profile and a company. The contacts of a domain have one company here, or none.
func (w *filler) setProfile(c *desk.Contact, p desk.Profile) {
	c.SetProfile(p, companies.DomainOfProfile(p))
	listings := companies.Listings(c.Domain)
	facts := desk.CompanyFacts{Domain: c.Domain}
	if i := slices.IndexFunc(listings, func(l string) bool { return len(w.listed[l]) > 0 }); i >= 0 {
		facts.Listed = w.listed[listings[i]]
	}
	c.CompanyID, c.CompanyReason = companies.Resolve(facts)
}
