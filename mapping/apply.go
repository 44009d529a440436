package mapping

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"rollcall/desk"
)

// Result is what a mapping makes of a user.
type Result struct {
	Profile desk.Profile
	Active  *bool // nil if no rule fills it, or the directory does not say
}

// Apply maps a user. A value that its target cannot hold, or a required field without one, is an InvalidValue error that names
// all such; the result then has what could be mapped.
func (m *Mapper) Apply(r desk.Resource) (Result, error) {
	a := applier{mapper: m, r: r}
	return a.apply()
}

// Explain tells for each field that a user fills which source gave which value, and what could not be mapped.
func (m *Mapper) Explain(r desk.Resource) []desk.Mapped {
	a := applier{mapper: m, r: r, explain: true}
	a.apply()
	list := slices.DeleteFunc(a.told, func(t desk.Mapped) bool {
		return a.display != "" && (t.Target == "firstName" || t.Target == "lastName") // which are not needed
	})
	list = append(list, a.failed...)
	slices.SortStableFunc(list, func(x, y desk.Mapped) int {
		return cmp.Or(cmp.Compare(x.Rule, y.Rule), strings.Compare(x.Target, y.Target))
	})
	return list
}

// applier is one application of a mapping.
type applier struct {
	mapper *Mapper
	r      desk.Resource
	result Result
	env    map[string]any // of expressions; nil until one needs it

	display, first, last string
	failed               []desk.Mapped // up to one for a target

	explain bool
	told    []desk.Mapped
}

func (a *applier) apply() (Result, error) {
	for i := range a.mapper.rules {
		a.rule(&a.mapper.rules[i])
	}
	p := &a.result.Profile
	if p.DisplayName = a.display; p.DisplayName == "" {
		p.DisplayName = strings.TrimSpace(a.first + " " + a.last)
	}
	a.checkRequired()
	if len(a.failed) == 0 {
		return a.result, nil
	}
	said := make([]string, len(a.failed))
	for i, f := range a.failed {
		said[i] = f.Problem
	}
	return a.result, desk.Errorf(desk.InvalidValue, a.failed[0].Target, "%s", strings.Join(said, "; "))
}

func (a *applier) rule(r *rule) {
	switch r.kind {
	case emails:
		a.result.Profile.Emails = a.addresses(r)
	case phones:
		a.result.Profile.Phones = a.addresses(r)
	case allFields:
		a.allFields(r)
	default:
		if r.kind == field && r.field.Multiple {
			a.several(r)
		} else if v, from := a.value(r); v != nil {
			a.set(r, from, v)
		}
	}
}

// value returns the first value that one of the rule's sources has, nil for none.
func (a *applier) value(r *rule) (v any, from *source) {
	for i := range r.sources {
		switch from = &r.sources[i]; {
		case from.path != nil:
			v = from.path.first(a.r)
		case from.expr != nil:
			var ok bool
			if v, ok = a.compute(r, from); !ok {
				return nil, from
			}
		default:
			v = from.constant
		}
		if v != nil && v != "" {
			return v, from
		}
	}
	return nil, from
}

// several gives a custom field all values that the first of a rule's sources has that has any, besides those that other rules
// give it.
func (a *applier) several(r *rule) {
	p := &a.result.Profile
	for i := range r.sources {
		from := &r.sources[i]
		list, ok := a.values(r, from)
		if !ok {
			return
		}
		for _, v := range list {
			if _, err := r.field.CoerceOne(v); err != nil {
				a.refuse(r, from, v, desk.AsError(err).Msg)
				return
			}
		}
		have, _ := p.Fields[r.field.Name].([]any)
		held, err := r.field.Coerce(slices.Concat(have, list))
		if err != nil {
			a.refuse(r, from, list, desk.AsError(err).Msg)
			return
		}
		if own, _ := r.field.Coerce(list); own != nil {
			p.SetField(r.field.Name, held)
			if a.explain {
				a.tell(r, r.name, from.text, own)
			}
			return
		}
	}
}

// values returns all values that a source has. ok is false if they cannot be computed, which has been noted then.
func (a *applier) values(r *rule, from *source) (list []any, ok bool) {
	switch {
	case from.path != nil:
		all(map[string]any(a.r), from.path.steps, func(v any) bool {
			list = append(list, plain(v))
			return false
		})
	case from.expr != nil:
		var v any
		if v, ok = a.compute(r, from); !ok {
			return nil, false
		}
		if list, ok = v.([]any); !ok && v != nil {
			list = []any{v}
		}
	default:
		list, _ = from.constant.([]any)
	}
	return list, true
}

// compute computes a source that is an expression; for a field with several values it may be a list. ok is false if that cannot
// be done, which it notes.
func (a *applier) compute(r *rule, from *source) (v any, ok bool) {
	var err error
	if a.env == nil {
		a.env, err = environment(a.mapper.schema, a.r)
	}
	if err == nil {
		v, err = from.expr.run(a.env, r.kind == field && r.field.Multiple)
	}
	if err != nil {
		a.fail(r, from, "cannot be computed for this person: "+err.Error()+"; change the rule so that it allows for that")
	}
	return v, err == nil
}

// set gives a rule's target a value.
func (a *applier) set(r *rule, from *source, v any) {
	switch r.kind {
	case active:
		b, ok := boolean(v)
		if !ok {
			a.refuse(r, from, v, "active must be true or false")
			return
		}
		a.result.Active = &b
		if a.explain {
			a.tell(r, r.name, from.text, b)
		}
		return
	case field:
		held, err := coerce(r.field, v)
		if err != nil {
			a.refuse(r, from, v, desk.AsError(err).Msg)
		} else if held != nil {
			a.result.Profile.SetField(r.field.Name, held)
			if a.explain {
				a.tell(r, r.name, from.text, held)
			}
		}
		return
	}
	text, ok := v.(string)
	if n, isNumber := v.(json.Number); isNumber {
		text, ok = n.String(), true
	}
	if r.kind == userName || r.kind == email {
		text = desk.Undeleted(text)
	}
	p := &a.result.Profile
	switch {
	case !ok:
		a.refuse(r, from, v, r.name+" must be text")
		return
	case (r.kind == userName || r.kind == email) && desk.TooLongForKey(text):
		a.refuse(r, from, v, fmt.Sprintf("%s may have up to %d bytes", r.name, desk.MaxKey))
		return
	case r.kind == displayName:
		a.display = text
	case r.kind == firstName:
		a.first = text
	case r.kind == lastName:
		a.last = text
	case r.kind == userName:
		p.UserName = text
	case r.kind == title:
		p.Title = text
	case r.kind == companyName:
		p.DirectoryCompany = strings.TrimSpace(text)
	case r.kind == email:
		p.Emails = append(p.Emails, desk.Address{Type: r.label, Value: text})
	case r.kind == phone:
		p.Phones = append(p.Phones, desk.Address{Type: r.label, Value: text})
	}
	if a.explain {
		a.tell(r, r.name, from.text, text)
	}
}

// addresses returns the addresses or numbers that the first of a rule's sources has that has any.
func (a *applier) addresses(r *rule) []desk.Address {
	for i := range r.sources {
		from := &r.sources[i]
		var list []desk.Address
		all(map[string]any(a.r), from.path.whole, func(v any) bool {
			if one := a.address(r, from, v); one.Value != "" {
				list = append(list, one)
			}
			return false
		})
		if list != nil {
			if a.explain {
				a.tell(r, r.name, from.text, list)
			}
			return list
		}
	}
	return nil
}

// address makes an address or number of an element, or of text. One without a value is none.
func (a *applier) address(r *rule, from *source, v any) (one desk.Address) {
	switch v := v.(type) {
	case string:
		one.Value = v
	case json.Number:
		one.Value = v.String()
	case map[string]any:
		one.Type, _ = v["type"].(string)
		one.Value, _ = v["value"].(string)
		one.Primary, _ = v["primary"].(bool)
	default:
		a.refuse(r, from, v, r.name+" must be addresses")
	}
	if r.kind == phones {
		return one
	}
	if one.Value = desk.Undeleted(one.Value); desk.TooLongForKey(one.Value) || desk.TooLongForKey(one.Type) {
		a.refuse(r, from, v, fmt.Sprintf("each of the emails may have up to %d bytes", desk.MaxKey))
		return desk.Address{}
	}
	return one
}

// allFields takes the custom fields that no other rule fills as they are: what there is under their names the endpoint has
// checked, unless it was said before there was such a field.
func (a *applier) allFields(r *rule) {
	p := &a.result.Profile
	have, _ := a.r[desk.FieldsURN].(map[string]any)
	for name, v := range have {
		if len(a.mapper.own) > 0 && a.mapper.own[desk.Fold(name)] {
			continue
		}
		p.SetField(name, v)
		if held := p.Fields[name]; held != nil && a.explain {
			a.tell(r, "fields."+name, desk.FieldsURN+":"+name, held)
		}
	}
}

// checkRequired notes the required custom fields that are empty. Who is inactive need not have them: somebody who left before
// the field was made shall not stay for that.
func (a *applier) checkRequired() {
	if len(a.mapper.required) == 0 || a.result.Active != nil && !*a.result.Active || a.r["active"] == false {
		return
	}
	for _, f := range a.mapper.required {
		if _, ok := a.result.Profile.Fields[f.Name]; ok || a.hasFailed("fields."+f.Name) {
			continue
		}
		name := "fields." + f.Name
		for i := range a.mapper.rules {
			if r := &a.mapper.rules[i]; r.name == name {
				a.note(r.n, name, r.text, fmt.Sprintf("%s is required, and %s (rule %d) is empty; fill it in the directory, or add a value for that case: %s | const:VALUE", f.Name, r.text, r.n, r.text))
			}
		}
		if !a.hasFailed(name) {
			a.note(0, name, "", fmt.Sprintf("%s is required; map an attribute that every user has to %s:%s, or add a rule with the target %s", f.Name, desk.FieldsURN, f.Name, name))
		}
	}
}

func (a *applier) hasFailed(target string) bool {
	for _, f := range a.failed {
		if f.Target == target {
			return true
		}
	}
	return false
}

// refuse notes that a target cannot hold a value.
func (a *applier) refuse(r *rule, from *source, v any, want string) {
	a.fail(r, from, fmt.Sprintf("gives %s, but %s; correct it in the directory, or map another attribute", kindOf(v), want))
}

func (a *applier) fail(r *rule, from *source, why string) {
	a.note(r.n, r.name, from.text, fmt.Sprintf("rule %d: %s %s", r.n, from.text, why))
}

func (a *applier) note(n int, target, source, message string) {
	if !a.hasFailed(target) {
		a.failed = append(a.failed, desk.Mapped{Rule: n, Target: target, Source: source, Problem: message})
	}
}

// tell notes what a field gets from where.
func (a *applier) tell(r *rule, target, source string, v any) {
	a.told = append(a.told, desk.Mapped{Rule: r.n, Target: target, Source: source, Value: v})
}

// kindOf says what a value is, without telling it.
func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	}
	return "an object"
}

// coerce returns a value as a custom field holds it.
func coerce(f desk.Field, v any) (any, error) {
	if f.Type == desk.FieldBoolean {
		if b, ok := boolean(v); ok {
			return b, nil
		}
	}
	return f.Coerce(v)
}

// boolean takes booleans, and what stands for them in directories.
func boolean(v any) (b, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case json.Number:
		return v == "1", v == "1" || v == "0"
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true", "yes", "1", "on", "enabled":
			return true, true
		case "false", "no", "0", "off", "disabled":
			return false, true
		}
	}
	return false, false
}
