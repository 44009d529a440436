package mapping

import (
	"fmt"

	"rollcall/desk"
	"rollcall/schema"
)

// Mapper applies a mapping. It is read only, so that any number of requests may share it; it is worth keeping, since
// compiling costs twenty times what applying does, and with expressions a hundred times.
type Mapper struct {
	rules    []rule
	own      map[string]bool // folded names of the custom fields that have a rule of their own
	fields   []desk.Field
	required []desk.Field
	schema   *schema.Schema
	used     map[string][][]step // what the rules use, by the name of its first step
	usesAll  bool                // an expression uses what cannot be told
}

type rule struct {
	n       int // from 1
	text    string
	sources []source
	target
}

// maxRules is how many rules a mapping may have.
const maxRules = 200

// Compile returns the mapper of a mapping for a tenant with these custom fields. What is wrong with it comes back all at once
// as desk.Problems within an InvalidValue error.
func Compile(m desk.Mapping, fields []desk.Field) (*Mapper, error) {
	c := compile(m, fields)
	if err := c.problems.Err("mapping"); err != nil {
		return nil, err
	}
	return c.mapper, nil
}

// Check is what a mapping must pass to be saved: it compiles, and gives every contact a name and the custom fields that are
// required.
func Check(m desk.Mapping, fields []desk.Field) error {
	c := compile(m, fields)
	written, named := map[string]bool{}, false
	for _, r := range c.mapper.rules {
		written[r.target.name] = true
		switch r.kind {
		case displayName, firstName, lastName, userName, email, emails:
			named = true
		}
	}
	c.rule = 0
	if !named && len(c.problems) == 0 {
		c.fail("", 0, "no rule fills displayName, firstName, lastName, userName or emails; contacts would have no name")
	}
	for _, f := range c.mapper.required {
		if !written["fields"] && !written["fields."+f.Name] {
			c.fail("", 0, "the custom field %s is required, and no rule fills it; add one with the target fields.%s", f.Name, f.Name)
		}
	}
	return c.problems.Err("mapping")
}

// compiler gathers what is wrong with a mapping or a scope.
type compiler struct {
	schema      *schema.Schema
	fields      []desk.Field
	expressions bool
	rule        int // from 1
	problems    desk.Problems
	mapper      *Mapper
}

// fail notes a problem. The column counts characters from 1; 0 stands for the whole part.
func (c *compiler) fail(part string, column int, format string, args ...any) {
	c.problems = append(c.problems, desk.Problem{Rule: c.rule, Part: part, Column: column, Message: fmt.Sprintf(format, args...)})
}

func compile(m desk.Mapping, fields []desk.Field) *compiler {
	c := &compiler{schema: schema.With(fields), fields: fields, expressions: m.Expressions}
	c.mapper = &Mapper{schema: c.schema, fields: fields, own: map[string]bool{}, used: map[string][][]step{}}
	for _, f := range fields {
		if f.Required {
			c.mapper.required = append(c.mapper.required, f)
		}
	}
	rules := m.Rules
	if len(rules) == 0 {
		rules = Default(fields).Rules
	}
	if len(rules) > maxRules {
		c.fail("", 0, "a mapping has up to %d rules", maxRules)
		rules = rules[:maxRules]
	}
	writers := map[string]int{} // the rule that fills a target, by folded name
	for i, r := range rules {
		c.rule = i + 1
		t, why := parseTarget(r.Target, fields)
		if why != "" {
			c.fail("target", 0, "%s", why)
			t = target{} // its sources can be checked all the same
		} else {
			c.claim(t, writers)
		}
		one := rule{n: c.rule, text: r.Source, target: t, sources: c.sources(r.Source, t)}
		if t.kind == field {
			c.mapper.own[desk.Fold(t.field.Name)] = true
		}
		c.mapper.rules = append(c.mapper.rules, one)
	}
	for i := range c.mapper.rules {
		c.mapper.use(&c.mapper.rules[i])
	}
	return c
}

// claim notes that the rule fills a target, which no other may, unless there is room for several values.
func (c *compiler) claim(t target, writers map[string]int) {
	if t.kind == field && t.field.Multiple {
		return
	}
	names := []string{t.name}
	switch t.kind {
	case email:
		names = append(names, "emails")
	case phone:
		names = append(names, "phones")
	case emails, phones:
		for name := range writers {
			if len(name) > len(t.name) && name[:len(t.name)] == t.name {
				names = append(names, name)
			}
		}
	}
	first := 0
	for _, name := range names {
		if n := writers[desk.Fold(name)]; n > 0 && (first == 0 || n < first) {
			first = n
		}
	}
	if first > 0 {
		c.fail("target", 0, "%s is filled by rule %d already; keep one of the two, or give one rule both sources with | between them", t.name, first)
		return
	}
	writers[desk.Fold(t.name)] = c.rule
}
