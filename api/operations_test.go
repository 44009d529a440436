package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"rollcall/api"
	"rollcall/desk"
	"rollcall/internal/testkit"
)

// things are what the paths of operations name.
type things struct{ contact, company, ticket, connection, token, field, held, client, secret string }

// things makes one of each. A contact that is to be erased is deleted.
func (s *server) things(n int, op *huma.Operation) things {
	s.Helper()
	name := fmt.Sprintf("secret%d", n)
	create := func(path string, body map[string]any) map[string]any {
		s.Helper()
		return s.do("POST", path, body, 201)
	}
	id := func(path string, body map[string]any) string {
		s.Helper()
		return create(path, body)["id"].(string)
	}
	t := things{
		contact:    id("/contacts", map[string]any{"displayName": "Kofi", "userName": name, "emails": []any{map[string]any{"value": name + "@secret.example"}}}),
		company:    id("/companies", map[string]any{"name": name, "domains": []string{"secret.example"}}),
		connection: name, field: name,
	}
	create("/connections", map[string]any{"slug": name, "provider": "okta"})
	create("/fields", map[string]any{"name": name, "type": "text"})
	t.ticket = id("/tickets", map[string]any{"contactId": t.contact, "subject": "Secret"})
	token := create("/connections/"+name+"/tokens", map[string]any{})
	t.token = token["id"].(string)
	client := create("/connections/"+name+"/clients", map[string]any{})
	t.client, t.secret = client["id"].(string), client["secrets"].([]any)[0].(map[string]any)["id"].(string)
	s.do("PATCH", "/connections/"+name, `{"settings":{"adopt":"ask"}}`, 200)
	t.held = testkit.Call(s, "POST", s.URL+"/scim/main/"+name+"/Users", token["secret"].(string), map[string]any{"userName": name}).Want(s, 201)["id"].(string)
	if op.OperationID == "erase-contact" {
		s.do("DELETE", "/contacts/"+t.contact, nil, 204)
	}
	return t
}

// call asks for an operation with the example of its body.
func (s *server) call(op *huma.Operation, token string, of things) testkit.Answer {
	s.Helper()
	id := of.contact
	for part, other := range map[string]string{"/companies/": of.company, "/tickets/": of.ticket, "/tokens/": of.token, "/clients/": of.client} {
		if strings.Contains(op.Path, part) {
			id = other
		}
	}
	path := strings.NewReplacer("{id}", id, "{slug}", of.connection, "{name}", of.field, "{scimId}", of.held, "{secret}", of.secret).Replace(op.Path)
	if op.RequestBody == nil {
		return testkit.Call(s, op.Method, s.URL+path, token, nil)
	}
	body := maps.Clone(op.RequestBody.Content["application/json"].Example.(map[string]any))
	if body["contactId"] != nil {
		body["contactId"] = of.contact
	}
	return testkit.Call(s, op.Method, s.URL+path, token, body)
}

// wantDescribed fails unless the document describes the answer.
func (s *server) wantDescribed(doc *huma.OpenAPI, op *huma.Operation, a testkit.Answer) {
	s.Helper()
	r := op.Responses[fmt.Sprint(a.Status)]
	if r == nil {
		s.Errorf("the document does not say that %s answers %d %s", op.OperationID, a.Status, a.Body)
		return
	}
	if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
		r = doc.Components.Responses[name]
	}
	content := r.Content[a.Header.Get("Content-Type")]
	if content == nil && len(r.Content)+len(a.Body) > 0 {
		s.Errorf("%s answers %d with %s, which the document does not say", op.OperationID, a.Status, a.Header.Get("Content-Type"))
		return
	}
	for name := range r.Headers {
		if a.Header.Get(name) == "" {
			s.Errorf("%s answers %d without %s", op.OperationID, a.Status, name)
		}
	}
	if content == nil || !strings.HasSuffix(a.Header.Get("Content-Type"), "json") || strings.Contains(a.Header.Get("Content-Type"), "ndjson") {
		return
	}
	var v any
	if err := json.Unmarshal(a.Body, &v); err != nil {
		s.Errorf("%s answers %s", op.OperationID, a.Body)
	}
	var result huma.ValidateResult
	huma.Validate(doc.Components.Schemas, content.Schema, huma.NewPathBuffer([]byte("body"), 0), huma.ModeReadFromServer, v, &result)
	if len(result.Errors) > 0 {
		s.Errorf("%s answers %s, which is not as the document says: %v", op.OperationID, a.Body, result.Errors)
	}
}

// TestRoles calls every operation of the document with each kind of token, and holds the answers against the role that the
// document declares.
func TestRoles(t *testing.T) {
	doc := api.Document()
	each(t, func(t *server) {
		for i, op := range api.OperationsOf(doc) {
			var roles []string
			for _, alternative := range op.Security {
				roles = append(roles, alternative["bearer"]...)
			}
			for j, caller := range []struct {
				name, token string
				status      int // 0 for success
			}{
				{"nobody", "", 401}, {"nonsense", "x", 401}, {"a directory", t.scimToken, 401}, {"a lengthened token", t.agent + "x", 401},
				{"agent", t.agent, map[bool]int{false: 403}[slices.Contains(roles, "agent")]},
				{"admin", t.admin, map[bool]int{false: 403}[slices.Contains(roles, "admin")]},
			} {
				of := things{"x", "x", "x", "x", "x", "x", "x", "x", "x"}
				if caller.status == 0 {
					of = t.things(10*i+j, op)
				}
				a := t.call(op, caller.token, of)
				switch {
				case caller.status != 0:
					wantProblem(t, a, caller.status)
				case a.Status >= 300:
					t.Errorf("%s: %s gets %d %s", op.OperationID, caller.name, a.Status, a.Body)
				}
				t.wantDescribed(doc, op, a)
			}
		}
	})
}

// TestOtherTenants calls every operation of the document with another tenant's administrator.
func TestOtherTenants(t *testing.T) {
	doc := api.Document()
	each(t, func(t *server) {
		of := t.things(0, &huma.Operation{})
		state := func() []any {
			var all []any
			for _, path := range []string{"/tickets", "/contacts?status=all", "/companies", "/contacts/" + of.contact + "/events", "/connections", "/fields",
				"/connections/" + of.connection + "/events", "/connections/" + of.connection + "/tokens", "/connections/" + of.connection + "/held", "/connections/" + of.connection + "/clients"} {
				all = append(all, t.items(path))
			}
			return all
		}
		t.Auth.Close() // notes when the tokens were used
		before := state()
		t.Connect(t, "other", "okta")
		mallory := t.Token(t, "other", desk.RoleAdmin)
		own := testkit.Call(t, "POST", t.URL+"/api/v1/contacts", mallory, map[string]any{"displayName": "Her own"}).Want(t, 201)["id"].(string)
		for _, op := range api.OperationsOf(doc) {
			named := of
			if op.OperationID == "create-ticket" {
				named.contact = own
			}
			a := t.call(op, mallory, named)
			if strings.Contains(op.Path, "{") {
				wantProblem(t, a, 404)
			} else if a.Status >= 300 {
				t.Errorf("%s: status %d %s", op.OperationID, a.Status, a.Body)
			}
			t.wantDescribed(doc, op, a)
			for _, secret := range []string{"kofi", "secret.example", of.contact, of.company, of.connection, of.token} {
				if op.RequestBody == nil && strings.Contains(strings.ToLower(string(a.Body)), secret) {
					t.Errorf("%s tells of another tenant: %s", op.OperationID, a.Body)
				}
			}
		}
		if diff := cmp.Diff(before, state()); diff != "" {
			t.Errorf("another tenant changed something: %s", diff)
		}
		// What is another tenant's cannot be linked to.
		for path, body := range map[string]map[string]any{
			"/contacts": {"displayName": "M", "companyId": of.company},
			"/tickets":  {"contactId": of.contact, "subject": "Help"},
		} {
			wantProblem(t, testkit.Call(t, "POST", t.URL+"/api/v1"+path, mallory, body), 400)
		}
	})
}
