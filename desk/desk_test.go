package desk

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFold(t *testing.T) {
	for _, pair := range [][2]string{{"Kofi@ACME.example", "kofi@acme.EXAMPLE"}, {"ÜNAL", "ünal"}, {"Σίσυφος", "ΣΊΣΥΦΟΣ"}, {"\u212A", "k"}, {"ſ", "S"}, {"ẞ", "ß"}, {"ǅ", "Ǆ"}} {
		if Fold(pair[0]) != Fold(pair[1]) {
			t.Errorf("%q and %q differ: %q, %q", pair[0], pair[1], Fold(pair[0]), Fold(pair[1]))
		}
	}
	for _, pair := range [][2]string{{"ss", "ß"}, {"İ", "i"}, {"ı", "i"}, {"a", "á"}} {
		if Fold(pair[0]) == Fold(pair[1]) {
			t.Errorf("%q and %q are the same: %q", pair[0], pair[1], Fold(pair[0]))
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("Kofi", "kOFI")
	f.Add("\u212A\u017F", "ks")
	f.Add("\u0345\u03b9", "\u1fbe\u0399")
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		if (Fold(a) == Fold(b)) != strings.EqualFold(a, b) {
			t.Errorf("%q folds to %q, %q to %q, EqualFold says %v", a, Fold(a), b, Fold(b), strings.EqualFold(a, b))
		}
		if Fold(Fold(a)) != Fold(a) {
			t.Errorf("%q folds to %q and then to %q", a, Fold(a), Fold(Fold(a)))
		}
		// SQL folds what is all ASCII.
		if ascii := strings.Map(func(r rune) rune { return r & 0x7f }, a); Fold(ascii) != strings.ToLower(ascii) {
			t.Errorf("%q folds to %q", ascii, Fold(ascii))
		}
	})
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		p            Profile
		match, shown string
	}{
		{Profile{UserName: "kofi"}, "", ""},
		{Profile{UserName: " kofi@x.test "}, "kofi@x.test", ""},
		{Profile{UserName: "kofi@x.test", Emails: []Address{{Value: "first"}, {Value: "second"}}}, "first", "first"},
		{Profile{Emails: []Address{{Value: "first"}, {Value: "primary", Primary: true}, {Value: "last"}}}, "primary", "primary"},
		{Profile{Emails: []Address{{Value: "primary", Primary: true}, {Type: "WORK", Value: " work "}, {Type: "work", Value: "other"}}}, "work", "work"},
		{Profile{UserName: "kofi@x.test", Emails: []Address{{Type: "home", Value: "home", Primary: true}}}, "kofi@x.test", "home"},
		{Profile{Emails: []Address{{Type: "home", Value: "home"}}}, "", "home"},
	} {
		if match, shown := c.p.MatchAddress(), c.p.ShownAddress(); match != c.match || shown != c.shown {
			t.Errorf("%+v: matched by %q and shown as %q, want %q and %q", c.p, match, shown, c.match, c.shown)
		}
	}
}

func TestProfileUpdate(t *testing.T) {
	own := Profile{DisplayName: "By hand", Title: "Lead", Emails: []Address{{"work", "old@x", true}, {"home", "h@x", false}}, Phones: []Address{{"mobile", "1", false}}}
	before := Profile{DisplayName: "Dir", Title: "Lead", Emails: []Address{{"work", "OLD@x", false}}}
	after := Profile{DisplayName: "Dir", Emails: []Address{{"work", "new@x", true}, {"other", "o@x", false}}}
	want := Profile{DisplayName: "By hand", Emails: []Address{{"work", "new@x", true}, {"other", "o@x", false}, {"home", "h@x", false}}, Phones: []Address{{"mobile", "1", false}}}
	if diff := cmp.Diff(want, own.Update(before, after)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(own, own.Update(before, before)); diff != "" {
		t.Error("nothing changed, and yet:", diff)
	}
	if diff := cmp.Diff([]Address{{"home", "h@x", false}}, own.Update(before, Profile{}).Emails); diff != "" {
		t.Error("the directory took its address back:", diff)
	}
}

func TestProfileOf(t *testing.T) {
	name := map[string]any{"givenName": "Kofi", "familyName": "Adeyemi"}
	for want, r := range map[string]Resource{
		"":             {"userName": "kofi"},
		"Kofi Adeyemi": {"userName": "kofi", "name": name},
		"Formatted":    {"userName": "kofi", "name": map[string]any{"formatted": "Formatted", "givenName": "Kofi"}},
		"Display":      {"userName": "kofi", "name": name, "displayName": "Display"},
	} {
		if got := ProfileOf(r).DisplayName; got != want {
			t.Errorf("%v is shown as %q, want %q", r, got, want)
		}
	}
}

func TestResourceDiff(t *testing.T) {
	before := Resource{"userName": "k", "title": "T", "active": true, "name": map[string]any{"givenName": "G", "familyName": "F"}, "urn:x:2.0:User": map[string]any{"a": "1", "m": map[string]any{"value": "M"}}}
	after := Resource{"userName": "l", "active": false, "name": map[string]any{"givenName": "G"}, "urn:x:2.0:User": map[string]any{"a": "1", "m": map[string]any{"value": "N"}}, "roles": []any{map[string]any{"value": "r"}}}
	want := []Change{
		{"active", true, false}, {"name.familyName", "F", nil}, {"roles", nil, []any{map[string]any{"value": "r"}}}, {"title", "T", nil}, {"urn:x:2.0:User:m.value", "M", "N"}, {"userName", "k", "l"},
	}
	if diff := cmp.Diff(want, before.Diff(after)); diff != "" {
		t.Error(diff)
	}
}

func TestCheckSlug(t *testing.T) {
	for slug, ok := range map[string]bool{
		"main": true, "a": true, "a-b": true, "0": true, strings.Repeat("a", 40): true,
		"": false, "-a": false, "a-": false, "A": false, "a_b": false, "a.b": false, "a/b": false, "v2": false, strings.Repeat("a", 41): false, "ä": false, "a\n": false,
	} {
		if err := CheckSlug("tenant", slug); (err == nil) != ok {
			t.Errorf("%q: %v", slug, err)
		}
	}
}
