package provision

import (
	"context"
	"slices"

	"rollcall/desk"
	"rollcall/store"
)

// BulkEdit is what an agent does to several contacts at once.
type BulkEdit struct {
	Operation desk.Operation // OpPatch, OpDelete or OpRestore
	Edit      ContactEdit    // of OpPatch
}

// change is what becomes of each of the contacts.
func (b BulkEdit) change() (contactChange, error) {
	switch b.Operation {
	case desk.OpPatch:
		return b.Edit.change(), nil
	case desk.OpDelete:
		return agentDeletes, nil
	case desk.OpRestore:
		return agentRestores, nil
	}
	return contactChange{}, desk.Errorf(desk.InvalidValue, "operation", "contacts can be edited, deleted and restored")
}

// BulkResult is what came of it.
type BulkResult struct {
	Changed   []string // ids of the contacts that changed
	Unchanged []string // of those that were so already
	Refused   []RefusedContact
}

// RefusedContact is a contact that stayed as it was, and why.
type RefusedContact struct {
	ID   string
	Name string // "" for a contact that is not there
	Err  *desk.Error
}

// MaxBulk is how many contacts can be changed at once.
const MaxBulk = 100

// EditContacts changes contacts by hand, each with an event of its own, in one transaction. One that breaks a rule is refused, and the
// others are changed all the same. A company that is not there is InvalidValue, and changes none.
func (e *Engine) EditContacts(ctx context.Context, actor desk.Actor, ids []string, edit BulkEdit) (BulkResult, error) {
	var result BulkResult
	change, err := edit.change()
	if err != nil {
		return result, err
	}
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	if len(ids) == 0 || len(ids) > MaxBulk {
		return result, desk.Errorf(desk.InvalidValue, "contacts", "choose up to %d contacts", MaxBulk)
	}
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		result = BulkResult{}
		if err := tx.Lock(actor.TenantID); err != nil {
			return err
		}
		if err := edit.Edit.checkCompany(tx, actor.TenantID); err != nil {
			return err
		}
		found, err := tx.LockContacts(actor.TenantID, slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !desk.Storable(id) }))
		if err != nil {
			return err
		}
		for _, id := range ids {
			refused := RefusedContact{ID: id}
			changed, err := false, noContact(nil)
			if i := slices.IndexFunc(found, func(c desk.Contact) bool { return c.ID == id }); i >= 0 {
				refused.Name = found[i].DisplayName
				changed, err = change.apply(tx, actor, found[i])
			}
			switch kind := desk.KindOf(err); {
			case kind == desk.Internal || kind == desk.Unavailable:
				return err
			case err != nil:
				refused.Err = desk.AsError(err)
				result.Refused = append(result.Refused, refused)
				if err := tx.Record(Refusal{Operation: edit.Operation, ContactID: id, Err: err}.event(actor)); err != nil {
					return err
				}
			case changed:
				result.Changed = append(result.Changed, id)
			default:
				result.Unchanged = append(result.Unchanged, id)
			}
		}
		return nil
	})
	return result, err
}
