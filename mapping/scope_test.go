package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/mapping"
	"rollcall/schema"
)

func oneOf(attribute string, values ...string) desk.ScopeRule {
	return desk.ScopeRule{Attribute: attribute, Values: values}
}

func matches(attribute, pattern string) desk.ScopeRule {
	return desk.ScopeRule{Attribute: attribute, Pattern: pattern}
}

func TestScope(t *testing.T) {
	user := desk.Resource{
		"userName": "Ama@ACME.example", "externalId": "A-1", "active": true, "title": "Lead Ünal", "long": strings.Repeat("x", 5000), "number": "7", "groups": []any{map[string]any{"value": "g1", "display": "Helpdesk users"}},
		"emails": []any{map[string]any{"type": "home", "value": "ama@home.example"}, map[string]any{"type": "work", "value": "ama@acme.example", "primary": true}},
		"roles":  []any{map[string]any{"value": "Agent"}, map[string]any{"display": "none"}}, "Orgs": []any{map[string]any{"Name": "Acme", "Type": "work"}, map[string]any{"name": "Choir"}},
		ent: map[string]any{"department": "Ops", "manager": map[string]any{"value": "M-1"}}, custom: map[string]any{"desk": "A1", "badge": "none", "location": []any{"Accra", "Berlin"}, "floors": []any{json.Number("7")}}, "urn:a:b": map[string]any{"Level": "3"},
	}
	for _, c := range []struct {
		rules []desk.ScopeRule
		want  string // the rule that says so; "none" if nobody does
	}{
		{nil, ""},
		{[]desk.ScopeRule{oneOf("department", "Sales", "OPS")}, "department is one of Sales, OPS"},
		{[]desk.ScopeRule{oneOf(ent+":Department", " ops ")}, ent + ":Department is one of  ops "},
		{[]desk.ScopeRule{oneOf("department", "a", "b", "c", "d", "e", "f", "ops")}, "department is one of a, b, c, d, e and 2 more"},
		{[]desk.ScopeRule{oneOf("department", "Op", "Opss", "O_s", "O%")}, "none"},
		{[]desk.ScopeRule{oneOf("externalId", "a-1")}, "none"}, // case-exact
		{[]desk.ScopeRule{oneOf("externalId", "A-1")}, "externalId is one of A-1"},
		{[]desk.ScopeRule{oneOf("displayName", "x")}, "none"},
		{[]desk.ScopeRule{oneOf("emails", "AMA@home.example")}, "emails is one of AMA@home.example"}, // any of them, not the primary one alone
		{[]desk.ScopeRule{oneOf(`emails[type eq "work"].value`, "ama@home.example")}, "none"},
		{[]desk.ScopeRule{oneOf("emails[0].type", "home")}, "emails[0].type is one of home"},
		{[]desk.ScopeRule{oneOf("groups", "G1")}, "groups is one of G1"},
		{[]desk.ScopeRule{oneOf("groups.display", "helpdesk users")}, "groups.display is one of helpdesk users"},
		{[]desk.ScopeRule{oneOf("roles", "agent")}, "roles is one of agent"},
		{[]desk.ScopeRule{oneOf("orgs[type eq \"WORK\"].name", "acme")}, `orgs[type eq "WORK"].name is one of acme`},
		{[]desk.ScopeRule{oneOf("manager", "m-1")}, "manager is one of m-1"},
		{[]desk.ScopeRule{oneOf("desk", "a1")}, "desk is one of a1"},
		{[]desk.ScopeRule{oneOf("location", "berlin")}, "location is one of berlin"},
		{[]desk.ScopeRule{matches(custom+":location", "^b")}, custom + ":location matches ^b"},
		{[]desk.ScopeRule{oneOf("location[0]", "berlin"), oneOf(`location[value sw "A"]`, "Berlin")}, "none"},
		{[]desk.ScopeRule{{Filter: `location eq "accra" and floors[value gt 6]`}}, `location eq "accra" and floors[value gt 6]`},
		{[]desk.ScopeRule{{Filter: `location[value eq "accra" and value eq "berlin"]`}}, "none"},
		{[]desk.ScopeRule{oneOf("urn:A:B:level", "3")}, "urn:A:B:level is one of 3"},
		{[]desk.ScopeRule{matches("userName", `@acme\.example$`)}, `userName matches @acme\.example$`},
		{[]desk.ScopeRule{matches("title", `^lead (ü|x)NAL$`)}, `title matches ^lead (ü|x)NAL$`},
		{[]desk.ScopeRule{matches("title", `(?-i)lead`)}, "none"},
		{[]desk.ScopeRule{matches("externalId", "a")}, "none"},
		{[]desk.ScopeRule{matches("emails", `^ama@home`)}, "emails matches ^ama@home"},
		{[]desk.ScopeRule{matches("long", `x`)}, "none"}, // too long to be looked at
		{[]desk.ScopeRule{{Filter: `userName ew "acme.example" and not (title pr)`}}, "none"},
		{[]desk.ScopeRule{{Filter: `active eq true and (department eq "ops" or desk pr)`}}, `active eq true and (department eq "ops" or desk pr)`},
		{[]desk.ScopeRule{{Filter: `badge pr and not (badge gt 1)`}}, `badge pr and not (badge gt 1)`},
		{[]desk.ScopeRule{oneOf("title", "x"), {Filter: `title eq "y"`}, matches("title", "lead"), oneOf("department", "Ops")}, "title matches lead"},
	} {
		s, err := mapping.CompileScope(desk.Scope{Rules: c.rules}, fields)
		if err != nil {
			t.Errorf("%+v: %v", c.rules, err)
			continue
		}
		in, rule := s.Match(user)
		if in != (c.want != "none") || in && rule != c.want || !in && !strings.HasPrefix(rule, "none of: ") {
			t.Errorf("%+v: %v by %q", c.rules, in, rule)
		}
	}
	s, _ := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{oneOf("title", "x"), {Filter: "nickName pr"}}}, nil)
	if _, rule := s.Match(user); rule != "none of: title is one of x; nickName pr" {
		t.Error(rule)
	}
}

func TestScopeProblems(t *testing.T) {
	for _, c := range []struct {
		rule desk.ScopeRule
		want string
	}{
		{desk.ScopeRule{}, "rule 1: a rule has either values or a pattern"},
		{desk.ScopeRule{Attribute: "title"}, "rule 1: a rule has either"},
		{desk.ScopeRule{Attribute: "title", Values: []string{"a"}, Pattern: "a"}, "rule 1: a rule has either"},
		{desk.ScopeRule{Attribute: "title", Filter: "title pr"}, "rule 1, attribute: a filter names its attributes itself"},
		{oneOf("", "a"), "rule 1, attribute: the attribute is missing"},
		{oneOf("title"), "rule 1: a rule has either"},
		{desk.ScopeRule{Attribute: "title", Values: []string{}}, "rule 1, values: the list of values is empty"},
		{oneOf("title", "a", " "), "rule 1, values: value 2 is empty"},
		{oneOf("title", make([]string, 1001)...), "rule 1, values: value 1 is empty"},
		{oneOf("title", strings.Fields(strings.Repeat("x ", 1001))...), "rule 1, values: a rule has up to 1000 values"},
		{oneOf("title.x", "a"), "rule 1, attribute, character 7: title has no parts"},
		{oneOf("name", "a"), "rule 1, attribute: name has several parts; name one, such as name.familyName"},
		{oneOf("active", "true"), "rule 1, attribute: active is not text; write a filter"},
		{oneOf("badge", "7"), "rule 1, attribute: badge is not text"},
		{oneOf("meta.created", "7"), "rule 1, attribute, character 1: meta is Rollcall's own"},
		{oneOf(custom+":nope", "7"), "rule 1, attribute, character 58: there is no custom field nope"},
		{matches("title", "a("), "rule 1, pattern: the pattern is no regular expression: missing closing )"},
		{matches("title", "ab**"), "rule 1, pattern, character 3: the pattern is no regular expression: invalid nested repetition operator"},
		{matches("title", "a(?=b)"), "rule 1, pattern, character 2: the pattern is no regular expression: invalid or unsupported Perl syntax"},
		{matches("title", "(abcde){900}"), "rule 1, pattern: the pattern repeats too much"},
		{matches("title", "((((x{100}){100}){100}){100}){100}"), "rule 1, pattern"},
		{matches("title", strings.Repeat("x", 501)), "rule 1, pattern: the pattern is longer than 500 bytes"},
		{desk.ScopeRule{Filter: `titel eq "x"`}, "rule 1, filter: the filter names no attribute that is known at position 0"},
		{desk.ScopeRule{Filter: `title eq`}, "rule 1, filter: the filter lacks a value"},
		{desk.ScopeRule{Filter: `title pr and (meta.created gt "2026-01-01T00:00:00Z" or id pr)`}, "rule 1, filter: meta is Rollcall's own"},
		{desk.ScopeRule{Filter: `not (id eq "x")`}, "rule 1, filter: id is Rollcall's own"},
	} {
		_, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{c.rule}}, fields)
		if !strings.HasPrefix(said(err), c.want) || desk.KindOf(err) != desk.InvalidValue {
			t.Errorf("%+v: %.300v; want %s", c.rule, err, c.want)
		}
	}
	_, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{{Filter: "x"}, oneOf("title", "a"), oneOf("name", "a"), matches("title", "(")}}, nil)
	var problems desk.Problems
	if !errors.As(err, &problems) || len(problems) != 3 || problems[0].Rule != 1 || problems[1].Rule != 3 || problems[2].Rule != 4 {
		t.Errorf("not all is said: %v", err)
	}
	if _, err := mapping.CompileScope(desk.Scope{Rules: make([]desk.ScopeRule, 101)}, nil); !strings.HasPrefix(said(err), "a scope has up to 100 rules") {
		t.Error(err)
	}
}

// TestScopesAgree compares random scopes over stored users with what both databases find by filters that say the same.
func TestScopesAgree(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		base, token := server.Connect(t, "main", "entra")
		admin := server.Token(t, "main", desk.RoleAdmin)
		own := []desk.Field{{Name: "desk", Type: desk.FieldText}, {Name: "badge", Type: desk.FieldNumber}, {Name: "location", Type: desk.FieldText, Multiple: true}}
		testkit.Call(t, "POST", base+"/Users", token, `{"userName":"early","`+custom+`":{"desk":7,"badge":"none","location":"Ops"}}`).Want(t, 201)
		for _, f := range own {
			testkit.Call(t, "POST", server.URL+"/api/v1/fields", admin, f).Want(t, 201)
		}
		r := rand.New(rand.NewPCG(3, 4))
		pick := func(words ...string) string { return words[r.IntN(len(words))] }
		words := []string{"Ops", "ops", "OPS team", "Ünal", "ÜNAL", "ünal", "straße", "STRASSE", "K", "\u212A", "a%b", "a_b", `q"t`, `b\s`, "x y", "ſ", "S"}
		for i := range 40 {
			w := func() string { return fmt.Sprintf("%q", pick(words...)) }
			body := fmt.Sprintf(`{"userName":"user%d","externalId":%s`, i, strings.TrimSuffix(w(), `"`)+fmt.Sprint(i)+`"`)
			for _, part := range []string{`"title":` + w(), `"name":{"familyName":` + w() + `}`, `"active":` + pick("true", "false"), `"profileUrl":"https://x.example/` + pick("A", "a") + `"`,
				`"emails":[{"type":"` + pick("work", "WORK", "home") + `","value":` + w() + `},{"value":` + w() + `}]`, `"roles":[{"value":` + w() + `,"type":"x","primary":true},{"value":` + w() + `,"type":"y"}]`,
				`"` + ent + `":{"department":` + w() + `,"manager":{"value":` + w() + `}}`, `"` + custom + `":{"desk":` + w() + `,"badge":` + fmt.Sprint(r.IntN(3)) + `,"location":[` + w() + `,` + w() + `]}`} {
				if r.IntN(3) > 0 {
					body += "," + part
				}
			}
			testkit.Call(t, "POST", base+"/Users", token, body+"}").Want(t, 201)
		}
		actor := testkit.Directory("main", "entra")
		all, _, err := server.Engine.Users(t.Context(), actor, desk.UserQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		paths := []string{"title", "userName", "externalId", "name.familyName", "profileUrl", "emails", "emails.value", `emails[type eq "work"].value`, "emails.type", "roles", "roles.type", "department", "manager", ent + ":department", "desk", custom + ":DESK", "location", custom + ":Location"}
		told := 0
		for range 1500 {
			path, text := pick(paths...), pick(words...)
			quote := func(s string) string {
				return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
			}
			var rule desk.ScopeRule
			var filter string
			switch r.IntN(5) {
			case 0:
				rule, filter = matches(path, regexp.QuoteMeta(text)), path+" co "+quote(text)
			case 1:
				rule, filter = matches(path, "^"+regexp.QuoteMeta(text)), path+" sw "+quote(text)
			case 2:
				rule, filter = matches(path, regexp.QuoteMeta(text)+"$"), path+" ew "+quote(text)
			case 3:
				filter = pick("not (", "(") + path + pick(" eq ", " ne ", " gt ", " le ") + quote(text) + ") and " + pick("active eq true", "badge ge 1", "title pr", `emails[type eq "work" and value pr]`)
				rule = desk.ScopeRule{Filter: filter}
			default:
				values := []string{text}
				filter = path + " eq " + quote(text)
				for range r.IntN(4) {
					v := pick(append(words, "user7", "early", "https://x.example/A", "work")...)
					values = append(values, v)
					filter += " or " + path + " eq " + quote(v)
				}
				rule = oneOf(path, values...)
			}
			s, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{rule}}, own)
			if err != nil {
				t.Fatalf("%+v: %v", rule, err)
			}
			f, err := schema.With(own).ParseFilter(filter)
			if err != nil {
				t.Fatalf("%s: %v", filter, err)
			}
			var want, got []string
			found, _, err := server.Engine.Users(t.Context(), actor, desk.UserQuery{Filter: f, Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range found {
				want = append(want, u.ID)
			}
			for _, u := range all {
				user, err := u.Decode()
				if err != nil {
					t.Fatal(err)
				}
				if in, _ := s.Match(user); in {
					got = append(got, u.ID)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v lets in %d, %s finds %d", rule, len(got), filter, len(want))
			}
			if len(got) > 0 && len(got) < len(all) {
				told++
			}
		}
		if told < 700 {
			t.Errorf("only %d scopes told users apart", told)
		}
	})
}

// FuzzScope holds that any rule is refused with a reason, or can be asked about any user.
func FuzzScope(f *testing.F) {
	addUsers(f, func(user []byte) { f.Add("emails[type eq \"work\"].value", "@acme", "", user) })
	f.Add("department", "^(Ops|IT)$", "", []byte(`{"department":["Ops"]}`))
	f.Add("", "", `emails[type eq "work" and not (value ew "x")] or groups pr`, []byte(`{"emails":[7]}`))
	f.Fuzz(func(t *testing.T, attribute, pattern, filter string, text []byte) {
		user := decode(text)
		for _, rule := range []desk.ScopeRule{{Attribute: attribute, Pattern: pattern, Filter: filter}, oneOf(attribute, pattern)} {
			s, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{rule}}, fields)
			wantInvalid(t, err)
			if err == nil {
				s.Match(user)
			}
		}
	})
}
