package scim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/testkit"
)

// item is an attribute or sub-attribute that the schemas advertise as readWrite.
type item struct {
	path          []string       // from the resource
	name          string         // for filters, orders and projections
	patch         string         // for a PATCH; of a sub-attribute of several, with a filter
	base          map[string]any // what an element holds besides
	first, second any            // two values
	multi, sub    bool           // whether it or the attribute above it is multi-valued; whether there is one above
	typ           string
}

// in returns a user's attributes with the item's value v; without it for nil.
func (i item) in(v any) map[string]any {
	value := v
	path := i.path
	if i.sub {
		element := maps.Clone(i.base)
		if element == nil {
			element = map[string]any{}
		}
		if v != nil {
			element[path[len(path)-1]] = v
		}
		if value, path = element, path[:len(path)-1]; i.multi {
			value = []any{element}
		}
	}
	body := map[string]any{"userName": "leaf"}
	if m, ok := value.(map[string]any); value == nil || ok && len(m) == 0 {
		return body
	}
	if path[0] == ent {
		body[ent] = map[string]any{path[1]: value}
	} else {
		body[path[0]] = value
	}
	return body
}

// of returns the item's value in a user.
func (i item) of(user any) any {
	for k, name := range i.path {
		if list, ok := user.([]any); ok && k > 0 && len(list) > 0 {
			user = list[0]
		}
		m, _ := user.(map[string]any)
		user = m[name]
	}
	return user
}

func values(a map[string]any) (first, second any) {
	switch a["type"] {
	case "boolean":
		return false, true
	case "reference":
		return "https://x.example/one", "https://x.example/Two"
	case "complex":
		one, two := map[string]any{}, map[string]any{}
		for _, sub := range a["subAttributes"].([]any) {
			if sub := sub.(map[string]any); sub["mutability"] == "readWrite" {
				one[sub["name"].(string)], two[sub["name"].(string)] = values(sub)
			}
		}
		if a["multiValued"] == true {
			return []any{one}, []any{two}
		}
		return one, two
	}
	return "one", "Two"
}

// items are all that the schema with the URN advertises as readWrite.
func items(t *endpoint, urn string) []item {
	t.Helper()
	var list []item
	schema := t.call("GET", "/Schemas/"+urn, nil).Want(t, 200)
	above := map[string]any{}
	eachAttribute(schema, func(path []string, a map[string]any) {
		if len(path) == 1 {
			above = a
		}
		if a["mutability"] != "readWrite" {
			return
		}
		i := item{path: path, name: strings.Join(path, "."), typ: a["type"].(string), multi: above["multiValued"] == true, sub: len(path) == 2}
		i.first, i.second = values(a)
		if urn != core {
			i.name, i.path = urn+":"+i.name, append([]string{urn}, path...)
		}
		i.patch = i.name
		if i.sub && above["name"] == "manager" && path[1] != "value" {
			i.base = map[string]any{"value": "m"}
		}
		if i.sub && i.multi {
			i.base = map[string]any{"type": "work"}
			by := `type eq "work"`
			for _, sub := range above["subAttributes"].([]any) {
				other := sub.(map[string]any)["name"].(string)
				if other != path[1] && other != "type" && sub.(map[string]any)["type"] != "boolean" {
					i.base[other] = "https://x.example/base" // which is text as well
					if path[1] == "type" {
						delete(i.base, "type")
						by = other + ` eq "https://x.example/base"`
					}
					break
				}
			}
			i.patch = fmt.Sprintf("%s[%s].%s", path[0], by, path[1])
		}
		list = append(list, i)
	})
	return list
}

// TestAdvertised does with each attribute that the schemas advertise all that can be done.
func TestAdvertised(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		other := t.call("POST", "/Users", `{"userName":"zoë","active":true}`).Want(t, 201)
		list := append(items(t, core), items(t, ent)...)
		list = append(list, item{path: []string{"externalId"}, name: "externalId", patch: "externalId", first: "one", second: "Two", typ: "string"})
		if len(list) < 60 {
			t.Fatalf("the schemas advertise %d attributes only", len(list))
		}
		for _, i := range list {
			var id string
			check := func(what string, a testkit.Answer, status int, want any) map[string]any {
				t.Helper()
				user := a.Want(t, status)
				id = user["id"].(string)
				read := t.call("GET", "/Users/"+id, nil).Want(t, 200)
				if diff := cmp.Diff(want, i.of(user)); diff != "" {
					t.Errorf("%s, answer to %s (-want +got): %s", i.name, what, diff)
				}
				if diff := cmp.Diff(user, read); diff != "" {
					t.Errorf("%s, %s (-answer +read): %s", i.name, what, diff)
				}
				return read
			}
			patch := func(op, path string, value any) testkit.Answer {
				operation := map[string]any{"op": op, "path": path, "value": value}
				if value == nil {
					delete(operation, "value")
				}
				return t.call("PATCH", "/Users/"+id, map[string]any{"Operations": []any{operation}})
			}
			check("POST", t.call("POST", "/Users", i.in(i.first)), 201, i.first)
			user := check("PUT", t.call("PUT", "/Users/"+id, i.in(i.second)), 200, i.second)
			checkAsked(t, i, []map[string]any{user, other})
			if i.name == "userName" {
				wantError(t, patch("remove", i.patch, nil), 400, "mutability")
			} else {
				none := any(nil)
				if i.name == "active" { // stays as it is
					none = true
				}
				check("PUT without it", t.call("PUT", "/Users/"+id, i.in(nil)), 200, none)
				check("PATCH add", patch("add", i.patch, i.first), 200, i.first)
				check("PATCH remove", patch("remove", i.patch, nil), 200, nil)
			}
			check("PATCH replace of none", patch("replace", i.patch, i.first), 200, i.first)
			check("PATCH replace", patch("replace", i.patch, i.second), 200, i.second)
			if i.patch != i.name {
				check("PATCH replace in all elements", patch("replace", i.name, i.first), 200, i.first)
			}
			check("PATCH without a path", t.call("PATCH", "/Users/"+id, map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": i.in(i.second)}}}), 200, i.second)
			t.call("DELETE", "/Users/"+id, nil).Want(t, 204)
		}
	})
}

// checkAsked filters, sorts and projects by an item that the first of the users has.
func checkAsked(t *endpoint, i item, users []map[string]any) {
	t.Helper()
	id := users[0]["id"].(string)
	has := func(u map[string]any, v any) bool { return i.of(u) != nil && (v == nil || cmp.Equal(i.of(u), v)) }
	filters := map[string]any{i.name + " pr": nil}
	if i.typ != "complex" {
		literal, _ := json.Marshal(i.second)
		filters[i.name+" eq "+string(literal)] = i.second
		literal, _ = json.Marshal(i.first)
		filters[i.name+" eq "+string(literal)] = i.first
	}
	for filter, v := range filters {
		want := []string{}
		for _, u := range users {
			if has(u, v) {
				want = append(want, u["id"].(string))
			}
		}
		got := ids(resources(ask(t, "GET", map[string]string{"filter": filter})))
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got): %s", filter, diff)
		}
	}
	if i.typ != "complex" && !i.multi && i.of(users[1]) == nil {
		for _, order := range []string{"ascending", "descending"} {
			got := resources(ask(t, "GET", map[string]string{"sortBy": i.name, "sortOrder": order}))
			if (got[0]["id"] == id) != (order == "ascending") {
				t.Errorf("sorted by %s, %s, who lacks it is at the wrong end", i.name, order)
			}
		}
	}
	shown := t.call("GET", "/Users/"+id+"?attributes="+url.QueryEscape(i.name), nil).Want(t, 200)
	if diff := cmp.Diff(i.of(users[0]), i.of(shown)); diff != "" || len(shown) != 3 {
		t.Errorf("attributes=%s shows %v", i.name, shown)
	}
	hidden := t.call("GET", "/Users/"+id+"?excludedAttributes="+url.QueryEscape(i.name), nil).Want(t, 200)
	if i.of(hidden) != nil || hidden["meta"] == nil || i.name != "userName" && hidden["userName"] == nil {
		t.Errorf("excludedAttributes=%s shows %v", i.name, hidden)
	}
}

// TestExtension changes the enterprise extension as a whole.
func TestExtension(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		path := "/Users/" + t.call("POST", "/Users", `{"userName":"kofi"}`).Want(t, 201)["id"].(string)
		one, two := map[string]any{}, map[string]any{}
		for _, i := range items(t, ent) {
			if !i.sub {
				one[i.path[1]], two[i.path[1]] = i.first, i.second
			}
		}
		for _, c := range []struct {
			op          string
			value, want map[string]any
		}{
			{"add", one, one}, {"replace", two, two}, {"remove", nil, nil}, {"replace", one, one}, {"add", map[string]any{"department": "D"}, with(one, "department", "D")}, {"remove", nil, nil},
		} {
			operation := map[string]any{"op": c.op, "path": ent}
			if c.value != nil {
				operation["value"] = c.value
			}
			user := t.call("PATCH", path, map[string]any{"Operations": []any{operation}}).Want(t, 200)
			got, _ := user[ent].(map[string]any)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got): %s", c.op, diff)
			}
			if named := slices.Contains(user["schemas"].([]any), any(ent)); named != (c.want != nil) {
				t.Errorf("%s: schemas are %v", c.op, user["schemas"])
			}
		}
		if diff := cmp.Diff(one, t.call("PUT", path, map[string]any{"userName": "kofi", ent: one}).Want(t, 200)[ent]); diff != "" {
			t.Errorf("PUT (-want +got): %s", diff)
		}
		if got := t.call("PUT", path, map[string]any{"userName": "kofi"}).Want(t, 200)[ent]; got != nil {
			t.Errorf("PUT without it leaves %v", got)
		}
	})
}

// with returns a copy with one more member.
func with(m map[string]any, name string, v any) map[string]any {
	m = maps.Clone(m)
	m[name] = v
	return m
}

// TestSchemas holds that schemas and resource types are complete (RFC 7643 sections 6 and 7), and are where they say.
func TestSchemas(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		known := map[string]bool{}
		for _, schema := range resources(t.call("GET", "/Schemas", nil).Want(t, 200)) {
			id, _ := schema["id"].(string)
			known[id] = true
			for _, name := range []string{"id", "name", "description"} {
				if text, _ := schema[name].(string); text == "" {
					t.Errorf("%s: %s is missing", id, name)
				}
			}
			checkDocument(t, schema, "Schema")
			if list, _ := schema["attributes"].([]any); len(list) == 0 {
				t.Fatalf("%s has no attributes", id)
			}
			eachAttribute(schema, func(path []string, a map[string]any) { checkDefinition(t, id+":"+strings.Join(path, "."), a) })
		}
		types := resources(t.call("GET", "/ResourceTypes", nil).Want(t, 200))
		if len(types) != 1 || types[0]["id"] != "User" || types[0]["name"] != "User" || types[0]["endpoint"] != "/Users" || types[0]["schema"] != core {
			t.Fatalf("resource types are %v", types)
		}
		checkDocument(t, types[0], "ResourceType")
		named := []string{types[0]["schema"].(string)}
		for _, e := range types[0]["schemaExtensions"].([]any) {
			e := e.(map[string]any)
			if _, ok := e["required"].(bool); !ok {
				t.Errorf("extension %v", e)
			}
			named = append(named, e["schema"].(string))
		}
		if diff := cmp.Diff([]string{core, ent}, named); diff != "" {
			t.Errorf("schemas of a user (-want +got): %s", diff)
		}
		config := t.call("GET", "/ServiceProviderConfig", nil).Want(t, 200)
		checkDocument(t, config, "ServiceProviderConfig")
		checkType(t, config)
		checkType(t, types[0])
		for _, urn := range append(named, types[0]["schemas"].([]any)[0].(string), config["schemas"].([]any)[0].(string)) {
			if !known[urn] {
				t.Errorf("there is no schema %s", urn)
			}
		}
	})
}

// checkType holds that a document of discovery has what its schema requires, and nothing that its schema does not define or
// defines as something else.
func checkType(t *endpoint, document map[string]any) {
	t.Helper()
	urn := document["schemas"].([]any)[0].(string)
	var check func(name string, definitions any, value map[string]any)
	check = func(name string, definitions any, value map[string]any) {
		rest := maps.Clone(value)
		for _, d := range definitions.([]any) {
			d := d.(map[string]any)
			key := d["name"].(string)
			v, ok := value[key]
			if delete(rest, key); !ok {
				if d["required"] == true {
					t.Errorf("%s.%s is missing", name, key)
				}
				continue
			}
			list, many := v.([]any)
			if many != d["multiValued"].(bool) {
				t.Errorf("%s.%s is %v", name, key, v)
			}
			if !many {
				list = []any{v}
			}
			for _, v := range list {
				fits := false
				switch n, isNumber := v.(float64); d["type"] {
				case "integer":
					fits = isNumber && n == float64(int(n))
				case "boolean":
					_, fits = v.(bool)
				case "string":
					text, ok := v.(string)
					fits = ok && !strings.Contains(text, "://")
				case "reference":
					_, fits = v.(string)
				case "complex":
					element, ok := v.(map[string]any)
					if fits = ok; ok {
						check(name+"."+key, d["subAttributes"], element)
					}
				}
				if !fits {
					t.Errorf("%s.%s is the %s %v", name, key, d["type"], v)
				}
			}
		}
		for key := range rest {
			if key != "schemas" && key != "meta" {
				t.Errorf("%s.%s is not in the schema", name, key)
			}
		}
	}
	check(urn, t.call("GET", "/Schemas/"+urn, nil).Want(t, 200)["attributes"], document)
}

// checkDocument reads a document of discovery at its location.
func checkDocument(t *endpoint, document map[string]any, resourceType string) {
	t.Helper()
	meta, _ := document["meta"].(map[string]any)
	location, _ := meta["location"].(string)
	if schemas, _ := document["schemas"].([]any); len(schemas) != 1 || meta["resourceType"] != resourceType || !strings.HasPrefix(location, t.base+"/") {
		t.Errorf("%s has the schemas %v and meta %v", resourceType, document["schemas"], meta)
		return
	}
	if diff := cmp.Diff(document, testkit.Call(t, "GET", location, t.token, nil).Want(t, 200)); diff != "" {
		t.Errorf("%s is something else: %s", location, diff)
	}
}

// checkDefinition looks for the characteristics that apply to an attribute.
func checkDefinition(t *endpoint, name string, a map[string]any) {
	t.Helper()
	typ, _ := a["type"].(string)
	keywords := map[string]string{
		"type": "string boolean decimal integer dateTime reference complex binary", "mutability": "readOnly readWrite immutable writeOnly",
		"returned": "always never default request",
	}
	if typ != "complex" && typ != "boolean" {
		keywords["uniqueness"] = "none server global"
	}
	for characteristic, allowed := range keywords {
		if v, _ := a[characteristic].(string); v == "" || !slices.Contains(strings.Fields(allowed), v) {
			t.Errorf("%s: %s is %v", name, characteristic, a[characteristic])
		}
	}
	flags := []string{"multiValued", "required"}
	if typ == "string" {
		flags = append(flags, "caseExact")
	}
	for _, characteristic := range flags {
		if _, ok := a[characteristic].(bool); !ok {
			t.Errorf("%s: %s is %v", name, characteristic, a[characteristic])
		}
	}
	if text, _ := a["description"].(string); text == "" {
		t.Errorf("%s has no description", name)
	}
	if list, _ := a["subAttributes"].([]any); (len(list) > 0) != (typ == "complex") {
		t.Errorf("%s is %s and has %d sub-attributes", name, typ, len(list))
	}
	if list, _ := a["referenceTypes"].([]any); (len(list) > 0) != (typ == "reference") {
		t.Errorf("%s is %s and has the reference types %v", name, typ, list)
	}
}

// TestServiceProviderConfig holds that the limits that are told are those that hold.
func TestServiceProviderConfig(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		config := t.call("GET", "/ServiceProviderConfig", nil).Want(t, 200)
		number := func(part, name string) int {
			n, ok := config[part].(map[string]any)[name].(float64)
			if !ok {
				t.Fatalf("%s.%s is missing", part, name)
			}
			return int(n)
		}
		request := func(n int) string {
			operations := slices.Repeat([]string{`{"method":"DELETE","path":"/Groups/1"}`}, n)
			return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[` + strings.Join(operations, ",") + `]}`
		}
		most := number("bulk", "maxOperations")
		t.call("POST", "/Bulk", request(most)).Want(t, 200)
		wantError(t, t.call("POST", "/Bulk", request(most+1)), 413, "")
		body := request(1)
		body += strings.Repeat(" ", number("bulk", "maxPayloadSize")-len(body))
		t.call("POST", "/Bulk", body).Want(t, 200)
		wantError(t, t.call("POST", "/Bulk", body+" "), 413, "")
		// One user more than a page may have.
		page := number("filter", "maxResults")
		if number("pagination", "maxPageSize") != page {
			t.Errorf("pages of %d or %d", page, number("pagination", "maxPageSize"))
		}
		var create []string
		for i := range page + 1 {
			create = append(create, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"%d","data":{"userName":"u%[1]d"}}`, i))
		}
		for part := range slices.Chunk(create, most) {
			if got := statuses(t.bulk(strings.Join(part, ","))); strings.Count(got, "201") != len(part) {
				t.Errorf("as many operations as there may be: %s", got)
			}
		}
		for _, query := range []map[string]string{{}, {"cursor": ""}} {
			if n := len(resources(ask(t, "GET", query))); n != number("pagination", "defaultPageSize") {
				t.Errorf("%v gives %d users", query, n)
			}
			query["count"] = fmt.Sprint(page + 1)
			if n := len(resources(ask(t, "GET", query))); n != page {
				t.Errorf("%v gives %d users", query, n)
			}
		}
		pagination := config["pagination"].(map[string]any)
		if list := ask(t, "GET", nil); pagination["cursor"] != true || pagination["index"] != true || pagination["defaultPaginationMethod"] != "index" || list["nextCursor"] != nil {
			t.Errorf("pagination is %v", pagination)
		}
		for _, part := range []string{"patch", "bulk", "filter", "sort", "etag"} {
			if config[part].(map[string]any)["supported"] != true {
				t.Errorf("%s is not said to be supported", part)
			}
		}
	})
}

// TestDiscoveryIsReadOnly writes to discovery, and filters it (RFC 7644 section 4).
func TestDiscoveryIsReadOnly(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		for _, path := range []string{"/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Schemas/" + core} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				a := t.call(method, path, `{}`)
				wantError(t, a, 405, "")
				if got := a.Header.Get("Allow"); got != "GET, HEAD, OPTIONS" {
					t.Errorf("%s %s allows %q", method, path, got)
				}
			}
			for _, filter := range []string{"id+pr", "nonsense"} {
				wantError(t, t.call("GET", path+"?filter="+filter, nil), 403, "")
			}
			t.call("GET", path+"?sortBy=x&count=0&cursor=x&attributes=id", nil).Want(t, 200)
		}
	})
}
