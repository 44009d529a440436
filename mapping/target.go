package mapping

import (
	"regexp"
	"strings"

	"rollcall/desk"
)

// kind is which part of a contact a rule fills.
type kind int

const (
	unknown kind = iota // none that there is
	displayName
	firstName // with lastName the name of who has no displayName
	lastName
	userName
	title
	companyName
	active
	email     // one address with a label
	phone     // one number with a label
	emails    // the whole list
	phones    // the whole list
	field     // one custom field
	allFields // the custom fields that no other rule fills
)

// target is what a rule fills.
type target struct {
	kind
	name  string     // as messages and previews call it
	label string     // of an address or number
	field desk.Field // the custom field
}

// targets are the fields that every contact has, by folded name. Names that other systems give them are taken as well.
var targets = map[string]target{}

func init() {
	for _, t := range []struct {
		target
		aliases []string
	}{
		{target{kind: displayName, name: "displayName"}, []string{"name", "fullName"}},
		{target{kind: firstName, name: "firstName"}, []string{"givenName"}},
		{target{kind: lastName, name: "lastName"}, []string{"familyName", "surname"}},
		{target{kind: userName, name: "userName"}, []string{"login"}},
		{target{kind: title, name: "title"}, []string{"jobTitle", "job"}},
		{target{kind: companyName, name: "companyName"}, []string{"company", "directoryCompany", "organization", "organisation"}},
		{target{kind: active, name: "active"}, []string{"contactIsActive", "isActive"}},
		{target{kind: emails, name: "emails"}, nil},
		{target{kind: phones, name: "phones"}, nil},
		{target{kind: allFields, name: "fields"}, nil},
		{target{kind: email, name: "emails.work", label: "work"}, []string{"email", "mail"}},
		{target{kind: phone, name: "phones.work", label: "work"}, []string{"phone", "telephone"}},
		{target{kind: phone, name: "phones.mobile", label: "mobile"}, []string{"mobile"}},
	} {
		for _, name := range append(t.aliases, t.name) {
			targets[desk.Fold(name)] = t.target
		}
	}
}

var labelForm = regexp.MustCompile(`^[\pL\pN_-]{1,40}$`)

// parseTarget reads the name of a target, in any case. why says what is wrong with it, "" for nothing.
func parseTarget(text string, fields []desk.Field) (t target, why string) {
	name := strings.TrimSpace(text)
	if t, ok := targets[desk.Fold(name)]; ok {
		return t, ""
	}
	of, rest, dotted := strings.Cut(name, ".")
	switch folded := desk.Fold(of); {
	case dotted && (folded == "emails" || folded == "email"):
		t = target{kind: email, name: "emails." + rest, label: rest}
	case dotted && (folded == "phones" || folded == "phone"):
		t = target{kind: phone, name: "phones." + rest, label: rest}
	case dotted && folded == "fields", !dotted:
		if !dotted {
			rest = name
		}
		for _, f := range fields {
			if desk.Fold(f.Name) == desk.Fold(rest) {
				return target{kind: field, name: "fields." + f.Name, field: f}, ""
			}
		}
		if dotted {
			return t, "there is no custom field " + clip(rest) + "; make it first, or choose another target"
		}
	}
	switch {
	case t.label != "" && labelForm.MatchString(t.label):
		return t, ""
	case t.name != "":
		return t, "a label is up to 40 letters, digits, _ and -, such as emails.work"
	case desk.Fold(name) == "externalid":
		return t, "externalId is how the directory knows the person again, and is always kept; it cannot be a target"
	case name == "":
		return t, "the target is missing"
	}
	return t, "there is no target " + clip(name) + "; there are displayName, firstName, lastName, userName, title, companyName, active, emails, emails.LABEL, phones, " +
		"phones.LABEL, fields and fields.NAME"
}

// clip shortens what stands in a message.
func clip(s string) string {
	const most = 60
	for i := range s {
		if i > most {
			return strings.ToValidUTF8(s[:i], "") + "…"
		}
	}
	return strings.ToValidUTF8(s, "")
}

// refusesConstants says why all contacts cannot have the same value; "" if they can.
func (t target) refusesConstants() (why string) {
	switch t.kind {
	case userName, email, emails:
		return "people are told apart by " + t.name + ", so that it cannot be the same for all"
	case phones, allFields:
		return t.name + " is a list, which a constant is not"
	}
	return ""
}
