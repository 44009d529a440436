package desk

import (
	"encoding/json"
	"time"
)

// UserQuery asks for a page of a connection's users.
type UserQuery struct {
	Filter Filter    // nil for all
	Sort   *Sort     // nil for the order of creation, which is that of ids
	Offset int       // how many to pass over
	From   *Position // where to begin, instead of Offset
	Limit  int       // how many, at most
	Bytes  int       // the page ends with the user by whom it has so many bytes, however few they are; 0 for any number
	// Location is what stands before a user's id in meta.location.
	Location string
}

// Ends reports whether a page of these users has reached its limit: there may be more than it has.
func (q UserQuery) Ends(page []DirectoryUser) bool {
	if len(page) >= q.Limit {
		return true
	}
	n := 0
	for i := range page {
		n += page[i].Bytes()
	}
	return q.Bytes > 0 && n >= q.Bytes
}

// Sort is an order of users: by an attribute, and by id where that is equal. Who lacks the attribute comes last, or first in
// descending order (RFC 7644 section 3.4.2.3).
type Sort struct {
	By         Attribute // no ComplexType
	Descending bool
}

// Position is a place in an order of users or contacts, next to the one with this key and id. It stays good when that one changes
// or goes.
type Position struct {
	Key      any // as Sort.Key returns it; nil without a Sort. Of contacts by deletion, the time.
	ID       string
	Backward bool // asks for what comes before it
}

// Key returns what a user, complete with id and meta, is sorted by: a string, of which the first MaxKey characters count and
// which is folded unless the attribute is case-exact, a bool, a time.Time, a float64, or nil for none. Of several values the primary one
// counts, else the first.
func (s *Sort) Key(values map[string]any) any {
	path, in := s.By.Path, any(values)
	if s.By.Multi >= 0 {
		path, in = path[s.By.Multi+1:], nil
		for i, e := range s.By.elements(values) {
			primary := len(path) > 0 && lookup(e, []string{"primary"}) == true
			if i == 0 || primary {
				in = e
			}
			if primary {
				break
			}
		}
	}
	switch v := s.By.Typed(lookup(in, path)).(type) {
	case bool:
		return v
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case string:
		if s.By.Type == TimeType {
			if t, err := time.Parse(time.RFC3339, v); err == nil {
				return t
			}
			return nil
		}
		if !s.By.CaseExact {
			v = Fold(v)
		}
		n := 0
		for i := range v {
			if n++; n > MaxKey {
				return v[:i]
			}
		}
		return v
	}
	return nil
}

// ContactOrder is an order of contacts.
type ContactOrder string

const (
	OldestFirst      ContactOrder = ""        // by creation, which is by id
	NewestFirst      ContactOrder = "newest"  // the same, backwards
	LastDeletedFirst ContactOrder = "deleted" // deleted contacts alone, by deletion
)

// SyncState is what directories say of a contact.
type SyncState string

const (
	SyncNone     SyncState = "none"     // no directory has a user for the contact
	SyncActive   SyncState = "active"   // a directory has one who is active
	SyncInactive SyncState = "inactive" // a directory has one who is inactive
)

// Count is how many of something there are, counted up to a limit.
type Count struct {
	N    int
	More bool // there are more, or may be
}
