package scim_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/scim"
)

var entra = testkit.Directory("main", "entra")

// populate makes people, and others of which many have equal values or none. Some are made at the same moment, some changed.
func populate(t *endpoint) {
	t.Helper()
	makeFields(t, t.Server, "main")
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	n := 0
	t.Store.Now = func() time.Time { n++; return start.Add(time.Duration(n/3) * 10 * time.Millisecond) }
	list := people()
	r := rand.New(rand.NewPCG(3, 4))
	text := func(words ...string) string {
		return append(words, "", "", "b", "B", "é", "É", "\u212A", "k", "ß", "\uff01", "😀")[r.IntN(len(words)+11)]
	}
	for i := range 25 {
		body := map[string]any{"userName": fmt.Sprintf("%c%02d", []rune("zZaAéÉ")[r.IntN(6)], i), "active": r.IntN(2) == 0}
		for _, name := range []string{"displayName", "nickName", "title", "userType", "locale", "timezone", "preferredLanguage", "department", "employeeNumber", "organization",
			"division", "costCenter", "manager", "name.givenName", "name.familyName", "name.formatted", "name.middleName", "name.honorificPrefix", "name.honorificSuffix"} {
			body[name] = text()
		}
		if i%4 == 0 { // of long text the beginning counts
			body["title"] = strings.Repeat("é", desk.MaxKey-i%8) + text("z")
		}
		body["profileUrl"] = []string{"", "https://x.example/a", "https://x.example/A"}[r.IntN(3)]
		if r.IntN(3) > 0 {
			body["externalId"] = fmt.Sprintf("%c-%d", "xX"[r.IntN(2)], i)
		}
		for _, name := range []string{"emails", "phoneNumbers", "ims", "roles", "entitlements", "addresses", "photos"} {
			elements, primary := []any{}, r.IntN(6)
			for k := range r.IntN(4) {
				e := map[string]any{"type": []string{"work", "Work", "home", "é", ""}[r.IntN(5)], "primary": k == primary}
				switch name {
				case "addresses":
					for _, sub := range []string{"formatted", "streetAddress", "locality", "region", "postalCode", "country"} {
						e[sub] = text()
					}
				case "photos":
					e["value"] = []string{"https://x.example/p", "https://x.example/P"}[r.IntN(2)]
				default:
					e["value"], e["display"] = []string{"a@x", "B@x", "b@x", "É@x", "é@x"}[r.IntN(5)], text("d")
					if r.IntN(4) == 0 {
						delete(e, "value")
					}
				}
				elements = append(elements, e)
			}
			body[name] = elements
		}
		own := map[string][]any{}
		for range r.IntN(3) {
			own["location"] = append(own["location"], text("Oslo"))
			own["floors"] = append(own["floors"], []any{r.IntN(4), 2.5, "10"}[r.IntN(3)])
			own["days"] = append(own["days"], fmt.Sprintf("2026-01-0%d", 1+r.IntN(9)))
			own["tiers"] = append(own["tiers"], []string{"gold", "Ägir"}[r.IntN(2)])
		}
		body[custom] = own
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		person, err := scim.NewResource(encoded, ownFields...)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, person)
	}
	for i, person := range list {
		u, err := t.Engine.CreateUser(t.Context(), entra, person)
		for k := range i % 3 {
			if err == nil {
				_, err = t.Engine.UpdateUser(t.Context(), entra, desk.OpPatch, u.ID, nil, func(r desk.Resource) (desk.Resource, string, error) {
					r["nickName"] = fmt.Sprint("N", k, i%4)
					return r, "", nil
				})
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sortKey is something that lists can be sorted by.
type sortKey struct {
	by    string   // as a client writes it
	path  []string // where the value lies
	typ   string
	exact bool
}

// sortKeys are the attributes that the schemas advertise, the common ones, and other ways to write some.
func sortKeys(t *endpoint) []sortKey {
	t.Helper()
	keys := []sortKey{
		{"id", []string{"id"}, "string", true},
		{"externalId", []string{"externalId"}, "string", true},
		{"meta.created", []string{"meta", "created"}, "dateTime", false},
		{"meta.lastModified", []string{"meta", "lastModified"}, "dateTime", false},
		{"meta.version", []string{"meta", "version"}, "string", true},
		{"meta.location", []string{"meta", "location"}, "string", true},
		{"meta.resourceType", []string{"meta", "resourceType"}, "string", true},
		{"EMAILS", []string{"emails", "value"}, "string", false},
		{"manager", []string{ent, "manager", "value"}, "string", false},
		{"Department", []string{ent, "department"}, "string", false},
		{"urn:ietf:params:scim:schemas:core:2.0:user:NAME.familyname", []string{"name", "familyName"}, "string", false},
	}
	for _, urn := range []string{"urn:ietf:params:scim:schemas:core:2.0:User", ent, custom} {
		eachAttribute(t.call("GET", "/Schemas/"+urn, nil).Want(t, 200), func(path []string, a map[string]any) {
			if a["type"] == "complex" {
				return
			}
			by := strings.Join(path, ".")
			if urn == ent || urn == custom {
				by, path = urn+":"+by, append([]string{urn}, path...)
			}
			keys = append(keys, sortKey{by, path, a["type"].(string), a["caseExact"] == true || a["type"] == "reference"})
		})
	}
	return keys
}

// eachAttribute walks the attributes and sub-attributes of a schema as it is served.
func eachAttribute(schema map[string]any, f func(path []string, a map[string]any)) {
	for _, a := range schema["attributes"].([]any) {
		a := a.(map[string]any)
		f([]string{a["name"].(string)}, a)
		subs, _ := a["subAttributes"].([]any)
		for _, sub := range subs {
			sub := sub.(map[string]any)
			f([]string{a["name"].(string), sub["name"].(string)}, sub)
		}
	}
}

// of returns what counts of a user for the order.
func (k sortKey) of(user map[string]any) any {
	var v any = user
	for _, name := range k.path {
		if list, ok := v.([]any); ok {
			i := slices.IndexFunc(list, func(e any) bool { return e.(map[string]any)["primary"] == true })
			v = list[max(i, 0)]
		}
		m, _ := v.(map[string]any)
		v = m[name]
	}
	if list, ok := v.([]any); ok {
		v = list[0]
	}
	s, ok := v.(string)
	switch {
	case !ok:
		return v
	case k.typ == "dateTime":
		at, _ := time.Parse(time.RFC3339Nano, s)
		return at
	case !k.exact:
		s = desk.Fold(s)
	}
	runes := []rune(s)
	return string(runes[:min(len(runes), desk.MaxKey)])
}

// compare orders users ascending.
func (k sortKey) compare(a, b map[string]any) int {
	byID := strings.Compare(a["id"].(string), b["id"].(string))
	x, y := k.of(a), k.of(b)
	switch {
	case x == y:
		return byID
	case x == nil:
		return 1
	case y == nil:
		return -1
	}
	switch x := x.(type) {
	case bool:
		if x {
			return 1
		}
		return -1
	case time.Time:
		return x.Compare(y.(time.Time))
	case float64:
		if x < y.(float64) {
			return -1
		}
		return 1
	}
	return strings.Compare(x.(string), y.(string))
}

// ask lists users: by GET, or by a search at one of its two places.
func ask(t *endpoint, way string, query map[string]string) map[string]any {
	t.Helper()
	return tryList(t, way, query).Want(t, 200)
}

func tryList(t *endpoint, way string, query map[string]string) testkit.Answer {
	t.Helper()
	if way != "GET" {
		body := map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:SearchRequest"}}
		for name, v := range query {
			body[name] = v
			if name == "count" || name == "startIndex" {
				body[name] = json.Number(v)
			}
		}
		return t.call("POST", way, body)
	}
	values := url.Values{}
	for name, v := range query {
		values.Set(name, v)
	}
	return t.call("GET", "/Users?"+values.Encode(), nil)
}

var ways = []string{"GET", "/Users/.search", "/.search"}

func resources(list map[string]any) []map[string]any {
	users := []map[string]any{}
	for _, r := range list["Resources"].([]any) {
		users = append(users, r.(map[string]any))
	}
	return users
}

func ids(users []map[string]any) []string {
	list := []string{}
	for _, u := range users {
		list = append(list, u["id"].(string))
	}
	return list
}

// TestSort compares the order of every attribute with that of a plain sort.
func TestSort(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		populate(t)
		all := resources(ask(t, "GET", map[string]string{"count": "1000"}))
		told := 0
		for i, key := range sortKeys(t) {
			want := slices.SortedFunc(slices.Values(all), key.compare)
			if key.of(want[0]) != key.of(want[len(want)-1]) {
				told++
			}
			for _, order := range []string{[]string{"", "ascending"}[i%2], "Descending"} {
				if order == "Descending" {
					slices.Reverse(want)
				}
				got := resources(ask(t, ways[i%3], map[string]string{"sortBy": key.by, "sortOrder": order}))
				if !slices.Equal(ids(want), ids(got)) {
					var keys [2][]any
					for i := range want {
						keys[0], keys[1] = append(keys[0], key.of(want[i])), append(keys[1], key.of(got[i]))
					}
					t.Errorf("%s %s (-want +got, or ids of equal keys): %s", key.by, order, cmp.Diff(keys[0], keys[1]))
				}
			}
		}
		if told < 50 {
			t.Errorf("only %d attributes told users apart", told)
		}
	})
}

// forward reads a list by cursor, from its beginning to its end, and checks what each page says of itself.
func forward(t *endpoint, query map[string]string, size int, way func() string) (pages [][]string, last map[string]any) {
	t.Helper()
	query["cursor"], query["count"] = "", fmt.Sprint(size)
	for first := true; ; first = false {
		list := ask(t, way(), query)
		pages = append(pages, ids(resources(list)))
		next, more := list["nextCursor"].(string)
		if _, back := list["previousCursor"]; back == first {
			t.Fatalf("%v: page %d has a previousCursor: %v", query, len(pages), back)
		}
		if more && len(pages[len(pages)-1]) != size {
			t.Fatalf("%v: a page of %d that is not the last", query, len(pages[len(pages)-1]))
		}
		if _, indexed := list["startIndex"]; indexed {
			t.Fatalf("%v: a page by cursor has a startIndex", query)
		}
		if list["itemsPerPage"] != float64(len(pages[len(pages)-1])) {
			t.Fatalf("%v: itemsPerPage is %v", query, list["itemsPerPage"])
		}
		if !more {
			return pages, list
		}
		query["cursor"] = next
		delete(query, "count") // the cursor knows
		if len(pages) > 1000 {
			t.Fatalf("%v: has no end", query)
		}
	}
}

// TestCursor reads lists by random filters, orders and page sizes, to the end and back.
func TestCursor(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		populate(t)
		keys := sortKeys(t)
		r := rand.New(rand.NewPCG(5, 6))
		way := func() string { return ways[r.IntN(3)] }
		several := 0
		for i := range 20 {
			query, size := map[string]string{}, 1+r.IntN(7)
			if i%5 > 0 {
				query["filter"] = randomFilter(r, 1)
			}
			if i%6 > 0 {
				query["sortBy"] = keys[r.IntN(len(keys))].by
				query["sortOrder"] = []string{"ascending", "descending"}[r.IntN(2)]
			}
			query["count"] = "1000"
			whole := ask(t, way(), query)
			pages, list := forward(t, query, size, way)
			if diff := cmp.Diff(ids(resources(whole)), append([]string{}, slices.Concat(pages...)...)); diff != "" {
				t.Errorf("%v: in pages of %d it differs (-whole +pages): %s", query, size, diff)
			}
			if list["totalResults"] != whole["totalResults"] {
				t.Errorf("%v: the last page says %v of %v", query, list["totalResults"], whole["totalResults"])
			}
			if len(pages) > 2 {
				several++
			}
			for n := len(pages) - 2; n >= 0; n-- {
				query["cursor"] = list["previousCursor"].(string)
				list = ask(t, way(), query)
				if diff := cmp.Diff(pages[n], ids(resources(list))); diff != "" {
					t.Errorf("%v: back on page %d of %d (-want +got): %s", query, n+1, len(pages), diff)
				}
				if _, ok := list["previousCursor"]; ok != (n > 0) {
					t.Errorf("%v: back on page %d, a previousCursor: %v", query, n+1, ok)
				}
				if _, ok := list["nextCursor"]; !ok || list["totalResults"] != whole["totalResults"] {
					t.Errorf("%v: back on page %d: %v, %v", query, n+1, list["nextCursor"], list["totalResults"])
				}
			}
		}
		if several < 8 {
			t.Errorf("only %d lists had several pages", several)
		}
	})
}

// TestCursorChanges makes and deletes users between the pages of a list.
func TestCursorChanges(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		r := rand.New(rand.NewPCG(7, 8))
		made := 0
		add := func() string {
			made++
			title := []string{`"a"`, `"B"`, `"b"`, `"c"`, `null`}[r.IntN(5)]
			return t.call("POST", "/Users", fmt.Sprintf(`{"userName":"%x-%d","active":%v,"title":%s}`, r.IntN(16), made, r.IntN(2) == 0, title)).Want(t, 201)["id"].(string)
		}
		there := []string{}
		for range 20 {
			there = append(there, add())
		}
		for i, by := range []string{"", "title", "title", "active", "userName", "meta.created"} {
			query := map[string]string{}
			if by != "" {
				query["sortBy"], query["sortOrder"] = by, []string{"descending", "ascending"}[i%2]
			}
			stay, given := slices.Clone(there), map[string]bool{}
			query["cursor"], query["count"] = "", "3"
			for more := true; more; query["cursor"], more = next(t, query, given) {
				// One that was given, maybe the last of its page, or one to come.
				gone := there[r.IntN(len(there))]
				t.call("DELETE", "/Users/"+gone, nil).Want(t, 204)
				same := func(id string) bool { return id == gone }
				there, stay = append(slices.DeleteFunc(there, same), add()), slices.DeleteFunc(stay, same)
			}
			for _, id := range stay {
				if !given[id] {
					t.Errorf("by %q one is missed that was there all the time", by)
				}
			}
		}
	})
}

// next reads one page, and fails if it gives somebody twice.
func next(t *endpoint, query map[string]string, given map[string]bool) (cursor string, more bool) {
	t.Helper()
	list := ask(t, "GET", query)
	for _, id := range ids(resources(list)) {
		if given[id] {
			t.Errorf("%v gives somebody twice", query)
		}
		given[id] = true
	}
	cursor, more = list["nextCursor"].(string)
	return cursor, more
}

// TestCursorElsewhere uses cursors for what they were not made for.
func TestCursorElsewhere(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		populate(t)
		query := func(changes ...string) map[string]string {
			q := map[string]string{"filter": "userName pr", "sortBy": "title", "count": "4"}
			for i := 0; i < len(changes); i += 2 {
				q[changes[i]] = changes[i+1]
				if changes[i+1] == "-" {
					delete(q, changes[i])
				}
			}
			return q
		}
		list := ask(t, "GET", query("cursor", ""))
		cursor := list["nextCursor"].(string)
		for _, c := range []struct {
			scimType string
			query    map[string]string
		}{
			{"invalidCursor", query("cursor", cursor, "filter", "title pr")},
			{"invalidCursor", query("cursor", cursor, "filter", "-")},
			{"invalidCursor", query("cursor", cursor, "sortBy", "userName")},
			{"invalidCursor", query("cursor", cursor, "sortBy", "-")},
			{"invalidCursor", query("cursor", cursor, "sortOrder", "descending")},
			{"invalidCursor", query("cursor", cursor+"x")},
			{"invalidCursor", query("cursor", strings.Repeat("A", 20000))},
			{"invalidCount", query("cursor", cursor, "count", "5")},
			{"invalidCount", query("cursor", cursor, "count", "0")},
			{"invalidCount", query("cursor", cursor, "count", "-1")},
			{"invalidValue", query("cursor", cursor, "startIndex", "1")},
		} {
			for _, way := range ways {
				wantError(t, tryList(t, way, c.query), 400, c.scimType)
			}
		}
		for _, same := range []map[string]string{
			query("cursor", cursor), query("cursor", cursor, "count", "-"), query("cursor", cursor, "sortOrder", "Ascending"), query("cursor", cursor, "attributes", "userName"),
		} {
			if n := len(resources(ask(t, "GET", same))); n != 4 {
				t.Errorf("%v gives %d users", same, n)
			}
		}
		for _, count := range []string{"0", "1000", "100000"} { // no users, and all of them
			only := ask(t, "GET", query("cursor", "", "count", count))
			if only["nextCursor"] != nil || only["previousCursor"] != nil || only["totalResults"] != list["totalResults"] {
				t.Errorf("a list of %s has cursors, or another total: %v, %v", count, only["nextCursor"], only["totalResults"])
			}
		}
		okta, token := t.Connect(t, "main", "okta")
		other := url.Values{"filter": {"userName pr"}, "sortBy": {"title"}, "count": {"4"}, "cursor": {cursor}}.Encode()
		t.call("GET", "/Users?"+other, nil).Want(t, 200)
		wantError(t, testkit.Call(t, "GET", okta+"/Users?"+other, token, nil), 400, "invalidCursor")
	})
}

// TestTamperedCursor changes cursors: the text, and what it stands for.
func TestTamperedCursor(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		populate(t)
		r := rand.New(rand.NewPCG(9, 10))
		try := func(query map[string]string, text string) {
			query["cursor"] = text
			a := tryList(t, "GET", query)
			if a.Status != 200 {
				wantError(t, a, 400, "invalidCursor")
			} else if total := a.Want(t, 200)["totalResults"].(float64); total < 0 {
				t.Errorf("the cursor %s gives a total of %v", text, total)
			}
		}
		values := []any{nil, true, false, "", "a", "\x00", "\u0000x", "\ufffd", strings.Repeat("é", 1001), 0, -1, 7, 1.5, 1e300, math.MaxInt64, math.MinInt64, []any{}, map[string]any{}, map[string]any{"k": 1},
			"2026-01-02T03:04:05Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999+23:59", "0000-01-01T00:00:00+23:59", "x' OR 1=1 --", json.RawMessage("9223372036854775808"), json.RawMessage("1e99999")}
		for _, by := range []string{"", "externalId", "title", "active", "meta.created", "meta.version"} {
			query := map[string]string{"sortBy": by, "count": "5", "cursor": ""}
			cursor := ask(t, "GET", query)["nextCursor"].(string)
			if !regexp.MustCompile(`^[A-Za-z0-9._~-]+$`).MatchString(cursor) {
				t.Errorf("%s has other than unreserved characters (RFC 9865 section 2)", cursor)
			}
			delete(query, "count")
			for range 20 {
				text := []byte(cursor)
				for range 1 + r.IntN(3) {
					text[r.IntN(len(text))] = byte(1 + r.IntN(127))
				}
				try(query, string(text[:len(text)-r.IntN(2)]))
			}
			decoded, err := base64.RawURLEncoding.DecodeString(cursor)
			if err != nil {
				t.Fatal(err)
			}
			for range 20 {
				text := slices.Clone(decoded)
				text[r.IntN(len(text))] = byte(r.IntN(256))
				try(query, base64.RawURLEncoding.EncodeToString(text))
			}
			for _, name := range []string{"k", "i", "b", "t", "c", "q"} {
				for _, v := range values {
					var fields map[string]any
					if err := json.Unmarshal(decoded, &fields); err != nil {
						t.Fatal(err)
					}
					fields[name] = v
					text, err := json.Marshal(fields)
					if err != nil {
						text = decoded
					}
					try(query, base64.RawURLEncoding.EncodeToString(text))
				}
			}
		}
	})
}

// TestIndex reads sorted lists by startIndex and count.
func TestIndex(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		populate(t)
		for _, by := range []string{"", "title", "emails", "active", "meta.lastModified"} {
			query := map[string]string{"sortBy": by, "sortOrder": "descending", "count": "1000"}
			want := ids(resources(ask(t, "GET", query)))
			for _, at := range [][2]int{{1, 7}, {2, 7}, {45, 7}, {50, 1}, {51, 1}, {1000, 5}, {1, 0}, {60, 0}, {0, 3}, {-5, 3}} {
				query["startIndex"], query["count"] = fmt.Sprint(at[0]), fmt.Sprint(at[1])
				start := max(1, at[0])
				list := ask(t, "/Users/.search", query)
				from := min(start-1, len(want))
				page := want[from:min(from+at[1], len(want))]
				if diff := cmp.Diff(page, ids(resources(list))); diff != "" {
					t.Errorf("%v (-want +got): %s", query, diff)
				}
				if list["totalResults"] != float64(len(want)) || list["startIndex"] != float64(start) || list["itemsPerPage"] != float64(len(page)) || list["nextCursor"] != nil {
					t.Errorf("%v says %v, %v, %v", query, list["totalResults"], list["startIndex"], list["itemsPerPage"])
				}
			}
		}
	})
}

// TestProjection asks for attributes, and for all but some, wherever an answer holds a user.
func TestProjection(t *testing.T) {
	const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + ent + `"],"userName":"kofi","externalId":"k1","active":true,"title":"Lead",
		"name":{"givenName":"Kofi","familyName":"Adeyemi"},"emails":[{"type":"work","value":"k@x.example","primary":true},{"value":"h@x.example"}],
		"phoneNumbers":[{"value":"+1"}],"` + ent + `":{"department":"Ops","manager":{"value":"M-1"}}}`
	const core, both = `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]`, `"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","` + ent + `"]`
	cases := []struct{ attributes, excluded, want string }{
		{"userName", "", `{` + core + `,"userName":"kofi"}`},
		{"USERNAME, Title", "", `{` + core + `,"userName":"kofi","title":"Lead"}`},
		{"id", "", `{` + core + `}`},
		{"nickName,noSuch,name.noSuch,emails.noSuch", "", `{` + core + `}`},
		{"name.givenName", "", `{` + core + `,"name":{"givenName":"Kofi"}}`},
		{"name.givenName,name", "", `{` + core + `,"name":{"givenName":"Kofi","familyName":"Adeyemi"}}`},
		{"emails.value", "", `{` + core + `,"emails":[{"value":"k@x.example"},{"value":"h@x.example"}]}`},
		{"emails.value,emails.primary", "", `{` + core + `,"emails":[{"value":"k@x.example","primary":true},{"value":"h@x.example"}]}`},
		{"emails.type", "", `{` + core + `,"emails":[{"type":"work"}]}`},
		{"emails.display", "", `{` + core + `}`},
		{"urn:ietf:params:scim:schemas:core:2.0:User:userName", "", `{` + core + `,"userName":"kofi"}`},
		{"urn:ietf:params:scim:schemas:core:2.0:User:name.familyName", "", `{` + core + `,"name":{"familyName":"Adeyemi"}}`},
		{ent, "", `{` + both + `,"` + ent + `":{"department":"Ops","manager":{"value":"M-1"}}}`},
		{ent + ":department", "", `{` + both + `,"` + ent + `":{"department":"Ops"}}`},
		{ent + ":manager.value", "", `{` + both + `,"` + ent + `":{"manager":{"value":"M-1"}}}`},
		{"manager.displayName", "", `{` + core + `}`},
		{"", "emails,phoneNumbers,name,meta,title,active,externalId," + ent, `{` + core + `,"userName":"kofi"}`},
		{"", "id,schemas,emails.type,emails.primary,phoneNumbers.value,name.familyName,meta,title,active,externalId," + ent + ":manager",
			`{` + both + `,"userName":"kofi","name":{"givenName":"Kofi"},"emails":[{"value":"k@x.example"},{"value":"h@x.example"}],"` + ent + `":{"department":"Ops"}}`},
		{"", "emails.value,phoneNumbers,name.familyName,name.givenName,meta,title,active,externalId," + ent + ":department," + ent + ":manager.value",
			`{` + core + `,"userName":"kofi","emails":[{"type":"work","primary":true}]}`},
		{"userName,title", "title", `{` + core + `,"userName":"kofi"}`},
		{"URN:ietf:params:scim:schemas:core:2.0:User", "emails,phoneNumbers,meta,externalId,name", `{` + core + `,"userName":"kofi","active":true,"title":"Lead"}`},
		{"", "urn:ietf:params:scim:schemas:core:2.0:User," + ent + ":manager", `{` + both + `,"` + ent + `":{"department":"Ops"}}`},
	}
	eachEndpoint(t, func(t *endpoint) {
		id := t.call("POST", "/Users", user).Want(t, 201)["id"].(string)
		for _, c := range cases {
			query := url.Values{}
			search := map[string]any{}
			if c.attributes != "" {
				query.Set("attributes", c.attributes)
				search["attributes"] = strings.Split(c.attributes, ",")
			}
			if c.excluded != "" {
				query.Set("excludedAttributes", c.excluded)
				search["excludedAttributes"] = strings.Split(c.excluded, ",")
			}
			q := "?" + query.Encode()
			first := func(list map[string]any) map[string]any { return resources(list)[0] }
			answers := map[string]map[string]any{
				"GET":            t.call("GET", "/Users/"+id+q, nil).Want(t, 200),
				"list":           first(t.call("GET", "/Users"+q, nil).Want(t, 200)),
				"PUT":            t.call("PUT", "/Users/"+id+q, user).Want(t, 200),
				"PATCH":          t.call("PATCH", "/Users/"+id+q, `{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`).Want(t, 200),
				"/Users/.search": first(t.call("POST", "/Users/.search", search).Want(t, 200)),
				"/.search":       first(t.call("POST", "/.search", search).Want(t, 200)),
			}
			t.call("DELETE", "/Users/"+id, nil).Want(t, 204)
			post := t.call("POST", "/Users"+q, user)
			answers["POST"] = post.Want(t, 201)
			id = answers["POST"]["id"].(string)
			if post.Header.Get("Location") != t.base+"/Users/"+id || post.Header.Get("ETag") == "" {
				t.Errorf("%s: what is left out of the body is missing in the header: %v", q, post.Header)
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			for verb, got := range answers {
				if got["id"] == nil {
					t.Errorf("%s %s: no id", verb, q)
				}
				delete(got, "id")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s %s (-want +got): %s", verb, q, diff)
				}
			}
		}
	})
}
