package portal_test

import (
	"fmt"
	"testing"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// TestJourneyUnmappedDomain makes a company of a domain that no company lists, and sees its contacts fill.
func TestJourneyUnmappedDomain(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		for i, address := range []string{"kofi@silver-field.example", "ama@silver-field.example", "esi@mail.beta.example", "yaw@gmail.com"} {
			v.Push(base, token, entraUser(fmt.Sprint("id", i), address, address))
		}
		v.SignIn(desk.RoleAdmin)
		v.Open("/companies")
		v.Sees("No companies yet")
		v.Click("Domains")
		v.Sees("silver-field.example", "Where anybody can have an address", "gmail.com")
		v.Click("Make a company of silver-field.example")
		v.Sees("Silver Field is there, and lists silver-field.example.", "addresses that end in @silver-field.example")
		v.Click("Its contacts")
		v.Sees("kofi@silver-field.example", "ama@silver-field.example", "Silver Field")

		// A subdomain goes to the same company, by way of its list.
		v.Open("/domains")
		v.SeesNot("silver-field.example")
		v.Click("Add to a company (mail.beta.example)")
		v.Sees("Choose the company that gets mail.beta.example")
		v.Click("Add here (Silver Field)")
		v.Sees("The company lists mail.beta.example now.")

		// What is no company's is refused at the field, and listed for who insists.
		v.Fill("Add a domain", "gmail.com")
		v.Click("Add")
		v.Sees("Anybody can have an address at gmail.com")
		v.Forgive()
		v.Click("List it all the same")
		v.Click("Add")
		v.Sees("The company lists gmail.com now.")
		v.Click("Remove gmail.com")
		v.Sees("The company no longer lists gmail.com.")

		// The name of what is deleted is typed.
		v.Click("Delete company")
		v.Fill("Type Silver Field to confirm", "Silver Field")
		v.Click("Delete this company")
		v.Sees("Silver Field is deleted.")
	})
}

// TestJourneyAmbiguousDomain settles whose a domain is that two companies list.
func TestJourneyAmbiguousDomain(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.company("Acme", "acme.example", "joint.example")
		v.company("Beta", "*.beta.example", "joint.example")
		v.Push(base, token, entraUser("1", "Ann", "ann@joint.example"))
		v.SignIn(desk.RoleAdmin)
		v.Open("/companies")
		v.Sees("Acme", "Beta", "*.beta.example", "joint.example")
		v.Fill("Search", "ET")
		v.SeesNot("Acme")
		v.Fill("Search", "c")
		v.Sees("Acme")
		v.Click("joint.example")
		v.Sees("Several companies list it", "1 contact without a company")
		v.Click("Keep it here (Acme)")
		v.Sees("joint.example is Acme’s alone.", "No domain is ambiguous")
		v.Open("/contacts")
		v.Sees("Ann", "Acme")
	})
}

// TestJourneyRescan looks at a rescan that goes on in the background, until it is done.
func TestJourneyRescan(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.Connect(v.T, "main", "entra")
		for i := range 16 { // of which the request does eight itself
			v.people(fmt.Sprintf("d%02d.example", i), 3)
		}
		v.company("Acme", "acme.example")
		v.SignIn(desk.RoleAdmin)
		v.Open("/companies")
		v.Click("Rescan")
		v.Click("Rescan all contacts")
		v.Sees("Mapping contacts to companies", "24 contacts looked at", "8 domains to go")
		if share := ask[int](v, `document.querySelector("progress").value`); share != 50 {
			v.Errorf("the bar is at %d %%", share)
		}
		if err := v.Engine.Rescan(v.Context()); err != nil {
			v.Fatal(err)
		}
		v.Sees("Contacts were last mapped to companies just now: 48 contacts looked at, 0 changed.")
		v.Check()
	})
}

// company makes a company of the tenant main.
func (v *visitor) company(name string, domains ...string) string {
	v.Helper()
	c, err := v.Engine.CreateCompany(v.Context(), provision.System("main"), provision.CompanyEdit{Name: &name, Domains: &domains})
	if err != nil {
		v.Fatal(err)
	}
	return c.ID
}

// people adds contacts of a domain without going through requests.
func (v *visitor) people(domain string, n int) {
	v.Helper()
	err := v.Store.Tx(v.Context(), func(tx *store.Tx) error {
		for range n {
			c := desk.Contact{TenantID: "main", ID: store.NewID(), Status: desk.Active, CompanyReason: desk.CompanyNoMatch, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			c.SetProfile(desk.Profile{DisplayName: "Somebody"}, domain)
			if err := tx.CreateContact(&c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		v.Fatal(err)
	}
}
