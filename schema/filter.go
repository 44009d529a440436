package schema

import (
	"math"
	"strconv"
	"strings"
	"time"

	grammar "github.com/scim2/filter-parser/v2"

	"rollcall/desk"
)

const (
	maxFilter      = 8192 // bytes
	maxFilterDepth = 20   // nested parentheses
	maxComparisons = 100
)

// ParseFilter reads a filter over users. What does not parse or cannot be answered is InvalidFilter.
func (s *Schema) ParseFilter(text string) (desk.Filter, error) {
	f, err := parse(text, func(path string) (Reference, bool) {
		ref, ok := s.Resolve(path)
		return ref, ok && ref.Attr != nil
	})
	return f.Filter, err
}

// ParseValueFilter reads the filter between the brackets of a path, over elements of the attribute. One that is not complex is
// its own value: location[value eq "Accra"].
func (a *Attribute) ParseValueFilter(text string) (Parsed, error) {
	return parse(text, func(path string) (Reference, bool) {
		if a.Subs == nil {
			return Reference{Attr: a, element: true}, strings.EqualFold(path, "value")
		}
		sub := a.Subs[Lower(path)]
		return Reference{Attr: sub}, sub != nil
	})
}

// ParseLooseFilter reads a filter over elements that no schema describes: primary is a boolean, all else is text that compares
// without regard to case. It is to be matched with elements whose members have lower-case names.
func ParseLooseFilter(text string) (desk.Filter, error) {
	f, err := parse(text, func(path string) (Reference, bool) {
		a := &Attribute{Name: strings.ToLower(path), Kind: "string"}
		if a.Name == "primary" {
			a.Kind = "boolean"
		}
		return Reference{Attr: a}, path != "" && !strings.ContainsAny(path, ".:")
	})
	return f.Filter, err
}

// Parsed is a filter, and what an element must hold to satisfy it, if that can be said: the pairs of a filter that is made of
// eq and and alone. PATCH makes missing elements from it.
type Parsed struct {
	Filter desk.Filter
	Seed   map[string]any // nil if there is no one element
}

// parse hands the text to the grammar, which knows how and, or, not and parentheses bind. What clients write and the
// grammar does not take is read beforehand: attribute paths of all forms, literals with their escapes, and filters in brackets
// stand in the text as numbers.
func parse(text string, resolve func(string) (Reference, bool)) (Parsed, error) {
	if len(text) > maxFilter {
		return Parsed{}, invalidFilter("the filter is longer than %d bytes", maxFilter)
	}
	if !desk.Storable(text) {
		return Parsed{}, invalidFilter("the filter holds a NUL character or is not UTF-8")
	}
	r := reader{Scanner: Scanner{Text: text}, resolve: resolve}
	source, err := r.read()
	if err != nil {
		return Parsed{}, err
	}
	if len(r.comparisons) == 1 && source == "c0 pr" {
		// What directories send nearly always: one comparison. The grammar would cost most of the request.
		return r.comparisons[0], nil
	}
	tree, err := grammar.ParseFilter([]byte(source))
	if err != nil {
		return Parsed{}, invalidFilter("the filter does not parse")
	}
	return r.build(tree)
}

func (r *reader) build(tree grammar.Expression) (Parsed, error) {
	switch node := tree.(type) {
	case *grammar.AttributeExpression:
		n, err := strconv.Atoi(strings.TrimPrefix(node.AttributePath.AttributeName, "c"))
		if err != nil || n >= len(r.comparisons) {
			return Parsed{}, invalidFilter("the filter does not parse")
		}
		return r.comparisons[n], nil
	case *grammar.NotExpression:
		inner, err := r.build(node.Expression)
		return Parsed{Filter: desk.Not{Filter: inner.Filter}}, err
	case *grammar.LogicalExpression:
		left, err := r.build(node.Left)
		if err != nil {
			return Parsed{}, err
		}
		right, err := r.build(node.Right)
		if err != nil {
			return Parsed{}, err
		}
		if node.Operator == grammar.OR {
			return Parsed{Filter: desk.Or{Left: left.Filter, Right: right.Filter}}, nil
		}
		both := Parsed{Filter: desk.And{Left: left.Filter, Right: right.Filter}}
		if left.Seed != nil && right.Seed != nil {
			both.Seed = left.Seed
			for name, v := range right.Seed {
				both.Seed[name] = v
			}
		}
		return both, nil
	}
	return Parsed{}, invalidFilter("the filter does not parse")
}

// reader reads the comparisons of a filter and leaves its logical structure.
type reader struct {
	Scanner
	resolve     func(string) (Reference, bool)
	comparisons []Parsed
}

// read returns the filter with each comparison written as "c0 pr", "c1 pr", …
func (r *reader) read() (string, error) {
	var out strings.Builder
	depth := 0
	for operand := true; ; {
		r.space()
		switch word := r.Peek(); {
		case word == "" && r.At == len(r.Text):
			return out.String(), nil
		case r.next('('):
			if depth++; depth > maxFilterDepth {
				return "", invalidFilter("the filter is nested more than %d deep", maxFilterDepth)
			}
			out.WriteString("(")
			operand = true
		case r.next(')'):
			depth--
			out.WriteString(")")
			operand = false
		case operand && strings.EqualFold(word, "not"):
			r.At += len(word)
			out.WriteString("not ")
		case operand && len(r.comparisons) == maxComparisons:
			return "", invalidFilter("the filter has more than %d comparisons", maxComparisons)
		case operand:
			c, err := r.comparison()
			if err != nil {
				return "", err
			}
			out.WriteString("c" + strconv.Itoa(len(r.comparisons)) + " pr")
			r.comparisons = append(r.comparisons, c)
			operand = false
		case strings.EqualFold(word, "and") || strings.EqualFold(word, "or"):
			r.At += len(word)
			out.WriteString(" " + strings.ToLower(word) + " ")
			operand = true
		default:
			return "", invalidFilter("the filter does not parse at position %d", r.At)
		}
	}
}

// comparison reads one comparison or value path.
func (r *reader) comparison() (Parsed, error) {
	path := r.Peek()
	r.At += len(path)
	if r.next('[') {
		return r.valuePath(path)
	}
	ref, ok := r.resolve(path)
	if !ok {
		return Parsed{}, invalidFilter("the filter names no attribute that is known at position %d", r.At-len(path))
	}
	op, literal, err := r.operation()
	if err != nil {
		return Parsed{}, err
	}
	return compare(ref, op, literal)
}

// valuePath reads what follows emails[, with the bracket's sub-attribute that Entra puts behind it:
// emails[type eq "work"].value eq "x".
func (r *reader) valuePath(path string) (Parsed, error) {
	inner, ok := r.bracket()
	ref, known := r.resolve(path)
	if !ok || !known || ref.Sub != nil || ref.Attr.Subs == nil && !ref.Attr.Multi {
		return Parsed{}, invalidFilter("the filter names no complex or multi-valued attribute, or does not close its bracket, at position %d", r.At)
	}
	f, err := ref.Attr.ParseValueFilter(inner)
	if err != nil {
		return Parsed{}, err
	}
	where := ref.Attribute()
	if r.next('.') {
		name := r.Peek()
		r.At += len(name)
		sub := ref.Attr.Subs[Lower(name)]
		if sub == nil {
			return Parsed{}, invalidFilter("%s has no sub-attribute %.40s", ref.Attr.Name, name)
		}
		op, literal, err := r.operation()
		if err != nil {
			return Parsed{}, err
		}
		c, err := compare(Reference{Attr: sub}, op, literal)
		if err != nil {
			return Parsed{}, err
		}
		f.Filter = desk.And{Left: f.Filter, Right: c.Filter}
	}
	if where.Multi < 0 {
		return Parsed{Filter: within(where.Path, f.Filter)}, nil
	}
	return Parsed{Filter: desk.Elements{Attr: where, Filter: f.Filter}}, nil
}

// within moves a filter over a complex attribute's value to the resource that holds it.
func within(path []string, f desk.Filter) desk.Filter {
	switch f := f.(type) {
	case desk.And:
		return desk.And{Left: within(path, f.Left), Right: within(path, f.Right)}
	case desk.Or:
		return desk.Or{Left: within(path, f.Left), Right: within(path, f.Right)}
	case desk.Not:
		return desk.Not{Filter: within(path, f.Filter)}
	case desk.Compare:
		f.Attr.Path = append(append([]string(nil), path...), f.Attr.Path...)
		return f
	}
	return f
}

// operation reads an operator and, unless it is pr, its literal: a string, a bool or nil.
func (r *reader) operation() (op desk.Op, literal any, err error) {
	r.space()
	word := r.Peek()
	op, ok := Operator(word)
	if !ok {
		return "", nil, invalidFilter("the filter has no operator at position %d", r.At)
	}
	r.At += len(word)
	if op == desk.Present {
		return op, nil, nil
	}
	r.space()
	literal, err = r.Literal()
	return op, literal, err
}

// compare types a comparison by its attribute.
func compare(ref Reference, op desk.Op, literal any) (Parsed, error) {
	if ref.Attr.Name == "meta" && ref.Sub == nil && literal == nil {
		// Documents do not hold what the server says of them. Each user has a meta, and its time of creation.
		ref.Sub = ref.Attr.Subs["created"]
	}
	where := ref.Attribute()
	null := literal == nil && op != desk.Present
	if null && op != desk.Eq && op != desk.Ne {
		return Parsed{}, invalidFilter("null can only be compared with eq and ne")
	}
	if where.Type == desk.ComplexType && literal != nil {
		// RFC 7644 section 3.4.2.2: a complex attribute stands for its value.
		if ref.Sub = ref.Attr.Subs["value"]; ref.Sub == nil {
			return Parsed{}, invalidFilter("%s is complex; compare one of its sub-attributes", ref.Attr.Name)
		}
		where = ref.Attribute()
	}
	c := desk.Compare{Attr: where, Op: op}
	if literal == nil {
		return Parsed{Filter: c}, nil
	}
	switch where.Type {
	case desk.BoolType:
		b, err := AsBool(literal)
		if err != nil || op != desk.Eq && op != desk.Ne {
			return Parsed{}, invalidFilter("%s is boolean; compare it with true or false by eq or ne", where)
		}
		c.Value, literal = b, b
	case desk.TimeType:
		return compareTime(c, literal)
	case desk.NumberType:
		text, _ := literal.(string)
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || op == desk.Contains || op == desk.Starts || op == desk.Ends {
			return Parsed{}, invalidFilter("%s is a number; compare it with one by eq, ne, gt, ge, lt or le", where)
		}
		c.Value = f
	default:
		text, ok := literal.(string)
		if !ok {
			return Parsed{}, invalidFilter("%s is text; put the value in double quotes", where)
		}
		if c.Value = text; !where.CaseExact {
			c.Value = desk.Fold(text)
		}
	}
	f := Parsed{Filter: c}
	if op == desk.Eq && literal != "" {
		f.Seed = map[string]any{ref.Attr.Name: literal}
	}
	return f, nil
}

// isMeta tells the server's own times, of microseconds, from what directories say, which is kept to the second.
func isMeta(a desk.Attribute) bool { return strings.HasPrefix(a.String(), "meta.") }

// compareTime compares with a time of any fraction and zone. What a literal holds beyond the precision of stored times decides
// between the operators.
func compareTime(c desk.Compare, literal any) (Parsed, error) {
	text, _ := literal.(string)
	t, err := desk.ParseTime(text)
	if err != nil && !isMeta(c.Attr) {
		t, err = time.Parse(time.DateOnly, text)
	}
	if err != nil || c.Op == desk.Contains || c.Op == desk.Starts || c.Op == desk.Ends {
		return Parsed{}, invalidFilter("%s is a time; compare it with one such as \"2026-01-31T12:00:00Z\" by eq, ne, gt, ge, lt or le", c.Attr)
	}
	t = t.UTC()
	precision := time.Second
	if isMeta(c.Attr) {
		precision = time.Microsecond
	}
	whole := t.Truncate(precision)
	c.Value = whole
	if t.Equal(whole) {
		return Parsed{Filter: c}, nil
	}
	switch c.Op {
	case desk.GreaterE:
		c.Op = desk.Greater
	case desk.Less:
		c.Op = desk.LessE
	case desk.Eq, desk.Ne: // no stored time is equal
		never := desk.And{Left: desk.Compare{Attr: c.Attr, Op: desk.Less, Value: whole}, Right: desk.Compare{Attr: c.Attr, Op: desk.Greater, Value: whole}}
		if c.Op == desk.Ne {
			return Parsed{Filter: desk.Not{Filter: never}}, nil
		}
		return Parsed{Filter: never}, nil
	}
	return Parsed{Filter: c}, nil
}

func invalidFilter(format string, args ...any) error {
	return desk.Errorf(desk.InvalidFilter, "filter", format, args...)
}

// AsBool takes booleans and, since Entra sends "True" and "False", their text.
func AsBool(v any) (bool, error) {
	if s, ok := v.(string); ok {
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	b, ok := v.(bool)
	if !ok {
		return false, desk.Errorf(desk.InvalidValue, "", "not a boolean")
	}
	return b, nil
}
