package scim_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestBulkKnown sends bulk requests in which somebody is known after others who are not, as a create on PostgreSQL does not expect then: each
// operation has its own outcome and one event, and the server's log tells of no fault.
func TestBulkKnown(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		base, token := server.Connect(t, "main", "entra")
		e := &endpoint{t, server, base, token}
		email := func(name string) string { return `"emails":[{"type":"work","value":"` + name + `@acme.example"}]` }
		for _, name := range []string{"ann", "ben"} {
			e.call("POST", "/Users", `{"userName":"`+name+`",`+email(name)+`}`).Want(t, 201)
		}
		known := desk.Contact{TenantID: "main", ID: store.NewID(), Status: desk.Active, EmailKey: "kofi@acme.example", Domain: "acme.example"}
		if err := server.Store.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateContact(&known) }); err != nil {
			t.Fatal(err)
		}
		id := e.user("ben")["id"].(string)
		results := e.bulk(strings.Join([]string{
			create("cleo", email("cleo")),
			create("kofi", email("kofi")),
			`{"method":"PUT","path":"/Users/` + id + `","data":{"displayName":"no name"}}`,
			create("dora", email("dora")),
			create("ann", email("other")),
			create("emil", email("emil")),
		}, ","))
		var got []string
		for _, r := range results {
			got = append(got, r["status"].(string))
		}
		if diff := cmp.Diff([]string{"201", "201", "400", "201", "409", "201"}, got); diff != "" {
			t.Error(diff)
		}
		events, err := server.Store.Read(t.Context()).Events(store.EventQuery{TenantID: "main", Connection: "entra", Directory: true, Limit: 20})
		if err != nil {
			t.Fatal(err)
		}
		outcomes := map[desk.Outcome]int{}
		for _, ev := range events {
			outcomes[ev.Outcome]++
		}
		if diff := cmp.Diff(map[desk.Outcome]int{desk.Created: 5, desk.Adopted: 1, desk.Refused: 2}, outcomes); diff != "" {
			t.Error(diff)
		}
		if log := server.Logged.String(); strings.Contains(log, "level=ERROR") {
			t.Error(log)
		}
	})
}
