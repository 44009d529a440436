package desk

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// What one person may take up. No directory comes near it; what goes beyond would make others wait, since a text is written to an
// index of its pieces, and twice to the event that says what it was and is.
const (
	// MaxText is how long a text may be, in characters. Those that are keys have [MaxKey] bytes. The longest that a directory is
	// known to have is Okta's postalAddress, with as many.
	MaxText = 4096
	// MaxCertificate is how long a text within x509Certificates may be.
	MaxCertificate = 16 << 10
	// MaxResource is how long a user's resource may be as JSON, in bytes, and so is a contact's profile.
	MaxResource = 64 << 10
	// MaxElements is how many values an attribute may have, unless it is a custom field.
	MaxElements = 500
	// MaxSearch is how many bytes of a contact's name, userName and addresses are searched.
	MaxSearch = 8 << 10
)

const certificates = "x509certificates"

// CheckSize returns an InvalidValue error if the resource holds a text that is too long, or too much in all, unless that is so of what
// was there before (nil for nothing): somebody who has been there for longer than the bounds can be changed and disabled.
func (r Resource) CheckSize(before Resource) error {
	n := sizeOf(map[string]any(r))
	if n <= MaxText {
		return nil // and so is each text in it
	}
	if path, most := tooLong(r, before); path != "" {
		return Errorf(InvalidValue, path, "%s may have up to %d characters", path, most)
	}
	if n > MaxResource && grown(n, sizeOf(map[string]any(before)), r, before) {
		return Errorf(InvalidValue, "", "all attributes of a user may have up to %d bytes together", MaxResource)
	}
	return nil
}

// grown reports whether values of a size are too much, and more than there were before. A text from before that
// is longer than any may be by now counts for neither.
func grown(size, sizeBefore int, values, before Resource) bool {
	had := map[string]any(before)
	size -= sizeOfOld(map[string]any(values), had)
	return size > MaxResource && size > sizeBefore-sizeOfOld(had, had)
}

// CheckSize does the same for what agents write of a contact.
func (p Profile) CheckSize(before Profile) error {
	if path, most := tooLong(p.attributes(), before.attributes()); path != "" {
		name, _, _ := strings.Cut(path, ".")
		if name == "fields" {
			name = path
		}
		return Errorf(InvalidValue, name, "%s may have up to %d characters", path, most)
	}
	for _, list := range []struct {
		name        string
		now, before int
	}{{"emails", len(p.Emails), len(before.Emails)}, {"phones", len(p.Phones), len(before.Phones)}} {
		if list.now > MaxElements && list.now > list.before {
			return Errorf(InvalidValue, list.name, "%s may have up to %d values", list.name, MaxElements)
		}
	}
	return p.CheckTotal(before)
}

// Bytes is how much a contact takes up, but for what everybody does.
func (c *Contact) Bytes() int { return c.Profile.size() + len(c.SearchKey) }

// Bytes is how much of an event is what changed.
func (e *Event) Bytes() (n int) {
	for _, c := range e.Changes {
		n += sizeOf(c.From) + sizeOf(c.To)
	}
	return n
}

// CheckTotal returns an InvalidValue error if a profile is too long in all, and longer than before.
func (p Profile) CheckTotal(before Profile) error {
	if n := p.size(); n > MaxResource && grown(n, before.size(), p.attributes(), before.attributes()) {
		return Errorf(InvalidValue, "", "all that is known of a contact may have up to %d bytes together", MaxResource)
	}
	return nil
}

// attributes are a profile's values by their names in the JSON API.
func (p Profile) attributes() Resource {
	list := func(addresses []Address) []any {
		var out []any
		for _, a := range addresses {
			out = append(out, map[string]any{"type": a.Type, "value": a.Value})
		}
		return out
	}
	return Resource{
		"displayName": p.DisplayName, "userName": p.UserName, "title": p.Title, "directoryCompany": p.DirectoryCompany,
		"emails": list(p.Emails), "phones": list(p.Phones), "fields": p.Fields,
	}
}

// size is about as many bytes as the profile has as JSON.
func (p Profile) size() int {
	n := sizeOf(p.DisplayName) + sizeOf(p.UserName) + sizeOf(p.Title) + sizeOf(p.DirectoryCompany) + sizeOf(p.Fields)
	for _, list := range [][]Address{p.Emails, p.Phones} {
		for _, a := range list {
			n += len(`{"type":,"value":,"primary":false},`) + sizeOf(a.Type) + sizeOf(a.Value)
		}
	}
	return n
}

// sizeOf is how many bytes a value has as JSON. Both booleans count alike: who is disabled does not grow.
func sizeOf(v any) int {
	switch v := v.(type) {
	case string:
		return sizeOfText(v)
	case json.Number:
		return len(v)
	case map[string]any:
		n := 2
		for name, e := range v {
			n += sizeOfText(name) + sizeOf(e) + 2
		}
		return n
	case []any:
		n := 2
		for _, e := range v {
			n += sizeOf(e) + 1
		}
		return n
	}
	return len("false")
}

func sizeOfText(s string) int {
	n := len(s) + 2
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ':
			n += 5
		case c == '"' || c == '\\':
			n++
		}
	}
	return n
}

// sizeOfOld is how much of a value's size is that of texts that are longer than any may be and were there before.
func sizeOfOld(v any, before map[string]any) (n int) {
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > MaxCertificate && holds(before, v) {
			return sizeOf(v)
		}
	case map[string]any:
		for _, e := range v {
			n += sizeOfOld(e, before)
		}
	case []any:
		for _, e := range v {
			n += sizeOfOld(e, before)
		}
	}
	return n
}

// tooLong returns the path of a text that is too long and was not there before, the first one by name, and how long it may be; "" for
// none.
func tooLong(values, before Resource) (path string, most int) {
	for name, v := range values {
		limit := MaxText
		if strings.EqualFold(name, certificates) {
			limit = MaxCertificate
		}
		separator := "."
		if strings.Contains(name, ":") {
			separator = ":"
		}
		if at, long := longIn(v, before, limit); long && (path == "" || join(name, separator, at) < path) {
			path, most = join(name, separator, at), limit
		}
	}
	return path, most
}

// longIn returns where in a value such a text stands.
func longIn(v any, before Resource, most int) (at string, long bool) {
	switch v := v.(type) {
	case string:
		return "", len(v) > most && utf8.RuneCountInString(v) > most && !holds(map[string]any(before), v)
	case map[string]any:
		for name, e := range v {
			if within, l := longIn(e, before, most); l && (!long || join(name, ".", within) < at) {
				at, long = join(name, ".", within), true
			}
		}
	case []any:
		for _, e := range v {
			if at, long = longIn(e, before, most); long {
				return at, true
			}
		}
	}
	return at, long
}

// join makes a path of names, of which what a client thought of is shown in part.
func join(name, separator, rest string) string {
	const shown = 100
	if len(name) > shown {
		name = strings.ToValidUTF8(name[:shown], "") + "…"
	}
	if rest == "" {
		return name
	}
	return name + separator + rest
}

// holds reports whether a text is among values.
func holds(v any, text string) bool {
	switch v := v.(type) {
	case string:
		return v == text
	case map[string]any:
		for _, e := range v {
			if holds(e, text) {
				return true
			}
		}
	case []any:
		for _, e := range v {
			if holds(e, text) {
				return true
			}
		}
	}
	return false
}
