package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// DirectoryUser is what one connection's directory says about one person.
type DirectoryUser struct {
	TenantID   string  `gorm:"primaryKey"`
	Connection string  `gorm:"primaryKey"` // slug
	ID         string  `gorm:"primaryKey"` // the SCIM id; permanent
	ContactID  *string // nil for a user who is held and has none yet
	// Held says why the user's contact, if there is one, does not follow them; "" where it does.
	Held Hold
	// Active is the state that the directory gave last: one that takes active off the resource leaves the person as is.
	Active bool
	// Resource is the SCIM user in canonical form as a JSON object, without id and meta. Folded is the same with its
	// strings folded, for filters; nil where folding ASCII, which SQL can do, is enough.
	Resource   string
	Folded     *string
	Version    int64 // counts changes, from 1
	CreatedAt  time.Time
	ModifiedAt time.Time // of the last change, which is also the last sync

	ExternalID  *string // case-exact, unique in the connection
	UserNameKey string  // folded userName, unique in the connection
}

// Hold is why a connection's settings hold a user back.
type Hold string

const (
	HeldScope    Hold = "out_of_scope" // the user is out of the connection's scope
	HeldCreate   Hold = "create_off"   // the connection makes no contacts
	HeldAdoption Hold = "adoption"     // an agent shall say whether the user is a contact that was there before
)

// Counts reports whether the user keeps their contact active.
func (u *DirectoryUser) Counts() bool { return u.Active && u.Held == "" }

// UserEmail indexes one email of a directory user, since directories match on emails as well.
type UserEmail struct {
	TenantID   string `gorm:"primaryKey"`
	Connection string `gorm:"primaryKey"`
	ValueKey   string `gorm:"primaryKey"` // folded address
	TypeKey    string `gorm:"primaryKey"` // folded type, "" for none
	UserID     string `gorm:"primaryKey"`
}

func (UserEmail) TableName() string { return "directory_user_emails" }

// Resource is a SCIM user in canonical form: attribute names as RFC 7643 writes them, values of the schema's types, no
// nulls and no empty values, extensions under their URN, numbers as json.Number.
type Resource map[string]any

// Decode returns the user's resource, the caller's own copy.
func (u *DirectoryUser) Decode() (Resource, error) {
	v, _, _, err := ParseJSON(u.Resource)
	r, ok := v.(map[string]any)
	if err == nil && !ok {
		err = errNoJSON
	}
	if err != nil {
		return nil, fmt.Errorf("decode directory user %s: %w", u.ID, err)
	}
	return r, nil
}

// Bytes is how much the user takes up, but for what everybody does.
func (u *DirectoryUser) Bytes() int {
	if u.Folded == nil {
		return len(u.Resource)
	}
	return len(u.Resource) + len(*u.Folded)
}

// Clone returns a copy of all levels.
func (r Resource) Clone() Resource {
	return clone(map[string]any(r)).(map[string]any)
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		copied := make(map[string]any, len(v))
		for name, e := range v {
			copied[name] = clone(e)
		}
		return copied
	case []any:
		copied := make([]any, len(v))
		for i, e := range v {
			copied[i] = clone(e)
		}
		return copied
	}
	return v
}

// SetResource stores the resource and what is derived from it.
func (u *DirectoryUser) SetResource(r Resource) error {
	doc, err := encode(r)
	if err != nil {
		return fmt.Errorf("encode directory user %s: %w", u.ID, err)
	}
	u.Resource, u.Folded, u.ExternalID = doc, nil, nil
	if !isASCII(doc) {
		text, err := appendJSON(make([]byte, 0, len(doc)), r, true)
		if err != nil {
			return fmt.Errorf("encode directory user %s: %w", u.ID, err)
		}
		folded := string(text)
		u.Folded = &folded
	}
	if active, said := r["active"].(bool); said {
		u.Active = active
	}
	u.UserNameKey = Fold(r.UserName())
	if id := r.ExternalID(); id != "" {
		u.ExternalID = &id
	}
	return nil
}

// encode returns v as compact JSON with sorted keys, so that equal resources have equal text.
func encode(v any) (string, error) {
	b, err := appendJSON(make([]byte, 0, 1024), v, false)
	return string(b), err
}

// Text returns a string attribute, "" for none.
func (r Resource) Text(name string) string {
	s, _ := r[name].(string)
	return s
}

// UserName returns the userName.
func (r Resource) UserName() string { return r.Text("userName") }

// ExternalID returns the externalId, "" for none.
func (r Resource) ExternalID() string { return r.Text("externalId") }

// Emails returns the resource's email addresses.
func (r Resource) Emails() []Address { return r.addresses("emails") }

func (r Resource) addresses(name string) []Address {
	elements, _ := r[name].([]any)
	var list []Address
	for _, e := range elements {
		m, _ := e.(map[string]any)
		var a Address
		a.Type, _ = m["type"].(string)
		a.Value, _ = m["value"].(string)
		a.Primary, _ = m["primary"].(bool)
		if a.Value != "" {
			list = append(list, a)
		}
	}
	return list
}

// EmailIndex returns the rows by which the user is found by email.
func (u *DirectoryUser) EmailIndex(r Resource) []UserEmail {
	var rows []UserEmail
	for _, e := range r.Emails() {
		row := UserEmail{u.TenantID, u.Connection, Fold(e.Value), Fold(e.Type), u.ID}
		if !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	return rows
}

// ProfileOf projects a directory's resource onto a contact's profile, by Entra's default mapping. What the directory does not
// say stays empty.
func ProfileOf(r Resource) Profile {
	name, _ := r["name"].(map[string]any)
	part := func(key string) string { s, _ := name[key].(string); return s }
	full := strings.TrimSpace(part("givenName") + " " + part("familyName"))
	display := ""
	for _, s := range []string{r.Text("displayName"), part("formatted"), full} {
		if s != "" {
			display = s
			break
		}
	}
	profile := Profile{
		DisplayName: display,
		UserName:    Undeleted(r.UserName()),
		Title:       r.Text("title"),
		Emails:      r.Emails(),
		Phones:      r.addresses("phoneNumbers"),
	}
	for i := range profile.Emails {
		profile.Emails[i].Value = Undeleted(profile.Emails[i].Value)
	}
	enterprise, _ := r[EnterpriseURN].(map[string]any)
	organization, _ := enterprise["organization"].(string)
	profile.DirectoryCompany = strings.TrimSpace(organization)
	fields, _ := r[FieldsURN].(map[string]any)
	for name, v := range fields {
		profile.SetField(name, v)
	}
	return profile
}

// Undeleted returns an address as it was before the person was deleted: Entra ID then puts the object id, 32 hexadecimal digits,
// before the user name, and may send that.
func Undeleted(address string) string {
	const digits = 32
	if strings.IndexByte(address, '@') <= digits || strings.Trim(address[:digits], "0123456789abcdefABCDEF") != "" {
		return address
	}
	return address[digits:]
}

// Diff lists the attributes in which two resources differ, by their SCIM paths, sorted.
func (r Resource) Diff(to Resource) []Change {
	var changes []Change
	before, after := r.flat(), to.flat()
	for len(before) > 0 || len(after) > 0 {
		var c Change
		gone := len(after) == 0 || len(before) > 0 && before[0].path < after[0].path
		came := len(before) == 0 || len(after) > 0 && after[0].path < before[0].path
		if !came {
			c.Field, c.From, before = before[0].path, before[0].value, before[1:]
		}
		if !gone {
			c.Field, c.To, after = after[0].path, after[0].value, after[1:]
		}
		if !sameJSON(c.From, c.To) {
			changes = append(changes, c)
		}
	}
	return changes
}

// pathValue is the value of a single-valued attribute, a sub-attribute or an extension's attribute.
type pathValue struct {
	path  string
	value any
}

// flat lists them in the order of their paths.
func (r Resource) flat() []pathValue {
	if len(r) == 0 {
		return nil
	}
	list := flatten(make([]pathValue, 0, len(r)+8), "", r)
	slices.SortFunc(list, func(a, b pathValue) int { return strings.Compare(a.path, b.path) })
	return slices.CompactFunc(list, func(a, b pathValue) bool { return a.path == b.path })
}

func flatten(list []pathValue, prefix string, values map[string]any) []pathValue {
	for name, v := range values {
		path := prefix + name
		if m, ok := v.(map[string]any); ok {
			inner := "."
			if prefix == "" && strings.Contains(name, ":") {
				inner = ":"
			}
			list = flatten(list, path+inner, m)
			continue
		}
		list = append(list, pathValue{path, v})
	}
	return list
}

// MaxKey is the longest text in bytes, folded, that can be a key: a userName, externalId, email address or company name.
// Database indexes hold no more than this safely.
const MaxKey = 1000

// TooLongForKey reports whether a text, folded, is longer than that.
func TooLongForKey(text string) bool {
	return len(text) > MaxKey/3 && len(Fold(text)) > MaxKey // folding makes it thrice as long at most
}
