package api_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestErasedFromTheDatabase searches everything that the database holds for what was known of an erased person.
func TestErasedFromTheDatabase(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := &server{T: t, Server: testkit.NewServer(t, databaseURL)}
		s.scim, s.scimToken = s.Connect(t, "main", "entra")
		s.agent, s.admin = s.Token(t, "main", desk.RoleAgent), s.Token(t, "main", desk.RoleAdmin)
		okta, oktaToken := s.Connect(t, "main", "okta")
		s.do("PATCH", "/connections/entra", map[string]any{"recorder": true}, 200)
		s.do("POST", "/fields", `{"name":"nickname","type":"text"}`, 201)
		s.do("POST", "/fields", `{"name":"location","type":"text","multiple":true}`, 201)

		const person = `{"userName":"Kofi.Boateng@acme.example","externalId":"ext-4711-kofi","displayName":"Kofi Boateng","title":"Kofiologist","name":{"givenName":"Kofiname"},
			"phoneNumbers":[{"type":"work","value":"+49 170 9876543"}],"` + desk.FieldsURN + `":{"nickname":"Kofinick","location":["Kofitown","Kofiville"]},
			"emails":[{"type":"work","value":"Kofi.Boateng@acme.example"},{"type":"home","value":"kofi-home@home.example"}]}`
		scimID, id := s.push(person)
		call := func(method, url, token, body string, status int) {
			t.Helper()
			if a := testkit.Call(t, method, url, token, body); a.Status != status {
				t.Fatalf("%s %s: status %d, want %d\n%s", method, url, a.Status, status, a.Body)
			}
		}
		patch := func(op string, status int) {
			t.Helper()
			call("PATCH", s.scim+"/Users/"+scimID, s.scimToken, `{"Operations":[`+op+`]}`, status)
		}
		call("POST", okta+"/Users", oktaToken, strings.Replace(person, "Kofiologist", "Koficrat", 1), 201)
		call("POST", s.scim+"/Users", s.scimToken, person, 409)
		call("POST", s.scim+"/Users", s.scimToken, `{"userName":"KOFI.BOATENG@acme.example","active":"kofi"}`, 400)
		patch(`{"op":"replace","path":"displayName","value":"Kofi Second"}`, 200)
		patch(`{"op":"replace","path":"userName","value":"kofi.second@acme.example"},{"op":"replace","path":"externalId","value":"ext-kofi-second"}`, 200)
		patch(`{"op":"replace","path":"emails[value eq \"kofi@acme.example\"].colour","value":"x"}`, 400)
		call("POST", s.scim+"/Users", s.scimToken, `{"userName":"kofi.second@acme.example"}`, 409)
		s.do("PATCH", "/contacts/"+id, map[string]any{"title": "Kofi by hand", "fields": map[string]any{"nickname": "Kofinick II"}}, 200)
		s.do("POST", "/tickets", map[string]any{"contactId": id, "subject": "Kofi's printer"}, 201)
		call("GET", s.scim+"/Users?filter=userName+eq+%22kofi.boateng@acme.example%22", s.scimToken, "", 200)
		s.do("DELETE", "/contacts/"+id, nil, 204)

		db := testkit.OpenSQL(t, databaseURL)
		if !strings.Contains(dump(t, db), "kofi") {
			t.Fatal("the search finds nothing where there is something")
		}
		s.do("POST", "/contacts/"+id+"/erase", nil, 204)
		text := dump(t, db)
		for _, secret := range []string{"kofi", "boateng", "ext-4711", "9876543", "home.example"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%q is still there: …%s…", secret, text[max(0, i-100):min(len(text), i+100)])
			}
		}
		if n := len(s.items("/connections/entra/events?limit=100")); n < 8 {
			t.Errorf("%d events are left; they should all be there", n)
		}
	})
}

// dump returns all that all tables hold, in small letters.
func dump(t *testing.T, db *sql.DB) string {
	t.Helper()
	tables := texts(t, db, "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow')")
	if tables == nil {
		tables = texts(t, db, "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := db.Query("SELECT * FROM " + table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		for rows.Next() {
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for i := range values {
				v := *values[i].(*any)
				if b, ok := v.([]byte); ok {
					v = string(b)
				}
				fmt.Fprintf(&all, "%s.%s=%v\n", table, columns[i], v)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return strings.ToLower(all.String())
}

// texts returns a query's first column, nil if the database does not know the tables.
func texts(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}
