package portal

import (
	"errors"

	"rollcall/desk"
)

// fault is what is wrong with a form, to be shown at the field. Pages embed it.
type fault struct {
	field, text string
	Doubtful    bool // a domain is refused that a company can list, if who asks for it insists
}

// At returns what is wrong with a field, "" for nothing.
func (f fault) At(field string) string {
	if f.field == field {
		return f.text
	}
	return ""
}

// Unfit says why a list cannot be shown as its address asks for it, "" where it can.
func (f fault) Unfit() string { return f.text }

func faultOf(err error) fault {
	e := desk.AsError(err)
	return fault{e.Field, e.Msg, errors.Is(err, errDoubtful)}
}
