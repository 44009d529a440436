package portal_test

import (
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestJourneyHome sees what waits for a person, is led to where it is settled, and answers who somebody is.
func TestJourneyHome(t *testing.T) {
	journeys(t, func(v *visitor) {
		entra, token := v.Connect(v.T, "main", "entra")
		v.SignIn(desk.RoleAdmin)
		v.Open("/")
		v.Sees("1 connection is not set up yet")
		testkit.Call(v.T, "GET", entra+"/Users?count=1", token, nil).Want(v.T, 200)
		v.must(v.Store.WriteActivity(v.Context()))
		v.Sees("Nothing needs you")

		// A record is refused while somebody looks.
		testkit.Call(v.T, "POST", entra+"/Users", token, `{"userName":"kofi@acme.example","displayName":"Kofi"}`).Want(v.T, 201)
		testkit.Call(v.T, "POST", entra+"/Users", token, `{"userName":"KOFI@acme.example"}`).Want(v.T, 409)
		v.Sees("1 record was refused", "just now")

		// Another connection has a token that expires, and asks before it adopts.
		system := provision.System("main")
		v.must(v.Engine.CreateConnection(v.Context(), system, &desk.Connection{Slug: "okta", Provider: "okta", Name: "Okta of Acme"}))
		_, err := v.Engine.EditConnection(v.Context(), system, "okta", provision.ConnectionEdit{Settings: []byte(`{"adopt":"ask"}`)})
		v.must(err)
		expires := time.Now().Add(5 * 24 * time.Hour)
		token, err = v.Auth.Issue(v.Context(), system, &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "okta", ExpiresAt: &expires})
		v.must(err)
		testkit.Call(v.T, "POST", v.URL+"/scim/main/okta/Users", token, `{"userName":"kofi@acme.example","displayName":"Kofi Mensah"}`).Want(v.T, 201)
		v.company("Acme", "joint.example")
		v.company("Beta", "joint.example")
		v.Open("/")
		v.Sees("1 person waits for an answer", "The secret token expires soon", "expires within 7 days", "Okta of Acme", "1 domain is ambiguous", "joint.example")

		v.Click("Open the log")
		v.Sees("userName is taken")
		v.Open("/")
		v.Sees("1 contact of 1 domain has no company")
		v.Click("acme.example")
		if path := v.Path(); path != "/domains" {
			v.Errorf("the domain leads to %s", path)
		}
		v.Click("Add to Acme")
		v.Sees("The company lists acme.example now.")
		v.Open("/")
		v.SeesNot("has no company")
		v.Click("Answer")
		v.Sees("Who is it?", "Kofi Mensah")
		v.Click("Kofi")
		v.Click("Answer")
		v.Sees("is in step with the directory now", "Nobody waits for an answer")
		v.Open("/")
		v.SeesNot("waits for an answer")
		v.Click("Make a new one")
		if v.Path() != "/connections/okta/tokens" {
			v.Errorf("led to %s", v.Path())
		}
	})
}

func (v *visitor) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}
