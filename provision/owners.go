package provision

import (
	"context"
	"reflect"

	"rollcall/desk"
)

// Owners are the slugs of the connections from whose directories a contact's values come, by field as the JSON API calls it:
// displayName, userName, title, fields.NAME, and emails.VALUE and phones.VALUE for single addresses and numbers.
type Owners map[string][]string

// FieldOwners tells which of a contact's values are what the mapping of a connection makes of its user. Such a value follows the
// directory; one that an agent has changed since stays until the directory changes it too.
func (e *Engine) FieldOwners(ctx context.Context, actor desk.Actor, view ContactView) (Owners, error) {
	owners := Owners{}
	if len(view.Users) == 0 {
		return owners, nil
	}
	r := e.Store.Read(ctx)
	connections, err := r.Connections(actor.TenantID)
	if err != nil {
		return nil, err
	}
	tenant, err := r.Tenant(actor.TenantID)
	if err != nil {
		return nil, err
	}
	bySlug := map[string]desk.Connection{}
	for _, c := range connections {
		bySlug[c.Slug] = c
	}
	for _, u := range view.Users {
		c, ok := bySlug[u.Connection]
		if !ok || !c.Settings.Apply.Update {
			continue
		}
		rules, err := e.rules.of(&desk.Directory{Connection: c, Fields: tenant.Fields})
		if desk.KindOf(err) == desk.Conflict { // nothing follows a directory whose settings have to be mended
			continue
		}
		if err != nil {
			return nil, err
		}
		resource, err := u.Decode()
		if err != nil {
			return nil, err
		}
		said, _ := rules.mapper.Apply(resource) // what could not be mapped is not said
		owners.add(c.Slug, view.Profile, said.Profile)
	}
	return owners, nil
}

// add notes what of a profile is as a connection says.
func (o Owners) add(slug string, has, said desk.Profile) {
	own := func(field string) { o[field] = append(o[field], slug) }
	for _, f := range []struct{ name, has, said string }{
		{"displayName", has.DisplayName, said.DisplayName}, {"userName", has.UserName, said.UserName}, {"title", has.Title, said.Title},
	} {
		if f.has != "" && f.has == f.said {
			own(f.name)
		}
	}
	for _, list := range []struct {
		name      string
		has, said []desk.Address
	}{{"emails", has.Emails, said.Emails}, {"phones", has.Phones, said.Phones}} {
		values := map[string]bool{}
		for _, a := range list.said {
			values[a.Value] = true
		}
		for _, a := range list.has {
			if values[a.Value] {
				own(list.name + "." + a.Value)
				values[a.Value] = false
			}
		}
	}
	for name, v := range has.Fields {
		if reflect.DeepEqual(v, said.Fields[name]) {
			own("fields." + name)
		}
	}
}
