package scim

import (
	"maps"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/schema"
)

// operation is one change of a resource, at one place.
type operation struct {
	op    string // "add", "replace" or "remove"
	to    target
	value any
	err   error // why it cannot be applied, if that is known when it is read
}

// maxOperations is how many changes a request may make.
const maxOperations = 500

// parsePatch reads a PatchOp body (RFC 7644 section 3.5.2), with names in any case. What is wrong with one operation stays
// with it.
func (s *userSchema) parsePatch(body map[string]any) ([]operation, error) {
	list, ok := member(body, "Operations").([]any)
	if !ok {
		return nil, desk.Errorf(desk.InvalidSyntax, "Operations", "a PATCH needs a list of Operations")
	}
	var ops []operation
	for _, item := range list {
		ops = append(ops, s.parseOperation(item)...)
		if len(ops) > maxOperations {
			return nil, desk.Errorf(desk.InvalidValue, "Operations", "a PATCH may make up to %d changes", maxOperations)
		}
	}
	return ops, nil
}

func (s *userSchema) parseOperation(item any) []operation {
	fail := func(path string, kind desk.Kind, field, format string, args ...any) []operation {
		return []operation{{to: target{path: path}, err: desk.Errorf(kind, field, format, args...)}}
	}
	m, ok := item.(map[string]any)
	if !ok {
		return fail("", desk.InvalidSyntax, "Operations", "each of the Operations must be an object")
	}
	path, isText := member(m, "path").(string)
	path = strings.TrimSpace(path)
	name, _ := member(m, "op").(string)
	op := strings.ToLower(strings.TrimSpace(name))
	value, hasValue := m["value"], false
	for k, v := range m {
		if strings.EqualFold(k, "value") {
			value, hasValue = v, true
		}
	}
	switch {
	case op != "add" && op != "replace" && op != "remove":
		return fail(path, desk.InvalidSyntax, "op", "op must be add, replace or remove")
	case !isText && member(m, "path") != nil:
		return fail("", desk.InvalidPath, "path", "path must be text")
	case path == "" && op == "remove":
		return fail("", desk.NoTarget, "path", "a remove needs a path")
	case path == "":
		values, ok := value.(map[string]any)
		if !ok {
			return fail("", desk.InvalidValue, "value", "an operation without a path needs an object as its value")
		}
		return s.expand(op, values)
	case op != "remove" && !hasValue:
		return fail(path, desk.InvalidValue, "value", "the operation on %q has no value", desk.Short(path))
	}
	if urn, rest := s.SplitURN(path); urn != "" && rest == "" && op != "remove" {
		return s.expandExtension(op, urn, value)
	}
	if name := s.bareName(path); isDropped(name) {
		if name == "password" {
			return nil // accepted without effect
		}
		return fail(path, desk.Mutability, name, "%s is set by the server and cannot be changed", name)
	}
	t, err := s.parseTarget(path)
	return []operation{{op, t, value, err}}
}

// bareName returns the lower-case name of a path's attribute, without URN, sub-attribute and filter.
func (s *userSchema) bareName(path string) string {
	if urn, rest := s.SplitURN(path); urn == schema.CoreURN {
		path = rest
	}
	if end := strings.IndexAny(path, ".["); end >= 0 {
		path = path[:end]
	}
	return schema.Lower(strings.TrimSpace(path))
}

func isDropped(name string) bool {
	return slices.ContainsFunc(dropped, func(d string) bool { return strings.EqualFold(d, name) })
}

// sortedKeys returns the keys of an object in an order that does not depend on the map's: plain names first, then the flattened
// keys that Entra sends ("name.givenName", "urn:…:User:department", "emails[type eq \"work\"].value"), and last the primary
// marks and references, which are nothing without the value beside them.
func sortedKeys(values map[string]any) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	slices.SortStableFunc(keys, func(a, b string) int { return rankOf(a) - rankOf(b) })
	return keys
}

func rankOf(key string) int {
	switch {
	case endsIn(key, ".primary"), endsIn(key, ".$ref"):
		return 2
	case strings.ContainsAny(key, ".:["):
		return 1
	}
	return 0
}

// endsIn reports whether a name ends so, in any case.
func endsIn(name, end string) bool {
	return len(name) >= len(end) && strings.EqualFold(name[len(name)-len(end):], end)
}

// expand splits an object of attributes into operations. What the server sets is left out; what it does not know is kept.
func (s *userSchema) expand(op string, values map[string]any) []operation {
	ops := make([]operation, 0, len(values))
	seen := make(map[string]bool, len(values))
	for _, key := range sortedKeys(values) {
		if isDropped(s.bareName(key)) || key == "" {
			continue
		}
		folded := schema.Lower(key)
		if seen[folded] {
			ops = append(ops, operation{to: target{path: key}, err: desk.Errorf(desk.InvalidSyntax, key, "%s is given twice, in different case", desk.Short(key))})
		}
		seen[folded] = true
		if urn, rest := s.SplitURN(key); urn != "" && rest == "" {
			ops = append(ops, s.expandExtension(op, urn, values[key])...)
			continue
		}
		t, err := s.parseKey(key)
		if t.Attr != nil && t.Attr.ReadOnly || t.Sub != nil && t.Sub.ReadOnly {
			continue
		}
		ops = append(ops, operation{op, t, values[key], err})
	}
	return ops
}

// parseKey reads a key of an object as a path. Other than a path it may name what is not known.
func (s *userSchema) parseKey(key string) (target, error) {
	t, err := s.parseTarget(key)
	t.known = false
	if err == nil || strings.Contains(key, "[") || len(key) > maxPath {
		return t, err
	}
	_, name := s.SplitURN(key)
	if name = strings.TrimSpace(name); name == "" {
		return t, err
	}
	t = target{path: key, unknown: name}
	if first, sub, ok := strings.Cut(name, "."); ok {
		if ref, known := s.Resolve(first); known && ref.Attr.Kind == "complex" && !ref.Attr.Multi {
			t.Reference, t.unknown = ref, sub
		}
	}
	return t, nil
}

// expandExtension splits an object of an extension's attributes into operations; null, "" and an empty list clear it.
func (s *userSchema) expandExtension(op, urn string, value any) []operation {
	whole := target{path: urn, Reference: schema.Reference{URN: urn}}
	values, ok := value.(map[string]any)
	switch {
	case !ok && !isEmpty(value):
		return []operation{{to: whole, err: desk.Errorf(desk.InvalidValue, urn, "the extension %s must be an object", urn)}}
	case urn == schema.CoreURN:
		return s.expand(op, values)
	case !ok && op == "replace":
		return []operation{{op: "remove", to: whole}}
	}
	e := s.Extension(urn)
	ops := make([]operation, 0, len(values))
	for _, key := range sortedKeys(values) {
		t := target{path: urn + ":" + key, Reference: schema.Reference{URN: urn}, unknown: key}
		name, sub, hasSub := strings.Cut(schema.Lower(key), ".")
		if a := e.Attributes[name]; a != nil && (!hasSub || a.Subs[sub] != nil) {
			t.Attr, t.Sub, t.unknown = a, a.Subs[sub], ""
		}
		if t.Sub != nil && t.Sub.ReadOnly {
			continue
		}
		ops = append(ops, operation{op, t, values[key], nil})
	}
	return ops
}

// newResource reads the body of a POST or PUT.
func (s *userSchema) newResource(body map[string]any) (desk.Resource, error) {
	r := desk.Resource{}
	for _, o := range s.expand("replace", body) {
		if err := o.apply(r); err != nil {
			return nil, err
		}
	}
	return r, s.finish(r)
}

// patch applies operations to a resource.
func (s *userSchema) patch(r desk.Resource, ops []operation) error {
	for _, o := range ops {
		if err := o.apply(r); err != nil {
			return err
		}
	}
	return s.finish(r)
}

// patchLeaver applies operations of which one deactivates, and leaves out what cannot be applied: with the whole request
// refused, somebody who left would stay active. It returns the paths that were left out.
func (s *userSchema) patchLeaver(r desk.Resource, ops []operation) (leftOut []string, err error) {
	alone, _ := compact(map[string]any(r)).(map[string]any) // a copy of all levels
	for _, o := range ops {
		if err := o.apply(r); err != nil {
			leftOut = append(leftOut, o.to.path)
		}
	}
	if err := s.finish(r); err == nil {
		return leftOut, nil
	}
	// What was applied does not make a user that can be stored.
	clear(r)
	maps.Copy(r, alone)
	return s.deactivate(r, ops)
}

// deactivate applies the deactivation alone, and returns the paths of all else.
func (s *userSchema) deactivate(r desk.Resource, ops []operation) (leftOut []string, err error) {
	r["active"] = false
	for _, o := range ops {
		if !o.deactivates() {
			leftOut = append(leftOut, o.to.path)
		}
	}
	return leftOut, s.finish(r)
}

// deactivates reports whether a PATCH leaves the person inactive.
func deactivates(ops []operation) bool {
	inactive := false
	for _, o := range ops {
		if o.toActive() {
			inactive = o.deactivates()
		}
	}
	return inactive
}

// toActive reports whether an operation sets active.
func (o operation) toActive() bool {
	return o.to.Attr != nil && o.to.URN == "" && o.to.Attr.Path == "active" && o.err == nil && o.op != "remove"
}

func (o operation) deactivates() bool {
	if !o.toActive() {
		return false
	}
	active, err := coerce(o.to.Attr, o.value)
	return err == nil && active == false
}

// finish sets what the server says of a resource, and checks it as a whole.
func (s *userSchema) finish(r desk.Resource) error {
	if strings.TrimSpace(r.UserName()) == "" {
		return desk.Errorf(desk.InvalidValue, "userName", "userName is required; map an attribute that every user has to it")
	}
	var extensions []string
	for name, v := range r {
		if _, ok := v.(map[string]any); ok && schema.IsURN(name) {
			extensions = append(extensions, name)
		}
	}
	slices.Sort(extensions)
	schemas := append(make([]any, 0, 1+len(extensions)), schema.CoreURN)
	for _, urn := range extensions {
		schemas = append(schemas, urn)
	}
	r["schemas"] = schemas
	tooLong := desk.TooLongForKey(r.UserName()) || desk.TooLongForKey(r.ExternalID())
	for _, e := range r.Emails() {
		tooLong = tooLong || desk.TooLongForKey(e.Value) || desk.TooLongForKey(e.Type)
	}
	if tooLong {
		return desk.Errorf(desk.InvalidValue, "", "userName, externalId and email addresses may have up to %d bytes", desk.MaxKey)
	}
	return nil
}
