package scim

import (
	"maps"
	"slices"
	"strings"

	"github.com/elimity-com/scim/schema"

	"rollcall/desk"
)

// URNs of RFC 7643 and 7644.
const (
	coreURN = schema.UserSchema
	listURN = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
)

// userSchema is the User resource as it is offered: the core schema, its extensions, and the tables by which names are
// looked up. It is built once, since the library's own checks build theirs at each request.
type userSchema struct {
	core       schema.Schema
	extensions []extension
	urns       map[string]string     // what the schema calls a URN, by lower-case URN
	attributes map[string]*attribute // the core ones and the common ones, by lower-case name
	bare       map[string]*extension // the extension of an attribute that stands without its URN, by lower-case name
}

type extension struct {
	urn        string
	schema     schema.Schema
	attributes map[string]*attribute // by lower-case name
}

// attribute is one attribute's definition.
type attribute struct {
	name      string
	path      string // with the attribute that it is a sub-attribute of, for messages
	kind      string // RFC 7643 section 2.3: "string", "boolean", "complex", …
	multi     bool
	caseExact bool
	readOnly  bool
	required  bool
	subs      map[string]*attribute // by lower-case name
	field     *desk.Field           // the custom field that it stands for, nil for none
	def       schema.CoreAttribute
}

// notKept are core attributes that Rollcall does not keep: a password is accepted and dropped, group membership is read
// only and groups are not offered, and certificates are of no use to a helpdesk. What is advertised gets tested.
var notKept = []string{"password", "groups", "x509Certificates"}

// dropped are attributes that a client may send and that are never stored: set by the server, or not offered.
var dropped = []string{"schemas", "id", "meta", "password", "groups"}

// users is the schema of tenants without custom fields.
var users = newUserSchema()

func newUserSchema(more ...extension) *userSchema {
	core := schema.CoreUserSchema()
	core.Attributes = slices.DeleteFunc(core.Attributes, func(a schema.CoreAttribute) bool { return slices.Contains(notKept, a.Name()) })
	enterprise := schema.ExtensionEnterpriseUser()
	s := &userSchema{
		core:       core,
		extensions: append([]extension{{urn: enterprise.ID, schema: enterprise, attributes: table("", enterprise.Attributes)}}, more...),
		urns:       map[string]string{strings.ToLower(coreURN): coreURN, misprinted: desk.EnterpriseURN},
		attributes: table("", core.Attributes),
		bare:       map[string]*extension{},
	}
	maps.Copy(s.attributes, table("", schema.CommonAttributes()))
	for i := range s.extensions {
		s.urns[strings.ToLower(s.extensions[i].urn)] = s.extensions[i].urn
		for name := range s.extensions[i].attributes {
			if s.attributes[name] == nil && s.bare[name] == nil {
				s.bare[name] = &s.extensions[i]
			}
		}
	}
	return s
}

func table(prefix string, attributes schema.Attributes) map[string]*attribute {
	t := make(map[string]*attribute, len(attributes))
	for _, def := range attributes {
		a := &attribute{
			name:      def.Name(),
			path:      prefix + def.Name(),
			kind:      def.AttributeType(),
			multi:     def.MultiValued(),
			caseExact: def.CaseExact() || def.AttributeType() == "reference" || def.AttributeType() == "binary",
			readOnly:  def.Mutability() == "readOnly",
			required:  def.Required() && def.Mutability() != "readOnly",
			def:       def,
		}
		if def.HasSubAttributes() {
			a.subs = table(a.name+".", def.SubAttributes())
		}
		t[strings.ToLower(a.name)] = a
	}
	return t
}

// misprinted is the enterprise URN as some of Microsoft's pages print it, in lower case.
const misprinted = "urn:ietf:params:scim:schemas:extension:enterprise:2.0user"

// splitURN cuts an attribute path that begins with a known URN, which comes back as the schema writes it. rest is "" where the
// path names the whole schema. A path without a known URN comes back whole.
func (s *userSchema) splitURN(path string) (urn, rest string) {
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
			return urn, rest[1:]
		}
	}
	return "", path
}

// isURN reports whether a name has the parts of a URN: urn, a namespace and what it names.
func isURN(name string) bool {
	if len(name) < 4 || !strings.EqualFold(name[:4], "urn:") {
		return false
	}
	parts := strings.Split(name, ":")
	return len(parts) > 2 && !slices.Contains(parts, "")
}

// extension returns a known extension, or nil.
func (s *userSchema) extension(urn string) *extension {
	for i := range s.extensions {
		if s.extensions[i].urn == urn {
			return &s.extensions[i]
		}
	}
	return nil
}

// reference is what an attribute path without a value filter names.
type reference struct {
	urn  string     // the extension's, "" for the core schema
	attr *attribute // nil where the path names an extension as a whole
	sub  *attribute // nil where it names the attribute as a whole
}

// resolve looks up a path such as userName, name.givenName, urn:…:User:department or department. ok is false for a name
// that the schema does not know.
func (s *userSchema) resolve(path string) (ref reference, ok bool) {
	urn, rest := s.splitURN(path)
	name, sub, hasSub := strings.Cut(rest, ".")
	name = strings.ToLower(name)
	attributes := s.attributes
	if urn != "" && urn != coreURN {
		e := s.extension(urn)
		if e == nil {
			return ref, false
		}
		if rest == "" {
			return reference{urn: urn}, true
		}
		ref.urn, attributes = urn, e.attributes
	} else if e := s.bare[name]; e != nil {
		ref.urn, attributes = e.urn, e.attributes
	}
	if ref.attr = attributes[name]; ref.attr == nil {
		return ref, false
	}
	if hasSub {
		ref.sub = ref.attr.subs[strings.ToLower(sub)]
		return ref, ref.sub != nil
	}
	return ref, true
}

// attribute returns where the reference lies in a resource, for filters.
func (ref reference) attribute() desk.Attribute {
	a := desk.Attribute{Multi: -1}
	if ref.urn != "" {
		a.Path = append(a.Path, ref.urn)
	}
	a.Path = append(a.Path, ref.attr.name)
	if ref.attr.multi {
		a.Multi = len(a.Path) - 1
	}
	last := ref.attr
	if ref.sub != nil {
		last = ref.sub
		a.Path = append(a.Path, ref.sub.name)
	}
	a.CaseExact = last.caseExact
	switch last.kind {
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
