package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/api"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// server is a server with a connection, its token, and tokens for the JSON API.
type server struct {
	*testing.T
	*testkit.Server
	scim, scimToken, agent, admin string
}

func each(t *testing.T, f func(*server)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := &server{T: t, Server: testkit.NewServer(t, databaseURL)}
		s.scim, s.scimToken = s.Connect(t, "main", "entra")
		s.agent, s.admin = s.Token(t, "main", desk.RoleAgent), s.Token(t, "main", desk.RoleAdmin)
		f(s)
	})
}

// do calls the API as an administrator and returns the answer's JSON.
func (s *server) do(method, path string, body any, status int) map[string]any {
	s.Helper()
	return testkit.Call(s, method, s.URL+"/api/v1"+path, s.admin, body).Want(s, status)
}

// push creates a user as the directory does and returns its contact's id.
func (s *server) push(body string) (scimID, contact string) {
	s.Helper()
	u := testkit.Call(s, "POST", s.scim+"/Users", s.scimToken, body).Want(s, 201)
	scimID = u["id"].(string)
	for _, c := range s.items("/contacts?status=all&limit=1000") {
		for _, sync := range c["sync"].([]any) {
			if sync.(map[string]any)["scimId"] == scimID {
				return scimID, c["id"].(string)
			}
		}
	}
	s.Fatalf("no contact has the user %s", scimID)
	return
}

// items reads all pages of a list.
func (s *server) items(path string) []map[string]any {
	s.Helper()
	var all []map[string]any
	for cursor := ""; ; {
		page, separator := path, "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		if cursor != "" {
			page += separator + "cursor=" + url.QueryEscape(cursor)
		}
		body := s.do("GET", page, nil, 200)
		for _, item := range body["items"].([]any) {
			all = append(all, item.(map[string]any))
		}
		next, ok := body["next"].(string)
		if !ok {
			return all
		}
		cursor = next
	}
}

func TestContactShape(t *testing.T) {
	each(t, func(t *server) {
		company := t.do("POST", "/companies", map[string]any{"name": "Acme", "domains": []string{"ACME.example", "acme.example."}}, 201)
		scimID, id := t.push(`{"userName":"kofi@acme.example","externalId":"k1","displayName":"Kofi","title":"Lead","active":true,
			"emails":[{"type":"work","value":"kofi@acme.example","primary":true}],"phoneNumbers":[{"type":"mobile","value":"+1"}]}`)
		got := t.do("GET", "/contacts/"+id, nil, 200)
		for _, field := range []string{"createdAt", "modifiedAt"} {
			if at, _ := got[field].(string); !strings.HasSuffix(at, "Z") {
				t.Errorf("%s is %v", field, got[field])
			}
			delete(got, field)
		}
		sync := got["sync"].([]any)[0].(map[string]any)
		if at, _ := sync["lastSyncedAt"].(string); !strings.HasSuffix(at, "Z") {
			t.Errorf("lastSyncedAt is %v", sync["lastSyncedAt"])
		}
		delete(sync, "lastSyncedAt")
		want := map[string]any{
			"id": id, "displayName": "Kofi", "userName": "kofi@acme.example", "title": "Lead",
			"emails":        []any{map[string]any{"type": "work", "value": "kofi@acme.example", "primary": true}},
			"phones":        []any{map[string]any{"type": "mobile", "value": "+1"}},
			"company":       map[string]any{"id": company["id"], "name": "Acme"},
			"companyReason": "domain", "status": "active", "verified": false,
			"sync": []any{map[string]any{"connection": "entra", "provider": "generic", "externalId": "k1", "scimId": scimID, "active": true}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]any{"acme.example"}, company["domains"]); diff != "" {
			t.Error(diff)
		}
	})
}

func TestContactLife(t *testing.T) {
	each(t, func(t *server) {
		c := t.do("POST", "/contacts", map[string]any{"displayName": "Ann", "emails": []any{map[string]any{"value": "ann@acme.example"}}}, 201)
		path := "/contacts/" + c["id"].(string)
		if c["company"] != nil || c["companyReason"] != "no_match" || c["status"] != "active" || c["emails"].([]any)[0].(map[string]any)["type"] != "work" {
			t.Errorf("created as %v", c)
		}
		company := t.do("POST", "/companies", map[string]any{"name": "Acme", "domains": []any{"acme.example"}}, 201)["id"]
		c = t.do("PATCH", path, map[string]any{"title": "Lead", "userName": "ann", "companyId": company}, 200)
		if c["title"] != "Lead" || c["companyReason"] != "manual" || c["displayName"] != "Ann" {
			t.Errorf("edited to %v", c)
		}
		c = t.do("PATCH", path, `{"companyId":null,"title":null}`, 200)
		if c["company"] != nil || c["companyReason"] != "manual" || c["title"] != nil {
			t.Errorf("blanked to %v", c)
		}
		c = t.do("PATCH", path, map[string]any{"companyReason": "auto"}, 200)
		if c["companyReason"] != "domain" || c["company"].(map[string]any)["id"] != company {
			t.Errorf("given back to sync as %v", c)
		}
		t.do("POST", path+"/erase", nil, 409)
		t.do("DELETE", path, nil, 204)
		t.do("DELETE", path, nil, 204)
		c = t.do("GET", path, nil, 200)
		if c["status"] != "deleted" || c["deletedBy"] != "agent" || c["deletedAt"] == nil {
			t.Errorf("deleted as %v", c)
		}
		c = t.do("POST", path+"/restore", nil, 200)
		if c["status"] != "active" || c["deletedBy"] != nil || c["deletedAt"] != nil {
			t.Errorf("restored as %v", c)
		}
		t.do("POST", path+"/restore", nil, 200)
		var did []string
		for _, e := range t.items(path + "/events?limit=2") {
			did = append(did, fmt.Sprint(e["operation"], " ", e["outcome"]))
		}
		want := []string{"restore restored", "delete deleted", "erase refused", "patch updated", "patch updated", "patch updated", "rescan updated", "create created"}
		if diff := cmp.Diff(want, did); diff != "" {
			t.Error(diff)
		}
		t.do("DELETE", path, nil, 204)
		t.do("POST", path+"/erase", nil, 204)
		t.do("GET", path, nil, 404)
		t.do("POST", path+"/erase", nil, 404)
		t.do("DELETE", path, nil, 404)
		t.do("GET", path+"/events", nil, 404)
	})
}

func TestListContacts(t *testing.T) {
	each(t, func(t *server) {
		company := t.do("POST", "/companies", map[string]any{"name": "Beta", "domains": []string{"bücher.example"}}, 201)["id"].(string)
		for i := range 5 {
			t.push(fmt.Sprintf(`{"userName":"u%d","displayName":"Person %d%%","emails":[{"value":"u%d@acme.example"}]}`, i, i, i))
		}
		t.push(`{"userName":"gone","displayName":"Gone","active":false}`)
		t.push(`{"userName":"ÜNAL","displayName":"Per_son","emails":[{"value":"x@xn--bcher-kva.example"}]}`)
		for query, want := range map[string][]string{
			"":                                    {"u0", "u1", "u2", "u3", "u4", "ÜNAL"},
			"?status=active":                      {"u0", "u1", "u2", "u3", "u4", "ÜNAL"},
			"?status=deleted":                     {"gone"},
			"?status=all&limit=2":                 {"u0", "u1", "u2", "u3", "u4", "gone", "ÜNAL"},
			"?q=PERSON+2":                         {"u2"},
			"?q=2++u2+person":                     {"u2"},
			"?q=person+2+nobody":                  nil,
			"?q=u3@ACME":                          {"u3"},
			"?q=%C3%BCnal":                        {"ÜNAL"},
			"?q=%25":                              {"u0", "u1", "u2", "u3", "u4"},
			"?q=_":                                {"ÜNAL"},
			"?q=%5C":                              nil,
			"?q=nobody":                           nil,
			"?domain=ACME.example.":               {"u0", "u1", "u2", "u3", "u4"},
			"?domain=cme.example":                 nil,
			"?domain=B%C3%BCcher.example":         {"ÜNAL"},
			"?company=" + company:                 {"ÜNAL"},
			"?company=nobody":                     nil,
			"?domain=acme.example&q=1&status=all": {"u1"},
		} {
			if !strings.Contains(query, "?") {
				query = "?limit=3"
			}
			var got []string
			for _, c := range t.items("/contacts" + query) {
				got = append(got, c["userName"].(string))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", query, diff)
			}
		}
	})
}

func TestCompanies(t *testing.T) {
	each(t, func(t *server) {
		acme := t.do("POST", "/companies", map[string]any{"name": " Acme "}, 201)
		path := "/companies/" + acme["id"].(string)
		if acme["name"] != "Acme" || len(acme["domains"].([]any)) != 0 {
			t.Errorf("created as %v", acme)
		}
		t.do("POST", "/companies", map[string]any{"name": "ACME"}, 409)
		t.do("POST", "/companies", map[string]any{"name": "Beta", "domains": []string{"acme.example"}}, 201)
		got := t.do("PATCH", path, map[string]any{"name": "Acme Ltd", "domains": []string{"b.example", "a.example", "B.EXAMPLE"}}, 200)
		if diff := cmp.Diff([]any{"a.example", "b.example"}, got["domains"]); diff != "" || got["name"] != "Acme Ltd" {
			t.Errorf("edited to %v", got)
		}
		t.do("PATCH", path, map[string]any{"name": "beta"}, 409)
		if got = t.do("GET", path, nil, 200); got["name"] != "Acme Ltd" {
			t.Errorf("a refused edit left %v", got)
		}
		for _, body := range []any{map[string]any{"name": " "}, map[string]any{"domains": []string{"no domain"}}, map[string]any{"domains": []string{"a@b.example"}}, `{"name":"\u0000"}`, map[string]any{"name": strings.Repeat("x", 1001)}} {
			t.do("PATCH", path, body, 400)
		}
		if n := len(t.items("/companies?limit=1")); n != 2 {
			t.Errorf("%d companies", n)
		}
		t.do("DELETE", path, nil, 204)
		t.do("GET", path, nil, 404)
		t.do("DELETE", path, nil, 404)
	})
}

func TestConnections(t *testing.T) {
	each(t, func(t *server) {
		t.push(`{"userName":"kofi"}`)
		list := t.items("/connections")
		if len(list) != 1 || list[0]["slug"] != "entra" || list[0]["tenantUrl"] != t.scim {
			t.Errorf("connections are %v", list)
		}
		t.do("GET", "/connections/entra", nil, 200)
		t.do("GET", "/connections/nobody", nil, 404)
		t.do("GET", "/connections/nobody/events", nil, 404)
		events := t.items("/connections/entra/events?limit=1")
		if len(events) != 3 || events[0]["outcome"] != "created" || events[0]["actor"].(map[string]any)["type"] != "directory" {
			t.Errorf("events are %v", events)
		}
	})
}

// wantProblem fails unless the answer is a problem document of the status.
func wantProblem(t testing.TB, a testkit.Answer, status int) {
	t.Helper()
	body := a.Want(t, status)
	if a.Header.Get("Content-Type") != "application/problem+json" || body["status"] != float64(status) || body["title"] == nil || body["detail"] == nil {
		t.Errorf("answer %v %s is no problem document", a.Header, a.Body)
	}
	if body["requestId"] != a.Header.Get("X-Request-Id") && a.Header.Get("X-Request-Id") != "" {
		t.Errorf("answer %s does not name its request %q", a.Body, a.Header.Get("X-Request-Id"))
	}
	lower := strings.ToLower(string(a.Body))
	for _, leak := range []string{"select ", "insert ", "sqlstate", "constraint", "goroutine", ".go:"} {
		if strings.Contains(lower, leak) {
			t.Errorf("%s shows %q", a.Body, leak)
		}
	}
}

// wantFault fails unless the answer is a problem document of the status that names the one location.
func wantFault(t testing.TB, a testkit.Answer, status int, location string) {
	t.Helper()
	wantProblem(t, a, status)
	var p api.Problem
	if err := json.Unmarshal(a.Body, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Errors) != 1 || p.Errors[0].Location != location || p.Errors[0].Message == "" {
		t.Errorf("answer %s does not name %s", a.Body, location)
	}
}

// TestFaults holds that a problem names the part of the request that is at fault, whoever found it.
func TestFaults(t *testing.T) {
	each(t, func(t *server) {
		t.do("POST", "/fields", `{"name":"badge","type":"number"}`, 201)
		contact := fmt.Sprint("/contacts/", t.do("POST", "/contacts", `{"displayName":"Ann"}`, 201)["id"])
		company := fmt.Sprint("/companies/", t.do("POST", "/companies", `{"name":"Acme"}`, 201)["id"])
		t.do("POST", "/companies", `{"name":"Beta"}`, 201)
		long := strings.Repeat("x", 1001)
		for _, c := range []struct {
			method, path, body string
			status             int
			location           string
		}{
			{"GET", "/contacts?stat=deleted", "", 400, "query.stat"},
			{"GET", "/fields?limit=1", "", 400, "query.limit"},
			{"DELETE", contact + "?force=1", "", 400, "query.force"},
			{"GET", "/contacts?status=gone", "", 400, "query.status"},
			{"GET", "/contacts?limit=0", "", 400, "query.limit"},
			{"GET", "/contacts?cursor=*", "", 400, "query.cursor"},
			{"GET", "/contacts?domain=a@b", "", 400, "query.domain"},
			{"GET", "/contacts/" + long, "", 400, "path.id"},
			{"POST", "/contacts", "", 400, "body"},
			{"POST", "/contacts", "{", 400, "body"},
			{"POST", "/contacts", "[]", 400, "body"},
			{"POST", "/contacts", `{"displayName":5}`, 400, "body.displayName"},
			{"POST", "/contacts", `{"displayName":"x","title":"y","displayName":"z"}`, 400, "body.displayName"},
			{"POST", "/contacts", `{"displayName":"x","emails":[{"value":"a@b.example","value":"c@d.example"}]}`, 400, "body.emails.value"},
			{"POST", "/contacts", `{"displayName":"x","colour":"teal"}`, 400, "body.colour"},
			{"POST", "/contacts", `{"DisplayName":"x"}`, 400, "body.DisplayName"},
			{"POST", "/contacts", `{"displayName":"x","emails":[{"value":"a"},{"value":"b","kind":"c"}]}`, 400, "body.emails[1].kind"},
			{"POST", "/contacts", `{"displayName":"x","emails":[{"type":"work"}]}`, 400, "body.emails[0].value"},
			{"POST", "/contacts", `{"displayName":"x","emails":[{"value":" "}]}`, 400, "body.emails"},
			{"POST", "/contacts", `{"displayName":"x","emails":[{"value":"` + long + `"}]}`, 400, "body.emails"},
			{"POST", "/contacts", `{"userName":"` + long + `"}`, 400, "body.userName"},
			{"POST", "/contacts", `{"displayName":"x","phones":[{"value":"\u0000"}]}`, 400, "body.phones"},
			{"POST", "/contacts", `{"displayName":"x","companyId":"nobody"}`, 400, "body.companyId"},
			{"PATCH", contact, `{"fields":{"badge":"many"}}`, 400, "body.fields.badge"},
			{"PATCH", contact, `{"fields":{"colour":"teal"}}`, 400, "body.fields.colour"},
			{"PATCH", company, `{"name":"BETA"}`, 409, "body.name"},
			{"PATCH", company, `{"domains":["acme.example","no domain"]}`, 400, "body.domains"},
			{"POST", "/companies", `{}`, 400, "body.name"},
			{"POST", "/tickets", `{"contactId":"nobody","subject":"x"}`, 400, "body.contactId"},
			{"POST", "/tickets", `{"contactId":"nobody","subject":"x","status":"new"}`, 400, "body.status"},
			{"POST", "/fields", `{"name":"badge","type":"number"}`, 409, "body.name"},
			{"POST", "/fields", `{"name":"2","type":"number"}`, 400, "body.name"},
			{"POST", "/fields", `{"name":"tier","type":"choice"}`, 400, "body.choices"},
		} {
			a := testkit.Call(t, c.method, t.URL+"/api/v1"+c.path, t.admin, c.body)
			if a.Status != c.status {
				t.Errorf("%s %.60s %.60s: status %d %s", c.method, c.path, c.body, a.Status, a.Body)
				continue
			}
			wantFault(t, a, c.status, c.location)
			if strings.Contains(string(a.Body), "xxxx") {
				t.Errorf("the answer repeats what was sent: %s", a.Body)
			}
		}
		// All that is wrong is told at once.
		a := testkit.Call(t, "POST", t.URL+"/api/v1/tickets", t.admin, `{"Subject":"x","status":"new"}`)
		want := `"errors":[{"location":"body.Subject","message":"unexpected property"},{"location":"body.contactId","message":"this is required"},` +
			`{"location":"body.status","message":"expected value to be one of \"open, pending, solved\""},{"location":"body.subject","message":"this is required"}]`
		if wantProblem(t, a, 400); !strings.Contains(string(a.Body), want) {
			t.Errorf("answer %s", a.Body)
		}
		// What is wrong with a header, and what with no part of the request.
		wantFault(t, t.with("Content-Type", "text/plain", "POST", "/contacts", "x"), 415, "header.Content-Type")
		if a := t.with("If-Match", "*", "POST", contact+"/erase", ""); a.Status != 409 || strings.Contains(string(a.Body), "errors") {
			t.Errorf("answer %d %s", a.Status, a.Body)
		}
	})
}

func TestProblems(t *testing.T) {
	each(t, func(t *server) {
		call := func(method, path string, body any) testkit.Answer {
			return testkit.Call(t, method, t.URL+path, t.admin, body)
		}
		for _, c := range []struct {
			method, path string
			body         any
			status       int
		}{
			{"GET", "/api", nil, 404},
			{"GET", "/api/v1", nil, 404},
			{"GET", "/api/v1/nothing", nil, 404},
			{"GET", "/api/v1/contacts/nobody", nil, 404},
			{"GET", "/api/v1/contacts/%00", nil, 400},
			{"GET", "/api/v1/contacts/%ff", nil, 400},
			{"GET", "/api/v1/contacts?q=%00", nil, 400},
			{"GET", "/api/v1/contacts?q=%ZZ", nil, 400},
			{"GET", "/api/v1/contacts?status=gone", nil, 400},
			{"GET", "/api/v1/contacts?limit=0", nil, 400},
			{"GET", "/api/v1/contacts?limit=x", nil, 400},
			{"GET", "/api/v1/contacts?limit=1001", nil, 400},
			{"GET", "/api/v1/contacts?cursor=*", nil, 400},
			{"GET", "/api/v1/contacts?cursor=AA", nil, 400},
			{"GET", "/api/v1/contacts?domain=a@b", nil, 400},
			{"GET", "/api/v1/contacts?q=" + strings.Repeat("x", 300), nil, 400},
			{"PUT", "/api/v1/contacts", nil, 405},
			{"POST", "/api/v1/contacts/x", nil, 405},
			{"GET", "/api/v1/contacts/x/restore", nil, 405},
			{"POST", "/api/v1/contacts", nil, 400},
			{"POST", "/api/v1/contacts", "{", 400},
			{"POST", "/api/v1/contacts", "[]", 400},
			{"POST", "/api/v1/contacts", "{} {}", 400},
			{"POST", "/api/v1/contacts", "{}", 400},
			{"POST", "/api/v1/contacts", `{"displayName":5}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","colour":"teal"}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"\u0000"}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","emails":[{"value":""}]}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","emails":["a@b"]}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","companyId":"nobody"}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","companyId":"y","companyReason":"auto"}`, 400},
			{"POST", "/api/v1/contacts", `{"displayName":"x","companyReason":"manual"}`, 400},
			{"POST", "/api/v1/contacts", `{"userName":"` + strings.Repeat("x", 1001) + `"}`, 400},
			{"POST", "/api/v1/contacts", strings.Repeat("x", 2_000_000), 413},
			{"POST", "/api/v1/companies", `{}`, 400},
		} {
			a := call(c.method, c.path, c.body)
			if a.Status != c.status {
				t.Errorf("%s %s %.60v: status %d, want %d\n%s", c.method, c.path, c.body, a.Status, c.status, a.Body)
				continue
			}
			wantProblem(t, a, c.status)
			if (a.Header.Get("Allow") != "") != (c.status == 405) {
				t.Errorf("%s %s allows %q", c.method, c.path, a.Header.Get("Allow"))
			}
		}
	})
}

// TestRefusalsAreRecorded reads the tenant's log after each kind of refused write.
func TestRefusalsAreRecorded(t *testing.T) {
	each(t, func(t *server) {
		last := func() desk.Event {
			t.Helper()
			events, err := t.Store.Read(t.Context()).Events(store.EventQuery{TenantID: "main", Limit: 1})
			if err != nil || len(events) == 0 {
				t.Fatal(events, err)
			}
			return events[0]
		}
		call := func(token, method, path string, body any) testkit.Answer {
			return testkit.Call(t, method, t.URL+"/api/v1"+path, token, body)
		}
		id := call(t.agent, "POST", "/contacts", map[string]any{"displayName": "Ann"}).Want(t, 201)["id"].(string)
		call(t.admin, "POST", "/companies", map[string]any{"name": "Acme"}).Want(t, 201)
		for _, c := range []struct {
			token, method, path, body string
			operation                 desk.Operation
			reason                    desk.Kind
			contact                   string
		}{
			{t.agent, "POST", "/contacts", `{}`, desk.OpCreate, desk.InvalidValue, ""},
			{t.agent, "POST", "/contacts", `{"displayName":5}`, desk.OpCreate, desk.InvalidValue, ""},
			{t.agent, "PATCH", "/contacts/" + id, `{"companyId":"nobody"}`, desk.OpPatch, desk.InvalidValue, id},
			{t.agent, "PATCH", "/contacts/nobody", `{"title":"x"}`, desk.OpPatch, desk.NotFound, "nobody"},
			{t.agent, "DELETE", "/contacts/nobody", ``, desk.OpDelete, desk.NotFound, "nobody"},
			{t.agent, "POST", "/contacts/nobody/restore", ``, desk.OpRestore, desk.NotFound, "nobody"},
			{t.agent, "POST", "/contacts/" + id + "/erase", ``, desk.OpErase, desk.Conflict, id},
			{t.agent, "POST", "/companies", `{"name":"x"}`, desk.OpCreate, desk.Forbidden, ""},
			{t.agent, "DELETE", "/companies/x", ``, desk.OpDelete, desk.Forbidden, ""},
			{t.admin, "POST", "/companies", `{"name":"ACME"}`, desk.OpCreate, desk.Uniqueness, ""},
			{t.admin, "PATCH", "/companies/x", `{"name":"y"}`, desk.OpPatch, desk.NotFound, ""},
		} {
			before := last()
			if a := call(c.token, c.method, c.path, c.body); a.Status < 400 || a.Status >= 500 {
				t.Fatalf("%s %s %s: %d", c.method, c.path, c.body, a.Status)
			}
			ev := last()
			contact := ""
			if ev.ContactID != nil {
				contact = *ev.ContactID
			}
			if ev.ID == before.ID || ev.Operation != c.operation || ev.Outcome != desk.Refused || ev.Reason != string(c.reason) || contact != c.contact ||
				ev.Detail == "" || ev.RequestID == "" || ev.ActorType != desk.ActorAgent || strings.Contains(ev.Detail, ": 5") {
				t.Errorf("%s %s %s leaves %+v", c.method, c.path, c.body, ev)
			}
		}
		before := last()
		call(t.agent, "GET", "/contacts/nobody", nil).Want(t, 404)
		call(t.agent, "GET", "/contacts?limit=x", nil).Want(t, 400)
		call(t.agent+"x", "DELETE", "/contacts/"+id, nil).Want(t, 401)
		if after := last(); after.ID != before.ID {
			t.Errorf("a read or a stranger left %+v", after)
		}
	})
}

// TestUnavailable holds that a client is told when to come back.
func TestUnavailable(t *testing.T) {
	each(t, func(t *server) {
		agent := func(*http.Request) (desk.Actor, error) { return desk.Actor{TenantID: "main"}, nil }
		for name, authenticate := range map[string]func(*http.Request) (desk.Actor, error){"signing in": t.Auth.API, "answering": agent} {
			h := &api.Handler{Engine: t.Engine, Authenticate: authenticate, Log: slog.New(slog.DiscardHandler)}
			gone, cancel := context.WithCancel(t.Context())
			cancel()
			r := httptest.NewRequestWithContext(gone, "GET", "/api/v1/contacts", nil)
			r.Header.Set("Authorization", "Bearer "+t.agent)
			w := httptest.NewRecorder()
			h.Routes().ServeHTTP(w, r)
			wantProblem(t, testkit.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}, 503)
			if w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", name)
			}
		}
	})
}
