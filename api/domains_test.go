package api_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

func TestDomainReports(t *testing.T) {
	each(t, func(t *server) {
		company := func(name string, domains ...string) string {
			return t.do("POST", "/companies", map[string]any{"name": name, "domains": domains}, 201)["id"].(string)
		}
		contact := func(address string, more map[string]any) string {
			body := map[string]any{"emails": []any{map[string]any{"value": address}}}
			for k, v := range more {
				body[k] = v
			}
			return t.do("POST", "/contacts", body, 201)["id"].(string)
		}
		acme, beta := company("Acme", "acme.example", "both.example"), company("Beta", "both.example", "beta.example")
		for _, address := range []string{"a@new.example", "b@NEW.example", "c@gmail.com", "d@acme.example", "e@both.example", "no address"} {
			contact(address, nil)
		}
		contact("f@new.example", map[string]any{"companyId": nil}) // blank by hand
		gone := contact("g@new.example", nil)
		t.do("DELETE", "/contacts/"+gone, nil, 204)
		contact("h@beta.example", nil)
		contact("i@beta.example", map[string]any{"companyId": acme})
		contact("j@beta.example", nil)
		contact("k@unlisted.example", map[string]any{"companyId": acme})
		contact("l@unlisted.example", map[string]any{"companyId": beta})

		t.Connect(t, "other", "okta")
		outsider := t.Token(t, "other", desk.RoleAdmin)
		for path, want := range map[string][]any{
			"/domains/unmapped": {
				map[string]any{"domain": "new.example", "contacts": 2., "freemail": false},
				map[string]any{"domain": "gmail.com", "contacts": 1., "freemail": true},
			},
			"/domains/unmapped?limit=1": {map[string]any{"domain": "new.example", "contacts": 2., "freemail": false}},
			"/domains/ambiguous": {
				map[string]any{"domain": "beta.example", "reason": "ambiguous_contacts", "unmapped": 1., "companies": []any{
					map[string]any{"id": acme, "name": "Acme", "listed": false, "contacts": 1.},
					map[string]any{"id": beta, "name": "Beta", "listed": true, "contacts": 1.},
				}},
				map[string]any{"domain": "both.example", "reason": "ambiguous_companies", "unmapped": 1., "companies": []any{
					map[string]any{"id": acme, "name": "Acme", "listed": true, "contacts": 0.},
					map[string]any{"id": beta, "name": "Beta", "listed": true, "contacts": 0.},
				}},
			},
		} {
			if diff := cmp.Diff(want, testkit.Call(t, "GET", t.URL+"/api/v1"+path, t.agent, nil).Want(t, 200)["items"]); diff != "" {
				t.Errorf("%s: %s", path, diff)
			}
			if items := testkit.Call(t, "GET", t.URL+"/api/v1"+path, outsider, nil).Want(t, 200)["items"].([]any); len(items) > 0 {
				t.Errorf("%s shows another tenant %v", path, items)
			}
		}
	})
}

func TestRescan(t *testing.T) {
	each(t, func(t *server) {
		if p := t.do("GET", "/companies/rescan", nil, 200); p["running"] != false || p["startedAt"] != nil {
			t.Errorf("before anything the progress is %v", p)
		}
		c := t.do("POST", "/contacts", `{"emails":[{"value":"a@acme.example"}]}`, 201)
		acme := t.do("POST", "/companies", `{"name":"Acme","domains":["acme.example"]}`, 201)
		c = t.do("GET", "/contacts/"+c["id"].(string), nil, 200)
		if c["companyReason"] != "domain" || c["company"].(map[string]any)["id"] != acme["id"] {
			t.Errorf("the contact is %v's by %v", c["company"], c["companyReason"])
		}
		p := t.do("POST", "/companies/rescan", nil, 202)
		if p["running"] != false || p["checked"] != 1. || p["changed"] != 0. || p["domains"] != 0. || p["finishedAt"] == nil {
			t.Errorf("the progress is %v", p)
		}
		testkit.Call(t, "POST", t.URL+"/api/v1/companies/rescan", t.agent, nil).Want(t, 403)
		event := t.items("/contacts/" + c["id"].(string) + "/events?limit=10")[0]
		if event["operation"] != "rescan" || event["actor"].(map[string]any)["type"] != "system" {
			t.Errorf("the history says %v", event)
		}
	})
}
