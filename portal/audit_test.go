package portal_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestAuditPage reads in the audit log who did what, for one person and page by page; only administrators see it.
func TestAuditPage(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, token := s.Connect(t, "main", "entra")
		admin := arrive(t, s, "main", "ann@desk.example", desk.RoleAdmin)
		testkit.Call(t, "POST", base+"/Users", token, `{"userName":"ama@acme.example","displayName":"Ama"}`).Want(t, 201)
		kofi := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "<b>Kofi</b>"}
		name := "Yaw"
		c, err := s.Engine.CreateContact(t.Context(), kofi, provision.ContactEdit{DisplayName: &name})
		if err == nil {
			err = s.Engine.DeleteContact(t.Context(), kofi, c.ID, nil)
		}
		if err == nil {
			err = s.Engine.EraseContact(t.Context(), kofi, c.ID, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		admin.wants(200, "/agents", `href="/audit"`)(admin.open("/agents"))
		admin.wants(200, "/audit", "&lt;b&gt;Kofi", "!<b>Kofi", "erased", "a contact that is gone", `href="/connections/entra"`, "Agent ann: role", "!Ama", "!Yaw")(admin.open("/audit"))
		admin.wants(200, "/audit", "erased", "!Agent ann")(admin.open("/audit?actor=%3Cb%3EKofi%3C%2Fb%3E"))
		admin.wants(200, "/audit", "No event fits", `href="/audit"`)(admin.open("/audit?actor=nobody"))
		admin.wants(400, "/audit", "is no time", "!erased")(admin.open("/audit?from=soon"))
		if status, _, csv := admin.open("/audit.csv?actor=%3Cb%3EKofi%3C%2Fb%3E"); status != 200 || strings.Count(csv, "\n") != 4 {
			t.Errorf("the file is answered %d\n%s", status, csv)
		}

		for i := range 60 {
			name := fmt.Sprintf("Company %d", i)
			if _, err := s.Engine.CreateCompany(t.Context(), kofi, provision.CompanyEdit{Name: &name}); err != nil {
				t.Fatal(err)
			}
		}
		_, _, page := admin.open("/audit")
		_, rest, _ := strings.Cut(page, `<a class="button" href="/audit?before=`)
		before, _, _ := strings.Cut(rest, `"`)
		if strings.Count(page, "<tr id=") != 50 || before == "" {
			t.Fatalf("the first page has %d rows, and %q comes then", strings.Count(page, "<tr id="), before)
		}
		admin.wants(200, "/audit", "Company 9<", "!Company 10<", "erased", "Newest", "!Older")(admin.open("/audit?before=" + before))

		agent := arrive(t, s, "main", "esi@desk.example", desk.RoleAgent)
		for _, path := range []string{"/audit", "/audit.csv"} {
			if status, _, text := agent.open(path); status != 403 || strings.Contains(text, "erased") {
				t.Errorf("an agent opens %s: %d", path, status)
			}
		}
		s.Connect(t, "other", "entra")
		other := arrive(t, s, "other", "eve@desk.example", desk.RoleAdmin)
		other.wants(200, "/audit", "!erased", "!Kofi")(other.open("/audit"))
	})
}

// TestJourneyAudit finds out who erased somebody.
func TestJourneyAudit(t *testing.T) {
	journeys(t, func(v *visitor) {
		seedPages(v.T, v.Server)
		v.SignIn(desk.RoleAdmin)
		v.Open("/agents")
		v.Click("Audit log")
		v.Sees("What people did here", "Company’s domains")
		v.Check()
		v.Fill("Who", "system")
		v.SeesNot("Company’s domains")
		if got := v.Path(); got != "/audit?actor=system" {
			v.Errorf("the filter's address is %s", got)
		}
		v.Click("Clear")
		v.Sees("Company’s domains")
	})
}
