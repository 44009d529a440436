package portal_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// link is a sign-in link as a page shows it.
var link = regexp.MustCompile(`value="(http[^"]*/signin/(rcl_main_[a-z2-7]{52}))"`)

func TestAgentPages(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		admin := arrive(t, s, "main", "ann@desk.example", desk.RoleAdmin)
		admin.wants(200, "/agents", "ann@desk.example", ">you<", "Administrator", "!"+s.URL+"/signin/")(admin.open("/agents"))

		// An invitation is shown once, and leads in.
		status, _, text := admin.post("/agents", url.Values{"email": {"kofi@desk.example"}, "name": {"<b>Kofi</b>"}, "role": {"agent"}})
		shown := link.FindStringSubmatch(text)
		if status != 200 || shown == nil || !strings.HasPrefix(shown[1], s.URL+"/signin/") || !strings.Contains(text, "&lt;b&gt;Kofi") || strings.Contains(text, "<b>Kofi") {
			t.Fatalf("the invitation is answered %d\n%s", status, text)
		}
		admin.wants(200, "/agents", "kofi@desk.example", "invited", "!"+shown[2])(admin.open("/agents"))
		admin.wants(409, "/agents", "exists already", `role="alert"`, `value="KOFI@desk.example"`)(admin.post("/agents", url.Values{"email": {"KOFI@desk.example"}, "role": {"admin"}}))
		admin.wants(400, "/agents", "an email address", `role="alert"`)(admin.post("/agents", url.Values{"email": {"kofi"}, "role": {"agent"}}))
		admin.wants(400, "/agents", "agent or admin")(admin.post("/agents", url.Values{"email": {"x@desk.example"}, "role": {"boss"}}))
		kofi := newBrowser(t, s.URL)
		kofi.post("/signin", url.Values{"token": {shown[2]}, "password": {password}})
		kofi.wants(200, "/contacts", "&lt;b&gt;Kofi", "!/agents")(kofi.open("/contacts"))

		// What is for administrators is not for agents.
		id := func(email string) string {
			t.Helper()
			g, err := s.Auth.AgentByEmail(t.Context(), provision.System("main"), email)
			if err != nil {
				t.Fatal(err)
			}
			return g.ID
		}
		ann, kofiID := id("ann@desk.example"), id("kofi@desk.example")
		for _, path := range []string{"/agents", "/agents/" + kofiID, "/welcome"} {
			if status, _, _ := kofi.open(path); status != 403 {
				t.Errorf("an agent opens %s: %d", path, status)
			}
		}
		for path, form := range map[string]url.Values{
			"/agents": {"email": {"x@desk.example"}, "role": {"admin"}}, "/agents/" + kofiID: {"role": {"admin"}}, "/agents/" + ann: {"disabled": {"true"}},
			"/agents/" + ann + "/link": nil, "/agents/" + ann + "/delete": nil,
		} {
			if status, _, text := kofi.post(path, form); status != 403 || strings.Contains(text, "rcl_") {
				t.Errorf("an agent posts to %s: %d", path, status)
			}
		}

		// The last administrator stays one.
		admin.wants(409, "/agents/"+ann, "last administrator", `role="alert"`)(admin.post("/agents/"+ann, url.Values{"role": {"agent"}}))
		admin.wants(409, "/agents/"+ann, "last administrator")(admin.post("/agents/"+ann, url.Values{"disabled": {"true"}}))
		admin.wants(409, "/agents/"+ann+"/delete", "last administrator")(admin.post("/agents/"+ann+"/delete", nil))

		// A role counts at once, and so does being disabled.
		admin.wants(200, "/agents/"+kofiID, "Saved.")(admin.post("/agents/"+kofiID, url.Values{"role": {"admin"}}))
		if _, address, _ := kofi.open("/agents"); address != "/signin" {
			t.Errorf("with a new role kofi is at %s", address)
		}
		kofi.post("/signin", url.Values{"email": {"kofi@desk.example"}, "password": {password}})
		kofi.wants(200, "/agents")(kofi.open("/agents"))
		admin.wants(200, "/agents/"+kofiID, "disabled", "Enable", "!/link")(admin.post("/agents/"+kofiID, url.Values{"disabled": {"true"}}))
		if _, address, _ := kofi.open("/contacts"); address != "/signin" {
			t.Errorf("disabled, kofi is at %s", address)
		}
		if status, _, _ := kofi.post("/signin", url.Values{"email": {"kofi@desk.example"}, "password": {password}}); status != 401 {
			t.Errorf("disabled, kofi signs in: %d", status)
		}
		admin.wants(409, "/agents/"+kofiID+"/link", "is disabled")(admin.post("/agents/"+kofiID+"/link", nil))
		admin.post("/agents/"+kofiID, url.Values{"disabled": {"false"}})
		status, _, text = admin.post("/agents/"+kofiID+"/link", nil)
		if shown = link.FindStringSubmatch(text); status != 200 || shown == nil {
			t.Fatalf("a new link is answered %d\n%s", status, text)
		}
		kofi.wants(200, "/")(kofi.post("/signin", url.Values{"token": {shown[2]}, "password": {"another three words"}}))
		admin.wants(200, "/agents", "deleted", "!kofi@desk.example")(admin.post("/agents/"+kofiID+"/delete", nil))
		if _, address, _ := kofi.open("/contacts"); address != "/signin" {
			t.Errorf("deleted, kofi is at %s", address)
		}
		admin.wants(404, "/agents/"+kofiID, "No agent")(admin.open("/agents/" + kofiID))

		// Another helpdesk's administrator sees none of it.
		s.Connect(t, "other", "entra")
		other := arrive(t, s, "other", "eve@desk.example", desk.RoleAdmin)
		other.wants(200, "/agents", "eve@desk.example", "!ann@")(other.open("/agents"))
		other.wants(404, "/agents/"+ann)(other.open("/agents/" + ann))
		other.wants(404, "/agents/"+ann+"/link")(other.post("/agents/"+ann+"/link", nil))
	})
}

func TestAccountPage(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		b := arrive(t, s, "main", "ann@desk.example", desk.RoleAgent)
		elsewhere := newBrowser(t, s.URL)
		elsewhere.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password}})
		b.wants(200, "/account", "ann@desk.example", "this one", "127.0.0.1", "Sign out everywhere else")(b.open("/account"))
		b.wants(200, "/account", "name is saved", "Ann Mensah")(b.post("/account", url.Values{"name": {"Ann Mensah"}}))
		b.wants(400, "/account", "A name has", `role="alert"`)(b.post("/account", url.Values{"name": {" "}}))
		b.wants(200, "/account", "signed out", "!Sign out everywhere else")(b.post("/account/sessions", nil))
		if _, address, _ := elsewhere.open("/account"); address != "/signin" {
			t.Errorf("signed out everywhere else, it is at %s", address)
		}
		elsewhere.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password}})
		_, _, text := b.open("/account")
		other := regexp.MustCompile(`name="session" value="([^"]+)"`).FindAllStringSubmatch(text, -1)
		if len(other) != 1 {
			t.Fatalf("%d sessions can be ended\n%s", len(other), text)
		}
		b.wants(200, "/account", "has ended")(b.post("/account/sessions", url.Values{"session": {other[0][1]}}))
		if _, address, _ := elsewhere.open("/account"); address != "/signin" {
			t.Errorf("ended, it is at %s", address)
		}

		const changed = "another three words"
		b.wants(400, "/account/password", "not your present", `role="alert"`)(b.post("/account/password", url.Values{"present": {"wrong"}, "password": {changed}}))
		b.wants(400, "/account/password", "at least 12")(b.post("/account/password", url.Values{"present": {password}, "password": {"short"}}))
		elsewhere.post("/signin", url.Values{"email": {"ann@desk.example"}, "password": {password}})
		b.wants(200, "/account", "password is changed")(b.post("/account/password", url.Values{"present": {password}, "password": {changed}}))
		if _, address, _ := elsewhere.open("/account"); address != "/signin" {
			t.Errorf("with another password it is at %s", address)
		}

		// Who came with a token has no account.
		token := newBrowser(t, s.URL)
		token.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAgent)}})
		token.wants(200, "/account", "no account of your own", "!/welcome")(token.open("/account"))
		token.wants(404, "/account")(token.post("/account", url.Values{"name": {"x"}}))
		token.wants(404, "/account/password")(token.post("/account/password", url.Values{"present": {""}, "password": {changed}}))
		token = newBrowser(t, s.URL)
		token.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
		token.wants(200, "/account", "/welcome")(token.open("/account"))
	})
}

// TestJourneyAgents invites an agent, who sets a password, looks at their account, and signs out and in.
func TestJourneyAgents(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.Connect(v.T, "main", "entra")
		v.SignIn(desk.RoleAdmin)
		v.Open("/agents")
		v.Sees("No agents yet")
		v.Open("/welcome")
		v.Fill("Name", "Ann Mensah")
		v.Fill("Email", "ann@desk.example")
		v.Fill("Password", password)
		v.Click("Make the account")
		v.Sees("Your account is made.")
		v.Open("/agents")
		v.Fill("Email", "kofi@desk.example")
		v.Fill("Name", "Kofi Mensah")
		v.Click("Invite")
		v.Sees("A link for Kofi Mensah")
		address := ask[string](v, `document.getElementById("link").value`)
		v.Click("Kofi Mensah")
		v.Sees("nothing yet")
		v.Open("/account")
		v.Sees("this one")
		v.Click("Sign out")
		v.Sees("Forgotten?")
		v.Click("Sign in with an API token")
		v.Check()

		v.Open(strings.TrimPrefix(address, v.URL))
		v.Sees("Hello Kofi Mensah")
		v.Fill("New password", password)
		v.Click("Set the password and sign in")
		v.Sees("Home")
		v.Open("/account")
		v.Sees("kofi@desk.example", "Where you are signed in")
		v.Click("Sign out")
		v.Fill("Email", "kofi@desk.example")
		v.Fill("Password", "wrong")
		v.Click("Sign in")
		v.Sees("wrong")
		v.Forgive() // of the status
		v.Fill("Password", password)
		v.Click("Sign in")
		v.Sees("Home")
	})
}
