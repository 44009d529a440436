package api_test

import (
	"strings"
	"testing"

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
		for range 3 {
			testkit.Call(t, "GET", t.scim+"/Users", "wrong", nil)
			testkit.Call(t, "GET", t.URL+"/scim/nowhere/entra/Users", "wrong", nil)
		}
		want("after wrong tokens", "failing", "unauthorized", health)
		testkit.Call(t, "GET", t.scim+"/Users", "wrong", nil)
		if _, _, h := health(); !strings.Contains(h["reasons"].([]any)[0].(map[string]any)["message"].(string), "the last 4 requests") {
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
