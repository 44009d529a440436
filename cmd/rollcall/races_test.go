package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/testkit"
)

// crowd is how many clients do the same at once.
const crowd = 64

// TestRaces lets clients do the same at once through two servers: one of them is first, the others are told so, and nobody sees a fault of
// the server's.
func TestRaces(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		servers := []*process{start(t, databaseURL, "--rate", "0"), start(t, databaseURL, "--rate", "0")}
		must := func(args ...string) string {
			t.Helper()
			code, stdout, stderr := command(t, append(args, "--database", databaseURL)...)
			if code != 0 {
				t.Fatal(stderr)
			}
			return strings.TrimSpace(stdout)
		}
		entra := servers[0].greeted("Secret token")
		must("connection", "create", "okta", "--tenant", "main", "--provider", "okta")
		okta := must("token", "create", "--tenant", "main", "--connection", "okta")
		admin := must("token", "create", "--tenant", "main", "--role", "admin")
		// race sends a request per client, through the two servers in turn, and counts the answers by status.
		race := func(request func(i int) (method, path, token, body string)) map[int]int {
			t.Helper()
			var mu sync.Mutex
			counts := map[int]int{}
			begin := make(chan struct{})
			var wg sync.WaitGroup
			for i := range crowd {
				wg.Go(func() {
					method, path, token, body := request(i)
					<-begin
					a, err := testkit.Send(t.Context(), method, servers[i%2].base+path, token, body)
					mu.Lock()
					defer mu.Unlock()
					if counts[a.Status]++; err != nil || a.Status >= 500 {
						t.Errorf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
					}
				})
			}
			close(begin)
			wg.Wait()
			return counts
		}
		contacts := func(text string) []any {
			t.Helper()
			return testkit.Call(t, "GET", servers[0].base+"/api/v1/contacts?status=all&q="+text, admin, nil).Want(t, 200)["items"].([]any)
		}
		user := func(name string) string {
			return fmt.Sprintf(`{"externalId":"id-%s","userName":"%s@acme.example","active":true,"emails":[{"type":"work","value":"%[1]s@acme.example"}]}`, name, name)
		}
		const users = "/scim/main/entra/Users"

		t.Run("create", func(t *testing.T) {
			counts := race(func(int) (string, string, string, string) { return "POST", users, entra, user("created") })
			if counts[201] != 1 || counts[409] != crowd-1 || len(contacts("created@")) != 1 {
				t.Errorf("answers are %v, contacts %d", counts, len(contacts("created@")))
			}
		})
		t.Run("create by two directories", func(t *testing.T) {
			counts := race(func(i int) (string, string, string, string) {
				if i%4 < 2 {
					return "POST", users, entra, user("both")
				}
				return "POST", "/scim/main/okta/Users", okta, user("both")
			})
			if list := contacts("both@"); counts[201] != 2 || counts[409] != crowd-2 || len(list) != 1 || len(list[0].(map[string]any)["sync"].([]any)) != 2 {
				t.Errorf("answers are %v, contacts %v", counts, list)
			}
		})
		t.Run("adopt", func(t *testing.T) {
			testkit.Call(t, "POST", servers[0].base+"/api/v1/contacts", admin, `{"displayName":"Known","emails":[{"type":"work","value":"adopted@acme.example"}]}`).Want(t, 201)
			counts := race(func(int) (string, string, string, string) { return "POST", users, entra, user("adopted") })
			if list := contacts("adopted@"); counts[201] != 1 || counts[409] != crowd-1 || len(list) != 1 || list[0].(map[string]any)["verified"] != true {
				t.Errorf("answers are %v, contacts %v", counts, list)
			}
		})
		t.Run("revive", func(t *testing.T) {
			id := testkit.Call(t, "POST", servers[0].base+users, entra, user("revived")).Want(t, 201)["id"].(string)
			testkit.Call(t, "PATCH", servers[0].base+users+"/"+id, entra, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"active","value":"False"}]}`).Want(t, 200)
			counts := race(func(int) (string, string, string, string) { return "POST", users, entra, user("revived") })
			if list := contacts("revived@"); counts[201] != 1 || counts[409] != crowd-1 || len(list) != 1 || list[0].(map[string]any)["status"] != "active" {
				t.Errorf("answers are %v, contacts %v", counts, list)
			}
		})
		t.Run("patch and delete", func(t *testing.T) {
			id := testkit.Call(t, "POST", servers[0].base+users, entra, user("changed")).Want(t, 201)["id"].(string)
			counts := race(func(i int) (string, string, string, string) {
				if i == crowd/2 {
					return "DELETE", users + "/" + id, entra, ""
				}
				return "PATCH", users + "/" + id, entra, fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"title","value":"%d"}]}`, i)
			})
			if counts[204] != 1 || counts[200]+counts[404] != crowd-1 {
				t.Errorf("answers are %v", counts)
			}
		})
		t.Run("companies", func(t *testing.T) {
			// While people of a domain come, companies come that list it, and go.
			counts := race(func(i int) (string, string, string, string) {
				if i%8 == 0 {
					return "POST", "/api/v1/companies", admin, fmt.Sprintf(`{"name":"Company %d","domains":["raced.example"]}`, i/16)
				}
				name := fmt.Sprintf("p%d", i)
				return "POST", users, entra, fmt.Sprintf(`{"userName":"%s@raced.example","emails":[{"type":"work","value":"%[1]s@raced.example"}]}`, name)
			})
			if counts[201] != crowd*7/8+crowd/16 || counts[409] != crowd/16 {
				t.Errorf("answers are %v", counts)
			}
			must("company", "rescan", "--tenant", "main")
			for _, c := range contacts("raced.example") {
				if c := c.(map[string]any); c["companyReason"] != "ambiguous_companies" {
					t.Errorf("%s has company %v for %v", c["userName"], c["company"], c["companyReason"])
				}
			}
		})
		t.Run("bulk", func(t *testing.T) {
			var operations []string
			for i := range 20 {
				operations = append(operations, fmt.Sprintf(`{"method":"POST","path":"/Users","bulkId":"b%d","data":{"userName":"bulk%[1]d@acme.example"}}`, i))
			}
			body := func() string {
				return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Join(operations, ",") + `]}`
			}
			forth := body()
			slices.Reverse(operations) // so that transactions of several people wait for each other in a circle
			back := body()
			counts := race(func(i int) (string, string, string, string) {
				return "POST", "/scim/main/entra/Bulk", entra, []string{forth, back}[i/2%2]
			})
			if list := contacts("bulk"); counts[200] != crowd || len(list) != 20 {
				t.Errorf("answers are %v, contacts %d", counts, len(list))
			}
		})
		for _, p := range servers {
			p.terminate() // it writes to its log until then
			if log := p.stderr.String(); strings.Contains(log, "level=ERROR") {
				t.Error(log)
			}
		}
	})
}
