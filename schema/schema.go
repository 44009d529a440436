package schema

import (
	"maps"
	"slices"
	"strings"

	elimity "github.com/elimity-com/scim/schema"

	"rollcall/desk"
)

// CoreURN names the core schema of users (RFC 7643 section 4.1).
const CoreURN = elimity.UserSchema

// Schema is the User resource as it is offered: the core schema, its extensions, and the tables by which names are looked
// up. It is built once, since the library's own checks build theirs at each request, and is read only.
type Schema struct {
	Core       elimity.Schema
	Extensions []Extension
	Attributes map[string]*Attribute // the core ones and the common ones, by lower-case name

	urns map[string]string     // what the schema calls a URN, by lower-case URN
	bare map[string]*Extension // the extension of an attribute that stands without its URN, by lower-case name
}

// Extension is one extension of the core schema.
type Extension struct {
	URN        string
	Schema     elimity.Schema
	Attributes map[string]*Attribute // by lower-case name
}

// Attribute is one attribute's definition.
type Attribute struct {
	Name      string
	Path      string // with the attribute that it is a sub-attribute of, for messages
	Kind      string // RFC 7643 section 2.3: "string", "boolean", "complex", …
	Multi     bool
	CaseExact bool
	ReadOnly  bool
	Required  bool
	Subs      map[string]*Attribute // by lower-case name
	Field     *desk.Field           // the custom field that it stands for, nil for none
	Def       elimity.CoreAttribute
}

// notKept are core attributes that Rollcall does not keep: a password is accepted and dropped, group membership is read
// only and groups are not offered, and certificates are of no use to a helpdesk. What is advertised gets tested.
var notKept = []string{"password", "groups", "x509Certificates"}

// plain is the schema of tenants without custom fields.
var plain = build()

func build(more ...Extension) *Schema {
	core := elimity.CoreUserSchema()
	core.Attributes = slices.DeleteFunc(core.Attributes, func(a elimity.CoreAttribute) bool { return slices.Contains(notKept, a.Name()) })
	enterprise := elimity.ExtensionEnterpriseUser()
	s := &Schema{
		Core:       core,
		Extensions: append([]Extension{{URN: enterprise.ID, Schema: enterprise, Attributes: table("", enterprise.Attributes)}}, more...),
		Attributes: table("", core.Attributes),
		urns:       map[string]string{strings.ToLower(CoreURN): CoreURN, misprinted: desk.EnterpriseURN},
		bare:       map[string]*Extension{},
	}
	maps.Copy(s.Attributes, table("", elimity.CommonAttributes()))
	for i := range s.Extensions {
		s.urns[strings.ToLower(s.Extensions[i].URN)] = s.Extensions[i].URN
		for name := range s.Extensions[i].Attributes {
			if s.Attributes[name] == nil && s.bare[name] == nil {
				s.bare[name] = &s.Extensions[i]
			}
		}
	}
	return s
}

func table(prefix string, attributes elimity.Attributes) map[string]*Attribute {
	t := make(map[string]*Attribute, len(attributes))
	for _, def := range attributes {
		a := &Attribute{
			Name:      def.Name(),
			Path:      prefix + def.Name(),
			Kind:      def.AttributeType(),
			Multi:     def.MultiValued(),
			CaseExact: def.CaseExact() || def.AttributeType() == "reference" || def.AttributeType() == "binary",
			ReadOnly:  def.Mutability() == "readOnly",
			Required:  def.Required() && def.Mutability() != "readOnly",
			Def:       def,
		}
		if def.HasSubAttributes() {
			a.Subs = table(a.Name+".", def.SubAttributes())
		}
		t[strings.ToLower(a.Name)] = a
	}
	return t
}

// lowered has the names that the standards give attributes, with their lower case.
var lowered = func() map[string]string {
	names := map[string]string{}
	var add func(t map[string]*Attribute)
	add = func(t map[string]*Attribute) {
		for lower, a := range t {
			names[a.Name] = lower
			add(a.Subs)
		}
	}
	add(plain.Attributes)
	for _, e := range plain.Extensions {
		add(e.Attributes)
	}
	return names
}()

// Lower returns an attribute's name in lower case, by which the tables have it.
func Lower(name string) string {
	if lower, ok := lowered[name]; ok {
		return lower // which makes no new string
	}
	return strings.ToLower(name)
}

// misprinted is the enterprise URN as some of Microsoft's pages print it, in lower case.
const misprinted = "urn:ietf:params:scim:schemas:extension:enterprise:2.0user"

// SplitURN cuts an attribute path that begins with a known URN, which comes back as the schema writes it. rest is "" where the
// path names the whole schema. A path without a known URN comes back whole.
func (s *Schema) SplitURN(path string) (urn, rest string) {
	if len(path) < 4 || !strings.EqualFold(path[:4], "urn:") {
		return "", path
	}
	for known, urn := range s.urns {
		if len(path) < len(known) || !strings.EqualFold(path[:len(known)], known) {
			continue
		}
		// A dot before the attribute stands in Microsoft's sample collection.
		switch rest := path[len(known):]; {
		case rest == "":
			return urn, ""
		case rest[0] == ':' || rest[0] == '.':
			return urn, strings.TrimSpace(rest[1:])
		}
	}
	return "", path
}

// IsURN reports whether a name has the parts of a URN: urn, a namespace and what it names.
func IsURN(name string) bool {
	if len(name) < 4 || !strings.EqualFold(name[:4], "urn:") {
		return false
	}
	return strings.Count(name, ":") > 1 && !strings.Contains(name, "::") && !strings.HasSuffix(name, ":")
}

// Extension returns a known extension, or nil.
func (s *Schema) Extension(urn string) *Extension {
	for i := range s.Extensions {
		if s.Extensions[i].URN == urn {
			return &s.Extensions[i]
		}
	}
	return nil
}

// Reference is what an attribute path without a value filter names.
type Reference struct {
	URN  string     // the extension's, "" for the core schema
	Attr *Attribute // nil where the path names an extension as a whole
	Sub  *Attribute // nil where it names the attribute as a whole

	element bool // it names one value of Attr, which is multi-valued and not complex
}

// Resolve looks up a path such as userName, name.givenName, urn:…:User:department or department. ok is false for a name
// that the schema does not know.
func (s *Schema) Resolve(path string) (ref Reference, ok bool) {
	urn, rest := s.SplitURN(path)
	name, sub, hasSub := strings.Cut(rest, ".")
	name = Lower(name)
	attributes := s.Attributes
	if urn != "" && urn != CoreURN {
		e := s.Extension(urn)
		if e == nil {
			return ref, false
		}
		if rest == "" {
			return Reference{URN: urn}, true
		}
		ref.URN, attributes = urn, e.Attributes
	} else if e := s.bare[name]; e != nil {
		ref.URN, attributes = e.URN, e.Attributes
	}
	if ref.Attr = attributes[name]; ref.Attr == nil {
		return ref, false
	}
	if hasSub {
		ref.Sub = ref.Attr.Subs[Lower(sub)]
		return ref, ref.Sub != nil
	}
	return ref, true
}

// Attribute returns where the reference lies in a resource, for filters.
func (ref Reference) Attribute() desk.Attribute {
	a := desk.Attribute{Multi: -1, Custom: ref.Attr.Field != nil}
	if ref.URN != "" {
		a.Path = append(a.Path, ref.URN)
	}
	if !ref.element {
		a.Path = append(a.Path, ref.Attr.Name)
		if ref.Attr.Multi {
			a.Multi = len(a.Path) - 1
		}
	}
	last := ref.Attr
	if ref.Sub != nil {
		last = ref.Sub
		a.Path = append(a.Path, ref.Sub.Name)
	}
	a.CaseExact = last.CaseExact
	switch last.Kind {
	case "boolean":
		a.Type = desk.BoolType
	case "dateTime":
		a.Type = desk.TimeType
	case "decimal":
		a.Type = desk.NumberType
	case "complex":
		a.Type = desk.ComplexType
	}
	return a
}
