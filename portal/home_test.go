package portal_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

func TestHome(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		system := provision.System("main")
		must(s.Engine.CreateTenant(t.Context(), "main", ""))
		home := func(role desk.Role, parts ...string) {
			t.Helper()
			b := newBrowser(t, s.URL)
			status, address, text := b.post("/signin", url.Values{"token": {s.Token(t, "main", role)}})
			if status != 200 || address != "/" {
				t.Fatalf("signing in leads to %s: %d", address, status)
			}
			for _, part := range parts {
				if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, strings.TrimPrefix(part, "!")) {
					t.Errorf("to %s the home page holds %q (absent: %v)", role, absent, not)
				}
			}
		}
		home(desk.RoleAdmin, "No directory is connected yet", `href="/connections/new"`)
		home(desk.RoleAgent, "No directory is connected yet", `!href="/connections/new"`)

		person := func(address string) {
			t.Helper()
			_, err := s.Engine.CreateContact(t.Context(), system, provision.ContactEdit{DisplayName: &address, Emails: &[]desk.Address{{Value: address}}})
			must(err)
		}
		person("kofi@one.example")
		home(desk.RoleAdmin, "1 contact of 1 domain has no company", `No company lists these: <a href="/domains#u-one.example">one.example</a> (1).`, "Make companies", "No directory is connected yet")
		for _, address := range []string{"a@two.example", "b@two.example", "a@three.example", "a@xn--bcher-kva.example", "x@gmail.com"} {
			person(address)
		}
		home(desk.RoleAgent, "5 contacts of 4 domains have no company", `<a href="/domains#u-two.example">two.example</a> (2), <a href="/domains#u-one.example">one.example</a> (1), `, " and others.",
			"Look at them", "!Make companies", "!gmail.com")
		for _, domain := range []string{"one.example", "two.example", "three.example", "xn--bcher-kva.example"} {
			_, err := s.Engine.CreateCompany(t.Context(), system, provision.CompanyEdit{Name: &domain, Domains: &[]string{domain}})
			must(err)
		}

		base, token := s.Connect(t, "main", "entra")
		home(desk.RoleAgent, "1 connection is not set up yet", "nothing has come from the directory yet", `href="/connections/entra/setup"`, "!Nothing needs you")
		testkit.Call(t, "GET", base+"/Users?count=1", token, nil).Want(t, 200)
		must(s.Store.WriteActivity(t.Context()))
		home(desk.RoleAgent, "Nothing needs you", "All connections do well", "each domain has its company", "!No directory is connected")
		name, paused := "<script>", true
		_, err := s.Engine.EditConnection(t.Context(), system, "entra", provision.ConnectionEdit{Name: &name, Settings: []byte(`{"adopt":"ask"}`)})
		must(err)
		other := "Ama"
		_, err = s.Engine.CreateContact(t.Context(), system, provision.ContactEdit{DisplayName: &other, UserName: &other})
		must(err)
		testkit.Call(t, "POST", base+"/Users", token, `{"userName":"ama"}`).Want(t, 201)
		for range 3 {
			testkit.Call(t, "POST", base+"/Users", token, `{"userName":"AMA"}`).Want(t, 409)
		}
		for i, domains := range [][]string{{"a.example", "b.example", "c.example", "d.example"}, {"a.example", "b.example", "c.example", "d.example"}} {
			name := fmt.Sprint("Company ", i)
			_, err := s.Engine.CreateCompany(t.Context(), system, provision.CompanyEdit{Name: &name, Domains: &domains})
			must(err)
		}
		_, err = s.Engine.EditConnection(t.Context(), system, "entra", provision.ConnectionEdit{Paused: &paused})
		must(err)
		must(s.Engine.CreateConnection(t.Context(), system, &desk.Connection{Slug: "bare", Provider: "okta"}))
		home(desk.RoleAdmin, "3 records were refused", "1 person waits for an answer", "Several domains are ambiguous", "a.example, b.example, c.example and others",
			"Paused", "&lt;script&gt;", "!<script>", "1 connection is not set up yet", `href="/connections/bare/setup"`, `href="/connections/entra/held?reason=adoption"`, `href="/domains?view=ambiguous"`, "connection=entra&amp;from=20", "!Nothing needs you")
		home(desk.RoleAgent, "1 connection is not set up yet", "!/tokens")
		must(s.Engine.CreateConnection(t.Context(), system, &desk.Connection{Slug: "empty", Provider: "zoho"}))
		home(desk.RoleAdmin, "2 connections are not set up yet", "bare, empty: nothing has come", "!No secret token")
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
		if _, _, text := b.open("/"); strings.Index(text, "not set up yet") < strings.Index(text, "Several domains are ambiguous") {
			t.Error("what is not set up yet does not stand last")
		}
		if _, _, text := b.open("/connections"); !strings.Contains(text, "Not set up yet") || !strings.Contains(text, `href="/connections/bare/setup"`) || strings.Count(text, `class="chart"`) != 1 {
			t.Error("connections that are not set up look as if they were")
		}

		// What is older than a day waits for nobody; what happened since a page was opened is not there yet.
		attention, err := s.Engine.Attention(t.Context(), system, time.Now().Add(time.Minute))
		must(err)
		if got := attention["entra"]; got.Refused != 0 || !got.LastRefused.IsZero() || got.Held != 1 || len(attention) != 3 {
			t.Errorf("attention is %+v", attention)
		}

		b = newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		if status, _, text := b.open("/connections/entra/held"); status != 200 || !strings.Contains(text, "ama") {
			t.Errorf("the held page: %d", status)
		}
		if status, _, _ := b.open("/connections/nobody/held"); status != 404 {
			t.Errorf("held of no connection: %d", status)
		}
		s.Connect(t, "other", "okta")
		foreign := newBrowser(t, s.URL)
		_, _, text := foreign.post("/signin", url.Values{"token": {s.Token(t, "other", desk.RoleAdmin)}})
		if strings.Contains(text, "were refused") || strings.Contains(text, "a.example") {
			t.Error("another tenant sees what waits")
		}
		if status, _, _ := foreign.open("/connections/entra/held"); status != 404 {
			t.Errorf("another tenant's held: %d", status)
		}
	})
}
