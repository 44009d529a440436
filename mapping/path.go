package mapping

import (
	"cmp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/schema"
)

// path leads from a user to values of one attribute.
type path struct {
	steps []step
	whole []step // those that lead to what the value is the value of: an address with its label
	kind  string // of the attribute, as RFC 7643 section 2.3 calls it: "string", "boolean", "complex", …; "" if no schema knows it
	exact bool   // whether the attribute's text compares with regard to case
	hint  string // of a complex attribute without a value, a path to one of its parts
}

// step leads to a member, and to some of its elements if that has several.
type step struct {
	name  string // as resources have it, or in lower case where no schema knows it
	loose bool   // no schema knows it: it may be there in any case

	index  int // of the one element, -1 for all
	filter desk.Filter
}

// syntaxError is what is wrong with a source, and where.
type syntaxError struct {
	at  int // in bytes
	msg string
}

// notSources are attributes of the protocol or the server, of which nothing can be made.
var notSources = map[string]string{
	"id": "is Rollcall's own", "meta": "is Rollcall's own", "schemas": "says nothing about the person", "password": "is never kept",
}

// maxIndex is the highest index of an element.
const maxIndex = 9999

// parsePath reads a path such as title, name.givenName, organizations[0].title, emails[type eq "work"].value or
// urn:…:User:department, with names in any case.
func parsePath(s *schema.Schema, text string) (path, *syntaxError) {
	p := parser{schema: s, text: text}
	if err := p.read(); err != nil {
		return path{}, err
	}
	if p.whole == nil {
		p.whole = p.steps
	}
	return p.path, nil
}

type parser struct {
	schema *schema.Schema
	text   string
	at     int
	urn    string // before the first name, "" for none
	path
}

func (p *parser) fail(at int, msg string) *syntaxError { return &syntaxError{at, msg} }

func (p *parser) read() *syntaxError {
	if err := p.readURN(); err != nil {
		return err
	}
	name, err := p.name()
	if err != nil {
		return err
	}
	if why := notSources[strings.ToLower(name)]; why != "" && p.urn == "" {
		return p.fail(p.at-len(name), name+" "+why+"; choose another attribute")
	}
	if p.urn != "" && p.urn != desk.FieldsURN && p.schema.Extension(p.urn) == nil {
		p.add(p.urn, true)
		return p.readUnknown(name)
	}
	ref, known := p.schema.Resolve(cmp.Or(p.urn, schema.CoreURN) + ":" + name)
	if urn := cmp.Or(p.urn, ref.URN); urn != "" {
		p.add(urn, false)
	}
	switch {
	case known:
		return p.readKnown(ref.Attr)
	case p.urn == desk.FieldsURN:
		return p.fail(p.at-len(name), "there is no custom field "+name)
	}
	return p.readUnknown(name)
}

// readURN reads the URN that a path begins with.
func (p *parser) readURN() *syntaxError {
	head, _, _ := strings.Cut(p.text, "[")
	if len(head) < 4 || !strings.EqualFold(head[:4], "urn:") {
		return nil
	}
	urn, rest := p.schema.SplitURN(head)
	if fields := len(desk.FieldsURN); urn == "" && len(head) >= fields && strings.EqualFold(head[:fields], desk.FieldsURN) {
		urn, rest = desk.FieldsURN, strings.TrimPrefix(head[fields:], ":") // no schema knows it as long as there are no fields
	}
	if urn == "" {
		// Most URNs of extensions end in User; of others, the attribute is what follows the last colon.
		end := strings.LastIndexByte(head, ':')
		if user := strings.Index(asciiLower(head), ":user:"); user >= 0 {
			end = user + len(":user")
		}
		if urn, rest = head[:end], head[end+1:]; !schema.IsURN(urn) {
			return p.fail(0, "this is no URN with an attribute behind it")
		}
	}
	if rest == "" {
		return p.fail(len(head), "this is a schema as a whole; name one of its attributes, with a colon before it")
	}
	p.at = len(head) - len(rest)
	if urn != schema.CoreURN {
		p.urn = urn
	}
	return nil
}

// asciiLower folds ASCII letters alone, so that indexes into the result are indexes into s.
func asciiLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

func (p *parser) add(name string, loose bool) *step {
	if loose {
		name = strings.ToLower(name)
	}
	p.steps = append(p.steps, step{name: name, loose: loose, index: -1})
	return &p.steps[len(p.steps)-1]
}

// name reads the name of an attribute.
func (p *parser) name() (string, *syntaxError) {
	start := p.at
	for p.at < len(p.text) {
		c, size := utf8.DecodeRuneInString(p.text[p.at:])
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("$-_", c) {
			break
		}
		p.at += size
	}
	if start == p.at {
		return "", p.fail(p.at, "the name of an attribute is missing")
	}
	return p.text[start:p.at], nil
}

// readKnown reads what follows the name of an attribute that the schema knows.
func (p *parser) readKnown(a *schema.Attribute) *syntaxError {
	at := p.at
	s := p.add(a.Name, false)
	if err := p.selection(s, a); err != nil {
		return err
	}
	if !a.Multi && p.at > at {
		return p.fail(at, a.Name+" has one value; leave out the brackets")
	}
	p.kind, p.exact = a.Kind, a.CaseExact
	if p.at == len(p.text) {
		value := a.Subs["value"]
		switch {
		case value != nil: // for which a complex attribute stands (RFC 7644 section 3.4.2.2)
			p.whole = p.steps[:len(p.steps):len(p.steps)]
			p.add(value.Name, false)
			p.kind, p.exact = value.Kind, value.CaseExact
		case a.Kind == "complex":
			p.hint = a.Name + "." + anyOf(a.Subs)
		}
		return nil
	}
	name, err := p.sub()
	if err != nil {
		return err
	}
	if a.Subs == nil {
		return p.fail(p.at-len(name), a.Name+" has no parts; leave out ."+name)
	}
	sub := a.Subs[strings.ToLower(name)]
	if sub == nil {
		return p.readUnknown(name)
	}
	p.add(sub.Name, false)
	p.kind, p.exact = sub.Kind, sub.CaseExact
	if p.at < len(p.text) {
		return p.fail(p.at, sub.Path+" has no parts; the path must end here")
	}
	return nil
}

// anyOf names one part of a complex attribute, the same one each time.
func anyOf(subs map[string]*schema.Attribute) string {
	least := ""
	for _, sub := range subs {
		if least == "" || sub.Name < least {
			least = sub.Name
		}
	}
	return least
}

// readUnknown reads what follows the name of an attribute that no schema knows: of such, directories may send anything.
func (p *parser) readUnknown(name string) *syntaxError {
	for {
		if err := p.selection(p.add(name, true), nil); err != nil {
			return err
		}
		p.kind, p.exact = "", false
		if p.at == len(p.text) {
			return nil
		}
		var err *syntaxError
		if name, err = p.sub(); err != nil {
			return err
		}
	}
}

// sub reads a dot and the name behind it.
func (p *parser) sub() (string, *syntaxError) {
	if p.text[p.at] != '.' {
		c, _ := utf8.DecodeRuneInString(p.text[p.at:])
		return "", p.fail(p.at, "unexpected "+strconv.QuoteRune(c))
	}
	p.at++
	return p.name()
}

// selection reads [0] or [type eq "work"], if that is there. a is nil for an attribute that no schema knows.
func (p *parser) selection(s *step, a *schema.Attribute) *syntaxError {
	if p.at == len(p.text) || p.text[p.at] != '[' {
		return nil
	}
	inner, rest, ok := schema.CutBracket(p.text[p.at+1:])
	if !ok {
		return p.fail(p.at, "the bracket is not closed")
	}
	at := p.at + 1
	p.at = len(p.text) - len(rest)
	inner = strings.TrimSpace(inner)
	if strings.Trim(inner, "0123456789") == "" {
		n, err := strconv.Atoi(inner)
		if err != nil || n > maxIndex {
			return p.fail(at, "an index is a number from 0 to "+strconv.Itoa(maxIndex))
		}
		s.index = n
		return nil
	}
	var err error
	switch {
	case a == nil:
		s.filter, err = schema.ParseLooseFilter(inner)
	case a.Subs == nil && !a.Multi:
		return p.fail(at, a.Name+" has no parts to filter by; give an index such as [0]")
	default:
		var f schema.Parsed
		f, err = a.ParseValueFilter(inner)
		s.filter = f.Filter
	}
	if err != nil {
		return p.fail(at, desk.AsError(err).Msg)
	}
	return nil
}

// takes reports whether the step leads to an element of a list.
func (s *step) takes(i int, element any) bool {
	switch {
	case s.index >= 0:
		return s.index == i
	case s.filter == nil:
		return true
	}
	if !s.loose {
		return desk.MatchElement(s.filter, element)
	}
	m, ok := element.(map[string]any)
	lower := make(map[string]any, len(m))
	for name, v := range m {
		lower[strings.ToLower(name)] = v
	}
	return ok && desk.Match(s.filter, lower)
}

// member returns what the step finds in an object, nil for nothing.
func (s *step) member(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	if found, ok := m[s.name]; ok || !s.loose {
		return found
	}
	for name, found := range m {
		if strings.EqualFold(name, s.name) {
			return found
		}
	}
	return nil
}

// first returns the value at the path, nil for none: of several, that of the primary element, else the first that there is.
func (p *path) first(r desk.Resource) any { return first(map[string]any(r), p.steps) }

func first(v any, steps []step) any {
	for i := range steps {
		s := &steps[i]
		v = s.member(v)
		list, several := v.([]any)
		if !several {
			if s.index > 0 || s.filter != nil && !s.takes(0, v) {
				return nil
			}
			continue
		}
		var found any
		for k, e := range list {
			if !s.takes(k, e) {
				continue
			}
			if one := first(e, steps[i+1:]); one != nil {
				if m, _ := e.(map[string]any); m["primary"] == true {
					return one
				}
				if found == nil {
					found = one
				}
			}
		}
		return found
	}
	return plain(v)
}

// plain returns the value of an object that has one, as of an attribute that a schema knows.
func plain(v any) any {
	if m, ok := v.(map[string]any); ok && m["value"] != nil {
		return m["value"]
	}
	return v
}

// all calls yield with each value at the path, until it returns true, which all then returns.
func (p *path) all(r desk.Resource, yield func(any) bool) bool {
	return all(map[string]any(r), p.steps, func(v any) bool {
		if m, ok := v.(map[string]any); ok {
			v = m["value"]
		}
		return v != nil && yield(v)
	})
}

// all calls yield with each element that the steps lead to.
func all(v any, steps []step, yield func(any) bool) bool {
	for i := range steps {
		s := &steps[i]
		v = s.member(v)
		list, several := v.([]any)
		if !several {
			if s.index > 0 || s.filter != nil && !s.takes(0, v) {
				return false
			}
			continue
		}
		for k, e := range list {
			if s.takes(k, e) && all(e, steps[i+1:], yield) {
				return true
			}
		}
		return false
	}
	return v != nil && yield(v)
}
