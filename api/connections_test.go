package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/testkit"
)

func TestConnectionSettings(t *testing.T) {
	each(t, func(t *server) {
		if c := t.do("GET", "/connections/entra", nil, 200); c["name"] != "entra" || c["paused"] != nil || c["settings"].(map[string]any)["createCompanies"] != false {
			t.Errorf("a new connection is %v", c)
		}
		c := t.do("PATCH", "/connections/entra", `{"name":" Head office ","description":"All staff","notes":"Ask Ann","settings":{"createCompanies":true}}`, 200)
		if c["name"] != "Head office" || c["description"] != "All staff" || c["notes"] != "Ask Ann" || c["settings"].(map[string]any)["createCompanies"] != true {
			t.Errorf("it is now %v", c)
		}
		t.do("PATCH", "/connections/entra", `{"settings":{}}`, 200)
		for _, body := range []string{`{"settings":{"nonsense":1}}`, `{"settings":{"createCompanies":"yes"}}`, `{"notes":"` + strings.Repeat("x", 20_000) + `"}`} {
			t.do("PATCH", "/connections/entra", body, 400)
		}
		if again := t.do("GET", "/connections/entra", nil, 200); !cmp.Equal(c, again) {
			t.Errorf("refused edits changed it to %v", again)
		}
		var changes []any
		for _, e := range t.items("/connections/entra/events?limit=10") {
			if e["outcome"] == "updated" {
				changes = append(changes, e["changes"].([]any)...)
			}
		}
		want := []any{
			map[string]any{"field": "name", "from": "entra", "to": "Head office"},
			map[string]any{"field": "description", "from": nil, "to": "All staff"},
			map[string]any{"field": "notes", "from": nil, "to": "Ask Ann"},
			map[string]any{"field": "settings.createCompanies", "from": false, "to": true},
		}
		if diff := cmp.Diff(want, changes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPausedConnection(t *testing.T) {
	each(t, func(t *server) {
		t.do("PATCH", "/connections/entra", `{"paused":true}`, 200)
		t.do("PATCH", "/connections/entra", `{"paused":true}`, 200)
		for _, path := range []string{"/Users", "/ServiceProviderConfig?x=1", "/Nonsense"} {
			a := testkit.Call(t, "POST", t.scim+path, t.scimToken, `{"userName":"kofi"}`)
			if body := string(a.Body); a.Status != 503 || a.Header.Get("Retry-After") == "" || !strings.Contains(body, "test paused this connection at ") {
				t.Errorf("%s: %d %v\n%s", path, a.Status, a.Header, body)
			}
		}
		if a := testkit.Call(t, "GET", t.scim+"/Users", "wrong", nil); a.Status != 401 {
			t.Errorf("without a token: %d", a.Status)
		}
		if n := len(t.items("/contacts?status=all")); n != 0 {
			t.Errorf("%d contacts came through", n)
		}
		t.do("PATCH", "/connections/entra", `{"paused":false}`, 200)
		testkit.Call(t, "POST", t.scim+"/Users", t.scimToken, `{"userName":"kofi"}`).Want(t, 201)
	})
}
