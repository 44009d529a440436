package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestSentOnce holds that a form which is sent again as it was, by a reload or a second click, does not do its work again.
func TestSentOnce(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		b := newBrowser(t, s.URL)
		b.post("/signin", url.Values{"token": {s.Token(t, "main", desk.RoleAdmin)}})
		admin := provision.System("main")
		tokens := func() int {
			t.Helper()
			list, err := s.Auth.Tokens(t.Context(), admin, "entra", "", 100)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		connections := func() int {
			t.Helper()
			list, err := s.Engine.Connections(t.Context(), admin)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		clients := func() int {
			t.Helper()
			list, err := s.Engine.Clients(t.Context(), admin, "entra")
			if err != nil {
				t.Fatal(err)
			}
			n := len(list)
			for _, c := range list {
				n += len(c.Secrets)
			}
			return n
		}
		for _, c := range []struct {
			page, action, to string
			form             url.Values
			count            func() int
			more             int
		}{
			{"/connections/new", "/connections", "/connections", url.Values{"provider": {"okta"}, "name": {"My Okta"}}, connections, 1},
			{"/connections/entra/setup", "", "/connections/entra/setup", url.Values{"days": {"90"}, "label": {"Entra"}}, tokens, 1},
			{"/connections/entra/tokens", "", "/connections/entra/tokens", url.Values{"days": {"90"}, "label": {"Entra"}}, tokens, 1},
			{"/connections/entra/tokens", "/connections/entra/clients", "/connections/entra/tokens", url.Values{"days": {"90"}, "kind": {"credentials"}}, clients, 2},
		} {
			action := c.action
			if action == "" {
				action = c.page
			}
			was := c.count()
			_, _, text := b.open(c.page)
			c.form.Set("once", b.hidden(text, "once"))
			if status, _, _ := b.post(action, c.form); status != 200 || c.count() != was+c.more {
				t.Errorf("%s is answered %d and makes %d", action, status, c.count()-was)
			}
			status, address, text := b.post(action, c.form)
			if status != 200 || address != c.to || !strings.Contains(text, "This form was sent already") || strings.Contains(text, "made-secret") || c.count() != was+c.more {
				t.Errorf("%s, again, is answered %d by %s and makes %d", action, status, address, c.count()-was)
			}
			_, _, text = b.open(c.page)
			c.form.Set("once", b.hidden(text, "once"))
			if b.post(action, c.form); c.count() != was+2*c.more {
				t.Errorf("%s, opened anew, makes %d", action, c.count()-was)
			}
		}
		_, _, text := b.open("/connections/entra/tokens")
		_, rest, _ := strings.Cut(text, "/connections/entra/clients/")
		secrets := "/connections/entra/clients/" + rest[:strings.IndexByte(rest, '/')] + "/secrets"
		form, was := url.Values{"days": {"365"}, "once": {b.hidden(text[strings.Index(text, secrets+`" class`):], "once")}}, clients()
		b.post(secrets, form)
		if b.post(secrets, form); clients() != was+1 {
			t.Errorf("sent twice, the form makes %d secrets", clients()-was)
		}

		// Another tenant's form is another one.
		s.Connect(t, "other", "entra")
		other := newBrowser(t, s.URL)
		other.post("/signin", url.Values{"token": {s.Token(t, "other", desk.RoleAdmin)}})
		if _, _, text := other.post(secrets, form); strings.Contains(text, "sent already") {
			t.Error("a form of another tenant is known")
		}
	})
}
