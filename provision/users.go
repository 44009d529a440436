package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/desk"
	"rollcall/store"
)

// User returns the directory user with the SCIM id, or NotFound.
func (e *Engine) User(ctx context.Context, actor desk.Actor, id string) (desk.DirectoryUser, error) {
	u, err := e.Store.Read(ctx).User(actor.TenantID, actor.Connection, id)
	if err == nil || desk.KindOf(err) == desk.NotFound {
		e.Store.Count(desk.Cycle{TenantID: actor.TenantID, Connection: actor.Connection, Lookups: 1})
	}
	return u, e.describe(ctx, actor, err, nil)
}

// newest is a place after all users, from which a page goes back.
var newest = desk.Position{ID: "~", Backward: true}

// NewestUsers returns the users whom a connection's directory made last, the last first.
func (e *Engine) NewestUsers(ctx context.Context, actor desk.Actor, slug string, limit int) ([]desk.DirectoryUser, error) {
	list, err := e.Store.Read(ctx).Users(actor.TenantID, slug, desk.UserQuery{From: &newest, Limit: limit})
	slices.Reverse(list)
	return list, err
}

// Users returns a page of the connection's users, and how many there are in all; -1 with a position, whose page does not say.
func (e *Engine) Users(ctx context.Context, actor desk.Actor, q desk.UserQuery) (list []desk.DirectoryUser, total int, err error) {
	defer func() {
		if err == nil {
			e.Store.Count(desk.Cycle{TenantID: actor.TenantID, Connection: actor.Connection, Lookups: 1})
		}
	}()
	r := e.Store.Read(ctx)
	if q.Limit > 0 {
		if list, err = r.Users(actor.TenantID, actor.Connection, q); err != nil {
			return nil, 0, err
		}
		n := len(list)
		switch {
		case q.From != nil:
			return list, -1, nil
		case n > 0 && !q.Ends(list) || q.Offset == 0 && n == 0:
			return list, q.Offset + n, nil
		}
	}
	total, err = r.CountUsers(actor.TenantID, actor.Connection, q)
	if len(list) > 0 {
		total = max(total, q.Offset+len(list)) // one may have gone between the two
	}
	return list, total, err
}

// CreateUser adds what a directory pushes for the first time: to the one contact that it matches, else to a new one. A
// user that the connection holds inactive under the same externalId is revived under its old id.
func (e *Engine) CreateUser(ctx context.Context, actor desk.Actor, r desk.Resource) (desk.DirectoryUser, error) {
	var u desk.DirectoryUser
	create := func() error {
		return e.change(ctx, &actor, func(c change) (err error) {
			c.operation = desk.OpCreate
			u, err = c.create(r)
			return err
		})
	}
	err := create()
	if takenByIndex(err) || errors.Is(err, errGone) {
		// Another request took a key, or the contact, after this one had looked. Now that is there to be seen.
		err = create()
	}
	return u, e.describe(ctx, actor, e.guarded(ctx, actor, err), r)
}

// Edit makes the next state of a user's resource. It gets a copy that it may change, and may be called several times. A note
// on what it left out goes into the event.
type Edit func(desk.Resource) (next desk.Resource, note string, err error)

// Check returns an error unless a user, as it is stored, may be changed.
type Check func(*desk.DirectoryUser) error

// UpdateUser replaces a user's resource by what edit makes of it, if check (nil for none) lets it. A change of nothing leaves
// user, contact and log as they are, and is counted in the cycle.
func (e *Engine) UpdateUser(ctx context.Context, actor desk.Actor, operation desk.Operation, id string, check Check, edit Edit) (desk.DirectoryUser, error) {
	var u desk.DirectoryUser
	var wanted desk.Resource
	err := e.change(ctx, &actor, func(c change) (err error) {
		c.operation, c.check = operation, check
		u, err = c.update(id, func(r desk.Resource) (_ desk.Resource, note string, err error) {
			wanted, note, err = edit(r)
			return wanted, note, err
		})
		return err
	})
	return u, e.describe(ctx, actor, e.guarded(ctx, actor, err), wanted)
}

// DeleteUser removes a directory user for good, if check (nil for none) lets it. Its contact is soft-deleted unless another connection holds it active, and
// keeps the externalId, so that a new assignment finds it.
func (e *Engine) DeleteUser(ctx context.Context, actor desk.Actor, id string, check Check) error {
	err := e.change(ctx, &actor, func(c change) error {
		c.operation, c.check = desk.OpDelete, check
		return c.delete(id)
	})
	return e.describe(ctx, actor, e.guarded(ctx, actor, err), nil)
}

// Together runs f, within which all that the actor asks of the engine with f's context is one transaction, committed if f returns nil:
// each change a part of it that may fail alone. f may run several times. Of ErrLost, and of any other error, nothing is done.
func (e *Engine) Together(ctx context.Context, actor desk.Actor, f func(context.Context) error) error {
	return e.Store.Together(ctx, actor.TenantID, f)
}

// ErrLost is what a change returns whose transaction is lost with all others in it; they can be made one by one.
var ErrLost = store.ErrLost

// change makes a change in a transaction. The actor's directory was read before; a transaction that finds it changed since then has
// the actor get it anew, and runs again.
func (e *Engine) change(ctx context.Context, actor *desk.Actor, f func(change) error) error {
	for {
		rules, err := e.rules.of(actor.Directory)
		if err != nil {
			return err
		}
		err = e.Store.Tx(ctx, func(tx *store.Tx) error { return f(change{Tx: tx, engine: e, rules: rules, actor: *actor}) })
		if !errors.Is(err, errStale) {
			return err
		}
		d, err := e.Store.Read(ctx).CurrentDirectory(actor.TenantID, actor.Connection)
		if desk.KindOf(err) == desk.NotFound {
			return errNoConnection
		}
		if err == nil {
			err = d.Paused()
		}
		if err != nil {
			return err
		}
		actor.Directory = &d
	}
}

var (
	// errStale says that the connection's settings, its tenant's fields or its pause are no longer what the request goes by.
	errStale = errors.New("the connection has changed")

	errNoConnection = desk.Errorf(desk.NotFound, "", "the connection was deleted while the request was under way")
)

// current returns an error if a connection's state is no longer the actor's.
func (c change) current(state string) error {
	if known := c.actor.Directory.State; known != "" && known != state {
		return errStale
	}
	return nil
}

// change is what one request of a directory does, inside its transaction.
type change struct {
	*store.Tx
	engine    *Engine
	rules     *rules
	actor     desk.Actor
	operation desk.Operation
	check     Check
	recorded  *desk.Event // where a preview gets the event, which is not written then; else nil

	// What a create knows of the person, and what it asked for to know their company; nil where that is to be asked.
	known *store.Recognition
	asked store.CompanyQuery
}

func (c change) settings() *desk.Settings { return &c.actor.Directory.Settings }

// setProfile gives the contact what the directory changed between two profiles, as far as the settings let it, and reports
// whether they do. A company of the name that the directory gives is made, where the connection says so.
func (c change) setProfile(contact *desk.Contact, before, after desk.Profile) (bool, error) {
	s := c.settings()
	existed, anew := contact.VerifiedAt != nil, contact.CompanyReason == ""
	if !anew && !s.Apply.Update || existed && !s.UpdateExisting {
		return false, nil
	}
	p := contact.Profile.Update(before, after)
	if existed && s.KeepNames {
		p.DisplayName = contact.DisplayName
	}
	if err := p.CheckTotal(contact.Profile); err != nil {
		return false, err
	}
	if p.DirectoryCompany != contact.DirectoryCompany && s.CreateCompanies && contact.CompanyReason != desk.CompanyManual {
		if err := ensureCompany(c.Tx, c.actor, p.DirectoryCompany); err != nil {
			return true, err
		}
		c.known = nil
	}
	if !takeProfile(contact, p) {
		return true, nil
	}
	if c.known != nil && anew && contact.Domain == c.asked.Domain && contact.CompanyKey == c.asked.Name {
		decideCompany(contact, c.known.Facts)
		return true, nil
	}
	return true, setCompany(c.Tx, contact)
}

// lock returns a user that may be changed, and its contact.
func (c change) lock(id string) (desk.DirectoryUser, desk.Contact, error) {
	l, err := c.LockUser(c.actor.TenantID, c.actor.Connection, id, c.actor.Directory.State)
	if err == nil {
		err = c.current(l.State)
	}
	if err == nil && c.check != nil {
		err = c.check(&l.User)
	}
	return l.User, l.Contact, err
}

func (c change) create(r desk.Resource) (desk.DirectoryUser, error) {
	if err := r.CheckSize(nil); err != nil {
		return desk.DirectoryUser{}, err
	}
	to, note, err := c.rules.project(r)
	if err != nil {
		return desk.DirectoryUser{}, err
	}
	person := personOf(&desk.DirectoryUser{TenantID: c.actor.TenantID, Connection: c.actor.Connection}, r, to.Profile)
	probe := desk.Contact{TenantID: person.TenantID}
	takeProfile(&probe, to.Profile)
	c.asked = companyQuery(&probe)
	known, err := c.Recognise(person, c.asked, c.actor.Directory.State)
	if err != nil {
		return desk.DirectoryUser{}, err
	}
	if known.State == "" {
		return desk.DirectoryUser{}, errNoConnection
	}
	if err := c.current(known.State); err != nil {
		return desk.DirectoryUser{}, err
	}
	c.known = &known
	sameID, sameName := holders(person, known.Holders)
	switch {
	case sameID != nil && sameID.Active:
		return desk.DirectoryUser{}, desk.Errorf(desk.Uniqueness, "externalId", "taken")
	case sameName != nil && (sameID == nil || sameID.ID != sameName.ID):
		return desk.DirectoryUser{}, desk.Errorf(desk.Uniqueness, "userName", "taken")
	case sameID != nil:
		return c.update(sameID.ID, func(desk.Resource) (desk.Resource, string, error) { return r, "", nil })
	}
	u := desk.DirectoryUser{
		TenantID: person.TenantID, Connection: person.Connection, ID: store.NewID(), Version: 1, CreatedAt: c.Now, ModifiedAt: c.Now,
	}
	if err := u.SetResource(r); err != nil {
		return u, err
	}
	if to.Active != nil {
		u.Active = *to.Active
	}
	return u, c.place(&u, r, person, to, note, func() error { return c.CreateUser(&u, u.EmailIndex(r)) })
}

// place gives a user who has no contact one: the contact that they match, else a new one; or none, where the settings hold the
// user back. save writes the user. The transaction holds the person's keys.
func (c change) place(u *desk.DirectoryUser, r desk.Resource, person store.Person, to projected, note string, save func() error) error {
	var contact, reason, doubt string
	if u.Held = to.held; u.Held == "" {
		var err error
		if contact, reason, doubt, err = c.match(person); err != nil {
			return err
		}
		note = join(note, doubt)
	}
	switch s := c.settings(); {
	case u.Held == desk.HeldScope:
		if s.OutOfScope == desk.OutOfScopeRefuse && c.operation == desk.OpCreate {
			return &desk.Error{Kind: desk.Forbidden, Subject: r.UserName(), Msg: "this person is out of the connection's scope: " + to.rule}
		}
		note = join(note, to.rule)
	case contact != "" && s.Adopt == desk.AdoptRefuse:
		return &desk.Error{
			Kind: desk.Uniqueness, Field: reason, ContactID: contact, Subject: r.UserName(),
			Msg: "the helpdesk has a contact with this " + reason + " already, and the connection adopts none; an administrator can change that",
		}
	case contact != "" && s.Adopt == desk.AdoptAsk:
		u.Held, note = desk.HeldAdoption, join(note, "by "+reason+" it may be "+mention(contact))
	case contact == "" && !s.Apply.Create:
		u.Held = desk.HeldCreate
	}
	switch {
	case u.Held != "":
		if err := save(); err != nil {
			return err
		}
		// Without the changes: nobody could erase them later, as there is no contact.
		return c.record(u, desk.Skipped, string(u.Held), note, nil)
	case contact == "":
		return c.createContact(u, r, to.Profile, reason, note, save)
	}
	return c.adopt(u, r, to.Profile, contact, reason, note, save)
}

// join makes one note of two, either of which may be empty.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}

// holders returns those of a connection's users that hold the person's externalId and userName, nil for none.
func holders(p store.Person, list []desk.DirectoryUser) (sameID, sameName *desk.DirectoryUser) {
	for i, h := range list {
		if h.ExternalID != nil && *h.ExternalID == p.ExternalID {
			sameID = &list[i]
		}
		if h.UserNameKey == p.UserName {
			sameName = &list[i]
		}
	}
	return sameID, sameName
}

// match returns the one contact that a person is, and the key that says so; or "" with the reason "no_match", or
// "ambiguous_match" where a key fits several, of which the note names two.
func (c change) match(p store.Person) (contact, reason, note string, err error) {
	var candidates []store.Candidate
	if c.known != nil {
		candidates = c.known.Candidates
	} else if candidates, err = c.Candidates(p); err != nil {
		return "", "", "", err
	}
	for _, by := range []string{"externalId", "userName", "email"} {
		for _, candidate := range candidates {
			switch {
			case candidate.MatchedBy != by || candidate.ContactID == contact:
			case contact != "":
				return "", "ambiguous_match", fmt.Sprintf("by %s it could be %s or %s", by, mention(contact), mention(candidate.ContactID)), nil
			default:
				contact = candidate.ContactID
			}
		}
		if contact != "" {
			return contact, by, "", nil
		}
	}
	return "", "no_match", "", nil
}

// createContact makes a contact for a user.
func (c change) createContact(u *desk.DirectoryUser, r desk.Resource, profile desk.Profile, reason, note string, save func() error) error {
	contact := desk.Contact{TenantID: u.TenantID, ID: store.NewID(), Status: desk.Active, CreatedAt: c.Now, ModifiedAt: c.Now}
	contact.Count(u, 1)
	if _, err := c.setProfile(&contact, desk.Profile{}, profile); err != nil {
		return err
	}
	if !u.Active {
		softDelete(c.Tx, &contact, desk.ActorDirectory)
	}
	if err := c.CreateContact(&contact); err != nil {
		return err
	}
	u.ContactID = &contact.ID
	if err := save(); err != nil {
		return err
	}
	return c.record(u, desk.Created, reason, note, changes(&desk.Contact{}, &contact, nil, r))
}

// adopt makes a contact the person behind a user.
func (c change) adopt(u *desk.DirectoryUser, r desk.Resource, profile desk.Profile, id, reason, note string, save func() error) error {
	before, err := c.LockContact(u.TenantID, id)
	if desk.KindOf(err) == desk.NotFound {
		return errGone
	}
	if err != nil {
		return err
	}
	contact := before
	u.ContactID = &contact.ID
	contact.Count(u, 1)
	if contact.VerifiedAt == nil {
		contact.VerifiedAt = &u.ModifiedAt
	}
	if _, err := c.setProfile(&contact, desk.Profile{}, profile); err != nil {
		return err
	}
	switch {
	case !c.settings().Apply.Deactivate:
	case u.Active:
		restore(&contact)
	default:
		if err := c.release(&contact, contact.Directories-1); err != nil {
			return err
		}
	}
	if err := saveContact(c.Tx, &before, &contact); err != nil {
		return err
	}
	if err := save(); err != nil {
		return err
	}
	return c.record(u, desk.Adopted, reason, note, changes(&before, &contact, nil, r))
}

// update gives a user the state that edit makes. In a create it revives: the user is there, and inactive.
func (c change) update(id string, edit Edit) (desk.DirectoryUser, error) {
	stored, before, err := c.lock(id)
	if err != nil {
		return stored, err
	}
	was, err := stored.Decode()
	if err != nil {
		return stored, err
	}
	r, note, err := edit(was.Clone())
	if err == nil {
		err = r.CheckSize(was)
	}
	if err != nil {
		return stored, err
	}
	u := stored
	if err := u.SetResource(r); err != nil {
		return stored, err
	}
	if u.Resource == stored.Resource && c.operation != desk.OpCreate {
		c.Count(desk.Cycle{TenantID: u.TenantID, Connection: u.Connection, Unchanged: 1})
		return stored, nil
	}
	u.Version++
	u.ModifiedAt = c.Now
	save := func() error { return c.UpdateUser(&stored, &u, stored.EmailIndex(was), u.EmailIndex(r)) }
	to, left, err := c.rules.project(r)
	if err != nil {
		return stored, err
	}
	note = join(note, left)
	if to.Active != nil {
		u.Active = *to.Active
	}
	if stored.ContactID == nil {
		person := personOf(&u, r, to.Profile)
		if err := c.Lock(person.TenantID, person.ExternalID, person.UserName, person.Email); err != nil {
			return stored, err
		}
		return u, c.place(&u, r, person, to, note, save)
	}
	if u.Held = to.held; u.Held != "" {
		note = join(note, to.rule)
	}
	// What could not be mapped before was not the contact's either.
	from, _, _ := c.rules.project(was)
	contact := before
	updated, err := c.setProfile(&contact, from.Profile, to.Profile)
	if err != nil {
		return stored, err
	}
	outcome, reason, err := c.follow(&stored, &u, &contact, updated)
	if err != nil {
		return stored, err
	}
	if err := save(); err != nil {
		return stored, err
	}
	if err := c.saveCounted(&before, &contact, &stored, &u); err != nil {
		return stored, err
	}
	return u, c.record(&u, outcome, reason, note, changes(&before, &contact, was, r))
}

// saveCounted writes a user's contact where it has changed, or where the user's state has, which it counts.
func (c change) saveCounted(before, after *desk.Contact, stored, u *desk.DirectoryUser) error {
	after.Count(stored, -1)
	after.Count(u, 1)
	if len(contactChanges(before, after)) > 0 {
		return saveContact(c.Tx, before, after)
	}
	if stored.Active != u.Active {
		return c.UpdateContact(before, after)
	}
	return nil
}

// follow lets the contact follow whether a user counts, and says what became of the user. updated says that the contact got the
// user's values.
func (c change) follow(stored, u *desk.DirectoryUser, contact *desk.Contact, updated bool) (outcome desk.Outcome, reason string, err error) {
	switch {
	case stored.Counts() != u.Counts() && !c.settings().Apply.Deactivate:
		return desk.Skipped, "deactivate_off", nil
	case stored.Counts() && !u.Counts():
		if err := c.release(contact, contact.Directories-1); err != nil {
			return "", "", err
		}
		reason := heldBy(contact)
		if reason == "" && u.Active {
			reason = string(u.Held)
		}
		return desk.Deactivated, reason, nil
	case u.Counts() && !stored.Counts(), u.Counts() && updated && contact.Status != desk.Active:
		// Also what an agent had deleted comes back with the directory's next change.
		restore(contact)
		if c.operation == desk.OpCreate {
			return desk.Revived, "", nil
		}
		return desk.Restored, "", nil
	case u.Held != "":
		return desk.Skipped, string(u.Held), nil
	case !updated:
		return desk.Skipped, "update_off", nil
	}
	return desk.Updated, "", nil
}

func (c change) delete(id string) error {
	u, before, err := c.lock(id)
	if err != nil {
		return err
	}
	r, err := u.Decode()
	if err != nil {
		return err
	}
	if u.ContactID == nil {
		if err := c.DeleteUser(&u, u.EmailIndex(r)); err != nil {
			return err
		}
		return c.record(&u, desk.Deleted, string(u.Held), "", nil)
	}
	contact := before
	contact.Count(&u, -1)
	if u.ExternalID != nil {
		contact.ExternalID = u.ExternalID
	}
	reason := "delete_off"
	if c.settings().Apply.Delete {
		if err := c.release(&contact, contact.Directories); err != nil {
			return err
		}
		reason = heldBy(&contact)
	}
	if err := saveContact(c.Tx, &before, &contact); err != nil {
		return err
	}
	if err := c.DeleteUser(&u, u.EmailIndex(r)); err != nil {
		return err
	}
	return c.record(&u, desk.Deleted, reason, "", changes(&before, &contact, r, nil))
}

// release soft-deletes a contact that the connection no longer holds active, unless one of the others does that have it.
func (c change) release(contact *desk.Contact, others int) error {
	if contact.Status != desk.Active {
		return nil
	}
	if others > 0 {
		users, err := c.UsersOf(contact.TenantID, contact.ID)
		if err != nil {
			return err
		}
		for _, u := range users {
			if u.Counts() && u.Connection != c.actor.Connection {
				return nil
			}
		}
	}
	if err := c.engine.guards.pass(c.Tx, c.actor.Directory, contact); err != nil {
		return err
	}
	softDelete(c.Tx, contact, desk.ActorDirectory)
	return nil
}

// heldBy is the reason for which a contact stays active that one connection has let go.
func heldBy(contact *desk.Contact) string {
	if contact.Status == desk.Active {
		return "held_by_other_connection"
	}
	return ""
}

func (c change) record(u *desk.DirectoryUser, outcome desk.Outcome, reason, note string, changes []desk.Change) error {
	ev := c.actor.Event(c.operation, outcome, reason)
	ev.UserID, ev.ContactID, ev.Detail, ev.Changes = &u.ID, u.ContactID, clip(note), changes
	if u.ContactID == nil { // so that the log finds somebody who is held, and erasing them finds the log
		r, err := u.Decode()
		if err != nil {
			return err
		}
		ev.Subject = clip(r.UserName())
		ev.SubjectKey = desk.Fold(ev.Subject)
	}
	if c.recorded != nil {
		*c.recorded = ev
		return nil
	}
	return c.Record(ev)
}

// errGone says that a contact was erased after it had been chosen for adoption.
var errGone = errors.New("the contact is gone")

// takenByIndex reports whether a unique index refused a row.
func takenByIndex(err error) bool {
	var e *desk.Error
	return errors.As(err, &e) && e.Kind == desk.Uniqueness && e.Err != nil
}

// describe tells the directory's administrator what to do about an error, and the log whom it is about. r is the user as
// sent, nil for none.
func (e *Engine) describe(ctx context.Context, actor desk.Actor, err error, r desk.Resource) error {
	var known *desk.Error
	if !errors.As(err, &known) {
		return err
	}
	said := *known
	switch {
	case known.Kind == desk.NotFound && known.Err != nil:
		said.Msg = "no user with this id in this connection; it may have been deleted"
		return &said
	case known.Kind != desk.Uniqueness || r == nil || known.ContactID != "":
		return err
	case known.Field == "externalId":
		said.Subject = r.ExternalID()
		said.Msg = "externalId " + said.Subject + " belongs to another user of this connection; match on externalId and update that user instead"
	default:
		said.Subject = r.UserName()
		said.Msg = "userName " + said.Subject + " belongs to another user of this connection; match on userName and update that user, or give one of the two another userName"
	}
	held, err := e.Store.Read(ctx).UsersByKey(store.Person{
		TenantID: actor.TenantID, Connection: actor.Connection, ExternalID: r.ExternalID(), UserName: desk.Fold(r.UserName()),
	})
	for _, u := range held {
		// Should the look-up have failed, the log does not say who stands in the way.
		if err == nil && (known.Field == "userName") == (u.UserNameKey == desk.Fold(r.UserName())) {
			if u.ContactID != nil {
				said.ContactID = *u.ContactID
			}
		}
	}
	return &said
}
