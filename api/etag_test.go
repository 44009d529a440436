package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/testkit"
)

// with sends a request as an administrator with one header more.
func (s *server) with(name, value, method, path, body string) testkit.Answer {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.admin)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set(name, value)
	a, err := testkit.Do(r)
	if err != nil {
		s.Error(err)
	}
	return a
}

// TestETag holds that a contact's entity tag changes with everything that its answer says, and with nothing else.
func TestETag(t *testing.T) {
	each(t, func(t *server) {
		company := t.do("POST", "/companies", `{"name":"Acme","domains":["acme.example"]}`, 201)["id"].(string)
		scimID, id := t.push(`{"userName":"kofi","emails":[{"type":"work","value":"kofi@acme.example"}]}`)
		path := "/contacts/" + id
		get := func() string {
			a := testkit.Call(t, "GET", t.URL+"/api/v1"+path, t.agent, nil)
			a.Want(t, 200)
			tag := a.Header.Get("ETag")
			if len(tag) < 20 || tag[0] != '"' || tag[len(tag)-1] != '"' {
				t.Errorf("%q is no strong entity tag", tag)
			}
			return tag
		}
		patch := func(body string) {
			testkit.Call(t, "PATCH", t.scim+"/Users/"+scimID, t.scimToken, `{"Operations":[`+body+`]}`).Want(t, 200)
		}
		tag := get()
		for _, c := range []struct {
			what string
			do   func()
			same bool
		}{
			{"nothing", func() {}, true},
			{"a new title", func() { t.do("PATCH", path, `{"title":"Lead"}`, 200) }, false},
			{"the same title", func() { t.do("PATCH", path, `{"title":"Lead"}`, 200) }, true},
			{"another name of the company", func() { t.do("PATCH", "/companies/"+company, `{"name":"Acme Ltd"}`, 200) }, false},
			{"what only the directory keeps", func() { patch(`{"op":"replace","path":"nickName","value":"K"}`) }, false}, // lastSyncedAt
			{"a ticket", func() { t.do("POST", "/tickets", map[string]any{"contactId": id, "subject": "x"}, 201) }, true},
			{"a deletion", func() { t.do("DELETE", path, nil, 204) }, false},
			{"a restoration", func() { t.do("POST", path+"/restore", nil, 200) }, false},
			{"the connection's end", func() { t.do("DELETE", "/connections/entra", nil, 204) }, false},
		} {
			c.do()
			now := get()
			if (now == tag) != c.same {
				t.Errorf("%s: the tag went from %s to %s", c.what, tag, now)
			}
			tag = now
		}
		a := testkit.Call(t, "PATCH", t.URL+"/api/v1"+path, t.agent, `{"title":"Head"}`)
		if a.Want(t, 200); a.Header.Get("ETag") != get() {
			t.Error("a change answers another tag than a GET")
		}
		a = testkit.Call(t, "POST", t.URL+"/api/v1/contacts", t.agent, `{"displayName":"Ann"}`)
		path = fmt.Sprint("/contacts/", a.Want(t, 201)["id"])
		if a.Header.Get("ETag") != get() {
			t.Error("a creation answers another tag than a GET")
		}
	})
}

func TestIfNoneMatch(t *testing.T) {
	each(t, func(t *server) {
		path := fmt.Sprint("/contacts/", t.do("POST", "/contacts", `{"displayName":"Ann"}`, 201)["id"])
		tag := testkit.Call(t, "GET", t.URL+"/api/v1"+path, t.agent, nil).Header.Get("ETag")
		for header, status := range map[string]int{
			tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304,
			`"x"`: 200, strings.Trim(tag, `"`): 200, strings.ToLower(tag) + "x": 200,
		} {
			a := t.with("If-None-Match", header, "GET", path, "")
			if a.Status != status || a.Header.Get("ETag") != tag || (len(a.Body) > 0) != (status == 200) {
				t.Errorf("%s: %d with %q and %d bytes", header, a.Status, a.Header.Get("ETag"), len(a.Body))
			}
		}
		wantProblem(t, t.with("If-None-Match", "*", "GET", "/contacts/nobody", ""), 404)
	})
}

// TestIfMatch holds that nothing happens to a contact that is not the one that was read.
func TestIfMatch(t *testing.T) {
	each(t, func(t *server) {
		path := fmt.Sprint("/contacts/", t.do("POST", "/contacts", `{"displayName":"Ann"}`, 201)["id"])
		get := func() testkit.Answer { return testkit.Call(t, "GET", t.URL+"/api/v1"+path, t.agent, nil) }
		for _, c := range []struct {
			method, path, body string
			status             int
		}{
			{"PATCH", path, `{"title":"Lead"}`, 200},
			{"DELETE", path, "", 204},
			{"POST", path + "/restore", "", 200},
			{"DELETE", path, "", 204},
			{"POST", path + "/erase", "", 204},
		} {
			before := get()
			tag := before.Header.Get("ETag")
			for _, stale := range []string{`"x"`, "W/" + tag, strings.Trim(tag, `"`), `"x", "y"`} {
				a := t.with("If-Match", stale, c.method, c.path, c.body)
				wantFault(t, a, 412, "header.If-Match")
			}
			if now := get(); string(now.Body) != string(before.Body) {
				t.Errorf("%s %s: a refused change left %s", c.method, c.path, now.Body)
			}
			if a := t.with("If-Match", `"x", `+tag, c.method, c.path, c.body); a.Status != c.status {
				t.Errorf("%s %s: %d %s", c.method, c.path, a.Status, a.Body)
			}
		}
		wantProblem(t, t.with("If-Match", "*", "DELETE", path, ""), 404)
		path = fmt.Sprint("/contacts/", t.do("POST", "/contacts", `{"displayName":"Ben"}`, 201)["id"])
		if a := t.with("If-Match", "*", "PATCH", path, `{"title":"Lead"}`); a.Status != 200 {
			t.Errorf("any contact that is there: %d %s", a.Status, a.Body)
		}
	})
}

// TestIfMatchOnce lets many change the contact that all have read: one does.
func TestIfMatchOnce(t *testing.T) {
	each(t, func(t *server) {
		a := testkit.Call(t, "POST", t.URL+"/api/v1/contacts", t.agent, `{"displayName":"Ann"}`)
		path, tag := fmt.Sprint("/contacts/", a.Want(t, 201)["id"]), a.Header.Get("ETag")
		const clients = 8
		statuses := make([]int, clients)
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				statuses[i] = t.with("If-Match", tag, "PATCH", path, fmt.Sprintf(`{"title":"Title %d"}`, i)).Status
			})
		}
		all.Wait()
		count := map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		if count[200] != 1 || count[412] != clients-1 {
			t.Errorf("answers are %v", count)
		}
	})
}
