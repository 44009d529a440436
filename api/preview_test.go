package api_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

func TestPreview(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := &server{T: t, Server: testkit.NewServer(t, databaseURL)}
		s.scim, s.scimToken = s.Connect(t, "main", "entra")
		s.agent, s.admin = s.Token(t, "main", desk.RoleAgent), s.Token(t, "main", desk.RoleAdmin)
		s.do("POST", "/companies", `{"name":"Acme","domains":["acme.example"]}`, 201)
		made := s.do("POST", "/contacts", `{"displayName":"Ama of the desk","userName":"ama@acme.example"}`, 201)["id"]
		s.do("PATCH", "/connections/entra", `{"settings":{"createCompanies":true,"scope":{"rules":[{"filter":"not (title eq \"Robot\")"}]},
			"mapping":{"displayName":"displayName","userName":"userName","title":"title","organization":"company"}}}`, 200)
		kofi := testkit.Call(s, "POST", s.scim+"/Users", s.scimToken, `{"userName":"kofi@acme.example","externalId":"k1","title":"Clerk"}`).Want(s, 201)["id"].(string)

		db := testkit.OpenSQL(t, databaseURL)
		written := func() string { // but for tokens, whose use is noted in the background
			return regexp.MustCompile(`(?m)^tokens\..*$\n`).ReplaceAllString(dump(t, db), "")
		}
		before := written()
		preview := func(body string) map[string]any {
			t.Helper()
			p := s.do("POST", "/connections/entra/preview", body, 200)
			if after := written(); after != before {
				t.Errorf("%s wrote something: %s", body, cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")))
			}
			return p
		}
		check := func(what string, p map[string]any, want map[string]any) {
			t.Helper()
			got := map[string]any{}
			for name := range want {
				got[name] = p[name]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				text, _ := json.Marshal(p)
				t.Errorf("%s: %s\n%s", what, diff, text)
			}
		}

		p := preview(`{"user":{"userName":"new@acme.example","displayName":"New","active":"True","nickName":"N","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"organization":"Newcorp"}}}`)
		check("somebody new", p, map[string]any{"operation": "create", "outcome": "created", "reason": "no_match", "refused": nil, "unmapped": []any{"nickName"}})
		check("the contact", p["contact"].(map[string]any), map[string]any{"id": nil, "displayName": "New", "company": "Newcorp", "companyReason": "directory", "status": "active"})
		if mapped := p["mapped"].([]any); len(mapped) < 3 || mapped[0].(map[string]any)["target"] != "displayName" || mapped[0].(map[string]any)["source"] != "displayName" {
			t.Errorf("mapped: %v", mapped)
		}

		p = preview(`{"user":{"userName":"AMA@acme.example","displayName":"Ama","active":true}}`)
		check("a contact that was there", p, map[string]any{"operation": "create", "outcome": "adopted", "reason": "userName"})
		check("the contact", p["contact"].(map[string]any), map[string]any{"id": made, "displayName": "Ama", "company": "Acme", "verified": true})

		p = preview(`{"user":{"userName":"kofi@acme.example","externalId":"k1","title":"Lead","active":true}}`)
		check("a user who was pushed", p, map[string]any{"operation": "replace", "outcome": "updated", "changes": []any{map[string]any{"field": "title", "from": "Clerk", "to": "Lead"}}})

		p = preview(`{"scimId":"` + kofi + `","patch":{"Operations":[{"op":"Replace","path":"active","value":"False"}]}}`)
		check("a PATCH", p, map[string]any{"operation": "patch", "outcome": "deactivated"})
		check("the contact", p["contact"].(map[string]any), map[string]any{"status": "deleted"})
		p = preview(`{"scimId":"` + kofi + `","patch":{"Operations":[{"op":"replace","path":"title","value":"Clerk"}]}}`)
		check("a PATCH of nothing", p, map[string]any{"operation": "patch", "outcome": nil, "changes": []any{}})
		check("the contact", p["contact"].(map[string]any), map[string]any{"status": "active", "title": "Clerk"})

		p = preview(`{"user":{"userName":"r2d2","title":"Robot"}}`)
		check("out of scope", p, map[string]any{"outcome": "skipped", "reason": "out_of_scope", "contact": nil})
		if scope := p["scope"].(map[string]any); scope["in"] != false || !strings.Contains(scope["rule"].(string), "Robot") {
			t.Errorf("the scope: %v", scope)
		}
		p = preview(`{"scimId":"` + kofi + `","patch":{"Operations":[{"op":"replace","path":"userName","value":""}]}}`)
		if refused, _ := p["refused"].(map[string]any); refused["status"] != 400. || !strings.Contains(refused["detail"].(string), "userName") {
			t.Errorf("refused: %v", p["refused"])
		}

		for body, status := range map[string]int{
			`{}`: 400, `{"user":{"userName":"x"},"patch":{}}`: 400, `{"patch":{"Operations":[]}}`: 400, `{"user":[]}`: 400, `{"user":{"userName":7}}`: 400,
			`{"scimId":"nobody","patch":{"Operations":[{"op":"replace","path":"title","value":"x"}]}}`: 404,
		} {
			s.do("POST", "/connections/entra/preview", body, status)
		}
		s.do("POST", "/connections/nowhere/preview", `{"user":{"userName":"x"}}`, 404)
		settings := s.do("POST", "/connections/entra/settings/preview", `{"scope":{"rules":[{"attribute":"title","values":["Lead"]}]}}`, 200)
		if diff := cmp.Diff(map[string]any{"people": 1., "all": true, "leave": 1., "enter": 0., "change": 0., "refused": 0.}, settings); diff != "" {
			t.Error(diff)
		}
		s.do("POST", "/connections/entra/settings/preview", `{"scope":{"rules":[{}]}}`, 400)
		if progress := s.do("GET", "/connections/entra/settings/progress", nil, 200); progress["running"] != false {
			t.Errorf("progress: %v", progress)
		}
		unmapped := s.do("GET", "/connections/entra/unmapped", nil, 200)
		if diff := cmp.Diff(map[string]any{"people": 1., "attributes": map[string]any{}}, unmapped); diff != "" {
			t.Error(diff)
		}
	})
}
