package portal_test

import (
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// written lets the server write down what it has counted, as it does every few seconds.
func (v *visitor) written() {
	v.Helper()
	for _, err := range []error{v.Store.WriteActivity(v.Context()), v.Store.WriteDenials(v.Context())} {
		if err != nil {
			v.Fatal(err)
		}
	}
}

// Value returns what stands in the field with a label.
func (v *visitor) Value(label string) string {
	v.Helper()
	v.wait("a field "+label, `!!`+field, label)
	return ask[string](v, `(`+field+`).value`, label)
}

// testConnection sends what Entra's Test connection does first, and returns the status.
func (v *visitor) testConnection(tenantURL, token string) int {
	v.Helper()
	return testkit.Call(v.T, "GET", tenantURL+`/Users?filter=externalId+eq+%22f5b2%22`, token, nil).Status
}

// TestJourneyConnect makes a connection, and follows its guide until the first person arrives.
func TestJourneyConnect(t *testing.T) {
	journeys(t, func(v *visitor) {
		if err := v.Engine.CreateTenant(v.Context(), "main", ""); err != nil {
			v.Fatal(err)
		}
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections")
		v.Click("Connect a directory")
		v.Fill("Name", "Entra, Europe")
		v.Click("Make the connection")
		v.Sees("Entra, Europe is made", "Provision on demand", "Waiting for the directory")
		v.Click("Make a secret token")
		v.Sees("It is shown this once")
		base, token := v.Value("Tenant URL"), v.Value("Secret token")
		if base != v.URL+"/scim/main/entra-europe" {
			v.Errorf("the tenant URL is %s", base)
		}
		if status := v.testConnection(base, token+"x"); status != 401 {
			v.Fatalf("a wrong token is answered %d", status)
		}
		v.written()
		v.Sees("A request came with a wrong token")
		v.Check()
		if status := v.testConnection(base, token); status != 200 {
			v.Fatalf("the token is answered %d", status)
		}
		v.written()
		v.Sees("Connected.", "Waiting for the first person")
		v.SeesNot("wrong token")
		v.testConnection(base, "anybody's") // which takes nothing from what was said
		v.written()
		v.Sees("A request came with a wrong token", "If the directory sent it", "Connected.")
		v.SeesNot("Waiting for the directory")
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		v.Sees("Kofi Mensah arrived")
		v.Check()
		v.Open("/connections/entra-europe/setup")
		v.SeesNot("It is shown this once", token)
		v.written()
		v.Open("/connections")
		v.Sees("Entra, Europe", "In step", "1 change")
	})
}

// TestJourneyRotateToken rotates a token: the old one is good until it is revoked.
func TestJourneyRotateToken(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, old := v.Connect(v.T, "main", "entra")
		v.testConnection(base, old)
		v.Auth.Close() // the token's use is noted
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections/entra/tokens")
		v.Sees("in use", "from 127.0.0.1")
		v.Click("Rotate")
		token := v.Value("Secret token")
		for _, good := range []string{old, token} {
			if status := v.testConnection(base, good); status != 200 {
				v.Errorf("a token is answered %d", status)
			}
		}
		ask[bool](v, `(rows => { [...rows].at(-1).querySelector("summary").click(); return true })(document.querySelectorAll("tbody tr"))`)
		v.Click("Revoke it")
		v.Sees("The token is revoked")
		if status := v.testConnection(base, old); status != 401 {
			v.Errorf("the revoked token is answered %d", status)
		}
		if status := v.testConnection(base, token); status != 200 {
			v.Errorf("the new token is answered %d", status)
		}
		v.SeesNot(token)
	})
}

// TestJourneyPause pauses a connection, whose directory is told why, lets it go on, and deletes it.
func TestJourneyPause(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections/entra")
		v.Fill("Reason", "moving to another tenant")
		v.Click("Pause")
		v.Sees("The connection is paused", "By test (moving to another tenant)")
		a := testkit.Call(v.T, "GET", base+"/Users", token, nil)
		if a.Status != 503 || !strings.Contains(string(a.Body), "test (moving to another tenant) paused this connection") {
			v.Errorf("the directory is told %d %s", a.Status, a.Body)
		}
		v.Click("Let it go on")
		v.Sees("The connection goes on")
		if status := v.testConnection(base, token); status != 200 {
			v.Errorf("then it is told %d", status)
		}
		v.Click("Name, description and notes")
		v.Fill("Notes", "Ask Ann before you change the scope.\nShe knows.")
		v.Click("Save")
		v.Sees("Ask Ann before you change the scope.")
		v.Click("Delete the connection")
		v.Fill("Type entra", "entra")
		v.Click("Delete")
		v.Sees("Its contacts are still here", "No directory is connected yet")
		if status := v.testConnection(base, token); status != 401 {
			v.Errorf("the token of what is gone is answered %d", status)
		}
		v.Open("/contacts")
		v.Sees("Kofi Mensah")
	})
}

// TestJourneyGuard lets the guard stop a directory that deactivates too many, and an administrator say that it is meant.
func TestJourneyGuard(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		_, err := v.Engine.EditConnection(v.Context(), provision.System("main"), "entra", provision.ConnectionEdit{Settings: []byte(`{"guard":{"percent":1,"atLeast":2,"graceMinutes":0}}`)})
		if err != nil {
			v.Fatal(err)
		}
		var ids []string
		for i := range 4 {
			ids = append(ids, v.Push(base, token, entraUser(fmt.Sprint(i), fmt.Sprint("Leaver ", i), fmt.Sprintf("leaver%d@acme.example", i))))
		}
		disable := func(id string) int {
			body := `{"Operations":[{"op":"Replace","path":"active","value":"False"}]}`
			return testkit.Call(v.T, "PATCH", base+"/Users/"+id, token, body).Status
		}
		for i, want := range []int{200, 200, 503} {
			if status := disable(ids[i]); status != want {
				v.Fatalf("deactivation %d is answered %d", i, status)
			}
		}
		v.written()
		v.SignIn(desk.RoleAdmin)
		v.Open("/connections")
		v.Sees("Paused", "guard against mass deactivation paused")
		v.Click("entra")
		v.Sees("The guard stopped the directory", "2 people be deactivated")
		v.Click("I have looked")
		v.Fill("Reason", "a branch was closed")
		v.Click("Let it go on")
		v.Sees("The connection goes on")
		v.SeesNot("The guard stopped")
		if status := disable(ids[2]); status != 200 {
			v.Errorf("it is answered %d", status)
		}
	})
}

// TestJourneyGuides opens the guide of each directory.
func TestJourneyGuides(t *testing.T) {
	journeys(t, func(v *visitor) {
		if err := v.Engine.CreateTenant(v.Context(), "main", ""); err != nil {
			v.Fatal(err)
		}
		v.SignIn(desk.RoleAdmin)
		for _, provider := range desk.Providers {
			if err := v.Engine.CreateConnection(v.Context(), provision.System("main"), &desk.Connection{Slug: provider, Provider: provider}); err != nil {
				v.Fatal(err)
			}
			v.Open("/connections/" + provider + "/setup")
			v.Sees("What not to do", "Waiting for the directory")
		}
		v.Open("/connections")
	})
}
