package portal_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/portal"
	"rollcall/provision"
)

// office is a helpdesk main with one agent, who has a browser.
type office struct {
	*browser
	*testkit.Server
	agent desk.Actor
}

func offices(t *testing.T, f func(o office)) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		f(office{b, s, desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann", Role: desk.RoleAgent}})
	})
}

func (o office) company(name string) string {
	o.Helper()
	c, err := o.Engine.CreateCompany(o.Context(), o.agent, provision.CompanyEdit{Name: &name})
	if err != nil {
		o.Fatal(err)
	}
	return c.ID
}

func (o office) add(edit provision.ContactEdit) string {
	o.Helper()
	c, err := o.Engine.CreateContact(o.Context(), o.agent, edit)
	if err != nil {
		o.Fatal(err)
	}
	return c.ID
}

func (o office) contact(id string) provision.ContactView {
	o.Helper()
	c, err := o.Engine.Contact(o.Context(), o.agent, id)
	if err != nil {
		o.Fatal(err)
	}
	return c
}

// sends posts a form and fails unless the answer has the status and holds the text.
func (o office) sends(path string, form url.Values, status int, text string) {
	o.Helper()
	got, _, page := o.post(path, form)
	if got != status || !strings.Contains(page, text) {
		o.Errorf("%s %v: status %d, want %d, showing %q:\n%s", path, form, got, status, text, page)
	}
}

// TestCompanyWords holds how pages say why a contact has no company, and domains in letters of their own.
func TestCompanyWords(t *testing.T) {
	offices(t, func(o office) {
		name, domains := "Bücher", []string{"xn--bcher-kva.example"}
		company, err := o.Engine.CreateCompany(o.Context(), o.agent, provision.CompanyEdit{Name: &name, Domains: &domains})
		if err != nil {
			o.Fatal(err)
		}
		o.wants(200, "/companies", ">bücher.example<", "!>xn--")(o.open("/companies"))
		o.wants(200, "/companies/"+company.ID, ">bücher.example<", "!>xn--")(o.open("/companies/" + company.ID))
		for text, emails := range map[string][]desk.Address{
			"No work email address":              nil,
			"No company lists the email domain.": {{Type: "work", Value: "ama@acme.example"}},
		} {
			id := o.add(provision.ContactEdit{DisplayName: &name, Emails: &emails})
			o.wants(200, "/contacts/"+id, text)(o.open("/contacts/" + id))
		}
	})
}

// TestContactForms sends the forms of contacts with good and bad values.
func TestContactForms(t *testing.T) {
	offices(t, func(o office) {
		acme := o.company("Acme")
		o.company("Acme Labs")
		name := "Kofi"
		id := o.add(provision.ContactEdit{DisplayName: &name})
		at := "/contacts/" + id
		company := func(want string, reason desk.CompanyReason) {
			o.Helper()
			if c := o.contact(id); c.CompanyID != want || c.CompanyReason != reason {
				o.Errorf("the company is %q, %s", c.CompanyID, c.CompanyReason)
			}
		}
		o.sends(at+"/company", url.Values{"to": {""}}, 400, "Type a company’s name.")
		o.sends(at+"/company", url.Values{"to": {"ac"}}, 400, "Which company do you mean by “ac”: Acme, Acme Labs? Type the whole name.")
		o.sends(at+"/company", url.Values{"to": {"<b>"}}, 400, "No company’s name begins with “&lt;b&gt;”.")
		o.sends(at+"/company", url.Values{"to": {"\x00"}}, 400, "characters that no text can")
		company("", desk.CompanyNoMatch)
		o.sends(at+"/company", url.Values{"to": {" ACME "}}, 200, "Set by hand; sync leaves it.")
		company(acme, desk.CompanyManual)
		o.sends(at+"/company", url.Values{"do": {"none"}}, 200, "The contact has no company")
		company("", desk.CompanyManual)
		o.sends(at+"/company", url.Values{"to": {acme}, "do": {"company"}}, 200, "The company is Acme")
		o.sends(at+"/company", url.Values{"do": {"auto"}}, 200, "sync’s again")
		company("", desk.CompanyNoMatch)

		o.sends(at+"/erase", url.Values{"name": {"Kofi"}}, 409, "delete it first")
		o.sends(at+"/delete", nil, 200, "Deleted <time")
		o.sends(at+"/restore", nil, 200, "Kofi is active again.")
		o.sends(at+"/delete", nil, 200, "by test")
		o.sends(at+"/erase", url.Values{"name": {"kofi"}}, 400, "Nothing has been erased.")
		o.sends(at+"/erase", url.Values{"name": {" Kofi"}}, 200, "erased for good")
		o.sends(at+"/erase", url.Values{"name": {"Kofi"}}, 404, "No contact with this id.")
		for _, path := range []string{"/company", "/delete", "/restore", "/edit"} {
			o.sends(at+path, url.Values{"do": {"auto"}}, 404, "No contact with this id.")
		}
	})
}

// TestBulkForm changes contacts that were chosen in a list.
func TestBulkForm(t *testing.T) {
	offices(t, func(o office) {
		acme := o.company("Acme")
		var chosen []string
		for i := range 3 {
			name := fmt.Sprint("Kofi ", i)
			chosen = append(chosen, o.add(provision.ContactEdit{DisplayName: &name}))
		}
		bulk := func(status int, text, do, to string, chosen ...string) {
			o.Helper()
			o.sends("/contacts/bulk", url.Values{"do": {do}, "to": {to}, "contact": chosen, "query": {"status=all&q=kofi"}}, status, text)
		}
		bulk(400, "Choose what to do", "", "", chosen...)
		bulk(400, "Choose up to 50 contacts.", "delete", "")
		bulk(400, "Choose up to 50 contacts.", "delete", "", make([]string, 51)...)
		bulk(400, "Type a company’s name.", "company", "", chosen...)
		bulk(400, `value="`+chosen[1], "company", "nobody", chosen[1])
		bulk(200, "2 contacts set to Acme.", "company", "ac", chosen[:2]...)
		if c := o.contact(chosen[1]); c.CompanyID != acme || c.CompanyReason != desk.CompanyManual || o.contact(chosen[2]).CompanyID != "" {
			o.Errorf("the company is %q, %s", c.CompanyID, c.CompanyReason)
		}
		if _, _, page := o.open("/companies"); !strings.Contains(page, `<a href="/contacts?company=`+acme+`">2</a>`) {
			o.Errorf("the companies do not tell how many contacts they have: %s", page)
		}
		bulk(200, "3 contacts given back to sync.", "auto", "", chosen...)
		bulk(200, "1 contact deleted. 1 was refused:", "delete", "", chosen[0], "nobody")
		if o.contact(chosen[0]).Status != desk.SoftDeleted {
			o.Error("the contact is not deleted")
		}
		bulk(200, "1 contact restored.", "restore", "", chosen[0])
		bulk(200, "3 contacts deleted.", "delete", "", chosen...)
		bulk(200, `Deleted <span class="tally">3</span>`, "delete", "", chosen...)
		o.sends("/deleted", nil, 400, "Choose up to 50 contacts.")
		o.sends("/deleted", url.Values{"contact": {chosen[0], "nobody"}}, 200, "1 contact restored. 1 was refused:")
		o.sends("/deleted", url.Values{"contact": chosen[1:]}, 200, "2 contacts restored.")
		o.sends("/contacts/bulk", url.Values{"query": {"%"}}, 400, "The form cannot be read.")
	})
}

// TestEditForm edits a contact with custom fields of each kind. What is saved as it stands changes nothing.
func TestEditForm(t *testing.T) {
	offices(t, func(o office) {
		admin := o.agent
		admin.Role = desk.RoleAdmin
		for _, f := range []desk.Field{
			{Name: "floor", Type: desk.FieldNumber}, {Name: "since", Type: desk.FieldDate}, {Name: "remote", Type: desk.FieldBoolean}, {Name: "plan", Type: desk.FieldChoice, Choices: []string{"Gold", "Silver"}, Required: true},
			{Name: "tags", Type: desk.FieldText, Multiple: true}, {Name: "areas", Type: desk.FieldChoice, Choices: []string{"north", "south"}, Multiple: true},
		} {
			if err := o.Engine.CreateField(o.Context(), admin, f); err != nil {
				t.Fatal(err)
			}
		}
		form := url.Values{
			"displayName": {"Amara"}, "userName": {"amara"}, "title": {"Lead"}, "email": {"", "amara@acme.example", "a@home.example"}, "emailType": {"work", "work", "home"}, "emailPrimary": {"2"},
			"phone": {"+1", ""}, "phoneType": {"mobile", "work"}, "field.floor": {"7.5"}, "field.since": {"2026-01-31"}, "field.remote": {"false"}, "field.tags": {"one\r\n\r\n two "}, "field.areas": {"north", "south"},
		}
		o.sends("/contacts/new", form, 400, "Plan is required.")
		form.Set("field.plan", "Bronze")
		o.sends("/contacts/new", form, 400, `value="amara@acme.example"`)
		form.Set("field.plan", "Gold")
		_, address, _ := o.post("/contacts/new", form)
		id := strings.TrimPrefix(address, "/contacts/")
		c := o.contact(id)
		want := desk.Profile{
			DisplayName: "Amara", UserName: "amara", Title: "Lead", Emails: []desk.Address{{Type: "work", Value: "amara@acme.example"}, {Type: "home", Value: "a@home.example", Primary: true}},
			Phones: []desk.Address{{Type: "mobile", Value: "+1"}},
			Fields: map[string]any{"floor": 7.5, "since": "2026-01-31T00:00:00Z", "remote": false, "plan": "Gold", "tags": []any{"one", "two"}, "areas": []any{"north", "south"}},
		}
		if diff := cmp.Diff(want, c.Profile); diff != "" {
			t.Fatalf("the new contact (-want +got):\n%s", diff)
		}
		_, _, page := o.open(address + "/edit")
		o.sends(address+"/edit", asItStands(t, page), 200, "Saved.")
		if again := o.contact(id); !again.ModifiedAt.Equal(c.ModifiedAt) {
			t.Errorf("saving the form as it stands changes the contact (-before +after):\n%s", cmp.Diff(c.Contact, again.Contact))
		}

		// Somebody else changes the contact meanwhile: it is said, and the second time what is typed goes over it.
		title := "Boss"
		if _, err := o.Engine.EditContact(t.Context(), o.agent, id, nil, provision.ContactEdit{Title: &title}); err != nil {
			t.Fatal(err)
		}
		form = asItStands(t, page)
		form.Set("title", "Head")
		status, _, page := o.post(address+"/edit", form)
		if status != 412 || !strings.Contains(page, "changed while you were writing") || asItStands(t, page).Get("title") != "Head" {
			t.Errorf("a form over somebody else's change: %d", status)
		}
		o.sends(address+"/edit", asItStands(t, page), 200, "<del>Boss</del>")
		form = asItStands(t, page)
		form.Del("field.tags")
		form.Set("field.remote", "")
		_, _, page = o.open(address + "/edit")
		form.Set("modified", asItStands(t, page).Get("modified"))
		o.sends(address+"/edit", form, 200, "Saved.")
		if fields := o.contact(id).Fields; fields["tags"] != nil || fields["remote"] != nil || fields["floor"] != 7.5 {
			t.Errorf("the fields are %v", fields)
		}
	})
}

// asItStands is what a browser sends of a page's form of a contact.
func asItStands(t *testing.T, text string) url.Values {
	t.Helper()
	page, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for n := range page.Descendants() {
		name, value := attribute(n, "name"), attribute(n, "value")
		switch {
		case name == "" || n.Type != html.ElementNode:
		case n.Data == "input" && (attribute(n, "type") != "radio" || has(n, "checked")):
			form.Add(name, value)
		case n.Data == "textarea" && n.FirstChild != nil:
			form.Add(name, n.FirstChild.Data)
		case n.Data == "select":
			first, chosen := "", false
			for o := range n.ChildNodes() {
				text := attribute(o, "value")
				if o.Data == "option" && !has(o, "value") {
					text = o.FirstChild.Data
				}
				if o.Data == "option" && has(o, "selected") {
					form.Add(name, text)
					chosen = true
				} else if o.Data == "option" && first == "" {
					first = text
				}
			}
			if !chosen && !has(n, "multiple") {
				form.Add(name, first)
			}
		}
	}
	return form
}

// has reports whether an element has an attribute.
func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// TestOtherTenantsContacts tries all that can be done to a contact as another tenant's administrator.
func TestOtherTenantsContacts(t *testing.T) {
	offices(t, func(o office) {
		name := "Kofi"
		id := o.add(provision.ContactEdit{DisplayName: &name})
		if err := o.Engine.DeleteContact(t.Context(), o.agent, id, nil); err != nil {
			t.Fatal(err)
		}
		o.Connect(t, "other", "entra")
		foreign := newBrowser(t, o.URL)
		foreign.post("/signin", url.Values{"token": {o.Token(t, "other", desk.RoleAdmin)}})
		for _, path := range []string{"", "/edit", "/erase"} {
			if status, _, text := foreign.open("/contacts/" + id + path); status != 404 || strings.Contains(text, name) {
				t.Errorf("GET %s: %d", path, status)
			}
		}
		for _, path := range []string{"/edit", "/company", "/delete", "/restore", "/erase"} {
			if status, _, _ := foreign.post("/contacts/"+id+path, url.Values{"name": {name}, "displayName": {"x"}, "do": {"none"}}); status != 404 {
				t.Errorf("POST %s: %d", path, status)
			}
		}
		foreign.post("/contacts/bulk", url.Values{"do": {"restore"}, "contact": {id}})
		foreign.post("/deleted", url.Values{"contact": {id}})
		if c := o.contact(id); c.Status != desk.SoftDeleted || c.DisplayName != name {
			t.Errorf("the contact is %+v", c)
		}
	})
}

func TestPlural(t *testing.T) {
	for want, n := range map[string]any{
		"0 contacts": 0, "1 contact": 1, "1,234 contacts": 1234, "2 contacts": desk.Count{N: 2}, "1,000+ contacts": desk.Count{N: 1000, More: true},
	} {
		if got := portal.Plural(n, "contact", "contacts"); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
	if got := portal.Plural(desk.Count{N: 1}, "contact", "contacts"); got != "1 contact" {
		t.Error(got)
	}
}
