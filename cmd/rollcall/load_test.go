package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// load is how long the test of load lasts. By hand: go test ./cmd/rollcall -run Load -load 10m -timeout 1h.
var load = flag.Duration("load", 3*time.Second, "how long a server is put under load")

const (
	entraRate   = 25 // requests a second that an endpoint must bear of a directory
	loadTenants = 20
)

// TestLoad sends ten times the rate that Entra asks of an endpoint, over many tenants, while one more directory sends as fast as it can: that
// one is told to wait, nobody else is, nothing fails, and the server's memory stays what it was.
func TestLoad(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := start(t, databaseURL, "--rate", "50")
		must := func(line string) string {
			t.Helper()
			code, stdout, stderr := command(t, append(strings.Fields(line), "--database", databaseURL)...)
			if code != 0 {
				t.Fatal(stderr)
			}
			return strings.TrimSpace(stdout)
		}
		tokens := make([]string, loadTenants)
		for i := range tokens {
			must(fmt.Sprintf("tenant create t%d", i))
			must(fmt.Sprintf("connection create entra --tenant t%d --provider entra", i))
			tokens[i] = must(fmt.Sprintf("token create --tenant t%d --connection entra", i))
		}
		ctx, cancel := context.WithTimeout(t.Context(), *load)
		defer cancel()
		var wg sync.WaitGroup
		var greedy, waited atomic.Int64
		for range 4 { // of one directory
			wg.Go(func() {
				for ctx.Err() == nil {
					a, err := testkit.Send(t.Context(), "GET", p.base+"/scim/main/entra/Users?filter=userName+eq+%22x%22", p.greeted("Secret token"), nil)
					switch {
					case err != nil:
						t.Error(err)
						return
					case a.Status == 429 && a.Header.Get("Retry-After") != "":
						waited.Add(1)
						time.Sleep(time.Millisecond)
					case a.Status != 200:
						t.Errorf("the greedy one is answered %d %s", a.Status, a.Body)
					default:
						greedy.Add(1)
					}
				}
			})
		}
		statuses := make(chan int, 1000)
		go func() {
			tick := time.NewTicker(time.Second / (10 * entraRate))
			defer tick.Stop()
			under := make(chan struct{}, 200) // requests under way: behind that the rate is what the machine bears
			for i := 0; ctx.Err() == nil; i++ {
				<-tick.C
				under <- struct{}{}
				wg.Go(func() {
					defer func() { <-under }()
					tenant, n := i%loadTenants, i/loadTenants
					path := fmt.Sprintf("/scim/t%d/entra/Users", tenant)
					method, body := "GET", ""
					switch n % 3 { // as the initial cycle does: twice asked for, then made
					case 0:
						path += fmt.Sprintf("?filter=externalId+eq+%%22id-%d%%22", n/3)
					case 1:
						path += fmt.Sprintf("?filter=userName+eq+%%22u%d@acme.example%%22", n/3)
					case 2:
						method, body = "POST", fmt.Sprintf(`{"externalId":"id-%d","userName":"u%[1]d@acme.example","active":true,"emails":[{"type":"work","value":"u%[1]d@acme.example"}]}`, n/3)
					}
					a, err := testkit.Send(t.Context(), method, p.base+path, tokens[tenant], body)
					if err != nil || a.Status >= 400 {
						t.Errorf("%s %s: %d %s, %v", method, path, a.Status, a.Body, err)
					}
					statuses <- a.Status
				})
			}
			wg.Wait()
			close(statuses)
		}()
		served, warm := 0, 0
		for range statuses {
			if served++; served == 250 {
				warm = memory(t, p)
			}
		}
		after := memory(t, p)
		t.Logf("%d requests of %d tenants were served, and %d of the greedy one's, which was told to wait %d times; memory %d MiB, then %d MiB", served, loadTenants, greedy.Load(), waited.Load(), warm>>20, after>>20)
		if served == 0 || waited.Load() == 0 {
			t.Error("there was no load")
		}
		if warm > 0 && after > warm+64<<20 {
			t.Errorf("memory grew from %d to %d MiB", warm>>20, after>>20)
		}
	})
}

// memory returns what a server holds of the machine's memory that is its own, in bytes: pages of files that it maps do not count.
func memory(t *testing.T, p *process) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Log("the memory of processes is not to be had on this system")
		return 0
	}
	m := regexp.MustCompile(`RssAnon:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatal("no RssAnon")
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}
