package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

var buildDir string

func TestMain(m *testing.M) {
	var err error
	if buildDir, err = os.MkdirTemp("", "rollcall-e2e-"); err != nil {
		panic(err)
	}
	code := testkit.Main(m)
	os.RemoveAll(buildDir)
	os.Exit(code)
}

// command runs a command line in this process.
func command(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	code = run(t.Context(), args, &out, &err)
	return code, out.String(), err.String()
}

func TestAdminCommands(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		for _, c := range []struct {
			args   string
			code   int
			stdout string // pattern
			stderr string // part
		}{
			{"tenant create acme --name Acme", 0, `^tenant acme created\n$`, ""},
			{"tenant create acme", 1, "", "tenant acme exists already"},
			{"tenant create Acme", 1, "", "lower-case"},
			{"tenant create v2", 1, "", "not v2"},
			{"connection create entra --tenant acme --provider entra", 0, `tenant URL http://localhost:8080/scim/acme/entra\n$`, ""},
			{"connection create entra --tenant acme --provider entra", 1, "", "connection entra exists already in tenant acme"},
			{"connection create zoho --tenant acme --provider zoho --name Zoho --public-url https://desk.example/", 0, `tenant URL https://desk.example/scim/acme/zoho\n$`, ""},
			{"connection create x --tenant nobody --provider okta", 1, "", "no tenant nobody"},
			{"connection create x --tenant acme --provider ldap", 2, "", "provider must be one of"},
			{"connection create x --tenant acme", 2, "", "missing flags"},
			{"connection create x --tenant acme --provider okta --public-url nowhere", 1, "", "public URL"},
			{"token create --tenant acme --connection entra --label first --expires 365d", 0, `^rcs_acme_[a-z2-7]{52}\n$`, ""},
			{"token create --tenant acme --role agent", 0, `^rca_acme_[a-z2-7]{52}\n$`, ""},
			{"token create --tenant acme --role admin --expires 12h", 0, `^rca_acme_[a-z2-7]{52}\n$`, ""},
			{"token create --tenant acme", 1, "", "--connection"},
			{"token create --tenant acme --role admin --connection entra", 1, "", "give either"},
			{"token create --tenant acme --role boss", 1, "", "must be agent or admin"},
			{"token create --tenant acme --role agent --expires soon", 2, "", "give for example 365d"},
			{"token create --tenant acme --role agent --expires -5d", 2, "", ""},
			{"token create --tenant nobody --role agent", 1, "", "no tenant nobody"},
			{"token create --tenant acme --connection okta", 1, "", "no connection okta in tenant acme"},
			{"client create --tenant acme --connection entra --label Entra --expires 365d", 0, `^Client id:      [0-9a-f-]{36}\nClient secret:  rck_acme_[a-z2-7]{52}\nToken URL:      http://localhost:8080/oauth/acme/token\nTenant URL:     http://localhost:8080/scim/acme/entra\n$`, ""},
			{"client create --tenant acme --connection zoho --redirect-uri https://directory.example/a,b --without-pkce --public-url https://desk.example", 0, `Authorize URL:  https://desk.example/oauth/acme/authorize\n`, ""},
			{"client create --tenant acme --connection entra --issuer https://login.example --subject s --audience a --jwks-uri https://login.example/keys", 0, `^Client id:      \S+\nToken URL: `, ""},
			{"client create --tenant acme --connection entra --issuer https://login.example", 1, "", "the subject is"},
			{"client create --tenant acme --connection entra --issuer https://login.example --subject s --audience a --jwks main.go", 1, "", "JSON Web Key Set"},
			{"client create --tenant acme --connection entra --redirect-uri http://directory.example/", 1, "", "redirect URL"},
			{"client create --tenant acme --connection okta", 1, "", "no connection okta in tenant acme"},
			{"client create --tenant nobody --connection okta", 1, "", "no connection okta in tenant nobody"},
			{"client create --connection entra", 2, "", "missing flags"},
			{"agent create ann@desk.example --tenant acme --name Ann --role admin", 0, `^http://localhost:8080/signin/rcl_acme_[a-z2-7]{52}\n$`, ""},
			{"agent create kofi@desk.example --tenant acme --public-url https://desk.example/", 0, `^https://desk.example/signin/rcl_acme_[a-z2-7]{52}\n$`, ""},
			{"agent create Ann@desk.example --tenant acme", 1, "", "exists already"},
			{"agent create ann --tenant acme", 1, "", "an email address"},
			{"agent create x@desk.example --tenant acme --role boss", 1, "", "agent or admin"},
			{"agent create x@desk.example --tenant nobody", 1, "", "no tenant nobody"},
			{"agent disable KOFI@desk.example --tenant acme", 0, `^$`, ""},
			{"agent link kofi@desk.example --tenant acme", 1, "", "is disabled"},
			{"agent list --tenant acme", 0, `^ann@desk.example   admin  invited   never  Ann\nkofi@desk.example  agent  disabled  never  kofi\n$`, ""},
			{"agent list --tenant nobody", 1, "", "no tenant nobody"},
			{"agent enable kofi@desk.example --tenant acme", 0, `^$`, ""},
			{"agent link kofi@desk.example --tenant acme", 0, `^http://localhost:8080/signin/rcl_acme_[a-z2-7]{52}\n$`, ""},
			{"agent link x@desk.example --tenant acme", 1, "", "no agent of tenant acme has this email address"},
			{"agent delete kofi@desk.example --tenant acme", 0, `^$`, ""},
			{"agent delete kofi@desk.example --tenant acme", 1, "", "no agent of tenant acme has this email address"},
			{"company create Beta --tenant acme --domain beta.example --domain B.EXAMPLE", 0, `^[0-9a-f-]{36}\n$`, ""},
			{"company create beta --tenant acme", 1, "", "exists already"},
			{"company create Gamma --tenant acme --domain not/a/domain", 1, "", "is not a domain name"},
			{"company create Gamma --tenant nobody", 1, "", "no tenant nobody"},
			{"migrate status", 0, `^00001_main.sql +applied 20\d\d-`, ""},
			{"serve --keep-events soon", 2, "", "give for example 365d"},
			{"serve --rate=-1", 2, "", "give 0 for any number"},
			{"serve --listen 127.0.0.1:0 --oidc nowhere.json", 1, "", "nowhere.json: no such file"},
			{"serve --listen 127.0.0.1:0 --oidc main.go", 1, "", "main.go: want a JSON list of OpenID providers"},
			{"nonsense", 2, "", "unexpected argument nonsense"},
			{"--version", 0, `^\d+\.\d+\.\d+\n$`, ""},
			{"--help", 0, `(?s)serve.*token create.*migrate status`, ""},
		} {
			code, stdout, stderr := command(t, strings.Fields(c.args)...)
			if code != c.code || !regexp.MustCompile(c.stdout).MatchString(stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("%s: exit %d, stdout %q, stderr %q", c.args, code, stdout, stderr)
			}
			if c.code == 1 && (strings.Count(stderr, "\n") != 1 || stdout != "" || !strings.HasPrefix(stderr, "rollcall: ")) {
				t.Errorf("%s: a failure is one line on stderr; got %q, stdout %q", c.args, stderr, stdout)
			}
		}
	})
}

func TestConnectionCommands(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		s := testkit.NewServer(t, databaseURL)
		tenantURL, token := s.Connect(t, "acme", "entra")
		file := func(text string) string {
			t.Helper()
			name := filepath.Join(t.TempDir(), "file.json")
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return name
		}
		do := func(code int, out, errout string, args ...string) string {
			t.Helper()
			got, stdout, stderr := command(t, append(args, "--tenant", "acme")...)
			if got != code || !regexp.MustCompile(out).MatchString(stdout) || !strings.Contains(stderr, errout) {
				t.Errorf("%v: exit %d, stdout %q, stderr %q", args, got, stdout, stderr)
			}
			return stdout
		}
		do(0, `^entra  generic  ok  never  -\n$`, "", "connection", "list")
		do(0, `^$`, "", "connection", "pause", "entra")
		do(0, `paused by rollcall\n$`, "", "connection", "list")
		if a := testkit.Call(t, "GET", tenantURL+"/Users", token, nil); a.Status != 503 {
			t.Errorf("a paused connection answers %d", a.Status)
		}
		do(0, `^$`, "", "connection", "resume", "entra")
		testkit.Call(t, "GET", tenantURL+"/Users", token, nil).Want(t, 200)
		do(1, `^$`, "no connection with this slug", "connection", "pause", "nowhere")

		// What is exported can be imported.
		do(0, `"adopt": "ask"`, "", "connection", "settings", "entra", "--import", file(`{"adopt":"ask","mapping":{"userName":"userName","title":"title"}}`))
		exported := do(0, `"target": "title"`, "", "connection", "settings", "entra")
		do(0, `"adopt": "adopt"`, "", "connection", "settings", "entra", "--import", file(`{"adopt":"adopt","mapping":{}}`))
		if again := do(0, ``, "", "connection", "settings", "entra", "--import", file(exported)); again != exported {
			t.Errorf("imported again it is %s, not %s", again, exported)
		}
		do(1, `^$`, "rule 1", "connection", "settings", "entra", "--import", file(`{"mapping":{"title":"nonsense"}}`))
		do(1, `^$`, "adopt is given twice", "connection", "settings", "entra", "--import", file(`{"adopt":"ask","adopt":"adopt"}`))
		do(1, `^$`, "nowhere.json", "connection", "settings", "entra", "--import", "nowhere.json")

		do(0, `(?s)create +created no_match\ncompany.*maps title +title Lead.*unmapped +nickName`, "", "connection", "preview", "entra", file(`{"userName":"kofi","title":"Lead","nickName":"K"}`))
		do(1, `^$`, "userName", "connection", "preview", "entra", file(`{"title":"Lead"}`))

		list := do(0, `^[0-9a-f-]{36}  never expires  (never used|used \S+ from 127.0.0.1)`, "", "token", "list", "--connection", "entra")
		do(0, `^$`, "", "token", "revoke", strings.Fields(list)[0], "--connection", "entra")
		do(1, `^$`, "no token with this id", "token", "revoke", strings.Fields(list)[0], "--connection", "entra")
		// The server, which is another process to the command, may believe for a second what it has read of the token.
		for began := time.Now(); testkit.Call(t, "GET", tenantURL+"/Users", token, nil).Status != 401; time.Sleep(20 * time.Millisecond) {
			if time.Since(began) > 2*time.Second {
				t.Fatal("the token is still good, two seconds after it was revoked")
			}
		}
	})
}

func TestCompanyRescan(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "acme", "entra")
		admin := s.Token(t, "acme", desk.RoleAdmin)
		c := testkit.Call(t, "POST", s.URL+"/api/v1/contacts", admin, `{"emails":[{"value":"a@acme.example"}]}`).Want(t, 201)["id"].(string)
		rescan := func(wantOut, wantErr string, args ...string) {
			t.Helper()
			code, stdout, stderr := command(t, append([]string{"company", "rescan", "--tenant", "acme"}, args...)...)
			if code != 0 || stdout != wantOut || !strings.HasSuffix(stderr, wantErr) {
				t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
			}
		}
		rescan("", "1 contacts checked, 0 would change\n", "--dry-run")
		// As a version of the program that did not map contacts anew has left it.
		db := testkit.OpenSQL(t, databaseURL)
		for _, insert := range []string{
			"INSERT INTO companies (tenant_id, id, name, name_key, created_at) SELECT tenant_id, 'c1', 'Acme', 'acme', created_at FROM tenants",
			"INSERT INTO company_domains (tenant_id, company_id, domain) VALUES ('acme', 'c1', 'acme.example')",
		} {
			if _, err := db.Exec(insert); err != nil {
				t.Fatal(err)
			}
		}
		rescan(c+"\tacme.example\t-\tAcme\tdomain\n", "1 contacts checked, 1 would change\n", "--dry-run")
		rescan("", "1 contacts checked, 1 changed, 0 domains left\n")
		if got := testkit.Call(t, "GET", s.URL+"/api/v1/contacts/"+c, admin, nil).Want(t, 200); got["companyReason"] != "domain" {
			t.Errorf("the contact is %v", got)
		}
		if code, _, stderr := command(t, "company", "rescan", "--tenant", "nobody"); code != 1 || !strings.Contains(stderr, "no tenant nobody") {
			t.Errorf("exit %d, %q", code, stderr)
		}
	})
}

func TestServeFailures(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	good := testkit.SQLite(t)
	newer := testkit.SQLite(t)
	if code, _, stderr := command(t, "tenant", "create", "t", "--database", newer); code != 0 {
		t.Fatal(stderr)
	}
	if _, err := testkit.OpenSQL(t, newer).Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)"); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"address in use":        {[]string{"--database", good, "--listen", taken.Addr().String()}, "address already in use"},
		"bad address":           {[]string{"--database", good, "--listen", "nowhere:xyz"}, "listen on nowhere:xyz"},
		"unknown database":      {[]string{"--database", "mysql://x", "--listen", "127.0.0.1:0"}, "want sqlite:PATH or postgres://"},
		"database not there":    {[]string{"--database", "postgres://u:secret@127.0.0.1:1/x", "--listen", "127.0.0.1:0"}, "refused"},
		"folder not there":      {[]string{"--database", "sqlite:" + filepath.Join(t.TempDir(), "a", "b.db"), "--listen", "127.0.0.1:0"}, "does not exist"},
		"a newer schema":        {[]string{"--database", newer, "--listen", "127.0.0.1:0"}, "use a newer rollcall"},
		"public URL not a URL":  {[]string{"--database", good, "--listen", "127.0.0.1:0", "--public-url", "desk.example"}, "public URL"},
		"a database in memory":  {[]string{"--database", "sqlite::memory:", "--listen", "127.0.0.1:0"}, "want the path of a file"},
		"a host for a path":     {[]string{"--database", "sqlite://rollcall.db", "--listen", "127.0.0.1:0"}, "want the path of a file"},
		"another kind of file":  {[]string{"--database", "sqlite:main.go", "--listen", "127.0.0.1:0"}, "not a database"},
		"a folder":              {[]string{"--database", "sqlite:" + t.TempDir(), "--listen", "127.0.0.1:0"}, "is a directory"},
		"proxies not networks":  {[]string{"--database", good, "--listen", "127.0.0.1:0", "--proxies", "10.0.0.0/8,proxy"}, "want networks or addresses"},
		"a certificate alone":   {[]string{"--database", good, "--listen", "127.0.0.1:0", "--tls-cert", "main.go"}, "--tls-cert is given without --tls-key; give both"},
		"a key alone":           {[]string{"--database", good, "--listen", "127.0.0.1:0", "--tls-key", "main.go"}, "--tls-key is given without --tls-cert; give both"},
		"no certificate":        {[]string{"--database", good, "--listen", "127.0.0.1:0", "--tls-cert", "main.go", "--tls-key", "main.go"}, "TLS certificate main.go: "},
		"two certificates":      {[]string{"--database", good, "--listen", "127.0.0.1:0", "--tls-cert", "x", "--tls-key", "x", "--acme-domain", "x"}, "either --tls-cert or --acme-domain"},
		"an ACME cache":         {[]string{"--database", good, "--listen", "127.0.0.1:0", "--acme-domain", "x", "--acme-cache", "main.go"}, "ACME cache: "},
		"public URL with query": {[]string{"--database", good, "--listen", "127.0.0.1:0", "--public-url", "https://desk.example?x"}, "public URL"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var stdout, stderr bytes.Buffer
			code := run(ctx, append([]string{"serve"}, c.args...), &stdout, &stderr)
			if code != 1 || !strings.Contains(stderr.String(), c.want) || strings.Count(stderr.String(), "\n") != 1 || strings.Contains(stderr.String(), "secret") {
				t.Errorf("exit %d, stderr %q", code, stderr.String())
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout has %q, though nothing was served", stdout.String())
			}
		})
	}
}

func TestPublicURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://desk.example": "https://desk.example", "HTTPS://desk.example/": "https://desk.example", "http://localhost:8080": "http://localhost:8080",
		"https://desk.example/rollcall//": "https://desk.example/rollcall", "http://[::1]:8080": "http://[::1]:8080",
		"": "", "desk.example": "", "ftp://desk.example": "", "https://": "", "https://:8080": "", "https://a:b@desk.example": "", "https://desk.example?": "",
		"https://desk.example#": "", "https://desk.example/a b": "", "https:desk.example": "",
	} {
		if got, err := publicURL(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q is taken as %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestNetworks(t *testing.T) {
	for text, want := range map[string]string{
		"": "[127.0.0.0/8 ::1/128]", "10.0.0.0/8": "[10.0.0.0/8]", "10.0.0.7, ::1": "[10.0.0.7/32 ::1/128]", "10.0.0.0/33": "[]", "proxy": "[]", "10.0.0.1,": "[]",
	} {
		if got, err := networks(text); fmt.Sprint(got) != want || (err != nil) != (want == "[]") {
			t.Errorf("%q is taken as %v, %v; want %s", text, got, err, want)
		}
	}
}

// TestNewDatabaseIsPrivate holds that others on the machine cannot read people's data.
func TestNewDatabaseIsPrivate(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	if code, _, stderr := command(t, "tenant", "create", "t", "--database", databaseURL); code != 0 {
		t.Fatal(stderr)
	}
	info, err := os.Stat(strings.TrimPrefix(databaseURL, "sqlite:"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestEmptyEnvironment holds that a variable that is set to nothing, as compose files do, is one that is not set.
func TestEmptyEnvironment(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"ROLLCALL_DATABASE", "ROLLCALL_LISTEN", "ROLLCALL_PUBLIC_URL", "ROLLCALL_PROXIES"} {
		t.Setenv(name, "")
	}
	if code, _, stderr := command(t, "tenant", "create", "t"); code != 0 {
		t.Fatal(stderr)
	}
	if _, err := os.Stat("rollcall.db"); err != nil {
		t.Error(err)
	}
	if code, stdout, stderr := command(t, "connection", "create", "c", "--tenant", "t", "--provider", "okta"); code != 0 || !strings.Contains(stdout, "http://localhost:8080/scim/t/c") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
}

func TestKeep(t *testing.T) {
	for text, want := range map[string]time.Duration{"0": 0, "": 365 * 24 * time.Hour, "30d": 30 * 24 * time.Hour, "36h": 36 * time.Hour, "-1d": -1, "23h": -1, "1d": 24 * time.Hour, "0d": -1, "x": -1} {
		var k keep
		if err := k.UnmarshalText([]byte(text)); (err != nil) != (want < 0) || err == nil && time.Duration(k) != want {
			t.Errorf("%q keeps for %v, %v", text, time.Duration(k), err)
		}
	}
}

// TestToldToStopWhileStarting holds that a server that waits for its database can be ended.
func TestToldToStopWhileStarting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if code := run(ctx, []string{"serve", "--database", testkit.SQLite(t), "--listen", "127.0.0.1:0"}, &stdout, &stderr); code != 0 || stdout.Len() > 0 {
		t.Errorf("exit %d, %s%s", code, &stdout, &stderr)
	}
}

// TestGreetings holds what the first start and later ones say.
func TestGreetings(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	if code, _, stderr := command(t, "tenant", "create", "acme", "--database", databaseURL); code != 0 {
		t.Fatal(stderr)
	}
	p := start(t, databaseURL)
	if p.greeted("Secret token") != "" || !strings.Contains(p.stdout, "No directory is connected yet") {
		t.Errorf("a server without connections says %s", p.stdout)
	}
	p.terminate()
	if code, _, stderr := command(t, "connection", "create", "okta", "--tenant", "acme", "--provider", "okta", "--database", databaseURL); code != 0 {
		t.Fatal(stderr)
	}
	if p = start(t, databaseURL); strings.Contains(p.stdout, "No directory") {
		t.Errorf("a server with a connection says %s", p.stdout)
	}
}

func TestBenchFill(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		t.Setenv("ROLLCALL_DATABASE", databaseURL)
		for _, c := range []struct {
			args   string
			code   int
			stdout string // pattern
			stderr string // part
		}{
			{"bench fill --contacts 0", 1, "", "one at least of each"},
			{"bench fill --contacts 200 --tenants 3", 0, `^200 contacts in 3 helpdesks, .* rollcall token create --tenant main --connection entra\n$`, ""},
			{"bench fill --contacts 200", 1, "", "the database has tenants"},
			{"token create --tenant main --connection entra", 0, `^rcs_main_`, ""},
			{"doctor", 0, `(?m)^main/entra: `, ""},
		} {
			code, stdout, stderr := command(t, strings.Fields(c.args)...)
			if code != c.code || !regexp.MustCompile(c.stdout).MatchString(stdout) || !strings.Contains(stderr, c.stderr) {
				t.Errorf("%s: exit code %d\n%s%s", c.args, code, stdout, stderr)
			}
		}
	})
}
