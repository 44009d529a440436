package provision

import (
	"context"
	"errors"

	"rollcall/desk"
	"rollcall/store"
)

// Preview is what would become of something that a directory sends.
type Preview struct {
	Operation desk.Operation // create, replace or patch
	Refused   *desk.Error    // nil if it would be accepted; what follows is then empty, but for Mapped, Unmapped and InScope
	Outcome   desk.Outcome   // "" if nothing would change
	Reason    string
	Detail    string
	Changes   []desk.Change // of contact and user
	// Contact is the contact as it would be, nil if there would be none. New says that it would be made.
	Contact     *desk.Contact
	New         bool
	CompanyName string
	InScope     bool
	ScopeRule   string // which decided; "" for a scope without rules
	Mapped      []desk.Mapped
	Unmapped    []string
}

// errPreview ends a transaction that was only to show what would be.
var errPreview = errors.New("a preview")

// PreviewUser tells what would become of a user that the directory pushes: one that it has pushed before is replaced. settings are
// those that would be changed before, as in [ConnectionEdit], nil for none: a user whom they alone concern shows what they do.
func (e *Engine) PreviewUser(ctx context.Context, actor desk.Actor, slug string, r desk.Resource, settings []byte) (Preview, error) {
	return e.preview(ctx, actor, slug, settings, func(c change) (desk.Operation, string, Edit, error) {
		held, err := c.UsersByKey(store.Person{
			TenantID: c.actor.TenantID, Connection: c.actor.Connection, ExternalID: r.ExternalID(), UserName: desk.Fold(r.UserName()),
		})
		if err != nil || len(held) == 0 {
			return desk.OpCreate, "", func(desk.Resource) (desk.Resource, string, error) { return r, "", nil }, err
		}
		id := held[0].ID
		for _, u := range held { // found by externalId first
			if u.ExternalID != nil && *u.ExternalID == r.ExternalID() {
				id = u.ID
			}
		}
		return desk.OpReplace, id, func(desk.Resource) (desk.Resource, string, error) { return r, "", nil }, nil
	})
}

// PreviewPatch tells what would become of a PATCH to a user.
func (e *Engine) PreviewPatch(ctx context.Context, actor desk.Actor, slug, id string, edit Edit) (Preview, error) {
	return e.preview(ctx, actor, slug, nil, func(change) (desk.Operation, string, Edit, error) { return desk.OpPatch, id, edit, nil })
}

// preview does what a directory would do, and takes it back.
func (e *Engine) preview(ctx context.Context, actor desk.Actor, slug string, settings []byte, what func(change) (desk.Operation, string, Edit, error)) (Preview, error) {
	d, err := e.directory(ctx, actor, slug)
	if err != nil {
		return Preview{}, err
	}
	before, rules, err := e.rulesWith(d, settings)
	if err != nil {
		return Preview{}, err
	}
	directory := desk.Actor{Type: desk.ActorDirectory, TenantID: actor.TenantID, Connection: slug, Directory: d, Name: slug}
	var p Preview
	var sent desk.Resource
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		p, sent = Preview{}, nil
		var ev desk.Event
		c := change{Tx: tx, engine: e, rules: rules, actor: directory, recorded: &ev}
		operation, id, edit, err := what(c)
		if err != nil {
			return err
		}
		p.Operation, c.operation = operation, operation
		remember := func(r desk.Resource) (desk.Resource, string, error) {
			next, note, err := edit(r)
			sent = next
			return next, note, err
		}
		if err := tx.Lock(actor.TenantID); err != nil {
			return err
		}
		var u desk.DirectoryUser
		if operation == desk.OpCreate {
			r, _, _ := remember(nil)
			u, err = c.create(r)
		} else {
			u, err = c.update(id, remember)
		}
		if err == nil && ev.Outcome == "" && operation == desk.OpReplace && settings != nil {
			if _, err = c.reapply(id, before); err == nil {
				u, err = tx.User(actor.TenantID, slug, id)
			}
		}
		if err == nil {
			err = p.see(tx, u, ev)
		}
		if err != nil {
			return err
		}
		return errPreview
	})
	switch {
	case errors.Is(err, errPreview):
	case errors.Is(err, errGone):
		return p, desk.Errorf(desk.Unavailable, "", "the contact has just been erased; try again")
	default:
		if known := desk.AsError(e.describe(ctx, directory, e.stopped(err), sent)); known.Kind == desk.Internal || known.Kind == desk.Unavailable || sent == nil {
			return p, known
		} else {
			p.Refused = known
		}
	}
	p.InScope, p.ScopeRule = rules.scope.Match(sent)
	p.Mapped, p.Unmapped = rules.mapper.Explain(sent), rules.mapper.Unmapped(sent)
	return p, nil
}

// rulesWith returns a connection's rules as they are, and as they would be with other settings, which the connection then has.
func (e *Engine) rulesWith(d *desk.Directory, settings []byte) (before, after *rules, err error) {
	before, err = e.rules.of(d)
	if settings == nil {
		return before, before, err
	}
	if err := (ConnectionEdit{Settings: settings}).applySettings(&d.Settings, d.Fields); err != nil {
		return nil, nil, err
	}
	if after, err = compileRules(d.Settings.Mapping, d.Settings.Scope, d.Fields); before == nil {
		before = after // which no longer fit the custom fields: that is what the new ones mend
	}
	return before, after, err
}

// see fills in what the event of a change tells, and the contact of the user that it left.
func (p *Preview) see(tx *store.Tx, u desk.DirectoryUser, ev desk.Event) error {
	p.Outcome, p.Reason, p.Detail, p.Changes = ev.Outcome, ev.Reason, ev.Detail, ev.Changes
	if u.ContactID == nil {
		return nil
	}
	contact, err := tx.Contact(u.TenantID, *u.ContactID)
	if err != nil {
		return err
	}
	p.Contact, p.New = &contact, ev.Outcome == desk.Created
	names, err := tx.CompanyNames(u.TenantID, []string{contact.CompanyID})
	p.CompanyName = names[contact.CompanyID]
	return err
}
