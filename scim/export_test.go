package scim

import (
	"strings"

	"rollcall/desk"
	"rollcall/schema"
)

// ParseFilter and the others give tests the parts of the way of a request, for a tenant with these custom fields.
func ParseFilter(text string, fields ...desk.Field) (desk.Filter, error) {
	return schema.With(fields).ParseFilter(text)
}

// NewResource reads the body of a POST.
func NewResource(body []byte, fields ...desk.Field) (desk.Resource, error) {
	object, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	return (&userSchema{schema.With(fields)}).newResource(object)
}

// Patch applies the body of a PATCH.
func Patch(r desk.Resource, body []byte, fields ...desk.Field) (leftOut []string, err error) {
	s := &userSchema{schema.With(fields)}
	object, err := decodeObject(body)
	if err != nil {
		return nil, err
	}
	ops, err := s.parsePatch(object)
	if err != nil {
		return nil, err
	}
	if deactivates(ops) {
		return s.patchLeaver(r, ops)
	}
	return nil, s.patch(r, ops)
}

// ParseQuery reads a query string.
func ParseQuery(raw string) error {
	_, err := parseQuery(raw)
	return err
}

// OpenPath is the one that needs no token.
const OpenPath = openPath

// Routes are the paths below a tenant URL with their methods.
func Routes() map[string][]string {
	all := map[string][]string{}
	for _, r := range routes {
		for method := range r.methods {
			all[r.path] = append(all[r.path], method)
		}
	}
	return all
}

// Redact returns what a recording tells of a path with its query, or of a body.
func Redact(text string) string {
	red := redactor{[]byte("key"), users}
	if path, query, _ := strings.Cut(text, "?"); strings.HasPrefix(text, "/") {
		return red.path(path) + red.query(query)
	}
	v := red.json([]byte(text))
	if v == nil {
		return red.mask(text)
	}
	out, _ := desk.AppendJSON(nil, v)
	return string(out)
}

// RedactHeader returns what a recording tells of a header.
func RedactHeader(name, value string) string {
	return redactor{[]byte("key"), users}.header(name, value)
}
