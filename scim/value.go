package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rollcall/desk"
)

// takesNumbers are text attributes for which directories send JSON numbers.
var takesNumbers = []string{"employeeNumber", "costCenter", "postalCode", "value"}

// coerce returns a value in the attribute's canonical form, made of new maps and slices: boolean text as boolean, one
// element as a list, wrapped values unwrapped, names as the schema writes them. nil means that there is nothing: null, "",
// an empty list or object.
func (a *attribute) coerce(v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if !a.multi {
		// Entra wraps single values in a list: [{"$ref":null,"value":"x"}].
		if list, ok := v.([]any); ok && len(list) <= 1 {
			if len(list) == 0 {
				return nil, nil
			}
			v = list[0]
			if m, ok := v.(map[string]any); ok && a.subs == nil {
				v = member(m, "value")
			}
		}
		return a.coerceOne(v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var elements []any
	for _, e := range list {
		e, err := a.coerceOne(e)
		if err != nil {
			return nil, err
		}
		if !hollow(e) {
			elements = append(elements, e)
		}
	}
	if len(elements) == 0 {
		return nil, nil
	}
	return elements, a.checkLength(elements)
}

// maxElements is how many values an attribute may have.
const maxElements = 500

func (a *attribute) checkLength(list []any) error {
	if len(list) > maxElements {
		return desk.Errorf(desk.InvalidValue, a.path, "%s may have up to %d values", a.path, maxElements)
	}
	return nil
}

// coerceOne does the same for one value of a multi-valued attribute, or for the value of a single-valued one.
func (a *attribute) coerceOne(v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if a.kind == "complex" {
		return a.coerceComplex(v)
	}
	if a.field != nil {
		return a.field.Coerce(v)
	}
	switch t := v.(type) {
	case json.Number:
		if a.kind == "string" && slices.Contains(takesNumbers, a.name) {
			v = t.String()
		}
	case string:
		if a.kind == "boolean" {
			b, err := asBool(t)
			if err != nil {
				return nil, a.invalid()
			}
			return b, nil
		}
	}
	checked, err := a.def.ValidateSingular(v)
	if err != nil {
		return nil, a.invalid()
	}
	return checked, nil
}

// members returns a complex value's members by the schema's names: text stands for the value, and what is read-only is left
// out. They are not coerced yet.
func (a *attribute) members(v any) (map[string]any, error) {
	if s, ok := v.(string); ok && a.subs["value"] != nil {
		// Entra sends a manager as its bare id, and some clients an address as bare text.
		v = map[string]any{"value": s}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, a.invalid()
	}
	out := make(map[string]any, len(m))
	for name, v := range m {
		if sub := a.subs[strings.ToLower(name)]; sub != nil {
			if sub.readOnly {
				continue
			}
			name = sub.name
		}
		if _, twice := out[name]; twice {
			return nil, desk.Errorf(desk.InvalidSyntax, a.path, "%s.%s is given twice", a.path, short(name))
		}
		out[name] = v
	}
	return out, nil
}

func (a *attribute) coerceComplex(v any) (any, error) {
	members, err := a.members(v)
	if err != nil {
		return nil, err
	}
	for name, v := range members {
		if sub := a.subs[strings.ToLower(name)]; sub != nil {
			v, err = sub.coerce(v)
		} else {
			v = compact(v)
		}
		if err != nil {
			return nil, err
		}
		if members[name] = v; v == nil {
			delete(members, name)
		}
	}
	if len(members) == 0 {
		return nil, nil
	}
	return members, nil
}

func (a *attribute) invalid() error {
	want := map[string]string{
		"string": "text", "boolean": "true or false", "reference": "a URI", "dateTime": "a time such as 2026-01-31T12:00:00Z", "binary": "base64 text",
	}[a.kind]
	switch {
	case a.multi:
		want = "a list of objects"
	case want == "":
		want = "an object"
	}
	return desk.Errorf(desk.InvalidValue, a.path, "%s must be %s", a.path, want)
}

// asBool takes booleans and, since Entra sends "True" and "False", their text.
func asBool(v any) (bool, error) {
	if s, ok := v.(string); ok {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	b, ok := v.(bool)
	if !ok {
		return false, desk.Errorf(desk.InvalidValue, "", "not a boolean")
	}
	return b, nil
}

// hollow reports whether an element says nothing but its label.
func hollow(element any) bool {
	m, ok := element.(map[string]any)
	if !ok {
		return element == nil
	}
	for name := range m {
		if name != "type" && name != "primary" {
			return false
		}
	}
	return true
}

// member looks up a member by name without regard to case.
func member(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// compact copies a value that no schema describes, without what is empty; nil if nothing is left.
func compact(v any) any {
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if e = compact(e); e != nil {
				list = append(list, e)
			}
		}
		if len(list) == 0 {
			return nil
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			if e = compact(e); e != nil {
				m[name] = e
			}
		}
		if len(m) == 0 {
			return nil
		}
		return m
	}
	return v
}

// isEmpty reports whether a value stands for none: null, "" or an empty list.
func isEmpty(v any) bool {
	list, ok := v.([]any)
	return v == nil || v == "" || ok && len(list) == 0
}

// merge adds elements to a list: those that are there (by type and value) take on what is new, the others follow. If an
// added element is primary, no other stays so.
func merge(list, added []any) []any {
	out := make([]any, len(list), len(list)+len(added)) // a copy, since what follows may be refused
	for i, e := range list {
		if m, ok := e.(map[string]any); ok {
			e = maps.Clone(m)
		}
		out[i] = e
	}
	at := make(map[string]int, len(out)+len(added))
	for i, e := range out {
		at[identity(e)] = i
	}
	primary := -1
	for _, e := range added {
		key := identity(e)
		i, there := at[key]
		if !there {
			i = len(out)
			at[key], out = i, append(out, e)
		} else if have, ok := out[i].(map[string]any); ok {
			maps.Copy(have, e.(map[string]any))
		}
		if isPrimary(e) {
			primary = i
		}
	}
	if primary >= 0 {
		demote(out, func(i int) bool { return i == primary })
	}
	return out
}

// identity is the (type, value) pair by which RFC 7643 section 2.4 tells elements apart; for an element without a value, all
// of it but the primary mark, which comes and goes.
func identity(e any) string {
	m, _ := e.(map[string]any)
	if value, ok := m["value"].(string); ok {
		typ, _ := m["type"].(string)
		return "v" + desk.Fold(typ) + "\x00" + value
	}
	if _, marked := m["primary"]; marked {
		m = maps.Clone(m)
		delete(m, "primary")
		e = m
	}
	text, _ := json.Marshal(e)
	return "e" + string(text)
}

func isPrimary(e any) bool {
	m, _ := e.(map[string]any)
	primary, _ := m["primary"].(bool)
	return primary
}

// demote takes the primary mark off all elements but those to keep.
func demote(list []any, keep func(int) bool) {
	for i, e := range list {
		if !keep(i) && isPrimary(e) {
			delete(e.(map[string]any), "primary")
		}
	}
}

// onePrimary is an error if more than one element is marked primary.
func (a *attribute) onePrimary(list []any) error {
	n := 0
	for _, e := range list {
		if isPrimary(e) {
			n++
		}
	}
	if n > 1 {
		return desk.Errorf(desk.InvalidValue, a.name, "only one of the %s can be primary", a.name)
	}
	return nil
}
