package schema

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/elimity-com/scim/optional"
	elimity "github.com/elimity-com/scim/schema"

	"rollcall/desk"
)

// cache keeps the schemas of tenants with custom fields, which take longer to build than a request.
var cache struct {
	mu    sync.Mutex
	built map[string]*Schema // by the fields as JSON
}

// maxSchemas is how many schemas are kept.
const maxSchemas = 1000

// With returns the schema with an extension of these custom fields.
func With(fields []desk.Field) *Schema {
	if len(fields) == 0 {
		return plain
	}
	key, _ := json.Marshal(fields)
	cache.mu.Lock()
	s := cache.built[string(key)]
	cache.mu.Unlock()
	if s != nil {
		return s
	}
	s = build(fieldsExtension(fields))
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if cache.built == nil || len(cache.built) >= maxSchemas {
		cache.built = map[string]*Schema{}
	}
	cache.built[string(key)] = s
	return s
}

// fieldsExtension describes custom fields as SCIM attributes.
func fieldsExtension(fields []desk.Field) Extension {
	e := Extension{URN: desk.FieldsURN, Schema: elimity.Schema{
		ID: desk.FieldsURN, Name: optional.NewString("Custom fields"), Description: optional.NewString("The helpdesk's own fields"),
	}}
	for _, f := range fields {
		e.Schema.Attributes = append(e.Schema.Attributes, elimity.SimpleCoreAttribute(fieldAttribute(f)))
	}
	e.Attributes = table("", e.Schema.Attributes)
	for _, f := range fields {
		e.Attributes[strings.ToLower(f.Name)].Field = &f
	}
	return e
}

func fieldAttribute(f desk.Field) elimity.SimpleParams {
	description := optional.NewString("A custom field: " + string(f.Type))
	switch f.Type {
	case desk.FieldNumber:
		return elimity.SimpleNumberParams(elimity.NumberParams{
			Name: f.Name, Type: elimity.AttributeTypeDecimal(), Required: f.Required, MultiValued: f.Multiple, Description: description,
		})
	case desk.FieldDate:
		return elimity.SimpleDateTimeParams(elimity.DateTimeParams{Name: f.Name, Required: f.Required, MultiValued: f.Multiple, Description: description})
	case desk.FieldBoolean:
		return elimity.SimpleBooleanParams(elimity.BooleanParams{Name: f.Name, Required: f.Required, Description: description})
	}
	return elimity.SimpleStringParams(elimity.StringParams{
		Name: f.Name, Required: f.Required, MultiValued: f.Multiple, CanonicalValues: f.Choices, Description: description,
	})
}
