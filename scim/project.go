package scim

import (
	"maps"
	"slices"
	"strings"

	"rollcall/schema"
)

// projection is which attributes an answer holds (RFC 7644 section 3.9).
type projection struct {
	attributes []string // these only, if there are any
	excluded   []string // all but these
}

func (p projection) isEmpty() bool { return len(p.attributes) == 0 && len(p.excluded) == 0 }

// apply returns the resource, complete with id and meta, with what the projection leaves of it. id and schemas always
// stay; unknown names are passed over.
func (p projection) apply(s *userSchema, r map[string]any) map[string]any {
	out := r
	if len(p.attributes) > 0 {
		out = map[string]any{"schemas": r["schemas"], "id": r["id"]}
		for _, path := range spread(r, p.attributes) {
			if at, ok := s.member(path); ok {
				pick(out, r, at)
			}
		}
	}
	for _, path := range spread(r, p.excluded) {
		if at, ok := s.member(path); ok && at[0] != "id" && at[0] != "schemas" {
			drop(out, at)
		}
	}
	for name, v := range out {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		// Elements of which nothing is left.
		list = slices.DeleteFunc(slices.Clone(list), func(e any) bool { m, ok := e.(map[string]any); return ok && len(m) == 0 })
		if out[name] = list; len(list) == 0 {
			delete(out, name)
		}
	}
	if schemas, ok := r["schemas"].([]any); ok {
		out["schemas"] = slices.DeleteFunc(slices.Clone(schemas), func(urn any) bool {
			name, _ := urn.(string)
			return name != schema.CoreURN && out[name] == nil
		})
	}
	return out
}

// spread puts the core attributes that a resource has in the place of the core schema's URN.
func spread(r map[string]any, paths []string) []string {
	var list []string
	for _, path := range paths {
		if !strings.EqualFold(path, schema.CoreURN) {
			list = append(list, path)
			continue
		}
		for name := range r {
			if !strings.Contains(name, ":") {
				list = append(list, name)
			}
		}
	}
	return list
}

// member returns the member names that lead to a path's value, and whether the path can name anything.
func (s *userSchema) member(path string) ([]string, bool) {
	path, _, _ = strings.Cut(path, "[") // Microsoft's collection asks for emails[type eq "work"]
	urn, rest := s.SplitURN(path)
	if urn != "" && rest == "" && urn != schema.CoreURN {
		return []string{urn}, true
	}
	ref, ok := s.Resolve(path)
	if !ok {
		if urn == "" || urn == schema.CoreURN {
			return []string{rest}, rest != ""
		}
		return []string{urn, rest}, true
	}
	var at []string
	if ref.URN != "" {
		at = append(at, ref.URN)
	}
	at = append(at, ref.Attr.Name)
	if ref.Sub != nil {
		at = append(at, ref.Sub.Name)
	}
	return at, true
}

// pick copies the value at a path, in every element of a list.
func pick(to, from map[string]any, at []string) {
	v, ok := from[at[0]]
	if !ok {
		return
	}
	if len(at) == 1 {
		to[at[0]] = v
		return
	}
	switch v := v.(type) {
	case map[string]any:
		inner, ok := to[at[0]].(map[string]any)
		if !ok {
			inner = map[string]any{}
		}
		pick(inner, v, at[1:])
		if len(inner) > 0 {
			to[at[0]] = inner
		}
	case []any:
		list, ok := to[at[0]].([]any)
		if !ok {
			list = make([]any, len(v))
			for i := range list {
				list[i] = map[string]any{}
			}
		}
		for i, e := range v {
			if e, ok := e.(map[string]any); ok {
				pick(list[i].(map[string]any), e, at[1:])
			}
		}
		to[at[0]] = list
	}
}

// drop removes the value at a path, in every element of a list.
func drop(from map[string]any, at []string) {
	if len(at) == 1 {
		delete(from, at[0])
		return
	}
	switch v := from[at[0]].(type) {
	case map[string]any:
		inner := maps.Clone(v)
		drop(inner, at[1:])
		if from[at[0]] = inner; len(inner) == 0 {
			delete(from, at[0])
		}
	case []any:
		list := slices.Clone(v)
		for i, e := range list {
			if e, ok := e.(map[string]any); ok {
				inner := maps.Clone(e)
				drop(inner, at[1:])
				list[i] = inner
			}
		}
		from[at[0]] = list
	}
}
