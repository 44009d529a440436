package scim_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// send is call with header lines, "Name: value" each.
func (e *endpoint) send(method, path, body string, header ...string) (testkit.Answer, error) {
	request, err := http.NewRequestWithContext(e.Context(), method, e.base+path, strings.NewReader(body))
	if err != nil {
		return testkit.Answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+e.token)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		request.Header.Add(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return testkit.Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return testkit.Answer{Status: response.StatusCode, Header: response.Header, Body: text}, err
}

// events returns the connection's newest events, up to 50, newest first.
func (e *endpoint) events() []desk.Event {
	e.Helper()
	list, err := e.Store.Read(e.Context()).Events(store.EventQuery{TenantID: "main", Connection: "entra", Limit: 50})
	if err != nil {
		e.Fatal(err)
	}
	return list
}

// during returns the events that f leaves, newest first.
func (e *endpoint) during(f func()) []desk.Event {
	e.Helper()
	newest := ""
	if list := e.events(); len(list) > 0 {
		newest = list[0].ID
	}
	f()
	return slices.DeleteFunc(e.events(), func(ev desk.Event) bool { return ev.ID <= newest })
}

// TestConditions sends requests under a condition, about a user at version 2.
func TestConditions(t *testing.T) {
	forms := []struct {
		name    string
		headers []string // of which the name is left out
		fits    bool
	}{
		{"weak", []string{`W/"2"`}, true},
		{"strong", []string{`"2"`}, true},
		{"unquoted", []string{`2`}, true},
		{"any", []string{`*`}, true},
		{"a list", []string{`W/"1", W/"2"`}, true},
		{"a list without blanks", []string{`"2","7"`}, true},
		{"two lines", []string{`W/"1"`, `W/"2"`}, true},
		{"stale", []string{`W/"1"`}, false},
		{"stale and strong", []string{`"1"`}, false},
		{"stale and unquoted", []string{`1`}, false},
		{"stale all", []string{`W/"1", W/"3"`}, false},
		{"of another server", []string{`W/"e180ee84f0671b1"`}, false},
		{"empty", []string{`""`}, false},
		{"weak and empty", []string{`W/""`}, false},
	}
	eachEndpoint(t, func(t *endpoint) {
		bodies := map[string]string{
			"PUT": `{"userName":"kofi","title":"Put"}`, "PATCH": `{"Operations":[{"op":"replace","path":"title","value":"Patched"}]}`,
			"PATCH that deactivates": `{"Operations":[{"op":"replace","path":"active","value":"False"}]}`,
			"PATCH of nothing":       `{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`,
		}
		for _, form := range forms {
			for _, header := range []string{"If-Match", "If-None-Match"} {
				path := "/Users/" + t.call("POST", "/Users", `{"userName":"kofi"}`).Want(t, 201)["id"].(string)
				t.call("PATCH", path, `{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`).Want(t, 200)
				var lines []string
				for _, value := range form.headers {
					lines = append(lines, header+": "+value)
				}
				// What changes comes last.
				for _, request := range []string{"GET", "HEAD", "PATCH of nothing", "PATCH that deactivates", "PUT", "PATCH", "DELETE"} {
					method, _, _ := strings.Cut(request, " ")
					holds := form.fits == (header == "If-Match")
					want := map[string]int{"DELETE": 204}[method]
					read := method == "GET" || method == "HEAD"
					switch {
					case !holds && read && header == "If-None-Match":
						want = 304
					case !holds:
						want = 412
					case want == 0:
						want = 200
					}
					before := t.call("GET", path, nil).Want(t, 200)
					var a testkit.Answer
					log := t.during(func() {
						var err error
						if a, err = t.send(method, path, bodies[request], lines...); err != nil {
							t.Fatal(err)
						}
					})
					if a.Status != want {
						t.Errorf("%s, %s %s: status %d, want %d", request, header, form.name, a.Status, want)
					}
					if want == 412 && method != "HEAD" {
						wantError(t, a, 412, "")
					}
					if want == 304 && (len(a.Body) > 0 || a.Header.Get("ETag") != `W/"2"`) || want == 200 && a.Header.Get("ETag") == "" {
						t.Errorf("%s, %s %s: ETag %q, body %s", request, header, form.name, a.Header.Get("ETag"), a.Body)
					}
					if holds && !read {
						// The next one finds version 2 again.
						t.call("DELETE", path, nil)
						path = "/Users/" + t.call("POST", "/Users", `{"userName":"kofi"}`).Want(t, 201)["id"].(string)
						t.call("PATCH", path, `{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`).Want(t, 200)
						continue
					}
					if diff := cmp.Diff(before, t.call("GET", path, nil).Want(t, 200)); diff != "" {
						t.Errorf("%s, %s %s changed the user (-before +after): %s", request, header, form.name, diff)
					}
					if len(log) != map[bool]int{true: 1}[want == 412 && !read] {
						t.Errorf("%s, %s %s left %d events", request, header, form.name, len(log))
					} else if len(log) == 1 && (log[0].Outcome != desk.Refused || log[0].Reason != string(desk.VersionMismatch) || log[0].UserID == nil || !strings.HasSuffix(path, *log[0].UserID)) {
						t.Errorf("%s, %s %s left %+v", request, header, form.name, log[0])
					}
				}
				t.call("DELETE", path, nil).Want(t, 204)
			}
		}
		// Where there is nobody, no condition makes a difference (RFC 9110 section 13.2.1).
		for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			a, err := t.send(method, "/Users/nobody", bodies[method], "If-Match: *")
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, a, 404, "")
		}
	})
}

// TestLostUpdates changes one version from several sides at once.
func TestLostUpdates(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		path := "/Users/" + t.call("POST", "/Users", `{"userName":"kofi"}`).Want(t, 201)["id"].(string)
		for range 5 {
			etag := t.call("GET", path, nil).Header.Get("ETag")
			var statuses [8]int
			var wg sync.WaitGroup
			for i := range statuses {
				wg.Go(func() {
					a, err := t.send("PATCH", path, `{"Operations":[{"op":"replace","path":"title","value":"`+strings.Trim(etag, `W/"`)+"-"+itoa(i)+`"}]}`, "If-Match: "+etag)
					if err != nil {
						t.Error(err)
					}
					statuses[i] = a.Status
				})
			}
			wg.Wait()
			count := map[int]int{}
			for _, status := range statuses {
				count[status]++
			}
			if count[200] != 1 || count[412] != len(statuses)-1 {
				t.Errorf("one of these should have won: %v", statuses)
			}
		}
		if got := t.call("GET", path, nil).Header.Get("ETag"); got != `W/"6"` {
			t.Errorf("after five changes the user is at %s", got)
		}
	})
}
