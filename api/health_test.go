package api_test

import (
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestHealth holds that a connection's health tells of real requests.
func TestHealth(t *testing.T) {
	each(t, func(t *server) {
		health := func() (string, string, map[string]any) {
			t.Helper()
			for _, write := range []error{t.Store.WriteActivity(t.Context()), t.Store.WriteDenials(t.Context())} {
				if write != nil {
					t.Fatal(write)
				}
			}
			h := t.do("GET", "/health", nil, 200)["items"].([]any)[0].(map[string]any)
			var codes []string
			for _, r := range h["reasons"].([]any) {
				codes = append(codes, r.(map[string]any)["code"].(string))
			}
			return h["health"].(string), strings.Join(codes, " "), h
		}
		want := func(what, health, codes string, got func() (string, string, map[string]any)) {
			t.Helper()
			if h, c, all := got(); h != health || c != codes {
				t.Errorf("%s: %v", what, all)
			}
		}
		want("at first", "ok", "", health)
		testkit.Call(t, "POST", t.scim+"/Users", t.scimToken, `{"userName":"kofi"}`).Want(t, 201)
		if _, _, h := health(); h["lastActivityAt"] == nil || h["nextActivityAt"] != nil {
			t.Errorf("after a request: %v", h)
		}
		// Anybody may send these, well-formed ones among them.
		for range 30 {
			for _, token := range []string{"", "wrong", t.scimToken[1:], t.scimToken[:len(t.scimToken)-1], desk.NewSecret(desk.TokenSCIM, "main"), desk.NewSecret(desk.TokenSCIM, "nowhere")} {
				testkit.Call(t, "GET", t.scim+"/Users", token, nil).Want(t, 401)
			}
			testkit.Call(t, "GET", t.URL+"/scim/nowhere/entra/Users", "wrong", nil)
		}
		want("after tokens of nobody's", "ok", "", health)
		// These had to be given to somebody.
		made := t.do("POST", "/connections/entra/tokens", map[string]any{"label": "second"}, 201)
		second := made["secret"].(string)
		testkit.Call(t, "GET", t.scim+"/Users", second, nil).Want(t, 200)
		t.do("DELETE", "/connections/entra/tokens/"+made["id"].(string), nil, 204)
		t.do("DELETE", "/connections/entra/tokens/"+made["id"].(string), nil, 404)
		for range 3 {
			testkit.Call(t, "GET", t.scim+"/Users", second, nil).Want(t, 401)
		}
		want("after a token that was deleted", "failing", "unauthorized", health)
		testkit.Call(t, "GET", t.scim+"/Users", second, nil).Want(t, 401)
		if _, _, h := health(); !strings.Contains(h["reasons"].([]any)[0].(map[string]any)["message"].(string), "the last 4 requests with a token of this helpdesk") {
			t.Errorf("the streak goes on as %v", h)
		}
		testkit.Call(t, "GET", t.scim+"/Users", t.scimToken, nil).Want(t, 200)
		want("after the right token", "ok", "", health)
		testkit.Call(t, "GET", t.scim+"/Users", "wrong", nil)
		want("one wrong token later", "ok", "", health)
		for range 3 {
			testkit.Call(t, "GET", t.scim+"/v1/Users", t.scimToken, nil)
		}
		want("after wrong URLs", "failing", "not_found", health)
		for range 6 {
			testkit.Call(t, "POST", t.scim+"/Users", t.scimToken, `{"userName":""}`)
		}
		testkit.Call(t, "GET", t.scim+"/Users", t.scimToken, nil).Want(t, 200)
		want("after refusals", "failing", "failures", health)
		t.do("PATCH", "/connections/entra", `{"paused":true}`, 200)
		want("paused", "failing", "failures paused", health)
	})
}
