package provision

import (
	"context"

	"rollcall/desk"
	"rollcall/store"
)

// ContactCounts is how many contacts there are. All and Deleted count those in Deleted contacts too; the others active ones only.
type ContactCounts struct {
	All, Active, Deleted, Verified, Unsynced desk.Count
}

// ContactCounts counts contacts up to a thousand of each kind, which takes as long whether there are that many or a million.
func (e *Engine) ContactCounts(ctx context.Context, actor desk.Actor) (ContactCounts, error) {
	var counts ContactCounts
	r := e.Store.Read(ctx)
	for _, kind := range []struct {
		to *desk.Count
		q  store.ContactQuery
	}{
		{&counts.All, store.ContactQuery{}},
		{&counts.Active, store.ContactQuery{Status: desk.Active}},
		{&counts.Deleted, store.ContactQuery{Status: desk.SoftDeleted}},
		{&counts.Verified, store.ContactQuery{Status: desk.Active, Verified: true}},
		{&counts.Unsynced, store.ContactQuery{Status: desk.Active, Sync: desk.SyncNone}},
	} {
		kind.q.TenantID, kind.q.Order = actor.TenantID, desk.NewestFirst
		var err error
		if *kind.to, err = r.CountContacts(kind.q); err != nil {
			return counts, err
		}
	}
	return counts, nil
}

// CountContacts counts the contacts that a query is about, whatever its page, as far.
func (e *Engine) CountContacts(ctx context.Context, actor desk.Actor, q ContactQuery) (desk.Count, error) {
	asked, err := q.of(actor.TenantID)
	if err != nil {
		return desk.Count{}, err
	}
	return e.Store.Read(ctx).CountContacts(asked)
}

// CompanyContacts counts the active contacts of companies, each up to a thousand, by company.
func (e *Engine) CompanyContacts(ctx context.Context, actor desk.Actor, ids ...string) (map[string]desk.Count, error) {
	return e.Store.Read(ctx).CompanyContacts(actor.TenantID, ids)
}
