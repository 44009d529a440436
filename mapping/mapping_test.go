package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/mapping"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

const (
	ent    = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	custom = desk.FieldsURN
)

var fields = []desk.Field{
	{Name: "badge", Type: desk.FieldNumber}, {Name: "remote", Type: desk.FieldBoolean}, {Name: "joined", Type: desk.FieldDate},
	{Name: "Tier", Type: desk.FieldChoice, Choices: []string{"Gold", "Silver"}}, {Name: "desk", Type: desk.FieldText}, {Name: "department", Type: desk.FieldText},
	{Name: "location", Type: desk.FieldText, Multiple: true}, {Name: "floors", Type: desk.FieldNumber, Multiple: true}, {Name: "tiers", Type: desk.FieldChoice, Choices: []string{"Gold", "Silver"}, Multiple: true},
}

// rules makes a mapping of sources and targets in turn.
func rules(pairs ...string) (m desk.Mapping) {
	for i := 0; i < len(pairs); i += 2 {
		m.Rules = append(m.Rules, desk.Rule{Source: pairs[i], Target: pairs[i+1]})
	}
	return m
}

// said returns what is wrong, "" for nothing.
func said(err error) string {
	if err == nil {
		return ""
	}
	return desk.AsError(err).Msg
}

func TestUnmarshal(t *testing.T) {
	for text, want := range map[string]desk.Mapping{
		`{}`:   {},
		`null`: {},
		`{"name.givenName":"firstName","const:true":"contactIsActive"}`:      rules("name.givenName", "firstName", "const:true", "contactIsActive"),
		`{"const:true":"active","const:true":"remote","title":"title"}`:      rules("const:true", "active", "const:true", "remote", "title", "title"),
		`{"rules":[{"source":"title","target":"title"}],"expressions":true}`: {Rules: rules("title", "title").Rules, Expressions: true},
		`{"expressions":true,"expr:title":"title"}`:                          {Rules: rules("expr:title", "title").Rules, Expressions: true},
		`{"rules":"title"}`: rules("rules", "title"),
		`{"rules":null,"emails[type eq \"work\"].value":"emails.work"}`:                 rules(`emails[type eq "work"].value`, "emails.work"),
		`{"rules":[{"source":"a","target":"b"}],"rules":[{"source":"c","target":"d"}]}`: rules("a", "b", "c", "d"),
	} {
		m := rules("what was", "there before")
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Errorf("%s: %v", text, err)
		} else if diff := cmp.Diff(want, m); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		stored, _ := json.Marshal(m)
		var again desk.Mapping
		if err := json.Unmarshal(stored, &again); err != nil || !cmp.Equal(m, again) {
			t.Errorf("%s is stored as %s, which is read as %v, %v", text, stored, again, err)
		}
	}
	for _, text := range []string{
		`[]`, `"title"`, `7`, `{"title":7}`, `{"title":["title"]}`, `{"title":null}`, `{"rules":{}}`, `{"rules":[7]}`, `{"rules":[{"source":"a","goal":"b"}]}`, `{"expressions":7}`,
	} {
		if err := json.Unmarshal([]byte(text), new(desk.Mapping)); desk.KindOf(err) != desk.InvalidSyntax {
			t.Errorf("%s gives %v", text, err)
		}
	}
}

// TestCheck holds which mappings are refused, where, and that all that is wrong comes at once.
func TestCheck(t *testing.T) {
	on := func(m desk.Mapping) desk.Mapping { m.Expressions = true; return m }
	for _, c := range []struct {
		mapping desk.Mapping
		want    string // a part of each problem, in order, with "; " between them; "" for none
	}{
		{desk.Mapping{}, ""},
		{mapping.Default(fields), ""},
		{rules("USERNAME", "username"), ""},
		{rules("Name.GivenName", "firstName", "emails[0].value", "emails.work", "emails[Type eq \"home\"].value", "emails.home", "EMAILS", "fields.desk"), ""},
		{rules(ent+":department", "displayName", strings.ToLower(ent)+":costCenter", "title", "department", "fields.department", "manager", "desk"), ""},
		{rules("urn:acme:hr:2.0:User:grade.level", "displayName", "urn:acme:hr:shoe.size", "title", "urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName"), ""},
		{rules("organizations[primary eq true].title", "title", `organizations[Type ne "home" and not (title pr)].name`, "companyName", "x[0].y[1].z", "displayName"), ""},
		{rules("displayName | name.formatted | const:a | b", "displayName", `emails[value co "|"].value|userName`, "emails.work"), ""},
		{rules("userName", "userName", "const:Yes", "active", "const:off", "remote", "const:7.50", "badge", "const:gold", "Tier", "const:2026-01-31", "fields.joined"), ""},
		{rules("emails", "emails", "phoneNumbers[type ne \"fax\"]", "phones", custom, "fields", custom+":badge", "badge"), ""},
		{on(rules(`expr:join(" ", name.familyName, name.givenName)`, "displayName", `title | expr:$env["`+ent+`"].department`, "title")), ""},

		// targets
		{rules("title", "tilte", "title", "", "title", "emails.", "title", "phones.a b", "title", "fields.nope", "title", "externalId", "userName", "userName"),
			"rule 1, target: there is no target tilte; there are displayName, ; rule 2, target: the target is missing; rule 3, target: a label is; " +
				"rule 4, target: a label is; rule 5, target: there is no custom field nope; rule 6, target: externalId is"},
		{rules("userName", "userName", "title", "title", "displayName", "jobTitle", "nickName", "TITLE"),
			"rule 3, target: title is filled by rule 2 already; rule 4, target: title is filled by rule 2"},
		{rules("emails", "emails", "userName", "emails.work", "phoneNumbers[0].value", "mobile", "phoneNumbers", "phones", "userName", "EMAIL"),
			"rule 2, target: emails.work is filled by rule 1; rule 4, target: phones is filled by rule 3; rule 5, target: emails.work is filled by rule 1"},
		{rules("userName", "emails.Work", "userName", "emails.work"), "rule 2, target: emails.work is filled by rule 1"},
		{rules("userName", "userName", "title", "desk", "nickName", "fields.DESK"), "rule 3, target: fields.desk is filled by rule 2"},

		// sources
		{rules("", "userName"), "rule 1, source, character 1: the source is missing"},
		{rules("title |", "title", "| title", "userName", "title | | nickName", "desk"),
			"rule 1, source, character 8: the source is missing; rule 2, source, character 1: the source; rule 3, source, character 9: the source is"},
		{rules("name", "displayName", "addresses", "title", "ädresse.", "desk"),
			"rule 1, source, character 1: name has several parts; name one, such as name.familyName; rule 2, source, character 1: addresses has; rule 3, source, character 9: the name"},
		{rules("title.x", "title", "title[0]", "displayName", "emails[0]value", "emails.work", "manager.value.x", "desk", "name[0].givenName", "firstName"),
			"rule 1, source, character 7: title has no parts; rule 2, source, character 6: title has one value; rule 3, source, character 10: unexpected 'v'; rule 4, source, character 14: manager.value has no parts; " +
				"rule 5, source, character 5: name has one value"},
		{rules("emails[", "emails.work", "emails[].value", "emails.home", "emails[-1].value", "emails.c", "emails[99999].value", "emails.d", "x[y z]", "userName", "schemas[value eq 1]", "desk"),
			"rule 1, source, character 7: the bracket is not closed; rule 2, source, character 8: an index; rule 3, source, character 8: the filter names no attribute; rule 4, source, character 8: an index; " +
				"rule 5, source, character 3: the filter has no operator; rule 6, source, character 1: schemas says nothing"},
		{rules("title | emails[shoe eq 1].value", "userName"), "rule 1, source, character 16: the filter names no attribute that is known at position 0"},
		{rules("id", "userName", "meta.created", "title", "password", "desk"), "rule 1, source, character 1: id is Rollcall's own; rule 2, source, character 1: meta is; rule 3, source, character 1: password is never kept"},
		{rules("urn:", "title", "urn:x", "desk", ent, "userName", ent+":", "displayName", custom+":nope", "companyName"),
			"rule 1, source, character 1: this is no URN; rule 2, source, character 1: this is no URN; rule 3, source, character 59: this is a schema as a whole; rule 4, source, character 60: this is a schema as a whole; " +
				"rule 5, source, character 58: there is no custom field nope"},
		{rules("title", "fields", ent, "userName"), "rule 1, source, character 1: the target fields takes urn:ietf:params:scim:schemas:extension:rollcall:2.0:User; rule 2, source"},
		{rules("active", "userName", "emails[0].primary", "badge", "active", "remote", "meta", "active"),
			"rule 1, source, character 1: active is true or false, which userName cannot be; rule 2, source, character 1: emails[0].primary is true; rule 4, source, character 1: meta is"},
		{rules(custom+":badge", "active", "userName", "userName"), "rule 1, source, character 1: " + custom + ":badge is neither a boolean nor text"},
		{rules(strings.Repeat("x", 2001), "userName"), "rule 1, source: the source is longer than 2000 bytes"},

		// constants
		{rules("const:", "title", "const:perhaps", "active", "const:many", "badge", "const:soon", "joined", "const:Bronze", "Tier", "const:maybe", "remote", "userName", "userName"),
			"rule 1, source, character 7: the constant is empty; rule 2, source, character 7: active must be; rule 3, source, character 7: badge must be a number; rule 4, source, character 7: joined must be a date; " +
				"rule 5, source, character 7: Tier must be one of; rule 6, source, character 7: remote must be true"},
		{rules("const:ann", "userName", "title | const:a@b.example", "emails.work", "const:x", "emails", "const:y", "phones", "const:z", "fields"),
			"rule 1, source, character 7: people are told apart by userName; rule 2, source, character 15: people are told apart; rule 3, target; rule 3, source, character 7: people; rule 4, source, character 7: phones is a list; rule 5"},
		{rules("const:a\x00b", "displayName", "const:"+strings.Repeat("x", 1001), "companyName"), "rule 1, source: the source is longer than 2000 bytes, or holds; rule 2, source, character 7: the constant is too long"},

		// expressions
		{rules("expr:title", "title", "userName", "userName"), "rule 1, source, character 1: expressions are off"},
		{on(rules("nickName | expr:title +", "title", "userName", "userName")), "rule 1, source, character 23: the expression cannot be read"},
		{on(rules("expr:title", "emails", "userName", "userName")), "rule 1, source, character 6: an expression gives one value"},
		{on(rules("expr:map(emails, .value)", "title", "expr:all(1..9, true)", "desk", "expr:let x = 1; x", "userName", "expr:title[0:1]", "displayName", "expr:{a: 1}", "firstName",
			"expr:title matches \"a\"", "lastName", "expr:2 ** 3", "badge", "expr:now()", "joined", "expr:emails.first()", "companyName", "expr:repeat(title, 9)", "emails.work")),
			"rule 1, source, character 18: expressions have no loops; rule 2, source, character 11: expressions have no operator ..; rule 3, source, character 10: expressions have no loops; " +
				"rule 4, source, character 11: expressions have no loops; rule 5, source, character 6: expressions have no loops; rule 6, source, character 12: expressions have no operator matches; " +
				"rule 7, source, character 8: expressions have no operator **; rule 8, source, character 6: there is no such function; there are join, ; rule 9, source, character 13: there is no such function; " +
				"rule 10, source, character 6: there is no such function"},
		{on(rules("expr:"+strings.Repeat("1+", 200)+"1", "badge", "userName", "userName")), "rule 1, source"},

		// the whole
		{rules("title", "title", "const:true", "active"), "no rule fills displayName, firstName, lastName, userName or emails"},
		{desk.Mapping{Rules: make([]desk.Rule, 201)}, "a mapping has up to 200 rules"},
	} {
		err := mapping.Check(c.mapping, fields)
		var problems desk.Problems
		errors.As(err, &problems)
		var want []string
		if c.want != "" {
			want = strings.Split(c.want, "; rule ")
		}
		ok := len(problems) == len(want) || len(c.mapping.Rules) > 200 && len(problems) > 0
		for i := range min(len(problems), len(want)) {
			ok = ok && strings.HasPrefix(strings.TrimPrefix(problems[i].String(), "rule "), strings.TrimPrefix(want[i], "rule "))
		}
		if !ok || (err != nil) != (c.want != "") || err != nil && desk.KindOf(err) != desk.InvalidValue {
			t.Errorf("%+v\ngives %s\nwant  %s", c.mapping.Rules, said(err), c.want)
		}
	}
	required := append(fields[:len(fields):len(fields)], desk.Field{Name: "must", Type: desk.FieldText, Required: true})
	if err := mapping.Check(rules("userName", "userName"), required); !strings.Contains(said(err), "the custom field must is required, and no rule fills it") {
		t.Error(err)
	}
	if _, err := mapping.Compile(rules("userName", "userName"), required); err != nil {
		t.Error("a mapping from before the field was made does not compile:", err)
	}
	for _, m := range []desk.Mapping{{}, rules("userName", "userName", "title", "must"), rules("userName", "userName", custom, "fields")} {
		if err := mapping.Check(m, required); err != nil {
			t.Error(err)
		}
	}
}

// TestValues holds what single sources give, and what targets make of it.
func TestValues(t *testing.T) {
	const tombstone = "0b2f6c1e7d404f0a9c553f1f5d1a7b01ama@acme.example"
	user := desk.Resource{
		"deleted": tombstone, "userName": "ama", "active": true, "title": "Lead", "nickName": "  ", "name": map[string]any{"givenName": "Ama"},
		"emails": []any{
			map[string]any{"value": "first@x"}, map[string]any{"type": "work", "value": "work@x"}, map[string]any{"type": "WORK", "value": "primary@x", "primary": true}, map[string]any{"display": "none"},
		},
		"roles": []any{map[string]any{"type": "a", "display": "A"}, map[string]any{"type": "b", "value": "B"}},
		"Flags": map[string]any{"One": "1", "zero": json.Number("0"), "On": "ON", "off": " Off ", "enabled": "Enabled", "disabled": "DISABLED", "yes": "yes", "no": "No", "two": json.Number("2"), "maybe": "maybe"},
		"Orgs":  []any{map[string]any{"Title": "T0"}, map[string]any{"title": "T1", "Primary": true}, map[string]any{"TITLE": "T2", "primary": true}},
		"words": []any{"one", "two"}, "number": json.Number("7.50"), "long": strings.Repeat("İ", 700), "nested": map[string]any{"value": "v"},
		ent:              map[string]any{"manager": map[string]any{"value": "M"}, "department": "Ops"},
		"urn:Acme:HR":    map[string]any{"Grade": "9"},
		"urn:a:2.0:User": map[string]any{"b": map[string]any{"c": "d"}},
	}
	long := user["long"].(string)
	for _, c := range []struct {
		source, target string
		want           any    // nil for none
		problem        string // a part of it
	}{
		{"Title", "title", "Lead", ""}, {"nickName", "title", "  ", ""}, {"displayName", "title", nil, ""}, {"name.familyName", "title", nil, ""},
		{"displayName | name.familyName | userName", "title", "ama", ""}, {"displayName|const:a | b", "title", "a | b", ""}, {"title | const:x", "title", "Lead", ""},
		{"emails.value", "title", "primary@x", ""}, {"emails", "title", "primary@x", ""}, {"emails[0].value", "title", "first@x", ""}, {"emails[3].value", "title", nil, ""}, {"emails[9].value", "title", nil, ""},
		{`emails[type eq "work"].value`, "title", "primary@x", ""}, {`emails[value sw "w"].value`, "title", "work@x", ""}, {`emails[type eq "fax"].value`, "title", nil, ""}, {"emails.type", "title", "WORK", ""},
		{"roles", "title", "B", ""}, {"roles.display", "title", "A", ""}, {"orgs[0].title", "title", "T0", ""}, {"ORGS[Title eq \"t1\"].Title", "title", "T1", ""}, {"orgs[primary eq true].title", "title", "T2", ""}, {"orgs.title", "title", "T2", ""},
		{"words", "title", "one", ""}, {"words[1]", "title", "two", ""}, {"title.x | words[1].x", "title", nil, "!"}, {"number", "title", "7.50", ""}, {"nested", "title", "v", ""}, {"nested[0].value", "title", "v", ""}, {"nested[1].value", "title", nil, ""},
		{"manager", "title", "M", ""}, {ent + ":manager.value", "title", "M", ""}, {"Department", "title", "Ops", ""}, {"urn:acme:hr:grade", "title", "9", ""}, {"urn:a:2.0:User:b.c", "title", "d", ""}, {"urn:a:2.0:user:B.C", "title", "d", ""},
		{"flags", "title", nil, "flags gives an object, but title must be text"}, {"urn:a:2.0:User:b", "title", nil, "gives an object"},

		{"flags.one", "active", true, ""}, {"flags.zero", "active", false, ""}, {"flags.on", "active", true, ""}, {"flags.off", "active", false, ""}, {"flags.enabled", "active", true, ""},
		{"flags.disabled", "active", false, ""}, {"flags.yes", "active", true, ""}, {"flags.no", "active", false, ""}, {"active", "active", true, ""}, {"displayName", "active", nil, ""},
		{"flags.two", "active", nil, "gives a number, but active must be true or false"}, {"flags.maybe", "active", nil, "gives text, but active must be"}, {"flags.off", "remote", false, ""}, {"active", "remote", true, ""},
		{"flags.maybe", "remote", nil, "remote must be true or false"},

		{"number", "badge", 7.5, ""}, {"flags.one", "badge", 1.0, ""}, {"title", "badge", nil, "rule 1: title gives text, but badge must be a number; correct it in the directory"}, {"number", "desk", "7.50", ""}, {"nickName", "desk", nil, ""},
		{"const:silver", "Tier", "Silver", ""}, {"const:2026-01-31", "joined", "2026-01-31T00:00:00Z", ""}, {"words", "badge", nil, "badge must be a number"}, {"flags", "desk", nil, "gives an object"},

		{"emails", "emails", []desk.Address{{Value: "first@x"}, {Type: "work", Value: "work@x"}, {Type: "WORK", Value: "primary@x", Primary: true}}, ""},
		{`emails[type eq "work"]`, "emails", []desk.Address{{Type: "work", Value: "work@x"}, {Type: "WORK", Value: "primary@x", Primary: true}}, ""},
		{"emails[1]", "emails", []desk.Address{{Type: "work", Value: "work@x"}}, ""}, {"phoneNumbers | userName", "emails", []desk.Address{{Value: "ama"}}, ""}, {"words", "phones", []desk.Address{{Value: "one"}, {Value: "two"}}, ""},
		{"number", "phones", []desk.Address{{Value: "7.50"}}, ""}, {"phoneNumbers", "phones", nil, ""}, {"userName", "emails.home", []desk.Address{{Type: "home", Value: "ama"}}, ""}, {"number", "mobile", []desk.Address{{Type: "mobile", Value: "7.50"}}, ""},

		{"long", "userName", nil, "userName may have up to 1000 bytes"}, {"long", "emails.work", nil, "emails.work may have up to"}, {"long", "emails", nil, "each of the emails may have"}, {"long", "companyName", long, ""},
		{"deleted", "userName", "ama@acme.example", ""}, {"deleted", "emails.work", []desk.Address{{Type: "work", Value: "ama@acme.example"}}, ""}, {"deleted", "emails", []desk.Address{{Value: "ama@acme.example"}}, ""},
		{"deleted", "title", tombstone, ""},
		{"long", "title", long, ""}, {"nested", "companyName", "v", ""}, {"nickName", "companyName", nil, ""},
	} {
		if c.problem == "!" {
			if _, err := mapping.Compile(rules(c.source, c.target), fields); err == nil {
				t.Errorf("%s is taken", c.source)
			}
			continue
		}
		m, err := mapping.Compile(rules(c.source, c.target), fields)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		result, err := m.Apply(user)
		got := valueOf(result, c.target)
		if diff := cmp.Diff(c.want, got); diff != "" || (err != nil) != (c.problem != "") || !strings.Contains(said(err), c.problem) || err != nil && desk.KindOf(err) != desk.InvalidValue {
			t.Errorf("%s → %s: %v %s", c.source, c.target, err, diff)
		}
	}
}

// TestSeveral holds what sources give to custom fields with several values.
func TestSeveral(t *testing.T) {
	var many []any
	for i := range desk.MaxValues + 1 {
		many = append(many, fmt.Sprint("v", i))
	}
	user := desk.Resource{
		"userName": "ama", "title": "Accra;Berlin", "nickName": " ", "active": true, "many": many, "Offices": []any{"Accra", "ACCRA", "", "Berlin"}, "levels": []any{json.Number("7"), "7.0", "2.50"}, "city": "Oslo", "object": map[string]any{"a": "b"},
		"addresses": []any{
			map[string]any{"type": "work", "locality": "Accra", "region": "1"}, map[string]any{"type": "home", "locality": "Berlin", "primary": true}, map[string]any{"type": "other", "country": "GH", "region": "x"},
			map[string]any{"type": "work", "locality": "accra"},
		},
		"roles": []any{map[string]any{"value": "gold", "type": "a"}, map[string]any{"value": "SILVER", "type": "b"}, map[string]any{"display": "none"}},
		custom:  map[string]any{"location": []any{"Bonn", "Köln"}, "floors": json.Number("3"), "tiers": []any{"Gold"}, "desk": "A1"},
	}
	several := func(values ...any) []any { return values }
	for _, c := range []struct {
		mapping desk.Mapping
		field   string
		want    []any
		problem string
	}{
		{rules("addresses.locality", "fields.location"), "location", several("Accra", "Berlin"), ""},
		{rules(`addresses[type eq "work"].locality`, "location"), "location", several("Accra"), ""},
		{rules("addresses[1].locality", "location"), "location", several("Berlin"), ""},
		{rules("offices", "location"), "location", several("Accra", "Berlin"), ""}, {rules("offices[3]", "location"), "location", several("Berlin"), ""}, {rules("levels", "floors"), "floors", several(7., 2.5), ""}, {rules("levels", "location"), "location", several("7", "7.0", "2.50"), ""},
		{rules("city", "location"), "location", several("Oslo"), ""}, {rules("roles", "tiers"), "tiers", several("Gold", "Silver"), ""}, {rules(custom+":floors", "floors"), "floors", several(3.), ""},
		{rules(custom+":location", "location"), "location", several("Bonn", "Köln"), ""}, {rules(custom+`:location[value sw "B"]`, "location"), "location", several("Bonn"), ""}, {rules(custom+":location[1]", "location"), "location", several("Köln"), ""},
		{rules(custom+":location", "title"), "", nil, ""},

		// The first source that has any; rules add to each other.
		{rules("x.y | nickName | offices | city", "location"), "location", several("Accra", "Berlin"), ""}, {rules("x | const:Lagos, Accra", "location"), "location", several("Lagos, Accra"), ""}, {rules("x", "location"), "location", nil, ""},
		{rules("city", "location", "offices", "location", "addresses[0].locality", "fields.LOCATION", "const:oslo", "location"), "location", several("Oslo", "Accra", "Berlin"), ""},
		{rules("x", "location", "city", "location"), "location", several("Oslo"), ""}, {rules("levels", "floors", "const:7", "floors", custom+":floors", "floors"), "floors", several(7., 2.5, 3.), ""},

		{rules("expr:split(title, \";\")", "location"), "location", several("Accra", "Berlin"), ""}, {rules("expr:[city, nickName, nil, 7]", "location"), "location", several("Oslo", "7"), ""}, {rules("expr:city", "location"), "location", several("Oslo"), ""},
		{rules("expr:roles", "tiers"), "tiers", several("Gold", "Silver"), ""}, {rules("expr:x", "location"), "location", nil, ""}, {rules("city | expr:x * 2", "location"), "location", several("Oslo"), ""},
		{rules("expr:addresses[0]", "location"), "location", nil, "gives neither text nor a number"}, {rules("expr:[[city]]", "location"), "location", nil, "gives neither text"}, {rules("expr:split(title, \";\")", "title"), "location", nil, "gives neither text"},
		{rules("expr:x * 2", "location"), "location", nil, "rule 1: expr:x * 2 cannot be computed for this person"},

		{rules(custom, "fields"), "location", several("Bonn", "Köln"), ""}, {rules("city", "location", custom, "fields"), "location", several("Oslo"), ""}, {desk.Mapping{}, "location", several("Bonn", "Köln"), ""},

		{rules("addresses.region", "floors"), "floors", nil, "rule 1: addresses.region gives text, but each value of floors must be a number; correct it in the directory, or map another attribute"},
		{rules("roles.type", "tiers"), "tiers", nil, "each value of tiers must be one of Gold, Silver"}, {rules("object", "location"), "location", nil, "object gives an object, but each value of location must be text"},
		{rules("many", "location"), "location", nil, "many gives a list, but location may have up to 100 values"}, {rules("many[0]", "location", "const:x", "location"), "location", several("v0", "x"), ""},
		{rules("city", "location", "many", "location"), "location", several("Oslo"), "rule 2: many gives a list"},
	} {
		c.mapping.Expressions = c.mapping.Rules != nil
		m, err := mapping.Compile(c.mapping, fields)
		if err != nil {
			t.Errorf("%v: %v", c.mapping.Rules, err)
			continue
		}
		result, err := m.Apply(user)
		got, _ := result.Profile.Fields[c.field].([]any)
		if diff := cmp.Diff(c.want, got); diff != "" || (err != nil) != (c.problem != "") || !strings.Contains(said(err), c.problem) || err != nil && desk.KindOf(err) != desk.InvalidValue {
			t.Errorf("%v: %v %s", c.mapping.Rules, err, diff)
		}
	}
	m, err := mapping.Compile(rules(custom+":location", "title", `addresses[type eq "work"].locality | city`, "location", "x | city", "location"), fields)
	if err != nil {
		t.Fatal(err)
	}
	want := []desk.Mapped{
		{Rule: 1, Target: "title", Source: custom + ":location", Value: "Bonn"},
		{Rule: 2, Target: "fields.location", Source: `addresses[type eq "work"].locality`, Value: several("Accra")},
		{Rule: 3, Target: "fields.location", Source: "city", Value: several("Oslo")},
	}
	if diff := cmp.Diff(want, m.Explain(user)); diff != "" {
		t.Errorf("it is told as %s", diff)
	}
	for source, want := range map[string]string{"const:": "the constant is empty", "const:many": "each value of floors must be a number", "active": "active is true or false", "addresses": "addresses has several parts"} {
		if _, err := mapping.Compile(rules(source, "floors"), fields); !strings.Contains(said(err), want) {
			t.Errorf("%s: %v", source, err)
		}
	}
	must := []desk.Field{{Name: "location", Type: desk.FieldText, Multiple: true, Required: true}}
	m, err = mapping.Compile(rules("userName", "userName", "x", "location", "city", "location"), must)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Apply(user); err != nil {
		t.Errorf("required and there: %v", err)
	}
	if _, err := m.Apply(desk.Resource{"userName": "ama", "city": " "}); !strings.Contains(said(err), "location is required, and x (rule 2) is empty") {
		t.Errorf("required and not there: %v", err)
	}
}

// valueOf is what a result has for a target, nil for nothing.
func valueOf(r mapping.Result, target string) any {
	text := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	list := func(list []desk.Address) any {
		if list == nil {
			return nil
		}
		return list
	}
	p := r.Profile
	switch {
	case target == "active" && r.Active != nil:
		return *r.Active
	case target == "active":
		return nil
	case target == "title":
		return text(p.Title)
	case target == "userName":
		return text(p.UserName)
	case target == "displayName":
		return text(p.DisplayName)
	case target == "companyName":
		return text(p.DirectoryCompany)
	case strings.HasPrefix(target, "emails"):
		return list(p.Emails)
	case strings.HasPrefix(target, "phones"), target == "mobile":
		return list(p.Phones)
	}
	return p.Fields[target]
}

func TestRequired(t *testing.T) {
	fields := []desk.Field{{Name: "badge", Type: desk.FieldNumber, Required: true}, {Name: "desk", Type: desk.FieldText}}
	with := func(active any, values map[string]any) desk.Resource {
		r := desk.Resource{"userName": "ama", "title": "Lead"}
		if active != nil {
			r["active"] = active
		}
		if values != nil {
			r[custom] = values
		}
		return r
	}
	own := rules("userName", "userName", "title", "title", "x.badge", "badge")
	for _, c := range []struct {
		mapping desk.Mapping
		user    desk.Resource
		want    string
	}{
		{desk.Mapping{}, with(true, map[string]any{"badge": json.Number("0")}), ""},
		{desk.Mapping{}, with(true, nil), "badge is required; map an attribute that every user has to " + custom + ":badge"},
		{desk.Mapping{}, with(nil, map[string]any{"desk": "A"}), "badge is required"},
		{desk.Mapping{}, with(false, nil), ""},
		{own, with(true, map[string]any{"badge": json.Number("7")}), "badge is required, and x.badge (rule 3) is empty; fill it in the directory, or add a value for that case: x.badge | const:VALUE"},
		{rules("userName", "userName", "title", "badge"), with(true, nil), "title gives text, but badge must be a number"},
		{rules("userName", "userName", "const:false", "active"), with(true, nil), ""},
		{rules("userName", "userName", "x.badge | const:0", "badge"), with(true, nil), ""},
	} {
		m, err := mapping.Compile(c.mapping, fields)
		if err != nil {
			t.Fatal(err)
		}
		result, err := m.Apply(c.user)
		if !strings.Contains(said(err), c.want) || (err == nil) != (c.want == "") {
			t.Errorf("%v of %v: %v, want %s", c.mapping.Rules, c.user, err, c.want)
		}
		if result.Profile.UserName != "ama" {
			t.Errorf("%v: what could be mapped is not there: %+v", c.mapping.Rules, result)
		}
		if n := strings.Count(said(err), "badge must"); n > 1 {
			t.Errorf("%v is said %d times", err, n)
		}
	}
}

func TestExpressions(t *testing.T) {
	user := desk.Resource{
		"userName": "Ama@acme.example", "name": map[string]any{"givenName": "Ama", "familyName": "Boateng"}, "active": true, "level": json.Number("3"), "rate": json.Number("1.5"),
		"emails": []any{map[string]any{"value": "a@x"}, map[string]any{"value": "b@x"}}, "tags": []any{"x", "y"}, "big": json.Number("1e400"),
		ent: map[string]any{"department": "Ops", "manager": map[string]any{"value": "M"}},
	}
	for _, c := range []struct {
		expr    string
		want    any
		problem string
	}{
		{`name.givenName + " " + name.familyName`, "Ama Boateng", ""}, {`name.middleName + " " + nickName`, nil, ""}, {`name.givenName + " " + nickName`, "Ama", ""}, {`join(", ", name.familyName, nickName, name.givenName)`, "Boateng, Ama", ""},
		{`join("; ", emails)`, "a@x; b@x", ""}, {`join("-", tags, level)`, "x-y-3", ""}, {`emails[1].value`, "b@x", ""}, {`emails[-1].value`, "b@x", ""}, {`emails[7].value`, nil, ""}, {`name["givenName"]`, "Ama", ""}, {`name?.givenName`, "Ama", ""},
		{`nobody.there.at.all`, nil, ""}, {`nobody ?? "x"`, "x", ""}, {`upper(name.givenName)`, "AMA", ""}, {`lower(nobody)`, nil, ""}, {`trim("  a ")`, "a", ""}, {`replace(userName, "@acme.example", "")`, "Ama", ""},
		{`split(userName, "@")[1]`, "acme.example", ""}, {`split("", "@")[1]`, nil, ""}, {`department + "/" + manager.value`, "Ops/M", ""}, {`$env["` + ent + `"].department`, "Ops", ""}, {`userName contains "acme" ? "in" : "out"`, "in", ""},
		{`nobody startsWith "x" or userName endsWith "example"`, "true", "true or false, but title must be text"}, {`department in ["Ops", "IT"] ? "yes" : "no"`, "yes", ""}, {`level + 1`, "4", ""}, {`level * 2`, "6", ""}, {`rate + 1`, "2.5", ""}, {`level + rate`, "4.5", ""}, {`"n" + rate`, "n1.5", ""},
		{`level > 2 ? "high" : "low"`, "high", ""}, {`len(emails) + len("äö")`, "4", ""}, {`nil`, nil, ""}, {`""`, nil, ""}, {`not active ? "a" : "b"`, "b", ""},
		{`emails`, nil, "gives neither text nor a number"}, {`name`, nil, "gives neither text"}, {`level / 0`, nil, "a number that is none"}, {`level % 0`, nil, "cannot be computed"}, {`nobody * 2`, nil, "cannot be computed for this person"}, {`upper()`, nil, "too few or too many arguments"},
		{`"a\u0000b"`, nil, "cannot be stored"}, {`big`, nil, "a number that is none"}, {`userName | upper()`, "AMA@ACME.EXAMPLE", ""},
	} {
		m, err := mapping.Compile(desk.Mapping{Expressions: true, Rules: rules("expr:"+c.expr, "title").Rules}, fields)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		result, err := m.Apply(user)
		want := c.want
		if c.problem != "" {
			want = nil
		}
		if diff := cmp.Diff(want, valueOf(result, "title")); diff != "" || (err != nil) != (c.problem != "") || !strings.Contains(said(err), c.problem) {
			t.Errorf("%s: %v %s", c.expr, err, diff)
		}
	}
}

// TestExpressionLimits holds that neither a long user nor a greedy expression takes much.
func TestExpressionLimits(t *testing.T) {
	for _, c := range []struct{ expr, title, want string }{
		{`title`, strings.Repeat("x", 70_000), "the user has more than 64 KiB of text"},
		{strings.Repeat("title+", 40) + "title", strings.Repeat("x", 10_000), "makes more than 64 KiB of text"},
		{`join(title, title, title, title)`, strings.Repeat("x", 20_000), "makes more than 64 KiB of text"},
		{`replace(title, "x", title)`, strings.Repeat("x", 1000), "makes more than 64 KiB of text"},
		{`replace(title, "", title)`, strings.Repeat("x", 1000), ""},
		{`len(split(title, "x"))`, strings.Repeat("x", 60_000), ""},
	} {
		m, err := mapping.Compile(desk.Mapping{Expressions: true, Rules: rules("expr:"+c.expr, "title").Rules}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Apply(desk.Resource{"title": c.title}); !strings.Contains(said(err), c.want) || (err == nil) != (c.want == "") {
			t.Errorf("%.60s: %.200v", c.expr, err)
		}
	}
}

func TestUnmapped(t *testing.T) {
	user := desk.Resource{
		"schemas": []any{"x"}, "id": "1", "meta": map[string]any{"a": "b"}, "externalId": "e", "userName": "u", "active": true, "title": "T", "x": map[string]any{"y": map[string]any{"z": "1", "w": "2"}},
		"emails": []any{map[string]any{"type": "work", "value": "w", "primary": true}, map[string]any{"type": "a\"b", "value": "h", "display": "H"}}, "words": []any{"one", "two"},
		ent: map[string]any{"manager": map[string]any{"value": "M", "displayName": "N", "$ref": "r"}, "department": "D"}, "urn:x:y": map[string]any{"z": true},
	}
	for _, c := range []struct {
		mapping desk.Mapping
		want    []string
	}{
		{rules("title", "title"), []string{`emails[type eq "a\"b"].value`, `emails[type eq "work"].value`, ent + ":department", ent + ":manager.displayName", ent + ":manager.value", "urn:x:y:z", "words", "words[1]", "x.y.w", "x.y.z"}},
		{rules("emails.value", "title", "X.Y.Z", "userName", "words[0]", "desk", "manager", "badge"), []string{"title", ent + ":department", ent + ":manager.displayName", "urn:x:y:z", "words[1]", "x.y.w"}},
		{rules(`emails[type eq "work"].value`, "title", "URN:x:Y:z", "userName", "words", "desk", ent+":manager.value", "badge", "x", "displayName"), []string{`emails[type eq "a\"b"].value`, "title", ent + ":department", ent + ":manager.displayName"}},
		{desk.Mapping{Expressions: true, Rules: rules("expr:title + department", "title", `expr:emails[0].value + $env["urn:x:y"].z + x.y`, "userName").Rules}, []string{ent + ":manager.displayName", ent + ":manager.value", "words", "words[1]"}},
		{desk.Mapping{Expressions: true, Rules: rules("expr:$env.title", "title").Rules}, []string{`emails[type eq "a\"b"].value`, `emails[type eq "work"].value`, ent + ":department", ent + ":manager.displayName", ent + ":manager.value", "urn:x:y:z", "words", "words[1]", "x.y.w", "x.y.z"}},
		{desk.Mapping{Expressions: true, Rules: rules("expr:$env[title]", "title").Rules}, nil},
	} {
		m, err := mapping.Compile(c.mapping, fields)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, m.Unmapped(user)); diff != "" {
			t.Errorf("%v: %s", c.mapping.Rules, diff)
		}
	}
}

// TestUnmappedPaths holds that a rule made of each path that is told to be unmapped maps it.
func TestUnmappedPaths(t *testing.T) {
	m, err := mapping.Compile(rules("userName", "userName"), nil)
	if err != nil {
		t.Fatal(err)
	}
	paths := m.Unmapped(benchUser)
	for _, path := range paths {
		if path == custom+":badge" {
			continue // there is no such field
		}
		m, err := mapping.Compile(rules(path, "title"), nil)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if result, err := m.Apply(benchUser); err != nil || result.Profile.Title == "" {
			t.Errorf("%s gives %v, %v", path, result, err)
		}
		if left := m.Unmapped(benchUser); len(left) != len(paths)-1 {
			t.Errorf("with %s mapped, %v are left", path, left)
		}
	}
	if len(paths) < 8 {
		t.Errorf("only %v", paths)
	}
}

// TestConcurrency lets many requests share a mapper and a scope; the race detector watches.
func TestConcurrency(t *testing.T) {
	m, err := mapping.Compile(desk.Mapping{Expressions: true, Rules: rules("expr:name.givenName + len(emails)", "displayName", `emails[type eq "work"].value`, "emails.work", custom, "fields").Rules}, fields)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{{Attribute: "title", Pattern: "^x"}, {Filter: `emails[type eq "work" and value co "kofi"]`}}}, fields)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 200 {
				result, err := m.Apply(benchUser)
				in, _ := s.Match(benchUser)
				if err != nil || result.Profile.DisplayName != "Kofi1" || !in || len(m.Unmapped(benchUser)) == 0 {
					t.Error(fmt.Sprint(result, err, in))
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestAliases holds that what other systems call a target is that target.
func TestAliases(t *testing.T) {
	for alias, target := range map[string]string{
		"name": "displayName", "FullName": "displayName", "givenName": "firstName", "familyName": "lastName", "surname": "lastName", "login": "userName", "jobTitle": "title", "JOB": "title",
		"company": "companyName", "directoryCompany": "companyName", "organization": "companyName", "organisation": "companyName", "contactIsActive": "active", "isActive": "active", "email": "emails.work", "mail": "emails.work",
		"email.home": "emails.home", "phone": "phones.work", "telephone": "phones.work", "mobile": "phones.mobile", "Phone.Fax": "phones.fax", "tier": "fields.Tier", "DESK": "fields.desk",
	} {
		err := mapping.Check(rules("x", alias, "y", target, "userName", "login"), fields)
		if !strings.HasPrefix(said(err), "rule 2, target: "+target+" is filled by rule 1 already") {
			t.Errorf("%s, %s: %v", alias, target, err)
		}
	}
}

// TestDocs holds that the examples of docs/MAPPING.md can be pasted in.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/MAPPING.md")
	if err != nil {
		t.Fatal(err)
	}
	fields := []desk.Field{{Name: "department", Type: desk.FieldText}, {Name: "portalAccess", Type: desk.FieldBoolean}}
	blocks := strings.Split(string(text), "```json\n")[1:]
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if strings.Contains(block, `"attribute"`) {
			var s desk.Scope
			if err := json.Unmarshal([]byte(block), &s); err != nil {
				t.Fatal(err)
			}
			if _, err := mapping.CompileScope(s, fields); err != nil || len(s.Rules) == 0 {
				t.Errorf("%s: %v", block, err)
			}
			continue
		}
		var m desk.Mapping
		if err := json.Unmarshal([]byte(block), &m); err != nil {
			t.Fatal(err)
		}
		if err := mapping.Check(m, fields); err != nil || len(m.Rules) == 0 {
			t.Errorf("%s: %v", block, err)
		}
	}
	if len(blocks) != 5 {
		t.Errorf("%d examples were seen", len(blocks))
	}
}
