package scim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
)

// bulk sends operations, and returns what the answer says of each.
func (e *endpoint) bulk(operations string, extra ...string) []map[string]any {
	e.Helper()
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + operations + `]` + strings.Join(append([]string{""}, extra...), ",") + `}`
	answer := e.call("POST", "/Bulk", body).Want(e, 200)
	if diff := cmp.Diff([]any{"urn:ietf:params:scim:api:messages:2.0:BulkResponse"}, answer["schemas"]); diff != "" {
		e.Errorf("schemas of a bulk response: %s", diff)
	}
	results := []map[string]any{}
	for _, result := range answer["Operations"].([]any) {
		result := result.(map[string]any)
		// RFC 7644 section 3.7.3 for what is there when.
		failed := !strings.HasPrefix(result["status"].(string), "2")
		response, _ := result["response"].(map[string]any)
		if _, told := result["response"]; told != failed || failed && (response["status"] != result["status"] || response["detail"] == nil ||
			cmp.Diff([]any{"urn:ietf:params:scim:api:messages:2.0:Error"}, response["schemas"]) != "") {
			e.Errorf("a result with a response for errors only: %v", result)
		}
		location, _ := result["location"].(string)
		if !failed && !strings.HasPrefix(location, e.base+"/Users/") {
			e.Errorf("a result with a location: %v", result)
		}
		if _, versioned := result["version"]; versioned != (!failed && result["method"] != "DELETE") {
			e.Errorf("a version where there is a user: %v", result)
		}
		results = append(results, result)
	}
	return results
}

// statuses are those of results, in one text.
func statuses(results []map[string]any) string {
	var list []string
	for _, r := range results {
		list = append(list, r["status"].(string))
	}
	return strings.Join(list, " ")
}

// create is an operation that makes a user, with more members of its data.
func create(bulkID string, more ...string) string {
	return fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":%q,"data":{"userName":%q%s}}`, bulkID, bulkID, strings.Join(append([]string{""}, more...), ","))
}

func managerOf(id string) string { return `"` + ent + `":{"manager":{"value":"` + id + `"}}` }

// user looks a user up by userName; nil for none.
func (e *endpoint) user(name string) map[string]any {
	e.Helper()
	list := resources(ask(e, "GET", map[string]string{"filter": `userName eq "` + name + `"`}))
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func TestBulk(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		kept := t.call("POST", "/Users", `{"userName":"kept"}`).Want(t, 201)["id"].(string)
		gone := t.call("POST", "/Users", `{"userName":"gone"}`).Want(t, 201)["id"].(string)
		var results []map[string]any
		events := t.during(func() {
			results = t.bulk(create("new") + `,
			{"method":"put","path":"/Users/` + kept + `","bulkId":"p","data":{"userName":"kept","title":"T"}},
			{"method":"PATCH","path":"/Users/` + kept + `","data":{"Operations":[{"op":"add","path":"nickName","value":"N"}]}},
			{"method":"PATCH","path":"/Users/` + kept + `","data":[{"op":"replace","path":"displayName","value":"D"}]},
			{"method":"PATCH","path":"` + t.base + `/Users/` + kept + `","version":"W/\"4\"","data":{"Operations":[{"op":"remove","path":"title"}]}},
			{"method":"DELETE","path":"Users/` + gone + `/"},
			{"method":"PATCH","path":"/Users/` + kept + `","data":{"Operations":[]}}`)
		})
		if diff := cmp.Diff("201 200 200 200 200 204 200", statuses(results)); diff != "" {
			t.Fatalf("%s\n%v", diff, results)
		}
		for i, want := range []map[string]any{
			{"method": "POST", "bulkId": "new", "version": `W/"1"`, "status": "201", "location": t.base + "/Users/" + t.user("new")["id"].(string)},
			{"method": "PUT", "bulkId": "p", "version": `W/"2"`, "status": "200", "location": t.base + "/Users/" + kept},
			{"method": "PATCH", "version": `W/"3"`, "status": "200", "location": t.base + "/Users/" + kept},
			{"method": "PATCH", "version": `W/"4"`, "status": "200", "location": t.base + "/Users/" + kept},
			{"method": "PATCH", "version": `W/"5"`, "status": "200", "location": t.base + "/Users/" + kept},
			{"method": "DELETE", "status": "204", "location": t.base + "/Users/" + gone},
		} {
			if diff := cmp.Diff(want, results[i]); diff != "" {
				t.Errorf("result %d (-want +got): %s", i, diff)
			}
		}
		user := t.user("kept")
		if user["nickName"] != "N" || user["displayName"] != "D" || user["title"] != nil || t.user("gone") != nil {
			t.Errorf("the operations left %v", user)
		}
		var log []string
		for _, ev := range events {
			log = append(log, string(ev.Operation)+" "+string(ev.Outcome))
		}
		slices.Reverse(log) // each operation's event, none for the change of nothing
		if diff := cmp.Diff([]string{"create created", "replace updated", "patch updated", "patch updated", "patch updated", "delete deleted"}, log); diff != "" {
			t.Errorf("events (-want +got): %s", diff)
		}
		// The endpoint's other URL gives locations of its own.
		other := *t
		other.base += "/v2"
		if got := other.bulk(`{"method":"PATCH","path":"` + other.base + `/Users/` + kept + `","data":[]}`); statuses(got) != "200" {
			t.Errorf("below /v2: %v", got)
		}
	})
}

// TestBulkFailures sends operations that fail, each between two that do not.
func TestBulkFailures(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		taken := t.call("POST", "/Users", `{"userName":"taken"}`).Want(t, 201)["id"].(string)
		for i, c := range []struct{ operation, status, scimType string }{
			{`{"method":"POST","path":"/Users","bulkId":"x","data":{"userName":"TAKEN"}}`, "409", "uniqueness"},
			{`{"method":"POST","path":"/Users","bulkId":"x","data":{"title":"x"}}`, "400", "invalidValue"},
			{`{"method":"POST","path":"/Users","bulkId":"x"}`, "400", "invalidSyntax"},
			{`{"method":"POST","path":"/Users","bulkId":"x","data":null}`, "400", "invalidSyntax"},
			{`{"method":"POST","path":"/Users","bulkId":"x","data":"kofi"}`, "400", "invalidSyntax"},
			{`{"method":"POST","path":"/Users","bulkId":"x","data":[]}`, "400", "invalidSyntax"},
			{`{"method":"POST","path":"/Users","data":{"userName":"kofi"}}`, "400", "invalidSyntax"},
			{`{"method":"POST","path":"/Users/` + taken + `","bulkId":"x","data":{"userName":"kofi"}}`, "400", "invalidPath"},
			{`{"method":"POST","bulkId":"x","data":{"userName":"kofi"}}`, "400", "invalidPath"},
			{`{"method":"POST","path":"/Groups","bulkId":"x","data":{"displayName":"All"}}`, "501", ""},
			{`{"method":"DELETE","path":"/Groups/1"}`, "501", ""},
			{`{"method":"POST","path":"/Bulk","bulkId":"x","data":{}}`, "400", "invalidPath"},
			{`{"method":"PUT","path":"/Printers/1","data":{}}`, "400", "invalidPath"},
			{`{"method":"PUT","path":"https://elsewhere.example/Users/` + taken + `","data":{"userName":"x"}}`, "400", "invalidPath"},
			{`{"method":"PATCH","path":"/Users/` + taken + `/title","data":{"Operations":[]}}`, "400", "invalidPath"},
			{`{"method":"PATCH","path":"/Users","data":{"Operations":[]}}`, "400", "invalidPath"},
			{`{"method":"PATCH","path":"/Users/` + taken + `","data":{}}`, "400", "invalidSyntax"},
			{`{"method":"PATCH","path":"/Users/` + taken + `","data":[{"op":"replace","path":"colour","value":"x"}]}`, "400", "invalidPath"},
			{`{"method":"PATCH","path":"/Users/` + taken + `","data":[{"op":"replace","path":"id","value":"x"}]}`, "400", "mutability"},
			{`{"method":"PATCH","path":"/Users/nobody","data":{"Operations":[]}}`, "404", ""},
			{`{"method":"PUT","path":"/Users/` + taken + `"}`, "400", "invalidSyntax"},
			{`{"method":"PUT","path":"/Users/` + taken + `","version":"W/\"7\"","data":{"userName":"taken","title":"x"}}`, "412", ""},
			{`{"method":"PATCH","path":"/Users/` + taken + `","version":"\"7\"","data":[{"op":"replace","path":"title","value":"x"}]}`, "412", ""},
			{`{"method":"DELETE","path":"/Users/` + taken + `","version":"W/\"7\""}`, "412", ""},
			{`{"method":"DELETE","path":"/Users"}`, "400", "invalidPath"},
			{`{"method":"DELETE","path":"/Users/nobody"}`, "404", ""},
			{`{"method":"GET","path":"/Users/` + taken + `"}`, "400", "invalidSyntax"},
			{`{"path":"/Users/` + taken + `","data":{}}`, "400", "invalidSyntax"},
			{`5`, "400", "invalidSyntax"},
			{`null`, "400", "invalidSyntax"},
		} {
			var results []map[string]any
			log := t.during(func() { results = t.bulk(create("a"+itoa(i)) + "," + c.operation + "," + create("b"+itoa(i))) })
			if statuses(results) != "201 "+c.status+" 201" {
				t.Errorf("%s: statuses %s", c.operation, statuses(results))
				continue
			}
			response := results[1]["response"].(map[string]any)
			if got, _ := response["scimType"].(string); got != c.scimType {
				t.Errorf("%s: scimType %q", c.operation, got)
			}
			if t.user("a"+itoa(i)) == nil || t.user("b"+itoa(i)) == nil {
				t.Errorf("%s takes others with it", c.operation)
			}
			if len(log) != 3 || log[1].Outcome != desk.Refused || log[1].Reason == "" || log[1].Detail == "" {
				t.Errorf("%s leaves %+v", c.operation, log)
			}
		}
		if user := t.call("GET", "/Users/"+taken, nil).Want(t, 200); user["meta"].(map[string]any)["version"] != `W/"1"` {
			t.Errorf("a failed operation left its mark: %v", user)
		}
	})
}

// TestBulkReferences refers from one operation to what another makes.
func TestBulkReferences(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		patch := func(path, manager string) string {
			return `{"method":"PATCH","path":"` + path + `","data":{"Operations":[{"op":"add","path":"manager","value":{"value":"` + manager + `"}}]}}`
		}
		for i, c := range []struct {
			name, operations, statuses string
			managers                   map[string]string // by userName
		}{
			{"backward", create("%boss") + "," + create("%kofi", managerOf("bulkId:%boss")), "201 201", map[string]string{"%kofi": "%boss"}},
			{"forward", create("%kofi", managerOf("bulkId:%boss")) + "," + create("%boss"), "201 201", map[string]string{"%kofi": "%boss"}},
			{"a chain forward", create("%a", managerOf("bulkId:%b")) + "," + create("%b", managerOf("bulkId:%c")) + "," + create("%c"), "201 201 201", map[string]string{"%a": "%b", "%b": "%c"}},
			{"two to one", create("%a", managerOf("bulkId:%c")) + "," + create("%b", managerOf("bulkId:%c")) + "," + create("%c"), "201 201 201", map[string]string{"%a": "%c", "%b": "%c"}},
			{"in a URL", create("%a", `"manager":{"value":"bulkId:%b","$ref":"../Users/bulkId:%b"}`) + "," + create("%b"), "201 201", map[string]string{"%a": "%b"}},
			{"in paths", patch("/Users/bulkId:%a", "bulkId:%b") + "," + create("%a") + "," + create("%b"), "200 201 201", map[string]string{"%a": "%b"}},
			{"what is made is changed, and goes", create("%a") + `,{"method":"PUT","path":"/Users/bulkId:%a","data":{"userName":"%a2"}},{"method":"DELETE","path":"/Users/bulkId:%a"}`, "201 200 204", nil},
			{"a circle made by a PATCH", create("%a", managerOf("bulkId:%b")) + "," + create("%b") + "," + patch("/Users/bulkId:%b", "bulkId:%a"), "201 201 200", map[string]string{"%a": "%b", "%b": "%a"}},
			{"to itself", create("%a", managerOf("bulkId:%a")) + "," + create("%z"), "409 201", nil},
			{"a circle of two", create("%a", managerOf("bulkId:%b")) + "," + create("%b", managerOf("bulkId:%a")) + "," + create("%z"), "409 409 201", nil},
			{"a circle of three", create("%a", managerOf("bulkId:%b")) + "," + create("%z") + "," + create("%b", managerOf("bulkId:%c")) + "," + create("%c", managerOf("bulkId:%a")), "409 201 409 409", nil},
			{"to what hangs on a circle", create("%y", managerOf("bulkId:%a")) + "," + create("%a", managerOf("bulkId:%a")) + "," + create("%z"), "409 409 201", nil},
			{"to nothing", create("%a", managerOf("bulkId:%nobody")) + "," + create("%z"), "400 201", nil},
			{"to nothing, in a path", patch("/Users/bulkId:%nobody", "x") + "," + create("%z"), "400 201", nil},
			{"to what failed", create("%a", managerOf("bulkId:%b")) + `,{"method":"POST","path":"/Users","bulkId":"%b","data":{}},` + create("%z"), "409 400 201", nil},
			{"to what had failed", `{"method":"POST","path":"/Users","bulkId":"%b","data":{}},` + create("%a", managerOf("bulkId:%b")) + "," + create("%z"), "400 409 201", nil},
			{"a deletion of what failed", `{"method":"POST","path":"/Users","bulkId":"%b","data":{}},{"method":"DELETE","path":"/Users/bulkId:%b"}`, "400 409", nil},
			{"to what makes nobody", `{"method":"DELETE","path":"/Users/nobody","bulkId":"%b"},` + create("%a", managerOf("bulkId:%b")), "404 400", nil},
			{"none of these", create("%a", `"title":"bulkId:","displayName":"see bulkId:%b"`) + "," + create("%b"), "201 201", nil},
		} {
			unique := func(s string) string { return strings.ReplaceAll(s, "%", "n"+itoa(i)+"-") }
			if got := statuses(t.bulk(unique(c.operations))); got != c.statuses {
				t.Errorf("%s: statuses %s, want %s", c.name, got, c.statuses)
				continue
			}
			for name, boss := range c.managers {
				enterprise, _ := t.user(unique(name))[ent].(map[string]any)
				manager, _ := enterprise["manager"].(map[string]any)
				if want := t.user(unique(boss))["id"]; manager["value"] != want {
					t.Errorf("%s: %s has the manager %v, want %v", c.name, name, manager, want)
				}
			}
			if strings.Contains(c.operations, "%z") && t.user(unique("%z")) == nil {
				t.Errorf("%s: another operation did not go through", c.name)
			}
			if strings.HasPrefix(c.statuses, "4") && t.user(unique("%a")) != nil {
				t.Errorf("%s: what failed left somebody", c.name)
			}
		}
	})
}

// TestBulkLimits reaches what a bulk request may be.
func TestBulkLimits(t *testing.T) {
	const bad = `{"method":"DELETE","path":"/Users/nobody"}`
	eachEndpoint(t, func(t *endpoint) {
		for _, c := range []struct {
			limit    []string
			statuses string
		}{
			{nil, "404 201 404 404 201"},
			{[]string{`"failOnErrors":null`}, "404 201 404 404 201"},
			{[]string{`"failOnErrors":1`}, "404"},
			{[]string{`"failOnErrors":2`}, "404 201 404"},
			{[]string{`"failOnErrors":3`}, "404 201 404 404"},
			{[]string{`"failOnErrors":4`}, "404 201 404 404 201"},
		} {
			log := t.during(func() {
				if got := statuses(t.bulk(bad+","+create("x")+","+bad+","+bad+","+create("y"), c.limit...)); got != c.statuses {
					t.Errorf("%v: statuses %s, want %s", c.limit, got, c.statuses)
				}
			})
			if len(log) != len(strings.Fields(c.statuses)) {
				t.Errorf("%v: %d events", c.limit, len(log))
			}
			for _, name := range []string{"x", "y"} {
				if user := t.user(name); user != nil {
					t.call("DELETE", "/Users/"+user["id"].(string), nil).Want(t, 204)
				}
			}
		}
		request := func(operations []string, more string) string {
			return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]` + more + `}`
		}
		for _, c := range []struct {
			body     string
			status   int
			scimType string
		}{
			{request([]string{create("a"), create("a")}, ""), 400, "invalidValue"},
			{request([]string{create("a")}, `,"failOnErrors":"x"`), 400, "invalidValue"},
			{request([]string{create("a")}, `,"failOnErrors":-1`), 400, "invalidValue"},
			{request([]string{create("a")}, `,"failOnErrors":1.5`), 400, "invalidValue"},
			{`{"Operations":[` + create("a") + `]}`, 400, "invalidSyntax"},
			{`{"schemas":[],"Operations":[` + create("a") + `]}`, 400, "invalidSyntax"},
			{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + create("a") + `]}`, 400, "invalidSyntax"},
			{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]}`, 400, "invalidSyntax"},
			{`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":{}}`, 400, "invalidSyntax"},
			{request(slices.Repeat([]string{`{"method":"DELETE","path":"/Users/nobody"}`}, 1001), ""), 413, ""},
			{request([]string{create("a", `"title":"`+strings.Repeat("x", 1<<20)+`"`)}, ""), 413, ""},
		} {
			wantError(t, t.call("POST", "/Bulk", c.body), c.status, c.scimType)
			if t.user("a") != nil {
				t.Fatalf("a refused request made somebody: %.200s", c.body)
			}
		}
		wantError(t, t.call("GET", "/Bulk", nil), 405, "")
		if got := t.bulk(""); len(got) != 0 {
			t.Errorf("no operations give %v", got)
		}
		// Of a chain, nothing that refers forward is done before what it needs.
		chain := []string{create("chain0")}
		for i := range 150 {
			chain = append(chain, create(fmt.Sprint("chain", i+1), managerOf(fmt.Sprint("bulkId:chain", i))))
		}
		slices.Reverse(chain)
		if got := statuses(t.bulk(strings.Join(chain, ","))); got != strings.TrimSpace(strings.Repeat("201 ", 151)) {
			t.Errorf("a long chain: %s", got)
		}
		if total := ask(t, "GET", map[string]string{"count": "0", "filter": "manager pr"})["totalResults"]; total != 150.0 {
			t.Errorf("%v have a manager", total)
		}
	})
}

// TestBulkExample sends the PATCH of RFC 7644 section 3.7.2, whose data is a list, with users in the place of groups.
func TestBulkExample(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		id := t.call("POST", "/Users", `{"userName":"Dave","emails":[{"type":"work","value":"d@x.example"}]}`).Want(t, 201)["id"].(string)
		results := t.bulk(`{"method":"POST","path":"/Users","bulkId":"qwerty","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"Alice"}},
			{"method":"PUT","path":"/Users/`+id+`","version":"W\/\"1\"","data":{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"`+id+`","userName":"Bob"}},
			{"method":"PATCH","path":"/Users/`+id+`","version":"W/\"2\"","data":[{"op":"remove","path":"nickName"},{"op":"add","path":"title","value":"Lead"}]},
			{"method":"DELETE","path":"/Users/`+id+`","version":"W/\"3\""}`, `"failOnErrors":1`)
		if got := statuses(results); got != "201 200 200 204" {
			text, _ := json.Marshal(results)
			t.Errorf("%s", text)
		}
	})
}
