package scim

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"rollcall/desk"
)

// maxDepth is how deep a body may nest. No SCIM user needs more than six levels; databases refuse thousands.
const maxDepth = 32

// decodeObject reads a body that holds one JSON object.
func decodeObject(body []byte) (map[string]any, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body is not JSON")
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body holds more than one JSON value")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body must be a JSON object")
	}
	// The decoder puts U+FFFD where an escape names half of a character. Equal as it is for all of them, it must not become
	// part of a name.
	broken := !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
	walk := checker{broken: broken}
	if err := walk.check(v, maxDepth); err != nil {
		return nil, err
	}
	if walk.names != desk.CountNames(body) {
		return object, desk.CheckNames(body) // which says what was given twice
	}
	return object, nil
}

// checker walks a decoded value for what cannot be stored: nesting beyond depth, NUL characters and, if broken is set, U+FFFD. It counts names.
type checker struct {
	broken bool
	names  int
}

func (c *checker) check(v any, depth int) error {
	if depth < 0 {
		return desk.Errorf(desk.InvalidSyntax, "", "the body nests more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return checkText(v, c.broken)
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return desk.Errorf(desk.InvalidValue, "", "the body holds a number that is too large")
		}
	case []any:
		for _, e := range v {
			if err := c.check(e, depth-1); err != nil {
				return err
			}
		}
	case map[string]any:
		c.names += len(v)
		for name, e := range v {
			if err := checkText(name, c.broken); err != nil {
				return err
			}
			if err := c.check(e, depth-1); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkText(s string, broken bool) error {
	if strings.ContainsRune(s, 0) {
		return desk.Errorf(desk.InvalidValue, "", "text with a NUL character cannot be stored")
	}
	if broken && strings.ContainsRune(s, utf8.RuneError) {
		return desk.Errorf(desk.InvalidSyntax, "", `the body holds half of a character, such as \ud800 without the other half`)
	}
	return nil
}
