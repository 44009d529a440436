package desk

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Status is where a contact rests.
type Status string

const (
	Active      Status = "active"
	SoftDeleted Status = "deleted" // in Deleted contacts; nothing is lost
)

// Contact is the helpdesk's person.
type Contact struct {
	TenantID string `gorm:"primaryKey"`
	ID       string `gorm:"primaryKey"`
	Profile
	// ExternalID is the externalId under which a directory may claim the contact again: a directory that deletes its
	// user leaves it here.
	ExternalID    *string
	CompanyID     string // "" for none
	CompanyReason CompanyReason
	Status        Status
	DeletedBy     ActorType
	DeletedAt     *time.Time
	VerifiedAt    *time.Time // when a directory adopted the contact
	CreatedAt     time.Time
	ModifiedAt    time.Time
	Directories   int // how many have a user for the contact
	Disabled      int // of these, how many say that the person is inactive

	// What follows is derived from the profile by SetProfile, for look-ups.
	UserNameKey string // folded userName, "" for none
	CompanyKey  string // folded DirectoryCompany, "" for none or one that no company can have
	EmailKey    string // folded MatchAddress, "" for none
	Domain      string // normalised email domain, "" for none
	SearchKey   string // folded name, userName and addresses, a line each, of which the first MaxSearch bytes
}

// Count adds n to the contact's directories for a user: 1 for one that it gets, -1 for one that it loses.
func (c *Contact) Count(u *DirectoryUser, n int) {
	c.Directories += n
	if !u.Active {
		c.Disabled += n
	}
}

// Profile is the part of a contact that directories and agents write.
type Profile struct {
	DisplayName      string
	UserName         string
	Title            string
	DirectoryCompany string    // what a directory calls the company
	Emails           []Address `gorm:"serializer:json"`
	Phones           []Address `gorm:"serializer:json"`
	// Fields are the values of custom fields by name: text, float64, bool, or []any of such.
	Fields map[string]any `gorm:"serializer:json"`
}

// Address is an email address or telephone number with its label ("work", "mobile").
type Address struct {
	Type    string `json:"type,omitempty"`
	Value   string `json:"value"`
	Primary bool   `json:"primary,omitempty"`
}

// WorkEmail returns the address by which a contact is matched: the one of type work, else one without a type, a primary one
// first. "" for none: a private address may be shared by a family.
func WorkEmail(emails []Address) string {
	best, rank := "", 0
	for _, e := range emails {
		r := 0
		switch {
		case strings.EqualFold(e.Type, "work"):
			r = 3
		case e.Type == "" && e.Primary:
			r = 2
		case e.Type == "":
			r = 1
		}
		if r > rank {
			best, rank = e.Value, r
		}
	}
	return strings.TrimSpace(best)
}

// PrimaryEmail returns the address marked primary, "" for none.
func PrimaryEmail(emails []Address) string {
	for _, e := range emails {
		if e.Primary {
			return strings.TrimSpace(e.Value)
		}
	}
	return ""
}

// MatchAddress is the work email, else the userName where that is an address.
func (p Profile) MatchAddress() string {
	if email := WorkEmail(p.Emails); email != "" {
		return email
	}
	if strings.Contains(p.UserName, "@") {
		return strings.TrimSpace(p.UserName)
	}
	return ""
}

// ShownAddress is the address that agents see: the work email, else the primary, else any.
func (p Profile) ShownAddress() string {
	for _, address := range []string{WorkEmail(p.Emails), PrimaryEmail(p.Emails)} {
		if address != "" {
			return address
		}
	}
	for _, e := range p.Emails {
		return e.Value
	}
	return ""
}

// SetProfile sets what directories and agents write and derives the keys from it. domain is the profile's normalised email
// domain, "" for none. A contact without a name is called by its userName, else by its address.
func (c *Contact) SetProfile(p Profile, domain string) {
	if p.DisplayName == "" {
		p.DisplayName = p.UserName
	}
	if p.DisplayName == "" {
		p.DisplayName = p.ShownAddress()
	}
	c.Profile = p
	c.UserNameKey = Fold(p.UserName)
	if c.CompanyKey = Fold(p.DirectoryCompany); len(c.CompanyKey) > MaxKey {
		c.CompanyKey = ""
	}
	c.EmailKey = Fold(p.MatchAddress())
	c.Domain = domain
	lines := []string{Fold(p.DisplayName), c.UserNameKey}
	for _, e := range p.Emails {
		if line := Fold(e.Value); line != c.UserNameKey { // as it often is
			lines = append(lines, line)
		}
	}
	if c.SearchKey = strings.Join(lines, "\n"); len(c.SearchKey) > MaxSearch {
		c.SearchKey = strings.ToValidUTF8(c.SearchKey[:MaxSearch], "")
	}
}

// Update returns p with what a directory changed between two states of its user. What the directory did not change is
// left as it is: another directory or an agent may have set it since.
func (p Profile) Update(before, after Profile) Profile {
	set := func(field *string, before, after string) {
		if before != after {
			*field = after
		}
	}
	set(&p.DisplayName, before.DisplayName, after.DisplayName)
	if after.DisplayName == "" && p.DisplayName == p.UserName {
		p.DisplayName = "" // it was called by its userName, and still is by the next one
	}
	set(&p.UserName, before.UserName, after.UserName)
	set(&p.Title, before.Title, after.Title)
	set(&p.DirectoryCompany, before.DirectoryCompany, after.DirectoryCompany)
	p.Emails = updateAddresses(p.Emails, before.Emails, after.Emails)
	p.Phones = updateAddresses(p.Phones, before.Phones, after.Phones)
	p.Fields = maps.Clone(p.Fields)
	for _, name := range fieldNames(before, after) {
		if !reflect.DeepEqual(before.Fields[name], after.Fields[name]) {
			p.SetField(name, after.Fields[name])
		}
	}
	return p
}

// SetField gives a custom field a value, or a list of values; nil for none. What a field cannot hold counts as none: what was
// said before there was such a field may be anything.
func (p *Profile) SetField(name string, v any) {
	if list, ok := v.([]any); ok {
		var held []any
		for _, e := range list {
			if e = fieldValue(e); e != nil {
				held = append(held, e)
			}
		}
		if v = nil; held != nil {
			v = held
		}
	} else {
		v = fieldValue(v)
	}
	if v == nil {
		delete(p.Fields, name)
		return
	}
	if p.Fields == nil {
		p.Fields = map[string]any{}
	}
	p.Fields[name] = v
}

// fieldValue returns text, a bool, or a number as float64; nil for anything else.
func fieldValue(v any) any {
	switch v := v.(type) {
	case string, bool, float64:
		return v
	case json.Number:
		if n, err := v.Float64(); err == nil {
			return n
		}
	}
	return nil
}

// fieldNames lists the custom fields of which either profile has a value, in order.
func fieldNames(a, b Profile) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a.Fields)), maps.Keys(b.Fields))
	slices.Sort(names)
	return slices.Compact(names)
}

// updateAddresses returns the directory's new list, followed by the contact's own addresses of other types.
func updateAddresses(own, before, after []Address) []Address {
	if slices.Equal(before, after) {
		return own
	}
	list := slices.Clone(after)
	for _, a := range own {
		fromDirectory := slices.ContainsFunc(before, func(b Address) bool {
			return strings.EqualFold(a.Type, b.Type) && strings.EqualFold(a.Value, b.Value)
		})
		replaced := slices.ContainsFunc(after, func(b Address) bool { return strings.EqualFold(a.Type, b.Type) })
		if !fromDirectory && !replaced {
			a.Primary = false
			list = append(list, a)
		}
	}
	return list
}

// Diff lists the fields in which two profiles differ, by their names in the JSON API.
func (p Profile) Diff(to Profile) []Change {
	var changes []Change
	text := func(field, from, to string) {
		if from != to {
			changes = append(changes, Change{field, orNil(from), orNil(to)})
		}
	}
	list := func(field string, from, to []Address) {
		if !slices.Equal(from, to) {
			changes = append(changes, Change{field, orNone(from), orNone(to)})
		}
	}
	text("displayName", p.DisplayName, to.DisplayName)
	text("userName", p.UserName, to.UserName)
	text("title", p.Title, to.Title)
	text("directoryCompany", p.DirectoryCompany, to.DirectoryCompany)
	list("emails", p.Emails, to.Emails)
	list("phones", p.Phones, to.Phones)
	for _, name := range fieldNames(p, to) {
		if !reflect.DeepEqual(p.Fields[name], to.Fields[name]) {
			changes = append(changes, Change{"fields." + name, p.Fields[name], to.Fields[name]})
		}
	}
	return changes
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orNone(list []Address) any {
	if len(list) == 0 {
		return nil
	}
	return list
}
