package scim

import (
	"bytes"
	"encoding/json"
	"io"

	"rollcall/desk"
)

// maxDepth is how deep a body may nest. No SCIM user needs more than six levels; databases refuse thousands.
const maxDepth = 32

// decodeObject reads a body that holds one JSON object.
func decodeObject(body []byte) (map[string]any, error) {
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
	if deeper(v, maxDepth) {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body nests more than %d deep", maxDepth)
	}
	return object, nil
}

// deeper reports whether a value nests more than n deep.
func deeper(v any, n int) bool {
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if n == 0 || deeper(e, n-1) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if n == 0 || deeper(e, n-1) {
				return true
			}
		}
	}
	return false
}
