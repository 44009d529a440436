package portal_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"rollcall/desk"
	"rollcall/internal/testkit"
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
		v.Sees("Directory / Sync", "7a1e", "A directory’s value")
	})
}

// staff fills the helpdesk main with people of two directories and some of none, and two companies.
func (v *visitor) staff() {
	v.Helper()
	agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann", Role: desk.RoleAdmin}
	bases, tokens := map[string]string{}, map[string]string{}
	v.Connect(v.T, "main", "other")
	for slug, name := range map[string]string{"entra": "Staff", "okta": "Partners"} {
		err := v.Engine.CreateConnection(v.Context(), agent, &desk.Connection{Slug: slug, Name: name, Provider: slug})
		if err == nil {
			tokens[slug], err = v.Auth.Issue(v.Context(), agent, &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: slug})
		}
		if err != nil {
			v.Fatal(err)
		}
		bases[slug] = v.URL + "/scim/main/" + slug
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

// TestJourneyBrowseContacts looks for people by tabs and filters.
func TestJourneyBrowseContacts(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Fill("Company", "g")
		v.SeesNot("Kofi Adeyemi")
		v.Sees("Ines Moreau")
		v.Fill("Company", "ac")
		v.SeesNot("Ines Moreau")
		v.Sees("Kofi Adeyemi", "Li Na")
		v.Choose("Connection", "Partners")
		v.SeesNot("Li Na")
		v.Fill("Company", "nobody")
		v.Sees("No company’s name begins with")
		v.Fill("Company", "")
		v.Sees("Kofi Adeyemi")
		v.Choose("Connection", "Any connection")
		v.Fill("Domain", "initech.example")
		v.SeesNot("Kofi Adeyemi")
		v.Sees("Tariq Haddad")
		v.Fill("Domain", "")
		v.Sees("Li Na")
		v.Click("Unsynced")
		v.SeesNot("Tariq Haddad")
		v.Sees("Li Na", "not synced")
		v.Click("Verified")
		v.SeesNot("Li Na")
		v.Sees("Ines Moreau")
	})
}

// TestJourneyBulk changes several contacts by the keyboard alone: along the boxes with Tab, chosen with Space, which survives renewals.
func TestJourneyBulk(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Focus("Choose Li Na")
		v.Press(kb.Enter, " ", kb.Tab, kb.Tab, kb.Tab, " ")
		v.Sees("2 chosen")
		v.Check()
		v.Focus("Choose Tariq Haddad")
		v.Press(" ")
		v.Sees("3 chosen")
		v.Focus("Company to set")
		v.Press("s", "p", "r", kb.Enter)
		v.Sees("No company’s name begins with “spr”.")
		v.Forgive()
		v.Fill("Company to set", "glo")
		v.Press(kb.Enter)
		v.Sees("3 contacts set to Globex Corporation.")
		v.Focus("Choose Li Na")
		v.Press(kb.Tab, kb.Enter)
		v.Sees("Set by hand; sync leaves it.")
		v.Open("/contacts?status=all&company=acme")
		v.Click("Kofi Adeyemi")
	})
}

// TestJourneyDisable follows somebody who is disabled in the directory to Deleted contacts, and back.
func TestJourneyDisable(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		id := v.Push(base, token, entraUser("7a1e", "Kofi Adeyemi", "kofi@acme.example"))
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Click("Kofi Adeyemi")
		v.Sees("Active", "7a1e", "No tickets.")
		contact, subject := strings.TrimPrefix(v.Path(), "/contacts/"), "The printer is on fire"
		if _, err := v.Engine.CreateTicket(v.Context(), desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann"}, contact, provision.TicketEdit{Subject: &subject}); err != nil {
			v.Fatal(err)
		}
		v.Sees(subject)
		v.SeesNot("spam")
		testkit.Call(v.T, "PATCH", base+"/Users/"+id, token, `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`).Want(v.T, 200)
		v.Sees("Its tickets are marked as spam", "open")
		v.Check()
		v.Open("/deleted")
		v.Sees("Kofi Adeyemi", "entra")
		v.Click("Restore Kofi Adeyemi")
		v.Sees("Kofi Adeyemi is active again.", "Inactive")
		v.Click("Delete")
		v.Sees("Deleted just now by test")
		v.Open("/deleted")
		v.Focus("Choose all")
		v.Press(" ")
		v.Click("Restore")
		v.Sees("1 contact restored.", "No deleted contacts")
	})
}

// TestJourneyErase deletes a contact forever.
func TestJourneyErase(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Click("Tariq Haddad")
		v.Click("Delete")
		v.Click("Delete forever…")
		v.Fill("Type Tariq Haddad to confirm", "Tariq")
		v.Click("Delete forever")
		v.Sees("Nothing has been erased")
		v.Forgive()
		v.Fill("Type Tariq Haddad to confirm", "Tariq  Haddad ")
		v.Click("Delete forever")
		v.Sees("The contact is erased for good.", "No deleted contacts")
		v.Open("/contacts?status=all&q=tariq")
		v.Sees("No contact fits")
	})
}

// TestJourneyEdit makes a contact by hand, edits it, and sets its company.
func TestJourneyEdit(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Click("Kofi Adeyemi")
		v.Sees("from Partners")
		v.Click("Edit")
		v.Sees("Fields with a lock are a directory’s", "Staff, Partners")
		v.Fill("Title", "Head of Research")
		v.Click("Save")
		v.Sees("Saved.", "Head of Research")
		v.Click("Contacts")
		v.Click("New contact")
		v.Click("Create contact")
		v.Sees("Give a name")
		v.Forgive()
		v.Fill("Name", "Amara Okafor")
		v.Fill("Address 1", "amara@acme.example")
		v.Click("Create contact")
		v.Sees("Saved.", "Amara Okafor", "The one company that lists the email domain.")
		v.Click("Edit")
		v.Fill("Title", "Head of Support")
		v.Fill("Number 1", "+234 1 555 0100")
		v.Click("Save")
		v.Sees("Head of Support", "+234 1 555 0100")
		v.Click("Change")
		v.Fill("Company to set", "Glob")
		v.Click("Set company")
		v.Sees("The company is Globex Corporation", "Set by hand; sync leaves it.")
		v.Click("Change")
		v.Click("No company")
		v.Sees("The contact has no company")
		v.Click("Change")
		v.Click("Back to automatic")
		v.Sees("The one company that lists the email domain.")
	})
}
