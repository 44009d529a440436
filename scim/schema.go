package scim

import "rollcall/schema"

const listURN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"

// dropped are attributes that a client may send and that are never stored: set by the server, or not offered.
var dropped = []string{"schemas", "id", "meta", "password", "groups"}

// userSchema is the User resource as a tenant's directories see it.
type userSchema struct{ *schema.Schema }

// users is the schema of tenants without custom fields.
var users = &userSchema{schema.With(nil)}
