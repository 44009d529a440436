package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

// TestConnectionPages holds what each page of a connection shows, to whom, and that it escapes what people write.
func TestConnectionPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		base, token := s.Connect(t, "main", "entra")
		s.Connect(t, "other", "theirs")
		testkit.Call(t, "POST", base+"/Users", token, `{"userName":"k","displayName":"<script>alert(1)</script>"}`).Want(t, 201)
		raw := "<script>alert(2)</script>"
		admin := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: raw, Role: desk.RoleAdmin}
		paused := true
		if _, err := s.Engine.EditConnection(t.Context(), admin, "entra", provision.ConnectionEdit{Name: &raw, Description: &raw, Notes: &raw, Paused: &paused, Reason: raw}); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.WriteActivity(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Store.Tx(t.Context(), func(tx *store.Tx) error {
			return tx.CreateReapply(&desk.Reapply{TenantID: "main", Connection: "entra", Checked: 1200, Changed: 7, StartedAt: tx.Now})
		}); err != nil {
			t.Fatal(err)
		}
		signedIn := func(tenant string, role desk.Role) *browser {
			b := newBrowser(t, s.URL)
			b.post("/signin", url.Values{"token": {s.Token(t, tenant, role)}})
			return b
		}
		administrator, agent, stranger := signedIn("main", desk.RoleAdmin), signedIn("main", desk.RoleAgent), signedIn("other", desk.RoleAdmin)
		pages := map[string]bool{ // and whether they are for administrators alone
			"/connections": false, "/connections/new": true, "/connections/entra": false, "/connections/entra/setup": false, "/connections/entra/tokens": true,
			"/connections/entra/recording": true, "/connections/entra/mapping": false, "/connections/entra/mapping?arrives=1": false, "/connections/entra/settings": false,
			"/connections/entra/held": false, "/connections/entra/held?reason=refused": false,
		}
		for path, adminOnly := range pages {
			status, _, text := administrator.open(path)
			if status != 200 || strings.Contains(text, "<script>") || strings.Contains(text, "style=") {
				t.Errorf("%s: %d, or it does not escape", path, status)
			}
			want := map[bool]int{true: 403, false: 200}[adminOnly]
			if status, _, text := agent.open(path); status != want || // signing out is all that they can do
				strings.Count(text, `method="post"`) > 1 {
				t.Errorf("%s answers an agent with %d, or lets them change something", path, status)
			}
			if strings.Contains(path, "entra") {
				if status, _, text := stranger.open(path); status != 404 || strings.Contains(text, "alert") {
					t.Errorf("%s answers another tenant with %d", path, status)
				}
			}
		}
		for _, path := range []string{"/connections/entra", "/connections/entra/mapping", "/connections/entra/settings"} {
			if _, _, text := agent.open(path); !strings.Contains(text, `1,200 people</span> looked at`) || !strings.Contains(text, `hx-get="`+path+`" hx-trigger="every 1s"`) {
				t.Errorf("%s does not tell how far the settings are applied", path)
			}
		}
		forms := map[string]url.Values{
			"/connections": {"provider": {"okta"}}, "/connections/entra": {"name": {"x"}}, "/connections/entra/pause": {}, "/connections/entra/resume": {},
			"/connections/entra/recorder": {"recorder": {"on"}}, "/connections/entra/recording/delete": {}, "/connections/entra/delete": {"slug": {"entra"}},
			"/connections/entra/setup": {"days": {"90"}}, "/connections/entra/tokens": {"days": {"90"}}, "/connections/entra/tokens/x/revoke": {},
			"/connections/entra/clients": {"kind": {"credentials"}, "days": {"90"}}, "/connections/entra/clients/x/delete": {},
			"/connections/entra/mapping": {"do": {"save"}}, "/connections/entra/scope": {"do": {"save"}}, "/connections/entra/settings": {"adopt": {"ask"}},
			"/connections/entra/clients/x/secrets": {"days": {"90"}}, "/connections/entra/clients/x/secrets/y/delete": {},
		}
		for path, form := range forms {
			if status, _, _ := agent.post(path, form); status != 403 {
				t.Errorf("an agent may post to %s: %d", path, status)
			}
			if strings.Contains(path, "entra") {
				if status, _, _ := stranger.post(path, form); status != 404 {
					t.Errorf("another tenant posts to %s: %d", path, status)
				}
			}
		}
		_, _, text := administrator.open("/connections/entra/settings")
		version := administrator.hidden(text, "version")
		for path, bad := range map[string]url.Values{
			"/connections": {"provider": {"nobody"}, "name": {"x"}}, "/connections/entra": {"notes": {strings.Repeat("x", 20_000)}}, "/connections/entra/delete": {"slug": {"entr"}},
			"/connections/entra/tokens": {"days": {"-1"}}, "/connections/entra/setup": {"days": {"x"}}, "/connections/entra/clients": {"kind": {"consent"}, "days": {"0"}},
			"/connections/entra/pause": {"reason": {"\x00"}}, "/connections/entra/settings": {"version": {version}, "adopt": {"ask"}, "percent": {"x"}, "atLeast": {"1"}, "grace": {"1"}},
			"/connections/entra/scope":   {"outOfScope": {"skip"}, "kind": {"filter"}, "attribute": {""}, "text": {"nonsense"}},
			"/connections/entra/mapping": {"source": {"title"}, "target": {"nonsense"}, "do": {"save"}}, "/connections/entra/held/x": {},
		} {
			if status, _, text := administrator.post(path, bad); status != 400 || !strings.Contains(text, `role="alert"`) && !strings.Contains(text, "characters") {
				t.Errorf("%s takes %v: %d", path, bad, status)
			}
		}
		if list, err := s.Engine.Connections(t.Context(), admin); err != nil || len(list) != 1 || list[0].Name != raw {
			t.Errorf("the connections are %+v, %v", list, err)
		}
	})
}

// TestNewConnections holds which slugs connections get that nobody gave one.
func TestNewConnections(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	if err := s.Engine.CreateTenant(t.Context(), "main", ""); err != nil {
		t.Fatal(err)
	}
	b := newBrowser(t, s.URL)
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
	for _, c := range []struct{ provider, name, slug, want string }{
		{"entra", "", "", "entra"}, {"entra", "", "", "entra-2"}, {"okta", "Größe & Söhne", "", "gr-e-s-hne"}, {"okta", "日本", "", "directory"},
		{"zoho", "v2", "", "v2-2"}, {"zoho", "New", "", "new-2"}, {"google", "x", "workspace", "workspace"},
		{"generic", strings.Repeat("long ", 20), "", "long-long-long-long-long-long-long-l"},
	} {
		status, address, _ := b.post("/connections", url.Values{"provider": {c.provider}, "name": {c.name}, "slug": {c.slug}})
		if address != "/connections/"+c.want+"/setup" || status != 200 {
			t.Errorf("%q leads to %s, %d", c.name, address, status)
		}
	}
	for _, slug := range []string{"new", "Entra", "entra"} {
		if status, _, text := b.post("/connections", url.Values{"provider": {"entra"}, "name": {"Kept"}, "slug": {slug}}); status != 400 && status != 409 || !strings.Contains(text, `value="Kept"`) {
			t.Errorf("%s is taken: %d", slug, status)
		}
	}
}

// TestClients makes OAuth clients of each kind, with which a directory then gets a token, changes a secret, and is deleted.
func TestClients(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	s.Connect(t, "main", "entra")
	b := newBrowser(t, s.URL)
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
	const tokens, clients = "/connections/entra/tokens", "/connections/entra/clients"
	between := func(text, from, to string) string {
		t.Helper()
		_, rest, ok := strings.Cut(text, from)
		value, _, closed := strings.Cut(rest, to)
		if !ok || !closed {
			t.Fatalf("no %s in\n%s", from, text)
		}
		return value
	}
	_, _, text := b.post(clients, url.Values{"kind": {"credentials"}, "label": {"Entra"}, "days": {"365"}})
	id, secret := between(text, `id="made-id" value="`, `"`), between(text, `id="made-secret" value="`, `"`)
	get := func(secret string) int {
		t.Helper()
		status, _, _ := newBrowser(t, s.URL).post("/oauth/main/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}})
		return status
	}
	if status := get(secret); status != 200 {
		t.Fatalf("the client gets no token: %d", status)
	}
	if _, _, text := b.open(tokens); strings.Contains(text, secret) || !strings.Contains(text, id) {
		t.Error("the secret is shown again, or the client is not there")
	}
	_, _, text = b.post(clients+"/"+id+"/secrets", url.Values{"days": {"365"}})
	second := between(text, `id="made-secret" value="`, `"`)
	if status, _, text := b.post(clients+"/"+id+"/secrets", url.Values{"days": {"365"}}); status != 409 || !strings.Contains(text, "up to 2 secrets") {
		t.Errorf("a third secret: %d", status)
	}
	first := between(text, clients+"/"+id+"/secrets/", "/delete")
	b.post(clients+"/"+id+"/secrets/"+first+"/delete", nil)
	if old, now := get(secret), get(second); old != 401 || now != 200 {
		t.Errorf("the old secret is answered %d, the new one %d", old, now)
	}
	_, _, text = b.post(clients, url.Values{"kind": {"consent"}, "label": {"Zoho"}, "days": {"0"}, "withoutPkce": {"on"},
		"redirectUris": {" https://directory.zoho.com/provision/oauth/callback \r\n"}})
	if !strings.Contains(text, "<code>https://directory.zoho.com/provision/oauth/callback</code>") || !strings.Contains(text, "without PKCE") {
		t.Error("the client with consent is not there")
	}
	_, _, text = b.post(clients, url.Values{"kind": {"federation"}, "days": {"0"}, "issuer": {"https://login.example/v2.0"}, "subject": {"me"}, "audience": {"api://x"}})
	if !strings.Contains(text, "The client is made") || strings.Contains(text, "made-secret") {
		t.Error("the federated client has a secret, or is not there")
	}
	if status, _, text := b.post(clients, url.Values{"kind": {"federation"}, "days": {"0"}, "issuer": {"http://login.example"}, "subject": {"kept"}}); status != 400 || !strings.Contains(text, `value="kept"`) {
		t.Errorf("a bad issuer: %d", status)
	}
	b.post(clients+"/"+id+"/delete", nil)
	if status := get(second); status != 401 {
		t.Errorf("the deleted client gets a token: %d", status)
	}
}

// TestMappingForm holds that a change is saved only as it was reviewed, that rows come and go, and that a person is tried by rules
// that are not saved.
func TestMappingForm(t *testing.T) {
	s := testkit.NewServer(t, testkit.SQLite(t))
	base, token := s.Connect(t, "main", "entra")
	testkit.Call(t, "POST", base+"/Users", token, `{"userName":"kofi","displayName":"Kofi","title":"Lead"}`).Want(t, 201)
	b := newBrowser(t, s.URL)
	b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
	const page = "/connections/entra/mapping"
	rules := func() []desk.Rule {
		t.Helper()
		c, err := s.Engine.Connection(t.Context(), provision.System("main"), "entra")
		if err != nil {
			t.Fatal(err)
		}
		return c.Settings.Mapping.Rules
	}
	_, _, text := b.open(page)
	version := b.hidden(text, "version")
	form := func(do string, more ...string) url.Values {
		f := url.Values{"version": {version}, "do": {do}, "source": {"displayName", "", "const:Member"}, "target": {"displayName", " ", "title"}}
		for i := 0; i < len(more); i += 2 {
			f.Set(more[i], more[i+1])
		}
		return f
	}
	_, _, text = b.post(page, form("review"))
	if !strings.Contains(text, "1 person</strong> would get other values") || len(rules()) > 0 {
		t.Errorf("the review says\n%s", text)
	}
	_, digest, _ := strings.Cut(text, `name="reviewed" value="`)
	digest, _, _ = strings.Cut(digest, `"`)
	if _, _, text := b.post(page, form("save")); !strings.Contains(text, "What this would do") || len(rules()) > 0 {
		t.Error("what nobody reviewed is saved")
	}
	changed := form("save", "reviewed", digest)
	changed["target"][2] = "companyName"
	if _, _, text := b.post(page, changed); !strings.Contains(text, "What this would do") || len(rules()) > 0 {
		t.Error("another change than the reviewed one is saved")
	}
	if _, address, text := b.post(page, form("add")); address != page || strings.Count(text, `name="source"`) != 3 {
		t.Errorf("with another row there are %d", strings.Count(text, `name="source"`))
	}
	if _, _, text := b.post(page, form("remove-1")); strings.Count(text, `name="source"`) != 1 || !strings.Contains(text, "const:Member") {
		t.Error("the first row is not removed")
	}
	for _, row := range []string{"remove-0", "remove-9", "remove-x", "remove"} {
		if _, _, text := b.post(page, form(row)); strings.Count(text, `name="source"`) != 2 {
			t.Errorf("%s removes a row", row)
		}
	}
	for _, user := range []string{``, `{`, `[]`} {
		if status, _, text := b.post(page, form("try", "user", user)); status != 400 || !strings.Contains(text, "This is no SCIM user") {
			t.Errorf("%q is tried: %d", user, status)
		}
	}
	if status, _, text := b.post(page, form("try", "user", "{\r\n  \"userName\": \"ä\", oops")); status != 400 || !strings.Contains(text, `id="user-fault" role="alert">This is no SCIM user: it is not JSON at line 2, character 20: `) {
		t.Errorf("what is not JSON is tried: %d\n%s", status, text)
	}
	if _, _, text := b.post(page, form("try", "user", `{"userName":"ama","displayName":"<i>Ama</i>"}`)); !strings.Contains(text, "a new contact") || !strings.Contains(text, "&lt;i&gt;Ama") || !strings.Contains(text, "<dd>Member</dd>") {
		t.Errorf("somebody new is tried as\n%s", text)
	}
	if status, _, _ := b.post(page, form("person", "person", "nobody")); status != 400 {
		t.Errorf("nobody is tried: %d", status)
	}
	if _, _, text := b.post(page, form("save", "reviewed", digest)); !strings.Contains(text, "The mapping is saved") || len(rules()) != 2 || rules()[1] != (desk.Rule{Source: "const:Member", Target: "title"}) {
		t.Errorf("saved are %v", rules())
	}
	if _, _, text := b.post(page, url.Values{"do": {"default"}}); !strings.Contains(text, "default mapping") || !strings.Contains(text, "Review the change") {
		t.Error("there is no way back to the default")
	}
}
