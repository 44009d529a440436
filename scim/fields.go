package scim

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"

	"rollcall/desk"
)

// schemaCache keeps the schemas of tenants with custom fields, which take longer to build than a request.
type schemaCache struct {
	mu    sync.Mutex
	built map[string]*userSchema // by the fields as JSON
}

var tenantSchemas schemaCache

// maxSchemas is how many schemas are kept.
const maxSchemas = 1000

// with returns the schema with an extension of these fields.
func (c *schemaCache) with(fields []desk.Field) *userSchema {
	if len(fields) == 0 {
		return users
	}
	key, _ := json.Marshal(fields)
	c.mu.Lock()
	s := c.built[string(key)]
	c.mu.Unlock()
	if s != nil {
		return s
	}
	s = newUserSchema(fieldsExtension(fields))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.built == nil || len(c.built) >= maxSchemas {
		c.built = map[string]*userSchema{}
	}
	c.built[string(key)] = s
	return s
}

// fieldsExtension describes custom fields as SCIM attributes.
func fieldsExtension(fields []desk.Field) extension {
	e := extension{urn: desk.FieldsURN, schema: schema.Schema{
		ID: desk.FieldsURN, Name: optional.NewString("Custom fields"), Description: optional.NewString("The helpdesk's own fields"),
	}}
	for _, f := range fields {
		e.schema.Attributes = append(e.schema.Attributes, schema.SimpleCoreAttribute(fieldAttribute(f)))
	}
	e.attributes = table("", e.schema.Attributes)
	for _, f := range fields {
		e.attributes[strings.ToLower(f.Name)].field = &f
	}
	return e
}

func fieldAttribute(f desk.Field) schema.SimpleParams {
	description := optional.NewString("A custom field: " + string(f.Type))
	switch f.Type {
	case desk.FieldNumber:
		return schema.SimpleNumberParams(schema.NumberParams{Name: f.Name, Type: schema.AttributeTypeDecimal(), Required: f.Required, Description: description})
	case desk.FieldDate:
		return schema.SimpleDateTimeParams(schema.DateTimeParams{Name: f.Name, Required: f.Required, Description: description})
	case desk.FieldBoolean:
		return schema.SimpleBooleanParams(schema.BooleanParams{Name: f.Name, Required: f.Required, Description: description})
	}
	return schema.SimpleStringParams(schema.StringParams{Name: f.Name, Required: f.Required, CanonicalValues: f.Choices, Description: description})
}

// checkRequired is an error if a required custom field is empty. Who is inactive need not have it: somebody who left before
// the field was made shall not stay for that.
func (s *userSchema) checkRequired(r desk.Resource) error {
	if r["active"] == false {
		return nil
	}
	e := s.extension(desk.FieldsURN)
	if e == nil {
		return nil
	}
	have, _ := r[e.urn].(map[string]any)
	for _, def := range e.schema.Attributes {
		if def.Required() && have[def.Name()] == nil {
			return desk.Errorf(desk.InvalidValue, def.Name(), "%s is required; map an attribute that every user has to %s:%s", def.Name(), e.urn, def.Name())
		}
	}
	return nil
}
