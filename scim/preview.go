package scim

import (
	"rollcall/desk"
	"rollcall/provision"
	"rollcall/schema"
)

// ReadUser reads a user as a directory would POST it to a tenant with these custom fields.
func ReadUser(fields []desk.Field, body []byte) (desk.Resource, error) {
	object, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	users := &userSchema{schema.With(fields)}
	r, err := users.newResource(object)
	if err == nil && r["active"] == nil {
		r["active"] = true
	}
	return r, err
}

// ReadPatch reads the body of a PATCH.
func ReadPatch(fields []desk.Field, body []byte) (provision.Edit, error) {
	object, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	users := &userSchema{schema.With(fields)}
	ops, err := users.parsePatch(object)
	return users.edit(ops), err
}
