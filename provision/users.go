package provision

import (
	"context"
	"errors"

	"rollcall/desk"
	"rollcall/store"
)

// User returns the directory user with the SCIM id, or NotFound.
func (e *Engine) User(ctx context.Context, actor desk.Actor, id string) (desk.DirectoryUser, error) {
	u, err := e.Store.User(ctx, actor.TenantID, actor.Connection, id)
	return u, describe(err, nil)
}

// Users returns a page of the connection's users whose filter holds (nil for all), in the order of their creation, and
// how many there are in all.
func (e *Engine) Users(ctx context.Context, actor desk.Actor, filter desk.Filter, offset, limit int) ([]desk.DirectoryUser, int, error) {
	return e.Store.Users(ctx, store.UserQuery{TenantID: actor.TenantID, Connection: actor.Connection, Filter: filter, Offset: offset, Limit: limit})
}

// CreateUser adds what a directory pushes for the first time: to the one contact that it matches, else to a new one. A
// user that the connection holds inactive under the same externalId is revived under its old id.
func (e *Engine) CreateUser(ctx context.Context, actor desk.Actor, r desk.Resource) (desk.DirectoryUser, error) {
	u, err := e.createUser(ctx, actor, r)
	if lostToIndex(err) {
		// Another request took a key after this one had looked. Now it is there to be seen.
		u, err = e.createUser(ctx, actor, r)
	}
	return u, describe(err, r)
}

func (e *Engine) createUser(ctx context.Context, actor desk.Actor, r desk.Resource) (u desk.DirectoryUser, err error) {
	profile := desk.ProfileOf(r)
	person := store.Person{
		TenantID: actor.TenantID, Connection: actor.Connection,
		ExternalID: r.ExternalID(), UserName: desk.Fold(r.UserName()), Email: desk.Fold(profile.MainAddress()),
	}
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.Lock(actor.TenantID, person.ExternalID, person.UserName, person.Email); err != nil {
			return err
		}
		held, err := tx.UsersByKey(ctx, person)
		if err != nil {
			return err
		}
		var sameID, sameName *desk.DirectoryUser
		for i, h := range held {
			if h.ExternalID != nil && *h.ExternalID == person.ExternalID {
				sameID = &held[i]
			}
			if h.UserNameKey == person.UserName {
				sameName = &held[i]
			}
		}
		switch {
		case sameID != nil && sameID.Active:
			return desk.Errorf(desk.Uniqueness, "externalId", "taken")
		case sameName != nil && (sameID == nil || sameID.ID != sameName.ID):
			return desk.Errorf(desk.Uniqueness, "userName", "taken")
		case sameID != nil:
			u, err = update(ctx, tx, actor, desk.OpCreate, sameID.ID, func(desk.Resource) (desk.Resource, string, error) { return r, "", nil })
			return err
		}
		u = desk.DirectoryUser{
			TenantID: actor.TenantID, Connection: actor.Connection, ID: store.NewID(), Version: 1, CreatedAt: tx.Now, ModifiedAt: tx.Now,
		}
		if err := u.SetResource(r); err != nil {
			return err
		}
		match, reason, err := match(ctx, tx, person)
		if err != nil {
			return err
		}
		if match == "" {
			return createContactFor(ctx, tx, actor, &u, r, profile, reason)
		}
		return adopt(ctx, tx, actor, &u, r, profile, match, reason)
	})
	return u, err
}

// match returns the one contact that a person is, and the key that says so; or "" with the reason "no_match", or
// "ambiguous_match" where a key fits several.
func match(ctx context.Context, tx *store.Tx, p store.Person) (contact, reason string, err error) {
	candidates, err := tx.Candidates(ctx, p)
	if err != nil {
		return "", "", err
	}
	for _, by := range []string{"externalId", "userName", "email"} {
		for _, c := range candidates {
			switch {
			case c.MatchedBy != by || c.ContactID == contact:
			case contact != "":
				return "", "ambiguous_match", nil
			default:
				contact = c.ContactID
			}
		}
		if contact != "" {
			return contact, by, nil
		}
	}
	return "", "no_match", nil
}

func createContactFor(ctx context.Context, tx *store.Tx, actor desk.Actor, u *desk.DirectoryUser, r desk.Resource, profile desk.Profile, reason string) error {
	c := desk.Contact{TenantID: u.TenantID, ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
	if err := setProfile(ctx, tx, &c, profile); err != nil {
		return err
	}
	if !u.Active {
		softDelete(tx, &c, desk.ActorDirectory)
	}
	if err := tx.CreateContact(ctx, &c); err != nil {
		return err
	}
	u.ContactID = c.ID
	if err := tx.CreateUser(ctx, u, u.EmailIndex(r)); err != nil {
		return err
	}
	ev := newEvent(actor, desk.OpCreate, desk.Created, reason)
	ev.Changes = append(contactChanges(&desk.Contact{}, &c), desk.Resource(nil).Diff(r)...)
	return recordUser(ctx, tx, ev, u)
}

// adopt makes the contact the person behind a new directory user.
func adopt(ctx context.Context, tx *store.Tx, actor desk.Actor, u *desk.DirectoryUser, r desk.Resource, profile desk.Profile, contact, reason string) error {
	before, err := tx.LockContact(ctx, u.TenantID, contact)
	if err != nil {
		return err
	}
	c := before
	u.ContactID = c.ID
	if err := setProfile(ctx, tx, &c, c.Profile.Update(desk.Profile{}, profile)); err != nil {
		return err
	}
	if c.VerifiedAt == nil {
		c.VerifiedAt = &u.CreatedAt
	}
	if u.Active {
		restore(&c)
	} else if err := release(ctx, tx, &c, u.Connection); err != nil {
		return err
	}
	c.ModifiedAt = tx.Now
	if err := tx.UpdateContact(&c); err != nil {
		return err
	}
	if err := tx.CreateUser(ctx, u, u.EmailIndex(r)); err != nil {
		return err
	}
	ev := newEvent(actor, desk.OpCreate, desk.Adopted, reason)
	ev.Changes = append(contactChanges(&before, &c), desk.Resource(nil).Diff(r)...)
	return recordUser(ctx, tx, ev, u)
}

// release soft-deletes a contact that its connection no longer holds active, unless another one does.
func release(ctx context.Context, tx *store.Tx, c *desk.Contact, connection string) error {
	if c.Status != desk.Active {
		return nil
	}
	held, err := heldElsewhere(ctx, tx, c, connection)
	if err == nil && !held {
		softDelete(tx, c, desk.ActorDirectory)
	}
	return err
}

func recordUser(ctx context.Context, tx *store.Tx, ev desk.Event, u *desk.DirectoryUser) error {
	ev.UserID, ev.ContactID = &u.ID, &u.ContactID
	return record(ctx, tx, ev)
}

// Edit makes the next state of a user's resource. It gets a copy that it may change, and may be called several times. A note
// on what it left out goes into the event.
type Edit func(desk.Resource) (next desk.Resource, note string, err error)

// UpdateUser replaces a user's resource by what edit makes of it. A change of nothing leaves user, contact and log as they are.
func (e *Engine) UpdateUser(ctx context.Context, actor desk.Actor, operation desk.Operation, id string, edit Edit) (desk.DirectoryUser, error) {
	var u desk.DirectoryUser
	var wanted desk.Resource
	err := e.Store.Tx(ctx, func(tx *store.Tx) (err error) {
		u, err = update(ctx, tx, actor, operation, id, func(r desk.Resource) (_ desk.Resource, note string, err error) {
			wanted, note, err = edit(r)
			return wanted, note, err
		})
		return err
	})
	return u, describe(err, wanted)
}

func update(ctx context.Context, tx *store.Tx, actor desk.Actor, operation desk.Operation, id string, edit Edit) (desk.DirectoryUser, error) {
	u, err := tx.LockUser(ctx, actor.TenantID, actor.Connection, id)
	if err != nil {
		return u, err
	}
	stored := u
	r, err := u.Decode()
	if err != nil {
		return u, err
	}
	r, note, err := edit(r)
	if err != nil {
		return u, err
	}
	if err := u.SetResource(r); err != nil {
		return u, err
	}
	revived := operation == desk.OpCreate
	if u.Resource == stored.Resource && !revived {
		return u, nil
	}
	was, err := stored.Decode()
	if err != nil {
		return u, err
	}
	contact, err := tx.LockContact(ctx, u.TenantID, u.ContactID)
	if err != nil {
		return u, err
	}
	c := contact
	profile := c.Profile.Update(desk.ProfileOf(was), desk.ProfileOf(r))
	if profile.MainAddress() != c.Profile.MainAddress() {
		if err := tx.Lock(u.TenantID); err != nil {
			return u, err
		}
	}
	if err := setProfile(ctx, tx, &c, profile); err != nil {
		return u, err
	}
	outcome := desk.Updated
	switch {
	case stored.Active && !u.Active:
		outcome = desk.Deactivated
		if err := release(ctx, tx, &c, u.Connection); err != nil {
			return u, err
		}
	case u.Active && (!stored.Active || c.Status != desk.Active):
		// Also what an agent had deleted comes back with the directory's next change.
		outcome = desk.Restored
		restore(&c)
	}
	if revived {
		outcome = desk.Revived
	}
	u.Version++
	u.ModifiedAt = tx.Now
	if err := tx.UpdateUser(ctx, &u, stored.EmailIndex(was), u.EmailIndex(r)); err != nil {
		return u, err
	}
	ev := newEvent(actor, operation, outcome, "")
	ev.Detail = note
	if ev.Changes = contactChanges(&contact, &c); len(ev.Changes) > 0 {
		c.ModifiedAt = tx.Now
		if err := tx.UpdateContact(&c); err != nil {
			return u, err
		}
	}
	if outcome == desk.Deactivated && c.Status == desk.Active {
		ev.Reason = "held_by_other_connection"
	}
	ev.Changes = append(ev.Changes, was.Diff(r)...)
	return u, recordUser(ctx, tx, ev, &u)
}

// DeleteUser removes a directory user for good. Its contact is soft-deleted unless another connection holds it active, and
// keeps the externalId, so that a new assignment finds it.
func (e *Engine) DeleteUser(ctx context.Context, actor desk.Actor, id string) error {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		u, err := tx.LockUser(ctx, actor.TenantID, actor.Connection, id)
		if err != nil {
			return err
		}
		r, err := u.Decode()
		if err != nil {
			return err
		}
		contact, err := tx.LockContact(ctx, u.TenantID, u.ContactID)
		if err != nil {
			return err
		}
		c := contact
		if u.ExternalID != nil {
			c.ExternalID = u.ExternalID
		}
		if err := release(ctx, tx, &c, u.Connection); err != nil {
			return err
		}
		c.ModifiedAt = tx.Now
		if err := tx.UpdateContact(&c); err != nil {
			return err
		}
		if err := tx.DeleteUser(ctx, &u, u.EmailIndex(r)); err != nil {
			return err
		}
		ev := newEvent(actor, desk.OpDelete, desk.Deleted, "")
		if c.Status == desk.Active {
			ev.Reason = "held_by_other_connection"
		}
		ev.Changes = append(contactChanges(&contact, &c), r.Diff(nil)...)
		return recordUser(ctx, tx, ev, &u)
	})
	return describe(err, nil)
}

// lostToIndex reports whether a unique index refused a row.
func lostToIndex(err error) bool {
	var e *desk.Error
	return errors.As(err, &e) && e.Kind == desk.Uniqueness && e.Err != nil
}

// describe tells the directory's administrator what to do about an error of the store's. r is the user as sent.
func describe(err error, r desk.Resource) error {
	var e *desk.Error
	if !errors.As(err, &e) || r == nil && e.Kind == desk.Uniqueness {
		return err
	}
	said := *e
	switch {
	case e.Kind == desk.Uniqueness && e.Field == "externalId":
		said.Msg = "externalId " + r.ExternalID() + " belongs to another user of this connection; match on externalId and update that user instead"
	case e.Kind == desk.Uniqueness && e.Field == "userName":
		said.Msg = "userName " + r.UserName() + " belongs to another user of this connection; match on userName and update that user, or give one of the two another userName"
	case e.Kind == desk.NotFound && e.Err != nil:
		said.Msg = "no user with this id in this connection; it may have been deleted"
	default:
		return err
	}
	return &said
}
