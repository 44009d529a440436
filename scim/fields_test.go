package scim_test

import (
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

const custom = desk.FieldsURN

// TestFields holds that custom fields are attributes like others: advertised, checked, kept, filtered and sorted by.
func TestFields(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		admin := t.Token(t, "main", desk.RoleAdmin)
		api := func(method, path string, body any) testkit.Answer {
			return testkit.Call(t, method, t.URL+"/api/v1/fields"+path, admin, body)
		}
		// Said before there were fields: kept, though of another type.
		early := t.call("POST", "/Users", `{"userName":"early","`+custom+`":{"badge":"none","floor":"3"}}`).Want(t, 201)

		for _, field := range []map[string]any{
			{"name": "badge", "type": "number"},
			{"name": "joined", "type": "date"},
			{"name": "remote", "type": "boolean"},
			{"name": "tier", "type": "choice", "choices": []string{"Gold", "Silver"}},
			{"name": "desk", "type": "text"},
		} {
			api("POST", "", field).Want(t, 201)
		}
		for what, bad := range map[string]map[string]any{
			"a taken name":            {"name": "BADGE", "type": "text"},
			"no name":                 {"name": "", "type": "text"},
			"a name with a dot":       {"name": "a.b", "type": "text"},
			"a directory's word":      {"name": "Password", "type": "text"},
			"no such type":            {"name": "x", "type": "money"},
			"a choice of nothing":     {"name": "x", "type": "choice"},
			"choices of a text":       {"name": "x", "type": "text", "choices": []string{"a"}},
			"a choice with a NUL":     {"name": "x", "type": "choice", "choices": []string{"a\x00b"}},
			"too many choices":        {"name": "x", "type": "choice", "choices": strings.Fields(strings.Repeat("a ", desk.MaxChoices+1))},
			"the same choice, folded": {"name": "x", "type": "choice", "choices": []string{"a", "A"}},
		} {
			if a := api("POST", "", bad); a.Status != 400 && a.Status != 409 {
				t.Errorf("%s: status %d", what, a.Status)
			}
		}

		schema := t.call("GET", "/Schemas/"+custom, nil).Want(t, 200)
		types := map[string]any{}
		for _, a := range schema["attributes"].([]any) {
			a := a.(map[string]any)
			types[a["name"].(string)] = a["type"]
		}
		want := map[string]any{"badge": "decimal", "joined": "dateTime", "remote": "boolean", "tier": "string", "desk": "string"}
		if diff := cmp.Diff(want, types); diff != "" {
			t.Errorf("the schema: %s", diff)
		}
		if kind := t.call("GET", "/ResourceTypes/User", nil); !strings.Contains(string(kind.Body), custom) {
			t.Errorf("the resource type does not name the extension: %s", kind.Body)
		}

		kofi := t.call("POST", "/Users", `{"userName":"kofi","`+custom+`":{"BADGE":"4711.50","joined":"2026-01-31","remote":"True","tier":"gold","desk":"ÅB"}}`).Want(t, 201)
		if diff := cmp.Diff(map[string]any{"badge": 4711.5, "joined": "2026-01-31T00:00:00Z", "remote": true, "tier": "Gold", "desk": "ÅB"}, kofi[custom]); diff != "" {
			t.Errorf("kept: %s", diff)
		}
		ama := t.call("POST", "/Users", `{"userName":"ama","`+custom+`":{"badge":12,"joined":"2026-01-31T23:30:00.9-02:00","remote":false,"tier":"Silver"}}`).Want(t, 201)
		t.call("POST", "/Users", `{"userName":"plain"}`).Want(t, 201)

		patch := func(id any, op string) testkit.Answer {
			return t.call("PATCH", "/Users/"+id.(string), `{"Operations":[`+op+`]}`)
		}
		for _, bad := range []string{
			`{"op":"replace","path":"` + custom + `:badge","value":"many"}`,
			`{"op":"replace","path":"` + custom + `:badge","value":"NaN"}`,
			`{"op":"replace","path":"` + custom + `:badge","value":1e999}`,
			`{"op":"replace","path":"` + custom + `:joined","value":"soon"}`,
			`{"op":"replace","path":"` + custom + `:remote","value":"perhaps"}`,
			`{"op":"replace","path":"` + custom + `:tier","value":"Bronze"}`,
			`{"op":"replace","value":{"` + custom + `":{"desk":{"a":1}}}}`,
		} {
			wantError(t, patch(kofi["id"], bad), 400, "invalidValue")
		}
		patch(ama["id"], `{"op":"replace","path":"`+custom+`:desk","value":"z"}`).Want(t, 200)

		find := func(query string) string {
			var names []string
			for _, u := range t.call("GET", "/Users?"+query, nil).Want(t, 200)["Resources"].([]any) {
				names = append(names, u.(map[string]any)["userName"].(string))
			}
			return strings.Join(names, " ")
		}
		for filter, want := range map[string]string{
			`badge gt 12`: "kofi", `badge ge "12.0"`: "kofi ama", `badge lt 100 and badge ne 5`: "ama", `badge pr`: "early kofi ama", `badge eq null`: "plain",
			`joined eq "2026-01-31"`: "kofi", `joined gt "2026-01-31T12:00:00Z"`: "ama", `joined le "2026-01-31T00:00:00.5Z"`: "kofi", `joined eq "2026-02-01T01:30:00Z"`: "ama",
			`remote eq true`: "kofi", `tier eq "GOLD"`: "kofi", `desk eq "åb"`: "kofi",
		} {
			filter = custom + ":" + filter
			filter = strings.ReplaceAll(filter, " and ", " and "+custom+":")
			if got := find("filter=" + url.QueryEscape(filter)); got != want {
				t.Errorf("%s finds %s, want %s", filter, got, want)
			}
		}
		wantError(t, t.call("GET", "/Users?filter="+url.QueryEscape(custom+":badge co 1"), nil), 400, "invalidFilter")
		wantError(t, t.call("GET", "/Users?filter="+url.QueryEscape(custom+":badge gt \"x\""), nil), 400, "invalidFilter")
		for query, want := range map[string]string{
			"sortBy=" + custom + ":joined": "kofi ama early plain", "sortBy=" + custom + ":remote": "ama kofi early plain",
			"sortBy=" + custom + ":badge": "ama kofi early plain", "sortBy=" + custom + ":badge&sortOrder=descending": "plain early kofi ama",
		} {
			if got := find(query); got != want {
				t.Errorf("%s gives %s, want %s", query, got, want)
			}
			cursor, paged := "", ""
			for range 10 {
				a := t.call("GET", "/Users?count=1&"+query+"&cursor="+cursor, nil).Want(t, 200)
				paged += a["Resources"].([]any)[0].(map[string]any)["userName"].(string) + " "
				if cursor, _ = a["nextCursor"].(string); cursor == "" {
					break
				}
			}
			if strings.TrimSpace(paged) != want {
				t.Errorf("%s by cursor gives %s, want %s", query, paged, want)
			}
		}

		// Required: of who is active. Who leaves without it can leave.
		api("POST", "", map[string]any{"name": "floor", "type": "text", "required": true}).Want(t, 201)
		a := t.call("POST", "/Users", `{"userName":"nobody"}`)
		if wantError(t, a, 400, "invalidValue"); !strings.Contains(string(a.Body), "floor is required") {
			t.Errorf("the refusal does not say why: %s", a.Body)
		}
		wantError(t, patch(kofi["id"], `{"op":"replace","path":"title","value":"T"}`), 400, "invalidValue")
		patch(kofi["id"], `{"op":"replace","path":"active","value":"False"}`).Want(t, 200)
		put := t.call("PUT", "/Users/"+kofi["id"].(string), `{"userName":"kofi","title":"U"}`).Want(t, 200)
		if put["active"] != false || put["title"] != "U" {
			t.Errorf("a PUT of who has left, without active, gives %v", put)
		}
		wantError(t, t.call("PUT", "/Users/"+kofi["id"].(string), `{"userName":"kofi","active":true}`), 400, "invalidValue")
		patch(early["id"], `{"op":"replace","path":"title","value":"T"}`).Want(t, 200)
		wantError(t, patch(early["id"], `{"op":"remove","path":"`+custom+`:floor"}`), 400, "mutability")

		// Another tenant has no such fields.
		base, token := t.Connect(t, "other", "entra")
		if a := testkit.Call(t, "GET", base+"/Schemas/"+custom, token, nil); a.Status != 404 {
			t.Errorf("another tenant's schema: status %d", a.Status)
		}
		api("DELETE", "/FLOOR", nil).Want(t, 204)
		api("DELETE", "/floor", nil).Want(t, 404)
		t.call("POST", "/Users", `{"userName":"nobody"}`).Want(t, 201)
	})
}

// TestFieldsOverOldValues holds that what was said under a field's name before there was one is passed over, whatever type the
// field has: both databases find the same users, in the same order, and cursors lead through all of them.
func TestFieldsOverOldValues(t *testing.T) {
	old := []string{
		`"red"`, `"TRUE"`, `true`, `false`, `1`, `0`, `-0.0`, `1.50`, `1e-400`, `0.1e-323`, `5e-324`, `9007199254740993`, `1e308`, `["red"]`, `{"value":"red"}`,
		`"2026-01-01"`, `"2026-02-28T00:00:00Z"`, `"2026-02-30T00:00:00Z"`, `"2024-02-29T00:00:00Z"`, `"2026-02-29T00:00:00Z"`, `"2026-01-01T24:00:00Z"`, `"2026-01-01T00:00:00.5+02:00"`,
		`[{"value":"x"},"2026-02-30T00:00:00Z",1.5,"blue","RED","2026-02-28T00:00:00Z",true,["red"]]`,
	}
	const f = custom + ":f"
	for _, field := range []struct {
		typ     string // with an s for several
		choices []string
		filters map[string]string // and the numbers of the users that they find
	}{
		{"text", nil, map[string]string{`f eq "true"`: "1", `f eq "red"`: "0", `f sw "1"`: "", `not (f ne "RED")`: "0"}},
		{"choice", []string{"red"}, map[string]string{`f eq "red"`: "0", `f co "rue"`: "1"}},
		{"number", nil, map[string]string{`f eq 0`: "5 6 8 9", `f eq 1.5`: "7", `f eq 9007199254740992`: "11", `f ge 9007199254740992`: "11 12", `f eq 5e-324`: "10"}},
		{"boolean", nil, map[string]string{`f eq true`: "2", `f eq false`: "3", `not (f ne true)`: "2"}},
		{"date", nil, map[string]string{`f gt "2000-01-01"`: "16 18", `f eq "2026-02-28"`: "16", `f lt "9999-01-01"`: "16 18"}},
		// One value stands for a list of one. What an element is not, it differs from.
		{"texts", nil, map[string]string{
			`f eq "true"`: "1", `f eq "red"`: "0 13 22", `f co "UE"`: "1 22", `f sw "1"`: "", `not (f ne "RED")`: "0 13", `f[value eq "red"]`: "0 13 22", `f[not (value ne "red")]`: "0 13 22", `f[value eq null]`: "",
		}},
		{"choices", []string{"red"}, map[string]string{`f eq "red"`: "0 13 22", `f[value co "rue" or value eq "red"]`: "0 1 13 22"}},
		{"numbers", nil, map[string]string{
			`f eq 0`: "5 6 8 9", `f eq 1.5`: "7 22", `f ge 9007199254740992`: "11 12", `f eq 5e-324`: "10", `f[value gt 1 and value lt 2]`: "7 22", `f gt 1 and f lt 2`: "7 22",
		}},
		{"dates", nil, map[string]string{`f gt "2000-01-01"`: "16 18 22", `f[value eq "2026-02-28"]`: "16 22", `f ne "2026-02-28"`: "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 17 18 19 20 21 22"}},
	} {
		t.Run(field.typ, func(t *testing.T) {
			eachEndpoint(t, func(t *endpoint) {
				for i, v := range old {
					t.call("POST", "/Users", fmt.Sprintf(`{"userName":"%d","%s":{"f":%s}}`, i, custom, v)).Want(t, 201)
				}
				typ, several := strings.CutSuffix(field.typ, "s")
				made := map[string]any{"name": "f", "type": typ, "multiple": several, "choices": field.choices}
				if field.choices == nil {
					delete(made, "choices")
				}
				testkit.Call(t, "POST", t.URL+"/api/v1/fields", t.Token(t, "main", desk.RoleAdmin), made).Want(t, 201)
				find := func(query string) (names []string, next string) {
					a := t.call("GET", "/Users?"+query, nil).Want(t, 200)
					for _, u := range a["Resources"].([]any) {
						names = append(names, u.(map[string]any)["userName"].(string))
					}
					next, _ = a["nextCursor"].(string)
					return names, next
				}
				filters := maps.Clone(field.filters)
				all, _ := find("count=100")
				filters["f pr"], filters["f eq null"] = strings.Join(all, " "), ""
				for filter, want := range filters {
					names, _ := find("count=100&filter=" + url.QueryEscape(strings.Replace(filter, "f ", f+" ", 1)))
					if got := strings.Join(names, " "); got != want {
						t.Errorf("%s finds %s, want %s", filter, got, want)
					}
				}
				for _, query := range []string{"sortBy=" + f, "sortOrder=descending&sortBy=" + f} {
					whole, _ := find("count=100&" + query)
					var paged []string
					for names, next := find("count=4&cursor&" + query); ; names, next = find("count=4&" + query + "&cursor=" + next) {
						if paged = append(paged, names...); next == "" || len(paged) > len(old) {
							break
						}
					}
					if diff := cmp.Diff(whole, paged); diff != "" || len(whole) != len(old) {
						t.Errorf("%s by cursor: %s", query, diff)
					}
				}
			})
		})
	}
}

// TestFieldsOfSeveral holds that a custom field with several values is an attribute with several values, whichever way clients
// write it.
func TestFieldsOfSeveral(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		admin := t.Token(t, "main", desk.RoleAdmin)
		create := func(field string) testkit.Answer {
			return testkit.Call(t, "POST", t.URL+"/api/v1/fields", admin, field)
		}
		for _, field := range []string{
			`{"name":"location","type":"text","multiple":true,"required":true}`, `{"name":"floors","type":"number","multiple":true}`,
			`{"name":"days","type":"date","multiple":true}`, `{"name":"tiers","type":"choice","choices":["Gold","Silver"],"multiple":true}`,
		} {
			create(field).Want(t, 201)
		}
		if a := create(`{"name":"x","type":"boolean","multiple":true}`); a.Status != 400 {
			t.Errorf("several booleans: status %d", a.Status)
		}
		for _, a := range t.call("GET", "/Schemas/"+custom, nil).Want(t, 200)["attributes"].([]any) {
			if a := a.(map[string]any); a["multiValued"] != true || a["required"] != (a["name"] == "location") {
				t.Errorf("the schema says %v", a)
			}
		}

		var floors []int
		for i := range desk.MaxValues - 1 {
			floors = append(floors, i+3)
		}
		many := strings.Join(strings.Fields(fmt.Sprint(floors)), ",") // more than there is room for beside two
		// Each is a PATCH of somebody in Accra and Berlin, on the floors 1 and 2.
		const path = custom + ":location"
		bad := func(scimType string) string { return "400 " + scimType }
		for _, c := range []struct {
			op   string
			want string // the locations and floors after it, or the status and scimType
		}{
			{`{"op":"add","path":"` + path + `","value":["Oslo","BERLIN"]}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"add","path":"` + path + `","value":"Oslo"}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"add","path":"` + path + `","value":[{"value":"Oslo"},{"$ref":null,"value":"accra"}]}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"add","path":"` + path + `","value":[]}`, "Accra Berlin 1 2"},
			{`{"op":"add","path":"location","value":["Oslo"]}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"Add","value":{"` + path + `":["Oslo"]}}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"add","value":{"` + custom + `":{"LOCATION":["Oslo"],"floors":"3"}}}`, "Accra Berlin Oslo 1 2 3"},
			{`{"op":"add","value":{"` + custom + `.floors":[2,"2.0",3]}}`, "Accra Berlin 1 2 3"},
			{`{"op":"replace","path":"` + path + `","value":["Oslo","oslo"]}`, "Oslo 1 2"},
			{`{"op":"replace","path":"` + path + `","value":"Oslo"}`, "Oslo 1 2"},
			{`{"op":"replace","value":{"` + path + `":"Oslo","` + custom + `:floors":[]}}`, "Oslo"},
			{`{"op":"replace","path":"` + custom + `","value":{"location":["Oslo"]}}`, "Oslo 1 2"},
			{`{"op":"remove","path":"` + path + `","value":["accra"]}`, "Berlin 1 2"},
			{`{"op":"remove","path":"` + path + `","value":"Accra"}`, "Berlin 1 2"},
			{`{"op":"Remove","path":"` + path + `","value":[{"value":"Accra"},{"value":"Oslo"}]}`, "Berlin 1 2"},
			{`{"op":"remove","path":"` + path + `[value eq \"ACCRA\"]"}`, "Berlin 1 2"},
			{`{"op":"remove","path":"location[value sw \"b\" or value eq \"Oslo\"]"}`, "Accra 1 2"},
			{`{"op":"remove","path":"` + path + `[value eq \"Oslo\"]"}`, "Accra Berlin 1 2"},
			{`{"op":"remove","path":"floors[value gt 1]"}`, "Accra Berlin 1"},
			{`{"op":"remove","path":"floors","value":[2,"1.0"]}`, "Accra Berlin"},
			{`{"op":"remove","path":"floors"}`, "Accra Berlin"},
			{`{"op":"replace","path":"` + path + `[value eq \"Accra\"]","value":"Oslo"}`, "Oslo Berlin 1 2"},
			{`{"op":"replace","path":"` + path + `[value eq \"Accra\"]","value":[{"value":"berlin"}]}`, "berlin 1 2"},
			{`{"op":"replace","path":"` + path + `[value eq \"Accra\"]","value":""}`, "Berlin 1 2"},
			{`{"op":"add","path":"` + path + `[value eq \"Oslo\"]","value":"Oslo"}`, "Accra Berlin Oslo 1 2"},
			{`{"op":"replace","value":{"location[value eq \"Accra\"]":"Oslo"}}`, "Oslo Berlin 1 2"},
			{`{"op":"replace","path":"` + path + `[value eq \"Oslo\"]","value":"Bonn"}`, bad("noTarget")},
			{`{"op":"replace","path":"` + path + `[value ne \"Accra\" and value ne \"Berlin\"]","value":"Bonn"}`, bad("noTarget")},
			{`{"op":"replace","path":"` + path + `[value eq \"Accra\"]","value":["a","b"]}`, bad("invalidValue")},
			{`{"op":"replace","path":"` + path + `[type eq \"Accra\"]","value":"a"}`, bad("invalidPath")},
			{`{"op":"replace","path":"` + path + `[value eq \"Accra\"].value","value":"a"}`, bad("invalidPath")},
			{`{"op":"replace","path":"` + path + `.value","value":"a"}`, bad("invalidPath")},
			{`{"op":"remove","path":"` + path + `"}`, bad("mutability")},
			{`{"op":"replace","path":"` + path + `","value":[]}`, bad("invalidValue")},
			{`{"op":"replace","path":"` + path + `","value":[""]}`, bad("invalidValue")},
			{`{"op":"remove","path":"` + path + `","value":["Accra","Berlin"]}`, bad("invalidValue")},
			{`{"op":"remove","path":"` + path + `[value pr]"}`, bad("invalidValue")},
			{`{"op":"add","path":"` + path + `","value":[["Oslo"]]}`, bad("invalidValue")},
			{`{"op":"add","path":"` + path + `","value":{"city":"Oslo"}}`, bad("invalidValue")},
			{`{"op":"add","path":"` + path + `","value":true}`, bad("invalidValue")},
			{`{"op":"add","path":"floors","value":[3,"many"]}`, bad("invalidValue")},
			{`{"op":"add","path":"tiers","value":["gold","Bronze"]}`, bad("invalidValue")},
			{`{"op":"add","path":"floors","value":[` + strings.Repeat("3,", 500) + `4]}`, "Accra Berlin 1 2 3 4"},
			{`{"op":"add","path":"floors","value":` + many + `}`, bad("invalidValue")},
		} {
			u := t.call("POST", "/Users", `{"userName":"kofi","`+custom+`":{"location":["Accra","Berlin","accra"],"floors":[1,"2"]}}`).Want(t, 201)
			answer := t.call("PATCH", "/Users/"+u["id"].(string), `{"Operations":[`+c.op+`]}`)
			said, got := answer.Want(t, answer.Status), fmt.Sprint(answer.Status)
			if answer.Status == 200 {
				values := said[custom].(map[string]any)
				floors, _ := values["floors"].([]any)
				got = strings.Trim(fmt.Sprint(append(values["location"].([]any), floors...)), "[]")
			} else {
				got += fmt.Sprint(" ", said["scimType"])
			}
			if got != c.want {
				t.Errorf("%s gives %s, want %s: %s", c.op, got, c.want, answer.Body)
			}
			t.call("DELETE", "/Users/"+u["id"].(string), nil).Want(t, 204)
		}
		a := t.call("POST", "/Users", `{"userName":"nobody","`+custom+`":{"location":["",null]}}`)
		if wantError(t, a, 400, "invalidValue"); !strings.Contains(string(a.Body), "location is required") {
			t.Errorf("the refusal does not say why: %s", a.Body)
		}

		kofi := t.call("POST", "/Users", `{"userName":"kofi","`+path+`":["Berlin","Accra"],"floors":["7",10],"`+custom+`.days":["2026-01-31"],"tiers":"gold"}`).Want(t, 201)
		want := map[string]any{"location": []any{"Berlin", "Accra"}, "floors": []any{7., 10.}, "days": []any{"2026-01-31T00:00:00Z"}, "tiers": []any{"Gold"}}
		if diff := cmp.Diff(want, kofi[custom]); diff != "" {
			t.Errorf("kept: %s", diff)
		}
		put := t.call("PUT", "/Users/"+kofi["id"].(string), `{"userName":"kofi","`+custom+`":{"location":["Berlin","Accra"],"floors":[7,10],"tiers":["Gold"],"days":["2026-01-31","2026-02-01"]}}`).Want(t, 200)
		want["days"] = []any{"2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"}
		if diff := cmp.Diff(want, put[custom]); diff != "" {
			t.Errorf("replaced: %s", diff)
		}
		t.call("POST", "/Users", `{"userName":"ama","`+custom+`":{"location":"Zürich","floors":8}}`).Want(t, 201)
		t.call("POST", "/Users", `{"userName":"gone","active":false}`).Want(t, 201)

		find := func(query string) string {
			var names []string
			for _, u := range t.call("GET", "/Users?"+query, nil).Want(t, 200)["Resources"].([]any) {
				names = append(names, u.(map[string]any)["userName"].(string))
			}
			return strings.Join(names, " ")
		}
		for filter, want := range map[string]string{
			path + ` eq "accra"`: "kofi", path + ` ne "accra"`: "kofi ama gone", path + ` co "ÜR"`: "ama", path + ` sw "A"`: "kofi", path + ` pr`: "kofi ama", path + ` eq null`: "gone",
			`location[value eq "ACCRA"]`: "kofi", `location[value eq "Accra" and value eq "Berlin"]`: "", `location eq "Accra" and location eq "Berlin"`: "kofi", path + `[not (value eq "Accra")]`: "kofi ama",
			`floors gt 8`: "kofi", `floors[value gt 7 and value lt 9]`: "ama", `not (floors pr)`: "gone", `days eq "2026-02-01"`: "kofi", `tiers eq "gold"`: "kofi",
		} {
			if got := find("filter=" + url.QueryEscape(filter)); got != want {
				t.Errorf("%s finds %q, want %q", filter, got, want)
			}
		}
		for _, filter := range []string{`location[type eq "x"]`, `location.value eq "x"`, `location[value eq "x"].value eq "x"`, `floors eq "x"`, `floors[value co 1]`, `userName[value eq "kofi"]`, `location[value]`} {
			wantError(t, t.call("GET", "/Users?filter="+url.QueryEscape(filter), nil), 400, "invalidFilter")
		}
		// By the first value, as of others by the first if none is primary.
		for query, want := range map[string]string{
			"sortBy=" + path: "kofi ama gone", "sortOrder=descending&sortBy=location": "gone ama kofi", "sortBy=floors": "kofi ama gone", "sortBy=days": "kofi ama gone", "sortBy=tiers&sortOrder=descending": "gone ama kofi",
		} {
			if got := find(query); got != want {
				t.Errorf("%s gives %s, want %s", query, got, want)
			}
		}
		if first := t.call("GET", "/Users?count=1&cursor&sortBy="+path, nil).Want(t, 200); find("sortBy="+path+"&count=1&cursor="+first["nextCursor"].(string)) != "ama" {
			t.Error("the second page by cursor is not who comes second")
		}

		one := func(query string) any {
			return t.call("GET", "/Users/"+kofi["id"].(string)+"?"+query, nil).Want(t, 200)[custom]
		}
		if diff := cmp.Diff(map[string]any{"location": []any{"Berlin", "Accra"}}, one("attributes="+path)); diff != "" {
			t.Errorf("projected: %s", diff)
		}
		delete(want, "location")
		if diff := cmp.Diff(want, one("excludedAttributes=location")); diff != "" {
			t.Errorf("without location: %s", diff)
		}
	})
}

// TestFieldThatGetsSeveral holds that what a directory said of a field with one value is the first of several.
func TestFieldThatGetsSeveral(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		const body = `{"userName":"%s","` + custom + `":{"f":%s}}`
		ids := map[string]string{}
		for name, v := range map[string]string{"one": `"red"`, "mixed": `[7,"red",{"a":"b"},"blue"]`, "object": `{"a":"b"}`} {
			ids[name] = t.call("POST", "/Users", fmt.Sprintf(body, name, v)).Want(t, 201)["id"].(string)
		}
		testkit.Call(t, "POST", t.URL+"/api/v1/fields", t.Token(t, "main", desk.RoleAdmin), `{"name":"f","type":"choice","choices":["Red","Blue","Green"],"multiple":true}`).Want(t, 201)
		for name, want := range map[string][]any{"one": {"Red", "Green"}, "mixed": {"Red", "Blue", "Green"}, "object": {"Green", "Red"}} {
			u := t.call("PATCH", "/Users/"+ids[name], `{"Operations":[{"op":"add","path":"`+custom+`:f","value":["green","red"]},{"op":"remove","path":"f[value eq \"none\"]"}]}`).Want(t, 200)
			if diff := cmp.Diff(map[string]any{"f": want}, u[custom]); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}
