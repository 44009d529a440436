package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/internal/testkit"
)

// doctor runs the command and holds it to an exit code and patterns of what it prints, which never holds what is secret.
func doctor(t *testing.T, what string, code int, wants []string, args ...string) {
	t.Helper()
	got, stdout, stderr := command(t, append([]string{"doctor"}, args...)...)
	if got != code || (code == 1) != strings.Contains(stderr, "checks are failing") {
		t.Errorf("%s: exit %d, stdout %s stderr %q", what, got, stdout, stderr)
	}
	for _, want := range wants {
		if !regexp.MustCompile("(?m)" + want).MatchString(stdout) {
			t.Errorf("%s: there is no %s in\n%s", what, want, stdout)
		}
	}
	if strings.Contains(stdout+stderr, "secret") || regexp.MustCompile(`rc[a-z]_\w+_[a-z2-7]{52}`).MatchString(stdout+stderr) {
		t.Errorf("%s: a secret is printed: %s%s", what, stdout, stderr)
	}
}

// TestDoctor breaks an installation in one way after the other, and holds that each is found, and nothing else.
func TestDoctor(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		lite := strings.HasPrefix(databaseURL, "sqlite:")
		s := testkit.NewServer(t, databaseURL)
		tenantURL, token := s.Connect(t, "acme", "entra")
		testkit.Call(t, "POST", tenantURL+"/Users", token, `{"userName":"kofi@acme.example","externalId":"x"}`).Want(t, 201)
		testkit.Call(t, "POST", tenantURL+"/Users", token, `{"userName":"ann@acme.example"}`).Want(t, 201)
		db := testkit.OpenSQL(t, databaseURL)
		db.SetMaxOpenConns(1)
		exec := func(statement string) {
			t.Helper()
			if _, err := db.Exec(statement); err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
		}
		for engine, statement := range map[bool]string{true: "PRAGMA foreign_keys = off", false: "SET session_replication_role = replica"} {
			if engine == lite {
				exec(statement)
			}
		}
		at := func(d time.Duration) string {
			if at := time.Now().Add(d).UTC(); lite {
				return fmt.Sprint(at.UnixMicro())
			} else {
				return "'" + at.Format(time.RFC3339) + "'"
			}
		}
		id := func(d time.Duration) string {
			at := time.Now().Add(d).UnixMilli()
			return fmt.Sprintf("'%08x-%04x-7000-8000-000000000000'", at>>16, at&0xffff)
		}
		const admin = "INSERT INTO agents (tenant_id, id, name, email, email_key, role, password_hash, issuer, subject, created_at) VALUES ('acme', 'a', '', '', '', 'admin', '', '', '', "
		exec(admin + at(0) + ")")
		exec("UPDATE agents SET password_hash = 'x'")
		well := []string{`^database: ok, (SQLite|PostgreSQL) \d`, `^durability: `, `^schema: ok, version \d+$`, `^clock: ok, the newest event is \d seconds? old$`, `^log: ok, kept for 365 days$`, `^jobs: ok`, `^tokens: ok`,
			`^administrators: ok`, `^people: ok`, `^acme/entra: ok$`}
		if lite {
			well = append(well, `^files: ok, for their owner alone$`, `^durability: ok, journal_mode WAL, synchronous FULL$`, `^integrity: ok`, `^disk: ok, \d+ MiB free`)
		} else {
			well = append(well, `^writable: ok`, `^connections: ok, \d+ of \d+ in use, and each server opens up to 16$`, `^clock of the database: ok`)
		}
		doctor(t, "all well", 0, well)

		mendTrigger := "ALTER TABLE events ENABLE TRIGGER events_kept_for_a_day"
		if lite {
			if err := db.QueryRow("SELECT sql FROM sqlite_master WHERE name = 'events_kept_for_a_day'").Scan(&mendTrigger); err != nil {
				t.Fatal(err)
			}
		}
		const newest = "(SELECT max(id) FROM contacts)"
		const job = "INSERT INTO jobs (tenant_id, name, holder, held_until, due_at) VALUES ('', "
		const apiToken = "INSERT INTO tokens (tenant_id, id, kind, hash, connection, role, label, created_at, expires_at) VALUES ('acme', 't', 'api', 'h', '', 'agent', 'nightly export', "
		for _, c := range []struct {
			what, broken, mended string
			code                 int
			want                 string
		}{
			{"a clock that went back", "UPDATE events SET id = " + id(2*time.Hour) + " WHERE operation = 'create' AND contact_id = " + newest, "UPDATE events SET id = " + id(-time.Minute) + " WHERE operation = 'create' AND contact_id = " + newest,
				0, `^clock: attention; the newest event is of 20\S+ \S+ UTC, 1\d\d minutes ahead of this machine's clock.*run NTP`},
			{"a log that is too long", "UPDATE events SET id = " + id(-367*24*time.Hour) + " WHERE operation = 'create' AND contact_id = " + newest, "UPDATE events SET id = " + id(-time.Minute) + " WHERE operation = 'create' AND contact_id = " + newest,
				0, `^log: attention; an event is 36[67] days old, where 365 days are kept`},
			{"jobs that nobody does", job + "'settle cycles', 'x', " + at(-time.Hour) + ", " + at(-time.Hour) + ")", "DELETE FROM jobs", 0, `^jobs: attention; no server does what is due \(settle cycles\); start one`},
			{"a job under way", job + "'settle cycles', 'x', " + at(time.Minute) + ", " + at(-time.Hour) + ")", "DELETE FROM jobs", 0, `^jobs: ok`},
			{"a job of another version", job + "'knit', 'x', " + at(-time.Hour) + ", " + at(-time.Hour) + ")", "DELETE FROM jobs", 0, `^jobs: ok`},
			{"a rescan that does not end", "INSERT INTO rescan_progress (tenant_id, started_at, checked, changed) VALUES ('acme', " + at(-2*time.Hour) + ", 0, 0)", "DELETE FROM rescan_progress", 0, `^jobs: attention; contacts of acme .*rollcall company rescan --tenant acme`},
			{"settings that are applied for long", "INSERT INTO reapplies (tenant_id, connection, before, after_id, checked, changed, started_at) VALUES ('acme', 'entra', '{}', '', 70, 0, " + at(-2*time.Hour) + ")", "DELETE FROM reapplies",
				0, `^jobs: attention; settings of acme/entra .* since 20\S+ \S+ UTC, 70 so far`},
			{"cycles that are not counted", "INSERT INTO cycles (tenant_id, connection, id, started_at, ended_at, unchanged, lookups, errors, settled) VALUES ('acme', 'entra', 'x', " + at(-2*time.Hour) + ", " + at(-2*time.Hour) + ", 0, 0, 0, false)", "DELETE FROM cycles",
				0, `^jobs: attention; cycles are not counted`},
			{"a token that expires", apiToken + at(0) + ", " + at(5*24*time.Hour) + ")", "DELETE FROM tokens WHERE id = 't'", 0, `^tokens of acme: attention; nightly export, of the JSON API, expires at 20.*rollcall token create --tenant acme --role agent`},
			{"a token that has expired", apiToken + at(-9*24*time.Hour) + ", " + at(-24*time.Hour) + ")", "DELETE FROM tokens WHERE id = 't'", 0, `^tokens of acme: attention; nightly export, of the JSON API, expired at`},
			{"a token that is good for long", apiToken + at(0) + ", " + at(50*24*time.Hour) + ")", "DELETE FROM tokens WHERE id = 't'", 0, `^tokens: ok`},
			{"no administrator", "UPDATE agents SET disabled_at = created_at", "UPDATE agents SET disabled_at = NULL", 0, `^administrators of acme: attention; none can sign in; rollcall agent create EMAIL --tenant acme --role admin`},
			{"an administrator who has not come", "UPDATE agents SET password_hash = ''", "UPDATE agents SET password_hash = 'x'", 0, `^administrators of acme: attention; none has signed in yet; rollcall agent link EMAIL --tenant acme`},
			{"a connection without a token", "UPDATE tokens SET connection = 'gone' WHERE connection = 'entra'", "UPDATE tokens SET connection = 'entra' WHERE connection = 'gone'", 0, `^acme/entra: attention; there is no token`},
			{"a connection whose token has expired", "UPDATE tokens SET expires_at = created_at WHERE connection = 'entra'", "UPDATE tokens SET expires_at = NULL", 1, `^acme/entra: failing; the token expired at \d{4}-\d\d-\d\d \d\d:\d\d UTC; make a new one`},
			{"a wrong count", "UPDATE contacts SET directories = 7 WHERE id = " + newest, "UPDATE contacts SET directories = 1", 1, `^contacts of acme: failing; 1 of the newest 500 .*counts other directories than have it`},
			{"a contact half deleted", "UPDATE contacts SET status = 'deleted' WHERE id = " + newest, "UPDATE contacts SET status = 'active'", 1, `^contacts of acme: failing; 1 of the newest 500 .*is deleted without a time`},
			{"a company that is gone", "UPDATE contacts SET company_id = 'x' WHERE id = " + newest, "UPDATE contacts SET company_id = ''", 1, `^contacts of acme: failing; .*has a company that does not exist`},
			{"a user whose contact is gone", "UPDATE directory_users SET contact_id = contact_id || 'x' WHERE user_name_key LIKE 'ann%'", "UPDATE directory_users SET contact_id = " + newest + " WHERE user_name_key LIKE 'ann%'",
				1, `^people of acme/entra: failing; 1 of the newest 500 .*has a contact that does not exist`},
			{"a user without a contact", "UPDATE directory_users SET contact_id = NULL WHERE user_name_key LIKE 'ann%'", "UPDATE directory_users SET contact_id = " + newest + " WHERE user_name_key LIKE 'ann%'",
				1, `^people of acme/entra: failing; 1 of the newest 500 .*has no contact, and nothing holds it back`},
			{"a newer schema", "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, " + map[bool]string{true: "1", false: "true"}[lite] + ")", "DELETE FROM goose_db_version WHERE version_id = 9999",
				1, `^schema: failing; the database has version 9999, this program knows up to \d+; use the newer rollcall`},
			{"an index that is gone", "DROP INDEX events_request", "CREATE INDEX events_request ON events (tenant_id, connection, request_id, id) WHERE request_id <> ''",
				1, `^schema: failing; index events_request of events is missing; run this in (sqlite3|psql): CREATE INDEX events_request ON events`},
			{"a trigger that is gone", map[bool]string{true: "DROP TRIGGER events_kept_for_a_day", false: "ALTER TABLE events DISABLE TRIGGER events_kept_for_a_day"}[lite], mendTrigger,
				1, `^schema: failing; trigger events_kept_for_a_day of events is (missing|disabled); run this in (sqlite3|psql): `},
		} {
			exec(c.broken)
			doctor(t, c.what, c.code, []string{c.want})
			if c.what == "a newer schema" {
				if code, stdout, stderr := command(t, "migrate", "status"); code != 0 || !strings.HasSuffix(stdout, "applied by a newer rollcall; use that one\n") || !strings.Contains(stdout, "\nup to 09999 ") {
					t.Errorf("migrate status: exit %d, %s%s", code, stdout, stderr)
				}
			}
			exec(c.mended)
			doctor(t, "after "+c.what, 0, well)
		}
		exec("UPDATE goose_db_version SET version_id = 0 WHERE version_id = (SELECT max(version_id) FROM goose_db_version)")
		doctor(t, "an older schema", 1, []string{`^schema: failing; the database has version \d+, this program wants \d+; serve brings it up to date$`})
	})
}

// TestDoctorAndMetrics holds that the command and Prometheus tell the same of a connection.
func TestDoctorAndMetrics(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "acme", "entra")
		_, token := s.Connect(t, "acme", "okta")
		for range 5 {
			testkit.Call(t, "GET", s.URL+"/scim/acme/entra/Users", token, nil)
			testkit.Call(t, "GET", s.URL+"/scim/acme/okta/Users", "wrong", nil)
		}
		if err := s.Store.WriteDenials(t.Context()); err != nil {
			t.Fatal(err)
		}
		doctor(t, "wrong tokens", 1, []string{`acme/entra: failing; the last 5 requests with a token of this helpdesk`, `acme/okta: attention; 5 requests, since .*, came with a token that is not known here`})

		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan bool)
		go func() {
			log := slog.New(slog.DiscardHandler)
			newMetrics(s.Engine, log).serve(ctx, listener, log)
			close(ended)
		}()
		a := testkit.Call(t, "GET", "http://"+listener.Addr().String()+"/metrics", "", nil)
		stop()
		<-ended
		for _, line := range []string{
			`rollcall_connection_health{connection="entra",tenant="acme"} 2`, `rollcall_connection_problem{code="unauthorized",connection="entra",tenant="acme"} 1`, "go_goroutines ",
		} {
			if a.Status != 200 || !strings.Contains(string(a.Body), line) {
				t.Errorf("%d: %s is missing from\n%s", a.Status, line, a.Body)
			}
		}
	})
}

// TestDoctorOfFiles holds what is said of a SQLite file that is damaged, is not there, or is something else.
func TestDoctorOfFiles(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	path := strings.TrimPrefix(databaseURL, "sqlite:")
	doctor(t, "no file", 1, []string{`^database: failing; database sqlite:\S+ does not exist yet; serve makes it`}, "--database", databaseURL)
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made")
	}
	doctor(t, "another file", 1, []string{`^database: failing; .*not a database`}, "--database", "sqlite:main.go")
	if code, _, stderr := command(t, "bench", "fill", "--contacts", "200", "--tenants", "1", "--database", databaseURL); code != 0 {
		t.Fatal(stderr)
	}
	db := testkit.OpenSQL(t, databaseURL)
	var tenants int
	if err := db.QueryRow("SELECT count(*) FROM tenants").Scan(&tenants); err != nil { // the files beside it are there from now on
		t.Fatal(err)
	}
	own := func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			if err := os.Chmod(path+suffix, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		what  string
		modes map[string]os.FileMode
		code  int
		want  string
	}{
		{"files of the owner's", nil, 0, `^files: ok, for their owner alone$`},
		{"a file that others read", map[string]os.FileMode{"": 0o644}, 0, `^files: attention; .* rollcall\.db \(-rw-r--r--\), .*; chmod 600 /\S+/rollcall\.db$`},
		{"a log that others write", map[string]os.FileMode{"-wal": 0o666}, 1, `^files: failing; .* rollcall\.db-wal \(-rw-rw-rw-\), .*; chmod 600 /\S+/rollcall\.db-wal$`},
		{"all files", map[string]os.FileMode{"": 0o666, "-wal": 0o644, "-shm": 0o640}, 1, `^files: failing; .* rollcall\.db \(-rw-rw-rw-\), rollcall\.db-wal \(-rw-r--r--\), rollcall\.db-shm \(-rw-r-----\), .*; chmod 600 /\S+\.db /\S+-wal /\S+-shm$`},
	} {
		own()
		for suffix, mode := range c.modes {
			if err := os.Chmod(path+suffix, mode); err != nil {
				t.Fatal(err)
			}
		}
		doctor(t, c.what, c.code, []string{c.want}, "--database", databaseURL)
	}
	own()
	var page, size int64
	if err := db.QueryRow("SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_master WHERE name = 'events_request'").Scan(&page, &size); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteAt(make([]byte, size), (page-1)*size); err != nil {
		t.Fatal(err)
	}
	doctor(t, "a damaged file", 1, []string{`^integrity: failing; the file is damaged \(.*Tree \d+ page \d+.*: .+\); end the server.*rollcall restore`}, "--database", databaseURL)
}

// TestDoctorOfPostgres holds what is said of servers that are set up in ways that lose data, or cannot be written.
func TestDoctorOfPostgres(t *testing.T) {
	cluster := testkit.NewCluster(t, "max_connections=22")
	if code, _, stderr := command(t, "tenant", "create", "acme", "--database", cluster.URL); code != 0 {
		t.Fatal(stderr)
	}
	doctor(t, "all well", 0, []string{`^durability: ok, fsync and full_page_writes on, synchronous_commit on$`, `^writable: ok, the server is a primary$`}, "--database", cluster.URL)
	doctor(t, "few connections", 0, []string{`^connections: attention; \d+ of 19 in use, and each server opens up to 20; raise max_connections`}, "--database", cluster.URL+"&pool_max_conns=20")
	for _, c := range []struct{ setting, want string }{
		{"synchronous_commit = off", `^durability: attention; synchronous_commit off: writes that were answered may be lost`},
		{"default_transaction_read_only = on", `^writable: failing; transactions are read only`},
	} {
		cluster.Run(t, "ALTER ROLE postgres SET "+c.setting)
		code := 0
		if strings.Contains(c.want, "failing") {
			code = 1
		}
		doctor(t, c.setting, code, []string{c.want}, "--database", cluster.URL)
		cluster.Run(t, "BEGIN READ WRITE; ALTER ROLE postgres RESET ALL; COMMIT")
	}
	cluster.Run(t, "CREATE DATABASE old ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
	doctor(t, "another encoding", 1, []string{`^encoding: failing; the database's encoding is LATIN1`}, "--database", strings.Replace(cluster.URL, "/postgres?", "/old?", 1))
	standby := cluster.Standby(t, "standby")
	doctor(t, "a standby", 1, []string{`^writable: failing; the server is a standby.*promote it`}, "--database", standby.URL)
	cluster.Kill()
	doctor(t, "no server", 1, []string{`^database: failing; database postgres://\S+: .*; nothing else can be checked`}, "--database", strings.Replace(cluster.URL, "postgres@", "postgres:secret@", 1))

	forgetful := testkit.Postgres(t)
	if os.Getenv("TEST_POSTGRES_URL") == "" { // else it is a server of somebody's own
		doctor(t, "a forgetful server", 1, []string{`^durability: attention; fsync and full_page_writes and synchronous_commit off`}, "--database", forgetful)
	}
}

// TestDoctorOfCertificates holds what is said of the files with which the server speaks HTTPS.
func TestDoctorOfCertificates(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	if code, _, stderr := command(t, "tenant", "create", "acme", "--database", databaseURL); code != 0 {
		t.Fatal(stderr)
	}
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	a := newAuthority(t)
	write := func(from, until time.Duration) {
		t.Helper()
		a.from, a.until = from, until
		a.write(1, "desk.example", testkit.NewKey(t), cert, key)
	}
	const day = 24 * time.Hour
	check := func(what string, code int, want string, args ...string) {
		t.Helper()
		doctor(t, what, code, []string{"^certificate of " + want}, append(args, "--database", databaseURL)...)
	}
	files := []string{"--tls-cert", cert, "--tls-key", key, "--public-url", "https://desk.example"}
	check("no files", 1, `cert.pem: failing; cannot be used: .*no such file`, files...)
	write(-day, 90*day)
	check("all well", 0, `cert.pem: ok, until 20`, files...)
	check("another name", 1, `cert.pem: failing; is not for other.example`, "--tls-cert", cert, "--tls-key", key, "--public-url", "https://other.example")
	check("a certificate alone", 1, `cert.pem: failing; cannot be used: --tls-cert is given without --tls-key; give both`, "--tls-cert", cert)
	check("a key alone", 1, `key.pem: failing; cannot be used: --tls-key is given without --tls-cert; give both`, "--tls-key", key)
	write(-day, 10*day)
	check("nearly expired", 0, `cert.pem: attention; expires at 20\S+ \S+ UTC; write a new one`, files...)
	write(-day, -time.Hour)
	check("expired", 1, `cert.pem: failing; expired at 20`, files...)
	write(time.Hour, 90*day)
	check("not yet good", 1, `cert.pem: failing; is good from 20.*clock`, files...)
	other := filepath.Join(dir, "other.pem")
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	write(-day, 90*day)
	if err := os.WriteFile(other, good, 0o600); err != nil {
		t.Fatal(err)
	}
	check("another key", 1, `cert.pem: failing; cannot be used: tls: private key does not match public key`, "--tls-cert", cert, "--tls-key", other)

	acme := []string{"--acme-domain", "desk.example", "--acme-cache", dir}
	check("none yet", 0, `desk.example: attention; there is none yet`, acme...)
	kept := func() {
		t.Helper()
		var both []byte
		for _, name := range []string{key, cert} {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			both = append(both, text...)
		}
		if err := os.WriteFile(filepath.Join(dir, "desk.example"), both, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept()
	check("kept", 0, `desk.example: ok, until 20`, acme...)
	write(-day, 10*day)
	kept()
	check("not renewed", 0, `desk.example: attention; expires at 20.*the server renews it`, acme...)
	if err := os.WriteFile(filepath.Join(dir, "desk.example"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("damaged", 1, `desk.example: failing; cannot be used`, acme...)
}
