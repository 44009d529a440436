package scim_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/scim"
)

// TestRecorder records each client's sequence, and replays the recording as a fixture: every answer has the same status, and
// nothing of what the client said of people is in the file.
func TestRecorder(t *testing.T) {
	files := sequences(t)
	eachEndpoint(t, func(t *endpoint) {
		admin := t.Token(t, "main", desk.RoleAdmin)
		api := func(method, path string, body any) testkit.Answer {
			return testkit.Call(t, method, t.URL+"/api/v1/connections/entra"+path, admin, body)
		}
		if off := api("GET", "", nil).Want(t, 200); off["recorder"] != false {
			t.Errorf("a new connection is recorded: %v", off)
		}
		t.call("GET", "/Users", nil).Want(t, 200)
		if file := api("GET", "/recording", nil); file.Status != 200 || len(file.Body) > 0 {
			t.Errorf("recorded while off: %d %s", file.Status, file.Body)
		}
		for _, file := range files {
			slug := "r" + strings.ReplaceAll(filepath.Base(filepath.Dir(file))+strings.TrimSuffix(strings.ToLower(filepath.Base(file)), ".jsonl"), ".", "-")
			t.Run(slug, func(test *testing.T) {
				record(test, t.Server, slug, file)
			})
		}
	})
}

func record(t *testing.T, server *testkit.Server, tenant, file string) {
	base, token := server.Connect(t, tenant, "directory")
	admin := server.Token(t, tenant, desk.RoleAdmin)
	connection := server.URL + "/api/v1/connections/directory"
	if on := testkit.Call(t, "PATCH", connection, admin, map[string]any{"recorder": true}).Want(t, 200); on["recorder"] != true {
		t.Fatalf("recorder is not on: %v", on)
	}
	exchanges := testkit.Exchanges(t, file)
	testkit.Replay(t, base, token, exchanges)
	recording := testkit.Call(t, "GET", connection+"/recording", admin, nil)
	if recording.Status != 200 || recording.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("recording: %d %v", recording.Status, recording.Header)
	}
	path := filepath.Join(t.TempDir(), "recording.jsonl")
	if err := os.WriteFile(path, recording.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	authenticated := 0
	for _, e := range exchanges {
		if e.Headers["Authorization"] != "" && e.Path != scim.OpenPath {
			authenticated++
		}
	}
	recorded := testkit.Exchanges(t, path)
	if len(recorded) != authenticated {
		t.Errorf("%d of %d exchanges were recorded", len(recorded), authenticated)
	}
	text := strings.ToLower(string(recording.Body))
	for _, e := range exchanges {
		for _, s := range said(e.Body) {
			if strings.Contains(text, strings.ToLower(s)) {
				t.Errorf("the recording tells %q", s)
			}
		}
	}
	if strings.Contains(text, "rcs_") || strings.Contains(text, strings.ToLower(token)) {
		t.Error("the recording holds the token")
	}
	testkit.Call(t, "PATCH", connection, admin, map[string]any{"recorder": false}).Want(t, 200)
	again, againToken := server.Connect(t, tenant+"2", "directory")
	testkit.Replay(t, again, againToken, recorded)
	testkit.Call(t, "DELETE", connection+"/recording", admin, nil).Want(t, 204)
	if left := testkit.Call(t, "GET", connection+"/recording", admin, nil); len(left.Body) > 0 {
		t.Errorf("deleted, yet there is %s", left.Body)
	}
}

// said lists the texts in a body that may be personal, as far as they stand out from the words of the protocol.
func said(v any) []string {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(strings.ToLower(v), "urn:") || strings.Contains(v, "{{") || strings.Contains(v, "[") || len(v) < 7 ||
			!strings.ContainsAny(v, "@ 0123456789") {
			return nil
		}
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, said(e)...)
		}
		return list
	case map[string]any:
		var list []string
		for name, e := range v {
			switch strings.ToLower(name) {
			case "path", "meta", "id", "op":
			default:
				list = append(list, said(e)...)
			}
		}
		return list
	}
	return nil
}

// TestRedact shows what is kept of a request's path and body: form and words of the protocol.
func TestRedact(t *testing.T) {
	const k = `x[0-9a-f]{10}`
	for in, want := range map[string]string{
		"/Users?filter=userName+eq+%22kofi%40acme.example%22&count=5":                                    `/Users\?filter=userName\+eq\+%22` + k + `%40` + k + `.example%22&count=5`,
		"/Users?filter=userName eq kofi and (active eq true)":                                            `/Users\?filter=userName\+eq\+` + k + `\+and\+%28active\+eq\+true%29`,
		`/Users?filter=emails[type eq "work"].value co "Ünal" or meta.created gt "2026-01-01T00:00:00Z"`: `/Users\?filter=emails%5Btype\+eq\+%22work%22%5D.value\+co\+%22X[0-9a-f]{10}%C3%A9%22\+or\+meta.created\+gt\+%222026-01-01T00%3A00%3A00Z%22`,
		"/Users?filter=%ZZkofi&attributes=emails,name.givenName&aadOptscim062020&cursor=eyJr":            `/Users\?filter=%xxxxxx&attributes=emails,name.givenName&aadOptscim062020&cursor=X[0-9a-f]{10}`,
		"/Users/kofi":                                 `/Users/` + k,
		"/Users/kofi@acme.example":                    `/Users/` + k + `@` + k + `.example`,
		"/Users/01a1fab6-9fba-77c6-b245-1160843e1b71": `/Users/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`,
		`{"op":"Replace","path":"emails[value eq \"k@a.example\"].value","value":" Kofi "}`:                                      `{"op":"Replace","path":"emails\[value eq \\"` + k + `@` + k + `.example\\"].value","value":" X[0-9a-f]{10} "}`,
		`{"active":"False","externalId":"","phoneNumbers":[{"type":"work","value":"+1 (2) 34"}]}`:                                `{"active":"False","externalId":"","phoneNumbers":\[{"type":"work","value":"\+[0-9] \([0-9]\) [0-9]{2}"}]}`,
		`{"employeeNumber":4711,"totalResults":3,"schemas":["urn:a:b","kofi"],"id":"kofi"}`:                                      `{"employeeNumber":1000,"id":"` + k + `","schemas":\["urn:a:b","` + k + `"],"totalResults":3}`,
		`{"op":"kofi","method":"k@a.example","status":"sick","type":"Pet","version":"kofi","created":"kofi","kofi@a.example":1}`: `{"created":"` + k + `","method":"` + k + `@` + k + `.example","op":"` + k + `","status":"` + k + `","type":"X[0-9a-f]{10}","version":"` + k + `","` + k + `@` + k + `.example":1}`,
		`{"name":"Kofi`: `{"xxxx":"xxxx`,
	} {
		if got := scim.Redact(in); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
	// Nothing of a person is left wherever a client puts it.
	for _, in := range []string{
		"/Users?filter=userName eq Ann Zorba Co", "/Users?filter=userName eq 'Ann Zorba Co'", "/Users?filter=Zorba", "/Users?filter=userName equals zorba",
		`/Users?filter=userName eq "a" zorba`, "/Users?filter=emails[value eq Ann zorba]", "/Users?filter=urn:a:zorba eq 1", "/Users?zorba=1", "/Users?zorba@a.example", "/Users?%7Aorba",
		"/Users?attributes=Ann zorba,zorba", "/Users?sortBy=zorba", "/Users?sortOrder=zorba", "/Users?count=zorba", "/Users/urn:a:zorba", "/Users/%7Aorba",
		`{"Ann zorba":1}`, `{"zorba.ann":1}`, `{"Zorba":{"Zorba":[{"Zorba":1}]}}`, `{"name.Zorba":1}`, `{"rcs_main_zorba":1}`, `{"path":"Ann zorba","value":"zorba"}`,
		`{"path":"emails[type eq 'work zorba x'].value"}`, `{"path":"emails[type eq work zorba].value"}`, `{"path":"Zorba"}`, `{"path":"/Users/zorba"}`,
		`{"emails[type eq \"zorba\"].value":"zorba"}`, `{"attributes":["zorba"],"sortBy":"zorba"}`, `["zorba"]`, `"zorba"`, `zorba`, `{zorba`,
	} {
		if got := scim.Redact(in); strings.Contains(strings.ToLower(got), "zorba") || strings.Contains(got, "%7A") {
			t.Errorf("%s becomes %s", in, got)
		}
	}
	for _, in := range []string{"/Users?count=447911123456", "/Users?startIndex=447911123456", `{"count":447911123456}`, `{"version":"W/\"447911123456\""}`, `{"447911123456":1}`, `{"x447911123456":1}`, "/Users?filter=userName eq 447911123456"} {
		if got := scim.Redact(in); strings.Contains(got, "447911123456") {
			t.Errorf("%s becomes %s", in, got)
		}
	}
	for _, in := range []string{`{"created":"1985-04-12T00:00:00Z"}`, `{"joined":"1985-04-12"}`, `/Users?filter=urn:ietf:params:scim:schemas:core:2.0:User:title eq "1985-04-12T00:00:00Z"`} {
		if got := scim.Redact(in); strings.Contains(got, "1985-04") {
			t.Errorf("%s becomes %s", in, got)
		}
	}
	const id = "01a1fab6-9fba-77c6-b245-1160843e1b71"
	stands := scim.Redact("/Users/" + id)[len("/Users/"):]
	for _, in := range []string{`{"id":"` + id + `"}`, `{"path":"/Users/` + id + `"}`, `{"path":"Users/` + id + `"}`, `/Users?filter=id eq "` + id + `"`} {
		if got := scim.Redact(in); stands == id || !strings.Contains(got, stands) {
			t.Errorf("%s becomes %s, with another id than %s", in, got, stands)
		}
	}
	if made, path := scim.Redact(`{"bulkId":"kofi"}`), scim.Redact(`{"path":"/Users/bulkId:kofi"}`); path != strings.NewReplacer("bulkId", "path", `:"`, `:"/Users/bulkId:`).Replace(made) {
		t.Errorf("a reference %s does not refer to %s any more", path, made)
	}
	for name, values := range map[string][2]string{ // what comes in, and what goes
		"User-Agent":   {"okta scim/1.2.0 Zorba (zorba@a.example) rcs_main_zorba", `okta scim/1\.2\.0 X[0-9a-f]{10} ` + k + " " + k},
		"If-Match":     {`W/"3", *, "zorba"`, `W/"3", \*, "` + k + `"`},
		"Accept":       {"application/scim+json, application/json;q=0.9, zorba/a; a=zorba", `application/scim\+json, application/json;q=0\.9, ` + k},
		"Content-Type": {"application/json; charset=utf-8", `application/json; charset=utf-8`},
	} {
		if got := scim.RedactHeader(name, values[0]); !regexp.MustCompile("^" + values[1] + "$").MatchString(got) {
			t.Errorf("%s: %s becomes %s", name, values[0], got)
		}
	}
	if scim.Redact(`{"a":"KOFI"}`)[7:] != scim.Redact(`{"a":"Kofi"}`)[7:] || scim.Redact(`{"a":"kofi"}`) == scim.Redact(`{"a":"ama"}`) {
		t.Error("equal values do not stay equal, or others become so")
	}
}
