package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// rounds is how often the tests that harm a server do so. By hand: go test ./cmd/rollcall -run Crash -rounds 300 -timeout 2h.
var rounds = flag.Int("rounds", 6, "how often a server is killed in the tests of crashes")

// person is what a directory knows of somebody whom it has sent.
type person struct {
	title   string
	active  bool
	exists  bool
	written int // answered writes that left an event
}

// cohort is a directory's people whom one worker looks after, one request at a time.
type cohort struct {
	*directory
	name    string
	people  map[string]person // by userName, as answered
	scim    map[string]string // SCIM ids, by userName
	doubt   string            // userName of the one whose last write was not answered; "" for none
	maybe   person            // what they are if it was written
	refused int               // answers 503
	random  *rand.Rand
}

// cohorts share out a connection's people among workers.
func cohorts(t *testing.T, token string, n int) []*cohort {
	list := make([]*cohort, n)
	for i := range list {
		list[i] = &cohort{
			directory: &directory{T: t, token: token, client: &http.Client{Timeout: 30 * time.Second}},
			name:      fmt.Sprintf("w%d", i), people: map[string]person{}, scim: map[string]string{}, random: rand.New(rand.NewPCG(uint64(i), 7)),
		}
	}
	return list
}

// work sends one write after the other until done is closed, or a server does not answer.
func (c *cohort) work(base string, done <-chan struct{}) {
	c.base = base + "/scim/main/entra"
	for {
		select {
		case <-done:
			return
		default:
		}
		if !c.write() {
			return
		}
	}
}

// write sends a random write of a random person, and notes what was answered. It returns false when nothing was.
func (c *cohort) write() bool {
	userName := fmt.Sprintf("%s-%d@contoso.example", c.name, c.random.IntN(40))
	was := c.people[userName]
	next := was
	next.written++
	method, path, body, want := "PATCH", "/Users/"+c.scim[userName], "", http.StatusOK
	patch := func(operation string) string {
		return `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[` + operation + `]}`
	}
	switch step := c.random.IntN(10); {
	case !was.exists:
		next = person{title: "Agent", active: true, exists: true, written: next.written}
		method, path, want = "POST", "/Users", http.StatusCreated
		body = fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"externalId":"oid-%s","userName":%q,"active":true,"title":"Agent","emails":[{"type":"work","value":%q}]}`, userName, userName, userName)
	case step < 5:
		next.title = fmt.Sprintf("Agent %d", c.random.IntN(1e6))
		body = patch(fmt.Sprintf(`{"op":"Replace","path":"title","value":%q}`, next.title))
	case step < 9:
		next.active = !was.active
		body = patch(fmt.Sprintf(`{"op":"Replace","path":"active","value":"%t"}`, next.active))
	default:
		next.exists = false
		method, want = "DELETE", http.StatusNoContent
	}
	if next.title == was.title && next.active == was.active && next.exists == was.exists {
		next.written-- // a change of nothing leaves no event
	}
	status, answer, err := c.send(method, path, body)
	switch {
	case err != nil:
		c.doubt, c.maybe = userName, next
		return false
	case status == http.StatusServiceUnavailable:
		c.refused++
		c.doubt, c.maybe = userName, next // its commit may have been made, and the answer to it lost
		c.settle()
		return true
	case status != want:
		c.Errorf("%s %s: status %d, want %d: %v", method, userName, status, want, answer)
		return false
	}
	if method == "POST" {
		c.scim[userName] = answer["id"].(string)
	}
	c.people[userName] = next
	return true
}

// look returns a person as the endpoint tells of them, without what was written.
func (c *cohort) look(userName string) (p person, id string, err error) {
	status, list, err := c.send("GET", "/Users?filter=userName+eq+%22"+userName+"%22", "")
	if err != nil || status != http.StatusOK {
		return p, "", fmt.Errorf("look up %s: status %d, %w", userName, status, errors.Join(err))
	}
	found := list["Resources"].([]any)
	if len(found) > 1 {
		return p, "", fmt.Errorf("%d users are %s", len(found), userName)
	}
	for _, r := range found {
		user := r.(map[string]any)
		p.exists, p.active = true, user["active"].(bool)
		p.title, _ = user["title"].(string)
		id = user["id"].(string)
	}
	return p, id, nil
}

// settle finds out what became of the write that was not answered.
func (c *cohort) settle() {
	for end := time.Now().Add(30 * time.Second); c.doubt != "" && time.Now().Before(end); {
		p, id, err := c.look(c.doubt)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		was := c.people[c.doubt]
		same := func(a person) bool {
			return a.exists == p.exists && (!p.exists || a.title == p.title && a.active == p.active)
		}
		switch {
		case same(c.maybe):
			c.people[c.doubt] = c.maybe
		case !same(was):
			c.Errorf("%s is %+v, which is neither %+v nor %+v", c.doubt, p, was, c.maybe)
		}
		if p.exists {
			c.scim[c.doubt] = id
		}
		c.doubt = ""
	}
}

// check holds the endpoint to all that was answered.
func (c *cohort) check(base string) {
	c.Helper()
	c.base = base + "/scim/main/entra"
	c.settle()
	if c.doubt != "" {
		c.Fatalf("nothing can be said of %s", c.doubt)
	}
	for userName, want := range c.people {
		got, id, err := c.look(userName)
		if err != nil {
			c.Fatal(err)
		}
		if got.exists != want.exists || got.exists && (got.title != want.title || got.active != want.active || id != c.scim[userName]) {
			c.Errorf("%s is %+v (%s), but was answered %+v (%s)", userName, got, id, want, c.scim[userName])
		}
	}
}

// wholes are counts that are 0 in a database in which nothing is half-written and all keys hold.
var wholes = map[string]string{
	"users whose contact is missing": "SELECT count(*) FROM directory_users u WHERE contact_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM contacts c WHERE c.tenant_id = u.tenant_id AND c.id = u.contact_id)",
	"users without an event":         "SELECT count(*) FROM directory_users u WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = u.tenant_id AND e.user_id = u.id)",
	"contacts without an event":      "SELECT count(*) FROM contacts c WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.tenant_id = c.tenant_id AND e.contact_id = c.id)",
	"users without their address":    "SELECT count(*) FROM directory_users u WHERE NOT EXISTS (SELECT 1 FROM directory_user_emails e WHERE e.tenant_id = u.tenant_id AND e.user_id = u.id)",
	"addresses without their user":   "SELECT count(*) FROM directory_user_emails e WHERE NOT EXISTS (SELECT 1 FROM directory_users u WHERE u.tenant_id = e.tenant_id AND u.id = e.user_id)",
	"active users of deleted contacts": "SELECT count(*) FROM directory_users u JOIN contacts c ON c.tenant_id = u.tenant_id AND c.id = u.contact_id" +
		" WHERE u.active AND c.status <> 'active'",
	"active contacts without an active user": "SELECT count(*) FROM contacts c WHERE c.status = 'active' AND NOT EXISTS (SELECT 1 FROM directory_users u" +
		" WHERE u.tenant_id = c.tenant_id AND u.contact_id = c.id AND u.active)",
	"user names that are there twice":   "SELECT count(*) FROM (SELECT 1 FROM directory_users GROUP BY tenant_id, connection, user_name_key HAVING count(*) > 1) AS twice",
	"external ids that are there twice": "SELECT count(*) FROM (SELECT 1 FROM directory_users WHERE external_id IS NOT NULL GROUP BY tenant_id, connection, external_id HAVING count(*) > 1) AS twice",
	"people who are there twice":        "SELECT count(*) FROM (SELECT 1 FROM contacts GROUP BY tenant_id, user_name_key HAVING count(*) > 1) AS twice",
}

// checkWhole holds a database to what must be true of it at any moment.
func checkWhole(t *testing.T, databaseURL string, all []*cohort) {
	t.Helper()
	db := testkit.OpenSQL(t, databaseURL)
	defer db.Close()
	for what, query := range wholes {
		var n int
		if err := db.QueryRow(query).Scan(&n); err != nil || n > 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	if strings.HasPrefix(databaseURL, "sqlite:") {
		for _, check := range []string{"PRAGMA integrity_check", "PRAGMA foreign_key_check"} {
			var found string
			if err := db.QueryRow(check).Scan(&found); err == nil && found != "ok" {
				t.Errorf("%s: %s", check, found)
			}
		}
	}
	// Each answered write left its event, and no other did.
	rows, err := db.Query("SELECT c.user_name_key, count(*) FROM contacts c JOIN events e ON e.tenant_id = c.tenant_id AND e.contact_id = c.id WHERE e.outcome <> 'refused' GROUP BY c.user_name_key")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	events := map[string]int{}
	for rows.Next() {
		var userName string
		var n int
		if err := rows.Scan(&userName, &n); err != nil {
			t.Fatal(err)
		}
		events[userName] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, c := range all {
		for userName, p := range c.people {
			want[userName] = p.written
		}
	}
	if !maps.Equal(events, want) {
		for userName := range want {
			if events[userName] != want[userName] {
				t.Errorf("%s has %d events of %d writes", userName, events[userName], want[userName])
			}
		}
		t.Errorf("%d people have events, %d were written", len(events), len(want))
	}
}

// TestCrash kills the server with SIGKILL at random moments under load: whatever it had answered is there after its restart, and nothing
// is half-written.
func TestCrash(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		p := start(t, databaseURL, "--rate", "0")
		all := cohorts(t, p.greeted("Secret token"), 8)
		for range *rounds {
			var wg sync.WaitGroup
			for _, c := range all {
				wg.Go(func() { c.work(p.base, nil) })
			}
			time.Sleep(time.Duration(50+rand.IntN(800)) * time.Millisecond)
			p.cmd.Process.Kill()
			wg.Wait()
			p.cmd.Wait()
			p = start(t, databaseURL, "--rate", "0")
			for _, c := range all {
				c.check(p.base)
			}
			checkWhole(t, databaseURL, all)
			if t.Failed() {
				return
			}
		}
		written := 0
		for _, c := range all {
			for _, p := range c.people {
				written += p.written
			}
		}
		t.Logf("killed %d times, %d writes answered", *rounds, written)
		if written < *rounds {
			t.Errorf("only %d writes were answered", written)
		}
	})
}

// TestDatabaseCrash kills PostgreSQL under load, and cuts its connections in the middle of transactions: directories see 503 meanwhile, the
// server carries on by itself, and nothing that was answered is lost.
func TestDatabaseCrash(t *testing.T) {
	cluster := testkit.NewCluster(t)
	p := start(t, cluster.URL, "--rate", "0")
	all := cohorts(t, p.greeted("Secret token"), 8)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for _, c := range all {
		wg.Go(func() { c.work(p.base, done) })
	}
	for range *rounds {
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
		cluster.Run(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rollcall'")
		time.Sleep(time.Duration(100+rand.IntN(300)) * time.Millisecond)
		cluster.Kill()
		time.Sleep(200 * time.Millisecond)
		cluster.Restart(t)
	}
	time.Sleep(300 * time.Millisecond)
	close(done)
	wg.Wait()
	refused := 0
	for _, c := range all {
		c.check(p.base)
		refused += c.refused
	}
	checkWhole(t, cluster.URL, all)
	if refused == 0 {
		t.Error("no request noticed that the database was gone")
	}
	if code := p.terminate(); code != 0 || t.Failed() {
		t.Errorf("exit %d\n%s", code, &p.stderr)
	}
}
