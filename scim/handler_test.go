package scim_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/scim"
	"rollcall/store"
)

// endpoint is a server with one connection.
type endpoint struct {
	*testing.T
	*testkit.Server
	base, token string
}

func (e *endpoint) call(method, path string, body any) testkit.Answer {
	e.Helper()
	return testkit.Call(e, method, e.base+path, e.token, body)
}

func eachEndpoint(t *testing.T, f func(*endpoint)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		base, token := server.Connect(t, "main", "entra")
		f(&endpoint{t, server, base, token})
	})
}

// wantError fails unless the answer is a SCIM error of the status and type ("" for none).
func wantError(t testing.TB, a testkit.Answer, status int, scimType string) {
	t.Helper()
	body := a.Want(t, status)
	got, _ := body["scimType"].(string)
	schemas, _ := body["schemas"].([]any)
	if a.Header.Get("Content-Type") != "application/scim+json" || len(schemas) != 1 || schemas[0] != "urn:ietf:params:scim:api:messages:2.0:Error" ||
		body["status"] != itoa(status) || got != scimType || body["detail"] == nil {
		t.Errorf("answer %v %s is no SCIM error of type %q", a.Header, a.Body, scimType)
	}
	if detail, _ := body["detail"].(string); !strings.Contains(detail, "reference "+a.Header.Get("X-Request-Id")) || a.Header.Get("X-Request-Id") == "" {
		t.Errorf("answer %s does not say that its reference is %q", a.Body, a.Header.Get("X-Request-Id"))
	}
	lower := strings.ToLower(string(a.Body))
	for _, leak := range []string{"select ", "insert ", "sqlstate", "constraint", "goroutine", ".go:", "rcs_"} {
		if strings.Contains(lower, leak) {
			t.Errorf("%s shows %q", a.Body, leak)
		}
	}
}

// reference is by what an error is found in the server's log.
var reference = regexp.MustCompile(` \(reference [^)]+\)`)

func itoa(n int) string {
	return string(rune('0'+n/100)) + string(rune('0'+n/10%10)) + string(rune('0'+n%10))
}

func TestPaths(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		user := t.call("POST", "/Users", `{"userName":"kofi"}`).Want(t, 201)
		id := "/Users/" + user["id"].(string)
		for _, c := range []struct {
			method, path string
			status       int
			scimType     string
			allow        string
		}{
			{"PUT", "/Users", 405, "", "GET, HEAD, OPTIONS, POST"},
			{"DELETE", "/Users/", 405, "", "GET, HEAD, OPTIONS, POST"},
			{"POST", id, 405, "", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"},
			{"DELETE", "/Schemas", 405, "", "GET, HEAD, OPTIONS"},
			{"POST", "/ServiceProviderConfig", 405, "", "GET, HEAD, OPTIONS"},
			{"BREW", "/Users", 405, "", "GET, HEAD, OPTIONS, POST"},
			{"GET", "/users", 404, "", ""},
			{"GET", "/Printers", 404, "", ""},
			{"GET", id + "/photos", 404, "", ""},
			{"GET", "/Users/a%2Fb%25", 404, "", ""},
			{"GET", "/Users/%00", 404, "", ""},
			{"GET", "/Users/%ff", 404, "", ""},
			{"GET", "/Users/nobody", 404, "", ""},
			{"DELETE", "/Users/nobody", 404, "", ""},
			{"GET", "/Schemas/urn:nobody", 404, "", ""},
			{"GET", "/ResourceTypes/Group", 404, "", ""},
			{"GET", "/Schemas?filter=id+eq+%22x%22", 403, "", ""},
			{"GET", "/Groups/1", 404, "", ""},
			{"GET", "/Groups/.search", 405, "", "OPTIONS, POST"},
			{"POST", "/Groups/.search?filter=displayName+pr", 400, "invalidFilter", ""},
			{"DELETE", "/Groups/1", 501, "", ""},
			{"GET", "/Me", 501, "", ""},
			{"POST", "/Bulk", 400, "invalidSyntax", ""},
			{"GET", "/Users?filter=userName", 400, "invalidFilter", ""},
			{"GET", "/Users?filter=", 400, "invalidFilter", ""},
			{"GET", "/Users?filter=%ZZ", 400, "invalidFilter", ""},
			{"GET", "/Users?filter=%00", 400, "invalidFilter", ""},
			{"GET", "/Users?filters=userName+pr", 400, "invalidFilter", ""},
			{"GET", "/Users?%24filter=userName+pr", 400, "invalidFilter", ""},
			{"GET", "/Users?fliter=userName+pr", 400, "invalidFilter", ""},
			{"GET", "/Users?filter=userName+eq+%7B%7D", 400, "invalidFilter", ""},
			{"GET", "/Users?filter=" + strings.Repeat("title+pr+or+", 100) + "title+pr", 400, "invalidFilter", ""},
			{"POST", "/Users/.search?filter=userName+pr", 400, "invalidFilter", ""},
			{"GET", "/ServiceProviderConfig?filter=userName+pr", 403, "", ""},
			{"GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User?filter=userName+pr", 403, "", ""},
			{"GET", "/Users?filter=userName+pr&filter=title+pr", 400, "invalidValue", ""},
			{"GET", "/Users?count=1.5", 400, "invalidValue", ""},
			{"GET", "?filter=userName", 400, "invalidFilter", ""},
			{"GET", "/?sortBy=shoeSize", 400, "invalidValue", ""},
			{"GET", "/Users?startIndex=x", 400, "invalidValue", ""},
			{"GET", "/Users?sortBy=shoeSize", 400, "invalidValue", ""},
			{"GET", "/Users?sortBy=name", 400, "invalidValue", ""},
			{"GET", "/Users?sortBy=userName&sortOrder=up", 400, "invalidValue", ""},
			{"GET", "/Users?cursor=nonsense", 400, "invalidCursor", ""},
			{"GET", "/Users?cursor=%2B%2F", 400, "invalidCursor", ""},
			{"GET", "/Users?cursor&count=-1", 400, "invalidCount", ""},
			{"GET", "/Users?cursor&count=x", 400, "invalidCount", ""},
			{"GET", "/Users?cursor&startIndex=1", 400, "invalidValue", ""},
		} {
			a := t.call(c.method, c.path, nil)
			wantError(t, a, c.status, c.scimType)
			if a.Header.Get("Allow") != c.allow {
				t.Errorf("%s %s allows %q, want %q", c.method, c.path, a.Header.Get("Allow"), c.allow)
			}
		}
		wantError(t, t.call("POST", "/Groups", `{"displayName":"x"}`), 501, "")
		wantError(t, t.call("POST", "/Users/.search", `{"filter":"userName eq \"kofi\"","FILTER":"title pr"}`), 400, "invalidSyntax")
		wantError(t, t.call("POST", "/Users/.search", `{"filters":"userName eq \"kofi\""}`), 400, "invalidFilter")
		wantError(t, t.call("POST", "/Users/.search", `{"filter":{"userName":"kofi"}}`), 400, "invalidValue")
		wantError(t, t.call("POST", "/Users/.search", `{"filter":""}`), 400, "invalidFilter")
		wantError(t, t.call("PATCH", id, `{"Operations":[{"op":"add","path":"`+strings.Repeat("x", 900)+`","value":"x"}]}`), 400, "invalidPath")
		for _, filter := range []string{"userName eq\r\n\"kofi\"", strings.Repeat("title pr or ", 99) + `userName sw "k"`} {
			if n := t.call("POST", "/Users/.search", map[string]any{"filter": filter}).Want(t, 200)["totalResults"]; n != 1.0 {
				t.Errorf("%.40q finds %v", filter, n)
			}
		}
		for query, want := range map[string]any{`filter=userName+eq+"kofi"`: 1.0, `filter=userName+eq+"ama"`: 0.0, "count=0": 1.0, "cursor": 1.0, "ATTRIBUTES=userName": 1.0, "aadOptscim062020": nil, "": nil} {
			query = strings.ReplaceAll(query, `"`, "%22")
			if n := t.call("GET", "/?"+query, nil).Want(t, 200)["totalResults"]; n != want {
				t.Errorf("the tenant URL with %q has %v users", query, n)
			}
		}
		groups := t.call("POST", "/Groups/.search", `{"filter":"displayName eq \"All\"","startIndex":3}`).Want(t, 200)
		if groups["totalResults"] != 0.0 || groups["startIndex"] != 3.0 || len(resources(groups)) > 0 {
			t.Errorf("a search for groups finds %v", groups)
		}
		wantError(t, t.call("POST", "/Groups/.search", `{"startIndex":"x"}`), 400, "invalidValue")
		far := t.call("GET", "/Users?startIndex=5000000000", nil).Want(t, 200)
		if far["startIndex"] != 5e9 || far["totalResults"] != 1.0 {
			t.Errorf("a page far away is %v", far)
		}
		for _, path := range []string{"", "/", "/Users", "/Users/", "//Users", "/v2/Users", "/v2//Users/", id, id + "/", "/v2" + id, "/ServiceProviderConfig", "/ResourceTypes", "/ResourceTypes/User", "/Schemas", "/Groups", "/Groups/",
			"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", "/Schemas/" + ent, "/Users?aadOptscim062020", "/Users?startIndex=99999999999999999999&count=99999999999999999999", "/Users?startIndex=-5&count=-5",
			"/Schemas?count=x&attributes=%ZZ", "/ServiceProviderConfig?startIndex=x", "/ResourceTypes?sortBy=%ff"} {
			a := t.call("GET", path, nil)
			a.Want(t, 200)
			if got := a.Header.Get("Content-Type"); got != "application/scim+json" {
				t.Errorf("%s is %s", path, got)
			}
			if head := t.call("HEAD", path, nil); head.Status != 200 || len(head.Body) > 0 || head.Header.Get("Content-Type") != "application/scim+json" {
				t.Errorf("HEAD %s: %d", path, head.Status)
			}
			if options := t.call("OPTIONS", path, nil); options.Status != 204 || options.Header.Get("Allow") == "" {
				t.Errorf("OPTIONS %s: %d, allows %q", path, options.Status, options.Header.Get("Allow"))
			}
		}
		for _, method := range []string{"GET", "HEAD"} { // needs no token
			if a := testkit.Call(t, method, t.base+"/ServiceProviderConfig", "", nil); a.Status != 200 {
				t.Errorf("%s /ServiceProviderConfig without a token: %d", method, a.Status)
			}
		}
		if loc := t.call("GET", "/v2"+id, nil).Header.Get("Location"); loc != t.base+"/v2"+id {
			t.Errorf("location below /v2 is %s", loc)
		}
	})
}

func TestAuthentication(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		_, other := t.Connect(t, "main", "okta")
		_, foreign := t.Connect(t, "other", "entra")
		end := time.Now().Add(time.Hour)
		expired, err := t.Auth.Issue(t.Context(), provision.System("main"), &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "entra", ExpiresAt: &end})
		if err != nil {
			t.Fatal(err)
		}
		t.Store.Now = func() time.Time { return time.Now().Add(time.Hour) }
		for name, token := range map[string]string{
			"none": "", "nonsense": "x", "a session of the API": t.Token(t, "main", desk.RoleAdmin), "another connection's": other, "another tenant's": foreign,
			"one that nobody made": desk.NewSecret(desk.TokenSCIM, "main"), "one of a tenant that is none": desk.NewSecret(desk.TokenSCIM, "nobody"), "expired": expired,
			"with other ends": t.token + "x", "in capitals": strings.ToUpper(t.token),
		} {
			for _, path := range []string{"/Users", "/Users/nobody", "/nowhere", "/Schemas", "", "/Groups"} {
				a := testkit.Call(t, "GET", t.base+path, token, nil)
				wantError(t, a, 401, "")
				if !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer") {
					t.Errorf("%s: no challenge", name)
				}
				unknown := testkit.Call(t, "GET", t.URL+"/scim/nobody/nothing"+path, token, nil)
				if unknown.Status != 401 || reference.ReplaceAllString(string(unknown.Body), "") != reference.ReplaceAllString(string(a.Body), "") && name != "expired" {
					t.Errorf("%s: an unknown tenant answers %s, a known one %s", name, unknown.Body, a.Body)
				}
			}
		}
		testkit.Call(t, "GET", t.base+"/ServiceProviderConfig", "", nil).Want(t, 200)
		wantError(t, testkit.Call(t, "GET", t.URL+"/scim", "", nil), 401, "")
		wantError(t, testkit.Call(t, "GET", t.URL+"/scim/main", t.token, nil), 401, "")
		request, _ := http.NewRequest("GET", t.base+"/Users", nil)
		request.Header.Set("Authorization", "bEaReR  "+t.token)
		if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != 200 {
			t.Errorf("the scheme counts without case: %v, %v", response, err)
		}
	})
}

// TestOtherTenants walks every route with the tokens of another tenant, and of another connection of the same one.
func TestOtherTenants(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		user := t.call("POST", "/Users", `{"userName":"kofi","externalId":"k1"}`).Want(t, 201)
		id := user["id"].(string)
		_, sibling := t.Connect(t, "main", "okta")
		theirs, token := t.Connect(t, "other", "entra")
		n := 0
		for path, methods := range scim.Routes() {
			path = strings.ReplaceAll(path, "{id}", id)
			for _, method := range methods {
				for _, foreign := range []string{token, sibling} {
					for _, prefix := range []string{t.base, t.base + "/v2"} {
						a := testkit.Call(t, method, prefix+path, foreign, `{"userName":"mallory","Operations":[{"op":"replace","path":"active","value":false}]}`)
						if path == scim.OpenPath && method == "GET" {
							a.Want(t, 200)
							continue
						}
						wantError(t, a, 401, "")
						n++
					}
				}
			}
		}
		if n < 80 {
			t.Errorf("walked %d routes only", n)
		}
		if got := t.call("GET", "/Users/"+id, nil).Want(t, 200); got["meta"].(map[string]any)["version"] != `W/"1"` {
			t.Errorf("the user was changed: %v", got)
		}
		// With its own URL, the other tenant does not find this one's people.
		wantError(t, testkit.Call(t, "GET", theirs+"/Users/"+id, token, nil), 404, "")
		for _, filter := range []string{`id+eq+"` + id + `"`, `externalId+eq+"k1"`, "userName+pr"} {
			if list := testkit.Call(t, "GET", theirs+"/Users?filter="+strings.ReplaceAll(filter, `"`, "%22"), token, nil).Want(t, 200); list["totalResults"] != 0.0 {
				t.Errorf("%s finds another tenant's user", filter)
			}
		}
		// And may have people of the same names.
		testkit.Call(t, "POST", theirs+"/Users", token, `{"userName":"kofi","externalId":"k1"}`).Want(t, 201)
	})
}

func TestBodies(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		post := func(contentType, body string) testkit.Answer {
			request, err := http.NewRequest("POST", t.base+"/Users", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+t.token)
			if contentType != "" {
				request.Header.Set("Content-Type", contentType)
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return testkit.Answer{Status: response.StatusCode, Header: response.Header, Body: text}
		}
		for i, contentType := range []string{"", "application/scim+json", "application/scim+json; charset=utf-8", "application/json", "application/json;charset=UTF-8", "APPLICATION/JSON", "application/scim+json; charset"} {
			post(contentType, `{"userName":"u`+itoa(i)+`"}`).Want(t, 201)
		}
		for _, contentType := range []string{"application/json; charset=utf-16", "application/scim+json;charset=ISO-8859-1", "application/xml", "text/plain", "application/x-www-form-urlencoded", ";", "multipart/form-data; boundary=x"} {
			wantError(t, post(contentType, `{"userName":"x"}`), 415, "")
		}
		wantError(t, post("application/json", strings.Repeat("A", 3_000_000)), 413, "")
		wantError(t, post("application/json", `{"userName":"x","title":"`+strings.Repeat("A", 1<<20)+`"}`), 413, "")
		post("application/json", `{"userName":"big","password":"`+strings.Repeat("A", 1<<19)+`"}`).Want(t, 201) // which is not kept
		wantError(t, post("application/json", strings.Repeat("[", 20000)), 400, "invalidSyntax")
		wantError(t, post("application/json", ""), 400, "invalidSyntax")
		for body, detail := range map[string]string{
			`{"userName":"twice","title":"x","userName":"other"}`:                                "userName is given twice",
			`{"userName":"twice","user\u004eame":"twice"}`:                                       "userName is given twice",
			`{"userName":"twice","USERNAME":"twice"}`:                                            "is given twice",
			`{"userName":"twice","emails":[{"value":"a@b.example","value":"c@d.example"}]}`:      "emails.value is given twice",
			`{"userName":"twice","name":{"givenName":"A","givenName":"A"}}`:                      "name.givenName is given twice",
			`{"userName":"twice","urn:x":{"y":[{"z":{"deep":1,"deep":1}}]}}`:                     "urn:x.y.z.deep is given twice",
			`{"schemas":[],"schemas":[],"userName":"twice"}`:                                     "schemas is given twice",
			`{"userName":"twice","name":{"givenName":"\"userName\":"},"active":true,"active":1}`: "active is given twice",
		} {
			if a := post("application/json", body); a.Status != 400 || !strings.Contains(string(a.Body), "invalidSyntax") || !strings.Contains(string(a.Body), detail) {
				t.Errorf("%s: %d %s", body, a.Status, a.Body)
			}
		}
		post("application/json", `{"userName":"once","name":{"givenName":"\"userName\":"},"title":"a:b","emails":[{"value":"a@b.example"},{"value":"c@d.example"}]}`).Want(t, 201)
	})
}

// TestRefusalsAreRecorded reads the connection's log after each kind of refusal.
func TestRefusalsAreRecorded(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		user := t.call("POST", "/Users", `{"userName":"kofi","externalId":"k1"}`).Want(t, 201)
		id := user["id"].(string)
		for _, c := range []struct {
			method, path, body string
			operation          desk.Operation
			reason             desk.Kind
			subject            string
		}{
			{"POST", "/Users", `{"userName":"KOFI"}`, desk.OpCreate, desk.Uniqueness, "KOFI"},
			{"POST", "/Users", `{"externalId":"k1"}`, desk.OpCreate, desk.InvalidValue, "k1"},
			{"POST", "/Users", `{`, desk.OpCreate, desk.InvalidSyntax, ""},
			{"PUT", "/Users/" + id, `{"userName":5}`, desk.OpReplace, desk.InvalidValue, ""},
			{"PATCH", "/Users/" + id, `{"Operations":[{"op":"replace","path":"colour","value":"x"}]}`, desk.OpPatch, desk.InvalidPath, ""},
			{"PATCH", "/Users/nobody", `{"Operations":[]}`, desk.OpPatch, desk.NotFound, ""},
			{"DELETE", "/Users/nobody", ``, desk.OpDelete, desk.NotFound, ""},
			{"GET", "/Users?filter=x", ``, desk.OpRead, desk.InvalidFilter, ""},
			{"GET", "/Users?count=x", ``, desk.OpRead, desk.InvalidValue, ""},
			{"POST", "/Users/.search", `{"filter":"x"}`, desk.OpRead, desk.InvalidFilter, ""},
			{"POST", "/Users/.search?count=x", `{}`, desk.OpRead, desk.InvalidValue, ""},
			{"PATCH", "/Users/" + id + "?attributes=%ff", `{}`, desk.OpPatch, desk.InvalidFilter, ""},
			{"POST", "/Groups", `{"displayName":"All"}`, desk.OpCreate, desk.NotImplemented, ""},
			{"POST", "/Bulk", `{}`, desk.OpBulk, desk.InvalidSyntax, ""},
			{"PUT", "/Users", `{}`, desk.OpReplace, desk.MethodNotAllowed, ""},
			{"POST", "/User", `{}`, desk.OpCreate, desk.NotFound, ""},
		} {
			if a := t.call(c.method, c.path, c.body); a.Status < 400 {
				t.Fatalf("%s %s is not refused", c.method, c.path)
			}
			events, err := t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 2})
			if err != nil || len(events) < 2 {
				t.Fatal(events, err)
			}
			ev := events[0]
			if ev.Operation != c.operation || ev.Outcome != desk.Refused || ev.Reason != string(c.reason) || ev.Subject != c.subject || ev.Detail == "" || ev.RequestID == "" || ev.ActorName != "entra" {
				t.Errorf("%s %s leaves %+v", c.method, c.path, ev)
			}
			if strings.HasSuffix(c.path, id) && (ev.UserID == nil || *ev.UserID != id || ev.ContactID == nil) {
				t.Errorf("%s %s does not say whom it was about: %+v", c.method, c.path, ev)
			}
		}
		events, err := t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		before := len(events)
		t.call("GET", "/Users/nobody", nil)
		t.call("GET", "/Printers", nil)
		t.call("OPTIONS", "/Users", nil)
		testkit.Call(t, "POST", t.base+"/Users", "", `{"userName":"x"}`)
		t.call("GET", "/Users", nil)
		t.call("PATCH", "/Users/"+id, `{"Operations":[{"op":"replace","path":"userName","value":"kofi"}]}`)
		if events, err = t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 100}); err != nil || len(events) != before {
			t.Errorf("reads and a change of nothing left %d events", len(events)-before)
		}
	})
}

// TestPanic holds that a bug is answered in SCIM's form and tells nothing.
func TestPanic(t *testing.T) {
	var log strings.Builder
	h := &scim.Handler{
		Engine: &provision.Engine{Store: &store.Store{}}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Authenticate: func(*http.Request, string, string) (desk.Actor, error) {
			panic("rcs_main_secret in a message")
		},
	}
	w := httptest.NewRecorder()
	httpx.Wrap(h.Routes(), h.Log, nil).ServeHTTP(w, httptest.NewRequest("GET", "/scim/main/entra/Users", nil))
	wantError(t, testkit.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}, 500, "")
	if strings.Contains(w.Body.String(), "secret") {
		t.Errorf("the answer tells: %s", w.Body)
	}
	if !strings.Contains(log.String(), "scim_test.TestPanic") || strings.Contains(log.String(), "goroutine") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log does not say where, or holds a stack or a secret: %s", &log)
	}
}

// TestLeavers holds that a PATCH that deactivates does so whatever else it asks for: somebody who left shall not keep their
// access because of a bad telephone number.
func TestLeavers(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		t.call("POST", "/Users", `{"userName":"ann","externalId":"a1"}`).Want(t, 201)
		off := `{"op":"Replace","path":"active","value":"False"}`
		long := strings.Repeat("x", 1100)
		for i, c := range []struct{ name, operations, leftOut string }{
			{"nothing else", off, ""},
			{"a change that is fine", off + `,{"op":"replace","path":"title","value":"T"}`, ""},
			{"wrapped", `{"op":"Replace","path":"active","value":[{"$ref":null,"value":"False"}]}`, ""},
			{"without a path", `{"op":"replace","value":{"active":false}}`, ""},
			{"a taken userName", off + `,{"op":"replace","path":"userName","value":"ANN"}`, "userName"},
			{"a taken externalId", `{"op":"replace","path":"externalId","value":"a1"},` + off, "externalId"},
			{"a blank userName", `{"op":"replace","path":"userName","value":" "},` + off, "userName"},
			{"no userName", `{"op":"remove","path":"userName"},` + off, "userName"},
			{"an address that is too long", `{"op":"replace","path":"emails[type eq \"work\"].value","value":"` + long + `"},` + off, "emails"},
			{"an unknown operation", off + `,{"op":"move","path":"title"}`, "title"},
			{"an unknown path", off + `,{"op":"replace","path":"colour","value":"x"}`, "colour"},
			{"a path that selects nothing", off + `,{"op":"replace","path":"emails[value co \"nobody\"].display","value":"x"}`, "emails"},
			{"a value of the wrong type", off + `,{"op":"replace","path":"name","value":5}`, "name"},
			{"a bad extension beside active", `{"op":"replace","value":{"active":"False","` + ent + `":"sales"}}`, ent},
			{"what is the server's", off + `,{"op":"replace","path":"id","value":"x"}`, "id"},
		} {
			name := "leaver" + itoa(100+i)
			id := "/Users/" + t.call("POST", "/Users", `{"userName":"`+name+`"}`).Want(t, 201)["id"].(string)
			body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + c.operations + `]}`
			for range 2 { // a client that got no answer asks again
				user := t.call("PATCH", id, body).Want(t, 200)
				if user["active"] != false || user["userName"] != name {
					t.Errorf("%s leaves %v", c.name, user)
				}
			}
			events, err := t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			ev := events[0]
			if ev.Outcome != desk.Deactivated || (ev.Detail != "") != (c.leftOut != "") || !strings.Contains(ev.Detail, c.leftOut) {
				t.Errorf("%s: the log says %s, %q; want what was left out: %q", c.name, ev.Outcome, ev.Detail, c.leftOut)
			}
			if !strings.HasSuffix(id, *ev.UserID) {
				t.Errorf("%s: the last event is of somebody else", c.name)
			}
			contact, err := t.Engine.Contact(t.Context(), desk.Actor{TenantID: "main"}, *ev.ContactID)
			if err != nil || contact.Status != desk.SoftDeleted {
				t.Errorf("%s: contact is %s, %v", c.name, contact.Status, err)
			}
		}
		// Those who stay get no such leniency.
		id := "/Users/" + t.call("POST", "/Users", `{"userName":"stays"}`).Want(t, 201)["id"].(string)
		for _, active := range []string{`{"op":"replace","path":"active","value":"True"}`, off + `,{"op":"replace","path":"active","value":true}`, `{"op":"remove","path":"active"}`} {
			wantError(t, t.call("PATCH", id, `{"Operations":[`+active+`,{"op":"replace","path":"colour","value":"x"}]}`), 400, "invalidPath")
		}
		if t.call("GET", id, nil).Want(t, 200)["active"] != true {
			t.Error("a refused PATCH left its mark")
		}
	})
}

// TestChangesAreRecorded reads from the log what a PATCH changed in what no contact shows.
func TestChangesAreRecorded(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		id := "/Users/" + t.call("POST", "/Users", `{"userName":"kofi","emails":[{"type":"work","value":"k@x.example"}]}`).Want(t, 201)["id"].(string)
		for _, c := range []struct{ path, value, field string }{
			{`emails[type eq \"work\"].display`, `"K"`, "emails"},
			{"nickName", `"K"`, "nickName"},
			{"manager", `"M-1"`, ent + ":manager.value"},
			{"urn:ȺȺȺȺȺ:x", `"V"`, "urn:ȺȺȺȺȺ:x"},
		} {
			t.call("PATCH", id, `{"Operations":[{"op":"add","path":"`+c.path+`","value":`+c.value+`}]}`).Want(t, 200)
			events, err := t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 1})
			if err != nil {
				t.Fatal(err)
			}
			if list := events[0].Changes; len(list) != 1 || list[0].Field != c.field {
				t.Errorf("a change of %s is recorded as %+v", c.path, list)
			}
		}
	})
}
