package scim

import (
	"bytes"
	"encoding/json"
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
	v, rest, twice, err := desk.ParseJSON(string(body))
	if err != nil {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body is not JSON")
	}
	if strings.Trim(rest, " \t\r\n") != "" {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body holds more than one JSON value")
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body must be a JSON object")
	}
	// U+FFFD stands where an escape names half of a character. Equal as it is for all of them, it must not become part of a name.
	broken := bytes.Contains(body, []byte(`\u`)) && !bytes.ContainsRune(body, utf8.RuneError) && !bytes.Contains(bytes.ToLower(body), []byte(`\ufffd`))
	if err := check(v, maxDepth, broken); err != nil {
		return nil, err
	}
	if twice {
		return object, desk.CheckNames(body) // which says what was given twice
	}
	return object, nil
}

// check walks a decoded value for what cannot be stored: nesting beyond depth, NUL characters and, if broken is set, U+FFFD.
func check(v any, depth int, broken bool) error {
	if depth < 0 {
		return desk.Errorf(desk.InvalidSyntax, "", "the body nests more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return checkText(v, broken)
	case json.Number:
		if _, err := v.Float64(); err != nil {
			return desk.Errorf(desk.InvalidValue, "", "the body holds a number that is too large")
		}
	case []any:
		for _, e := range v {
			if err := check(e, depth-1, broken); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, e := range v {
			if err := checkText(name, broken); err != nil {
				return err
			}
			if err := check(e, depth-1, broken); err != nil {
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
