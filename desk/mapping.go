package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Mapping says what of a directory's user becomes what of a contact. Without rules it is the default mapping, which depends on
// the tenant's custom fields. docs/MAPPING.md is its reference.
type Mapping struct {
	Rules       []Rule `json:"rules,omitempty"`
	Expressions bool   `json:"expressions,omitempty"` // whether sources may be expressions
}

// Rule fills one field of a contact.
type Rule struct {
	Source string `json:"source"` // a SCIM path, const:VALUE or expr:EXPRESSION, or several with | between them
	Target string `json:"target"` // displayName, emails.work, fields.badge, …
}

// UnmarshalJSON takes a mapping's own form, and pairs of source and target: {"name.givenName":"firstName","const:true":"active"}. A
// source may be repeated. What is neither is InvalidSyntax.
func (m *Mapping) UnmarshalJSON(text []byte) error {
	*m = Mapping{}
	decoder := json.NewDecoder(bytes.NewReader(text))
	fail := func(why string) error {
		return Errorf(InvalidSyntax, "mapping", `the mapping %s, at character %d; write {"rules":[{"source":"title","target":"title"}]} or {"title":"title"}`,
			why, decoder.InputOffset())
	}
	switch start, err := decoder.Token(); {
	case err != nil:
		return fail("is no JSON")
	case start == nil:
		return nil
	case start != json.Delim('{'):
		return fail("is no object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return fail("is no JSON")
		}
		var raw json.RawMessage
		if err := decoder.Decode(&raw); err != nil {
			return fail("is no JSON")
		}
		name, _ := key.(string)
		switch {
		case raw[0] == '"':
			var target string
			if err := json.Unmarshal(raw, &target); err != nil {
				return fail("is no JSON")
			}
			m.Rules = append(m.Rules, Rule{name, target})
		case name == "rules" && strings.IndexByte("[n", raw[0]) >= 0:
			strict := json.NewDecoder(bytes.NewReader(raw))
			strict.DisallowUnknownFields()
			var rules []Rule
			if err := strict.Decode(&rules); err != nil {
				return fail("has a rule that is more, or less, than a source and a target")
			}
			m.Rules = append(m.Rules, rules...)
		case name == "expressions" && json.Unmarshal(raw, &m.Expressions) == nil:
		default:
			return fail(fmt.Sprintf("has a value for %.40q that is no target", name))
		}
	}
	return nil
}

// Scope says whom of a directory the helpdesk wants: everybody if it has no rules, else who fits one of them.
type Scope struct {
	Rules []ScopeRule `json:"rules,omitempty"`
}

// UnmarshalJSON takes a whole scope: nothing of one that was there before stays.
func (s *Scope) UnmarshalJSON(text []byte) error {
	*s = Scope{}
	type plain Scope
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode((*plain)(s)); err != nil {
		return Errorf(InvalidSyntax, "scope", `the scope is no list of rules (%s); write {"rules":[{"attribute":"department","values":["Sales"]}]}`, strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// ScopeRule fits a user by one of Values, Pattern and Filter.
type ScopeRule struct {
	Attribute string   `json:"attribute,omitempty"` // a SCIM path; for Values and Pattern
	Values    []string `json:"values,omitempty"`    // of which the attribute, or one of its values, is one
	Pattern   string   `json:"pattern,omitempty"`   // an RE2 expression that is found in the attribute, or in one of its values
	Filter    string   `json:"filter,omitempty"`    // a SCIM filter over the user
}

// Mapped tells what a mapping's rule makes of a user.
type Mapped struct {
	Rule    int    `json:"rule"`   // from 1
	Target  string `json:"target"` // displayName, emails.work, fields.badge, …
	Source  string `json:"source"` // the one of the rule's sources that gave the value
	Value   any    `json:"value,omitempty"`
	Problem string `json:"problem,omitempty"` // why the value cannot be taken
}

// Problem is one thing that is wrong with a mapping or a scope.
type Problem struct {
	Rule    int    `json:"rule,omitempty"`   // from 1; 0 for the whole
	Part    string `json:"part,omitempty"`   // the member of the rule at fault: "source", "target", "filter", …; "" for the rule
	Column  int    `json:"column,omitempty"` // in that member, in characters from 1; 0 for all of it
	Message string `json:"message"`
}

func (p Problem) String() string {
	if p.Rule == 0 {
		return p.Message
	}
	where := fmt.Sprintf("rule %d", p.Rule)
	if p.Part != "" {
		where += ", " + p.Part
	}
	if p.Column > 0 {
		where += fmt.Sprintf(", character %d", p.Column)
	}
	return where + ": " + p.Message
}

// Problems is all that is wrong with a mapping or a scope, as the cause of an [Error] of kind InvalidValue.
type Problems []Problem

func (p Problems) Error() string {
	list := make([]string, len(p))
	for i, one := range p {
		list[i] = one.String()
	}
	return strings.Join(list, "; ")
}

// Err returns the problems as an InvalidValue error about a field, nil if there are none.
func (p Problems) Err(field string) error {
	if len(p) == 0 {
		return nil
	}
	return &Error{Kind: InvalidValue, Field: field, Msg: p.Error(), Err: p}
}
