package mapping_test

import (
	"testing"

	"rollcall/desk"
	"rollcall/mapping"
)

var benchUser = desk.Resource{
	"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": "kofi@acme.example", "externalId": "7a1e", "active": true,
	"displayName": "Kofi Adeyemi", "title": "Lead", "name": map[string]any{"givenName": "Kofi", "familyName": "Adeyemi", "formatted": "Kofi Adeyemi"},
	"emails":       []any{map[string]any{"type": "work", "value": "kofi@acme.example", "primary": true}},
	"phoneNumbers": []any{map[string]any{"type": "work", "value": "+49 1"}, map[string]any{"type": "mobile", "value": "+49 2"}},
	"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"department": "Ops", "organization": "Acme"},
	desk.FieldsURN: map[string]any{"badge": "7"},
}

// BenchmarkProfileOf is the floor: a projection that cannot be changed.
func BenchmarkProfileOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		desk.ProfileOf(benchUser)
	}
}

func BenchmarkApplyDefault(b *testing.B) {
	m, err := mapping.Compile(desk.Mapping{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Apply(benchUser); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmapped(b *testing.B) {
	m, err := mapping.Compile(desk.Mapping{}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Unmapped(benchUser)
	}
}

func BenchmarkExpression(b *testing.B) {
	m, err := mapping.Compile(desk.Mapping{Expressions: true, Rules: []desk.Rule{{Source: `expr:join(" ", name.familyName, name.givenName)`, Target: "displayName"}}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Apply(benchUser); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileDefault(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mapping.Compile(desk.Mapping{}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScope(b *testing.B) {
	s, err := mapping.CompileScope(desk.Scope{Rules: []desk.ScopeRule{
		{Attribute: "department", Values: []string{"Sales", "HR"}}, {Attribute: "userName", Pattern: `@other\.example$`}, {Filter: `title eq "lead" and active eq true`},
	}}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if in, _ := s.Match(benchUser); !in {
			b.Fatal("not in scope")
		}
	}
}
