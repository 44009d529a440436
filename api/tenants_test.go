package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestOtherTenants walks every operation of the OpenAPI document with another tenant's administrator.
func TestOtherTenants(t *testing.T) {
	each(t, func(t *server) {
		_, contact := t.push(`{"userName":"kofi","externalId":"k1","emails":[{"value":"kofi@acme.example"}]}`)
		company := t.do("POST", "/companies", map[string]any{"name": "Acme", "domains": []string{"acme.example"}}, 201)["id"].(string)
		ticket := t.do("POST", "/tickets", map[string]any{"contactId": contact, "subject": "Printer"}, 201)["id"].(string)
		state := func() []any {
			return []any{t.items("/tickets?limit=10"), t.items("/contacts?status=all"), t.items("/companies?limit=10"), t.items("/contacts/" + contact + "/events?limit=10"), t.items("/connections/entra/events?limit=10"), t.items("/connections/entra/clients?x=1")}
		}
		client := t.do("POST", "/connections/entra/clients", map[string]any{"label": "Kofi's"}, 201)
		secret := client["secrets"].([]any)[0].(map[string]any)["id"].(string)
		before := state()
		t.Connect(t, "other", "okta")
		mallory := t.Token(t, "other", desk.RoleAdmin)
		own := testkit.Call(t, "POST", t.URL+"/api/v1/contacts", mallory, map[string]any{"displayName": "Her own"}).Want(t, 201)["id"]

		doc := testkit.Call(t, "GET", t.URL+"/api/openapi.json", "", nil).Want(t, 200)
		n := 0
		for path, item := range doc["paths"].(map[string]any) {
			id := contact
			if strings.Contains(path, "/companies/") {
				id = company
			}
			if strings.Contains(path, "/tickets/") {
				id = ticket
			}
			if strings.Contains(path, "/clients/") {
				id = client["id"].(string)
			}
			named := strings.NewReplacer("{id}", id, "{slug}", "entra", "{name}", "desk", "{secret}", secret).Replace(path)
			for method := range item.(map[string]any) {
				body := map[string]any{"displayName": "Mallory", "name": "Mallory"}
				switch {
				case strings.HasPrefix(path, "/api/v1/contacts"):
					delete(body, "name")
				case strings.HasPrefix(path, "/api/v1/companies"):
					delete(body, "displayName")
				case strings.HasSuffix(path, "/settings/preview"):
					body = map[string]any{}
				case strings.HasSuffix(path, "/preview"):
					body = map[string]any{"user": map[string]any{"userName": "x"}}
				case strings.Contains(path, "/held"):
					body = map[string]any{"contactId": own}
				case strings.Contains(path, "/clients"):
					body = map[string]any{}
				case strings.HasPrefix(path, "/api/v1/connections"):
					body = map[string]any{"recorder": true}
				case strings.HasPrefix(path, "/api/v1/fields"):
					body = map[string]any{"name": "badge", "type": "text"}
				case path == "/api/v1/tickets":
					body = map[string]any{"contactId": own, "subject": "Help"}
				case strings.HasPrefix(path, "/api/v1/tickets"):
					body = map[string]any{"subject": "Help"}
				}
				if method == "get" {
					body = nil
				}
				var a testkit.Answer
				if body == nil {
					a = testkit.Call(t, strings.ToUpper(method), t.URL+named, mallory, nil)
				} else {
					a = testkit.Call(t, strings.ToUpper(method), t.URL+named, mallory, body)
				}
				n++
				if strings.Contains(path, "{") {
					wantProblem(t, a, 404)
				} else if a.Status >= 400 {
					t.Errorf("%s %s: status %d\n%s", method, path, a.Status, a.Body)
				}
				for _, secret := range []string{"kofi", "acme", contact, company, "k1"} {
					if strings.Contains(strings.ToLower(string(a.Body)), secret) {
						t.Errorf("%s %s tells of another tenant: %s", method, path, a.Body)
					}
				}
			}
		}
		if n < 15 {
			t.Errorf("walked %d operations only", n)
		}
		if diff := cmp.Diff(before, state()); diff != "" {
			t.Errorf("another tenant changed something: %s", diff)
		}
		// A company of another tenant cannot be linked to.
		c := testkit.Call(t, "POST", t.URL+"/api/v1/contacts", mallory, map[string]any{"displayName": "M", "companyId": company})
		wantProblem(t, c, 400)
	})
}
