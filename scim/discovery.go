package scim

import (
	"net/http"
	"slices"
	"strings"

	"github.com/elimity-com/scim/optional"
	elimity "github.com/elimity-com/scim/schema"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/schema"
)

const (
	configURN       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeURN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
)

// serviceProviderConfig handles GET /ServiceProviderConfig (RFC 7643 section 5), which needs no token.
func (req *request) serviceProviderConfig() error {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return req.writeDocument(map[string]any{
		"schemas":          []string{configURN},
		"documentationUri": req.PublicURL + "/",
		"patch":            supported(true),
		"bulk":             map[string]any{"supported": true, "maxOperations": maxBulk, "maxPayloadSize": httpx.MaxBody},
		"filter":           map[string]any{"supported": true, "maxResults": maxCount},
		"changePassword":   supported(false),
		"sort":             supported(true),
		"etag":             supported(true),
		// RFC 9865 section 4. Cursors do not expire, so that there is no cursorTimeout.
		"pagination": map[string]any{
			"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": defaultCount, "maxPageSize": maxCount,
		},
		"authenticationSchemes": []map[string]any{{
			"type":             "oauthbearertoken",
			"name":             "Bearer token",
			"description":      "The connection's secret token, sent as Authorization: Bearer",
			"specUri":          "https://www.rfc-editor.org/info/rfc6750",
			"documentationUri": req.PublicURL + "/",
			"primary":          true,
		}},
		"meta": req.documentMeta("ServiceProviderConfig", "/ServiceProviderConfig"),
	})
}

func (req *request) documentMeta(resourceType, path string) map[string]any {
	return map[string]any{"resourceType": resourceType, "location": req.base + path}
}

// resourceTypes handles GET /ResourceTypes.
func (req *request) resourceTypes() error {
	return req.writeDocuments([]any{req.userType()})
}

// resourceType handles GET /ResourceTypes/{id}.
func (req *request) resourceType() error {
	if req.id != "User" {
		return desk.Errorf(desk.NotFound, "", "the only resource type is User")
	}
	return req.writeDocument(req.userType())
}

func (req *request) userType() map[string]any {
	extensions := []any{}
	for _, e := range req.users.Extensions {
		extensions = append(extensions, map[string]any{"schema": e.URN, "required": false})
	}
	return map[string]any{
		"schemas":          []string{resourceTypeURN},
		"id":               "User",
		"name":             "User",
		"description":      "A person of the directory, who becomes a contact of the helpdesk",
		"endpoint":         "/Users",
		"schema":           schema.CoreURN,
		"schemaExtensions": extensions,
		"meta":             req.documentMeta("ResourceType", "/ResourceTypes/User"),
	}
}

// definitions are the schemas of all that the server answers with, discovery included.
func (s *userSchema) definitions() []elimity.Schema {
	list := []elimity.Schema{s.Core}
	for _, e := range s.Extensions {
		list = append(list, e.Schema)
	}
	definition := elimity.Definition()
	definition.Description = optional.NewString("How a schema is described")
	return append(list, corrected(elimity.ServiceProviderConfigSchema()), corrected(elimity.ResourceTypeSchema()), definition)
}

// corrected replaces what the library's schema says otherwise than the law, and adds what it lacks.
func corrected(s elimity.Schema) elimity.Schema {
	for _, a := range corrections[s.ID] {
		same := func(b elimity.CoreAttribute) bool { return b.Name() == a.Name() }
		if i := slices.IndexFunc(s.Attributes, same); i >= 0 {
			s.Attributes[i] = a
		} else {
			s.Attributes = append(s.Attributes, a)
		}
	}
	return s
}

// corrections are the attributes that the library defines otherwise than RFC 7643 sections 5, 6 and 8.7.2: limits are integers,
// addresses are references, and a resource type has a name. RFC 9865 section 4 adds the pagination.
var corrections = map[string][]elimity.CoreAttribute{
	configURN: {
		elimity.SimpleCoreAttribute(link("documentationUri", "The address of the service provider's documentation.", external, false)),
		group("bulk", "What a bulk request may hold.", true, false,
			flag("supported", "Whether there are bulk requests.", true),
			whole("maxOperations", "How many operations a bulk request holds at most.", true),
			whole("maxPayloadSize", "How many bytes a bulk request has at most.", true)),
		group("filter", "How lists can be filtered.", true, false,
			flag("supported", "Whether lists can be filtered.", true),
			whole("maxResults", "How many resources an answer has at most.", true)),
		group("authenticationSchemes", "How clients say who they are.", true, true,
			word("type", "The scheme: oauth, oauth2, oauthbearertoken, httpbasic or httpdigest.", true),
			word("name", "The scheme's usual name.", true),
			word("description", "What the scheme is.", true),
			link("specUri", "The address of the scheme's specification.", external, false),
			link("documentationUri", "The address of the scheme's documentation.", external, false),
			flag("primary", "Whether the scheme is the preferred one.", false)),
		group("pagination", "How lists can be paged.", false, false,
			flag("cursor", "Whether lists can be paged by cursor.", true),
			flag("index", "Whether lists can be paged by startIndex.", true),
			word("defaultPaginationMethod", "How a list is paged that is asked for without either.", false, "cursor", "index"),
			whole("defaultPageSize", "How many resources a page has if no count is given.", false),
			whole("maxPageSize", "How many resources a page has at most.", false)),
	},
	resourceTypeURN: {
		elimity.SimpleCoreAttribute(word("name", "The resource type's name.", true)),
		elimity.SimpleCoreAttribute(link("endpoint", "Where the resources are, below the tenant URL.", uri, true)),
		elimity.SimpleCoreAttribute(link("schema", "The URN of the resources' schema.", uri, true)),
		group("schemaExtensions", "The extensions of the schema.", false, true,
			link("schema", "The URN of the extension.", uri, true),
			flag("required", "Whether each resource has the extension.", true)),
	},
}

const (
	external = elimity.AttributeReferenceTypeExternal
	uri      = elimity.AttributeReferenceTypeURI
)

// readOnly is what all of discovery is.
var readOnly = elimity.AttributeMutabilityReadOnly()

func group(name, description string, required, multi bool, subs ...elimity.SimpleParams) elimity.CoreAttribute {
	return elimity.ComplexCoreAttribute(elimity.ComplexParams{
		Name: name, Description: optional.NewString(description), Required: required, MultiValued: multi, Mutability: readOnly, SubAttributes: subs,
	})
}

func word(name, description string, required bool, canonical ...string) elimity.SimpleParams {
	return elimity.SimpleStringParams(elimity.StringParams{
		Name: name, Description: optional.NewString(description), Required: required, CanonicalValues: canonical, Mutability: readOnly,
	})
}

func whole(name, description string, required bool) elimity.SimpleParams {
	return elimity.SimpleNumberParams(elimity.NumberParams{
		Name: name, Description: optional.NewString(description), Required: required, Type: elimity.AttributeTypeInteger(), Mutability: readOnly,
	})
}

func flag(name, description string, required bool) elimity.SimpleParams {
	return elimity.SimpleBooleanParams(elimity.BooleanParams{
		Name: name, Description: optional.NewString(description), Required: required, Mutability: readOnly,
	})
}

func link(name, description string, to elimity.AttributeReferenceType, required bool) elimity.SimpleParams {
	return elimity.SimpleReferenceParams(elimity.ReferenceParams{
		Name: name, Description: optional.NewString(description), Required: required, ReferenceTypes: []elimity.AttributeReferenceType{to}, Mutability: readOnly,
	})
}

// schemas handles GET /Schemas.
func (req *request) schemas() error {
	documents := []any{}
	for _, s := range req.users.definitions() {
		documents = append(documents, req.schemaDocument(s))
	}
	return req.writeDocuments(documents)
}

// schema handles GET /Schemas/{urn}.
func (req *request) schema() error {
	for _, s := range req.users.definitions() {
		if strings.EqualFold(req.id, s.ID) {
			return req.writeDocument(req.schemaDocument(s))
		}
	}
	return desk.Errorf(desk.NotFound, "", "no schema with this URN")
}

func (req *request) schemaDocument(s elimity.Schema) map[string]any {
	document := s.ToMap()
	document["meta"] = req.documentMeta("Schema", "/Schemas/"+s.ID)
	return document
}

// writeDocuments answers with a complete list.
func (req *request) writeDocuments(documents []any) error {
	return req.writeDocument(map[string]any{
		"schemas": []string{listURN}, "totalResults": len(documents), "startIndex": 1, "itemsPerPage": len(documents), "Resources": documents,
	})
}

func (req *request) writeDocument(document any) error {
	body, err := desk.AppendJSON(nil, document)
	if err != nil {
		return err
	}
	write(req.w, http.StatusOK, body)
	return nil
}
