package desk

import (
	"encoding/json"
	"time"
)

// Settings are what an administrator decides about a connection. What is not decided is as in [DefaultSettings].
type Settings struct {
	// Apply says which changes of the directory contacts follow. The directory is told of success all the same, and its user
	// holds what it sent.
	Apply Apply `json:"apply"`
	// Mapping says what of a user becomes what of a contact, and Scope whom the helpdesk wants.
	Mapping Mapping `json:"mapping"`
	Scope   Scope   `json:"scope"`
	// OutOfScope says what becomes of somebody new who is out of scope.
	OutOfScope OutOfScope `json:"outOfScope"`
	// CreateCompanies says that a company name which no company has makes one.
	CreateCompanies bool `json:"createCompanies"`
	// Adopt says what becomes of a user who is a contact that the helpdesk had already.
	Adopt Adopt `json:"adopt"`
	// UpdateExisting says that contacts which were there before the directory adopted them get its values.
	UpdateExisting bool `json:"updateExisting"`
	// KeepNames leaves the displayName of such contacts as it is.
	KeepNames bool `json:"keepNames"`
	// Guard pauses the connection when it deactivates many within an hour.
	Guard Guard `json:"guard"`
}

// Apply switches kinds of changes on and off.
type Apply struct {
	Create     bool `json:"create"`     // new contacts
	Update     bool `json:"update"`     // fields of contacts
	Deactivate bool `json:"deactivate"` // soft-deleting those who become inactive, and restoring those who come back
	Delete     bool `json:"delete"`     // soft-deleting those whose user is deleted
}

// Adopt is what becomes of a user who matches a contact that has none on the connection.
type Adopt string

const (
	AdoptMatch  Adopt = "adopt"  // the contact is the user's
	AdoptRefuse Adopt = "refuse" // the user is refused with 409
	AdoptAsk    Adopt = "ask"    // the user is held until an agent says whether they are one
)

// OutOfScope is what becomes of somebody new who is out of a connection's scope.
type OutOfScope string

const (
	OutOfScopeSkip   OutOfScope = "skip"   // the directory is told of success, the user is held
	OutOfScopeRefuse OutOfScope = "refuse" // the user is refused with 403
)

// Guard is how many deactivations within an hour are let through: the greater of Percent and AtLeast. The next one pauses the
// connection. Contacts younger than Grace do not count, so that one can try a directory out, and take a first import back.
type Guard struct {
	Percent int `json:"percent"` // of the connection's users; 0 for no guard
	AtLeast int `json:"atLeast"`
	Grace   int `json:"graceMinutes"`
}

// DefaultSettings are those of a new connection.
func DefaultSettings() Settings {
	return Settings{
		Apply:      Apply{Create: true, Update: true, Deactivate: true, Delete: true},
		OutOfScope: OutOfScopeSkip, Adopt: AdoptMatch, UpdateExisting: true, Guard: Guard{Percent: 20, AtLeast: 10, Grace: 60},
	}
}

// UnmarshalJSON reads stored settings: those that were stored before there was a setting have its default.
func (s *Settings) UnmarshalJSON(text []byte) error {
	*s = DefaultSettings()
	type plain Settings
	return json.Unmarshal(text, (*plain)(s))
}

// Check returns an InvalidValue error unless the settings make sense. Mapping and scope have checks of their own.
func (s Settings) Check() error {
	switch {
	case s.OutOfScope != OutOfScopeSkip && s.OutOfScope != OutOfScopeRefuse:
		return Errorf(InvalidValue, "settings.outOfScope", "outOfScope is skip or refuse")
	case s.Adopt != AdoptMatch && s.Adopt != AdoptRefuse && s.Adopt != AdoptAsk:
		return Errorf(InvalidValue, "settings.adopt", "adopt is adopt, refuse or ask")
	case s.Guard.Percent < 0 || s.Guard.Percent > 100:
		return Errorf(InvalidValue, "settings.guard.percent", "the guard's percent is 0 (no guard) to 100")
	case s.Guard.AtLeast < 0 || s.Guard.AtLeast > 1_000_000:
		return Errorf(InvalidValue, "settings.guard.atLeast", "the guard lets through 0 to 1000000 at least")
	case s.Guard.Grace < 0 || s.Guard.Grace > 10_000:
		return Errorf(InvalidValue, "settings.guard.graceMinutes", "the guard's graceMinutes are 0 to 10000")
	}
	return nil
}

// Reapply is a change of a connection's mapping or scope that is being applied to the people whom it has already.
type Reapply struct {
	TenantID   string   `gorm:"primaryKey"`
	Connection string   `gorm:"primaryKey"`
	Before     Settings `gorm:"serializer:json"` // that applied until then
	AfterID    string   // the user up to whom it has been done
	Checked    int      // people
	Changed    int
	StartedAt  time.Time
}
