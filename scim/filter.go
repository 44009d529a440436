package scim

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	grammar "github.com/scim2/filter-parser/v2"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

const (
	maxFilter      = 8192 // bytes
	maxFilterDepth = 20   // nested parentheses
	maxComparisons = 100
)

// parseFilter reads a filter over users. What does not parse or cannot be answered is InvalidFilter.
func (s *userSchema) parseFilter(text string) (desk.Filter, error) {
	f, err := parse(text, func(path string) (reference, bool) {
		ref, ok := s.resolve(path)
		return ref, ok && ref.attr != nil
	})
	return f.filter, err
}

// parseValueFilter reads the filter between the brackets of a path, over elements of the attribute.
func (a *attribute) parseValueFilter(text string) (parsed, error) {
	return parse(text, func(path string) (reference, bool) {
		sub := a.subs[strings.ToLower(path)]
		return reference{attr: sub}, sub != nil
	})
}

// parsed is a filter, and what an element must hold to satisfy it, if that can be said: the pairs of a filter that is made of
// eq and and alone. PATCH makes missing elements from it.
type parsed struct {
	filter desk.Filter
	seed   map[string]any // nil if there is no one element
}

// parse hands the text to the grammar, which knows how and, or, not and parentheses bind. What clients write and the
// grammar does not take is read beforehand: attribute paths of all forms, literals with their escapes, and filters in brackets
// stand in the text as numbers.
func parse(text string, resolve func(string) (reference, bool)) (parsed, error) {
	if len(text) > maxFilter {
		return parsed{}, invalidFilter("the filter is longer than %d bytes", maxFilter)
	}
	if !httpx.Storable(text) {
		return parsed{}, invalidFilter("the filter holds a NUL character or is not UTF-8")
	}
	r := reader{text: text, resolve: resolve}
	source, err := r.read()
	if err != nil {
		return parsed{}, err
	}
	if len(r.comparisons) == 1 && source == "c0 pr" {
		// What directories send nearly always: one comparison. The grammar would cost most of the request.
		return r.comparisons[0], nil
	}
	tree, err := grammar.ParseFilter([]byte(source))
	if err != nil {
		return parsed{}, invalidFilter("the filter does not parse")
	}
	return r.build(tree)
}

func (r *reader) build(tree grammar.Expression) (parsed, error) {
	switch node := tree.(type) {
	case *grammar.AttributeExpression:
		n, err := strconv.Atoi(strings.TrimPrefix(node.AttributePath.AttributeName, "c"))
		if err != nil || n >= len(r.comparisons) {
			return parsed{}, invalidFilter("the filter does not parse")
		}
		return r.comparisons[n], nil
	case *grammar.NotExpression:
		inner, err := r.build(node.Expression)
		return parsed{filter: desk.Not{Filter: inner.filter}}, err
	case *grammar.LogicalExpression:
		left, err := r.build(node.Left)
		if err != nil {
			return parsed{}, err
		}
		right, err := r.build(node.Right)
		if err != nil {
			return parsed{}, err
		}
		if node.Operator == grammar.OR {
			return parsed{filter: desk.Or{Left: left.filter, Right: right.filter}}, nil
		}
		both := parsed{filter: desk.And{Left: left.filter, Right: right.filter}}
		if left.seed != nil && right.seed != nil {
			both.seed = left.seed
			for name, v := range right.seed {
				both.seed[name] = v
			}
		}
		return both, nil
	}
	return parsed{}, invalidFilter("the filter does not parse")
}

// reader reads the comparisons of a filter and leaves its logical structure.
type reader struct {
	text        string
	at          int
	resolve     func(string) (reference, bool)
	comparisons []parsed
}

// read returns the filter with each comparison written as "c0 pr", "c1 pr", …
func (r *reader) read() (string, error) {
	var out strings.Builder
	depth := 0
	for operand := true; ; {
		r.space()
		switch word := r.peek(); {
		case word == "" && r.at == len(r.text):
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
			r.at += len(word)
			out.WriteString("not ")
		case operand && len(r.comparisons) == maxComparisons:
			return "", invalidFilter("the filter has more than %d comparisons", maxComparisons)
		case operand:
			c, err := r.comparison()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, "c%d pr", len(r.comparisons))
			r.comparisons = append(r.comparisons, c)
			operand = false
		case strings.EqualFold(word, "and") || strings.EqualFold(word, "or"):
			r.at += len(word)
			out.WriteString(" " + strings.ToLower(word) + " ")
			operand = true
		default:
			return "", invalidFilter("the filter does not parse at position %d", r.at)
		}
	}
}

const blanks = " \t\r\n"

func (r *reader) space() {
	for r.at < len(r.text) && strings.IndexByte(blanks, r.text[r.at]) >= 0 {
		r.at++
	}
}

// peek returns the word at the current position: all up to a blank, a quote, a bracket or a parenthesis.
func (r *reader) peek() string {
	end := strings.IndexAny(r.text[r.at:], blanks+"\"()[]")
	if end < 0 {
		return r.text[r.at:]
	}
	return r.text[r.at : r.at+end]
}

func (r *reader) next(c byte) bool {
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// comparison reads one comparison or value path.
func (r *reader) comparison() (parsed, error) {
	path := r.peek()
	r.at += len(path)
	if r.next('[') {
		return r.valuePath(path)
	}
	ref, ok := r.resolve(path)
	if !ok {
		return parsed{}, invalidFilter("the filter names no attribute that is known at position %d", r.at-len(path))
	}
	op, literal, err := r.operation()
	if err != nil {
		return parsed{}, err
	}
	return compare(ref, op, literal)
}

// valuePath reads what follows emails[, with the bracket's sub-attribute that Entra puts behind it:
// emails[type eq "work"].value eq "x".
func (r *reader) valuePath(path string) (parsed, error) {
	inner, ok := r.bracket()
	ref, known := r.resolve(path)
	if !ok || !known || ref.sub != nil || ref.attr.subs == nil {
		return parsed{}, invalidFilter("the filter names no complex attribute, or does not close its bracket, at position %d", r.at)
	}
	f, err := ref.attr.parseValueFilter(inner)
	if err != nil {
		return parsed{}, err
	}
	where := ref.attribute()
	if r.next('.') {
		name := r.peek()
		r.at += len(name)
		sub := ref.attr.subs[strings.ToLower(name)]
		if sub == nil {
			return parsed{}, invalidFilter("%s has no sub-attribute %s", ref.attr.name, short(name))
		}
		op, literal, err := r.operation()
		if err != nil {
			return parsed{}, err
		}
		c, err := compare(reference{attr: sub}, op, literal)
		if err != nil {
			return parsed{}, err
		}
		f.filter = desk.And{Left: f.filter, Right: c.filter}
	}
	if where.Multi < 0 {
		return parsed{filter: within(where.Path, f.filter)}, nil
	}
	return parsed{filter: desk.Elements{Attr: where, Filter: f.filter}}, nil
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

// bracket reads up to the closing bracket, past quoted text.
func (r *reader) bracket() (string, bool) {
	inner, _, ok := cutBracket(r.text[r.at:])
	if ok {
		r.at += len(inner) + 1
	}
	return inner, ok
}

// cutBracket cuts text at the first closing bracket outside quotes.
func cutBracket(text string) (inner, rest string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ']' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}

var operators = map[string]desk.Op{
	"eq": desk.Eq, "ne": desk.Ne, "co": desk.Contains, "sw": desk.Starts, "ew": desk.Ends,
	"gt": desk.Greater, "ge": desk.GreaterE, "lt": desk.Less, "le": desk.LessE, "pr": desk.Present,
}

// operation reads an operator and, unless it is pr, its literal: a string, a bool or nil.
func (r *reader) operation() (op desk.Op, literal any, err error) {
	r.space()
	word := r.peek()
	op, ok := operators[strings.ToLower(word)]
	if !ok {
		return "", nil, invalidFilter("the filter has no operator at position %d", r.at)
	}
	r.at += len(word)
	if op == desk.Present {
		return op, nil, nil
	}
	r.space()
	literal, err = r.literal()
	return op, literal, err
}

func (r *reader) literal() (any, error) {
	start := r.at
	if r.next('"') {
		for r.at < len(r.text) {
			switch r.text[r.at] {
			case '\\':
				r.at++
			case '"':
				r.at++
				var s string
				if json.Unmarshal([]byte(r.text[start:r.at]), &s) != nil || strings.ContainsRune(s, 0) {
					return nil, invalidFilter("the filter has a malformed string at position %d", start)
				}
				return s, nil
			}
			r.at++
		}
		return nil, invalidFilter("the filter has a string without end at position %d", start)
	}
	word := r.peek()
	r.at += len(word)
	switch strings.ToLower(word) {
	case "":
		return nil, invalidFilter("the filter lacks a value at position %d", start)
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	if word[0] == '{' {
		return nil, invalidFilter("the filter has an object for a value at position %d", start)
	}
	// Microsoft's pages print values without quotes, others put single ones.
	if len(word) > 1 && word[0] == '\'' && word[len(word)-1] == '\'' {
		word = word[1 : len(word)-1]
	}
	return word, nil
}

// compare types a comparison by its attribute.
func compare(ref reference, op desk.Op, literal any) (parsed, error) {
	if ref.attr.name == "meta" && ref.sub == nil && literal == nil {
		// Documents do not hold what the server says of them. Each user has a meta, and its time of creation.
		ref.sub = ref.attr.subs["created"]
	}
	where := ref.attribute()
	null := literal == nil && op != desk.Present
	if null && op != desk.Eq && op != desk.Ne {
		return parsed{}, invalidFilter("null can only be compared with eq and ne")
	}
	if where.Type == desk.ComplexType && literal != nil {
		// RFC 7644 section 3.4.2.2: a complex attribute stands for its value.
		if ref.sub = ref.attr.subs["value"]; ref.sub == nil {
			return parsed{}, invalidFilter("%s is complex; compare one of its sub-attributes", ref.attr.name)
		}
		where = ref.attribute()
	}
	c := desk.Compare{Attr: where, Op: op}
	if literal == nil {
		return parsed{filter: c}, nil
	}
	switch where.Type {
	case desk.BoolType:
		b, err := asBool(literal)
		if err != nil || op != desk.Eq && op != desk.Ne {
			return parsed{}, invalidFilter("%s is boolean; compare it with true or false by eq or ne", where)
		}
		c.Value, literal = b, b
	case desk.TimeType:
		return compareTime(c, literal)
	case desk.NumberType:
		text, _ := literal.(string)
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || op == desk.Contains || op == desk.Starts || op == desk.Ends {
			return parsed{}, invalidFilter("%s is a number; compare it with one by eq, ne, gt, ge, lt or le", where)
		}
		c.Value = f
	default:
		text, ok := literal.(string)
		if !ok {
			return parsed{}, invalidFilter("%s is text; put the value in double quotes", where)
		}
		if c.Value = text; !where.CaseExact {
			c.Value = desk.Fold(text)
		}
	}
	f := parsed{filter: c}
	if op == desk.Eq && literal != "" {
		f.seed = map[string]any{ref.attr.name: literal}
	}
	return f, nil
}

// isMeta tells the server's own times, of microseconds, from what directories say, which is kept to the second.
func isMeta(a desk.Attribute) bool { return a.Path[0] == "meta" }

// compareTime compares with a time of any fraction and zone. What a literal holds beyond the precision of stored times decides
// between the operators.
func compareTime(c desk.Compare, literal any) (parsed, error) {
	text, _ := literal.(string)
	t, err := desk.ParseTime(text)
	if err != nil && !isMeta(c.Attr) {
		t, err = time.Parse(time.DateOnly, text)
	}
	if err != nil || c.Op == desk.Contains || c.Op == desk.Starts || c.Op == desk.Ends {
		return parsed{}, invalidFilter("%s is a time; compare it with one such as \"2026-01-31T12:00:00Z\" by eq, ne, gt, ge, lt or le", c.Attr)
	}
	t = t.UTC()
	precision := time.Second
	if isMeta(c.Attr) {
		precision = time.Microsecond
	}
	whole := t.Truncate(precision)
	c.Value = whole
	if t.Equal(whole) {
		return parsed{filter: c}, nil
	}
	switch c.Op {
	case desk.GreaterE:
		c.Op = desk.Greater
	case desk.Less:
		c.Op = desk.LessE
	case desk.Eq, desk.Ne: // no stored time is equal
		never := desk.And{Left: desk.Compare{Attr: c.Attr, Op: desk.Less, Value: whole}, Right: desk.Compare{Attr: c.Attr, Op: desk.Greater, Value: whole}}
		if c.Op == desk.Ne {
			return parsed{filter: desk.Not{Filter: never}}, nil
		}
		return parsed{filter: never}, nil
	}
	return parsed{filter: c}, nil
}

func invalidFilter(format string, args ...any) error {
	return desk.Errorf(desk.InvalidFilter, "filter", format, args...)
}
