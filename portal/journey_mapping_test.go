package portal_test

import (
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestJourneyMapping edits the rules of a connection: a mistake is told at its row, the change is tried on a person and reviewed,
// and what is pushed then is mapped by it.
func TestJourneyMapping(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.Push(base, token, entraUser("7a1d", "Long", strings.Repeat("long", 60)+"@acme.example"))
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections/entra/mapping")
		v.Sees("default mapping")
		v.Click("Edit it as rules of your own")
		v.Fill("Target of rule 5", "nonsense")
		v.Click("Review the change")
		v.Sees("Nothing is saved yet: 1 thing is to be mended", "There is no target nonsense")
		v.Check()
		v.Forgive() // 400, by design
		v.Click("Try it")
		v.Sees("This is no SCIM user")
		v.Forgive()
		v.Click("Add a rule")
		if focus := ask[string](v, `document.activeElement.getAttribute("aria-label")`); focus != "Source of rule 11" {
			v.Errorf("the focus is on %q", focus)
		}
		v.Fill("Target of rule 5", "title")
		v.Fill("Source of rule 5", "const:Colleague")
		v.Click("Remove rule 7")
		v.Click("Try this person")
		v.Sees("What would be written", "Colleague", "Not used")
		v.Check()
		v.LeaveAsks("Setup")
		v.Click("Review the change")
		v.Sees("What this would do", "2 people would get other values")
		v.Check()
		v.Click("Save and apply")
		v.Sees("The mapping is saved")
		v.Push(base, token, entraUser("7a1f", "Ama Owusu", "ama@acme.example"))
		for _, name := range []string{"Kofi Mensah", "Ama Owusu"} {
			v.Open("/contacts")
			v.Click(name)
			v.Sees("Colleague")
		}
		list, err := v.Engine.Contacts(v.Context(), desk.Actor{Type: desk.ActorAgent, TenantID: "main"}, provision.ContactQuery{Limit: 10})
		if err != nil {
			v.Fatal(err)
		}
		for _, c := range list.Contacts {
			if len(c.Phones) > 0 || c.Title != "Colleague" {
				v.Errorf("%s has %+v", c.DisplayName, c.Profile)
			}
		}
	})
}

// TestJourneyScope narrows a scope, after having been told whom that concerns, and sets a switch.
func TestJourneyScope(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		v.Push(base, token, entraUser("7a1f", "Ama Owusu", "ama@globex.example"))
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections/entra/settings")
		v.Click("Add a rule")
		v.Fill("Attribute of rule 1", "userName")
		if focus := ask[string](v, `document.activeElement.getAttribute("aria-label")`); focus != "Attribute of rule 1" {
			v.Errorf("the focus is on %q", focus)
		}
		v.Choose("Kind of rule 1", "matches the pattern")
		v.Fill("Text of rule 1", `@acme\.example$`)
		v.Click("Review the change")
		v.Sees("1 person would fall out of scope")
		v.Check()
		v.Click("Save and apply")
		v.Sees("The scope is saved")
		v.Open("/connections/entra/held")
		v.Sees("Ama Owusu", "out of scope", "They fit no rule of the scope")
		v.Open("/connections/entra/settings")
		v.Fill("Share, in percent", "35")
		v.Click("Keep names")
		v.Click("Save the switches")
		v.Sees("The switches are saved")
		c, err := v.Engine.Connection(v.Context(), provision.System("main"), "entra")
		if err != nil {
			v.Fatal(err)
		}
		if s := c.Settings; s.Guard.Percent != 35 || !s.KeepNames || !s.UpdateExisting || !s.Apply.Create || len(s.Scope.Rules) != 1 {
			v.Errorf("the settings are %+v", s)
		}
	})
}

// TestJourneyHeld answers for somebody who may be a contact that was there before.
func TestJourneyHeld(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		_, err := v.Engine.EditConnection(v.Context(), provision.System("main"), "entra", provision.ConnectionEdit{Settings: []byte(`{"adopt":"ask"}`)})
		if err != nil {
			v.Fatal(err)
		}
		name, title := "Kofi of the desk", "Customer"
		agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann"}
		made, err := v.Engine.CreateContact(v.Context(), agent, provision.ContactEdit{DisplayName: &name, Title: &title, Emails: &[]desk.Address{{Type: "work", Value: "kofi@acme.example"}}})
		if err != nil {
			v.Fatal(err)
		}
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		testkit.Call(v.T, "POST", base+"/Users", token, `{"userName":"","displayName":"Nobody"}`).Want(v.T, 400)
		v.SignIn(desk.RoleAgent)
		v.Open("/connections/entra/held")
		v.Sees("Kofi Mensah", "waits for an answer", "Kofi of the desk", "Customer")
		v.Click("Refused")
		v.Sees("userName is required")
		v.Click("Waiting for an answer")
		v.Click("Kofi of the desk")
		v.Click("Answer")
		v.Sees("is in step with the directory now", "Nobody waits for an answer")
		v.Open("/contacts/" + made.ID)
		v.Sees("Kofi Mensah", "Engineer", "7a1e")
	})
}
