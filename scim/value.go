package scim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/schema"
)

// takesNumbers are text attributes for which directories send JSON numbers.
var takesNumbers = []string{"employeeNumber", "costCenter", "postalCode", "value"}

// coerce returns a value in the attribute's canonical form, made of new maps and slices: boolean text as boolean, one
// element as a list, wrapped values unwrapped, names as the schema writes them. nil means that there is nothing: null, "",
// an empty list or object.
func coerce(a *schema.Attribute, v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if !a.Multi {
		// Entra wraps single values in a list: [{"$ref":null,"value":"x"}].
		if list, ok := v.([]any); ok && len(list) <= 1 {
			if len(list) == 0 {
				return nil, nil
			}
			v = list[0]
			if m, ok := v.(map[string]any); ok && a.Subs == nil {
				v = member(m, "value")
			}
		}
		return coerceOne(a, v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if a.Field != nil {
		values := make([]any, len(list))
		for i, e := range list {
			values[i] = unwrap(a, e)
		}
		return a.Field.Coerce(values)
	}
	var elements []any
	for _, e := range list {
		e, err := coerceOne(a, e)
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
	return elements, checkLength(a, elements)
}

// unwrap takes a value that is not complex out of the object in which clients put it, as if it were: {"value":"x"}.
func unwrap(a *schema.Attribute, v any) any {
	if m, ok := v.(map[string]any); ok && a.Subs == nil {
		if name, ok := heldAs(m, "value"); ok {
			return m[name]
		}
	}
	return v
}

func checkLength(a *schema.Attribute, list []any) error {
	most := desk.MaxElements
	if a.Field != nil {
		most = desk.MaxValues
	}
	if len(list) > most {
		return desk.Errorf(desk.InvalidValue, a.Path, "%s may have up to %d values", a.Path, most)
	}
	return nil
}

// coerceOne does the same for one value of a multi-valued attribute, or for the value of a single-valued one.
func coerceOne(a *schema.Attribute, v any) (any, error) {
	if v == nil || v == "" {
		return nil, nil
	}
	if a.Kind == "complex" {
		return coerceComplex(a, v)
	}
	if text, ok := v.(string); ok && a.Path == "photos.value" && len(text) > desk.MaxText {
		return nil, nil // the picture itself, where its URL belongs: no reason to refuse the person
	}
	if a.Field != nil {
		return a.Field.CoerceOne(v)
	}
	switch t := v.(type) {
	case json.Number:
		if a.Kind == "string" && slices.Contains(takesNumbers, a.Name) {
			v = t.String()
		}
	case string:
		switch a.Kind {
		case "string", "reference":
			return v, nil // without another copy of it, as below
		case "boolean":
			b, err := schema.AsBool(t)
			if err != nil {
				return nil, invalid(a)
			}
			return b, nil
		}
	}
	checked, err := a.Def.ValidateSingular(v)
	if err != nil {
		return nil, invalid(a)
	}
	return checked, nil
}

// membersOf returns a complex value's members by the schema's names: text stands for the value, and what is read-only is left
// out. They are not coerced yet.
func membersOf(a *schema.Attribute, v any) (map[string]any, error) {
	if s, ok := v.(string); ok && a.Subs["value"] != nil {
		// Entra sends a manager as its bare id, and some clients an address as bare text.
		v = map[string]any{"value": s}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, invalid(a)
	}
	out := make(map[string]any, len(m))
	for name, v := range m {
		if sub := a.Subs[schema.Lower(name)]; sub != nil {
			if sub.ReadOnly {
				continue
			}
			name = sub.Name
		}
		if _, twice := out[name]; twice {
			return nil, desk.Errorf(desk.InvalidSyntax, a.Path, "%s.%s is given twice", a.Path, desk.Short(name))
		}
		out[name] = v
	}
	return out, nil
}

func coerceComplex(a *schema.Attribute, v any) (any, error) {
	members, err := membersOf(a, v)
	if err != nil {
		return nil, err
	}
	for name, v := range members {
		if sub := a.Subs[schema.Lower(name)]; sub != nil {
			v, err = coerce(sub, v)
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

func invalid(a *schema.Attribute) error {
	want := map[string]string{
		"string": "text", "boolean": "true or false", "reference": "a URI", "dateTime": "a time such as 2026-01-31T12:00:00Z", "binary": "base64 text",
	}[a.Kind]
	switch {
	case a.Multi:
		want = "a list of objects"
	case want == "":
		want = "an object"
	}
	return desk.Errorf(desk.InvalidValue, a.Path, "%s must be %s", a.Path, want)
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
	if len(out)+len(added) < 2 {
		return append(out, added...)
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

// identity is the (type, value) pair by which RFC 7643 section 2.4 tells elements apart; for text, that without regard to case; for
// an element without a value, all of it but the primary mark, which comes and goes.
func identity(e any) string {
	if text, ok := e.(string); ok {
		return "t" + desk.Fold(text)
	}
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
func onePrimary(a *schema.Attribute, list []any) error {
	n := 0
	for _, e := range list {
		if isPrimary(e) {
			n++
		}
	}
	if n > 1 {
		return desk.Errorf(desk.InvalidValue, a.Name, "only one of the %s can be primary", a.Name)
	}
	return nil
}
