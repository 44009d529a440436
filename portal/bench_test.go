package portal_test

import (
	"flag"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"rollcall/desk"
	"rollcall/internal/sample"
	"rollcall/internal/testkit"
	"rollcall/store"
)

var (
	benchContacts  = flag.Int("contacts", 2000, "how many contacts BenchmarkPages fills a database of each engine with")
	benchDatabases = flag.String("databases", "", "URLs, with spaces between, of databases that `rollcall bench fill` has filled, for BenchmarkPages to use instead")
)

// BenchmarkPages opens the pages of the largest of ten helpdesks at the server, up to six of each route that links lead to, on a
// database of each engine. It tells the median time of a page, and its weight:
//
//	go test -run - -bench Pages -timeout 1h ./portal -contacts 1000000
func BenchmarkPages(b *testing.B) {
	list := strings.Fields(*benchDatabases)
	if len(list) == 0 {
		list = testkit.All(b)
	}
	for _, databaseURL := range list {
		engine, _, _ := strings.Cut(databaseURL, ":")
		b.Run(engine, func(b *testing.B) {
			s := testkit.NewServer(b, databaseURL)
			if *benchDatabases == "" {
				options := sample.Options{Contacts: *benchContacts, Tenants: 10, Seed: 1, Until: time.Now()}
				if err := s.Engine.Fill(b.Context(), sample.Helpdesks(options)); err != nil {
					b.Fatal(err)
				}
			}
			addCycles(b, s)
			w := newWalker(b, s, sample.Largest, desk.RoleAdmin)
			w.skip = ".csv" // all of a log is no page
			found := w.walk(6, func(address string, answer *httptest.ResponseRecorder, _ *html.Node) {
				if answer.Code != 200 {
					b.Errorf("%s: %d", address, answer.Code)
				}
			}, "/", "/contacts", "/contacts?q=mensah", "/contacts?q=kofi+mensah+example", "/contacts?q=nobody.has.this.name", "/log?outcome=refused", "/log?operation=create", "/log?person=nobody")
			var addresses []string
			for _, list := range found {
				addresses = append(addresses, list...)
			}
			slices.Sort(addresses)
			for _, address := range addresses {
				b.Run(strings.TrimPrefix(address, "/"), func(b *testing.B) { openPage(b, w, address) })
			}
		})
	}
}

func openPage(b *testing.B, w *walker, address string) {
	var times []time.Duration
	weight := 0
	for b.Loop() {
		start := time.Now()
		answer := w.get(address)
		times = append(times, time.Since(start))
		weight = answer.Body.Len()
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "ms/page")
	b.ReportMetric(float64(weight), "B/page")
}

// addCycles adds the cycles of two days.
func addCycles(b *testing.B, s *testkit.Server) {
	b.Helper()
	if list, err := s.Store.Read(b.Context()).Cycles(sample.Largest, sample.Connection, "", 1); err != nil || len(list) > 0 {
		return // filled before
	}
	err := s.Store.Tx(b.Context(), func(tx *store.Tx) error {
		for i := range 72 {
			at := time.Now().UTC().Add(time.Duration(i-72) * 40 * time.Minute).Truncate(time.Microsecond)
			c := desk.Cycle{
				TenantID: sample.Largest, Connection: sample.Connection, ID: store.IDAt(at), StartedAt: at, EndedAt: at.Add(time.Minute),
				Outcomes: map[desk.Outcome]int{desk.Created: i, desk.Updated: 100, desk.Refused: i % 7}, Lookups: 500, Settled: true,
			}
			if err := tx.CreateCycle(&c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
