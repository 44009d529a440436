package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"rollcall/api"
	"rollcall/internal/testkit"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestDocument holds the document against the one that clients were made from: go test ./api -update writes it anew.
func TestDocument(t *testing.T) {
	body, err := json.MarshalIndent(api.Document(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, append(body, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, line := strings.Split(string(body)+"\n", "\n"), 0
	for i, wanted := range strings.Split(string(want), "\n") {
		if line = i; i == len(got) || got[i] != wanted {
			t.Fatalf("the OpenAPI document changed at line %d, %q; if that is meant, run go test ./api -update", i+1, wanted)
		}
	}
	if line != len(got)-1 {
		t.Errorf("the OpenAPI document goes on after line %d; if that is meant, run go test ./api -update", line+1)
	}
}

// TestServedDocument holds that the document is served to anybody, and that it is the one above.
func TestServedDocument(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	a := testkit.Call(t, "GET", s.URL+"/api/openapi.json", "", nil)
	if a.Status != 200 || a.Header.Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %v", a.Status, a.Header)
	}
	want, err := json.Marshal(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	if got := bytes.ReplaceAll(a.Body, []byte(s.URL), []byte("https://desk.example")); !bytes.Equal(got, want) {
		t.Errorf("another document is served: %s", got)
	}
}

// TestEveryOperationIsExplained holds that an operation says who may call it, what it answers, and what its body looks like.
func TestEveryOperationIsExplained(t *testing.T) {
	doc := api.Document()
	tags := map[string]bool{}
	for _, tag := range doc.Tags {
		tags[tag.Name] = true
	}
	for _, op := range api.OperationsOf(doc) {
		if len(op.Tags) != 1 || !tags[op.Tags[0]] {
			t.Errorf("%s has the tags %v", op.OperationID, op.Tags)
		}
		if op.RequestBody != nil && op.RequestBody.Content["application/json"].Example == nil {
			t.Errorf("%s has no example of its body", op.OperationID)
		}
		for _, status := range []string{"400", "401", "500", "503"} {
			if op.Responses[status] == nil {
				t.Errorf("%s does not describe %s", op.OperationID, status)
			}
		}
		if strings.Contains(op.Path, "{") && op.Responses["404"] == nil {
			t.Errorf("%s does not describe 404", op.OperationID)
		}
	}
}

// TestDocs reads the page of the API: it has every operation and every schema, and needs nothing but the style sheets.
func TestDocs(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	a := testkit.Call(t, "GET", s.URL+"/api/docs", "", nil)
	page := string(a.Body)
	if a.Status != 200 || a.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", a.Status, a.Header)
	}
	if policy := a.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") {
		t.Errorf("the policy is %q", policy)
	}
	doc := api.Document()
	for _, op := range api.OperationsOf(doc) {
		if !strings.Contains(page, `<article class="card" id="`+op.OperationID+`">`) {
			t.Errorf("%s is missing", op.OperationID)
		}
	}
	for name := range doc.Components.Schemas.Map() {
		if !strings.Contains(page, `<article class="card" id="schema-`+name+`">`) {
			t.Errorf("schema %s is missing", name)
		}
	}
	for _, text := range []string{
		"for agent and admin", `<span class="hint">for admin</span>`, `<code>If-Match</code> <span class="hint">header</span>`, "1 to 1000; 100 if left out",
		`list of <a href="#schema-Address">Address</a>`, `<a href="#schema-CompanyRef">CompanyRef</a> or null`, "one of active, deleted, all", "&#34;subject&#34;: &#34;The printer is on fire&#34;",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %s", text)
		}
	}
	for _, foreign := range []string{"<script", "style=", "http://", "https://cdn", "<iframe"} {
		if strings.Contains(page, foreign) {
			t.Errorf("the page has %s", foreign)
		}
	}
	for _, sheet := range []string{"/api/docs.css", "/static/style.css"} {
		if !strings.Contains(page, `href="`+sheet+`"`) {
			t.Errorf("the page does not load %s", sheet)
		}
		if a := testkit.Call(t, "GET", s.URL+sheet, "", nil); a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/css") {
			t.Errorf("%s: %d %v", sheet, a.Status, a.Header)
		}
	}
	for _, path := range []string{"/api/docs", "/api/openapi.json"} {
		wantProblem(t, testkit.Call(t, "POST", s.URL+path, "", nil), 405)
	}
}
