package provision

import (
	"context"
	"errors"
	"slices"

	"rollcall/desk"
	"rollcall/store"
)

// HeldUser is a directory user whom the connection's settings hold back.
type HeldUser struct {
	desk.DirectoryUser
	UserName   string
	Profile    desk.Profile   // what the connection's mapping makes of them
	Candidates []desk.Contact // whom the user may be, for one that waits for an agent's word
}

// HeldUsers returns a page of a connection's held users, for any reason ("") or one, by id.
func (e *Engine) HeldUsers(ctx context.Context, actor desk.Actor, slug string, reason desk.Hold, after string, limit int) ([]HeldUser, error) {
	d, err := e.directory(ctx, actor, slug)
	if err != nil {
		return nil, err
	}
	rules, err := e.rules.of(d)
	if err != nil {
		return nil, err
	}
	r := e.Store.Read(ctx)
	users, err := r.HeldUsers(actor.TenantID, slug, reason, after, limit)
	if err != nil {
		return nil, err
	}
	list := make([]HeldUser, len(users))
	var waiting []*HeldUser
	var people []store.Person
	for i, u := range users {
		doc, err := u.Decode()
		if err != nil {
			return nil, err
		}
		to, _, _ := rules.project(doc) // what could not be mapped matches nobody
		list[i] = HeldUser{DirectoryUser: u, UserName: doc.UserName(), Profile: to.Profile}
		if u.Held == desk.HeldAdoption {
			waiting, people = append(waiting, &list[i]), append(people, personOf(&u, doc, to.Profile))
		}
	}
	return list, e.addCandidates(ctx, actor, waiting, people)
}

// addCandidates says of held users whom they may be.
func (e *Engine) addCandidates(ctx context.Context, actor desk.Actor, waiting []*HeldUser, people []store.Person) error {
	r := e.Store.Read(ctx)
	found, err := r.CandidatesOf(people)
	if err != nil {
		return err
	}
	var ids []string
	for _, list := range found {
		for _, c := range list {
			ids = append(ids, c.ContactID)
		}
	}
	contacts, err := r.ContactsByID(actor.TenantID, ids)
	for i, u := range waiting {
		for _, c := range found[i] {
			contact, ok := contacts[c.ContactID]
			if ok && !slices.ContainsFunc(u.Candidates, func(have desk.Contact) bool { return have.ID == contact.ID }) {
				u.Candidates = append(u.Candidates, contact)
			}
		}
	}
	return err
}

// AnswerHeld ends the waiting of a user who is held for adoption: they are the given contact, or with "" a new one.
func (e *Engine) AnswerHeld(ctx context.Context, actor desk.Actor, slug, id, contact string) (ContactView, error) {
	d, err := e.directory(ctx, actor, slug)
	if err != nil {
		return ContactView{}, err
	}
	rules, err := e.rules.of(d)
	if err != nil {
		return ContactView{}, err
	}
	actor.Connection, actor.Directory = slug, d // the agent acts for the directory
	var u desk.DirectoryUser
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		u, err = change{Tx: tx, engine: e, rules: rules, actor: actor, operation: desk.OpCreate}.answer(id, contact)
		return err
	})
	switch {
	case takenByIndex(err):
		err = desk.Errorf(desk.Conflict, "contactId", "the contact has a user of this connection already")
	case errors.Is(err, errGone):
		err = desk.Errorf(desk.InvalidValue, "contactId", "no contact has this id")
	}
	if err != nil {
		return ContactView{}, err
	}
	return e.Contact(ctx, actor, *u.ContactID)
}

// answer gives a held user the contact that an agent chose.
func (c change) answer(id, contact string) (desk.DirectoryUser, error) {
	if err := c.Tx.Lock(c.actor.TenantID); err != nil {
		return desk.DirectoryUser{}, err
	}
	stored, _, err := c.lock(id)
	if desk.KindOf(err) == desk.NotFound {
		return stored, desk.Errorf(desk.NotFound, "", "no user with this id in this connection")
	}
	if err != nil {
		return stored, err
	}
	if stored.Held != desk.HeldAdoption {
		return stored, desk.Errorf(desk.Conflict, "", "the user does not wait for an answer")
	}
	r, err := stored.Decode()
	if err != nil {
		return stored, err
	}
	to, note, err := c.rules.project(r)
	if err != nil {
		return stored, err
	}
	if contact != "" {
		candidates, err := c.Candidates(personOf(&stored, r, to.Profile))
		if err != nil {
			return stored, err
		}
		if !slices.ContainsFunc(candidates, func(may store.Candidate) bool { return may.ContactID == contact }) {
			return stored, desk.Errorf(desk.InvalidValue, "contactId", "the person cannot be this contact; choose one of those that they may be, or a new one")
		}
	}
	emails := stored.EmailIndex(r)
	u := stored
	u.Held = ""
	save := func() error { return c.UpdateUser(&stored, &u, emails, emails) }
	const reason = "agent"
	if contact == "" {
		return u, c.createContact(&u, r, to.Profile, reason, note, save)
	}
	return u, c.adopt(&u, r, to.Profile, contact, reason, note, save)
}

// personOf is what a user is recognised by.
func personOf(u *desk.DirectoryUser, r desk.Resource, profile desk.Profile) store.Person {
	return store.Person{
		TenantID: u.TenantID, Connection: u.Connection,
		ExternalID: r.ExternalID(), UserName: desk.Fold(r.UserName()), Email: desk.Fold(profile.MatchAddress()),
	}
}
