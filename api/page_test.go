package api_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/internal/testkit"
)

// TestPagesAreBounded reads lists of contacts, and of their events, that are as long as they may be: a page ends before it is too much, and
// all of them come.
func TestPagesAreBounded(t *testing.T) {
	each(t, func(t *server) {
		const people = 120
		note := strings.Repeat("x", 4000)
		phones := make([]any, 15)
		for i := range phones {
			phones[i] = map[string]any{"type": "other", "value": fmt.Sprint(note, i)}
		}
		for i := range people {
			c := t.do("POST", "/contacts", map[string]any{"displayName": fmt.Sprintf("c%03d", i), "phones": phones}, 201)
			t.do("DELETE", "/contacts/"+c["id"].(string), nil, 204)
		}
		one := t.do("POST", "/contacts", map[string]any{"displayName": "Ann", "phones": phones}, 201)["id"].(string)
		for i := range 40 {
			phones[0].(map[string]any)["value"] = fmt.Sprint(i)
			t.do("PATCH", "/contacts/"+one, map[string]any{"phones": phones}, 200)
		}
		for _, c := range []struct {
			path string
			want int
		}{
			{"/contacts?status=deleted", people}, {"/contacts?status=all", people + 1}, {"/contacts?status=all&q=c", people},
			{"/contacts/" + one + "/events?", 41}, {"/audit?", 2*people + 41 + 5}, // and tenant, connection and three tokens
		} {
			for _, limit := range []int{1000, 101, 100, 7} {
				got, pages, next := map[string]bool{}, 0, ""
				for pages = 1; ; pages++ {
					a := testkit.Call(t, "GET", fmt.Sprintf("%s/api/v1%s&limit=%d&cursor=%s", t.URL, c.path, limit, next), t.admin, nil)
					body := a.Want(t, 200)
					if items := body["items"].([]any); len(items) > limit || len(a.Body) > 100*150_000 {
						t.Errorf("%s: a page of %d has %d items and %d bytes", c.path, limit, len(items), len(a.Body))
					} else {
						for _, item := range items {
							got[item.(map[string]any)["id"].(string)] = true
						}
					}
					if next, _ = body["next"].(string); next == "" {
						break
					}
				}
				if len(got) != c.want || limit > 100 && c.want > 100 && pages == 1 {
					t.Errorf("%s by %d: %d items in %d pages, want %d", c.path, limit, len(got), pages, c.want)
				}
			}
		}
	})
}
