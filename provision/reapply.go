package provision

import (
	"context"
	"errors"
	"reflect"

	"rollcall/desk"
	"rollcall/store"
)

// A change of a connection's mapping or scope is applied to the people whom it has already, one by one in the background: each in a
// transaction of their own, with an event where something changes. The directory's resource, and its version, stay as they are.

// reapplyPage is how many people are done between two notes of how far it is. After a crash the last of them are done again,
// which changes nothing.
const reapplyPage = 100

// reapplies reports whether a change of settings concerns people who are there already.
func reapplies(before, after desk.Settings) bool {
	return !reflect.DeepEqual(before.Mapping, after.Mapping) || !reflect.DeepEqual(before.Scope, after.Scope)
}

// Reapply does all that is under way. It may run beside itself.
func (e *Engine) Reapply(ctx context.Context) error {
	list, err := e.Store.Read(ctx).Reapplies()
	for _, r := range list {
		for more := true; more && err == nil; {
			more, err = e.reapplyPage(ctx, &r)
		}
	}
	return err
}

// reapplySome does what is under way for a connection, if that is little. What is left, and what fails, is for Reapply.
func (e *Engine) reapplySome(ctx context.Context, tenant, connection string) {
	r, err := e.Store.Read(ctx).Reapply(tenant, connection)
	for pages, more := 0, err == nil; more && pages < 4; pages++ {
		if more, err = e.reapplyPage(ctx, &r); err != nil {
			return
		}
	}
}

// reapplyPage does the next people, and reports whether there are more.
func (e *Engine) reapplyPage(ctx context.Context, r *desk.Reapply) (more bool, err error) {
	actor := System(r.TenantID)
	d, err := e.directory(ctx, actor, r.Connection)
	if err != nil {
		return false, err
	}
	d.Settings.Guard.Percent = 0 // an administrator asked for it, and was told how many it would be
	actor.Connection, actor.Directory = r.Connection, d
	now, err := e.rules.of(d)
	if err != nil {
		return false, err
	}
	before, err := compileRules(r.Before.Mapping, r.Before.Scope, d.Fields)
	if err != nil {
		before = now // a field that it needed is gone: only the scope can be told apart
	}
	page, err := e.Store.Read(ctx).Users(r.TenantID, r.Connection, desk.UserQuery{From: &desk.Position{ID: r.AfterID}, Limit: reapplyPage})
	if err != nil {
		return false, err
	}
	for _, u := range page {
		changed := false
		err := e.Store.Tx(ctx, func(tx *store.Tx) error {
			c := change{Tx: tx, engine: e, rules: now, actor: actor, operation: desk.OpRescan}
			var err error
			changed, err = c.reapply(u.ID, before)
			return err
		})
		switch kind := desk.KindOf(err); {
		case kind == desk.NotFound: // deleted in the meantime
		case kind == desk.Uniqueness || kind == desk.InvalidValue || errors.Is(err, errGone):
			if kind != desk.InvalidValue { // as too long a contact is
				err = desk.Errorf(desk.Conflict, "", "the person's contact was taken in the meantime; it is tried again with the next change")
			}
			if err := e.Refuse(ctx, actor, Refusal{Operation: desk.OpRescan, UserID: u.ID, Err: err}); err != nil {
				return false, err
			}
		case err != nil:
			return false, err
		}
		if changed {
			r.Changed++
		}
	}
	r.Checked += len(page)
	return len(page) == reapplyPage, e.Store.Tx(ctx, func(tx *store.Tx) error {
		if len(page) < reapplyPage {
			return tx.FinishReapply(r)
		}
		r.AfterID = page[len(page)-1].ID
		return tx.UpdateReapply(r)
	})
}

// reapply gives a user and their contact what the connection's rules now make of the resource, where the rules before made
// something else of it.
func (c change) reapply(id string, rules *rules) (changed bool, err error) {
	if err := c.Tx.Lock(c.actor.TenantID); err != nil {
		return false, err
	}
	stored, before, err := c.lock(id)
	if err != nil {
		return false, err
	}
	r, err := stored.Decode()
	if err != nil {
		return false, err
	}
	emails := stored.EmailIndex(r)
	u := stored
	save := func() error { return c.UpdateUser(&stored, &u, emails, emails) }
	to, note, err := c.rules.project(r)
	if refused := desk.AsError(err); err != nil && refused.Kind == desk.InvalidValue {
		return false, c.record(&u, desk.Refused, string(refused.Kind), refused.Msg, nil)
	} else if err != nil {
		return false, err
	}
	if to.Active != nil {
		u.Active = *to.Active
	}
	if stored.ContactID == nil {
		if to.held == stored.Held || to.held == "" && stored.Held != desk.HeldScope {
			return false, nil
		}
		person := personOf(&u, r, to.Profile)
		if err := c.Lock(person.TenantID, person.ExternalID, person.UserName, person.Email); err != nil {
			return false, err
		}
		return true, c.place(&u, r, person, to, note, save)
	}
	if u.Held = to.held; u.Held != "" {
		note = join(note, to.rule)
	}
	from, _, _ := rules.project(r)
	contact := before
	if !reflect.DeepEqual(from.Profile, to.Profile) {
		if _, err := c.setProfile(&contact, from.Profile, to.Profile); err != nil {
			return false, err
		}
	}
	outcome, reason := desk.Updated, ""
	if stored.Counts() != u.Counts() {
		if outcome, reason, err = c.follow(&stored, &u, &contact, true); err != nil {
			return false, err
		}
	}
	list := contactChanges(&before, &contact)
	if len(list) == 0 && u.Held == stored.Held && u.Active == stored.Active {
		return false, nil
	}
	if err := save(); err != nil {
		return false, err
	}
	if err := c.saveCounted(&before, &contact, &stored, &u); err != nil {
		return false, err
	}
	if len(list) == 0 {
		return false, nil // the user's own state, which no contact follows
	}
	return true, c.record(&u, outcome, reason, note, list)
}

// SettingsPreview is what a change of a connection's settings would do to the people whom it has.
type SettingsPreview struct {
	People      int    // looked at
	All         bool   // whether that is everybody
	Leave       int    // who have a contact, and would fall out of scope
	Enter       int    // who are held as out of scope, and would come in
	Change      int    // who are in scope, and of whose contact the mapping would make something else
	Refused     int    // whose values the mapping could not take
	RefusedWith string // what is wrong with the first of them
}

// maxPreviewed is over how many people a change of settings is previewed.
const maxPreviewed = 100_000

// PreviewSettings tells what a change of settings would do. It changes nothing.
func (e *Engine) PreviewSettings(ctx context.Context, actor desk.Actor, slug string, settings []byte) (SettingsPreview, error) {
	var p SettingsPreview
	d, err := e.directory(ctx, actor, slug)
	if err != nil {
		return p, err
	}
	before, rules, err := e.rulesWith(d, settings)
	if err != nil {
		return p, err
	}
	remapped := !reflect.DeepEqual(before.mapping, rules.mapping)
	for from := ""; p.People < maxPreviewed; {
		page, err := e.Store.Read(ctx).Users(actor.TenantID, slug, desk.UserQuery{From: &desk.Position{ID: from}, Limit: 500})
		if err != nil {
			return p, err
		}
		for _, u := range page {
			r, err := u.Decode()
			if err != nil {
				return p, err
			}
			to, _, refused := rules.project(r)
			switch {
			case to.held != "" && u.Held == "" && u.Active:
				p.Leave++
			case to.held == "" && u.Held == desk.HeldScope && u.Active:
				p.Enter++
			case remapped && u.ContactID != nil && to.held == "":
				if was, _, _ := before.project(r); !reflect.DeepEqual(was.Profile, to.Profile) {
					p.Change++
				}
			}
			if refused != nil {
				if p.Refused++; p.Refused == 1 {
					p.RefusedWith = desk.AsError(refused).Msg
				}
			}
		}
		if p.People += len(page); len(page) < 500 {
			p.All = true
			break
		}
		from = page[len(page)-1].ID
	}
	return p, nil
}
