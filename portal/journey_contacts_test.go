package portal_test

import (
	"fmt"
	"testing"

	"rollcall/desk"
	"rollcall/provision"
)

// TestJourneyProvisionOnDemand pushes a person while an agent looks at the list: they appear without a reload.
func TestJourneyProvisionOnDemand(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Sees("No contacts yet")
		v.Push(base, token, entraUser("7a1e", "<script>alert(1)</script> Kofi", "kofi@acme.example"))
		v.Sees("<script>alert(1)</script> Kofi")
		v.Check()
		v.Fill("Search", "nobody")
		v.Sees("No contact fits")
		v.Fill("Search", "kofi")
		v.Sees("kofi@acme.example")
		v.Check()
		v.Click("<script>alert(1)</script> Kofi")
		v.Sees("Directory / Sync", "7a1e")
	})
}

// staff fills the helpdesk main with people of two directories and some of none, and two companies.
func (v *visitor) staff() {
	v.Helper()
	agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann", Role: desk.RoleAdmin}
	bases, tokens := map[string]string{}, map[string]string{}
	for _, provider := range []string{"entra", "okta"} {
		bases[provider], tokens[provider] = v.Connect(v.T, "main", provider)
	}
	for name, domain := range map[string]string{"Acme": "acme.example", "Globex Corporation": "globex.example"} {
		if _, err := v.Engine.CreateCompany(v.Context(), agent, provision.CompanyEdit{Name: &name, Domains: &[]string{domain}}); err != nil {
			v.Fatal(err)
		}
	}
	for i, p := range []struct{ name, address string }{
		{"Kofi Adeyemi", "kofi.adeyemi@acme.example"}, {"Ines Moreau", "ines.moreau@globex.example"}, {"Tariq Haddad", "tariq@initech.example"},
		{"Wilhelmina von Oranienburg-Sachsenhausen", "wilhelmina.von.oranienburg-sachsenhausen@globex.example"}, {"Li Na", "li.na@acme.example"},
	} {
		if i == 1 || i == 4 {
			if _, err := v.Engine.CreateContact(v.Context(), agent, provision.ContactEdit{DisplayName: &p.name, Emails: &[]desk.Address{{Type: "work", Value: p.address}}}); err != nil {
				v.Fatal(err)
			}
		}
		if i < 4 {
			v.Push(bases["entra"], tokens["entra"], entraUser(fmt.Sprint("7a1e-", i), p.name, p.address))
		}
		if i == 0 {
			v.Push(bases["okta"], tokens["okta"], entraUser(fmt.Sprint("00u", i), p.name, p.address))
		}
	}
}

func TestJourneyBrowseContacts(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Fill("Company", "g")
		v.SeesNot("Kofi Adeyemi")
		v.Check()
	})
}
