package provision

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/store"
)

// ContactView is a contact with what stands around it.
type ContactView struct {
	desk.Contact
	CompanyName string               // "" for none
	Users       []desk.DirectoryUser // by connection; on a page of contacts without Resource and Folded
	Providers   map[string]string    // of the tenant's connections, by slug
	// Deletion is the event that put it into Deleted contacts, without what it changed; nil unless it is there, and once the log no longer has it.
	Deletion *desk.Event
}

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	Status     desk.Status    // "" for all
	Text       string         // words, each of which is a part of name, userName or addresses, in any order
	Domain     string         // of the main address, in any form
	Company    string         // id
	Verified   bool           // only those whom a directory adopted
	Connection string         // slug of one that has a user for the contact
	Sync       desk.SyncState // what the connection says, if one is given, else any
	Order      desk.ContactOrder
	// After and Before are where the page begins, or ends: the Next or Prev of another page in the same order. Without either it is the
	// first page.
	After, Before string
	Limit         int
}

// ContactPage is a page of contacts. It may have fewer than asked for, even none, and yet not be the last.
type ContactPage struct {
	Contacts []ContactView
	Prev     string // for Before, to get what comes before the page; "" on the first page
	Next     string // for After, to get what comes after it; "" on the last page
}

// maxText is how long a text to search for may be, in characters.
const maxText = 200

// Contacts returns a page of contacts.
func (e *Engine) Contacts(ctx context.Context, actor desk.Actor, q ContactQuery) (ContactPage, error) {
	from, err := q.from()
	if err != nil {
		return ContactPage{}, err
	}
	asked, err := q.of(actor.TenantID)
	if err != nil {
		return ContactPage{}, err
	}
	asked.From, asked.Limit = from, q.Limit
	r := e.Store.Read(ctx)
	contacts, on, err := readPage(r, asked)
	if err != nil {
		return ContactPage{}, err
	}
	// On leads the walk. Back lead the contacts: there are more where it came from.
	ahead, back := q.place(on), ""
	backward := from != nil && from.Backward
	if n := len(contacts); n > 0 && backward {
		back = q.place(asked.Position(contacts[n-1]))
	} else if n > 0 && from != nil {
		back = q.place(asked.Position(contacts[0]))
	}
	page := ContactPage{Prev: back, Next: ahead}
	if backward {
		page.Prev, page.Next = ahead, back
	}
	page.Contacts, err = view(r, actor.TenantID, contacts, r.StatesOf)
	return page, err
}

const (
	maxPage = 4 << 20 // bytes of a page's contacts by which it ends, however few they are
	maxRead = 100     // contacts that are read at once
)

// readPage reads a page of contacts, and where the query goes on from there, nil for nowhere.
func readPage(r store.Reader, q store.ContactQuery) (page []desk.Contact, on *desk.Position, err error) {
	rest, room := q.Limit, maxPage
	for {
		q.Limit = min(rest, maxRead)
		var part []desk.Contact
		if part, on, err = r.Contacts(q); err != nil {
			return nil, nil, err
		}
		for i := range part {
			room -= part[i].Bytes()
		}
		if q.From != nil && q.From.Backward {
			page = append(part, page...)
		} else {
			page = append(page, part...)
		}
		if rest -= len(part); on == nil || len(part) < q.Limit || rest <= 0 || room <= 0 {
			return page, on, nil
		}
		q.From = on
	}
}

// of is the query as the store asks it of a tenant's contacts, without its page.
func (q ContactQuery) of(tenant string) (store.ContactQuery, error) {
	q.Text = strings.TrimSpace(q.Text)
	domain, err := normaliseDomain(q.Domain)
	if err == nil && utf8.RuneCountInString(q.Text) > maxText {
		err = desk.Errorf(desk.InvalidValue, "q", "search for up to %d characters", maxText)
	}
	return store.ContactQuery{
		TenantID: tenant, Status: q.Status, Text: q.Text, Domain: domain, Company: q.Company,
		Verified: q.Verified, Connection: q.Connection, Sync: q.Sync, Order: q.Order,
	}, err
}

// from is the position of After or Before, nil for neither.
func (q ContactQuery) from() (*desk.Position, error) {
	p := &desk.Position{ID: q.After}
	if q.Before != "" {
		p.ID, p.Backward = q.Before, true
	}
	if p.ID == "" {
		return nil, nil
	}
	if q.Order == desk.LastDeletedFirst {
		at, id, _ := strings.Cut(p.ID, "_")
		microseconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return nil, desk.Errorf(desk.InvalidValue, "after", "no page begins there")
		}
		p.Key, p.ID = time.UnixMicro(microseconds).UTC(), id
	}
	if !desk.Storable(p.ID) {
		return nil, desk.Errorf(desk.InvalidValue, "after", "no page begins there")
	}
	return p, nil
}

// place is a position as After and Before name it, "" for none.
func (q ContactQuery) place(p *desk.Position) string {
	if p == nil {
		return ""
	}
	if at, ok := p.Key.(time.Time); ok && q.Order == desk.LastDeletedFirst {
		return fmt.Sprintf("%d_%s", at.UnixMicro(), p.ID)
	}
	return p.ID
}

// Contact returns a contact, or NotFound.
func (e *Engine) Contact(ctx context.Context, actor desk.Actor, id string) (ContactView, error) {
	c, err := e.Store.Read(ctx).Contact(actor.TenantID, id)
	if err != nil {
		return ContactView{}, describeContact(err)
	}
	return viewOne(e.Store.Read(ctx), c)
}

func viewOne(r store.Reader, c desk.Contact) (ContactView, error) {
	views, err := view(r, c.TenantID, []desk.Contact{c}, r.UsersOf)
	if err != nil {
		return ContactView{}, err
	}
	return views[0], nil
}

// view gathers what stands around contacts, with one query each for users, which usersOf asks, companies, connections and, if there are any,
// deletions.
func view(r store.Reader, tenant string, contacts []desk.Contact, usersOf func(string, ...string) ([]desk.DirectoryUser, error)) ([]ContactView, error) {
	var ids, companyIDs []string
	for _, c := range contacts {
		ids = append(ids, c.ID)
		if c.CompanyID != "" && !slices.Contains(companyIDs, c.CompanyID) {
			companyIDs = append(companyIDs, c.CompanyID)
		}
	}
	users, err := usersOf(tenant, ids...)
	if err != nil {
		return nil, err
	}
	names, err := r.CompanyNames(tenant, companyIDs)
	if err != nil {
		return nil, err
	}
	connections, err := r.Connections(tenant)
	if err != nil {
		return nil, err
	}
	deletions, err := r.Deletions(contacts)
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
		if deletion, ok := deletions[c.ID]; ok {
			views[i].Deletion = &deletion
		}
	}
	return views, nil
}

// ContactEvents returns a page of a contact's events, newest first, or NotFound.
func (e *Engine) ContactEvents(ctx context.Context, actor desk.Actor, id, before string, limit int) ([]desk.Event, error) {
	if _, err := e.Store.Read(ctx).Contact(actor.TenantID, id); err != nil {
		return nil, describeContact(err)
	}
	return e.Store.Read(ctx).Events(store.EventQuery{TenantID: actor.TenantID, Contacts: []string{id}, Before: before, Limit: limit})
}

// ContactEdit is what an agent changes in a contact; nil leaves a field as it is.
type ContactEdit struct {
	ID          string // of a contact to be made, by NewContactID; "" for one of its own
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
		return p, desk.Errorf(desk.InvalidValue, "displayName", "give a name, a user name or an email address")
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
	for _, key := range [][2]string{{"userName", p.UserName}, {"emails", p.MatchAddress()}} {
		if len(desk.Fold(key[1])) > desk.MaxKey {
			return p, desk.Errorf(desk.InvalidValue, key[0], "userName and email addresses may have up to %d bytes", desk.MaxKey) // #nosec G602 -- an array of two
		}
	}
	text := [][2]string{{"displayName", p.DisplayName}, {"userName", p.UserName}, {"title", p.Title}}
	for _, a := range p.Emails {
		text = append(text, [2]string{"emails", a.Type + a.Value})
	}
	for _, a := range p.Phones {
		text = append(text, [2]string{"phones", a.Type + a.Value})
	}
	if edit.CompanyID != nil {
		text = append(text, [2]string{"companyId", *edit.CompanyID})
	}
	for _, t := range text {
		if err := checkText(t[0], t[1]); err != nil {
			return p, err
		}
	}
	return p, nil
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
			return desk.Errorf(desk.InvalidValue, fmt.Sprintf("fields.%.40s", name), "there is no custom field %.40s", name)
		}
		f := t.Fields[i]
		at := "fields." + f.Name
		if v, err = f.Coerce(v); err != nil {
			return desk.Errorf(desk.InvalidValue, at, "%s", desk.AsError(err).Msg)
		}
		list, several := v.([]any)
		if !several {
			list = []any{v}
		}
		for _, one := range list {
			if text, ok := one.(string); ok {
				if err := checkText(at, text); err != nil {
					return err
				}
			}
		}
		if v == nil && f.Required {
			return desk.Errorf(desk.InvalidValue, at, "%s is required", f.Name)
		}
		p.SetField(f.Name, v)
	}
	return nil
}

// checkText refuses what PostgreSQL cannot store.
func checkText(field, text string) error {
	if strings.ContainsRune(text, 0) {
		return desk.Errorf(desk.InvalidValue, field, "text cannot hold a NUL character")
	}
	return nil
}

// ContactsAlike returns contacts, deleted ones among them, that have the user name or the main address that an edit newly gives the contact
// with an id ("" for a new one): some ten for each. It is for asking whether that is meant; several contacts may well share an address.
func (e *Engine) ContactsAlike(ctx context.Context, actor desk.Actor, id string, edit ContactEdit) ([]desk.Contact, error) {
	r := e.Store.Read(ctx)
	var before desk.Contact
	if id != "" {
		var err error
		if before, err = r.Contact(actor.TenantID, id); err != nil {
			return nil, describeContact(err)
		}
	}
	profile, err := edit.apply(before.Profile)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, key := range []struct{ before, now string }{{before.UserNameKey, desk.Fold(profile.UserName)}, {before.EmailKey, desk.Fold(profile.MatchAddress())}} {
		if key.now == "" || key.now == key.before {
			continue
		}
		found, err := r.ContactsByKey(actor.TenantID, "", key.now)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	ids = slices.DeleteFunc(ids, func(other string) bool { return other == id || other == edit.ID })
	byID, err := r.ContactsByID(actor.TenantID, ids)
	return slices.SortedFunc(maps.Values(byID), func(a, b desk.Contact) int { return strings.Compare(a.ID, b.ID) }), err
}

// NewContactID returns the id of a contact that a form makes, which was opened at a time and is known by a text: the same for the same.
func NewContactID(opened time.Time, form string) string { return store.IDOf(opened, form) }

// CreateContact adds a contact that no directory has pushed (yet). If there is one with the edit's ID, it was made by the same edit, and
// is returned.
func (e *Engine) CreateContact(ctx context.Context, actor desk.Actor, edit ContactEdit) (ContactView, error) {
	var c desk.Contact
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		c = desk.Contact{TenantID: actor.TenantID, ID: cmp.Or(edit.ID, store.NewID()), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
		profile, err := edit.apply(desk.Profile{})
		if err == nil {
			err = edit.applyFields(tx, actor.TenantID, &profile)
		}
		if err == nil {
			err = profile.CheckSize(desk.Profile{})
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
	if e := desk.AsError(err); err != nil && (e.Kind != desk.Uniqueness || e.Field != "id") {
		return ContactView{}, err
	}
	return e.Contact(ctx, actor, c.ID)
}

// ContactCheck returns an error unless a contact, as it is, may be changed. It is asked while nobody else can change it.
type ContactCheck func(ContactView) error

// lockContact returns a contact that may be changed: check (nil for none) lets it. It stays as it is until the transaction ends.
func lockContact(tx *store.Tx, tenant, id string, check ContactCheck) (desk.Contact, error) {
	if err := tx.Lock(tenant); err != nil { // its company's name as well
		return desk.Contact{}, err
	}
	c, err := tx.LockContact(tenant, id)
	if err != nil || check == nil {
		return c, describeContact(err)
	}
	v, err := viewOne(tx.Reader, c)
	if err != nil {
		return c, err
	}
	return c, check(v)
}

// contactChange is what an agent does to a contact.
type contactChange struct {
	operation desk.Operation
	outcome   desk.Outcome
	make      func(*store.Tx, *desk.Contact) error
}

var (
	agentDeletes = contactChange{desk.OpDelete, desk.Deleted, func(tx *store.Tx, c *desk.Contact) error {
		if c.Status == desk.Active {
			softDelete(tx, c, desk.ActorAgent)
		}
		return nil
	}}
	agentRestores = contactChange{desk.OpRestore, desk.Restored, func(_ *store.Tx, c *desk.Contact) error {
		restore(c)
		return nil
	}}
)

// change is what the edit does to a contact that is there.
func (edit ContactEdit) change() contactChange {
	return contactChange{desk.OpPatch, desk.Updated, func(tx *store.Tx, c *desk.Contact) error {
		profile, err := edit.apply(c.Profile)
		if err == nil {
			err = edit.applyFields(tx, c.TenantID, &profile)
		}
		if err == nil {
			err = profile.CheckSize(c.Profile)
		}
		if err != nil {
			return err
		}
		if err := setProfile(tx, c, profile); err != nil {
			return err
		}
		return setByHand(tx, c, edit)
	}}
}

// apply changes a locked contact, with an event, and reports whether it was otherwise: a change of nothing leaves no trace.
func (change contactChange) apply(tx *store.Tx, actor desk.Actor, before desk.Contact) (changed bool, err error) {
	c := before
	if err := change.make(tx, &c); err != nil {
		return false, err
	}
	ev := actor.Event(change.operation, change.outcome, "")
	if ev.Changes = contactChanges(&before, &c); len(ev.Changes) == 0 {
		return false, nil
	}
	if err := saveContact(tx, &before, &c); err != nil {
		return false, err
	}
	ev.ContactID = &c.ID
	return true, tx.Record(ev)
}

// EditContact changes a contact by hand, if check (nil for none) lets it.
func (e *Engine) EditContact(ctx context.Context, actor desk.Actor, id string, check ContactCheck, edit ContactEdit) (ContactView, error) {
	return e.changeContact(ctx, actor, id, check, edit.change())
}

// setByHand applies the company part of an edit.
func setByHand(tx *store.Tx, c *desk.Contact, edit ContactEdit) error {
	switch {
	case edit.CompanyAuto:
		c.CompanyReason = ""
		return setCompany(tx, c)
	case edit.CompanyID == nil:
		return nil
	}
	if err := edit.checkCompany(tx, c.TenantID); err != nil {
		return err
	}
	c.CompanyID, c.CompanyReason = *edit.CompanyID, desk.CompanyManual
	return nil
}

// checkCompany refuses a company that is not there.
func (edit ContactEdit) checkCompany(tx *store.Tx, tenant string) error {
	if edit.CompanyID == nil || *edit.CompanyID == "" {
		return nil
	}
	_, err := tx.Company(tenant, *edit.CompanyID)
	if desk.KindOf(err) == desk.NotFound {
		return desk.Errorf(desk.InvalidValue, "companyId", "no company has this id")
	}
	return err
}

// DeleteContact moves a contact to Deleted contacts, if check (nil for none) lets it. Its directories' users stay, and bring it
// back with their next change.
func (e *Engine) DeleteContact(ctx context.Context, actor desk.Actor, id string, check ContactCheck) error {
	_, err := e.changeContact(ctx, actor, id, check, agentDeletes)
	return err
}

// RestoreContact takes a contact out of Deleted contacts, if check (nil for none) lets it.
func (e *Engine) RestoreContact(ctx context.Context, actor desk.Actor, id string, check ContactCheck) (ContactView, error) {
	return e.changeContact(ctx, actor, id, check, agentRestores)
}

// changeContact applies an agent's change, if check (nil for none) lets it.
func (e *Engine) changeContact(ctx context.Context, actor desk.Actor, id string, check ContactCheck, change contactChange) (ContactView, error) {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		before, err := lockContact(tx, actor.TenantID, id, check)
		if err != nil {
			return err
		}
		_, err = change.apply(tx, actor, before)
		return err
	})
	if err != nil {
		return ContactView{}, err
	}
	return e.Contact(ctx, actor, id)
}

// EraseContact removes a deleted contact's personal data for good, and its directory users, if check (nil for none) lets it. The
// log keeps that it was.
func (e *Engine) EraseContact(ctx context.Context, actor desk.Actor, id string, check ContactCheck) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := lockContact(tx, actor.TenantID, id, check)
		if err != nil {
			return err
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
		var in []store.UserRef
		for before, more := "", true; more; { // some at a time: a long history is long
			history, err := tx.Events(store.EventQuery{TenantID: actor.TenantID, Contacts: []string{id}, Before: before, Limit: maxRead})
			if err != nil {
				return err
			}
			keys, in = append(keys, personalKeys(history)...), append(in, usersIn(history)...)
			if more = len(history) == maxRead; more {
				before = history[maxRead-1].ID
			}
		}
		slices.Sort(keys)
		keys = slices.Compact(keys)
		if err := tx.DeleteContact(actor.TenantID, id); err != nil {
			return err
		}
		if err := tx.EraseTickets(actor.TenantID, id); err != nil {
			return err
		}
		if err := tx.EraseEvents(actor.TenantID, id, keys, in); err != nil {
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
		return noContact(err)
	}
	return err
}

func noContact(err error) error {
	return &desk.Error{Kind: desk.NotFound, Msg: "no contact with this id", Err: err}
}
