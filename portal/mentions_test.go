package portal_test

import (
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestMentionedContacts holds that the contacts which somebody could be are named where the log tells of it, with links to them as long as
// they are there.
func TestMentionedContacts(t *testing.T) {
	offices(t, func(o office) {
		emails := &[]desk.Address{{Type: "work", Value: "kofi@acme.example"}}
		one := o.add(provision.ContactEdit{DisplayName: new("One & <b>only</b>"), Emails: emails})
		two := o.add(provision.ContactEdit{DisplayName: new("Two"), Emails: emails})
		made := o.push("kofi", "kofi@acme.example")
		events, err := o.Engine.ContactEvents(o.Context(), o.agent, made, "", 1)
		if err != nil || len(events) != 1 || events[0].Reason != "ambiguous_match" {
			o.Fatalf("the event is %v, %v", events, err)
		}
		pages := []string{"/contacts/" + made, "/log/entra/" + events[0].ID}
		links := map[string]string{one: `contact <a href="/contacts/` + one + `">One &amp; &lt;b&gt;only&lt;/b&gt;</a>`, two: `contact <a href="/contacts/` + two + `">Two</a>`}
		for _, page := range pages {
			o.wants(200, page, "by email it could be contact ", links[one], links[two])(o.open(page))
		}
		if err := o.Engine.DeleteContact(o.Context(), o.agent, one, nil); err != nil {
			o.Fatal(err)
		}
		o.wants(200, pages[1], links[one])(o.open(pages[1])) // who rests in Deleted contacts is there
		if err := o.Engine.EraseContact(o.Context(), o.agent, one, nil); err != nil {
			o.Fatal(err)
		}
		for _, page := range pages {
			o.wants(200, page, "contact "+one, "!"+links[one], "!only", links[two])(o.open(page))
		}
		for what, found := range map[string]int{
			"": 1, "no contact": 1, "contact " + two: 3, "contact " + two + " or contact " + one + "; and so on": 5,
			"contact " + strings.ToUpper(two): 1, two: 1, "contact " + two + "a": 1, "subcontact " + two: 1,
		} {
			if pieces := provision.Mentions(what); len(pieces) != found || strings.Join(pieces, "") != what {
				o.Errorf("%q is cut into %q", what, pieces)
			}
		}

		// So is the one about whom an agent is asked.
		three := o.add(provision.ContactEdit{DisplayName: new("Three"), UserName: new("three")})
		system := provision.System("main")
		err = o.Engine.CreateConnection(o.Context(), system, &desk.Connection{Slug: "okta", Provider: "okta"})
		if err == nil {
			_, err = o.Engine.EditConnection(o.Context(), system, "okta", provision.ConnectionEdit{Settings: []byte(`{"adopt":"ask"}`)})
		}
		if err != nil {
			o.Fatal(err)
		}
		asks := testkit.Directory("main", "okta")
		if c, err := o.Engine.Connection(o.Context(), system, "okta"); err != nil {
			o.Fatal(err)
		} else {
			asks.Directory.Connection = c
		}
		if _, err := o.Engine.CreateUser(o.Context(), asks, desk.Resource{"userName": "three", "active": true}); err != nil {
			o.Fatal(err)
		}
		log, err := o.Engine.ConnectionEvents(o.Context(), system, "okta", provision.EventQuery{Operations: []desk.Operation{desk.OpCreate}, Outcomes: []desk.Outcome{desk.Skipped}, Limit: 1})
		if err != nil || len(log) != 1 {
			o.Fatalf("the log has %v, %v", log, err)
		}
		page := "/log/okta/" + log[0].ID
		o.wants(200, page, `by userName it may be contact <a href="/contacts/`+three+`">Three</a>`)(o.open(page))
	})
}
