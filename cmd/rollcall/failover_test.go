package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// TestFailover kills the primary of a pair of PostgreSQL servers under the load of two servers of ours, and promotes its synchronous
// standby: both carry on by the other host of their URL, and nothing that was answered is lost.
func TestFailover(t *testing.T) {
	primary := testkit.NewCluster(t)
	standby := primary.Standby(t, "second")
	primary.Run(t, "ALTER SYSTEM SET synchronous_standby_names = 'second'")
	primary.Run(t, "SELECT pg_reload_conf()")
	databaseURL := fmt.Sprintf("postgres://postgres@/postgres?host=%s,%s", primary.Dir, standby.Dir)
	servers := []*process{start(t, databaseURL, "--rate", "0"), start(t, databaseURL, "--rate", "0")}
	all := cohorts(t, servers[0].greeted("Secret token"), 8)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i, c := range all {
		wg.Go(func() { c.work(servers[i%2].base, done) })
	}
	time.Sleep(2 * time.Second)
	primary.Kill()
	killed := time.Now()
	time.Sleep(300 * time.Millisecond)
	standby.Run(t, "SELECT pg_promote()")
	for _, p := range servers {
		for !ready(p) {
			if time.Since(killed) > time.Minute {
				t.Fatalf("the servers do not carry on\n%s", &p.stderr)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	t.Logf("ready %s after the primary was killed", time.Since(killed).Round(time.Millisecond))
	time.Sleep(2 * time.Second)
	close(done)
	wg.Wait()
	refused := 0
	for i, c := range all {
		c.check(servers[i%2].base)
		refused += c.refused
	}
	checkWhole(t, standby.URL, all)
	if refused == 0 {
		t.Error("no request noticed that the primary was gone")
	}
	for _, p := range servers {
		if t.Failed() {
			t.Log(&p.stderr)
		}
		if code := p.terminate(); code != 0 {
			t.Errorf("exit %d", code)
		}
	}
}

func ready(p *process) bool {
	a, err := testkit.Send(p.Context(), "GET", p.base+"/readyz", "", nil)
	return err == nil && a.Status == 200
}

// TestFullDisk fills the disk under a SQLite database, and makes it read-only: directories see 503, agents can read, and once there is room
// the server carries on.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv("REQUIRE_POSTGRES") == "" {
		t.Skip("only root can make a small disk")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	databaseURL := "sqlite:" + filepath.Join(dir, "rollcall.db")
	p := start(t, databaseURL, "--rate", "0")
	all := cohorts(t, p.greeted("Secret token"), 1)
	c := all[0]
	c.base = p.base + "/scim/main/entra"
	many := func() {
		t.Helper()
		for range 30 {
			if !c.write() {
				t.Fatal(&p.stderr)
			}
		}
	}
	refuse := func(what string) {
		t.Helper()
		before := c.refused
		for range 2000 {
			if c.refused > before {
				return
			}
			if !c.write() {
				t.Fatal(&p.stderr)
			}
		}
		t.Errorf("nothing is refused on a disk that is %s", what)
	}
	many()
	filler := filepath.Join(dir, "filler")
	fill(t, filler)
	refuse("full")
	if a := testkit.Call(t, "GET", p.base+"/scim/main/entra/Users?count=1", c.token, nil); a.Status != 200 {
		t.Errorf("reading on a full disk: %d", a.Status)
	}
	c.check(p.base)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	many()
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p = start(t, databaseURL, "--rate", "0")
	c.check(p.base)
	many()
	c.check(p.base)
	checkWhole(t, databaseURL, all)
	if code := p.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}

	// A database that cannot be written is said at the start.
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := command(t, "serve", "--database", databaseURL, "--listen", "127.0.0.1:0")
	if code != 1 || !strings.Contains(stderr, "read-only") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("on a read-only disk: exit %d, %s", code, stderr)
	}
}

// fill writes to a file until its disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := bytes.Repeat([]byte{1}, 1<<12); ; {
		if _, err := f.Write(block); err != nil {
			return
		}
	}
}
