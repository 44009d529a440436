package scim

import (
	"maps"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/schema"
)

// apply changes the resource, or leaves it as it is and returns an error of kind InvalidValue, InvalidPath, NoTarget or
// Mutability.
func (o operation) apply(r desk.Resource) error {
	t := o.to
	if o.err != nil {
		return o.err
	}
	if t.unknown != "" && schema.IsURN(t.unknown) {
		return o.applyUnknownURN(r)
	}
	holder := map[string]any(r)
	if t.URN != "" {
		holder, _ = r[t.URN].(map[string]any)
		if holder == nil {
			holder = map[string]any{}
		}
		defer func() {
			if len(holder) > 0 {
				r[t.URN] = holder
			} else {
				delete(r, t.URN)
			}
		}()
	}
	switch {
	case t.unknown != "" && t.Attr == nil:
		return o.applyUnknown(holder)
	case t.Attr == nil: // an extension as a whole, to be removed
		clear(holder)
		return nil
	case t.filter != nil:
		return o.applyFiltered(holder)
	case t.Sub == nil && t.unknown == "":
		return set(holder, t.Attr, o.op, o.value)
	case t.Attr.Multi:
		return o.applyToAll(holder)
	}
	inner, _ := holder[t.Attr.Name].(map[string]any)
	inner = maps.Clone(inner)
	if inner == nil || t.Attr.Name == "manager" && t.Sub != nil && t.Sub.Name == "value" {
		inner = map[string]any{} // what was said of the manager was said of the old one
	}
	var err error
	if t.Sub != nil {
		err = set(inner, t.Sub, o.op, o.value)
	} else {
		err = o.applyUnknown(inner)
	}
	if err == nil {
		store(holder, t.Attr, inner)
	}
	return err
}

// store puts a complex value into its holder, or takes it out if it is empty. A manager is one by its id or its reference.
func store(holder map[string]any, a *schema.Attribute, inner map[string]any) {
	if len(inner) == 0 || a.Name == "manager" && inner["value"] == nil && inner["$ref"] == nil {
		delete(holder, a.Name)
		return
	}
	holder[a.Name] = inner
}

// applyUnknown keeps what no schema describes, under the name that it has already in whatever case.
func (o operation) applyUnknown(holder map[string]any) error {
	name, known := heldAs(holder, o.to.unknown)
	if o.to.known && !known {
		return invalidPath(o.to.path, "names no attribute that is known")
	}
	if v := compact(o.value); o.op == "remove" || v == nil {
		delete(holder, name)
	} else {
		holder[name] = v
	}
	return nil
}

// heldAs returns the name under which a holder has a member, without regard to case; the name itself if it has none.
func heldAs(holder map[string]any, name string) (string, bool) {
	if _, ok := holder[name]; ok {
		return name, true
	}
	for held := range holder {
		if strings.EqualFold(held, name) {
			return held, true
		}
	}
	return name, false
}

// applyUnknownURN keeps an extension that no schema describes, or an attribute of one. Which of the two a URN names can be
// told by what the resource holds already, by the value, and by the word User, in which most such URNs end.
func (o operation) applyUnknownURN(r desk.Resource) error {
	path, members := o.to.unknown, o.value
	_, object := o.value.(map[string]any)
	urn, held := heldAs(r, path)
	attr := ""
	switch user := strings.Index(asciiLower(path), ":user:"); {
	case held:
	case user >= 0:
		urn, attr = path[:user+5], path[user+6:]
	case strings.HasSuffix(asciiLower(path), ":user"), object:
	default:
		colon := strings.LastIndexByte(path, ':')
		urn, attr = path[:colon], path[colon+1:]
	}
	urn, attr = strings.TrimSpace(urn), strings.TrimSpace(attr)
	if attr != "" {
		urn, _ = heldAs(r, urn)
		members = map[string]any{attr: o.value}
	} else if !object && !isEmpty(o.value) && o.op != "remove" {
		return desk.Errorf(desk.InvalidValue, path, "the extension %s must be an object", desk.Short(path))
	}
	holder, _ := r[urn].(map[string]any)
	holder = maps.Clone(holder)
	if holder == nil {
		holder = map[string]any{}
	}
	if attr == "" && (o.op == "remove" || isEmpty(o.value) && o.op == "replace") {
		clear(holder)
	} else if list, ok := members.(map[string]any); ok {
		for name, v := range list {
			member := operation{op: o.op, value: v, to: target{unknown: name}}
			if err := member.applyUnknown(holder); err != nil {
				return err
			}
		}
	}
	if len(holder) == 0 {
		delete(r, urn)
	} else {
		r[urn] = holder
	}
	return nil
}

// asciiLower folds ASCII letters alone, so that indexes into the result are indexes into s.
func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// set adds, replaces or removes an attribute's value in its holder.
func set(holder map[string]any, a *schema.Attribute, op string, value any) error {
	if a.ReadOnly {
		return desk.Errorf(desk.Mutability, a.Path, "%s is read-only", a.Path)
	}
	if op == "remove" && a.Multi && value != nil && value != "" {
		return removeListed(holder, a, value)
	}
	if list, ok := value.([]any); ok && len(list) == 1 && !a.Multi && a.Kind == "complex" {
		value = list[0] // Entra wraps a manager in a list
	}
	if op == "remove" || isEmpty(value) && !(op == "add" && a.Multi) {
		if a.Required {
			kind := desk.InvalidValue
			if op == "remove" {
				kind = desk.Mutability // RFC 7644 section 3.5.2.2
			}
			return desk.Errorf(kind, a.Path, "%s is required and cannot be removed", a.Path)
		}
		delete(holder, a.Name)
		return nil
	}
	if a.Kind == "complex" && !a.Multi {
		return setComplex(holder, a, op, value)
	}
	v, err := coerce(a, value)
	if err != nil {
		return err
	}
	switch v := v.(type) {
	case nil: // a list of nothing
		if op == "replace" {
			delete(holder, a.Name)
		}
	case []any:
		if err := onePrimary(a, v); err != nil {
			return err
		}
		var have []any
		if op == "add" {
			have = held(holder, a)
		}
		list := merge(have, v)
		if err := checkLength(a, list); err != nil {
			return err
		}
		holder[a.Name] = list
	default:
		holder[a.Name] = v
	}
	return nil
}

// held returns the values that a multi-valued attribute has. Of those that a custom field has from before it was as it is, what
// fits it counts.
func held(holder map[string]any, a *schema.Attribute) []any {
	list, ok := holder[a.Name].([]any)
	if a.Field == nil {
		return list
	}
	if !ok {
		list = []any{holder[a.Name]}
	}
	var fit []any
	for _, v := range list {
		if v, err := a.Field.CoerceOne(v); err == nil && v != nil {
			fit = append(fit, v)
		}
	}
	return fit
}

// setComplex changes the sub-attributes that are given, and leaves the others (RFC 7644 section 3.5.2.3).
func setComplex(holder map[string]any, a *schema.Attribute, op string, value any) error {
	members, err := membersOf(a, value)
	if err != nil {
		return err
	}
	have, _ := holder[a.Name].(map[string]any)
	have = maps.Clone(have)
	if _, anew := members["value"]; have == nil || a.Name == "manager" && anew { // of a new manager nothing is known
		have = map[string]any{}
	}
	for name, v := range members {
		if sub := a.Subs[schema.Lower(name)]; sub != nil {
			err = set(have, sub, op, v)
		} else {
			err = operation{op: op, value: v, to: target{unknown: name}}.applyUnknown(have)
		}
		if err != nil {
			return err
		}
	}
	store(holder, a, have)
	return nil
}

// removeListed removes the elements that are listed, as Entra removes members: those that agree in all that is listed of them.
func removeListed(holder map[string]any, a *schema.Attribute, value any) error {
	listed, ok := value.([]any)
	if !ok {
		listed = []any{value}
	}
	kept := slices.Clone(held(holder, a))
	for _, l := range listed {
		l, err := coerceOne(a, unwrap(a, l))
		if err != nil {
			return err
		}
		if l != nil {
			kept = slices.DeleteFunc(kept, func(e any) bool { return agrees(a, e, l) })
		}
	}
	storeList(holder, a, kept)
	return nil
}

// agrees reports whether an element has all the given members, compared as their case rules say; or, if it is not complex, is the
// given value.
func agrees(a *schema.Attribute, e, listed any) bool {
	element, ok := e.(map[string]any)
	if !ok {
		return identity(e) == identity(listed)
	}
	members, _ := listed.(map[string]any)
	for name, want := range members {
		got := element[name]
		wantText, text := want.(string)
		gotText, _ := got.(string)
		if sub := a.Subs[schema.Lower(name)]; text && sub != nil && !sub.CaseExact {
			if !strings.EqualFold(gotText, wantText) {
				return false
			}
		} else if identity(map[string]any{"x": got}) != identity(map[string]any{"x": want}) {
			return false
		}
	}
	return true
}

// storeList puts elements into their holder, without those that say nothing.
func storeList(holder map[string]any, a *schema.Attribute, list []any) {
	list = slices.DeleteFunc(list, hollow)
	if len(list) == 0 {
		delete(holder, a.Name)
		return
	}
	holder[a.Name] = merge(nil, list)
}

// applyToAll changes a sub-attribute of every element, and makes one where there is none.
func (o operation) applyToAll(holder map[string]any) error {
	have, _ := holder[o.to.Attr.Name].([]any)
	if len(have) == 0 && o.op != "remove" {
		have = []any{map[string]any{}}
	}
	list := make([]any, len(have))
	for i, e := range have {
		m := maps.Clone(e.(map[string]any))
		if err := set(m, o.to.Sub, o.op, o.value); err != nil {
			return err
		}
		list[i] = m
	}
	if err := onePrimary(o.to.Attr, list); err != nil {
		return err
	}
	storeList(holder, o.to.Attr, list)
	return nil
}

// applyFiltered changes the elements that the filter selects. Where it selects none, an element is made to fit: Entra counts
// on emails[type eq "work"].value creating the address. None is made if the value contradicts the filter, else asking once
// more for emails[value eq "old"].value to be "new" would add a second new address.
func (o operation) applyFiltered(holder map[string]any) error {
	t := o.to
	have := held(holder, t.Attr)
	list := make([]any, len(have)) // so that an error leaves the resource as it is
	selected := make([]bool, len(have), len(have)+1)
	found := false
	for i, e := range have {
		if m, ok := e.(map[string]any); ok {
			e = maps.Clone(m)
		}
		list[i], selected[i] = e, desk.MatchElement(t.filter, e)
		found = found || selected[i]
	}
	if o.op == "remove" && t.Sub == nil {
		kept := list[:0:0]
		for i, e := range list {
			if !selected[i] {
				kept = append(kept, e)
			}
		}
		storeList(holder, t.Attr, kept)
		return nil
	}
	if !found {
		if o.op == "remove" || isEmpty(o.value) {
			return nil
		}
		if t.seed == nil {
			return noTarget(t.path)
		}
		list, selected = append(list, maps.Clone(t.seed)), append(selected, true)
	}
	primary := false
	for i, e := range list {
		if !selected[i] {
			continue
		}
		element, err := o.applyToElement(e)
		if err != nil {
			return err
		}
		if !found && compact(element) != nil && !desk.MatchElement(t.filter, element) {
			return noTarget(t.path)
		}
		list[i] = element
		primary = primary || isPrimary(element) && !hollow(element) // what is not kept takes no mark from others
	}
	if primary {
		demote(list, func(i int) bool { return selected[i] })
		if err := onePrimary(t.Attr, list); err != nil {
			return err
		}
	}
	if err := checkLength(t.Attr, list); err != nil {
		return err
	}
	storeList(holder, t.Attr, list)
	return nil
}

func noTarget(path string) error {
	return desk.Errorf(desk.NoTarget, "path", "the path %q selects no value", desk.Short(path))
}

// applyToElement changes one element of a multi-valued attribute, or a sub-attribute of it; nil is left of one that is emptied.
func (o operation) applyToElement(element any) (any, error) {
	e, _ := element.(map[string]any)
	if o.to.Sub != nil {
		return e, set(e, o.to.Sub, o.op, o.value)
	}
	value := o.value
	if list, ok := value.([]any); ok && len(list) == 1 {
		value = list[0]
	}
	if isEmpty(value) {
		return nil, nil
	}
	v, err := coerceOne(o.to.Attr, unwrap(o.to.Attr, value))
	if err != nil || o.to.Attr.Subs == nil {
		return v, err
	}
	with, _ := v.(map[string]any)
	if o.op == "replace" {
		// The element keeps what selected it, its type above all, unless the value says otherwise.
		if e = maps.Clone(o.to.seed); e == nil {
			e = map[string]any{}
		}
	}
	maps.Copy(e, with)
	return e, nil
}
