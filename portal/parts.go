package portal

import (
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/provision"
)

// functions are what all templates can call.
var functions = template.FuncMap{
	"asset":    func(name string) string { return assets[name].address },
	"icon":     icon,
	"time":     when,
	"exact":    exact,
	"clock":    clock,
	"ago":      ago,
	"provider": provider,
	"reason":   reason,
	"domain":   provision.ShownDomain,
	"why":      why,
	"happened": happened,
	"did":      did,
	"mentions": provision.Mentions,
	"odd":      func(i int) bool { return i%2 == 1 },
	"asked":    func(o desk.Operation) string { return operations[o] },
	"field":    fieldName,
	"given":    func(v any) bool { return v != nil },
	"value":    value,
	"count":    count,
	"number":   func(i int) int { return i + 1 }, // of an element
	"plural":   plural,
	"sentence": sentence,
	"args":     args,
	"once":     once,
	"menu":     menu,
}

// args makes one value of several, for a template that wants them: args "Label" .Name "Wide" true.
func args(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// icons are the strokes of pictures 16 units wide.
var icons = map[string]string{
	"home":        `<path d="M2.5 7.2 8 2.6l5.5 4.6v6.2h-3.7V9.6H6.2v3.8H2.5z"/>`,
	"contacts":    `<circle cx="6" cy="5.2" r="2.4"/><path d="M1.8 13c.3-2.6 2-4 4.2-4s3.9 1.4 4.2 4M10.7 3.2a2.2 2.2 0 0 1 0 4.2M12 9.4c1.3.6 2 1.8 2.2 3.6"/>`,
	"deleted":     `<path d="M2.8 4.4h10.4M6.2 4.2V2.6h3.6v1.6M4.2 4.6l.6 8.8h6.4l.6-8.8M6.7 7v4M9.3 7v4"/>`,
	"companies":   `<path d="M3 13.4V2.6h6v10.8M9 6.6h4v6.8M1.8 13.4h12.4M5 5.2h2M5 7.8h2M5 10.4h2"/>`,
	"connections": `<path d="M6.6 9.4 9.4 6.6M7.3 4.6l1.5-1.5a2.9 2.9 0 0 1 4.1 4.1l-1.5 1.5M8.7 11.4l-1.5 1.5a2.9 2.9 0 0 1-4.1-4.1l1.5-1.5"/>`,
	"log":         `<path d="M5.6 3.6h8M5.6 8h8M5.6 12.4h8M2.4 3.6h.1M2.4 8h.1M2.4 12.4h.1"/>`,
	"agents":      `<path d="M8 1.9 13.2 4v3.9c0 3-2.1 5-5.2 6.2-3.1-1.2-5.2-3.2-5.2-6.2V4z"/><path d="m5.7 7.9 1.7 1.7 3-3.2"/>`,
	"account":     `<circle cx="8" cy="5.4" r="2.7"/><path d="M2.9 13.6c.4-2.8 2.4-4.2 5.1-4.2s4.7 1.4 5.1 4.2"/>`,
	"check":       `<path d="m3.4 8.4 3 3 6.2-6.6"/>`,
	"cross":       `<path d="m4 4 8 8M12 4l-8 8"/>`,
	"lock":        `<path d="M3.6 7.4h8.8v6H3.6zM5.4 7.2V5.3a2.6 2.6 0 0 1 5.2 0v1.9"/>`,
	"search":      `<circle cx="7" cy="7" r="4.2"/><path d="m10.2 10.2 3.4 3.4"/>`,
	"warning":     `<path d="M8 2.4 14.4 13.4H1.6zM8 6.4v3.4M8 11.6v.1"/>`,
	"pause":       `<path d="M5.6 3.4v9.2M10.4 3.4v9.2"/>`,
	"play":        `<path d="m5 3.2 7.4 4.8L5 12.8z"/>`,
	"copy":        `<path d="M5.6 5.6h7.8v7.8H5.6zM3.6 10.4h-1V2.6h7.8v1"/>`,
	"download":    `<path d="M8 2.4v7.4M4.8 7 8 10.2 11.2 7M2.6 13.4h10.8"/>`,
	"plus":        `<path d="M8 3v10M3 8h10"/>`,
	"menu":        `<path d="M2.4 4.4h11.2M2.4 8h11.2M2.4 11.6h11.2"/>`,
	"down":        `<path d="m4 6.4 4 4 4-4"/>`,
	"next":        `<path d="m6.2 3.6 4.4 4.4-4.4 4.4"/>`,
	"previous":    `<path d="M9.8 3.6 5.4 8l4.4 4.4"/>`,
	"restore":     `<path d="M3 3.2v3.4h3.4M3.2 6.4A5.2 5.2 0 1 1 2.8 9"/>`,
	"refresh":     `<path d="M13 3.2v3.2H9.8M12.8 6.2A5.2 5.2 0 1 0 13.2 9"/>`,
}

// icon draws a picture that says nothing which the text beside it does not.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + icons[name] + `</svg>`) // #nosec G203 -- escaped, or of our own making
}

// when shows how long ago, or in what time, something is; to point at it tells the exact time. Nothing for a time that is not known.
func when(t any) template.HTML {
	at, ok := t.(time.Time)
	if p, pointer := t.(*time.Time); pointer && p != nil {
		at, ok = *p, true
	}
	if !ok || at.IsZero() {
		return ""
	}
	return template.HTML(`<time datetime="` + at.UTC().Format(time.RFC3339) + `" title="` + exact(at) + `">` + html.EscapeString(ago(at)) + `</time>`) // #nosec G203 -- escaped, or of our own making
}

// clock shows the time of day, in UTC, and the day unless it is today; to point at it tells the exact time and how long ago that is.
func clock(t time.Time) template.HTML {
	t = t.UTC()
	layout := "15:04:05"
	switch now := time.Now().UTC(); {
	case t.Year() != now.Year():
		layout = "2 Jan 2006 15:04"
	case t.YearDay() != now.YearDay():
		layout = "2 Jan 15:04:05"
	}
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339Nano) + `" title="` + exact(t) + `, ` + ago(t) + `">` + t.Format(layout) + `</time>`) // #nosec G203 -- escaped, or of our own making
}

func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// ago says how long a time is past, or ahead, roughly.
func ago(t time.Time) string {
	d := time.Since(t)
	form := "%s ago"
	if d < 0 {
		d, form = -d, "in %s"
	}
	switch {
	case d < time.Minute && form == "in %s":
		return "in a moment"
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d min", int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d h", int(d.Hours())))
	case form == "in %s": // what is good for a year is so for 365 days when it has just been made
		d = d.Round(24 * time.Hour)
		fallthrough
	default:
		return fmt.Sprintf(form, fmt.Sprintf("%d days", int(d.Hours()/24)))
	}
}

// providers are what people call the directories of desk.Providers.
var providers = map[string]string{
	"entra": "Microsoft Entra ID", "zoho": "Zoho Directory", "okta": "Okta", "onelogin": "OneLogin", "jumpcloud": "JumpCloud",
	"google": "Google Workspace", "generic": "SCIM directory",
}

func provider(slug string) string {
	if name, ok := providers[slug]; ok {
		return name
	}
	return slug
}

// reasons say in a sentence how a contact came to its company, or why it has none.
var reasons = map[desk.CompanyReason]string{
	desk.CompanyManual:            "Set by hand; sync leaves it.",
	desk.CompanyByDirectory:       "The company that the directory names.",
	desk.CompanyByDomain:          "The one company that lists the email domain.",
	desk.CompanyNoMatch:           "No company lists the email domain.",
	desk.CompanyAmbiguousListing:  "Several companies list the email domain.",
	desk.CompanyAmbiguousContacts: "Contacts of this domain belong to different companies.",
}

// reason says how a contact came to its company, or why it has none.
func reason(c desk.Contact) string {
	if c.CompanyReason == desk.CompanyNoMatch && c.MatchAddress() == "" {
		return "No work email address, and so no domain to go by."
	}
	return reasons[c.CompanyReason]
}

// fieldNames are what people call the fields of a contact.
var fieldNames = map[string]string{
	"displayName": "Name", "userName": "User name", "title": "Title", "emails": "Email", "phones": "Phone", "directoryCompany": "Directory’s company",
	"company": "Company", "companyReason": "Why", "status": "Status", "verified": "Verified", "active": "In the directory", "externalId": "External id",
	"company.name": "Company’s name", "company.domains": "Company’s domains", "phoneNumbers": "Phone", "subject": "Subject", "ticketStatus": "Ticket", "spam": "Spam",
}

// fieldName is what people call a field that changed: a custom one by its name, and what no contact has as the directory does.
func fieldName(field string) string {
	if name, ok := fieldNames[field]; ok {
		return name
	}
	return strings.TrimPrefix(field, "fields.")
}

// count writes a number with its thousands apart.
func count(n any) string {
	if c, ok := n.(desk.Count); ok && c.More {
		return count(c.N) + "+"
	} else if ok {
		n = c.N
	}
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0 && text[i-1] != '-'; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// plural writes a number of things: plural 2 "contact" "contacts".
func plural(n any, one, many string) string {
	if text := count(n); text != "1" {
		return text + " " + many
	}
	return "1 " + one
}

// sentence writes the message of an error or a reason, which is part of one, as a sentence. One that begins with an attribute, such as
// userName, keeps its letters.
func sentence(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return ""
	}
	if word, _, _ := strings.Cut(s, " "); strings.ToLower(word) == word {
		s = string(unicode.ToUpper(first)) + s[size:]
	}
	if !strings.HasSuffix(s, ".") {
		s += "."
	}
	return s
}

// maxValue is how much of a field's value is shown in a line, in characters.
const maxValue = 400

// value writes a field's value for people.
func value(v any) string { return shorten(valueText(v), maxValue) }

// shorten cuts a text after a number of characters.
func shorten(text string, characters int) string {
	if utf8.RuneCountInString(text) > characters {
		return string([]rune(text)[:characters]) + "…"
	}
	return text
}

func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "–"
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []desk.Address:
		list := make([]any, len(v))
		for i, a := range v {
			m := map[string]any{"value": a.Value}
			if a.Type != "" {
				m["type"] = a.Type
			}
			list[i] = m
		}
		return valueText(list)
	case []any:
		var parts []string
		for _, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				parts = append(parts, valueText(e))
				continue
			}
			text := valueText(m["value"])
			if label, ok := m["type"].(string); ok {
				text += " (" + label + ")"
			}
			parts = append(parts, text)
		}
		return strings.Join(parts, ", ")
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}
