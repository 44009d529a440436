package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestSizes gives contacts texts that are as long as they may be, and longer.
func TestSizes(t *testing.T) {
	addresses := func(n int, value string) []map[string]any {
		list := make([]map[string]any, n)
		for i := range list {
			list[i] = map[string]any{"type": "other", "value": fmt.Sprint(value, i)}
		}
		return list
	}
	each(t, func(t *server) {
		t.do("POST", "/fields", `{"name":"desk","type":"text"}`, 201)
		t.do("POST", "/fields", `{"name":"halls","type":"text","multiple":true}`, 201)
		fits, long := strings.Repeat("ä", 4096), strings.Repeat("ä", 4097)
		for _, c := range []struct {
			location string
			fits     any
			above    any
		}{
			{"body.displayName", map[string]any{"displayName": fits}, map[string]any{"displayName": long}},
			{"body.title", map[string]any{"displayName": "Ann", "title": fits}, map[string]any{"displayName": "Ann", "title": long}},
			{"body.emails", map[string]any{"emails": []any{map[string]any{"type": "home", "value": fits}}}, map[string]any{"emails": []any{map[string]any{"type": "home", "value": long}}}},
			{"body.phones", map[string]any{"displayName": "Ann", "phones": addresses(500, "1")}, map[string]any{"displayName": "Ann", "phones": addresses(501, "1")}},
			{"body.fields.desk", map[string]any{"displayName": "Ann", "fields": map[string]any{"desk": fits}}, map[string]any{"displayName": "Ann", "fields": map[string]any{"desk": long}}},
			{"body.fields.halls", map[string]any{"displayName": "Ann", "fields": map[string]any{"halls": []any{fits}}}, map[string]any{"displayName": "Ann", "fields": map[string]any{"halls": []any{"1", long}}}},
			{"", map[string]any{"displayName": "Ann", "phones": addresses(15, strings.Repeat("1", 4090))}, map[string]any{"displayName": "Ann", "phones": addresses(16, strings.Repeat("1", 4090))}},
		} {
			wrong := func(a testkit.Answer) {
				t.Helper()
				if wantProblem(t, a, 400); c.location != "" {
					wantFault(t, a, 400, c.location)
				}
			}
			call := func(method, path string, body any) testkit.Answer {
				return testkit.Call(t, method, t.URL+"/api/v1/contacts"+path, t.agent, body)
			}
			wrong(call("POST", "", c.above))
			id := "/" + call("POST", "", c.fits).Want(t, 201)["id"].(string)
			wrong(call("PATCH", id, c.above))
			call("PATCH", id, c.fits).Want(t, 200)
		}

		// Who has more than that keeps it, and can be changed.
		id := t.do("POST", "/contacts", map[string]any{"displayName": "Old", "title": "T"}, 201)["id"].(string)
		old := strings.Repeat("old ", 50_000)
		err := t.Store.Tx(t.Context(), func(tx *store.Tx) error {
			stored, err := tx.LockContact("main", id)
			if err != nil {
				return err
			}
			c := stored
			p := c.Profile
			p.Title = old
			c.SetProfile(p, "")
			return tx.UpdateContact(&stored, &c)
		})
		if err != nil {
			t.Fatal(err)
		}
		if c := t.do("PATCH", "/contacts/"+id, map[string]any{"displayName": "Older", "title": strings.TrimSpace(old)}, 400); c["detail"] == nil {
			t.Errorf("answer %v", c)
		}
		if c := t.do("PATCH", "/contacts/"+id, map[string]any{"displayName": "Older", "userName": "old"}, 200); c["title"] != old || c["displayName"] != "Older" {
			t.Errorf("the contact is %.200v", c)
		}
		t.do("DELETE", "/contacts/"+id, nil, 204)
	})
}

// TestSearchIsBounded holds what of a contact with many addresses is found.
func TestSearchIsBounded(t *testing.T) {
	each(t, func(t *server) {
		list := make([]map[string]any, 100)
		for i := range list {
			list[i] = map[string]any{"type": "other", "value": fmt.Sprintf("address-%03d-%s@acme.example", i, strings.Repeat("x", 100))}
		}
		t.do("POST", "/contacts", map[string]any{"displayName": "Kofi", "emails": list}, 201)
		for q, want := range map[string]int{"kofi": 1, "address-000-": 1, "address-050-": 1, "address-099-": 0} {
			if n := len(t.items("/contacts?q=" + q)); n != want {
				t.Errorf("%s finds %d", q, n)
			}
		}
		var c desk.Contact
		c.SetProfile(desk.Profile{DisplayName: strings.Repeat("ä", desk.MaxSearch)}, "")
		if len(c.SearchKey) != desk.MaxSearch || !desk.Storable(c.SearchKey) {
			t.Errorf("%d bytes are searched", len(c.SearchKey))
		}
	})
}
