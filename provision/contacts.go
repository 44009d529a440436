package provision

import (
	"context"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/store"
)

// ContactView is a contact with what stands around it.
type ContactView struct {
	desk.Contact
	CompanyName string               // "" for none
	Users       []desk.DirectoryUser // by connection
	Providers   map[string]string    // of the tenant's connections, by slug
}

// ContactQuery asks for a page of contacts in the order of their creation.
type ContactQuery struct {
	Status  desk.Status // "" for all
	Text    string      // in name, userName or addresses
	Domain  string      // of the main address, in any form
	Company string      // id
	After   string      // the id after which the page begins
	Limit   int
}

// maxText is how long a text to search for may be, in characters.
const maxText = 200

// Contacts returns a page of contacts, and the id after which the next page begins, "" on the last. The page of a search may have
// fewer contacts than asked for, even none, and yet not be the last.
func (e *Engine) Contacts(ctx context.Context, actor desk.Actor, q ContactQuery) (page []ContactView, next string, err error) {
	domain, err := normaliseDomain(q.Domain)
	if err == nil && utf8.RuneCountInString(q.Text) > maxText {
		err = desk.Errorf(desk.InvalidValue, "q", "search for up to %d characters", maxText)
	}
	if err != nil {
		return nil, "", err
	}
	contacts, next, err := e.Store.Read(ctx).Contacts(store.ContactQuery{
		TenantID: actor.TenantID, Status: q.Status, Text: q.Text, Domain: domain, Company: q.Company, After: q.After, Limit: q.Limit,
	})
	if err != nil {
		return nil, "", err
	}
	page, err = e.view(ctx, actor, contacts)
	return page, next, err
}

// Contact returns a contact, or NotFound.
func (e *Engine) Contact(ctx context.Context, actor desk.Actor, id string) (ContactView, error) {
	c, err := e.Store.Read(ctx).Contact(actor.TenantID, id)
	if err != nil {
		return ContactView{}, describeContact(err)
	}
	views, err := e.view(ctx, actor, []desk.Contact{c})
	if err != nil {
		return ContactView{}, err
	}
	return views[0], nil
}

// view gathers what stands around contacts, with one query each for users, companies and connections.
func (e *Engine) view(ctx context.Context, actor desk.Actor, contacts []desk.Contact) ([]ContactView, error) {
	var ids, companyIDs []string
	for _, c := range contacts {
		ids = append(ids, c.ID)
		if c.CompanyID != "" && !slices.Contains(companyIDs, c.CompanyID) {
			companyIDs = append(companyIDs, c.CompanyID)
		}
	}
	users, err := e.Store.Read(ctx).UsersOf(actor.TenantID, ids...)
	if err != nil {
		return nil, err
	}
	names, err := e.Store.Read(ctx).CompanyNames(actor.TenantID, companyIDs)
	if err != nil {
		return nil, err
	}
	connections, err := e.Store.Read(ctx).Connections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	providers := map[string]string{}
	for _, c := range connections {
		providers[c.Slug] = c.Provider
	}
	byContact := map[string][]desk.DirectoryUser{}
	for _, u := range users {
		byContact[*u.ContactID] = append(byContact[*u.ContactID], u) // of users of contacts, none is without
	}
	views := make([]ContactView, len(contacts))
	for i, c := range contacts {
		views[i] = ContactView{Contact: c, CompanyName: names[c.CompanyID], Users: byContact[c.ID], Providers: providers}
	}
	return views, nil
}

// ContactEvents returns a page of a contact's events, newest first, or NotFound.
func (e *Engine) ContactEvents(ctx context.Context, actor desk.Actor, id, before string, limit int) ([]desk.Event, error) {
	if _, err := e.Store.Read(ctx).Contact(actor.TenantID, id); err != nil {
		return nil, describeContact(err)
	}
	return e.Store.Read(ctx).Events(store.EventQuery{TenantID: actor.TenantID, Contact: id, Before: before, Limit: limit})
}

// ContactEdit is what an agent changes in a contact; nil leaves a field as it is.
type ContactEdit struct {
	DisplayName *string
	UserName    *string
	Title       *string
	Emails      *[]desk.Address
	Phones      *[]desk.Address
	Fields      map[string]any // values of custom fields by name; nil for none
	CompanyID   *string        // set by hand; "" for none
	CompanyAuto bool           // given back to sync
}

// apply returns the profile with the edit's fields.
func (edit ContactEdit) apply(p desk.Profile) (desk.Profile, error) {
	set := func(field *string, to *string) {
		if to != nil {
			*field = strings.TrimSpace(*to)
		}
	}
	set(&p.DisplayName, edit.DisplayName)
	set(&p.UserName, edit.UserName)
	set(&p.Title, edit.Title)
	if edit.Emails != nil {
		p.Emails = *edit.Emails
	}
	if edit.Phones != nil {
		p.Phones = *edit.Phones
	}
	if p.DisplayName == "" && p.UserName == "" && p.ShownAddress() == "" {
		return p, desk.Errorf(desk.InvalidValue, "displayName", "give a displayName, a userName or an email address")
	}
	for _, check := range []struct {
		field string
		list  []desk.Address
	}{{"emails", p.Emails}, {"phones", p.Phones}} {
		for _, a := range check.list {
			if strings.TrimSpace(a.Value) == "" {
				return p, desk.Errorf(desk.InvalidValue, check.field, "an element of %s has no value", check.field)
			}
		}
	}
	for _, s := range []string{p.UserName, p.MatchAddress()} {
		if len(desk.Fold(s)) > desk.MaxKey {
			return p, desk.Errorf(desk.InvalidValue, "", "userName and email addresses may have up to %d bytes", desk.MaxKey)
		}
	}
	text := []string{p.DisplayName, p.UserName, p.Title}
	for _, a := range slices.Concat(p.Emails, p.Phones) {
		text = append(text, a.Type, a.Value)
	}
	if edit.CompanyID != nil {
		text = append(text, *edit.CompanyID)
	}
	return p, checkText(text)
}

// applyFields gives the profile the edit's values of custom fields.
func (edit ContactEdit) applyFields(tx *store.Tx, tenant string, p *desk.Profile) error {
	if len(edit.Fields) == 0 {
		return nil
	}
	t, err := tx.Tenant(tenant)
	if err != nil {
		return err
	}
	p.Fields = maps.Clone(p.Fields)
	for name, v := range edit.Fields {
		i := findField(t.Fields, name)
		if i < 0 {
			return desk.Errorf(desk.InvalidValue, "fields", "there is no custom field %.40s", name)
		}
		f := t.Fields[i]
		if v, err = f.Coerce(v); err != nil {
			return err
		}
		if text, ok := v.(string); ok {
			if err := checkText([]string{text}); err != nil {
				return err
			}
		}
		if v == nil && f.Required {
			return desk.Errorf(desk.InvalidValue, f.Name, "%s is required", f.Name)
		}
		p.SetField(f.Name, v)
	}
	return nil
}

// checkText refuses what PostgreSQL cannot store.
func checkText(values []string) error {
	for _, v := range values {
		if strings.ContainsRune(v, 0) {
			return desk.Errorf(desk.InvalidValue, "", "text cannot hold a NUL character")
		}
	}
	return nil
}

// CreateContact adds a contact that no directory has pushed (yet).
func (e *Engine) CreateContact(ctx context.Context, actor desk.Actor, edit ContactEdit) (ContactView, error) {
	var c desk.Contact
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		c = desk.Contact{TenantID: actor.TenantID, ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
		profile, err := edit.apply(desk.Profile{})
		if err == nil {
			err = edit.applyFields(tx, actor.TenantID, &profile)
		}
		if err != nil {
			return err
		}
		if err := tx.Lock(actor.TenantID, desk.Fold(profile.UserName), desk.Fold(profile.MatchAddress())); err != nil {
			return err
		}
		if err := setProfile(tx, &c, profile); err != nil {
			return err
		}
		if err := setByHand(tx, &c, edit); err != nil {
			return err
		}
		if err := tx.CreateContact(&c); err != nil {
			return err
		}
		ev := actor.Event(desk.OpCreate, desk.Created, "")
		ev.ContactID, ev.Changes = &c.ID, contactChanges(&desk.Contact{}, &c)
		return tx.Record(ev)
	})
	if err != nil {
		return ContactView{}, err
	}
	return e.Contact(ctx, actor, c.ID)
}

// EditContact changes a contact by hand.
func (e *Engine) EditContact(ctx context.Context, actor desk.Actor, id string, edit ContactEdit) (ContactView, error) {
	return e.changeContact(ctx, actor, id, desk.OpPatch, desk.Updated, func(tx *store.Tx, c *desk.Contact) error {
		profile, err := edit.apply(c.Profile)
		if err == nil {
			err = edit.applyFields(tx, actor.TenantID, &profile)
		}
		if err != nil {
			return err
		}
		if err := setProfile(tx, c, profile); err != nil {
			return err
		}
		return setByHand(tx, c, edit)
	})
}

// setByHand applies the company part of an edit.
func setByHand(tx *store.Tx, c *desk.Contact, edit ContactEdit) error {
	switch {
	case edit.CompanyAuto:
		c.CompanyReason = ""
		return setCompany(tx, c)
	case edit.CompanyID == nil:
		return nil
	case *edit.CompanyID != "":
		if _, err := tx.Company(c.TenantID, *edit.CompanyID); desk.KindOf(err) == desk.NotFound {
			return desk.Errorf(desk.InvalidValue, "companyId", "no company has this id")
		} else if err != nil {
			return err
		}
	}
	c.CompanyID, c.CompanyReason = *edit.CompanyID, desk.CompanyManual
	return nil
}

// DeleteContact moves a contact to Deleted contacts. Its directories' users stay, and bring it back with their next change.
func (e *Engine) DeleteContact(ctx context.Context, actor desk.Actor, id string) error {
	_, err := e.changeContact(ctx, actor, id, desk.OpDelete, desk.Deleted, func(tx *store.Tx, c *desk.Contact) error {
		if c.Status == desk.Active {
			softDelete(tx, c, desk.ActorAgent)
		}
		return nil
	})
	return err
}

// RestoreContact takes a contact out of Deleted contacts.
func (e *Engine) RestoreContact(ctx context.Context, actor desk.Actor, id string) (ContactView, error) {
	return e.changeContact(ctx, actor, id, desk.OpRestore, desk.Restored, func(_ *store.Tx, c *desk.Contact) error {
		restore(c)
		return nil
	})
}

// changeContact applies an agent's change; a change of nothing leaves no trace.
func (e *Engine) changeContact(ctx context.Context, actor desk.Actor, id string, operation desk.Operation, outcome desk.Outcome, change func(*store.Tx, *desk.Contact) error) (ContactView, error) {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Lock(actor.TenantID); err != nil {
			return err
		}
		before, err := tx.LockContact(actor.TenantID, id)
		if err != nil {
			return describeContact(err)
		}
		c := before
		if err := change(tx, &c); err != nil {
			return err
		}
		ev := actor.Event(operation, outcome, "")
		if ev.Changes = contactChanges(&before, &c); len(ev.Changes) == 0 {
			return nil
		}
		if err := saveContact(tx, &before, &c); err != nil {
			return err
		}
		ev.ContactID = &c.ID
		return tx.Record(ev)
	})
	if err != nil {
		return ContactView{}, err
	}
	return e.Contact(ctx, actor, id)
}

// EraseContact removes a deleted contact's personal data for good, and its directory users. The log keeps that it was.
func (e *Engine) EraseContact(ctx context.Context, actor desk.Actor, id string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := tx.LockContact(actor.TenantID, id)
		if err != nil {
			return describeContact(err)
		}
		if c.Status == desk.Active {
			return desk.Errorf(desk.Conflict, "status", "the contact is active; delete it first")
		}
		users, err := tx.UsersOf(actor.TenantID, id)
		if err != nil {
			return err
		}
		keys := []string{c.UserNameKey, c.EmailKey}
		if c.ExternalID != nil {
			keys = append(keys, desk.Fold(*c.ExternalID))
		}
		for _, u := range users {
			r, err := u.Decode()
			if err != nil {
				return err
			}
			keys = append(keys, u.UserNameKey, desk.Fold(r.ExternalID()))
			if err := tx.DeleteUser(&u, u.EmailIndex(r)); err != nil {
				return err
			}
		}
		history, err := tx.Events(store.EventQuery{TenantID: actor.TenantID, Contact: id})
		if err != nil {
			return err
		}
		if err := tx.DeleteContact(actor.TenantID, id); err != nil {
			return err
		}
		if err := tx.EraseTickets(actor.TenantID, id); err != nil {
			return err
		}
		if err := tx.EraseEvents(actor.TenantID, id, append(keys, personalKeys(history)...)); err != nil {
			return err
		}
		ev := actor.Event(desk.OpErase, desk.Erased, "")
		ev.ContactID = &id
		return tx.Record(ev)
	})
}

// describeContact says which record was not found.
func describeContact(err error) error {
	if desk.KindOf(err) == desk.NotFound {
		return &desk.Error{Kind: desk.NotFound, Msg: "no contact with this id", Err: err}
	}
	return err
}
