package desk

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Filter is a SCIM filter (RFC 7644 section 3.4.2.2) whose attributes have been resolved against the schema. It is one of
// And, Or, Not, Compare and Elements. [Match] evaluates it in memory; the store translates it to SQL, with the same result.
type Filter interface{ isFilter() }

// And holds where both sides hold.
type And struct{ Left, Right Filter }

// Or holds where either side holds.
type Or struct{ Left, Right Filter }

// Not holds where its filter does not.
type Not struct{ Filter Filter }

// Compare compares an attribute with a value. On a multi-valued attribute it holds if it holds for any value; Ne holds
// as well if there is none.
type Compare struct {
	Attr Attribute
	Op   Op
	// Value is a string, bool, time.Time or float64 as Attr.Type asks, or nil for null (Eq and Ne only) and for Present. A string
	// is folded unless the attribute is case-exact.
	Value any
}

// Elements holds where some element of a multi-valued attribute satisfies Filter, whose attribute paths start at the element. An
// element that is not complex has the empty path.
type Elements struct {
	Attr   Attribute
	Filter Filter
}

func (And) isFilter()      {}
func (Or) isFilter()       {}
func (Not) isFilter()      {}
func (Compare) isFilter()  {}
func (Elements) isFilter() {}

// Op is a comparison operator.
type Op string

const (
	Eq       Op = "eq"
	Ne       Op = "ne"
	Contains Op = "co"
	Starts   Op = "sw"
	Ends     Op = "ew"
	Greater  Op = "gt"
	GreaterE Op = "ge"
	Less     Op = "lt"
	LessE    Op = "le"
	Present  Op = "pr"
)

// AttrType is how an attribute's values compare.
type AttrType int

const (
	TextType AttrType = iota
	BoolType
	TimeType
	NumberType
	ComplexType // only Present, and Eq and Ne with null
)

// Attribute is where a filter's attribute lies in a resource.
type Attribute struct {
	Path      []string // member names from the resource, or from the element, down to the value
	Multi     int      // index in Path of the multi-valued member, or -1
	Type      AttrType
	CaseExact bool
	Custom    bool // it is one of the tenant's own fields, or an element of one
}

// String returns the path with dots, which is unique within a schema. An element that is not complex is called value.
func (a Attribute) String() string {
	if len(a.Path) == 0 {
		return "value"
	}
	return strings.Join(a.Path, ".")
}

// elements returns the values of a multi-valued attribute. What was said under the name of a custom field before it had
// several values is a list of one.
func (a Attribute) elements(of any) []any {
	v := lookup(of, a.Path[:a.Multi+1])
	list, ok := v.([]any)
	if !ok && v != nil && a.Custom {
		return []any{v}
	}
	return list
}

// Typed returns a value if it is of the attribute's type, else nil: what was said under the name of a custom field before
// there was one is kept, and may be anything.
func (a Attribute) Typed(v any) any {
	ok := true
	switch a.Type {
	case TextType:
		_, ok = v.(string)
	case BoolType:
		_, ok = v.(bool)
	case NumberType:
		_, ok = v.(json.Number)
	case TimeType:
		var s string
		if s, ok = v.(string); ok && a.Custom {
			t, err := time.Parse(time.RFC3339, s)
			ok = err == nil && t.UTC().Format(time.RFC3339) == s
		}
	}
	if !ok {
		return nil
	}
	return v
}

// Match evaluates a filter over a resource.
func Match(f Filter, values map[string]any) bool { return MatchElement(f, values) }

// MatchElement evaluates a filter over an element of a multi-valued attribute.
func MatchElement(f Filter, e any) bool {
	switch f := f.(type) {
	case And:
		return MatchElement(f.Left, e) && MatchElement(f.Right, e)
	case Or:
		return MatchElement(f.Left, e) || MatchElement(f.Right, e)
	case Not:
		return !MatchElement(f.Filter, e)
	case Elements:
		return slices.ContainsFunc(f.Attr.elements(e), func(e any) bool { return MatchElement(f.Filter, e) })
	case Compare:
		return f.match(e)
	}
	return false
}

func (c Compare) match(in any) bool {
	if c.Attr.Multi < 0 {
		return c.holds(lookup(in, c.Attr.Path))
	}
	rest := c.Attr.Path[c.Attr.Multi+1:]
	if c.Value == nil && c.Op == Eq {
		return !Compare{c.Attr, Present, nil}.match(in)
	}
	for _, e := range c.Attr.elements(in) {
		if e = lookup(e, rest); e != nil && c.holds(e) {
			return true
		}
	}
	return c.Op == Ne && c.Value != nil && !Compare{c.Attr, Present, nil}.match(in)
}

// holds compares one value, nil for none.
func (c Compare) holds(v any) bool {
	switch {
	case c.Op == Present || c.Op == Ne && c.Value == nil:
		return v != nil
	case c.Op == Eq && c.Value == nil:
		return v == nil
	}
	if v = c.Attr.Typed(v); v == nil {
		return c.Op == Ne
	}
	switch want := c.Value.(type) {
	case bool:
		b, ok := v.(bool)
		return ok && (b == want) == (c.Op == Eq)
	case time.Time:
		s, _ := v.(string)
		t, err := time.Parse(time.RFC3339, s)
		return err == nil && c.Op.ordered(t.Compare(want))
	case float64:
		n, _ := v.(json.Number)
		f, err := n.Float64()
		return err == nil && c.Op.ordered(cmp.Compare(f, want))
	case string:
		s, _ := v.(string)
		if !c.Attr.CaseExact {
			s = Fold(s)
		}
		switch c.Op {
		case Contains:
			return strings.Contains(s, want)
		case Starts:
			return strings.HasPrefix(s, want)
		case Ends:
			return strings.HasSuffix(s, want)
		}
		return c.Op.ordered(strings.Compare(s, want))
	}
	return false
}

func (op Op) ordered(order int) bool {
	switch op {
	case Eq:
		return order == 0
	case Ne:
		return order != 0
	case Greater:
		return order > 0
	case GreaterE:
		return order >= 0
	case Less:
		return order < 0
	case LessE:
		return order <= 0
	}
	return false
}

func lookup(v any, path []string) any {
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}
