package scim

import (
	"net/http"
	"strings"

	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"

	"rollcall/desk"
	"rollcall/internal/httpx"
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
	for _, e := range req.users.extensions {
		extensions = append(extensions, map[string]any{"schema": e.urn, "required": false})
	}
	return map[string]any{
		"schemas":          []string{resourceTypeURN},
		"id":               "User",
		"name":             "User",
		"description":      "A person of the directory, who becomes a contact of the helpdesk",
		"endpoint":         "/Users",
		"schema":           coreURN,
		"schemaExtensions": extensions,
		"meta":             req.documentMeta("ResourceType", "/ResourceTypes/User"),
	}
}

// definitions are the schemas of all that the server answers with, discovery included.
func (s *userSchema) definitions() []schema.Schema {
	list := []schema.Schema{s.core}
	for _, e := range s.extensions {
		list = append(list, e.schema)
	}
	config := schema.ServiceProviderConfigSchema()
	config.Attributes = append(config.Attributes, pagination)
	definition := schema.Definition()
	definition.Description = optional.NewString("How a schema is described")
	return append(list, config, schema.ResourceTypeSchema(), definition)
}

// pagination is what RFC 9865 section 4 adds to the ServiceProviderConfig.
var pagination = schema.ComplexCoreAttribute(schema.ComplexParams{
	Name: "pagination", Description: optional.NewString("How lists can be paged."), Mutability: schema.AttributeMutabilityReadOnly(),
	SubAttributes: []schema.SimpleParams{
		schema.SimpleBooleanParams(schema.BooleanParams{Name: "cursor", Required: true, Mutability: schema.AttributeMutabilityReadOnly(),
			Description: optional.NewString("Whether lists can be paged by cursor.")}),
		schema.SimpleBooleanParams(schema.BooleanParams{Name: "index", Required: true, Mutability: schema.AttributeMutabilityReadOnly(),
			Description: optional.NewString("Whether lists can be paged by startIndex.")}),
		schema.SimpleStringParams(schema.StringParams{Name: "defaultPaginationMethod", Mutability: schema.AttributeMutabilityReadOnly(),
			CanonicalValues: []string{"cursor", "index"}, Description: optional.NewString("How a list is paged that is asked for without either.")}),
		schema.SimpleNumberParams(schema.NumberParams{Name: "defaultPageSize", Type: schema.AttributeTypeInteger(), Mutability: schema.AttributeMutabilityReadOnly(),
			Description: optional.NewString("How many resources a page has if no count is given.")}),
		schema.SimpleNumberParams(schema.NumberParams{Name: "maxPageSize", Type: schema.AttributeTypeInteger(), Mutability: schema.AttributeMutabilityReadOnly(),
			Description: optional.NewString("How many resources a page has at most.")}),
	},
})

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

func (req *request) schemaDocument(s schema.Schema) map[string]any {
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
	body, err := encode(document)
	if err != nil {
		return err
	}
	write(req.w, http.StatusOK, body)
	return nil
}
