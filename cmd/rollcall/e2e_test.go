package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// build makes the program once for all tests of this file, in a folder that TestMain removes.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "rollcall")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// process is a running server.
type process struct {
	*testing.T
	cmd    *exec.Cmd
	base   string // http://127.0.0.1:PORT
	stdout string // what it greeted with
	stderr bytes.Buffer
}

// start runs serve on a free port and waits until it is ready.
func start(t *testing.T, databaseURL string, flags ...string) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return launch(t, path, databaseURL, flags...)
}

// launch does so with a program.
func launch(t *testing.T, path, databaseURL string, flags ...string) *process {
	t.Helper()
	p := &process{T: t, cmd: exec.Command(path, append([]string{"serve", "--database", databaseURL, "--listen", "127.0.0.1:0"}, flags...)...)}
	p.cmd.Stderr = &p.stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		p.stdout += lines.Text() + "\n"
		if m := regexp.MustCompile(`listens on (\S+),`).FindStringSubmatch(lines.Text()); m != nil {
			p.base = "http://" + m[1]
			if slices.ContainsFunc(flags, func(f string) bool { return strings.HasPrefix(f, "--tls-") || strings.HasPrefix(f, "--acme-") }) {
				p.base = "https://" + m[1]
			}
		}
		if strings.HasPrefix(lines.Text(), "Portal:") {
			break
		}
	}
	go io.Copy(io.Discard, stdout)
	if p.base == "" {
		p.cmd.Wait()
		t.Fatalf("the server did not start: %s%s", p.stdout, &p.stderr)
	}
	if strings.HasPrefix(p.base, "https://") {
		return p // whoever knows its certificate asks it
	}
	for range 100 {
		if a, err := http.Get(p.base + "/readyz"); err == nil {
			a.Body.Close()
			if a.StatusCode == 200 {
				return p
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server is not ready")
	return nil
}

// greeted returns what stands behind a label of the greeting.
func (p *process) greeted(label string) string {
	m := regexp.MustCompile(`(?m)^` + label + `:\s+(\S+)$`).FindStringSubmatch(p.stdout)
	if m == nil {
		return ""
	}
	return m[1]
}

// terminate ends the server by SIGTERM and returns its exit code.
func (p *process) terminate() int {
	p.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.Error(err)
	}
	p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

// directory does as Entra does.
type directory struct {
	*testing.T
	base, token string
	mu          sync.Mutex
	ids         map[int]string // SCIM ids of answered creations
	client      *http.Client
}

func (d *directory) send(method, path, body string) (int, map[string]any, error) {
	request, err := http.NewRequest(method, d.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("User-Agent", "")
	request.Header.Set("Authorization", "Bearer "+d.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	response, err := d.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil && response.StatusCode != http.StatusNoContent {
		return 0, nil, err
	}
	return response.StatusCode, answer, nil
}

// find looks a person up and returns the SCIM id, "" for nobody.
func (d *directory) find(attribute, value string) (string, error) {
	status, list, err := d.send("GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf("%s eq %q", attribute, value)), "")
	if err != nil || status != 200 {
		return "", fmt.Errorf("look up %s: status %d, %w", value, status, err)
	}
	for _, r := range list["Resources"].([]any) {
		return r.(map[string]any)["id"].(string), nil
	}
	return "", nil
}

// provision is the initial cycle's part for one person: match by externalId, then by userName, then create.
func (d *directory) provision(i int) error {
	externalID, userName := fmt.Sprintf("oid-%03d", i), fmt.Sprintf("person%03d@contoso.example", i)
	for _, key := range [][2]string{{"externalId", externalID}, {"userName", userName}} {
		if id, err := d.find(key[0], key[1]); err != nil || id != "" {
			return err
		}
	}
	status, user, err := d.send("POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
		"externalId":%q,"userName":%q,"active":true,"displayName":"Person %d","title":"Agent","emails":[{"primary":true,"type":"work","value":%q}],
		"phoneNumbers":[{"type":"work","value":"+47 %d"}],"meta":{"resourceType":"User"},"name":{"familyName":"F%d","givenName":"G"},"roles":[]}`, externalID, userName, i, userName, i, i))
	if err != nil || status != 201 {
		return fmt.Errorf("create %s: status %d, %w", userName, status, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ids[i] = user["id"].(string)
	return nil
}

// patch sends one of Entra's updates and returns whether it was answered.
func (d *directory) patch(i int, operations string) error {
	status, _, err := d.send("PATCH", "/Users/"+d.ids[i], `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`)
	if err == nil && status != 200 {
		err = fmt.Errorf("status %d", status)
	}
	return err
}

// TestInitialCycleAcrossAKill provisions 200 people with the real program, which is killed midway: whatever it had answered
// must be there after its restart.
func TestInitialCycleAcrossAKill(t *testing.T) {
	const people = 200
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := start(t, databaseURL)
		token := p.greeted("Secret token")
		if !strings.HasPrefix(token, "rcs_main_") || !strings.HasSuffix(p.greeted("Tenant URL"), "/scim/main/entra") || !strings.Contains(p.greeted("First sign-in"), "/signin/rcl_main_") {
			t.Fatalf("the server greets with %s", p.stdout)
		}
		d := &directory{T: t, base: p.base + "/scim/main/entra", token: token, ids: map[int]string{}, client: &http.Client{Timeout: 30 * time.Second}}
		if id, err := d.find("userName", "5f0d4c7e-2b19-4d27-9e63-8a51c0b7e2f4"); err != nil || id != "" {
			t.Fatal("Test Connection:", id, err)
		}

		// The initial cycle, with eight requests under way when the server is killed.
		var wg sync.WaitGroup
		next := make(chan int)
		for range 8 {
			wg.Go(func() {
				for i := range next {
					d.provision(i) // what fails is retried below, as Entra does
				}
			})
		}
		for i := range people {
			if i == people/2 {
				wg.Go(func() { p.cmd.Process.Kill() })
			}
			next <- i
		}
		close(next)
		wg.Wait()
		p.cmd.Wait()
		answered := len(d.ids)
		if answered < people/4 || answered == people {
			t.Fatalf("the kill came at the wrong moment: %d answered", answered)
		}

		p = start(t, databaseURL)
		if p.greeted("Secret token") != "" {
			t.Error("the token is shown twice")
		}
		d.base = p.base + "/scim/main/entra"
		for i, id := range d.ids {
			if found, err := d.find("externalId", fmt.Sprintf("oid-%03d", i)); err != nil || found != id {
				t.Fatalf("person %d was answered as %s and is %s after the restart, %v", i, id, found, err)
			}
		}
		for i := range people {
			if err := d.provision(i); err != nil {
				t.Fatal(err)
			}
			if d.ids[i] == "" { // written, though not answered before the kill
				var err error
				if d.ids[i], err = d.find("externalId", fmt.Sprintf("oid-%03d", i)); err != nil || d.ids[i] == "" {
					t.Fatal(i, err)
				}
			}
		}

		// Changes, with another kill midway.
		type wanted struct {
			active, deleted bool
			title           string
		}
		want := map[int]wanted{}
		for i := range people {
			if i == people/2 {
				p.cmd.Process.Kill()
				p.cmd.Wait()
				p = start(t, databaseURL)
				d.base = p.base + "/scim/main/entra"
			}
			w := wanted{active: true, title: "Agent"}
			var err error
			switch i % 5 {
			case 1:
				w.title = "Lead"
				err = d.patch(i, `{"op":"Replace","path":"title","value":"Lead"},{"op":"Add","path":"emails[type eq \"work\"].value","value":"new@other.example"}`)
			case 2:
				w.active = false
				err = d.patch(i, `{"op":"Replace","path":"active","value":"False"}`)
			case 3:
				err = d.patch(i, `{"op":"replace","value":{"active":false}}`)
				if err == nil {
					err = d.patch(i, `{"op":"Replace","path":"active","value":"True"}`)
				}
			case 4:
				w.deleted = true
				var status int
				if status, _, err = d.send("DELETE", "/Users/"+d.ids[i], ""); err == nil && status != 204 {
					err = fmt.Errorf("status %d", status)
				}
			}
			if err != nil {
				t.Fatal(i, err)
			}
			want[i] = w
		}
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p = start(t, databaseURL)
		d.base = p.base + "/scim/main/entra"
		for i, w := range want {
			status, user, err := d.send("GET", "/Users/"+d.ids[i], "")
			switch {
			case err != nil:
				t.Fatal(err)
			case w.deleted:
				if status != 404 {
					t.Errorf("person %d was deleted and answers %d", i, status)
				}
			case status != 200 || user["active"] != w.active || user["title"] != w.title:
				t.Errorf("person %d is %v, want %+v", i, user, w)
			}
		}

		// What the helpdesk sees, by a token made beside the running server.
		code, apiToken, stderr := command(t, "token", "create", "--tenant", "main", "--role", "agent", "--database", databaseURL)
		if code != 0 {
			t.Fatal(stderr)
		}
		statuses := map[any]int{}
		cursor := ""
		for {
			page := testkit.Call(t, "GET", p.base+"/api/v1/contacts?status=all&limit=70&cursor="+cursor, strings.TrimSpace(apiToken), nil).Want(t, 200)
			for _, c := range page["items"].([]any) {
				statuses[c.(map[string]any)["status"]]++
			}
			if cursor, _ = page["next"].(string); cursor == "" {
				break
			}
		}
		if statuses["active"] != people*3/5 || statuses["deleted"] != people*2/5 {
			t.Errorf("contacts are %v", statuses)
		}
		if code := p.terminate(); code != 0 {
			t.Errorf("SIGTERM: exit %d\n%s", code, &p.stderr)
		}
		if log := p.stderr.String(); strings.Contains(log, token) || strings.Contains(log, "contoso.example") || strings.Contains(log, "SELECT") {
			t.Error("the log holds a secret, an address or SQL")
		}
	})
}

// TestTwoServers runs two servers on one database, and lets one end while a request is under way.
func TestTwoServers(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		one := start(t, databaseURL)
		two := start(t, databaseURL)
		token := one.greeted("Secret token")
		if two.greeted("Secret token") != "" {
			t.Error("the second server made a token of its own")
		}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				base := []*process{one, two}[i%2].base
				if a, err := testkit.Send(t.Context(), "POST", base+"/scim/main/entra/Users", token, fmt.Sprintf(`{"userName":"u%d"}`, i)); err != nil || a.Status != 201 {
					t.Errorf("status %d, %v", a.Status, err)
				}
			})
		}
		wg.Wait()
		list := testkit.Call(t, "GET", two.base+"/scim/main/entra/Users?count=0", token, nil).Want(t, 200)
		if list["totalResults"] != 40.0 {
			t.Errorf("%v users", list["totalResults"])
		}

		// SIGTERM lets a request finish whose body is still on its way.
		body, writer := io.Pipe()
		request, err := http.NewRequest("POST", one.base+"/scim/main/entra/Users", body)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		request.ContentLength = int64(len(`{"userName":"last"}`))
		answered := make(chan int, 1)
		go func() {
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				answered <- 0
				return
			}
			response.Body.Close()
			answered <- response.StatusCode
		}()
		io.WriteString(writer, `{"userName":`)
		time.Sleep(200 * time.Millisecond) // for the request to arrive
		exit := make(chan int, 1)
		go func() { exit <- one.terminate() }()
		time.Sleep(200 * time.Millisecond) // for the signal to arrive
		io.WriteString(writer, `"last"}`)
		writer.Close()
		if status := <-answered; status != 201 {
			t.Errorf("the request under way was answered %d", status)
		}
		if code := <-exit; code != 0 {
			t.Errorf("exit %d", code)
		}
		testkit.Call(t, "GET", two.base+"/scim/main/entra/Users?filter=userName+eq+%22last%22", token, nil).Want(t, 200)
		for _, path := range []string{"/healthz", "/readyz"} {
			testkit.Call(t, "GET", two.base+path, "", nil).Want(t, 200)
		}
		if code := two.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}

		// What both have counted is in one cycle, also of their last seconds.
		st, err := store.Open(t.Context(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		cycles, err := st.Read(t.Context()).Cycles("main", "entra", "", 10)
		if err != nil || len(cycles) != 1 || cycles[0].Outcomes[desk.Created] != 41 || cycles[0].Lookups != 2 {
			t.Errorf("cycles are %+v, %v", cycles, err)
		}
	})
}
