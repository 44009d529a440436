package scim_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
)

// TestPagesAreBounded reads lists of people who are as long as anybody may be: a page ends before it is too much, and all of them come.
func TestPagesAreBounded(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		const people = 150
		var want []string
		note := strings.Repeat("x", 4000)
		for i := range people {
			name := fmt.Sprintf("user%03d", i)
			body := many(15, 4000)
			body["userName"], body["title"] = name, note
			t.call("POST", "/Users", body).Want(t, 201)
			want = append(want, name)
		}
		const most = 4<<20 + desk.MaxResource + 1<<20 // what a page has, the last of its users, and id and meta of all
		page := func(query string) (names []string, body map[string]any) {
			t.Helper()
			a := t.call("GET", "/Users?"+query, nil)
			body = a.Want(t, 200)
			for _, u := range body["Resources"].([]any) {
				names = append(names, u.(map[string]any)["userName"].(string))
			}
			if len(a.Body) > most || body["itemsPerPage"] != float64(len(names)) || body["totalResults"] != float64(people) {
				t.Errorf("a page of %d bytes has %d users, says %v of %v", len(a.Body), len(names), body["itemsPerPage"], body["totalResults"])
			}
			return names, body
		}
		all := func(how string, next func(had int, body map[string]any) string) {
			t.Helper()
			var got []string
			pages := 0
			for query := next(0, nil); query != ""; pages++ {
				names, body := page(query)
				got = append(got, names...)
				query = next(len(got), body)
			}
			if strings.Join(got, " ") != strings.Join(want, " ") || pages < 3 {
				t.Errorf("%s: %d users in %d pages", how, len(got), pages)
			}
		}
		byIndex := func(more string) func(int, map[string]any) string {
			return func(had int, body map[string]any) string {
				if body != nil && had >= int(body["totalResults"].(float64)) {
					return ""
				}
				return fmt.Sprintf("count=1000&startIndex=%d%s", had+1, more)
			}
		}
		byCursor := func(more string) func(int, map[string]any) string {
			return func(_ int, body map[string]any) string {
				if body == nil {
					return "cursor&count=1000" + more
				}
				next, _ := body["nextCursor"].(string)
				if next == "" {
					return ""
				}
				return "count=1000&cursor=" + url.QueryEscape(next) + more
			}
		}
		all("by index", byIndex(""))
		all("by index, in an order", byIndex("&sortBy=userName"))
		all("by index, filtered", byIndex("&filter="+url.QueryEscape(`userName sw "user"`)))
		all("by cursor", byCursor(""))
		all("by cursor, in an order", byCursor("&sortBy=userName"))

		// And back from the last page.
		_, body := page("cursor&count=1000")
		last, back := 0, []string{}
		for body["nextCursor"] != nil {
			var names []string
			names, body = page("count=1000&cursor=" + url.QueryEscape(body["nextCursor"].(string)))
			last = len(names)
		}
		for body["previousCursor"] != nil {
			var names []string
			names, body = page("count=1000&cursor=" + url.QueryEscape(body["previousCursor"].(string)))
			back = append(names, back...)
		}
		if n := len(back); n != people-last || strings.Join(back, " ") != strings.Join(want[:n], " ") {
			t.Errorf("%d users on the way back: %v", n, back)
		}
	})
}
