package scim_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/sample"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

var (
	depthContacts  = flag.Int("contacts", 2000, "how many contacts BenchmarkDepth fills a database of each engine with")
	depthDatabases = flag.String("databases", "", "URLs, with spaces between, of databases that `rollcall bench fill` has filled, for BenchmarkDepth to use instead")
)

// BenchmarkDepth measures what must not depend on how much there is: a page by cursor at the beginning, in the middle and at the end of
// the largest connection's users, and somebody new in the email domain that half of its people have, and in one that nobody has:
//
//	go test ./scim -run - -bench Depth -timeout 1h -databases "sqlite:million.db postgres://…"
func BenchmarkDepth(b *testing.B) {
	list := strings.Fields(*depthDatabases)
	if len(list) == 0 {
		list = testkit.All(b)
	}
	for _, databaseURL := range list {
		engine, _, _ := strings.Cut(databaseURL, ":")
		b.Run(engine, func(b *testing.B) {
			server := testkit.NewServer(b, databaseURL)
			if *depthDatabases == "" {
				options := sample.Options{Contacts: *depthContacts, Tenants: 1, Seed: 1, Until: time.Now()}
				if err := server.Engine.Fill(b.Context(), sample.Helpdesks(options)); err != nil {
					b.Fatal(err)
				}
			}
			token, err := server.Auth.Issue(b.Context(), provision.System(sample.Largest), &desk.Token{Kind: desk.TokenSCIM, TenantID: sample.Largest, Connection: sample.Connection})
			if err != nil {
				b.Fatal(err)
			}
			users := server.URL + "/scim/" + sample.Largest + "/" + sample.Connection + "/Users"
			page := func(tb testing.TB, cursor string) map[string]any {
				return testkit.Call(tb, "GET", users+"?count=100&cursor="+url.QueryEscape(cursor), token, nil).Want(tb, 200)
			}
			cursors := []string{""}
			domains, large := map[string]int{}, ""
			for {
				found := page(b, cursors[len(cursors)-1])
				if len(cursors) < 5 {
					for _, u := range found["Resources"].([]any) {
						name, _ := u.(map[string]any)["userName"].(string)
						_, domain, _ := strings.Cut(name, "@")
						if domains[domain]++; domains[domain] > domains[large] {
							large = domain
						}
					}
				}
				next, more := found["nextCursor"].(string)
				if !more {
					break
				}
				cursors = append(cursors, next)
			}
			for _, c := range []struct {
				name string
				at   int
			}{{"first", 0}, {"middle", len(cursors) / 2}, {"last", len(cursors) - 2}} {
				b.Run("page/"+c.name, func(b *testing.B) {
					for b.Loop() {
						page(b, cursors[c.at])
					}
				})
			}
			n := time.Now().UnixNano()
			for _, d := range []struct{ name, domain string }{{"empty", "nobody.example"}, {"large", large}} {
				b.Run("domain/"+d.name, func(b *testing.B) {
					for b.Loop() {
						n++
						body := strings.ReplaceAll(fmt.Sprintf(benchUser, n), "acme.example", d.domain)
						testkit.Call(b, "POST", users, token, json.RawMessage(strings.ReplaceAll(body, "@mail.", "@"))).Want(b, 201)
					}
				})
			}
		})
	}
}
