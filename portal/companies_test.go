package portal_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

func TestCompanyPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, token := s.Connect(t, "main", "entra")
		for _, address := range []string{"a@new.example", "b@new.example", "c@joint.example", "d@gmail.com"} {
			testkit.Call(t, "POST", base+"/Users", token, `{"userName":"`+address+`"}`).Want(t, 201)
		}
		create := func(name string, domains ...string) string {
			t.Helper()
			c, err := s.Engine.CreateCompany(t.Context(), provision.System("main"), provision.CompanyEdit{Name: &name, Domains: &domains})
			if err != nil {
				t.Fatal(err)
			}
			return c.ID
		}
		acme, odd := create("Acme", "acme.example", "joint.example"), create("<script>alert(1)</script>", "joint.example", "*.odd.example")
		domainsOf := func(id string) []string {
			c, err := s.Engine.Company(t.Context(), provision.System("main"), id)
			if err != nil {
				t.Fatal(err)
			}
			return c.Domains
		}
		as := func(tenant string, role desk.Role) *browser {
			b := newBrowser(t, s.URL)
			b.post("/signin", url.Values{"token": {s.Token(t, tenant, role)}})
			return b
		}
		check := func(what string, status, want int, text string, parts ...string) {
			t.Helper()
			if status != want {
				t.Errorf("%s: status %d, want %d", what, status, want)
			}
			for _, part := range parts {
				if absent, not := strings.CutPrefix(part, "!"); not == strings.Contains(text, strings.TrimPrefix(part, "!")) {
					t.Errorf("%s: %q (absent: %v)", what, absent, not)
				}
			}
			if strings.Contains(text, "<script>") || strings.Contains(text, "style=") {
				t.Errorf("%s does not escape", what)
			}
		}
		agent, admin := as("main", desk.RoleAgent), as("main", desk.RoleAdmin)
		opens := func(b *browser, path string, want int, parts ...string) {
			t.Helper()
			status, _, text := b.open(path)
			check(path, status, want, text, parts...)
		}
		posts := func(b *browser, path string, form url.Values, want int, to string, parts ...string) {
			t.Helper()
			status, address, text := b.post(path, form)
			check(path, status, want, text, parts...)
			if address != to {
				t.Errorf("%s leads to %s, want %s", path, address, to)
			}
		}

		// What agents see, and may not do.
		opens(agent, "/companies", 200, "Acme", "&lt;script&gt;alert(1)", "*.odd.example", "!New company", "!Rescan")
		opens(agent, "/companies?q=CME", 200, "Acme", "!alert(1)")
		opens(agent, "/companies?after=acme", 200, "No companies yet", "!>Acme<")
		opens(agent, "/companies?q=%25", 200, "No company’s name holds", "!>Acme<")
		opens(agent, "/companies/"+odd, 200, "all subdomains of odd.example", "Also listed by <a href=\"/companies/"+acme+"\">Acme</a>", "!Remove", "!Delete company")
		opens(agent, "/domains", 200, "new.example", ">2</a>", "gmail.com", "!joint.example", "!Make a company")
		opens(agent, "/domains?view=ambiguous", 200, "joint.example", "1 contact without a company", "An administrator can say", "!Keep it here")
		opens(agent, "/companies/new", 403)
		for _, path := range []string{"/companies", "/companies/rescan", "/companies/" + acme, "/companies/" + acme + "/domains", "/companies/" + acme + "/domains/remove", "/companies/" + acme + "/delete", "/domains/company", "/domains/settle"} {
			posts(agent, path, url.Values{"name": {"x"}, "domain": {"x.example"}, "company": {acme}, "confirm": {"Acme"}}, 403, path, "Only administrators")
		}

		// New companies.
		status, address, text := admin.post("/companies", url.Values{"name": {"Beta"}, "domains": {"beta.example, *.beta.example\r\n"}})
		check("a new company", status, 200, text, "Beta is there.", "beta.example", "*.beta.example")
		if !strings.HasPrefix(address, "/companies/") {
			t.Errorf("a new company leads to %s", address)
		}
		posts(admin, "/companies", url.Values{"name": {"beta"}}, 409, "/companies", "A company named beta exists already.", `value="beta"`)
		posts(admin, "/companies", url.Values{"name": {" "}}, 400, "/companies", "Give the company a name")
		posts(admin, "/companies", url.Values{"name": {"Gamma"}, "domains": {"*.co.uk"}}, 400, "/companies", "public suffix", "*.co.uk</textarea>")
		posts(admin, "/companies", url.Values{"name": {"Gamma"}, "domains": {"<script>"}}, 400, "/companies", "is not a domain name")
		posts(admin, "/companies", url.Values{"name": {"Gamma"}, "domains": {"gamma.example, gmail.com"}}, 400, "/companies", "Anybody can have an address at gmail.com", "List it all the same")

		posts(admin, "/companies", url.Values{"name": {"Gamma"}, "domains": {"gamma.example\r\nnot a domain"}}, 400, "/companies", "&#34;not a domain&#34; is not a domain name")
		posts(admin, "/companies", url.Values{"name": {"Gamma"}, "domains": {"ACME.example"}}, 400, "/companies", "The domain acme.example is listed by Acme: listed by both", "List it all the same")

		// Domains.
		posts(admin, "/companies/"+odd+"/domains", url.Values{"domain": {"acme.example"}}, 400, "/companies/"+odd+"/domains", "The domain acme.example is listed by Acme", `name="insist"`)
		posts(admin, "/companies/"+odd+"/domains", url.Values{"domain": {"acme.example"}, "insist": {"yes"}}, 200, "/companies/"+odd, "Also listed by")
		posts(admin, "/companies/"+odd+"/domains", url.Values{"domain": {"acme.example"}}, 200, "/companies/"+odd)
		posts(admin, "/companies/"+odd+"/domains/remove", url.Values{"domain": {"acme.example"}}, 200, "/companies/"+odd)
		testkit.Call(t, "POST", base+"/Users", token, `{"userName":"e@eu.acme.example"}`).Want(t, 201)
		opens(admin, "/domains", 200, `formaction="/companies/`+acme+`/domains" formnovalidate>Add to Acme`, `value="New"`, `!value="Acme"`)
		posts(admin, "/companies/"+acme+"/domains", url.Values{"domain": {"*.com"}}, 400, "/companies/"+acme+"/domains", "public suffix", `value="*.com"`)
		posts(admin, "/companies/"+acme+"/domains", url.Values{"domain": {"gmail.com"}}, 400, "/companies/"+acme+"/domains", "Anybody can have an address")
		posts(admin, "/companies/"+acme+"/domains", url.Values{"domain": {"gmail.com"}, "insist": {"yes"}}, 200, "/companies/"+acme, "The company lists gmail.com now.")
		posts(admin, "/companies/"+acme+"/domains/remove", url.Values{"domain": {"gmail.com"}}, 200, "/companies/"+acme, "no longer lists gmail.com")
		posts(admin, "/domains/company", url.Values{"domain": {"new.example"}, "name": {"Acme"}}, 409, "/domains/company", "A company named Acme exists already.", `value="Acme"`)
		posts(admin, "/domains/settle", url.Values{"domain": {"joint.example"}, "company": {"nobody"}}, 404, "/domains/settle", "No company with this id")
		posts(admin, "/domains/settle", url.Values{"domain": {"joint.example"}, "company": {odd}}, 200, "/domains", "No domain is ambiguous")
		if got := domainsOf(acme); !slices.Equal(got, []string{"acme.example"}) {
			t.Errorf("Acme lists %v", got)
		}

		// The rest of a company.
		posts(admin, "/companies/"+odd, url.Values{"name": {"acme"}}, 409, "/companies/"+odd, "A company named acme exists already.", `value="acme"`)
		posts(admin, "/companies/"+odd, url.Values{"name": {"Odd & Sons"}}, 200, "/companies/"+odd, "Renamed.", "<h1>Odd &amp; Sons</h1>")
		posts(admin, "/companies/"+odd+"/delete", url.Values{"confirm": {"odd"}}, 400, "/companies/"+odd+"/delete", "type its name: Odd &amp; Sons")
		posts(admin, "/companies/rescan", nil, 200, "/companies", "Contacts were last mapped")
		opens(admin, "/companies/nobody", 404)
		opens(admin, "/companies?after=%00", 400)

		// Another tenant's administrator.
		s.Connect(t, "other", "entra")
		other := as("other", desk.RoleAdmin)
		opens(other, "/companies", 200, "No companies yet")
		opens(other, "/domains", 200, "!new.example")
		for path, form := range map[string]url.Values{"": {"name": {"Mine"}}, "/domains": {"domain": {"mine.example"}}, "/domains/remove": {"domain": {"acme.example"}}, "/delete": {"confirm": {"Acme"}}} {
			posts(other, "/companies/"+acme+path, form, 404, "/companies/"+acme+path)
		}
		posts(other, "/domains/settle", url.Values{"domain": {"joint.example"}, "company": {acme}}, 404, "/domains/settle")
		posts(admin, "/companies/"+odd+"/delete", url.Values{"confirm": {"Odd & Sons"}}, 200, "/companies", "Odd &amp; Sons is deleted.", "Acme")
	})
}

// TestAddressesOfForms opens by hand the address at which a form stands that was shown again: it leads to the form's page.
func TestAddressesOfForms(t *testing.T) {
	offices(t, func(o office) {
		id := o.company("Acme")
		for address, page := range map[string]string{
			"/companies/" + id + "/domains": "/companies/" + id, "/connections/entra/scope": "/connections/entra", "/domains/company": "/domains",
			"/account/password": "/account", "/companies/rescan": "/companies/rescan",
		} {
			want := 200
			if page == address { // what looks like a company
				want = 404
			}
			if status, led, _ := o.open(address); led != page || status != want {
				o.Errorf("%s leads to %s with %d, want %s with %d", address, led, status, page, want)
			}
		}
	})
}
