package desk

import (
	"bytes"
	"encoding/json"
	"strings"
)

// maxNesting is how deep a text may nest, as encoding/json has it.
const maxNesting = 10_000

// CheckNames refuses a JSON text in which an object has a name twice, by InvalidSyntax: which value is meant cannot be known. What is no JSON
// is left to who reads it.
func CheckNames(text []byte) error {
	type level struct {
		names map[string]bool // nil in a list
		name  string          // whose value comes, "" before a name
		value bool
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // any is good
	var levels []level
	for {
		token, err := decoder.Token()
		if err != nil {
			return nil
		}
		top := len(levels) - 1
		switch {
		case token == json.Delim('}') || token == json.Delim(']'):
			levels = levels[:top]
			continue
		case top >= 0 && levels[top].names != nil && !levels[top].value:
			l, name := &levels[top], token.(string)
			if l.names[name] {
				var path []string
				for _, outer := range levels[:top] {
					if outer.names != nil {
						path = append(path, outer.name)
					}
				}
				field := Short(strings.Join(append(path, name), "."))
				return Errorf(InvalidSyntax, field, "%s is given twice", field)
			}
			l.names[name], l.name, l.value = true, name, true
			continue
		case top >= 0:
			levels[top].value = false
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{names: map[string]bool{}})
		case json.Delim('['):
			levels = append(levels, level{})
		}
		if len(levels) > maxNesting {
			return nil
		}
	}
}

// maxShown is how much of a name of the client's a message repeats, in bytes.
const maxShown = 200

// Short returns as much of a name as a message repeats.
func Short(name string) string {
	if len(name) <= maxShown {
		return name
	}
	return strings.ToValidUTF8(name[:maxShown], "") + "…"
}
