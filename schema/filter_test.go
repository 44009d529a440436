package schema_test

import (
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/schema"
)

func TestParseFilterErrors(t *testing.T) {
	for _, text := range []string{
		"", " ", "userName", "userName eq", "eq \"x\"", "userName eq \"x", "userName eq \"x\" and", "and userName pr", "userName pr pr",
		"(userName pr", "userName pr)", "()", "not userName pr", "not (userName pr", "userName xx \"x\"", "userName eq \"x\" userName eq \"y\"",
		"shoeSize eq \"44\"", "password eq \"x\"", "groups.value eq \"x\"", "name eq \"x\"", "name.nick eq \"x\"", "addresses co \"x\"",
		"emails[type eq \"work\"", "emails[type eq \"work\"].foo eq \"x\"", "emails[foo eq \"x\"]", "emails[]", "userName[type eq \"x\"]", "emails.value[type eq \"x\"]",
		"active eq \"maybe\"", "active gt true", "active co \"t\"", "active gt \"true\"", "userName eq true", "userName gt null", "title co null",
		"meta.created gt \"yesterday\"", "meta.created co \"2026\"", "meta.created gt 5", "meta.created gt true",
		"userName eq \"\\x\"", "userName eq \"\\u00\"", "userName eq \"\\u0000\"", "urn:nobody:2.0:User:x eq \"y\"",
		strings.Repeat("(", 21) + "userName pr" + strings.Repeat(")", 21), "userName eq \"" + strings.Repeat("x", 9000) + "\"",
	} {
		if f, err := schema.With(nil).ParseFilter(text); desk.KindOf(err) != desk.InvalidFilter {
			t.Errorf("%.60q gives %v, %v; want invalidFilter", text, f, err)
		}
	}
}
