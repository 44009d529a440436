package desk

import (
	"regexp"
	"slices"
	"strings"
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
	Choices  []string  `json:"choices,omitempty"` // only for FieldChoice
}

// FieldsURN names the SCIM extension that holds the custom fields, in the form that Entra asks for.
const FieldsURN = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"

// MaxFields is how many custom fields a tenant may have.
const MaxFields = 100

// MaxChoices is how many choices a field may have. They are read with each request of a directory.
const MaxChoices = 500

var fieldPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,39}$`)

// Check returns an InvalidValue error unless the field makes sense.
func (f Field) Check() error {
	switch {
	case !fieldPattern.MatchString(f.Name):
		return Errorf(InvalidValue, "name", "a field's name is up to 40 letters, digits and underscores, and begins with a letter")
	case !slices.Contains(FieldTypes, f.Type):
		return Errorf(InvalidValue, "type", "a field is text, number, date, boolean or choice")
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
