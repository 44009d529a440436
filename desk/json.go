package desk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends a value as compact JSON with sorted keys, as encoding/json writes it when it leaves HTML alone, and five times as fast.
func AppendJSON(b []byte, v any) ([]byte, error) { return appendJSON(b, v, false) }

// appendJSON does so, with strings folded if fold is set; keys are not.
func appendJSON(b []byte, v any, fold bool) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		if fold {
			v = Fold(v)
		}
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v), nil
	case json.Number:
		if isNumber(v) {
			return append(b, v...), nil
		}
	case Resource:
		return appendObject(b, v, fold)
	case map[string]any:
		return appendObject(b, v, fold)
	case []any:
		if v == nil {
			return append(b, "null"...), nil
		}
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			var err error
			if b, err = appendJSON(b, e, fold); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case []Address:
		if v != nil {
			return appendAddresses(b, v)
		}
	}
	return appendOther(b, v)
}

// appendAddresses appends addresses as their tags say.
func appendAddresses(b []byte, list []Address) (_ []byte, err error) {
	b = append(b, '[')
	for i, a := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		if a.Type != "" {
			b = append(b, `"type":`...)
			if b, err = appendString(b, a.Type); err != nil {
				return nil, err
			}
			b = append(b, ',')
		}
		b = append(b, `"value":`...)
		if b, err = appendString(b, a.Value); err != nil {
			return nil, err
		}
		if a.Primary {
			b = append(b, `,"primary":true`...)
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

// appendOther leaves what is rare to encoding/json.
func appendOther(b []byte, v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("encode JSON: %w", err)
	}
	return append(b, bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))...), nil
}

func appendObject(b []byte, object map[string]any, fold bool) ([]byte, error) {
	if object == nil {
		return append(b, "null"...), nil
	}
	var few [16]string
	keys := few[:0]
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, key := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendString(b, key); err != nil {
			return nil, err
		}
		b = append(b, ':')
		if b, err = appendJSON(b, object[key], fold); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

// appendString copies text that stands for itself.
func appendString(b []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c < ' ' || c == '"' || c == '\\' || c == 0x7f {
				return appendOther(b, s)
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError || r == '\u2028' || r == '\u2029' {
			return appendOther(b, s)
		}
		i += size
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}

// isNumber reports whether a number is one of digits alone; encoding/json checks others.
func isNumber(n json.Number) bool {
	if n == "" || n[0] == '0' && len(n) > 1 {
		return false
	}
	for i := range len(n) {
		if n[i] < '0' || n[i] > '9' {
			return false
		}
	}
	return true
}

// sameJSON reports whether two values are equal as JSON text: numbers by their digits.
func sameJSON(a, b any) bool {
	if isNull(a) || isNull(b) {
		return isNull(a) && isNull(b)
	}
	switch a := a.(type) {
	case string:
		other, ok := b.(string)
		return ok && a == other
	case bool:
		other, ok := b.(bool)
		return ok && a == other
	}
	switch a := a.(type) {
	case []any:
		if b, ok := b.([]any); ok {
			return slices.EqualFunc(a, b, sameJSON)
		}
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			return maps.EqualFunc(a, b, sameJSON)
		}
	}
	x, errX := appendJSON(nil, a, false)
	y, errY := appendJSON(nil, b, false)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// isNull reports whether a value is written as null.
func isNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Resource:
		return v == nil
	case map[string]any:
		return v == nil
	case []any:
		return v == nil
	}
	return false
}

// AppendChanges appends changes as JSON, as their tags say.
func AppendChanges(b []byte, list []Change) ([]byte, error) {
	if list == nil {
		return append(b, "null"...), nil
	}
	size := 256
	for _, c := range list {
		size += len(`{"field":"","from":,"to":},`) + len(c.Field) + sizeOf(c.From) + sizeOf(c.To)
	}
	b = append(slices.Grow(b, size), '[')
	for i, c := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"field":`...)
		var err error
		if b, err = appendString(b, c.Field); err != nil {
			return nil, err
		}
		b = append(b, `,"from":`...)
		if b, err = appendJSON(b, c.From, false); err != nil {
			return nil, err
		}
		b = append(b, `,"to":`...)
		if b, err = appendJSON(b, c.To, false); err != nil {
			return nil, err
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}
