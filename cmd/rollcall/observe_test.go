package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"rollcall/internal/testkit"
)

// freeAddress returns an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestMetrics holds what Prometheus is told after some requests of each edge, and that what stands in paths makes no series.
func TestMetrics(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		address := freeAddress(t)
		p := start(t, databaseURL, "--metrics", address)
		token := p.greeted("Secret token")
		call := func(method, path, token string, body any, want int) {
			t.Helper()
			testkit.Call(t, method, p.base+path, token, body).Want(t, want)
		}
		call("POST", "/scim/main/entra/Users", token, `{"userName":"kofi@acme.example"}`, 201)
		call("POST", "/scim/main/entra/v2/Users", token, `{"userName":"kofi@acme.example"}`, 409)
		call("GET", "/scim/main/entra/Users/kofi@acme.example", token, nil, 404)
		call("GET", "/scim/main/entra/nowhere", token, nil, 404)
		for i := range 50 {
			call("GET", fmt.Sprintf("/api/v1/contacts/nobody%d", i), "", nil, 401)
			call("GET", fmt.Sprintf("/nowhere/kofi%d", i), "", nil, 404)
			testkit.Call(t, fmt.Sprintf("KOFI%d", i), p.base+"/signin", "", nil)
		}
		call("GET", "/oauth/main/token", "", nil, 405)
		text := string(testkit.Call(t, "GET", "http://"+address+"/metrics", "", nil).Body)
		pool := `rollcall_database_connections_max\{pool="postgres"\} 16`
		if strings.HasPrefix(databaseURL, "sqlite:") {
			pool = `rollcall_database_connections_max\{pool="write"\} 1`
		}
		for _, want := range []string{
			`rollcall_http_requests_total\{edge="scim",method="POST",route="/scim/\{tenant\}/\{connection\}/Users",status="201"\} 1`,
			`rollcall_http_requests_total\{edge="scim",method="POST",route="/scim/\{tenant\}/\{connection\}/Users",status="409"\} 1`,
			`rollcall_http_requests_total\{edge="scim",method="GET",route="/scim/\{tenant\}/\{connection\}/Users/\{id\}",status="404"\} 1`,
			`rollcall_http_requests_total\{edge="scim",method="GET",route="none",status="404"\} 1`,
			`rollcall_http_requests_total\{edge="api",method="GET",route="/api/v1/contacts/\{id\}",status="401"\} 50`,
			`rollcall_http_requests_total\{edge="portal",method="GET",route="none",status="404"\} 50`,
			`rollcall_http_requests_total\{edge="portal",method="other",route="none",status="405"\} 50`,
			`rollcall_http_requests_total\{edge="oauth",method="GET",route="none",status="405"\} 1`,
			`rollcall_http_request_seconds_count\{edge="scim",method="POST",route="/scim/\{tenant\}/\{connection\}/Users"\} 2`,
			`rollcall_scim_outcomes_total\{connection="entra",outcome="created",tenant="main"\} 1`,
			`rollcall_scim_outcomes_total\{connection="entra",outcome="refused",tenant="main"\} 1`,
			`rollcall_scim_outcomes_total\{connection="entra",outcome="error",tenant="main"\} 0`,
			`rollcall_job_runs_total\{job="write activity",result="ok"\} [1-9]`,
			`rollcall_job_last_success_timestamp_seconds\{job="write activity"\} `,
			`rollcall_connection_health\{connection="entra",tenant="main"\} 0`,
			`rollcall_build_info\{version="` + version + `"\} 1`, pool,
		} {
			if !regexp.MustCompile(`(?m)^` + want).MatchString(text) {
				t.Errorf("there is no %s", want)
			}
		}
		if strings.Contains(strings.ToLower(text), "kofi") {
			t.Errorf("what clients sent is in\n%s", text)
		}
	})
}

// spans is a collector of traces.
type spans struct {
	mu   sync.Mutex
	list []*otlp.Span
}

func (s *spans) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var request collector.ExportTraceServiceRequest
	if r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(400)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range request.ResourceSpans {
		for _, scope := range r.ScopeSpans {
			s.list = append(s.list, scope.Spans...)
		}
	}
}

// TestTraces holds that a request's span is a part of the client's trace, its statements are parts of it, and none tells of people.
func TestTraces(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		got := &spans{}
		ts := httptest.NewServer(got)
		defer ts.Close()
		p := start(t, databaseURL, "--otlp", ts.URL)
		token := p.greeted("Secret token")
		request, err := http.NewRequest("POST", p.base+"/scim/main/entra/Users", strings.NewReader(`{"userName":"kofi@acme.example"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		if a, err := testkit.Do(request); err != nil || a.Status != 201 {
			t.Fatal(a, err)
		}
		testkit.Call(t, "GET", p.base+"/scim/main/entra/Users?filter=userName+eq+%22kofi@acme.example%22", token, nil).Want(t, 200)
		if code := p.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}
		if log := p.stderr.String(); strings.Count(log, "trace_id=") < 2 || !strings.Contains(log, "trace_id=4bf92f3577b34da6a3ce929d0e0e4736") {
			t.Errorf("the log is %s", log)
		}

		var create *otlp.Span
		inserts := 0
		for _, s := range got.list {
			if s.Name == "POST /scim/{tenant}/{connection}/Users" {
				create = s
			}
			if text := strings.ToLower(s.String()); strings.Contains(text, "kofi") || strings.Contains(text, "acme") || strings.Contains(text, strings.ToLower(token)) {
				t.Errorf("a span tells %s", text)
			}
		}
		if create == nil || fmt.Sprintf("%x", create.TraceId) != "4bf92f3577b34da6a3ce929d0e0e4736" || fmt.Sprintf("%x", create.ParentSpanId) != "00f067aa0ba902b7" || create.Kind != otlp.Span_SPAN_KIND_SERVER {
			t.Fatalf("the request is %v", create)
		}
		for _, s := range got.list {
			if s.Name == "INSERT" && string(s.ParentSpanId) == string(create.SpanId) && strings.Contains(s.String(), "directory_users") {
				inserts++
			}
		}
		if inserts != 1 {
			t.Errorf("%d statements of the request insert a user", inserts)
		}
	})
}
