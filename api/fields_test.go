package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestContactFields holds that custom fields are written by directories and by agents, and that each change is in the history.
func TestContactFields(t *testing.T) {
	each(t, func(t *server) {
		for _, field := range []string{
			`{"name":"badge","type":"number"}`, `{"name":"joined","type":"date"}`, `{"name":"remote","type":"boolean"}`,
			`{"name":"tier","type":"choice","choices":["Gold","Silver"]}`, `{"name":"desk","type":"text","required":true}`,
		} {
			t.do("POST", "/fields", field, 201)
		}
		if a := testkit.Call(t, "POST", t.URL+"/api/v1/fields", t.agent, `{"name":"x","type":"text"}`); a.Status != 403 {
			t.Errorf("an agent made a field: %d", a.Status)
		}
		scimID, id := t.push(`{"userName":"kofi","` + desk.FieldsURN + `":{"badge":"7","joined":"2026-01-31","remote":"True","tier":"gold","desk":"A1"}}`)
		path := "/contacts/" + id
		want := map[string]any{"badge": 7., "joined": "2026-01-31T00:00:00Z", "remote": true, "tier": "Gold", "desk": "A1"}
		if diff := cmp.Diff(want, t.do("GET", path, nil, 200)["fields"]); diff != "" {
			t.Errorf("pushed: %s", diff)
		}

		t.do("PATCH", path, map[string]any{"fields": map[string]any{"BADGE": 8.5, "tier": nil, "remote": "false"}}, 200)
		want["badge"], want["remote"] = 8.5, false
		delete(want, "tier")
		if diff := cmp.Diff(want, t.do("GET", path, nil, 200)["fields"]); diff != "" {
			t.Errorf("edited by an agent: %s", diff)
		}
		changed := t.items(path + "/events?limit=1")[0]["changes"]
		if diff := cmp.Diff([]any{
			map[string]any{"field": "fields.badge", "from": 7., "to": 8.5},
			map[string]any{"field": "fields.remote", "from": true, "to": false},
			map[string]any{"field": "fields.tier", "from": "Gold", "to": nil},
		}, changed); diff != "" {
			t.Errorf("the history: %s", diff)
		}

		// The directory changes one field; what the agent set in others stays.
		testkit.Call(t, "PATCH", t.scim+"/Users/"+scimID, t.scimToken, `{"Operations":[{"op":"replace","path":"`+desk.FieldsURN+`:joined","value":"2026-02-01"}]}`).Want(t, 200)
		want["joined"] = "2026-02-01T00:00:00Z"
		if diff := cmp.Diff(want, t.do("GET", path, nil, 200)["fields"]); diff != "" {
			t.Errorf("patched by the directory: %s", diff)
		}
		if changes := t.items(path + "/events?limit=1")[0]["changes"].([]any); len(changes) != 1 {
			t.Errorf("the history tells it as %v", changes)
		}

		for what, fields := range map[string]map[string]any{
			"no such field": {"nothing": "x"}, "a text for a number": {"badge": "many"}, "a list": {"desk": []string{"a"}},
			"no choice": {"tier": "Bronze"}, "an empty required one": {"desk": ""}, "a NUL": {"desk": "a\x00"},
		} {
			if a := testkit.Call(t, "PATCH", t.URL+"/api/v1"+path, t.agent, map[string]any{"fields": fields}); a.Status != 400 {
				t.Errorf("%s: status %d %s", what, a.Status, a.Body)
			}
		}
		c := t.do("POST", "/contacts", map[string]any{"displayName": "Ann", "fields": map[string]any{"desk": "B2"}}, 201)
		if diff := cmp.Diff(map[string]any{"desk": "B2"}, c["fields"]); diff != "" {
			t.Errorf("made by an agent: %s", diff)
		}
		t.do("DELETE", "/fields/badge", nil, 204)
		if list := t.items("/fields"); len(list) != 4 {
			t.Errorf("fields are %v", list)
		}
		for i := range desk.MaxFields {
			a := testkit.Call(t, "POST", t.URL+"/api/v1/fields", t.admin, fmt.Sprintf(`{"name":"f%d","type":"text"}`, i))
			if full := i >= desk.MaxFields-4; a.Status != map[bool]int{false: 201, true: 409}[full] {
				t.Fatalf("field %d: status %d", i, a.Status)
			}
		}
	})
}

// TestContactFieldsOfSeveral holds the same for fields with several values.
func TestContactFieldsOfSeveral(t *testing.T) {
	each(t, func(t *server) {
		made := t.do("POST", "/fields", `{"name":"location","type":"text","multiple":true,"required":true}`, 201)
		if made["multiple"] != true || t.items("/fields")[0]["multiple"] != true {
			t.Errorf("the field is told as %v", made)
		}
		t.do("POST", "/fields", `{"name":"floors","type":"number","multiple":true}`, 201)
		t.do("POST", "/fields", `{"name":"x","type":"boolean","multiple":true}`, 400)

		scimID, id := t.push(`{"userName":"kofi","` + desk.FieldsURN + `":{"location":["Accra","Berlin"],"floors":"7"}}`)
		path := "/contacts/" + id
		want := func(what string, fields map[string]any, changes ...any) {
			t.Helper()
			if diff := cmp.Diff(fields, t.do("GET", path, nil, 200)["fields"]); diff != "" {
				t.Errorf("%s: %s", what, diff)
			}
			if changes == nil {
				return
			}
			if diff := cmp.Diff(changes, t.items(path + "/events?limit=1")[0]["changes"]); diff != "" {
				t.Errorf("%s, in the history: %s", what, diff)
			}
		}
		change := func(field string, from, to any) any {
			return map[string]any{"field": "fields." + field, "from": from, "to": to}
		}
		want("pushed", map[string]any{"location": []any{"Accra", "Berlin"}, "floors": []any{7.}})

		t.do("PATCH", path, `{"fields":{"LOCATION":["Berlin","Oslo","oslo"],"floors":[2,"3"]}}`, 200)
		want("edited by an agent", map[string]any{"location": []any{"Berlin", "Oslo"}, "floors": []any{2., 3.}},
			change("floors", []any{7.}, []any{2., 3.}), change("location", []any{"Accra", "Berlin"}, []any{"Berlin", "Oslo"}))
		events := len(t.items(path + "/events"))
		t.do("PATCH", path, `{"fields":{"location":["Berlin","Oslo"],"floors":["2","3.0"]}}`, 200)
		if n := len(t.items(path + "/events")); n != events {
			t.Errorf("a change of nothing made %d events", n-events)
		}
		t.do("PATCH", path, `{"fields":{"location":"Bonn","floors":[]}}`, 200)
		want("one and none", map[string]any{"location": []any{"Bonn"}}, change("floors", []any{2., 3.}, nil), change("location", []any{"Berlin", "Oslo"}, []any{"Bonn"}))

		// The directory changes one of the two; what the agent did to the other stays.
		testkit.Call(t, "PATCH", t.scim+"/Users/"+scimID, t.scimToken, `{"Operations":[{"op":"add","path":"floors","value":[9]}]}`).Want(t, 200)
		want("patched by the directory", map[string]any{"location": []any{"Bonn"}, "floors": []any{7., 9.}}, change("floors", nil, []any{7., 9.}))

		var many []int
		for i := range desk.MaxValues + 1 {
			many = append(many, i)
		}
		for what, fields := range map[string]map[string]any{
			"nothing": {"location": []any{}}, "nothing but blanks": {"location": []any{" ", nil}}, "null": {"location": nil}, "a NUL": {"location": []any{"a", "b\x00"}},
			"a list in a list": {"location": []any{[]any{"a"}}}, "an object": {"location": []any{map[string]any{"value": "a"}}}, "a text for a number": {"floors": []any{1, "many"}},
			"too many": {"floors": many},
		} {
			if a := testkit.Call(t, "PATCH", t.URL+"/api/v1"+path, t.agent, map[string]any{"fields": fields}); a.Status != 400 {
				t.Errorf("%s: status %d %s", what, a.Status, a.Body)
			}
		}
	})
}

// TestContactFieldsMapped holds that a mapping fills a field with several values, and that a preview and the history show it.
func TestContactFieldsMapped(t *testing.T) {
	each(t, func(t *server) {
		t.do("POST", "/fields", `{"name":"location","type":"text","multiple":true,"required":true}`, 201)
		t.do("PATCH", "/connections/entra", `{"settings":{"mapping":{"userName":"userName","addresses.locality":"location","branch":"location"}}}`, 200)

		const kofi = `{"userName":"kofi","branch":"Lagos","addresses":[{"type":"work","locality":"Accra"},{"type":"home","locality":"Berlin"},{"type":"other","locality":"accra"}]}`
		list := []any{"Accra", "Berlin", "Lagos"}
		p := t.do("POST", "/connections/entra/preview", `{"user":`+kofi+`}`, 200)
		if diff := cmp.Diff(map[string]any{"location": list}, p["contact"].(map[string]any)["fields"]); diff != "" {
			t.Errorf("the preview's contact: %s", diff)
		}
		mapped := []any{
			map[string]any{"rule": 1., "target": "userName", "source": "userName", "value": "kofi"},
			map[string]any{"rule": 2., "target": "fields.location", "source": "addresses.locality", "value": []any{"Accra", "Berlin"}},
			map[string]any{"rule": 3., "target": "fields.location", "source": "branch", "value": []any{"Lagos"}},
		}
		if diff := cmp.Diff(mapped, p["mapped"]); diff != "" {
			t.Errorf("the preview's mapping: %s", diff)
		}

		scimID, id := t.push(kofi)
		if diff := cmp.Diff(map[string]any{"location": list}, t.do("GET", "/contacts/"+id, nil, 200)["fields"]); diff != "" {
			t.Errorf("pushed: %s", diff)
		}
		testkit.Call(t, "PATCH", t.scim+"/Users/"+scimID, t.scimToken, `{"Operations":[{"op":"remove","path":"addresses[type eq \"home\"]"}]}`).Want(t, 200)
		changes := t.items("/contacts/" + id + "/events?limit=1")[0]["changes"].([]any)
		if diff := cmp.Diff(map[string]any{"field": "fields.location", "from": list, "to": []any{"Accra", "Lagos"}}, changes[0]); diff != "" {
			t.Errorf("patched: %s", diff)
		}
		a := testkit.Call(t, "POST", t.scim+"/Users", t.scimToken, `{"userName":"nobody","active":true,"addresses":[{"country":"GH"}]}`)
		if a.Status != 400 || !strings.Contains(string(a.Body), "location is required, and addresses.locality (rule 2) is empty") {
			t.Errorf("nobody's location: %d %s", a.Status, a.Body)
		}
	})
}
