package provision

import (
	"context"
	"slices"

	"rollcall/desk"
	"rollcall/store"
)

// Fields lists the tenant's custom fields in the order in which they were made.
func (e *Engine) Fields(ctx context.Context, actor desk.Actor) ([]desk.Field, error) {
	t, err := e.Store.Read(ctx).Tenant(actor.TenantID)
	return t.Fields, err
}

// CreateField adds a custom field. From then on it is an attribute that directories can send; what they sent under its name
// before stays as it is until they change it.
func (e *Engine) CreateField(ctx context.Context, actor desk.Actor, f desk.Field) error {
	if err := f.Check(); err != nil {
		return err
	}
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		t, err := tx.LockTenant(actor.TenantID)
		if err != nil {
			return err
		}
		switch {
		case findField(t.Fields, f.Name) >= 0:
			return desk.Errorf(desk.Uniqueness, "name", "there is a field %s already", f.Name)
		case len(t.Fields) >= desk.MaxFields:
			return desk.Errorf(desk.Conflict, "", "a helpdesk has up to %d custom fields", desk.MaxFields)
		}
		t.Fields = append(t.Fields, f)
		if err := tx.UpdateTenant(&t); err != nil {
			return err
		}
		ev := actor.Event(desk.OpCreate, desk.Created, "field")
		ev.Changes = []desk.Change{{Field: f.Name, To: f}}
		return tx.Record(ev)
	})
}

// DeleteField removes a custom field, or is NotFound. What directories said of it stays with their users.
func (e *Engine) DeleteField(ctx context.Context, actor desk.Actor, name string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		t, err := tx.LockTenant(actor.TenantID)
		if err != nil {
			return err
		}
		i := findField(t.Fields, name)
		if i < 0 {
			return desk.Errorf(desk.NotFound, "name", "no field with this name")
		}
		ev := actor.Event(desk.OpDelete, desk.Deleted, "field")
		ev.Changes = []desk.Change{{Field: t.Fields[i].Name, From: t.Fields[i]}}
		t.Fields = slices.Delete(t.Fields, i, i+1)
		connections, err := tx.Connections(actor.TenantID)
		if err != nil {
			return err
		}
		for _, c := range connections {
			if err := checkRules(c.Settings, t.Fields); err != nil {
				return desk.Errorf(desk.Conflict, "name", "connection %s uses the field: %s", c.Slug, desk.AsError(err).Msg)
			}
		}
		if err := tx.UpdateTenant(&t); err != nil {
			return err
		}
		return tx.Record(ev)
	})
}

func findField(fields []desk.Field, name string) int {
	return slices.IndexFunc(fields, func(f desk.Field) bool { return desk.Fold(f.Name) == desk.Fold(name) })
}
