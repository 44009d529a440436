package mapping

import (
	"strings"
	"unicode/utf8"

	"rollcall/desk"
)

// source is one of the places from which a rule takes its value.
type source struct {
	text     string // as the administrator wrote it
	path     *path
	constant any // of the target's type
	expr     *expression
}

const (
	constPrefix = "const:"
	exprPrefix  = "expr:"
)

// maxSource is how long a rule's source may be, in bytes.
const maxSource = 2000

// piece is a part of a source, without blanks around it.
type piece struct {
	text string
	at   int // in bytes
}

// split cuts a source at each | that stands outside brackets and quotes. A constant or an expression is all that follows, and
// may hold a | of its own.
func split(text string) []piece {
	var pieces []piece
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], blanks))
		rest := text[at:]
		end := len(rest)
		if !hasPrefix(rest, constPrefix) && !hasPrefix(rest, exprPrefix) {
			end = cut(rest)
		}
		pieces = append(pieces, piece{strings.TrimRight(rest[:end], blanks), at})
		if end == len(rest) {
			return pieces
		}
		at += end + 1
	}
}

const blanks = " \t\r\n"

func hasPrefix(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// cut returns where the first | outside brackets and quotes is; the length of the text if there is none.
func cut(text string) int {
	bracket, quoted := false, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = bracket && !quoted
		case quoted:
		case c == '[' || c == ']':
			bracket = c == '['
		case c == '|' && !bracket:
			return i
		}
	}
	return len(text)
}

// sources reads a rule's source.
func (c *compiler) sources(text string, t target) []source {
	if len(text) > maxSource || !desk.Storable(text) {
		c.fail("source", 0, "the source is longer than %d bytes, or holds characters that no text can", maxSource)
		return nil
	}
	var list []source
	for _, p := range split(text) {
		column := func(at int) int { return utf8.RuneCountInString(text[:p.at+at]) + 1 }
		s := source{text: p.text}
		switch {
		case p.text == "":
			c.fail("source", column(0), "the source is missing; write a path such as title, or const:VALUE")
		case hasPrefix(p.text, constPrefix):
			s.constant = c.constant(strings.TrimSpace(p.text[len(constPrefix):]), t, column(len(constPrefix)))
		case hasPrefix(p.text, exprPrefix):
			s.expr = c.expression(p.text[len(exprPrefix):], t, func(at int) int { return column(len(exprPrefix) + at) })
		default:
			s.path = c.path(p.text, t, column)
		}
		list = append(list, s)
	}
	return list
}

// constant returns a constant as its target holds it.
func (c *compiler) constant(text string, t target, column int) any {
	why := t.refusesConstants()
	var v any = text
	switch {
	case why != "":
	case text == "":
		why = "the constant is empty"
	case t.kind == companyName && desk.TooLongForKey(text):
		why = "the constant is too long"
	case t.kind == active:
		b, ok := boolean(text)
		if v = b; !ok {
			why = "active must be true or false, or yes, no, on, off, 1, 0, enabled or disabled"
		}
	case t.kind == field:
		var err error
		if v, err = coerce(t.field, text); err != nil {
			why = desk.AsError(err).Msg
		}
	}
	if why != "" {
		c.fail("source", column, "%s", why)
	}
	return v
}

// path reads a path, and checks it against its target as far as the schema tells.
func (c *compiler) path(text string, t target, column func(int) int) *path {
	if t.kind == allFields {
		if !strings.EqualFold(text, desk.FieldsURN) {
			c.fail("source", column(0), "the target fields takes %s and nothing else; write fields.NAME for one custom field", desk.FieldsURN)
		}
		return &path{}
	}
	p, err := parsePath(c.schema, text)
	if err != nil {
		c.fail("source", column(err.at), "%s", err.msg)
		return &p
	}
	switch {
	case p.kind == "complex":
		c.fail("source", column(0), "%s has several parts; name one, such as %s", text, p.hint)
	case t.kind == unknown:
	case p.kind == "boolean" && t.kind != active && !(t.kind == field && t.field.Type == desk.FieldBoolean):
		c.fail("source", column(0), "%s is true or false, which %s cannot be", text, t.name)
	case t.kind == active && p.kind != "boolean" && p.kind != "string" && p.kind != "":
		c.fail("source", column(0), "%s is neither a boolean nor text, which active must be", text)
	}
	return &p
}
