package desk

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// FieldType is what a custom field holds.
type FieldType string

const (
	FieldText    FieldType = "text"
	FieldNumber  FieldType = "number"
	FieldDate    FieldType = "date"
	FieldBoolean FieldType = "boolean"
	FieldChoice  FieldType = "choice"
)

// FieldTypes lists every FieldType.
var FieldTypes = []FieldType{FieldText, FieldNumber, FieldDate, FieldBoolean, FieldChoice}

// Field is a tenant's own field of people. Directories see it as an attribute of the extension [FieldsURN].
type Field struct {
	Name     string    `json:"name"` // unique in the tenant without regard to case
	Type     FieldType `json:"type"`
	Required bool      `json:"required,omitempty"`
	Multiple bool      `json:"multiple,omitempty"` // a person may have several values; not for FieldBoolean
	Choices  []string  `json:"choices,omitempty"`  // only for FieldChoice
}

// EnterpriseURN names the enterprise extension (RFC 7643 section 4.3).
const EnterpriseURN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// FieldsURN names the SCIM extension that holds the custom fields, in the form that Entra asks for.
const FieldsURN = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"

// MaxFields is how many custom fields a tenant may have.
const MaxFields = 100

// MaxValues is how many values a field may have of one person.
const MaxValues = 100

// MaxChoices is how many choices a field may have. They are read with each request of a directory.
const MaxChoices = 500

var fieldPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// Check returns an InvalidValue error unless the field makes sense.
func (f Field) Check() error {
	switch {
	case !fieldPattern.MatchString(f.Name):
		return Errorf(InvalidValue, "name", "a field's name is up to 40 letters, digits and underscores, and begins with a letter")
	case slices.Contains([]string{"id", "meta", "schemas", "password", "groups"}, Fold(f.Name)):
		return Errorf(InvalidValue, "name", "%s means something else in every directory; choose another name", f.Name)
	case !slices.Contains(FieldTypes, f.Type):
		return Errorf(InvalidValue, "type", "a field is text, number, date, boolean or choice")
	case f.Multiple && f.Type == FieldBoolean:
		return Errorf(InvalidValue, "multiple", "a boolean has one value; only text, numbers, dates and choices can be several")
	case (f.Type == FieldChoice) != (len(f.Choices) > 0):
		return Errorf(InvalidValue, "choices", "a choice has choices, other fields have none")
	case len(f.Choices) > MaxChoices:
		return Errorf(InvalidValue, "choices", "a field has up to %d choices", MaxChoices)
	}
	for i, c := range f.Choices {
		again := func(other string) bool { return Fold(other) == Fold(c) }
		if strings.TrimSpace(c) != c || c == "" || len(c) > 200 || strings.ContainsFunc(c, unicode.IsControl) || slices.ContainsFunc(f.Choices[:i], again) {
			return Errorf(InvalidValue, "choices", "choices are different texts of up to 200 bytes, without control characters, and without blanks at their ends")
		}
	}
	return nil
}

// Coerce returns a value as the field holds it, nil for none. A field with several values holds a []any of what CoerceOne
// returns, each value once without regard to case; for it, a single value stands for a list of one. What does not fit is
// InvalidValue.
func (f Field) Coerce(v any) (any, error) {
	if !f.Multiple {
		return f.CoerceOne(v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var values []any
	seen := map[any]bool{}
	for _, e := range list {
		one, err := f.CoerceOne(e)
		if err != nil {
			return nil, err
		}
		key := one
		if text, ok := one.(string); ok {
			key = Fold(text)
		}
		if one != nil && !seen[key] {
			seen[key] = true
			values = append(values, one)
		}
	}
	switch {
	case values == nil:
		return nil, nil
	case len(values) > MaxValues:
		return nil, Errorf(InvalidValue, f.Name, "%s may have up to %d values", f.Name, MaxValues)
	}
	return values, nil
}

// CoerceOne returns one value as the field holds it: text, a json.Number that a float64 holds exactly, a date as an RFC 3339
// time in UTC to the second, a boolean, or a choice as it was declared; nil for null and "". Text of the right form is taken
// for numbers and booleans, numbers for text, days for times. What does not fit is InvalidValue.
func (f Field) CoerceOne(v any) (any, error) {
	var text string
	switch t := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if f.Type == FieldBoolean {
			return t, nil
		}
		return nil, f.invalid()
	case json.Number:
		text = t.String()
	case float64:
		number, err := json.Marshal(t)
		if err != nil {
			return nil, f.invalid()
		}
		text = string(number)
	case string:
		text = t
	default:
		return nil, f.invalid()
	}
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return nil, nil
	}
	switch f.Type {
	case FieldNumber:
		n, err := strconv.ParseFloat(trimmed, 64)
		number, notFinite := json.Marshal(n)
		if err == nil && notFinite == nil {
			return json.Number(number), nil
		}
	case FieldDate:
		t, err := ParseTime(trimmed)
		if err != nil {
			t, err = time.Parse(time.DateOnly, trimmed)
		}
		if t = t.UTC().Truncate(time.Second); err == nil && t.Year() >= 0 && t.Year() <= 9999 {
			return t.Format(time.RFC3339), nil
		}
	case FieldBoolean:
		switch strings.ToLower(trimmed) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	case FieldChoice:
		for _, c := range f.Choices {
			if Fold(c) == Fold(trimmed) {
				return c, nil
			}
		}
	default:
		return text, nil
	}
	return nil, f.invalid()
}

func (f Field) invalid() error {
	want := map[FieldType]string{
		FieldText: "text", FieldNumber: "a number", FieldDate: "a date such as 2026-01-31", FieldBoolean: "true or false", FieldChoice: "one of " + strings.Join(f.Choices, ", "),
	}[f.Type]
	if len(want) > 200 {
		want = "one of its choices"
	}
	if f.Multiple {
		return Errorf(InvalidValue, f.Name, "each value of %s must be %s", f.Name, want)
	}
	return Errorf(InvalidValue, f.Name, "%s must be %s", f.Name, want)
}

// ParseTime reads a time, with a zone or, as xsd:dateTime allows, without.
func ParseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", text)
	}
	return t, err
}
