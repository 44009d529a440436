package scim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestBulkGone has clients go away in the middle of bulk requests, sooner and later: whoever was made by then is whole and has one event,
// nobody else has left anything, and the same request makes the rest and nobody twice.
func TestBulkGone(t *testing.T) {
	const people = 110 // in five transactions
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		base, token := server.Connect(t, "main", "entra")
		e := &endpoint{t, server, base, token}
		db := testkit.OpenSQL(t, databaseURL)
		bulk := func(trial int) string {
			var list []string
			for i := range people {
				name := fmt.Sprintf("t%d-%d", trial, i)
				list = append(list, create(name, `"externalId":"x-`+name+`"`, `"emails":[{"type":"work","value":"`+name+`@acme.example"}]`))
			}
			return strings.Join(list, ",")
		}
		began := time.Now()
		e.bulk(bulk(0))
		took := time.Since(began)
		made := func(trial int) map[string]bool {
			e.Helper()
			users := map[string]bool{}
			query := map[string]string{"filter": fmt.Sprintf(`userName sw "t%d-" and emails[type eq "work"].value pr and externalId sw "x-"`, trial), "count": fmt.Sprint(2 * people)}
			for _, u := range resources(ask(e, "GET", query)) {
				users[u["id"].(string)] = true
			}
			return users
		}
		whole := func(trial int, users map[string]bool) {
			e.Helper()
			r := server.Store.Read(t.Context())
			events, err := r.Events(store.EventQuery{TenantID: "main", Connection: "entra", Operations: []desk.Operation{desk.OpCreate}, Outcomes: []desk.Outcome{desk.Created}, Limit: 100 * people})
			if err != nil {
				t.Fatal(err)
			}
			contacts, _, err := r.Contacts(store.ContactQuery{TenantID: "main", Text: fmt.Sprintf("t%d-", trial), Limit: 2 * people})
			if err != nil {
				t.Fatal(err)
			}
			var of, have []string
			created := map[string]string{}
			for _, ev := range events {
				if ev.UserID != nil && users[*ev.UserID] {
					created[*ev.ContactID] = *ev.UserID
					have = append(have, *ev.ContactID)
				}
			}
			for _, c := range contacts {
				if of = append(of, c.ID); c.Directories != 1 || created[c.ID] == "" {
					t.Errorf("trial %d: contact %+v of the user %q", trial, c, created[c.ID])
				}
			}
			sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
			if diff := cmp.Diff(of, have, sorted); diff != "" || len(of) != len(users) {
				t.Errorf("trial %d: %d users; their contacts and events differ: %s", trial, len(users), diff)
			}
		}
		// A commit that PostgreSQL has been sent goes through also when nobody waits for it any more. No connection stays in a transaction.
		quiet := func() bool {
			if server.Store.Engine() == store.SQLite {
				return true
			}
			var busy int
			err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()").Scan(&busy)
			if err != nil {
				t.Fatal(err)
			}
			return busy == 0
		}
		partly := 0
		const trials = 6
		for trial := 1; trial <= trials || partly == 0 && trial <= 10*trials; trial++ {
			gone, log := fmt.Errorf("the client is gone"), len(server.Logged.String())
			ctx, cancel := context.WithCancelCause(t.Context())
			sent := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
				time.AfterFunc(took*time.Duration((trial-1)%trials+1)/(trials+1), func() { cancel(gone) })
			}})
			body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + bulk(trial) + `]}`
			request, err := http.NewRequestWithContext(sent, "POST", base+"/Bulk", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+token)
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				response.Body.Close()
			} else if !errors.Is(context.Cause(ctx), gone) {
				t.Fatal(err)
			}
			cancel(nil)
			for ended := time.Now(); !strings.Contains(server.Logged.String()[log:], "/Bulk") || !quiet(); time.Sleep(time.Millisecond) {
				if time.Since(ended) > 10*time.Second {
					t.Fatalf("trial %d: the request goes on without its client", trial)
				}
			}
			if text := server.Logged.String()[log:]; strings.Contains(text, "level=ERROR") || strings.Contains(text, "level=WARN") {
				t.Errorf("trial %d: the log says %s", trial, text)
			}
			before := made(trial)
			whole(trial, before)
			switch len(before) { // how long one takes depends on what else the machine does
			case 0:
				took = took * 5 / 4
			case people:
				took = took * 3 / 4
			default:
				partly++
			}
			results := statuses(e.bulk(bulk(trial)))
			if taken := strings.Count(results, "409"); taken != len(before) || strings.Count(results, "201") != people-taken {
				t.Errorf("trial %d: of %d people, %d were made before; again: %s", trial, people, len(before), results)
			}
			after := made(trial)
			for id := range before {
				if !after[id] {
					t.Errorf("trial %d: user %s is another one", trial, id)
				}
			}
			if len(after) != people {
				t.Errorf("trial %d: in the end there are %d", trial, len(after))
			}
			whole(trial, after)
		}
		if partly == 0 {
			t.Error("no client went away in the middle")
		}
	})
}
