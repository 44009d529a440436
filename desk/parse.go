package desk

import (
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// ParseJSON reads the value at the beginning of a JSON text as encoding/json reads it into an any, with numbers as json.Number, and
// returns what comes after it. twice says that an object in it has a name twice, of which the last counts. Text that stands for itself
// shares the memory of the whole, which makes this several times as fast.
func ParseJSON(text string) (v any, rest string, twice bool, err error) {
	p := jsonText{text: text}
	if v, err = p.value(0); err != nil {
		return nil, "", false, err
	}
	return v, text[p.at:], p.twice, nil
}

type jsonText struct {
	text  string
	at    int
	twice bool
}

var errNoJSON = errors.New("not JSON")

// next skips white space and returns the byte after it, 0 at the end.
func (p *jsonText) next() byte {
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

func (p *jsonText) value(depth int) (any, error) {
	c := p.next()
	if (c == '{' || c == '[') && depth == maxNesting {
		return nil, errNoJSON
	}
	switch {
	case c == '{':
		return p.object(depth + 1)
	case c == '[':
		return p.list(depth + 1)
	case c == '"':
		return p.string()
	case c == '-' || isDigit(c):
		return p.number()
	case p.word("true"):
		return true, nil
	case p.word("false"):
		return false, nil
	case p.word("null"):
		return nil, nil
	}
	return nil, errNoJSON
}

func (p *jsonText) word(w string) bool {
	found := strings.HasPrefix(p.text[p.at:], w)
	if found {
		p.at += len(w)
	}
	return found
}

func (p *jsonText) object(depth int) (map[string]any, error) {
	object := map[string]any{}
	p.at++
	if p.next() == '}' {
		p.at++
		return object, nil
	}
	for n := 1; ; n++ {
		if p.next() != '"' {
			return nil, errNoJSON
		}
		name, err := p.string()
		if err != nil || p.next() != ':' {
			return nil, errNoJSON
		}
		p.at++
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		object[name] = v
		c := p.next()
		p.at++
		switch c {
		case '}':
			p.twice = p.twice || len(object) < n
			return object, nil
		case ',':
		default:
			return nil, errNoJSON
		}
	}
}

func (p *jsonText) list(depth int) ([]any, error) {
	p.at++
	if p.next() == ']' {
		p.at++
		return []any{}, nil
	}
	list := make([]any, 0, 2) // as many as most have
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		c := p.next()
		p.at++
		switch c {
		case ']':
			return list, nil
		case ',':
		default:
			return nil, errNoJSON
		}
	}
}

// string leaves to encoding/json what does not stand for itself.
func (p *jsonText) string() (string, error) {
	start := p.at
	plain := true
	for p.at++; p.at < len(p.text); {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			if !plain {
				return unquote(p.text[start:p.at])
			}
			return p.text[start+1 : p.at-1], nil
		case c == '\\':
			plain = false
			p.at += 2
		case c < ' ':
			return "", errNoJSON
		case c < utf8.RuneSelf:
			p.at++
		default:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			plain = plain && (r != utf8.RuneError || size > 1)
			p.at += size
		}
	}
	return "", errNoJSON
}

func unquote(quoted string) (s string, err error) {
	err = json.Unmarshal([]byte(quoted), &s)
	return s, err
}

func (p *jsonText) number() (json.Number, error) {
	start := p.at
	if p.text[p.at] == '-' {
		p.at++
	}
	whole := p.at
	ok := p.digits()
	if ok && p.text[whole] == '0' {
		p.at = whole + 1 // nothing follows a zero
	}
	if p.one(".") {
		ok = p.digits() && ok
	}
	if p.one("eE") {
		p.one("+-")
		ok = p.digits() && ok
	}
	if !ok {
		return "", errNoJSON
	}
	return json.Number(p.text[start:p.at]), nil
}

// one skips one of some bytes, if it comes next.
func (p *jsonText) one(of string) bool {
	found := p.at < len(p.text) && strings.IndexByte(of, p.text[p.at]) >= 0
	if found {
		p.at++
	}
	return found
}

// digits skips digits, and reports whether there are any.
func (p *jsonText) digits() bool {
	start := p.at
	for p.at < len(p.text) && isDigit(p.text[p.at]) {
		p.at++
	}
	return p.at > start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
