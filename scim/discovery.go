package scim

import (
	"maps"
	"net/http"
	"strings"

	"rollcall/desk"
)

const (
	configURN       = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	resourceTypeURN = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaURN       = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// serviceProviderConfig handles GET /ServiceProviderConfig (RFC 7643 section 5), which needs no token.
func (req *request) serviceProviderConfig() error {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return req.writeDocument(map[string]any{
		"schemas":          []string{configURN},
		"documentationUri": req.PublicURL + "/",
		"patch":            supported(true),
		"bulk":             map[string]any{"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
		"filter":           map[string]any{"supported": true, "maxResults": maxCount},
		"changePassword":   supported(false),
		"sort":             supported(false),
		"etag":             supported(false),
		"authenticationSchemes": []map[string]any{{
			"type":        "oauthbearertoken",
			"name":        "Bearer token",
			"description": "The connection's secret token, sent as Authorization: Bearer",
			"specUri":     "https://www.rfc-editor.org/info/rfc6750",
			"primary":     true,
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
	for _, e := range users.extensions {
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

// schemas handles GET /Schemas.
func (req *request) schemas() error {
	documents := []any{req.schemaDocument(users.core.ToMap())}
	for _, e := range users.extensions {
		documents = append(documents, req.schemaDocument(e.schema.ToMap()))
	}
	return req.writeDocuments(documents)
}

// schema handles GET /Schemas/{urn}.
func (req *request) schema() error {
	if strings.EqualFold(req.id, coreURN) {
		return req.writeDocument(req.schemaDocument(users.core.ToMap()))
	}
	for _, e := range users.extensions {
		if strings.EqualFold(req.id, e.urn) {
			return req.writeDocument(req.schemaDocument(e.schema.ToMap()))
		}
	}
	return desk.Errorf(desk.NotFound, "", "no schema with this URN")
}

func (req *request) schemaDocument(schema map[string]any) map[string]any {
	document := maps.Clone(schema)
	id, _ := document["id"].(string)
	document["schemas"] = []string{schemaURN}
	document["meta"] = req.documentMeta("Schema", "/Schemas/"+id)
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
