package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
)

func serve(h http.Handler, r *http.Request) (*httptest.ResponseRecorder, string) {
	var log strings.Builder
	w := httptest.NewRecorder()
	Wrap(h, slog.New(slog.NewTextHandler(&log, nil)), nil).ServeHTTP(w, r)
	return w, log.String()
}

func TestEveryKindHasAStatus(t *testing.T) {
	for _, kind := range desk.Kinds {
		if Statuses[kind] < 400 {
			t.Errorf("%s has no status", kind)
		}
	}
}

func TestRequestID(t *testing.T) {
	seen := ""
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = RequestID(r.Context()) })
	for header, keep := range map[string]bool{"": false, "abc-1.2_X": true, "a b": false, "a\"b": false, strings.Repeat("a", 65): false, "ä": false} {
		for _, name := range []string{"X-Request-Id", "Client-Request-Id"} {
			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set(name, header)
			w, log := serve(h, r)
			if (seen == header) != keep || seen == "" || w.Header().Get("X-Request-Id") != seen || !strings.Contains(log, "request_id="+seen) {
				t.Errorf("%s %q: id %q, log %s", name, header, seen, log)
			}
		}
	}
}

func TestLogKeepsToItself(t *testing.T) {
	for _, path := range []string{"/signin/rcl_main_secret", "//signin//rcl_main_secret", "/signin/a/rcl_main_secret"} {
		if _, log := serve(http.NotFoundHandler(), httptest.NewRequest("GET", "http://x"+path, nil)); strings.Contains(log, "secret") || !strings.Contains(log, "signin") {
			t.Errorf("log of %s is %s", path, log)
		}
	}
	_, log := serve(http.NotFoundHandler(), httptest.NewRequest("GET", "/scim/main/entra/Users/kofi@acme.example/x?filter=userName+eq+%22ann%22", nil))
	if strings.Contains(log, "acme") || strings.Contains(log, "ann") || !strings.Contains(log, "/scim/main/entra/Users/…/x") || !strings.Contains(log, "status=404") {
		t.Errorf("log is %s", log)
	}
	const id = "01a21ffe-375c-7595-9485-2d55221e3d29"
	for path, want := range map[string]string{
		"/scim/main/entra/Users/" + id: "/scim/main/entra/Users/" + id, "/scim/main/entra/Users/kofi": "/scim/main/entra/Users/…", "/scim/main/entra/Users/": "/scim/main/entra/Users/",
		"/contacts/new": "/contacts/new", "/contacts/kofi": "/contacts/…", "/contacts/" + id + "/edit": "/contacts/" + id + "/edit", "/x/Kofi Mensah": "/x/…", "/x/Küfi": "/x/…", "/static/style.css": "/static/style.css",
	} {
		if got := safePath(path, "/contacts/new"); got != want {
			t.Errorf("%s is logged as %s, want %s", path, got, want)
		}
	}
}

func TestRecoverAfterTheAnswerBegan(t *testing.T) {
	var log strings.Builder
	h := Wrap(Recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("half"))
		panic("x")
	}), slog.New(slog.NewTextHandler(&log, nil)), func(http.ResponseWriter, *http.Request, error) { t.Error("an error was written behind half an answer") }), slog.New(slog.DiscardHandler), nil)
	server := httptest.NewServer(h)
	if response, err := http.Get(server.URL); err == nil {
		response.Body.Close()
		t.Error("the client takes half an answer for a whole one")
	}
	server.Close()
	if !strings.Contains(log.String(), "TestRecoverAfterTheAnswerBegan") {
		t.Errorf("log is %s", &log)
	}
}

func TestReadBody(t *testing.T) {
	read := func(contentType, body string) desk.Kind {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		got, err := ReadBody(httptest.NewRecorder(), r, "application/json")
		if err == nil && string(got) != body {
			t.Errorf("read %q of %q", got, body)
		}
		return desk.KindOf(err)
	}
	for contentType, want := range map[string]desk.Kind{"": "", "application/json": "", "application/json; charset=utf-8": "", "text/json": desk.UnsupportedMedia, "application/jsonx": desk.UnsupportedMedia} {
		if got := read(contentType, "{}"); got != want {
			t.Errorf("%q: %q, want %q", contentType, got, want)
		}
	}
	if got := read("", strings.Repeat("x", MaxBody)); got != "" {
		t.Errorf("a body at the limit: %s", got)
	}
	if got := read("", strings.Repeat("x", MaxBody+1)); got != desk.TooLarge {
		t.Errorf("a body over the limit: %q", got)
	}
}

func TestReadBodyEncoding(t *testing.T) {
	for encoding, want := range map[string]desk.Kind{"": "", "identity": "", "gzip": desk.UnsupportedMedia, "br": desk.UnsupportedMedia} {
		r := httptest.NewRequest("POST", "/", strings.NewReader("{}"))
		r.Header.Set("Content-Encoding", encoding)
		if _, err := ReadBody(httptest.NewRecorder(), r, "application/json"); desk.KindOf(err) != want {
			t.Errorf("%q: %v, want %q", encoding, err, want)
		}
	}
}

func TestEdges(t *testing.T) {
	said := func(what string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, what, " ", r.URL.EscapedPath()) })
	}
	ready := error(nil)
	e := Edges{SCIM: said("scim"), API: said("api"), Portal: said("portal"), Ready: func(ctx context.Context) error {
		if _, limited := ctx.Deadline(); !limited {
			t.Error("readiness may take for ever")
		}
		return ready
	}}
	for path, want := range map[string]string{
		"/scim/t/c/Users": "scim /scim/t/c/Users", "//scim///t/c//v2/Users/a%2Fb/": "scim /scim/t/c/v2/Users/a%2Fb/", "/scim": "scim /scim",
		"/api//v1/contacts": "api /api/v1/contacts", "/": "portal /", "//": "portal /", "/contacts": "portal /contacts", "/scimitar": "portal /scimitar",
		"/healthz": "ok\n", "/readyz": "ready\n", "//healthz": "ok\n",
	} {
		w := httptest.NewRecorder()
		e.ServeHTTP(w, httptest.NewRequest("GET", "http://x"+path, nil))
		if w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %q, want %q", path, w.Code, w.Body, want)
		}
	}
	ready = errors.New("no database")
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		w := httptest.NewRecorder()
		if e.ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Code != want || strings.Contains(w.Body.String(), "database") {
			t.Errorf("%s without a database: %d %q", path, w.Code, w.Body)
		}
	}
}

func TestCheckURL(t *testing.T) {
	for target, ok := range map[string]bool{"/": true, "/a%20b?q=%C3%BC": true, "/?q=%ZZ": false, "/?a;b": false, "/%00": false, "/?q=%00": false, "/%ff": false, "/?q=%ff": false} {
		if err := CheckURL(httptest.NewRequest("GET", target, nil)); (err == nil) != ok {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// TestNextPart holds that a long answer outlasts the server's timeouts, and the request's own, as long as its parts follow each other.
func TestNextPart(t *testing.T) {
	const timeout = time.Second
	part, cancelled := make(chan bool), make(chan error, 1)
	server := httptest.NewUnstartedServer(Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		over, cancel := context.WithCancel(r.Context())
		cancel() // as when the request's time is over
		for range 3 {
			ctx, cancel := NextPart(over, w)
			w.Write([]byte("part\n"))
			http.NewResponseController(w).Flush()
			time.Sleep(timeout / 2)
			if ctx.Err() != nil {
				t.Error(ctx.Err())
			}
			cancel()
		}
		if r.URL.Path == "/gone" {
			ctx, cancel := NextPart(over, w)
			defer cancel()
			part <- true
			<-ctx.Done()
			cancelled <- ctx.Err()
		}
	}), slog.New(slog.DiscardHandler), nil))
	server.Config.ReadTimeout, server.Config.WriteTimeout = timeout, timeout
	server.Start()
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err != nil || string(text) != "part\npart\npart\n" {
		t.Errorf("read %q, %v", text, err)
	}

	client, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(client, "GET", server.URL+"/gone", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Body.Close()
	<-part
	cancel()
	if err := <-cancelled; err != context.Canceled {
		t.Errorf("when the client has gone, the next part ends with %v", err)
	}
}

// TestBrokenAnswer holds that an answer that is broken off has its line in the log.
func TestBrokenAnswer(t *testing.T) {
	var log strings.Builder
	h := Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte("half"))
		panic(http.ErrAbortHandler)
	}), slog.New(slog.NewTextHandler(&log, nil)), nil)
	func() {
		defer func() {
			if cause := recover(); cause != http.ErrAbortHandler {
				t.Errorf("it ends with %v", cause)
			}
		}()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}()
	if !strings.Contains(log.String(), "msg=request") {
		t.Errorf("the log says %q", &log)
	}
}

// TestObserve holds what is told of a request, and that the log names its ids.
func TestObserve(t *testing.T) {
	router := mux.NewRouter()
	router.Use(NoteRoute)
	router.HandleFunc("/api/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "POST" {
			panic(http.ErrAbortHandler)
		}
		if r.Method != "GET" {
			w.WriteHeader(201)
		}
	})
	var log strings.Builder
	var seen Done
	h := Wrap(Edges{API: router, Portal: http.NotFoundHandler(), SCIM: router, OAuth: router, Ready: func(context.Context) error { return nil }},
		slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), func(_ context.Context, d Done) { seen = d })
	for _, c := range []struct {
		method, path string
		want         Done
	}{
		{"GET", "/api/secret", Done{Edge: "api", Route: "/api/{id}", Method: "GET", Status: 200}},
		{"PUT", "/api/secret", Done{Edge: "api", Route: "/api/{id}", Method: "PUT", Status: 201}},
		{"POST", "/api/secret", Done{Edge: "api", Route: "/api/{id}", Method: "POST"}},
		{"FETCH", "/api/a/b", Done{Edge: "api", Method: "other", Status: 404}},
		{"GET", "/nowhere", Done{Edge: "portal", Method: "GET", Status: 404}},
		{"GET", "/oauth/main/authorize", Done{Edge: "portal", Method: "GET", Status: 404}},
		{"GET", "/healthz", Done{Route: "/healthz", Method: "GET", Status: 200}},
	} {
		func() {
			defer func() { recover() }()
			h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(c.method, c.path, nil))
		}()
		if seen.Took <= 0 {
			t.Errorf("%s %s took %s", c.method, c.path, seen.Took)
		}
		if seen.Took = 0; seen != c.want {
			t.Errorf("%s %s is told as %+v", c.method, c.path, seen)
		}
	}
	for header, trace := range map[string]string{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "4bf92f3577b34da6a3ce929d0e0e4736", "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more": "4bf92f3577b34da6a3ce929d0e0e4736",
		"": "", "00-00000000000000000000000000000000-00f067aa0ba902b7-01": "", "kofi@acme.example": "",
	} {
		log.Reset()
		r := httptest.NewRequest("GET", "/api/x", nil)
		r.Header.Set("Traceparent", header)
		r.Header.Set("X-Request-Id", "proxy-1")
		r.Header.Set("Client-Request-Id", "entra-1")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if text := log.String(); !strings.Contains(text, "request_id=proxy-1 client_request_id=entra-1") || strings.Contains(text, "trace_id="+trace) != (trace != "") || strings.Contains(text, "kofi") {
			t.Errorf("%q is logged as %s", header, text)
		}
	}
}

func TestFault(t *testing.T) {
	gone, leave := context.WithCancel(t.Context())
	leave()
	broken := &desk.Error{Kind: desk.Unavailable, Err: fmt.Errorf("ask: %w", context.Canceled)}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want bool
	}{
		{t.Context(), errors.New("fault"), true},
		{t.Context(), desk.Errorf(desk.NotFound, "", "no"), false},
		{t.Context(), broken, true},
		{gone, broken, false},
		{gone, errors.New("fault"), true},
	} {
		if got := Fault(c.ctx, c.err); got != c.want {
			t.Errorf("%v with %v: %v", c.err, c.ctx.Err(), got)
		}
	}
}
