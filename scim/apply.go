package scim

import (
	"maps"
	"slices"

	"rollcall/desk"
)

// apply changes the resource, or returns an error of kind InvalidValue, NoTarget or Mutability.
func (o operation) apply(r desk.Resource) error {
	t := o.to
	if o.err != nil {
		return o.err
	}
	holder := map[string]any(r)
	if t.urn != "" {
		holder, _ = r[t.urn].(map[string]any)
		if holder == nil {
			holder = map[string]any{}
		}
		defer func() {
			if len(holder) > 0 {
				r[t.urn] = holder
			} else {
				delete(r, t.urn)
			}
		}()
	}
	switch {
	case t.attr == nil && t.unknown == "": // an extension as a whole
		clear(holder)
		return nil
	case t.attr == nil:
		return o.applyUnknown(holder)
	case t.filter != nil:
		return o.applyFiltered(holder)
	case t.sub == nil:
		return set(holder, t.attr, o.op, o.value)
	case t.attr.multi:
		return o.applyToAll(holder)
	}
	inner, _ := holder[t.attr.name].(map[string]any)
	if inner == nil || t.attr.name == "manager" && t.sub.name == "value" {
		inner = map[string]any{} // what was said of the manager was said of the old one
	}
	if err := set(inner, t.sub, o.op, o.value); err != nil {
		return err
	}
	store(holder, t.attr, inner)
	return nil
}

// store puts a complex value into its holder, or takes it out if it is empty.
func store(holder map[string]any, a *attribute, inner map[string]any) {
	if len(inner) == 0 || a.name == "manager" && inner["value"] == nil {
		delete(holder, a.name)
		return
	}
	holder[a.name] = inner
}

// applyUnknown keeps what no schema describes.
func (o operation) applyUnknown(holder map[string]any) error {
	v, err := sanitise(o.to.unknown, map[string]any{o.to.unknown: o.value})
	if err != nil {
		return err
	}
	if kept, _ := v.(map[string]any); o.op == "remove" || kept == nil {
		delete(holder, o.to.unknown)
	} else {
		maps.Copy(holder, kept)
	}
	return nil
}

// set adds, replaces or removes an attribute's value in its holder.
func set(holder map[string]any, a *attribute, op string, value any) error {
	if a.readOnly {
		return desk.Errorf(desk.Mutability, a.name, "%s is read-only", a.name)
	}
	if op == "remove" && a.multi && value != nil && value != "" {
		return removeListed(holder, a, value)
	}
	var v any
	if op != "remove" {
		var err error
		if v, err = a.coerce(value); err != nil {
			return err
		}
	}
	if v == nil {
		switch {
		case a.required:
			return desk.Errorf(desk.InvalidValue, a.name, "%s is required and cannot be removed", a.name)
		case op == "add" && a.multi: // nothing to add
		default:
			delete(holder, a.name)
		}
		return nil
	}
	switch v := v.(type) {
	case []any:
		if err := a.onePrimary(v); err != nil {
			return err
		}
		have, _ := holder[a.name].([]any)
		if op == "replace" {
			have = nil
		}
		list := merge(have, v)
		if err := a.checkLength(list); err != nil {
			return err
		}
		holder[a.name] = list
	case map[string]any:
		// RFC 7644 section 3.5.2.3: the sub-attributes that are given replace theirs, the others stay.
		have, _ := holder[a.name].(map[string]any)
		if have == nil || a.name == "manager" {
			have = map[string]any{}
		}
		maps.Copy(have, v)
		holder[a.name] = have
	default:
		holder[a.name] = v
	}
	return nil
}

// removeListed removes the elements that are listed, as Entra removes members: by value, and by type if that is given.
func removeListed(holder map[string]any, a *attribute, value any) error {
	listed, err := a.coerce(value)
	if err != nil {
		return err
	}
	have, _ := holder[a.name].([]any)
	unwanted, _ := listed.([]any)
	have = slices.DeleteFunc(have, func(e any) bool {
		return slices.ContainsFunc(unwanted, func(u any) bool { return isListed(e.(map[string]any), u.(map[string]any)) })
	})
	storeList(holder, a, have)
	return nil
}

func isListed(element, listed map[string]any) bool {
	if listed["value"] == nil {
		return identity(element) == identity(listed)
	}
	return element["value"] == listed["value"] && (listed["type"] == nil || element["type"] == listed["type"])
}

// storeList puts elements into their holder, without those that say nothing.
func storeList(holder map[string]any, a *attribute, list []any) {
	list = slices.DeleteFunc(list, hollow)
	if len(list) == 0 {
		delete(holder, a.name)
		return
	}
	holder[a.name] = merge(nil, list)
}

// applyToAll changes a sub-attribute of every element, and makes one where there is none.
func (o operation) applyToAll(holder map[string]any) error {
	have, _ := holder[o.to.attr.name].([]any)
	if len(have) == 0 && o.op != "remove" {
		have = []any{map[string]any{}}
	}
	list := make([]any, len(have))
	for i, e := range have {
		m := maps.Clone(e.(map[string]any))
		if err := set(m, o.to.sub, o.op, o.value); err != nil {
			return err
		}
		list[i] = m
	}
	if err := o.to.attr.onePrimary(list); err != nil {
		return err
	}
	storeList(holder, o.to.attr, list)
	return nil
}

// applyFiltered changes the elements that the filter selects. Where it selects none, an element is made to fit: Entra counts
// on emails[type eq "work"].value creating the address.
func (o operation) applyFiltered(holder map[string]any) error {
	t := o.to
	have, _ := holder[t.attr.name].([]any)
	list := make([]any, len(have)) // so that an error leaves the resource as it is
	selected := make([]bool, len(have), len(have)+1)
	found := false
	for i, e := range have {
		m, ok := e.(map[string]any)
		list[i], selected[i] = maps.Clone(m), ok && desk.Match(t.filter, m)
		found = found || selected[i]
	}
	if o.op == "remove" && t.sub == nil {
		kept := list[:0:0]
		for i, e := range list {
			if !selected[i] {
				kept = append(kept, e)
			}
		}
		storeList(holder, t.attr, kept)
		return nil
	}
	if !found {
		if o.op == "remove" || o.value == nil || o.value == "" {
			return nil
		}
		if t.seed == nil {
			return desk.Errorf(desk.NoTarget, "path", "the path %q selects no value", t.path)
		}
		list, selected = append(list, maps.Clone(t.seed)), append(selected, true)
	}
	primary := false
	for i, e := range list {
		if !selected[i] {
			continue
		}
		e, err := o.applyToElement(e.(map[string]any))
		if err != nil {
			return err
		}
		list[i] = e
		primary = primary || isPrimary(e)
	}
	if primary {
		demote(list, func(i int) bool { return selected[i] })
		if err := t.attr.onePrimary(list); err != nil {
			return err
		}
	}
	if err := t.attr.checkLength(list); err != nil {
		return err
	}
	storeList(holder, t.attr, list)
	return nil
}

// applyToElement changes one element of a multi-valued attribute, or a sub-attribute of it.
func (o operation) applyToElement(e map[string]any) (map[string]any, error) {
	if o.to.sub != nil {
		return e, set(e, o.to.sub, o.op, o.value)
	}
	value := o.value
	if list, ok := value.([]any); ok && len(list) == 1 {
		value = list[0]
	}
	v, err := o.to.attr.coerceOne(value)
	if err != nil {
		return nil, err
	}
	with, _ := v.(map[string]any)
	if o.op == "replace" {
		// The element keeps what selected it, its type above all, unless the value says otherwise.
		e = maps.Clone(o.to.seed)
		if e == nil {
			e = map[string]any{}
		}
		if with == nil {
			return map[string]any{}, nil // replaced by nothing
		}
	}
	maps.Copy(e, with)
	return e, nil
}
