package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"rollcall/internal/testkit"
)

// TestBackup makes backups of a server that is being written to, restores them, and compares: a backup has all that was answered before
// it began, and of each request all or nothing.
func TestBackup(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	p := start(t, databaseURL)
	token, dir := p.greeted("Secret token"), t.TempDir()
	users := p.base + "/scim/main/entra/Users"
	var mu sync.Mutex
	ids := map[string]string{} // of those whose creation was answered, by name
	var wg sync.WaitGroup
	stop := make(chan bool)
	for w := range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("person%d-%d@acme.example", w, i)
				a, err := testkit.Send(t.Context(), "POST", users, token, map[string]any{"userName": name, "externalId": name, "emails": []any{map[string]any{"value": name}}})
				if err != nil || a.Status != 201 {
					t.Errorf("during a backup: %d %v", a.Status, err)
					return
				}
				mu.Lock()
				ids[name] = a.Want(t, 201)["id"].(string)
				mu.Unlock()
			}
		})
	}
	type backup struct {
		file     string
		answered map[string]string
	}
	var backups []backup
	for i := range 5 {
		for n := 0; n < 20*(i+1); {
			mu.Lock()
			n = len(ids)
			mu.Unlock()
		}
		b := backup{filepath.Join(dir, fmt.Sprintf("backup%d", i)), map[string]string{}}
		mu.Lock()
		for name, id := range ids {
			b.answered[name] = id
		}
		mu.Unlock()
		code, stdout, stderr := command(t, "backup", b.file, "--database", databaseURL)
		if code != 0 || !strings.Contains(stdout, "checked") {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		backups = append(backups, b)
	}
	close(stop)
	wg.Wait()

	for _, b := range backups {
		if info, err := os.Stat(b.file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("a backup is %v, %v", info.Mode(), err)
		}
		restored := "sqlite:" + filepath.Join(t.TempDir(), "restored.db")
		if code, stdout, stderr := command(t, "restore", b.file, "--database", restored); code != 0 || !strings.Contains(stdout, "serve can be started") {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		db := testkit.OpenSQL(t, restored)
		got := map[string]string{}
		rows, err := db.Query("SELECT user_name_key, id FROM directory_users")
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var name, id string
			if err := rows.Scan(&name, &id); err != nil {
				t.Fatal(err)
			}
			got[name] = id
		}
		rows.Close()
		for name, id := range b.answered {
			if got[name] != id {
				t.Errorf("%s was answered before the backup, and is %q in it", name, got[name])
			}
		}
		for _, table := range []string{"contacts", "events WHERE operation = 'create' AND contact_id IS NOT NULL",
			"(SELECT rowid FROM contact_search WHERE contact_search MATCH 'per' UNION SELECT num FROM contact_search_waiting)"} {
			var n int
			if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil || n != len(got) {
				t.Errorf("%d users, and %d of %s, %v", len(got), n, table, err)
			}
		}
		if len(got) > len(ids)+4 {
			t.Errorf("%d users are in the backup, %d were pushed", len(got), len(ids))
		}
	}

	// A restored database serves, with the tokens of before.
	restored := "sqlite:" + filepath.Join(dir, "restored.db")
	if code, _, stderr := command(t, "restore", backups[4].file, "--database", restored); code != 0 {
		t.Fatal(stderr)
	}
	again := start(t, restored)
	for name, id := range backups[4].answered {
		if got := testkit.Call(t, "GET", again.base+"/scim/main/entra/Users/"+id, token, nil).Want(t, 200); got["userName"] != name {
			t.Errorf("%s is %v", name, got)
		}
		break
	}
	if code := again.terminate(); code != 0 {
		t.Errorf("exit %d", code)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	p.terminate()
}

// TestBackupRefusals holds that nothing is overwritten, and that what is no whole backup is not restored.
func TestBackupRefusals(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, text []byte) {
		t.Helper()
		if err := os.WriteFile(path(name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := "sqlite:" + path("good.db")
	if code, _, stderr := command(t, "tenant", "create", "acme", "--database", good); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := command(t, "backup", path("good.backup"), "--database", good); code != 0 {
		t.Fatal(stderr)
	}
	whole, err := os.ReadFile(path("good.backup"))
	if err != nil {
		t.Fatal(err)
	}
	write("taken", []byte("something else"))
	write("half.backup", whole[:len(whole)/2/4096*4096])
	write("text.backup", []byte(strings.Repeat("no database\n", 1000)))
	write("empty.backup", nil)
	damaged := append([]byte{}, whole...)
	for i := 4096; i < len(damaged); i += 4096 {
		copy(damaged[i:i+64], strings.Repeat("\xff", 64))
	}
	write("damaged.backup", damaged)
	write("live.backup", whole)
	write("live.backup-wal", []byte("x"))
	write("other.db-wal", []byte("x"))
	if code, _, stderr := command(t, "restore", path("good.backup"), "--database", "sqlite:"+path("newer.db")); code != 0 {
		t.Fatal(stderr)
	}
	newer := testkit.OpenSQL(t, "sqlite:"+path("newer.db"))
	if _, err := newer.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	newer.Close()
	other := testkit.OpenSQL(t, "sqlite:"+path("elses.db"))
	if _, err := other.Exec("CREATE TABLE t (a)"); err != nil {
		t.Fatal(err)
	}
	other.Close()

	for _, c := range []struct{ command, file, database, want string }{
		{"backup", "taken", good, "exists already"},
		{"backup", "nowhere/file", good, "no such file"},
		{"backup", "new", "sqlite:" + path("nowhere.db"), "no such file"},
		{"backup", "new", "postgres://localhost/x", "pg_dump"},
		{"restore", "good.backup", good, "exists already"},
		{"restore", "good.backup", "sqlite:" + path("other.db"), "of another database"},
		{"restore", "nowhere", "sqlite:" + path("new"), "no such file"},
		{"restore", "half.backup", "sqlite:" + path("new"), ""},
		{"restore", "damaged.backup", "sqlite:" + path("new"), ""},
		{"restore", "text.backup", "sqlite:" + path("new"), "not a database"},
		{"restore", "empty.backup", "sqlite:" + path("new"), "holds nothing"},
		{"restore", "live.backup", "sqlite:" + path("new"), "no backup"},
		{"restore", "newer.db", "sqlite:" + path("new"), "use a newer rollcall"},
		{"restore", "elses.db", "sqlite:" + path("new"), "no database of Rollcall"},
		{"restore", "good.backup", "postgres://localhost/x", "pg_dump"},
	} {
		code, stdout, stderr := command(t, c.command, path(c.file), "--database", c.database)
		if code != 1 || stdout != "" || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s %s: exit %d, stdout %q, stderr %q", c.command, c.file, code, stdout, stderr)
		}
		if _, err := os.Stat(path("new")); err == nil {
			t.Errorf("%s %s left a file", c.command, c.file)
			os.Remove(path("new"))
		}
	}
	if text, err := os.ReadFile(path("taken")); err != nil || string(text) != "something else" {
		t.Errorf("the file that was there is %q, %v", text, err)
	}
	if left, _ := filepath.Glob(path(".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
