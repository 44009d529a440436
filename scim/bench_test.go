package scim_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"rollcall/internal/httpx"
	"rollcall/internal/testkit"
	"rollcall/scim"
)

// benchUser is a user as Entra sends one with more than it sends by default.
const benchUser = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],` +
	`"externalId":"x%[1]d","userName":"user%[1]d@acme.example","active":true,"displayName":"Björn Grünwald","title":"Senior Engineer","preferredLanguage":"en-US",` +
	`"name":{"formatted":"Björn Grünwald","familyName":"Grünwald","givenName":"Björn"},"emails":[{"type":"work","value":"user%[1]d@mail.acme.example","primary":true}],` +
	`"phoneNumbers":[{"type":"work","value":"+47 22 123456"},{"type":"mobile","value":"+47 91234567"}],` +
	`"addresses":[{"type":"work","streetAddress":"Main Street 1","locality":"Oslo","postalCode":"00150","country":"NO"}],` +
	`"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E0000001","department":"Sales"}}`

const benchPatch = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"Replace","path":"displayName","value":"Björn Grünwald (%[1]d)"},` +
	`{"op":"Replace","path":"emails[type eq \"work\"].value","value":"user.r%[1]d@mail.acme.example"}]}`

func BenchmarkNormalise(b *testing.B) {
	body := fmt.Appendf(nil, benchUser, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scim.NewResource(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPatch(b *testing.B) {
	r, err := scim.NewResource(fmt.Appendf(nil, benchUser, 1))
	if err != nil {
		b.Fatal(err)
	}
	body := fmt.Appendf(nil, benchPatch, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := scim.Patch(r, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	for _, text := range []string{`externalId eq "7a1e"`, `emails[type eq "work"].value eq "kofi@acme.example"`, `active eq true and (title co "eng" or userName sw "k")`} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := scim.ParseFilter(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// discard is a client that takes no notice of the answer.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// benchServer is a connection with people, of a server without a network.
type benchServer struct {
	http.Handler
	path, token string
	id          string // of the first user
	next        atomic.Int64
}

func newBenchServer(tb testing.TB, databaseURL string, people int) *benchServer {
	tb.Helper()
	server := testkit.NewServer(tb, databaseURL)
	place, token := server.Connect(tb, "acme", "entra")
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	handler := &scim.Handler{Engine: server.Engine, Authenticate: server.Auth.SCIM, PublicURL: server.URL, Log: log}
	s := &benchServer{Handler: httpx.Wrap(handler.Routes(), log, nil), path: strings.TrimPrefix(place, server.URL), token: token}
	for range people {
		s.create(tb)
	}
	list := testkit.Call(tb, "GET", place+"/Users?count=1", token, nil).Want(tb, 200)
	if people > 0 {
		s.id = fmt.Sprint(list["Resources"].([]any)[0].(map[string]any)["id"])
	}
	return s
}

// call sends a request and fails on another status.
func (s *benchServer) call(tb testing.TB, want int, method, path, body string) {
	r, err := http.NewRequestWithContext(tb.Context(), method, s.path+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	r.Header.Set("Content-Type", "application/scim+json")
	w := &discard{header: http.Header{}}
	if s.ServeHTTP(w, r); w.status != want {
		tb.Fatalf("%s %s: status %d", method, path, w.status)
	}
}

func (s *benchServer) create(tb testing.TB) {
	s.call(tb, 201, "POST", "/Users", fmt.Sprintf(benchUser, s.next.Add(1)))
}

func (s *benchServer) lookup(tb testing.TB) {
	s.call(tb, 200, "GET", "/Users?filter="+lookup, "")
}

var lookup = strings.ReplaceAll(url.QueryEscape(`externalId eq "x7"`), "+", "%20")

func BenchmarkRequests(b *testing.B) {
	for engine, databaseURL := range map[string]func(testing.TB) string{"sqlite": testkit.SQLite, "postgres": testkit.Postgres} {
		b.Run(engine, func(b *testing.B) {
			s := newBenchServer(b, databaseURL(b), 1000)
			patches := 0
			for _, c := range []struct {
				name string
				do   func(testing.TB)
			}{
				{"lookup", s.lookup},
				{"get", func(tb testing.TB) { s.call(tb, 200, "GET", "/Users/"+s.id, "") }},
				{"page", func(tb testing.TB) { s.call(tb, 200, "GET", "/Users?count=100&startIndex=501", "") }},
				{"create", s.create},
				{"update", func(tb testing.TB) {
					patches++
					s.call(tb, 200, "PATCH", "/Users/"+s.id, fmt.Sprintf(benchPatch, patches))
				}},
				{"unchanged", func(tb testing.TB) { s.call(tb, 200, "PATCH", "/Users/"+s.id, fmt.Sprintf(benchPatch, patches)) }},
			} {
				b.Run(c.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						c.do(b)
					}
				})
			}
		})
	}
}
