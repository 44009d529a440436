package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// hidden returns what stands in a hidden field of a page.
func (b *browser) hidden(text, name string) string {
	b.Helper()
	_, rest, ok := strings.Cut(text, `name="`+name+`" value="`)
	if !ok {
		b.Fatalf("no field %s in\n%s", name, text)
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// TestOvertakenSettings holds that settings which somebody else has changed since a form was opened are not put back by it.
func TestOvertakenSettings(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
		settings := func() desk.Settings {
			t.Helper()
			c, err := s.Engine.Connection(t.Context(), provision.System("main"), "entra")
			if err != nil {
				t.Fatal(err)
			}
			return c.Settings
		}
		const page, mapping = "/connections/entra/settings", "/connections/entra/mapping"
		_, _, text := b.open(page)
		opened := b.hidden(text, "version")
		switches := func(version, percent string, on ...string) url.Values {
			form := url.Values{"version": {version}, "adopt": {"adopt"}, "percent": {percent}, "atLeast": {"10"}, "grace": {"60"}}
			for _, name := range on {
				form.Set(name, "on")
			}
			return form
		}
		_, _, text = b.open(mapping)
		rules := url.Values{"version": {b.hidden(text, "version")}, "do": {"review"}, "source": {"userName"}, "target": {"displayName"}}
		_, _, text = b.post(mapping, rules)
		rules.Set("reviewed", b.hidden(text, "reviewed"))
		if got := b.hidden(text, "version"); got != opened {
			t.Errorf("the reviewed form is of version %s, want %s", got, opened)
		}

		// The other tab saves first.
		if status, _, _ := b.post(page, switches(opened, "20", "create", "update", "deactivate", "updateExisting")); status != 200 || settings().Apply.Delete {
			t.Fatalf("the other tab's change is answered %d", status)
		}
		status, _, text := b.post(page, switches(opened, "25", "create", "update", "deactivate", "delete", "updateExisting"))
		if status != 412 || !strings.Contains(text, "changed while you were writing") || !strings.Contains(text, "<li>Delete: from no to yes</li>") || !strings.Contains(text, "<li>Guard’s share: from 20 to 25</li>") || strings.Count(text, "<li>Guard") != 1 {
			t.Errorf("the overtaken switches are answered %d\n%s", status, text)
		}
		if now := settings(); now.Apply.Delete || now.Guard.Percent != 20 {
			t.Errorf("the settings are %+v", now)
		}
		rules.Set("do", "save")
		status, _, text = b.post(mapping, rules)
		if status != 412 || !strings.Contains(text, `value="userName" aria-label="Source of rule 1"`) || strings.Contains(text, "What this would do") || len(settings().Mapping.Rules) != 0 {
			t.Errorf("the overtaken mapping is answered %d\n%s", status, text)
		}
		scope := url.Values{"version": {opened}, "do": {"review"}, "outOfScope": {"skip"}, "kind": {"values"}, "attribute": {"title"}, "text": {"Lead"}}
		_, _, reviewed := b.post("/connections/entra/scope", scope)
		scope.Set("reviewed", b.hidden(reviewed, "reviewed"))
		scope.Set("do", "save")
		if status, _, _ := b.post("/connections/entra/scope", scope); status != 412 || len(settings().Scope.Rules) != 0 {
			t.Errorf("the overtaken scope is answered %d", status)
		}

		// Who has seen it may put theirs over it.
		rules.Set("version", b.hidden(text, "version"))
		if status, address, _ := b.post(mapping, rules); status != 200 || address != mapping || len(settings().Mapping.Rules) != 1 {
			t.Errorf("saving the mapping again is answered %d", status)
		}
	})
}
