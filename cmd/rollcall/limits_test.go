package main

import (
	"strings"
	"testing"

	"rollcall/internal/testkit"
)

// TestRate holds that who asks too often is told to wait, and nobody else is.
func TestRate(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := start(t, databaseURL, "--rate", "1")
		token := func(args string) string {
			t.Helper()
			code, stdout, stderr := command(t, strings.Fields(args+" --database "+databaseURL)...)
			if code != 0 {
				t.Fatal(stderr)
			}
			return strings.TrimSpace(stdout)
		}
		token("connection create okta --tenant main --provider okta")
		token("tenant create other")
		entra, okta := p.greeted("Secret token"), token("token create --tenant main --connection okta")
		agent, other := token("token create --tenant main --role agent"), token("token create --tenant other --role agent")
		call := func(path, token string) testkit.Answer { return testkit.Call(t, "GET", p.base+path, token, nil) }

		until429 := func(path, token string) testkit.Answer {
			t.Helper()
			for i := range 20 {
				if a := call(path, token); a.Status == 429 {
					if i < 4 {
						t.Errorf("request %d to %s is refused", i+1, path)
					}
					return a
				} else if a.Status != 200 {
					t.Fatalf("%s answers %d %s", path, a.Status, a.Body)
				}
			}
			t.Fatalf("%s lets pass whatever comes", path)
			return testkit.Answer{}
		}
		a := until429("/scim/main/entra/Users", entra)
		if body := a.Want(t, 429); a.Header.Get("Retry-After") != "1" || a.Header.Get("Content-Type") != "application/scim+json" || body["status"] != "429" || body["detail"] == "" {
			t.Errorf("the endpoint answers %v %s", a.Header, a.Body)
		}
		call("/scim/main/okta/Users", okta).Want(t, 200)
		a = until429("/api/v1/contacts", agent)
		if body := a.Want(t, 429); a.Header.Get("Retry-After") != "1" || a.Header.Get("Content-Type") != "application/problem+json" || body["status"] != 429.0 {
			t.Errorf("the API answers %v %s", a.Header, a.Body)
		}
		call("/api/v1/contacts", other).Want(t, 200)

		// Who has no token cannot use up a connection's share.
		for range 10 {
			call("/scim/main/okta/Users", "wrong").Want(t, 401)
		}
		call("/scim/main/okta/Users", okta).Want(t, 200)

		// A bulk request counts as what is in it.
		bulk := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Repeat(`{"method":"DELETE","path":"/Users/x"},`, 9) + `{"method":"DELETE","path":"/Users/x"}]}`
		testkit.Call(t, "POST", p.base+"/scim/main/okta/Bulk", okta, bulk).Want(t, 200)
		call("/scim/main/okta/Users", okta).Want(t, 429)
	})
}
