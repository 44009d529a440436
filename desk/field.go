package desk

import (
	"regexp"
	"slices"
	"strings"
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
	}
	for i, c := range f.Choices {
		again := func(other string) bool { return Fold(other) == Fold(c) }
		if strings.TrimSpace(c) != c || c == "" || len(c) > 200 || slices.ContainsFunc(f.Choices[:i], again) {
			return Errorf(InvalidValue, "choices", "choices are different texts of up to 200 bytes, without blanks at their ends")
		}
	}
	return nil
}
