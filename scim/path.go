package scim

import (
	"strings"

	"rollcall/desk"
	"rollcall/schema"
)

// target is the place that a path names.
type target struct {
	path string // as sent, for messages
	schema.Reference
	filter desk.Filter    // over the attribute's elements; nil for all of it
	seed   map[string]any // what a new element needs to satisfy the filter; nil if that cannot be said

	// unknown is a name that the schema does not know, of which values are kept as sent: a URN with or without an attribute
	// behind it, or an attribute of the resource, of the extension urn, or of the complex attribute attr.
	unknown string
	known   bool // only if the resource has it already
}

// maxPath is how long a path may be, in bytes.
const maxPath = 1000

// parseTarget reads a path of any form. What does not parse or names nothing known is InvalidPath; attributes of
// extensions that the schema does not know are let pass, since a mapping to them must not keep a leaver active.
func (s *userSchema) parseTarget(path string) (target, error) {
	path = strings.TrimSpace(path)
	t := target{path: path}
	if len(path) > maxPath {
		t.path = strings.ToValidUTF8(path[:maxPath], "")
		return t, desk.Errorf(desk.InvalidPath, "path", "the path is longer than %d bytes", maxPath)
	}
	name, rest, filtered := strings.Cut(path, "[")
	name = strings.TrimSpace(name)
	urn, attr := s.SplitURN(name)
	if urn == "" && schema.IsURN(name) {
		t.unknown = name
		return t, nil
	}
	ref, ok := s.Resolve(name)
	if !ok && !filtered && (urn == "" || urn == schema.CoreURN) && !strings.ContainsAny(attr, ".:") && attr != "" {
		// A name that came with a POST was kept, and can be changed and removed.
		t.unknown, t.known = attr, true
		return t, nil
	}
	if !ok {
		return t, invalidPath(path, "names no attribute that is known")
	}
	t.Reference = ref
	if !filtered {
		return t, nil
	}
	var inner string
	inner, rest, ok = schema.CutBracket(rest)
	if !ok || ref.Attr == nil || ref.Sub != nil || !ref.Attr.Multi {
		return t, invalidPath(path, "is not a filter over a multi-valued attribute")
	}
	f, err := ref.Attr.ParseValueFilter(inner)
	if err != nil {
		return t, invalidPath(path, "has a filter that does not parse: "+desk.AsError(err).Msg)
	}
	t.filter, t.seed = f.Filter, f.Seed
	if rest == "" {
		return t, nil
	}
	if t.Sub = ref.Attr.Subs[schema.Lower(strings.TrimPrefix(rest, "."))]; t.Sub == nil || rest[0] != '.' {
		return t, invalidPath(path, "names no sub-attribute that is known")
	}
	return t, nil
}

func invalidPath(path, why string) error {
	return desk.Errorf(desk.InvalidPath, "path", "the path %q %s", desk.Short(path), why)
}
