package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestAudit holds what is in the audit log: what agents and administrators did, and not what directories did; and that it goes neither by
// a request nor by a statement, while erasing a person and old age still work.
func TestAudit(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, scim := s.Connect(t, "main", "entra")
		admin, agent := s.Token(t, "main", desk.RoleAdmin), s.Token(t, "main", desk.RoleAgent)
		s.Connect(t, "other", "entra")
		call := func(method, path, token string, body any, want int) map[string]any {
			t.Helper()
			return testkit.Call(t, method, s.URL+"/api/v1"+path, token, body).Want(t, want)
		}
		testkit.Call(t, "POST", base+"/Users", scim, `{"userName":"kofi@acme.example"}`).Want(t, 201)
		call("PATCH", "/connections/entra", admin, `{"settings":{"adopt":"ask"}}`, 200)
		kofi := call("POST", "/contacts", agent, `{"displayName":"Kofi"}`, 201)["id"].(string)
		call("DELETE", "/contacts/"+kofi, agent, nil, 204)
		call("POST", "/companies", agent, `{"name":"Acme"}`, 403)

		log := func(query string) (list []string) {
			t.Helper()
			for _, item := range call("GET", "/audit"+query, admin, nil, 200)["items"].([]any) {
				e := item.(map[string]any)
				list = append(list, fmt.Sprint(e["operation"], " ", e["outcome"], " ", e["connection"]))
			}
			return list
		}
		all := log("")
		if want := "create refused <nil>,delete deleted <nil>,create created <nil>,patch updated entra"; !strings.HasPrefix(strings.Join(all, ","), want) || len(all) != 9 {
			t.Errorf("the log is %q", all)
		}
		if got := log("?actor=rollcall"); len(got) != 5 {
			t.Errorf("the command line did %q", got)
		}
		if got := log("?actor=nobody"); got != nil {
			t.Errorf("nobody did %q", got)
		}
		if got := log("?from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z"); got != nil {
			t.Errorf("years ago there was %q", got)
		}
		csv := testkit.Call(t, "GET", s.URL+"/api/v1/audit.csv", admin, nil)
		if csv.Status != 200 || strings.Count(string(csv.Body), "\r\n") != len(all)+1 || !strings.Contains(csv.Header.Get("Content-Disposition"), "audit.csv") {
			t.Errorf("%d %v %s", csv.Status, csv.Header, csv.Body)
		}
		call("GET", "/audit", agent, nil, 403)

		db := testkit.OpenSQL(t, databaseURL)
		statements := []string{"DELETE FROM events", "DELETE FROM events WHERE actor_type = 'agent'", "UPDATE events SET changes = NULL, detail = '' WHERE connection = 'entra' AND actor_type = 'agent'"}
		if strings.HasPrefix(databaseURL, "postgres") {
			statements = append(statements, "TRUNCATE events")
		}
		for _, column := range []string{"tenant_id", "connection", "id", "actor_type", "actor_name", "operation", "outcome", "reason", "request_id", "detail", "subject", "contact_id", "user_id"} {
			statements = append(statements, "UPDATE events SET "+column+" = 'x' WHERE actor_type = 'agent' AND outcome = 'deleted'")
		}
		statements = append(statements, "UPDATE events SET microseconds = microseconds + 1 WHERE actor_type = 'agent'", `UPDATE events SET changes = '[]' WHERE actor_type = 'agent'`, `UPDATE events SET actor_type = 'directory' WHERE actor_type = 'system'`)
		const columns = "at, actor_type, actor_name, operation, outcome, reason, detail, contact_id, user_id, subject, subject_key, changes, request_id"
		const forged = "at, 'directory', 'x', operation, outcome, reason, detail, contact_id, user_id, subject, subject_key, changes, request_id"
		const into = " INTO events (tenant_id, connection, id, " + columns + ") SELECT tenant_id, connection, "
		const insert = into + "id, " + forged + " FROM events WHERE actor_type = 'agent'"
		statements = append(statements, "INSERT"+insert+" ON CONFLICT (tenant_id, connection, id) DO UPDATE SET actor_type = 'directory'")
		if strings.HasPrefix(databaseURL, "sqlite") {
			const victim = "(SELECT min(rowid) FROM events WHERE actor_type = 'agent')"
			statements = append(statements, "INSERT OR REPLACE"+insert, "REPLACE"+insert,
				"REPLACE INTO events (rowid, tenant_id, connection, id, "+columns+") SELECT "+victim+", tenant_id, 'y', id, "+forged+" FROM events WHERE rowid = "+victim,
				"UPDATE OR REPLACE events SET (tenant_id, connection, id) = (SELECT tenant_id, connection, id FROM events WHERE rowid = "+victim+") WHERE actor_type = 'directory'",
				"UPDATE OR REPLACE events SET rowid = "+victim+" WHERE actor_type = 'directory'")
		}
		// Who says that it is old deletes nothing that is not.
		if _, err := db.Exec("INSERT INTO purges (tenant_id) VALUES ('main')"); err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "the audit log cannot be") {
				t.Errorf("%s: %v", statement, err)
			}
		}
		if _, err := db.Exec("UPDATE events SET detail = 'x' WHERE actor_type = 'directory'"); err != nil {
			t.Errorf("a directory's events are not of it: %v", err)
		}
		if got := log(""); !slices.Equal(got, all) {
			t.Errorf("after all that the log is %q", got)
		}
		call("POST", "/contacts/"+kofi+"/erase", agent, nil, 204)
		if got := log(""); len(got) != len(all)+1 {
			t.Errorf("after an erasure the log is %q", got)
		}

		// What is old goes with age, of which the database takes a day as the least.
		old := s.Store.Now().Add(-25 * time.Hour)
		if _, err := db.Exec("INSERT"+into+"$1, "+columns+" FROM events WHERE actor_type = 'agent' LIMIT 1", store.IDOf(old, "")); err != nil {
			t.Fatal(err)
		}
		if got := log(""); len(got) != len(all)+2 {
			t.Errorf("with an old one the log is %q", got)
		}
		if err := s.Engine.DeleteOldEvents(t.Context(), s.Store.Now().Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := log(""); len(got) != len(all)+1 {
			t.Errorf("after the old one went the log is %q", got)
		}
		if err := s.Engine.DeleteOldEvents(t.Context(), s.Store.Now()); err == nil || !strings.Contains(err.Error(), "before it is a day old") {
			t.Errorf("all of it was deleted: %v", err)
		}
		if got := log(""); len(got) != len(all)+1 {
			t.Errorf("what is young went: the log is %q", got)
		}
		var left int
		if err := db.QueryRow("SELECT count(*) FROM purges").Scan(&left); err != nil || left != 0 {
			t.Errorf("%d purges go on, %v", left, err)
		}
	})
}
