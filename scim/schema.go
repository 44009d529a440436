package scim

import (
	"rollcall/desk"
	"rollcall/schema"
)

const listURN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// dropped are attributes that a client may send and that are never stored: set by the server, or not offered.
var dropped = []string{"schemas", "id", "meta", "password", "groups"}

// userSchema is the User resource as a tenant's directories see it.
type userSchema struct{ *schema.Schema }

// users is the schema of tenants without custom fields.
var users = &userSchema{schema.With(nil)}

// checkRequired is an error if a required custom field is empty. Who is inactive need not have it: somebody who left before
// the field was made shall not stay for that.
func (s *userSchema) checkRequired(r desk.Resource) error {
	if r["active"] == false {
		return nil
	}
	e := s.Extension(desk.FieldsURN)
	if e == nil {
		return nil
	}
	have, _ := r[e.URN].(map[string]any)
	for _, def := range e.Schema.Attributes {
		if def.Required() && have[def.Name()] == nil {
			return desk.Errorf(desk.InvalidValue, def.Name(), "%s is required; map an attribute that every user has to %s:%s", def.Name(), e.URN, def.Name())
		}
	}
	return nil
}
