package portal_test

import (
	"testing"

	"github.com/chromedp/cdproto/network"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// EndSession ends the visitor's session, as time does.
func (v *visitor) EndSession() {
	v.Helper()
	call(v, network.DeleteCookies, network.DeleteCookiesParams{Name: "rollcall_session", URL: v.URL})
}

// TestJourneyUnsentForm writes about somebody for so long that the session has ended, signs in by password, and by an organisation's
// account in another tab, and loses nothing.
func TestJourneyUnsentForm(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.Connect(v.T, "main", "entra")
		newAgent(v.T, v.Server, "ann@desk.example", desk.RoleAgent)
		v.Open("/contacts/new") // leads to signing in
		v.Fill("Email", "ann@desk.example")
		v.Fill("Password", password)
		v.Click("Sign in")
		v.Fill("Name", "Kofi Mensah")
		v.Fill("Address 1", "kofi@acme.example")
		v.Choose("Label of address 1", "home")
		v.EndSession()
		v.Click("Create contact")
		v.Sees("Your session has ended, and nothing has been done yet")
		v.Forgive() // what a browser says of 401
		v.Fill("Email", "ann@desk.example")
		v.Fill("Password", "not this one")
		v.Click("Sign in")
		v.Sees("The email address or the password is wrong")
		v.Forgive()
		v.Fill("Password", password)
		v.Click("Sign in")
		v.Sees("You are signed in again", "New contact")
		if path := v.Path(); path != "/contacts/new" {
			v.Errorf("the form is at %s", path)
		}
		v.Click("Create contact")
		v.Sees("Saved.", "Kofi Mensah", "kofi@acme.example home")

		// The same with the organisation's account.
		p := testkit.NewProvider(v.T)
		v.Auth.Providers = []auth.Provider{{Tenant: "main", Name: "Microsoft", Issuer: p.URL, ClientID: p.Client, ClientSecret: p.Secret, Claim: "groups", Roles: map[string]desk.Role{"agents": desk.RoleAgent}, Scopes: []string{"openid"}}}
		p.SetClaims(map[string]any{"sub": "ama", "name": "Ama Boateng", "email": "ama@desk.example", "groups": []string{"agents"}})
		v.EndSession()
		v.Open("/contacts/new")
		v.Click("Sign in with Microsoft")
		v.Fill("Name", "Esi Owusu")
		v.EndSession()
		v.Click("Create contact")
		v.Sees("opens in another tab")
		v.Forgive()
		v.Click("Show the form again")
		v.Sees("You are not signed in yet")
		v.Forgive()
		v.Click("Sign in with Microsoft in another tab")
		v.wait("to be signed in", `fetch("/account").then(r => !r.redirected)`)
		v.Click("Show the form again")
		v.Sees("You are signed in again")
		v.Click("Create contact")
		v.Sees("Saved.", "Esi Owusu")
		if contacts, err := v.Engine.Contacts(v.Context(), provision.System("main"), provision.ContactQuery{Limit: 10}); err != nil || len(contacts.Contacts) != 2 {
			v.Errorf("there are %d contacts, %v", len(contacts.Contacts), err)
		}
	})
}
