package mapping

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"rollcall/desk"
)

// kept are attributes that need no rule: the protocol's own, and those by which the directory and the helpdesk know a person
// again.
var kept = []string{"schemas", "id", "meta", "externalId", "userName", "active"}

// use notes what of a user a rule uses.
func (m *Mapper) use(r *rule) {
	add := func(steps ...step) {
		if len(steps) > 0 {
			m.used[steps[0].name] = append(m.used[steps[0].name], steps)
		}
	}
	for _, s := range r.sources {
		switch {
		case s.path != nil && r.kind == allFields:
			for _, f := range m.fields { // what is said under other names gets nowhere that anybody sees
				add(step{name: desk.FieldsURN, index: -1}, step{name: f.Name, index: -1})
			}
		case s.path != nil && (r.kind == emails || r.kind == phones):
			add(s.path.whole...)
		case s.path != nil:
			add(s.path.steps...)
		case s.expr != nil:
			for _, name := range s.expr.names {
				m.usesAll = m.usesAll || name == wholeEnv
				if p, err := parsePath(m.schema, name); err == nil {
					add(p.whole...)
				} else {
					add(step{name: name, index: -1})
				}
			}
		}
	}
}

// Unmapped lists the attributes that a user has and that no rule uses, as paths by which a rule could, sorted.
func (m *Mapper) Unmapped(r desk.Resource) []string {
	if m.usesAll {
		return nil
	}
	var u unmapped
	for name, v := range r {
		if slices.Contains(kept, name) {
			continue
		}
		used := m.used[name]
		if used == nil {
			used = m.used[strings.ToLower(name)]
		}
		separator := "."
		if strings.Contains(name, ":") {
			separator = ":" // an extension's attributes stand behind its URN
		}
		u.walk(name, separator, v, used)
	}
	slices.Sort(u.paths)
	return slices.Compact(u.paths)
}

type unmapped struct{ paths []string }

// marks are members of elements that say something about the value beside them.
var marks = []string{"type", "primary", "display"}

// walk lists what of a value is not used. The first of the steps have led to it.
func (u *unmapped) walk(path, separator string, v any, used [][]step) {
	for _, steps := range used {
		if len(steps) == 1 && steps[0].index < 0 && steps[0].filter == nil {
			return
		}
	}
	list, several := v.([]any)
	if !several {
		u.inside(path, separator, v, used, nil)
		return
	}
	for i, e := range list {
		var of [][]step
		for _, steps := range used {
			if steps[0].takes(i, e) {
				of = append(of, steps)
			}
		}
		at := path
		m, _ := e.(map[string]any)
		if typ, ok := m["type"].(string); ok {
			quoted, _ := json.Marshal(typ)
			at += "[type eq " + string(quoted) + "]"
		} else if i > 0 {
			at += "[" + strconv.Itoa(i) + "]"
		}
		u.inside(at, separator, e, of, marks)
	}
}

// inside does so for one value or element, whose members of some names are left out.
func (u *unmapped) inside(path, separator string, v any, used [][]step, without []string) {
	for _, steps := range used {
		if len(steps) == 1 {
			return
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		u.paths = append(u.paths, path)
		return
	}
	for name, e := range m {
		if name == "$ref" || slices.Contains(without, name) {
			continue
		}
		var of [][]step
		for _, steps := range used {
			if next := steps[1]; next.name == name || next.loose && strings.EqualFold(next.name, name) {
				of = append(of, steps[1:])
			}
		}
		u.walk(path+separator+name, ".", e, of)
	}
}
