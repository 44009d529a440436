package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// done runs a command on a database, and returns what it says.
func done(t *testing.T, databaseURL, args string) string {
	t.Helper()
	code, stdout, stderr := command(t, strings.Fields(args+" --database "+databaseURL)...)
	if code != 0 {
		t.Fatal(stderr)
	}
	return strings.TrimSpace(stdout)
}

// TestRate holds that who asks too often is told to wait, and nobody else is.
func TestRate(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := start(t, databaseURL, "--rate", "1")
		token := func(args string) string { t.Helper(); return done(t, databaseURL, args) }
		token("connection create okta --tenant main --provider okta")
		token("tenant create other")
		entra, okta := p.greeted("Secret token"), token("token create --tenant main --connection okta")
		agent, other := token("token create --tenant main --role agent"), token("token create --tenant other --role agent")
		call := func(path, token string) testkit.Answer { return testkit.Call(t, "GET", p.base+path, token, nil) }

		until429 := func(path, token string) testkit.Answer {
			t.Helper()
			for i := range 20 {
				if a := call(path, token); a.Status == 429 {
					if i < 4 {
						t.Errorf("request %d to %s is refused", i+1, path)
					}
					return a
				} else if a.Status != 200 {
					t.Fatalf("%s answers %d %s", path, a.Status, a.Body)
				}
			}
			t.Fatalf("%s lets pass whatever comes", path)
			return testkit.Answer{}
		}
		a := until429("/scim/main/entra/Users", entra)
		if body := a.Want(t, 429); a.Header.Get("Retry-After") != "1" || a.Header.Get("Content-Type") != "application/scim+json" || body["status"] != "429" || body["detail"] == "" {
			t.Errorf("the endpoint answers %v %s", a.Header, a.Body)
		}
		call("/scim/main/okta/Users", okta).Want(t, 200)
		a = until429("/api/v1/contacts", agent)
		if body := a.Want(t, 429); a.Header.Get("Retry-After") != "1" || a.Header.Get("Content-Type") != "application/problem+json" || body["status"] != 429.0 {
			t.Errorf("the API answers %v %s", a.Header, a.Body)
		}
		call("/api/v1/contacts", other).Want(t, 200)

		// Who has no token cannot use up a connection's share.
		for range 10 {
			call("/scim/main/okta/Users", "wrong").Want(t, 401)
		}
		call("/scim/main/okta/Users", okta).Want(t, 200)

		// A bulk request counts as what is in it.
		bulk := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[` + strings.Repeat(`{"method":"DELETE","path":"/Users/x"},`, 9) + `{"method":"DELETE","path":"/Users/x"}]}`
		testkit.Call(t, "POST", p.base+"/scim/main/okta/Bulk", okta, bulk).Want(t, 200)
		call("/scim/main/okta/Users", okta).Want(t, 429)
	})
}

// TestGreedyTenant has one tenant's requests take for ever, as many as it likes, and holds that others are served meanwhile.
func TestGreedyTenant(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		const most, pool = 3, 4
		database := databaseURL
		if strings.HasPrefix(database, "postgres") { // where the pool says how many may be under way
			separator := "?"
			if strings.Contains(database, "?") {
				separator = "&"
			}
			database += separator + "pool_max_conns=" + strconv.Itoa(pool)
		}
		flags := []string{"--in-flight", strconv.Itoa(most)}
		if database != databaseURL {
			flags = nil
		}
		p := start(t, database, flags...)
		token := func(args string) string { t.Helper(); return done(t, databaseURL, args) }
		token("tenant create other")
		token("connection create entra --tenant other --provider entra")
		greedy, agent := p.greeted("Secret token"), token("token create --tenant main --role agent")
		other, otherAgent := token("token create --tenant other --connection entra"), token("token create --tenant other --role agent")
		served := 0
		serveOther := func() {
			t.Helper()
			served++
			testkit.Call(t, "POST", p.base+"/scim/other/entra/Users", other, fmt.Sprintf(`{"userName":"u%d"}`, served)).Want(t, 201)
			testkit.Call(t, "GET", p.base+"/api/v1/contacts", otherAgent, nil).Want(t, 200)
		}

		// Bodies that do not end.
		var slow []net.Conn
		for range most {
			conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST /scim/main/entra/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", greedy)
			slow = append(slow, conn)
		}
		var wg sync.WaitGroup
		for path, token := range map[string]string{"/scim/main/entra/Users": greedy, "/api/v1/contacts": agent} {
			wg.Go(func() {
				var a testkit.Answer
				for range 50 { // until all of the slow ones have come
					var err error
					if a, err = testkit.Send(t.Context(), "GET", p.base+path, token, nil); err != nil || a.Status == 429 {
						break
					}
				}
				if a.Status != 429 || a.Header.Get("Retry-After") != "1" {
					t.Errorf("%s answers %d %v %s", path, a.Status, a.Header, a.Body)
				}
			})
		}
		serveOther()
		wg.Wait()
		serveOther()
		for _, conn := range slow {
			conn.Close()
		}
		user := testkit.Call(t, "POST", p.base+"/scim/main/entra/Users", greedy, `{"userName":"ann"}`).Want(t, 201)
		if database == databaseURL {
			return
		}

		// Requests that wait at the database, more than it has connections.
		db := testkit.OpenSQL(t, databaseURL)
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.Exec("SELECT FROM directory_users WHERE tenant_id = 'main' FOR UPDATE"); err != nil {
			t.Fatal(err)
		}
		for i := range 3 * pool {
			wg.Go(func() {
				body := fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"%d"}]}`, i)
				a, err := testkit.Send(t.Context(), "PATCH", p.base+"/scim/main/entra/Users/"+user["id"].(string), greedy, body)
				if err != nil || a.Status != 200 && a.Status != 429 && a.Status != 503 {
					t.Errorf("the greedy one is answered %d %s, %v", a.Status, a.Body, err)
				}
			})
		}
		waiting := 0
		for range 500 {
			if err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil {
				t.Fatal(err)
			}
			if waiting >= most {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if waiting != most {
			t.Errorf("%d wait at the database, want %d", waiting, most)
		}
		serveOther()
		if err := db.QueryRow("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&waiting); err != nil || waiting < most {
			t.Errorf("the other one was served when %d waited, %v", waiting, err)
		}
		tx.Rollback()
		wg.Wait()
	})
}

// TestConnectionFlood opens thousands of connections to the real server, in each way in which they cost something and do nothing, and
// holds that its memory stays bounded and that others are served meanwhile.
func TestConnectionFlood(t *testing.T) {
	const most, flood = 500, 3000
	p := start(t, testkit.SQLite(t), "--connections", strconv.Itoa(most))
	token, address := p.greeted("Secret token"), strings.TrimPrefix(p.base, "http://")
	users := p.base + "/scim/main/entra/Users"
	testkit.Call(t, "GET", users, token, nil).Want(t, 200)
	before := p.memory()

	half := strings.Repeat("x", 300<<10)
	starts := []string{
		"",                     // never a request
		"GET / HTTP/1.1\r\nHo", // slowloris
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",                       // kept alive
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 20<<10), // a long header that does not end
		"POST /api/v1/contacts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n" + half,
		"POST /oauth/main/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\n" + half,
		"POST /scim/main/entra/Users HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + half,
		"POST /signin HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\n" + half,
	}
	var wg sync.WaitGroup
	work := make(chan int)
	for range 50 {
		wg.Go(func() {
			for i := range work {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				t.Cleanup(func() { conn.Close() })
				conn.SetDeadline(time.Now().Add(5 * time.Second))
				io.WriteString(conn, starts[i%len(starts)]) // which the server may break off
			}
		})
	}
	served := make(chan int)
	go func() {
		n := 0
		defer func() { served <- n }()
		for i := range flood {
			work <- i
			if i%20 == 0 { // by a connection of its own, as everybody's first is
				client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
				request, _ := http.NewRequest("GET", users+"?count=1", nil)
				request.Header.Set("Authorization", "Bearer "+token)
				response, err := client.Do(request)
				if err != nil {
					t.Errorf("during the flood: %v", err)
					return
				}
				response.Body.Close()
				if response.StatusCode != 200 {
					t.Errorf("during the flood: status %d", response.StatusCode)
				}
				n++
			}
		}
	}()
	n := <-served
	close(work)
	wg.Wait()
	after := p.memory()
	t.Logf("%d requests were served during the flood; the server has %d MiB, before it had %d", n, after>>20, before>>20)
	if n < flood/20 {
		t.Errorf("%d requests were served during the flood", n)
	}
	// Each of the connections may cost the header and some more, but not what was sent besides.
	if grown := after - before; runtime.GOOS == "linux" && grown > most*(100<<10)+(64<<20) {
		t.Errorf("the server's memory has grown by %d MiB", grown>>20)
	}
	testkit.Call(t, "GET", users, token, nil).Want(t, 200)
	if code := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

// TestLongHeader holds where headers end, and that the longest filter has room.
func TestLongHeader(t *testing.T) {
	p := start(t, testkit.SQLite(t))
	filter := "?filter=title%20eq%20%22" + strings.Repeat("%C3%A4", 4080) + "%22"
	testkit.Call(t, "GET", p.base+"/scim/main/entra/Users"+filter, p.greeted("Secret token"), nil).Want(t, 200)

	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: %s", strings.Repeat("x", maxHeader+(4<<10))) // net/http adds that much
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header that is too long is answered %v, %v", response, err)
	}
}

// memory returns how much of the machine's memory the process has, in bytes; 0 where the system does not say.
func (p *process) memory() int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		return 0
	}
	kib, _ := strconv.Atoi(string(m[1]))
	return kib << 10
}
