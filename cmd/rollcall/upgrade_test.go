package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// buildNext makes the program as a later version of it could be: contacts have one more field, which it reads and writes, and the schema
// has further steps, of the kinds that an upgrade may have (store.TestMigrationsExpand).
var buildNext = sync.OnceValues(func() (string, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return "", err
	}
	const field = "	SearchKey   string"
	contact, err := os.ReadFile(filepath.Join(root, "desk", "contact.go"))
	if err != nil || strings.Count(string(contact), field) != 1 {
		return "", fmt.Errorf("desk/contact.go has no %q: %w", field, err)
	}
	overlay := map[string]string{}
	files := map[string]string{"desk/contact.go": strings.Replace(string(contact), field, "	Next        string\n"+field, 1)}
	for i, step := range []string{
		"ALTER TABLE contacts ADD COLUMN next TEXT NOT NULL DEFAULT '';",
		"ALTER TABLE directory_users ADD COLUMN next TEXT;",
		"ALTER TABLE events ADD COLUMN next TEXT;",
		"ALTER TABLE tokens ADD COLUMN next TEXT;",
		"ALTER TABLE connections ADD COLUMN next TEXT NOT NULL DEFAULT '{}';\nCREATE TABLE nexts (tenant_id TEXT NOT NULL PRIMARY KEY, next TEXT NOT NULL UNIQUE);",
		"CREATE INDEX contacts_next ON contacts (tenant_id, next);",
	} {
		for _, engine := range []string{"sqlite", "postgres"} {
			if engine == "postgres" && strings.HasPrefix(step, "CREATE INDEX") {
				step = "-- +goose NO TRANSACTION\n" + strings.Replace(step, "INDEX", "INDEX CONCURRENTLY", 1)
			}
			files[fmt.Sprintf("store/migrations/%s/%05d_next.sql", engine, 9990+i)] = "-- +goose Up\n" + step + "\n"
		}
	}
	for file, text := range files {
		name := filepath.Join(buildDir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
		overlay[filepath.Join(root, filepath.FromSlash(file))] = name
	}
	text, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return "", err
	}
	file, path := filepath.Join(buildDir, "overlay.json"), filepath.Join(buildDir, "rollcall-next")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", err
	}
	out, err := exec.Command("go", "build", "-overlay", file, "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// TestRollingUpgrade upgrades an installation under load, as one does: servers of the next version are started beside one of this version,
// which brings the schema forward under it; both serve; then the old one ends. Nobody sees an error, and nothing is lost.
func TestRollingUpgrade(t *testing.T) {
	next, err := buildNext()
	if err != nil {
		t.Fatal(err)
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		old := start(t, databaseURL, "--rate", "0")
		code, admin, stderr := command(t, "token", "create", "--tenant", "main", "--role", "admin", "--database", databaseURL)
		if code != 0 {
			t.Fatal(stderr)
		}
		all := cohorts(t, old.greeted("Secret token"), 8)
		staying, moving := all[:4], all[4:]
		work := func(list []*cohort, p *process) (stop func()) {
			done := make(chan struct{})
			var wg sync.WaitGroup
			for _, c := range list {
				wg.Go(func() { c.work(p.base, done) })
			}
			wg.Go(func() { read(t, p, strings.TrimSpace(admin), done) })
			return func() { close(done); wg.Wait() }
		}
		stopStaying, stopMoving := work(staying, old), work(moving, old)
		time.Sleep(500 * time.Millisecond)

		// Two of the next version at once: one of them makes the steps, the other waits for it.
		second := exec.Command(next, "tenant", "create", "other", "--database", databaseURL)
		said := make(chan string, 1)
		go func() {
			out, err := second.CombinedOutput()
			said <- fmt.Sprintf("%s%v", out, err)
		}()
		fresh := launch(t, next, databaseURL, "--rate", "0")
		if out := <-said; !strings.Contains(out, "tenant other created") {
			t.Errorf("the second to be started says %s", out)
		}
		stopMoving()
		stopMoving = work(moving, fresh)
		time.Sleep(time.Second)
		stopStaying()
		if code := old.terminate(); code != 0 {
			t.Errorf("the old server's exit code is %d", code)
		}
		stopStaying = work(staying, fresh)
		time.Sleep(300 * time.Millisecond)
		stopStaying()
		stopMoving()

		for _, c := range all {
			c.check(fresh.base)
			if c.refused > 0 || c.doubt != "" {
				t.Errorf("%s was refused %d times", c.name, c.refused)
			}
		}
		if code := fresh.terminate(); code != 0 {
			t.Errorf("the new server's exit code is %d", code)
		}
		checkWhole(t, databaseURL, all)
		for _, p := range []*process{old, fresh} {
			for line := range strings.Lines(p.stderr.String()) {
				if strings.Contains(line, "level=ERROR") {
					t.Errorf("a server had trouble: %s", line)
				}
			}
		}
		var written int
		db := testkit.OpenSQL(t, databaseURL)
		if err := db.QueryRow("SELECT count(*) FROM contacts WHERE next = ''").Scan(&written); err != nil || written < 20 {
			t.Errorf("%d contacts have the next version's field, %v", written, err)
		}
		// There is no way back but by a backup: the old version does not know what the new one writes.
		if code, _, stderr := command(t, "tenant", "create", "late", "--database", databaseURL); code != 1 || !strings.Contains(stderr, "use a newer rollcall") {
			t.Errorf("the old version over the new schema: exit %d, %s", code, stderr)
		}
	})
}

// read looks at pages and lists over and over, until done is closed.
func read(t *testing.T, p *process, admin string, done <-chan struct{}) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Error(err)
		return
	}
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second}
	if a, err := browser.PostForm(p.base+"/signin", url.Values{"token": {admin}}); err != nil || a.StatusCode != 200 {
		t.Error("signing in: ", a, err)
		return
	}
	for {
		for _, path := range []string{"/", "/contacts", "/deleted", "/companies", "/connections", "/connections/entra", "/log", "/log/cycles?connection=entra", "/agents", "/healthz", "/readyz"} {
			select {
			case <-done:
				return
			default:
			}
			a, err := browser.Get(p.base + path)
			if err != nil {
				t.Errorf("%s: %v", path, err)
				return
			}
			a.Body.Close()
			if a.StatusCode != 200 {
				t.Errorf("%s: status %d", path, a.StatusCode)
			}
		}
	}
}
