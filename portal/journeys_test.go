package portal_test

import (
	"testing"

	"rollcall/desk"
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
