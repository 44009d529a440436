package mapping

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/schema"
)

// Scope decides whom of a directory the helpdesk wants. It is read only, so that any number of requests may share it.
type Scope struct {
	rules []scopeRule
	none  string // what decides about who fits no rule
}

// scopeRule is one way to be in scope: exactly one of values, pattern and filter is set.
type scopeRule struct {
	text    string
	path    path
	values  map[string]bool // folded unless the path's attribute is case-exact
	pattern *regexp.Regexp
	filter  desk.Filter
}

const (
	maxScopeRules  = 100
	maxScopeValues = 1000 // of one rule
	maxPattern     = 500  // bytes
	maxProgram     = 2000 // instructions of a compiled pattern
	maxMatched     = 4096 // bytes of a value that patterns are looked for in; no pattern is found in longer ones
)

// CompileScope returns a connection's scope, for a tenant with these custom fields. What is wrong with it comes back all at once
// as desk.Problems within an InvalidValue error.
func CompileScope(s desk.Scope, fields []desk.Field) (*Scope, error) {
	c := &compiler{schema: schema.With(fields)}
	compiled := &Scope{}
	if len(s.Rules) > maxScopeRules {
		c.fail("", 0, "a scope has up to %d rules", maxScopeRules)
	}
	var texts []string
	for i, r := range s.Rules[:min(len(s.Rules), maxScopeRules)] {
		c.rule = i + 1
		one := c.scopeRule(r)
		compiled.rules = append(compiled.rules, one)
		texts = append(texts, one.text)
	}
	compiled.none = "none of: " + strings.Join(texts, "; ")
	if err := c.problems.Err("scope"); err != nil {
		return nil, err
	}
	return compiled, nil
}

// Match reports whether a user is in scope, and the rule that says so. Who is in scope of a scope without rules is so by "";
// who is not in scope is so by all rules.
func (s *Scope) Match(r desk.Resource) (in bool, rule string) {
	for i := range s.rules {
		if s.rules[i].match(r) {
			return true, s.rules[i].text
		}
	}
	if len(s.rules) == 0 {
		return true, ""
	}
	return false, s.none
}

func (r *scopeRule) match(user desk.Resource) bool {
	if r.filter != nil {
		return desk.Match(r.filter, user)
	}
	return r.path.all(user, func(v any) bool {
		text, ok := v.(string)
		if n, isNumber := v.(json.Number); isNumber {
			text, ok = n.String(), true
		}
		if !ok || r.pattern != nil {
			return ok && len(text) <= maxMatched && r.pattern.MatchString(text)
		}
		if !r.path.exact {
			text = desk.Fold(text)
		}
		return r.values[text]
	})
}

func (c *compiler) scopeRule(r desk.ScopeRule) (one scopeRule) {
	ways := 0
	for _, given := range []bool{r.Values != nil, r.Pattern != "", r.Filter != ""} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		c.fail("", 0, "a rule has either values or a pattern for an attribute, or a filter")
		return one
	case r.Filter != "" && r.Attribute != "":
		c.fail("attribute", 0, "a filter names its attributes itself; leave the attribute out")
		return one
	case r.Filter != "":
		return c.scopeFilter(r.Filter)
	}
	name := strings.TrimSpace(r.Attribute)
	p, err := parsePath(c.schema, name)
	switch {
	case name == "" || len(name) > maxSource || !desk.Storable(name):
		c.fail("attribute", 0, "the attribute is missing, or is none; write a path such as department")
	case err != nil:
		c.fail("attribute", utf8.RuneCountInString(name[:err.at])+1, "%s", err.msg)
	case p.kind == "complex":
		c.fail("attribute", 0, "%s has several parts; name one, such as %s", name, p.hint)
	case p.kind != "" && p.kind != "string" && p.kind != "reference":
		c.fail("attribute", 0, `%s is not text; write a filter, such as %s eq …`, name, name)
	}
	one.path = p
	if r.Values != nil {
		c.scopeValues(&one, name, r.Values)
	} else {
		c.scopePattern(&one, name, r.Pattern)
	}
	return one
}

func (c *compiler) scopeFilter(text string) scopeRule {
	f, err := c.schema.ParseFilter(text)
	if err != nil {
		c.fail("filter", 0, "%s", desk.AsError(err).Msg)
	} else if name := serverOnly(f); name != "" {
		c.fail("filter", 0, "%s is Rollcall's own; a scope goes by what the directory says", name)
	}
	return scopeRule{text: text, filter: f}
}

// serverOnly returns the first attribute of a filter that only stored users have, "" for none.
func serverOnly(f desk.Filter) string {
	switch f := f.(type) {
	case desk.And:
		return cmp.Or(serverOnly(f.Left), serverOnly(f.Right))
	case desk.Or:
		return cmp.Or(serverOnly(f.Left), serverOnly(f.Right))
	case desk.Not:
		return serverOnly(f.Filter)
	case desk.Compare:
		if name := f.Attr.Path[0]; name == "id" || name == "meta" {
			return name
		}
	}
	return ""
}

func (c *compiler) scopeValues(one *scopeRule, name string, values []string) {
	one.values = make(map[string]bool, len(values))
	for i, v := range values {
		v = strings.TrimSpace(v)
		if v == "" || len(v) > desk.MaxKey || !desk.Storable(v) {
			c.fail("values", 0, "value %d is empty, longer than %d bytes, or holds characters that no text can", i+1, desk.MaxKey)
		}
		if !one.path.exact {
			v = desk.Fold(v)
		}
		one.values[v] = true
	}
	switch {
	case len(values) == 0:
		c.fail("values", 0, "the list of values is empty; nobody would be in scope by it")
	case len(values) > maxScopeValues:
		c.fail("values", 0, "a rule has up to %d values", maxScopeValues)
	}
	const shown = 5
	one.text = name + " is one of " + strings.Join(values[:min(len(values), shown)], ", ")
	if n := len(values) - shown; n > 0 {
		one.text += fmt.Sprintf(" and %d more", n)
	}
}

func (c *compiler) scopePattern(one *scopeRule, name, pattern string) {
	one.text = name + " matches " + pattern
	if len(pattern) > maxPattern || !desk.Storable(pattern) {
		c.fail("pattern", 0, "the pattern is longer than %d bytes, or holds characters that no text can", maxPattern)
		return
	}
	full := pattern
	if !one.path.exact {
		full = "(?i)" + pattern
	}
	tree, err := syntax.Parse(full, syntax.Perl)
	var wrong *syntax.Error
	if errors.As(err, &wrong) {
		column := 0
		if at := strings.Index(pattern, wrong.Expr); at >= 0 && wrong.Expr != "" {
			column = utf8.RuneCountInString(pattern[:at]) + 1
		}
		c.fail("pattern", column, "the pattern is no regular expression: %s", wrong.Code)
		return
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		c.fail("pattern", 0, "the pattern repeats too much; make it simpler")
		return
	}
	one.pattern = regexp.MustCompile(full)
}
