package scim_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/scim"
)

// engines are servers that hold the same people, one over each database.
type engines []*fuzzed

type fuzzed struct {
	*testkit.Server
	base, token string
	subject     string // the id of the user that is changed
	people      []person
}

type person struct {
	id     string
	values map[string]any
}

const fuzzSubject = `{"userName":"k","externalId":"e","active":true,"title":"T","name":{"givenName":"G"},"emails":[{"type":"work","value":"w","primary":true},{"type":"home","value":"h"}],
	"roles":[{"value":"r","primary":true}],"` + ent + `":{"department":"D","manager":{"value":"M"}},"` + custom + `":{"location":["Accra","É"],"floors":[1,2]}}`

func newEngines(f *testing.F) engines {
	var all engines
	for _, databaseURL := range testkit.All(f) {
		s := &fuzzed{Server: testkit.NewServer(f, databaseURL)}
		s.base, s.token = s.Connect(f, "main", "entra")
		makeFields(f, s.Server, "main")
		s.subject = s.do("POST", "/Users", fuzzSubject).id(f)
		actor := testkit.Directory("main", "entra")
		for _, r := range people() {
			u, err := s.Engine.CreateUser(f.Context(), actor, r)
			if err != nil {
				f.Fatal(err)
			}
			values := maps.Clone(map[string]any(r))
			values["id"] = u.ID
			s.people = append(s.people, person{u.ID, values})
		}
		all = append(all, s)
	}
	return all
}

// do sends a request whose path, below the tenant URL, need not be one that a client could send.
func (s *fuzzed) do(method, path, body string) result {
	r := httptest.NewRequest(method, s.base, strings.NewReader(body))
	before, query, _ := strings.Cut(path, "?")
	r.URL.Path += before
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("X-Request-Id", "fuzz") // which errors repeat
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, r)
	return result{w.Code, w.Body.String(), strings.ReplaceAll(w.Body.String(), s.URL, "")}
}

type result struct {
	status     int
	body, text string
}

func (r result) id(t testing.TB) string {
	var user struct{ ID string }
	if err := json.Unmarshal([]byte(r.body), &user); err != nil || user.ID == "" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	return user.ID
}

var (
	idForms = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	stamps  = regexp.MustCompile(`"(created|lastModified)":"[^"]*"`)
	cursors = regexp.MustCompile(`"(next|previous)Cursor":"[^"]*"`)
)

// chance is in what filters by ids, times or locations find.
var chance = regexp.MustCompile(`(?is)filter.*\b(id|meta)\b`)

// same fails unless all engines answer alike, and none with an error of its own. input is what they are asked.
func (all engines) same(t *testing.T, input string, ask func(*fuzzed) result) {
	t.Helper()
	var first string
	for i, s := range all {
		r := ask(s)
		if r.status >= 500 && r.status != http.StatusNotImplemented || strings.Contains(r.body, "internal error") {
			t.Fatalf("%d %s", r.status, r.body)
		}
		text := idForms.ReplaceAllString(stamps.ReplaceAllString(cursors.ReplaceAllString(r.text, "cursor"), "time"), "id")
		if chance.MatchString(input) {
			text = http.StatusText(r.status)
		}
		if i == 0 {
			first = text
		} else if diff := cmp.Diff(first, text); diff != "" {
			t.Fatalf("the databases differ: %s", diff)
		}
	}
}

// restore gives the subject back its state.
func (all engines) restore(t *testing.T) {
	t.Helper()
	all.same(t, "", func(s *fuzzed) result {
		r := s.do("PUT", "/Users/"+s.subject, fuzzSubject)
		if r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		r.text = ""
		return r
	})
}

// FuzzBody holds that no body of a POST, PUT, PATCH, search or bulk request ends in a server's error, and that both databases
// answer it alike.
func FuzzBody(f *testing.F) {
	addBodies(f, "POST")
	addBodies(f, "PUT")
	addBodies(f, "PATCH")
	f.Add([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"failOnErrors":1,"Operations":[
		{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a","` + ent + `":{"manager":{"value":"bulkId:b"}}}},
		{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"b"}},{"method":"DELETE","path":"/Users/bulkId:a"},{"method":"DELETE","path":"/Users/bulkId:b"}]}`))
	for _, op := range ownPatches {
		f.Add([]byte(`{"Operations":[` + op + `]}`))
	}
	all := newEngines(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		text := string(body)
		for _, method := range []string{"PATCH", "PUT"} {
			all.same(t, text, func(s *fuzzed) result { return s.do(method, "/Users/"+s.subject, text) })
			all.same(t, text, func(s *fuzzed) result { return s.do("GET", "/Users/"+s.subject, "") })
			all.restore(t)
		}
		all.same(t, text, func(s *fuzzed) result { return s.do("POST", "/Users/.search", text) })
		all.same(t, text, func(s *fuzzed) result {
			r := s.do("POST", "/Users", text)
			if r.status == 201 {
				s.do("DELETE", "/Users/"+r.id(t), "")
			}
			return r
		})
		all.same(t, text, func(s *fuzzed) result {
			r := s.do("POST", "/Bulk", text)
			var made struct {
				Operations []struct{ Location, Status string }
			}
			json.Unmarshal([]byte(r.body), &made)
			for _, o := range made.Operations {
				if o.Status == "201" {
					s.do("DELETE", strings.TrimPrefix(o.Location, s.base), "")
				}
			}
			return r
		})
	})
}

// FuzzPatchPath does the same for the path of an operation.
func FuzzPatchPath(f *testing.F) {
	for _, c := range testkit.Cases(f, "../testdata/wire/cases.jsonl") {
		body, _ := c.Request.Body.(map[string]any)
		operations, _ := body["Operations"].([]any)
		for _, o := range operations {
			m, _ := o.(map[string]any)
			path, _ := m["path"].(string)
			value, err := json.Marshal(m["value"])
			if op, ok := m["op"].(string); ok && err == nil {
				f.Add(op, path, string(value))
			}
		}
	}
	for _, seed := range [][3]string{
		{"add", custom + ":location", `["Oslo","accra"]`}, {"remove", custom + `:location[value eq "Accra"]`, "null"}, {"remove", "floors", `[{"value":"1"}]`}, {"replace", `floors[value gt 1]`, "7"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	all := newEngines(f)
	f.Fuzz(func(t *testing.T, op, path, value string) {
		body, err := json.Marshal(map[string]any{"Operations": []any{map[string]any{"op": op, "path": path, "value": json.RawMessage(value)}}})
		if err != nil {
			return // no JSON
		}
		all.same(t, "", func(s *fuzzed) result { return s.do("PATCH", "/Users/"+s.subject, string(body)) })
		all.same(t, "", func(s *fuzzed) result { return s.do("GET", "/Users/"+s.subject, "") })
		all.restore(t)
	})
}

// FuzzQueryString does the same for the query string of a list and of a user.
func FuzzQueryString(f *testing.F) {
	for _, q := range []string{
		"filter=userName+sw+%22u%22&sortBy=emails&sortOrder=descending&startIndex=2&count=5", "cursor&count=3&sortBy=meta.created", "cursor=eyJrIjpudWxsfQ",
		"attributes=emails.value,name,urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value", "excludedAttributes=emails[type eq \"work\"],schemas,id,meta", "filter=%ZZ", "count=99999999999999999999",
	} {
		f.Add(q)
	}
	all := newEngines(f)
	f.Fuzz(func(t *testing.T, query string) {
		all.same(t, query, func(s *fuzzed) result { return s.do("GET", "/Users?"+query, "") })
		all.same(t, query, func(s *fuzzed) result { return s.do("GET", "/Users/"+s.subject+"?"+query, "") })
	})
}

// FuzzFilter does the same for a filter, which must find whom an evaluation in memory finds.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "kofi"`, `emails[type eq "work"].value eq "x"`, `not (title pr) and (active eq "True" or meta.created gt "2026-01-01T00:00:00Z")`,
		`externalId eq match10oid`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "O"`, `emails.value co "\u00e9"`, `name[givenName eq "G"]`, `schemas co "core"`,
		custom + `:location eq "\u00d6stersund"`, `location[not (value sw "o")] and floors[value gt 1 or value eq 0]`, `tiers pr or days[value ge "2026-01-02"]`,
	} {
		f.Add(s)
	}
	all := newEngines(f)
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := scim.ParseFilter(text, ownFields...)
		if err != nil {
			wantClientError(t, err)
			return
		}
		all.same(t, "filter "+text, func(s *fuzzed) result { return s.do("GET", "/Users?count=1000&filter="+url.QueryEscape(text), "") })
		if strings.Contains(strings.ToLower(text), "meta") {
			return // which differs between the databases
		}
		for _, s := range all {
			body := s.do("GET", "/Users?count=1000&attributes=id&filter="+url.QueryEscape(text), "").body
			for _, p := range s.people {
				if desk.Match(filter, p.values) != strings.Contains(body, p.id) {
					t.Fatalf("%q: in memory %v of %v", text, desk.Match(filter, p.values), p.values)
				}
			}
		}
	})
}
