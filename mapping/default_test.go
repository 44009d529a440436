package mapping_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/mapping"
)

// sameAsProfileOf fails unless the default mapping makes of a user what desk.ProfileOf does.
func sameAsProfileOf(t *testing.T, m *mapping.Mapper, r desk.Resource) {
	t.Helper()
	result, err := m.Apply(r)
	if err != nil {
		t.Fatalf("%v: %v", r, err)
	}
	if diff := cmp.Diff(desk.ProfileOf(r), result.Profile); diff != "" {
		t.Fatalf("%v: %s", r, diff)
	}
	if active, said := r["active"].(bool); said != (result.Active != nil) || said && active != *result.Active {
		t.Fatalf("%v: active is %v", r, result.Active)
	}
}

// TestDefaultOfRecorded maps all users that come of the recorded exchanges, in each of their states.
func TestDefaultOfRecorded(t *testing.T) {
	m, err := mapping.Compile(desk.Mapping{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := testkit.NewServer(t, testkit.SQLite(t))
	seen := 0
	handler := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, r)
		for _, user := range usersIn(answer.Body.Bytes()) {
			sameAsProfileOf(t, m, user)
			seen++
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	})
	files, err := filepath.Glob("../testdata/*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		client := filepath.Base(filepath.Dir(file))
		if client == "wire" {
			for _, c := range testkit.Cases(t, file) {
				tenantURL, token := server.Connect(t, strings.ToLower(c.ID), "directory")
				c.Replay(t, tenantURL, token)
			}
			continue
		}
		tenantURL, token := server.Connect(t, strings.ToLower(client+"-"+strings.TrimSuffix(filepath.Base(file), ".jsonl")), "directory")
		testkit.Replay(t, tenantURL, token, testkit.Exchanges(t, file))
	}
	if seen < 300 {
		t.Errorf("only %d users were seen", seen)
	}
}

// usersIn returns the users that a SCIM answer holds, as they are stored.
func usersIn(body []byte) []desk.Resource {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var answer map[string]any
	if decoder.Decode(&answer) != nil {
		return nil
	}
	list, ok := answer["Resources"].([]any)
	if !ok {
		list = []any{answer}
	}
	var users []desk.Resource
	for _, e := range list {
		if u, ok := e.(map[string]any); ok && u["userName"] != nil {
			delete(u, "id")
			delete(u, "meta")
			users = append(users, u)
		}
	}
	return users
}

// TestDefaultWithFields holds what the default mapping adds to desk.ProfileOf.
func TestDefaultWithFields(t *testing.T) {
	fields := []desk.Field{{Name: "Department", Type: desk.FieldText}, {Name: "employeenumber", Type: desk.FieldNumber}, {Name: "badge", Type: desk.FieldText}}
	m, err := mapping.Compile(desk.Mapping{}, fields)
	if err != nil {
		t.Fatal(err)
	}
	user := desk.Resource{"userName": "ama", ent: map[string]any{"department": "Ops", "employeeNumber": "12", "division": "North", "organization": " Acme "}, custom: map[string]any{"badge": "7"}}
	result, err := m.Apply(user)
	want := map[string]any{"Department": "Ops", "employeenumber": 12.0, "badge": "7"}
	if diff := cmp.Diff(want, result.Profile.Fields); err != nil || diff != "" || result.Profile.DirectoryCompany != "Acme" {
		t.Errorf("%v, company %q: %s", err, result.Profile.DirectoryCompany, diff)
	}
	user[custom] = map[string]any{"Department": "said as a custom field", "badge": "7"}
	if result, err = m.Apply(user); err != nil || result.Profile.Fields["Department"] != "said as a custom field" {
		t.Errorf("%v, %v", result.Profile.Fields, err)
	}
}

// canonical gives what the schema knows of a value its type, as the endpoint does; what has another one is left out.
func canonical(user map[string]any) desk.Resource {
	r := desk.Resource{}
	text := func(to, from map[string]any, names ...string) {
		for _, name := range names {
			if s, ok := from[name].(string); ok && s != "" && len(s) <= desk.MaxKey/3 {
				to[name] = s
			}
		}
	}
	for name, v := range user {
		switch name {
		case "emails", "phoneNumbers":
			var list []any
			elements, _ := v.([]any)
			for _, e := range elements {
				if m, ok := e.(map[string]any); ok {
					one := map[string]any{}
					text(one, m, "type", "value", "display")
					if primary, ok := m["primary"].(bool); ok {
						one["primary"] = primary
					}
					list = append(list, one)
				}
			}
			if list != nil {
				r[name] = list
			}
		case "name":
			m, _ := v.(map[string]any)
			one := map[string]any{}
			text(one, m, "givenName", "familyName", "formatted", "middleName")
			r[name] = one
		case "active":
			if active, ok := v.(bool); ok {
				r[name] = active
			}
		case "displayName", "userName", "title":
			text(r, user, name)
		case ent:
			m, _ := v.(map[string]any)
			one := map[string]any{}
			text(one, m, "organization", "department")
			r[name] = one
		default:
			r[name] = v
		}
	}
	return r
}

func decode(text []byte) map[string]any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v map[string]any
	if decoder.Decode(&v) != nil {
		return nil
	}
	return v
}

func addUsers(f *testing.F, add func(user []byte)) {
	for _, c := range testkit.Cases(f, "../testdata/wire/cases.jsonl") {
		for _, r := range append(c.Setup, c.Request) {
			if body, ok := r.Body.(map[string]any); ok && body["userName"] != nil {
				text, err := json.Marshal(body)
				if err != nil {
					f.Fatal(err)
				}
				add(text)
			}
		}
	}
	text, err := json.Marshal(benchUser)
	if err != nil {
		f.Fatal(err)
	}
	add(text)
	add([]byte(`{"userName":"a","name":{"givenName":" ","familyName":" b"},"emails":[{"type":"work"},{"value":"x","primary":true}],"` + custom + `":{"a":1,"b":true,"c":[1],"d":"x","e":["a",2,{"x":1}],"g":[{}]}}`))
}

// FuzzDefault holds that the default mapping is desk.ProfileOf.
func FuzzDefault(f *testing.F) {
	addUsers(f, func(user []byte) { f.Add(user) })
	m, err := mapping.Compile(desk.Mapping{}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if user := decode(text); user != nil {
			sameAsProfileOf(t, m, canonical(user))
		}
	})
}

// wantInvalid fails on an error that is not the administrator's or the directory's.
func wantInvalid(t *testing.T, err error) {
	t.Helper()
	if kind := desk.KindOf(err); err != nil && kind != desk.InvalidValue && kind != desk.InvalidSyntax {
		t.Fatalf("error %v", err)
	}
}

// FuzzMapping holds that any JSON is a mapping or is refused, that a mapping survives being stored, and that one that is taken
// can be applied.
func FuzzMapping(f *testing.F) {
	for _, seed := range []string{
		`{"name.givenName":"firstName","const:true":"contactIsActive","const:true":"remote"}`, `{"rules":[{"source":"emails[type eq \"work\"].value | userName","target":"emails.work"}],"expressions":true}`,
		`{"expressions":true,"expr:join(\" \", name.familyName, emails[0].value) + 1":"displayName"}`, `{"` + ent + `:department":"fields.department","urn:a:b:c.d[0]":"title","x[y eq \"z\"].w":"badge"}`, `{"rules":null}`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var m desk.Mapping
		if err := json.Unmarshal(text, &m); err != nil {
			return
		}
		stored, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		var again desk.Mapping
		if err := json.Unmarshal(stored, &again); err != nil || !cmp.Equal(m, again) {
			t.Fatalf("%s comes back as %+v, %v", stored, again, err)
		}
		compiled, err := mapping.Compile(m, fields)
		wantInvalid(t, err)
		if checked := mapping.Check(m, fields); checked == nil && err != nil {
			t.Fatalf("passes the check and is refused: %v", err)
		}
		if err == nil {
			useAll(t, compiled, benchUser)
		}
	})
}

// FuzzApply holds that any rule that is taken can be applied to any user.
func FuzzApply(f *testing.F) {
	addUsers(f, func(user []byte) { f.Add("emails[type eq \"work\"].value | x[0].y", "emails.work", user) })
	for _, target := range []string{"active", "badge", "joined", "Tier", "emails", "phones", "fields", "companyName", "desk", "location", "floors", "tiers"} {
		f.Add("expr:title + name.givenName", target, []byte(`{"title":7,"name":[]}`))
		f.Add("title | manager | emails", target, []byte(`{"title":{"value":true}}`))
	}
	f.Fuzz(func(t *testing.T, source, target string, text []byte) {
		user := decode(text)
		m, err := mapping.Compile(desk.Mapping{Expressions: true, Rules: []desk.Rule{{Source: source, Target: target}}}, fields)
		wantInvalid(t, err)
		if err == nil && user != nil {
			useAll(t, m, user)
		}
	})
}

func useAll(t *testing.T, m *mapping.Mapper, user desk.Resource) {
	t.Helper()
	before, _ := json.Marshal(user)
	result, err := m.Apply(user)
	wantInvalid(t, err)
	problems := 0
	for _, told := range m.Explain(user) {
		if told.Problem != "" {
			problems++
		}
	}
	if (problems > 0) != (err != nil) {
		t.Fatalf("%v, and %d problems", err, problems)
	}
	again, _ := m.Apply(user)
	if diff := cmp.Diff(result, again); diff != "" {
		t.Fatalf("the second time it differs: %s", diff)
	}
	m.Unmapped(user)
	if after, _ := json.Marshal(user); !bytes.Equal(before, after) {
		t.Fatalf("the user was changed: %s", after)
	}
}
