package portal_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/portal"
	"rollcall/provision"
)

// TestLogPages walks through a log of several pages there and back, and asks for what there is not.
func TestLogPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		b := newBrowser(t, s.URL)
		base, token := s.Connect(t, "main", "entra")
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		const people = 120
		for i := range people {
			testkit.Call(t, "POST", base+"/Users", token, fmt.Sprintf(`{"userName":"user%03d"}`, i)).Want(t, 201)
		}
		rows := func(text string) (names []string) {
			for _, part := range strings.Split(text, `<tr id="e-`)[1:] {
				_, name, _ := strings.Cut(part, `<a href="/contacts/`)
				_, name, _ = strings.Cut(name, ">")
				name, _, _ = strings.Cut(name, "<")
				names = append(names, name)
			}
			return names
		}
		link := func(text, label string) string {
			before, _, found := strings.Cut(text, label)
			i := strings.LastIndex(before, `href="`)
			if !found || i < 0 {
				return ""
			}
			address, _, _ := strings.Cut(before[i+6:], `"`)
			return strings.ReplaceAll(address, "&amp;", "&")
		}
		const newer, older = `</svg>Newer`, `Older <svg`
		_, _, text := b.open("/log?operation=create&outcome=created&person=&request=")
		first := rows(text)
		if len(first) != 50 || first[0] != "user119" || link(text, newer) != "" || !strings.Contains(text, "data-live hx-get") {
			t.Fatalf("the first page has %v", first)
		}
		var all []string
		for {
			all = append(all, rows(text)...)
			next := link(text, older)
			if next == "" {
				break
			}
			if _, _, text = b.open(next); strings.Contains(text, "data-live hx-get") {
				t.Error("an older page renews itself")
			}
		}
		if len(all) != people+2 || all[50] != "user069" || all[119] != "user000" { // and the connection and its token
			t.Errorf("the pages have %v", all)
		}
		_, _, text = b.open(link(text, newer))
		if got := rows(text); len(got) != 50 || got[0] != "user069" || got[49] != "user020" {
			t.Errorf("the page before the last has %v", got)
		}
		if status, path, text := b.open(link(text, newer)); status != 200 || path != "/log" || rows(text)[0] != "user119" {
			t.Errorf("before that comes %v", rows(text))
		}

		for path, want := range map[string]string{
			"/log?outcome=lost": "Choose the outcome", "/log?operation=x": "Choose the outcome", "/log?from=yesterday": "“yesterday” is no time", "/log?cycle=nothing": "no cycle with this id",
			"/log/entra.csv?to=tomorrow": "“tomorrow” is no time",
		} {
			if status, _, text := b.open(path); status != 400 || !strings.Contains(text, want) {
				t.Errorf("%s: %d", path, status)
			}
		}
		for _, path := range []string{"/log?connection=nobody", "/log/cycles?connection=nobody", "/log/nobody.csv", "/log/nobody/7", "/log/entra/7"} {
			if status, _, _ := b.open(path); status != 404 {
				t.Errorf("%s: %d", path, status)
			}
		}
		// A form's times and those of a link are the same.
		from := time.Now().UTC().Add(-time.Hour)
		for _, layout := range []string{"2006-01-02T15:04", time.RFC3339} {
			if _, _, text := b.open("/log?person=user007&" + url.Values{"from": {from.Format(layout)}}.Encode()); len(rows(text)) != 1 || !strings.Contains(text, `value="`+from.Format("2006-01-02T15:04")) {
				t.Errorf("from %s: %v", layout, rows(text))
			}
		}
		if _, _, text := b.open("/log?to=" + from.Format("2006-01-02T15:04")); !strings.Contains(text, "No event fits") {
			t.Errorf("an hour ago there was %v", rows(text))
		}
		if status, _, text := b.open("/log/entra.csv?person=user007"); status != 200 || strings.Count(text, "\n") != 2 || !strings.Contains(text, ",user007,") {
			t.Errorf("the file: %d, %q", status, text)
		}
	})
}

// TestLogOfOthers holds that a log's pages tell nothing to other tenants, run nothing that a directory sent, and forget who was erased.
func TestLogOfOthers(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, token := s.Connect(t, "main", "entra")
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		const script = "<script>alert(1)</script>"
		testkit.Call(t, "POST", base+"/Users", token, map[string]any{"userName": script, "displayName": script, "title": script}).Want(t, 201)
		testkit.Call(t, "POST", base+"/Users", token, map[string]any{"userName": script}).Want(t, 409)
		agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann"}
		events, err := s.Engine.ConnectionEvents(t.Context(), agent, "entra", provision.EventQuery{Limit: 2})
		if err != nil || len(events) != 2 || events[0].Outcome != desk.Refused {
			t.Fatalf("%v %v", events, err)
		}
		paths := []string{"/log/entra/" + events[0].ID, "/log/entra/" + events[1].ID}
		for _, path := range append(paths, "/log", "/log?person="+url.QueryEscape(script), "/log/cycles") {
			if status, _, text := b.open(path); status != 200 || strings.Contains(text, "<script>") || path != "/log/cycles" && !strings.Contains(text, "&lt;script&gt;alert") {
				t.Errorf("%s: %d, %s", path, status, text)
			}
		}
		if _, _, text := b.open(paths[1]); !strings.Contains(text, "<ins>&lt;script") || !strings.Contains(text, *events[1].UserID) {
			t.Errorf("the creation is shown as %s", text)
		}

		s.Connect(t, "other", "entra")
		other := newBrowser(t, s.URL)
		other.post("/signin", url.Values{"token": {s.Token(t, "other", desk.RoleAdmin)}})
		for path, want := range map[string]int{paths[0]: 404, paths[1]: 404, "/log": 200, "/log/entra.csv": 200} {
			if status, _, text := other.open(path); status != want || strings.Contains(text, "alert(1)") {
				t.Errorf("another tenant's %s: %d", path, status)
			}
		}

		contact := *events[1].ContactID
		if err := s.Engine.DeleteContact(t.Context(), agent, contact, nil); err != nil {
			t.Fatal(err)
		}
		if err := s.Engine.EraseContact(t.Context(), agent, contact, nil); err != nil {
			t.Fatal(err)
		}
		for _, path := range append(paths, "/log") {
			if status, _, text := b.open(path); status != 200 || strings.Contains(text, "alert(1)") {
				t.Errorf("after erasure %s: %d", path, status)
			}
		}
		if _, _, text := b.open(paths[0]); !strings.Contains(text, "a contact that is gone") {
			t.Errorf("after erasure: %s", text)
		}
	})
}

// TestWords holds that every reason which an error can be is said in words.
func TestWords(t *testing.T) {
	for _, kind := range desk.Kinds {
		if words := portal.Why(desk.Event{Outcome: desk.Refused, Reason: string(kind)}); !strings.HasSuffix(words, ".") {
			t.Errorf("%s is said as %q", kind, words)
		}
	}
	for _, hold := range []desk.Hold{desk.HeldScope, desk.HeldCreate, desk.HeldAdoption} {
		if words := portal.Why(desk.Event{Outcome: desk.Skipped, Reason: string(hold)}); !strings.HasSuffix(words, ".") {
			t.Errorf("%s is said as %q", hold, words)
		}
	}
	for _, o := range desk.Operations {
		if portal.Happened(desk.Event{Operation: o}) == "" {
			t.Errorf("%s has no name", o)
		}
	}
}

// TestSentences holds how messages begin and end, and what tokens are called.
func TestSentences(t *testing.T) {
	for message, want := range map[string]string{
		"": "", "no contact with this id": "No contact with this id.", "userName is taken": "userName is taken.", "É.": "É.", "élan": "Élan.", "Done.": "Done.",
	} {
		if got := portal.Sentence(message); got != want {
			t.Errorf("%q is written %q, want %q", message, got, want)
		}
	}
	for message, want := range map[string]string{"scim token first": "SCIM token first.", "api token": "API token.", "signin token first sign-in": "Sign-in link first sign-in.", "agent api token": "Agent api token."} {
		if got := portal.Did(desk.Event{Operation: desk.OpCreate, Outcome: desk.Created, Reason: "token", Detail: message}); got != want {
			t.Errorf("%q is told as %q, want %q", message, got, want)
		}
	}
}

// TestEmptyPages holds that a new helpdesk's pages say what comes there, and nothing of what is not there.
func TestEmptyPages(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	for _, role := range []desk.Role{desk.RoleAgent, desk.RoleAdmin} {
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", role)}})
		b.wants(200, "/contacts", "No contacts yet", `href="/connections">To the connections`)(b.open("/contacts"))
		b.wants(200, "/domains", "Every domain has a company", "!No company lists these domains")(b.open("/domains"))
		b.wants(200, "/domains", "No domain is ambiguous", "!Contacts of these domains are left")(b.open("/domains?view=ambiguous"))
		companies := map[desk.Role][]string{desk.RoleAgent: {"An administrator makes them.", "!Make one"}, desk.RoleAdmin: {"Make one of a domain"}}
		b.wants(200, "/companies", companies[role]...)(b.open("/companies"))
	}
}
