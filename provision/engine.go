package provision

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// Engine applies what directories and agents ask for.
type Engine struct {
	Store *store.Store

	guards guards
	rules  ruleBook
}

// setProfile gives the contact a profile, and decides its company where that is new or what decides it changed. The transaction
// holds the tenant's lock.
func setProfile(tx *store.Tx, c *desk.Contact, p desk.Profile) error {
	if !takeProfile(c, p) {
		return nil
	}
	return setCompany(tx, c)
}

// takeProfile gives the contact a profile, and reports whether its company is to be decided.
func takeProfile(c *desk.Contact, p desk.Profile) bool {
	domain, company := c.Domain, c.CompanyKey
	c.SetProfile(p, companies.DomainOfProfile(p))
	return c.CompanyReason == "" || c.Domain != domain || c.CompanyKey != company
}

// setCompany decides the contact's company anew.
func setCompany(tx *store.Tx, c *desk.Contact) error {
	facts, err := tx.CompanyFacts(companyQuery(c))
	if err != nil {
		return err
	}
	decideCompany(c, facts)
	return nil
}

// companyQuery asks for what decides the contact's company.
func companyQuery(c *desk.Contact) store.CompanyQuery {
	return store.CompanyQuery{TenantID: c.TenantID, Domain: c.Domain, Listings: companies.Listings(c.Domain), Name: c.CompanyKey, Except: c.ID}
}

func decideCompany(c *desk.Contact, facts desk.CompanyFacts) {
	facts.Current, facts.Company = c.CompanyReason, c.CompanyID
	c.CompanyID, c.CompanyReason = companies.Resolve(facts)
}

// softDelete moves the contact to Deleted contacts.
func softDelete(tx *store.Tx, c *desk.Contact, by desk.ActorType) {
	now := tx.Now
	c.Status, c.DeletedBy, c.DeletedAt = desk.SoftDeleted, by, &now
}

// restore takes the contact out of Deleted contacts.
func restore(c *desk.Contact) {
	c.Status, c.DeletedBy, c.DeletedAt = desk.Active, "", nil
}

// saveContact writes a contact that has changed. Its tickets follow it into Deleted contacts, where they are spam, and back.
func saveContact(tx *store.Tx, before, after *desk.Contact) error {
	after.ModifiedAt = tx.Now
	if err := tx.UpdateContact(before, after); err != nil {
		return err
	}
	switch {
	case before.Status == after.Status:
		return nil
	case after.Status == desk.SoftDeleted:
		return tx.MarkTickets(after.TenantID, after.ID)
	}
	return tx.UnmarkTickets(after.TenantID, after.ID)
}

// changes lists what changed in a contact and in the resource behind it. What the contact's changes tell already is not told
// twice.
func changes(before, after *desk.Contact, was, is desk.Resource) []desk.Change {
	list := contactChanges(before, after)
	told := map[string]bool{"schemas": true}
	for _, change := range list {
		told[change.Field] = true
		if change.Field == "phones" {
			told["phoneNumbers"] = true
		}
		if change.Field == "directoryCompany" {
			told[desk.EnterpriseURN+":organization"] = true
		}
		if name, ok := strings.CutPrefix(change.Field, "fields."); ok {
			told[desk.FieldsURN+":"+name] = true
		}
	}
	more := slices.DeleteFunc(was.Diff(is), func(c desk.Change) bool { return told[c.Field] })
	return append(list, more...)
}

// contactChanges lists what changed in a contact.
func contactChanges(before, after *desk.Contact) []desk.Change {
	list := before.Profile.Diff(after.Profile)
	add := func(field string, from, to any) {
		if from != to {
			list = append(list, desk.Change{Field: field, From: none(from), To: none(to)})
		}
	}
	add("company", before.CompanyID, after.CompanyID)
	add("companyReason", string(before.CompanyReason), string(after.CompanyReason))
	add("status", string(before.Status), string(after.Status))
	add("verified", before.VerifiedAt != nil, after.VerifiedAt != nil)
	return list
}

// none is nil for an empty string.
func none(v any) any {
	if v == "" {
		return nil
	}
	return v
}

// Fault counts a request of a directory that failed by a fault of the server. It leaves no event: the database may be what failed.
func (e *Engine) Fault(actor desk.Actor) {
	e.Store.Count(desk.Cycle{TenantID: actor.TenantID, Connection: actor.Connection, Errors: 1})
}

// Refusal is a request that was turned down.
type Refusal struct {
	Operation desk.Operation
	UserID    string // the SCIM id that it named, "" for none
	ContactID string // the contact that it named, "" for none
	Subject   string // what its body said about who it is, "" for nothing
	Err       error
}

// event is what the log keeps of a refusal.
func (r Refusal) event(actor desk.Actor) desk.Event {
	refused := desk.AsError(r.Err)
	ev := actor.Event(r.Operation, desk.Refused, string(refused.Kind))
	ev.Detail = clip(refused.Msg)
	if refused.Kind == desk.Uniqueness {
		ev.Detail = refused.Field + " is taken" // by whom, the client was told
	}
	if r.Subject == "" {
		r.Subject = refused.Subject
	}
	ev.Subject = clip(r.Subject)
	ev.SubjectKey = desk.Fold(ev.Subject)
	ev.UserID, ev.ContactID = reference(r.UserID), reference(r.ContactID)
	return ev
}

// Refuse leaves the event of a refusal, in a transaction of its own.
func (e *Engine) Refuse(ctx context.Context, actor desk.Actor, r Refusal) error {
	ev := r.event(actor)
	// A client that has gone is recorded as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		if ev.UserID != nil {
			u, err := tx.User(actor.TenantID, actor.Connection, *ev.UserID)
			if err == nil {
				ev.ContactID = u.ContactID
			} else if desk.KindOf(err) != desk.NotFound {
				return err
			}
		}
		if ev.ContactID == nil {
			ev.ContactID = reference(desk.AsError(r.Err).ContactID)
		}
		return tx.Record(ev)
	})
}

// clip shortens what a client sent to what an index can hold.
func clip(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) > desk.MaxKey/2 { // folding may lengthen it
		s = strings.ToValidUTF8(s[:desk.MaxKey/2], "") + "…"
	}
	return s
}

// reference is nil for an id that none of ours can be.
func reference(id string) *string {
	if id = clip(id); id == "" {
		return nil
	}
	return &id
}

// usersIn returns the directory users that events are about.
func usersIn(events []desk.Event) []store.UserRef {
	var users []store.UserRef
	for _, ev := range events {
		if ev.UserID == nil {
			continue
		}
		if u := (store.UserRef{Connection: ev.Connection, ID: *ev.UserID}); !slices.Contains(users, u) {
			users = append(users, u)
		}
	}
	return users
}

// personalKeys returns the folded names, ids and addresses that events tell of a person.
func personalKeys(events []desk.Event) []string {
	var keys []string
	add := func(v any) {
		if s, ok := v.(string); ok && s != "" {
			keys = append(keys, desk.Fold(s))
		}
	}
	for _, ev := range events {
		for _, change := range ev.Changes {
			switch change.Field {
			case "userName", "externalId":
				add(change.From)
				add(change.To)
			case "emails":
				for _, side := range []any{change.From, change.To} {
					var list []desk.Address
					if text, err := json.Marshal(side); err == nil && json.Unmarshal(text, &list) == nil {
						for _, a := range list {
							add(a.Value)
						}
					}
				}
			}
		}
	}
	return keys
}
