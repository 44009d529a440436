package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/mux"

	"rollcall/desk"
)

const overview = "A helpdesk's contacts, kept in step with its directories.\n\n" +
	"Every request carries a token: `Authorization: Bearer rca_…`. The tenant is the token's. Its role is `agent`, which reads and works on " +
	"contacts and tickets, or `admin`, which does everything; each operation's `security` names the roles that it is for.\n\n" +
	"Lists are paged: `next` of a page is the `cursor` of the one after it, and absent on the last.\n\n" +
	"Errors are problem documents (RFC 9457) whose `errors` name the parts of the request that are at fault. A query parameter or a member of a " +
	"body that is not known here is an error, since it would be lost.\n\n" +
	"Deleting is idempotent: a second DELETE changes nothing. It answers 204 for a contact, which rests with the deleted ones, and 404 for what is gone.\n\n" +
	"A contact comes with an `ETag` that covers all of the answer: the contact, its company's name, and what its directories say. With it in `If-Match`, a " +
	"change is made only if nothing of that has changed; with it in `If-None-Match`, what has not changed is not sent again."

// config is what the operations' declarations do not say.
func (h *Handler) config() huma.Config {
	config := huma.DefaultConfig("Rollcall", h.Version)
	config.CreateHooks = nil // no $schema members in answers
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Info.Description = overview
	config.Servers = []*huma.Server{{URL: h.PublicURL}}
	config.Tags = []*huma.Tag{
		{Name: "Contacts", Description: "People as the helpdesk knows them."},
		{Name: "Tickets", Description: "What contacts ask for."},
		{Name: "Companies", Description: "Whom contacts belong to, by the domain of their address."},
		{Name: "Connections", Description: "Directories that push people over SCIM, and their tokens."},
		{Name: "Sync log", Description: "What directories asked for, and what came of it."},
		{Name: "Audit log", Description: "What people did, and what was administered."},
		{Name: "OAuth clients", Description: "How directories that want no lasting token get one for an hour."},
		{Name: "Fields", Description: "Custom fields of people."},
	}
	config.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A token made with: rollcall token create --tenant T --role agent|admin"},
	}
	problem := map[string]*huma.MediaType{problemType: {Schema: config.Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "")}}
	config.Components.Responses = map[string]*huma.Response{}
	for status, description := range problems {
		config.Components.Responses[responseName(status)] = &huma.Response{Description: description, Content: problem}
	}
	header := func(status int, name, description string) {
		config.Components.Responses[responseName(status)].Headers = map[string]*huma.Param{name: {Description: description, Schema: &huma.Schema{Type: huma.TypeString}}}
	}
	header(http.StatusUnauthorized, "WWW-Authenticate", "Bearer")
	header(http.StatusTooManyRequests, "Retry-After", "Seconds to wait")
	header(http.StatusServiceUnavailable, "Retry-After", "Seconds to wait")
	return config
}

// schemaName names a body without a name of its own after its operation.
func schemaName(t reflect.Type, hint string) string {
	words := strings.Split(huma.DefaultSchemaNamer(t, hint), "-") // an operation's id has hyphens
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// problems are the errors that operations answer, by status.
var problems = map[int]string{
	http.StatusBadRequest:            "The request is wrong, in the parts that errors names",
	http.StatusUnauthorized:          "The token is missing, unknown or expired",
	http.StatusForbidden:             "The token's role does not suffice",
	http.StatusNotFound:              "What the path names does not exist, or is another tenant's",
	http.StatusConflict:              "A key is taken, or the state of what the path names does not allow this",
	http.StatusPreconditionFailed:    "What the path names has changed and is not what If-Match says",
	http.StatusRequestEntityTooLarge: "The body is larger than 1 MiB",
	http.StatusUnsupportedMediaType:  "The body is not application/json in UTF-8, or compressed",
	http.StatusTooManyRequests:       "The tenant asks too often",
	http.StatusInternalServerError:   "The server failed; detail has the reference for its administrator",
	http.StatusServiceUnavailable:    "The server is busy",
}

func responseName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

// adminOnly makes an operation one for administrators; others are for agents as well.
func adminOnly(op huma.Operation) huma.Operation {
	op.Security = []map[string][]string{{"bearer": {string(desk.RoleAdmin)}}}
	op.Errors = append(slices.Clone(op.Errors), http.StatusForbidden)
	return op
}

// roleOf is the least role that an operation is for.
func roleOf(op *huma.Operation) desk.Role { return desk.Role(op.Security[0]["bearer"][0]) }

// complete adds to an operation what all have.
func complete(op *huma.Operation) {
	op.OperationID = strings.ReplaceAll(strings.ToLower(op.Summary), " ", "-")
	if op.Security == nil {
		op.Security = []map[string][]string{{"bearer": {string(desk.RoleAgent)}}, {"bearer": {string(desk.RoleAdmin)}}}
	}
	statuses := append(slices.Clone(op.Errors), http.StatusBadRequest, http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable)
	if op.Method == http.MethodPost || op.Method == http.MethodPatch {
		statuses = append(statuses, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	for _, status := range statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + responseName(status)}
	}
	op.Errors = nil // huma would describe one by one what the components do
}

// addExamples gives each body an example, made from those of its members.
func addExamples(doc *huma.OpenAPI) {
	for _, op := range operationsOf(doc) {
		if op.RequestBody != nil {
			content := op.RequestBody.Content["application/json"]
			if content.Example = example(doc, content.Schema); content.Example == nil {
				content.Example = map[string]any{} // nothing is required
			}
		}
	}
}

// serveDocument answers the OpenAPI document, and a page on which people read it.
func serveDocument(router *mux.Router, doc *huma.OpenAPI) {
	body, err := json.Marshal(doc)
	if err != nil {
		panic(err) // the declarations
	}
	serve := func(path, contentType string, body []byte) {
		router.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			header := w.Header()
			header.Set("Content-Type", contentType)
			header.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
			header.Set("X-Content-Type-Options", "nosniff")
			w.Write(body)
		}).Methods("GET", "HEAD")
	}
	serve("/api/openapi.json", "application/openapi+json", body)
	serve("/api/docs", "text/html; charset=utf-8", docsPage(doc))
	serve("/api/docs.css", "text/css; charset=utf-8", docsStyle)
}

// operationsOf lists a document's operations by path, in the order of what they do.
func operationsOf(doc *huma.OpenAPI) []*huma.Operation {
	var list []*huma.Operation
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Patch, item.Delete} {
			if op != nil {
				list = append(list, op)
			}
		}
	}
	return list
}

// resolve returns the schema that a reference names, or the schema itself.
func resolve(doc *huma.OpenAPI, s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return doc.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// example makes a value from the examples of its parts, nil for none.
func example(doc *huma.OpenAPI, s *huma.Schema) any {
	s = resolve(doc, s)
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Items != nil:
		if e := example(doc, s.Items); e != nil {
			return []any{e}
		}
	case len(s.Properties) > 0:
		object := map[string]any{}
		for name, p := range s.Properties {
			if e := example(doc, p); e != nil {
				object[name] = e
			}
		}
		if len(object) > 0 {
			return object
		}
	}
	return nil
}
