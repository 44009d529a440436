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

// TestConnectionETag holds that a change of a connection which somebody else has changed since it was read is refused.
func TestConnectionETag(t *testing.T) {
	each(t, func(t *server) {
		const path = "/connections/entra"
		get := func() string {
			a := testkit.Call(t, "GET", t.URL+"/api/v1"+path, t.agent, nil)
			a.Want(t, 200)
			return a.Header.Get("ETag")
		}
		tag := get()
		t.push(`{"userName":"kofi"}`)
		if err := t.Store.WriteActivity(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now := get(); now != tag || len(tag) < 20 {
			t.Errorf("the directory's activity makes the tag %s of %s", now, tag)
		}
		a := t.with("If-Match", tag, "PATCH", path, `{"settings":{"adopt":"ask"}}`)
		if a.Status != 200 || a.Header.Get("ETag") == tag || a.Header.Get("ETag") != get() {
			t.Errorf("a change is answered %d with %s", a.Status, a.Header.Get("ETag"))
		}
		if a := t.with("If-Match", tag, "PATCH", path, `{"notes":"late"}`); a.Status != 412 || !strings.Contains(string(a.Body), "the connection has changed") {
			t.Errorf("an overtaken change is answered %d: %s", a.Status, a.Body)
		}
		if c := t.do("GET", path, nil, 200); c["notes"] != "" || c["settings"].(map[string]any)["adopt"] != "ask" {
			t.Errorf("the connection is %v", c)
		}
		if a := t.with("If-Match", "*", "PATCH", path, `{"notes":"now"}`); a.Status != 200 {
			t.Errorf("If-Match: * is answered %d", a.Status)
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

func TestHeldUsers(t *testing.T) {
	each(t, func(t *server) {
		made := t.do("POST", "/contacts", `{"displayName":"Kofi","userName":"kofi"}`, 201)["id"]
		t.do("PATCH", "/connections/entra", `{"settings":{"adopt":"ask"}}`, 200)
		kofi := testkit.Call(t, "POST", t.scim+"/Users", t.scimToken, `{"userName":"KOFI"}`).Want(t, 201)["id"].(string)
		held := t.items("/connections/entra/held?reason=adoption")
		if len(held) != 1 || held[0]["scimId"] != kofi || held[0]["userName"] != "KOFI" || !cmp.Equal(held[0]["candidates"], []any{made}) || held[0]["contactId"] != nil {
			t.Errorf("held are %v", held)
		}
		if n := len(t.items("/connections/entra/held?reason=create_off")); n != 0 {
			t.Errorf("%d are held since none is created", n)
		}
		t.do("POST", "/connections/entra/held/"+kofi, `{}`, 400)
		t.do("POST", "/connections/entra/held/"+kofi, `{"contactId":"nobody"}`, 400)
		t.do("POST", "/connections/entra/held/nobody", `{"contactId":null}`, 404)
		t.do("POST", "/connections/nowhere/held/"+kofi, `{"contactId":null}`, 404)
		c := t.do("POST", "/connections/entra/held/"+kofi, map[string]any{"contactId": made}, 200)
		if c["id"] != made || c["verified"] != true {
			t.Errorf("adopted as %v", c)
		}
		t.do("POST", "/connections/entra/held/"+kofi, map[string]any{"contactId": made}, 409)
		if n := len(t.items("/connections/entra/held?limit=10")); n != 0 {
			t.Errorf("%d are still held", n)
		}
	})
}
