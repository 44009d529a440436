package scim

import (
	"maps"
	"slices"
	"strings"

	"rollcall/desk"
)

// operation is one change of a resource, at one place.
type operation struct {
	op    string // "add", "replace" or "remove"
	to    target
	value any
	err   error // why it cannot be applied; known only when it is read
}

// parsePatch reads a PatchOp body (RFC 7644 section 3.5.2), with names in any case.
func (s *userSchema) parsePatch(body map[string]any) ([]operation, error) {
	list, ok := member(body, "Operations").([]any)
	if !ok {
		return nil, desk.Errorf(desk.InvalidSyntax, "Operations", "a PATCH needs a list of Operations")
	}
	var ops []operation
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return nil, desk.Errorf(desk.InvalidSyntax, "Operations", "each of the Operations must be an object")
		}
		parsed, err := s.parseOperation(m)
		switch desk.KindOf(err) {
		case "":
			ops = append(ops, parsed...)
		case desk.InvalidSyntax:
			return nil, err
		default:
			path, _ := member(m, "path").(string)
			ops = append(ops, operation{to: target{path: path}, err: err})
		}
	}
	return ops, nil
}

func (s *userSchema) parseOperation(m map[string]any) ([]operation, error) {
	name, _ := member(m, "op").(string)
	op := strings.ToLower(strings.TrimSpace(name))
	if op != "add" && op != "replace" && op != "remove" {
		return nil, desk.Errorf(desk.InvalidSyntax, "op", "op must be add, replace or remove")
	}
	var value any
	hasValue := false
	for k, v := range m {
		if strings.EqualFold(k, "value") {
			value, hasValue = v, true
		}
	}
	path, ok := member(m, "path").(string)
	if !ok && member(m, "path") != nil {
		return nil, desk.Errorf(desk.InvalidPath, "path", "path must be text")
	}
	if path = strings.TrimSpace(path); path == "" {
		values, ok := value.(map[string]any)
		switch {
		case op == "remove":
			return nil, desk.Errorf(desk.NoTarget, "path", "a remove needs a path")
		case !ok:
			return nil, desk.Errorf(desk.InvalidValue, "value", "an operation without a path needs an object as its value")
		}
		return s.expand(op, values)
	}
	if op != "remove" && !hasValue {
		return nil, desk.Errorf(desk.InvalidValue, "value", "the operation on %s has no value", path)
	}
	if urn, rest := s.splitURN(path); urn != "" && rest == "" && op != "remove" {
		return s.expandExtension(op, urn, value)
	}
	if name := s.bareName(path); isDropped(name) {
		if name == "password" {
			return nil, nil // accepted without effect
		}
		return nil, desk.Errorf(desk.Mutability, name, "%s is set by the server and cannot be changed", name)
	}
	t, err := s.parseTarget(path)
	if err != nil {
		return nil, err
	}
	return []operation{{op: op, to: t, value: value}}, nil
}

// bareName returns the lower-case name of a path's attribute, without URN, sub-attribute and filter.
func (s *userSchema) bareName(path string) string {
	if urn, rest := s.splitURN(path); urn == coreURN {
		path = rest
	}
	if end := strings.IndexAny(path, ".["); end >= 0 {
		path = path[:end]
	}
	return strings.ToLower(strings.TrimSpace(path))
}

func isDropped(name string) bool {
	return slices.ContainsFunc(dropped, func(d string) bool { return strings.EqualFold(d, name) })
}

// expand splits an object of attributes into operations, in an order that does not depend on the map's: plain names first,
// then the flattened keys that Entra sends ("name.givenName", "urn:…:User:department", "emails[type eq \"work\"].value").
// What the server sets is left out; what it does not know is kept.
func (s *userSchema) expand(op string, values map[string]any) ([]operation, error) {
	keys := slices.SortedFunc(maps.Keys(values), func(a, b string) int {
		flatA, flatB := strings.ContainsAny(a, ".:["), strings.ContainsAny(b, ".:[")
		if flatA != flatB {
			if flatA {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	var ops []operation
	seen := map[string]bool{}
	for _, key := range keys {
		if isDropped(s.bareName(key)) {
			continue
		}
		folded := strings.ToLower(key)
		if seen[folded] {
			return nil, desk.Errorf(desk.InvalidSyntax, key, "%s is given twice, in different case", key)
		}
		seen[folded] = true
		value := values[key]
		urn, rest := s.splitURN(key)
		if _, object := value.(map[string]any); object && urn != "" && s.urns[strings.ToLower(urn)] == "" && !strings.HasSuffix(strings.ToLower(urn), ":user") {
			urn, rest = key, "" // an extension whose URN does not end in User
		}
		if urn != "" && rest == "" {
			inner, err := s.expandExtension(op, urn, value)
			if err != nil {
				return nil, err
			}
			ops = append(ops, inner...)
			continue
		}
		t, err := s.parseTarget(key)
		if err != nil {
			if strings.Contains(key, "[") {
				return nil, err
			}
			t = target{path: key, unknown: key}
			if urn == coreURN {
				t.unknown = rest
			}
		}
		if t.attr != nil && t.attr.readOnly || t.sub != nil && t.sub.readOnly {
			continue
		}
		ops = append(ops, operation{op: op, to: t, value: value})
	}
	return ops, nil
}

// expandExtension splits an object of an extension's attributes into operations.
func (s *userSchema) expandExtension(op, urn string, value any) ([]operation, error) {
	values, ok := value.(map[string]any)
	if !ok && value != nil {
		return nil, desk.Errorf(desk.InvalidValue, urn, "the extension %s must be an object", urn)
	}
	if urn == coreURN {
		return s.expand(op, values)
	}
	e := s.extension(urn)
	var ops []operation
	for _, key := range slices.Sorted(maps.Keys(values)) {
		t := target{path: urn + ":" + key, reference: reference{urn: urn}, unknown: key}
		if e != nil {
			name, sub, hasSub := strings.Cut(strings.ToLower(key), ".")
			if a := e.attributes[name]; a != nil && (!hasSub || a.subs[sub] != nil) {
				t.attr, t.sub, t.unknown = a, a.subs[sub], ""
			}
		}
		ops = append(ops, operation{op: op, to: t, value: values[key]})
	}
	return ops, nil
}

// newResource reads the body of a POST or PUT.
func (s *userSchema) newResource(body map[string]any) (desk.Resource, error) {
	ops, err := s.expand("replace", body)
	if err != nil {
		return nil, err
	}
	r := desk.Resource{}
	for _, o := range ops {
		if err := o.apply(r); err != nil {
			return nil, err
		}
	}
	return r, s.finish(r)
}

// patch applies operations to a resource. In a PATCH that deactivates a person, operations that cannot be applied are left
// out and named rather than refused: with the whole request failing, the leaver would stay active.
func (s *userSchema) patch(r desk.Resource, ops []operation) (ignored []string, err error) {
	deactivates := slices.ContainsFunc(ops, func(o operation) bool {
		active, err := asBool(o.value)
		return o.to.attr != nil && o.to.attr.name == "active" && o.op != "remove" && err == nil && !active
	})
	for _, o := range ops {
		if err := o.apply(r); err != nil {
			if !deactivates {
				return nil, err
			}
			ignored = append(ignored, o.to.path)
		}
	}
	return ignored, s.finish(r)
}

// finish sets what the server says of a resource, and checks it as a whole.
func (s *userSchema) finish(r desk.Resource) error {
	if strings.TrimSpace(r.UserName()) == "" {
		return desk.Errorf(desk.InvalidValue, "userName", "userName is required; map an attribute that every user has to it")
	}
	schemas := []any{coreURN}
	for _, name := range slices.Sorted(maps.Keys(r)) {
		if _, ok := r[name].(map[string]any); ok && isURN(name) {
			schemas = append(schemas, name)
		}
	}
	r["schemas"] = schemas
	keys := []string{r.UserName(), r.ExternalID()}
	for _, e := range r.Emails() {
		keys = append(keys, e.Value, e.Type)
	}
	for _, key := range keys {
		if len(desk.Fold(key)) > desk.MaxKey {
			return desk.Errorf(desk.InvalidValue, "", "userName, externalId and email addresses may have up to %d bytes", desk.MaxKey)
		}
	}
	return nil
}
