package auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestBelievedTokens has two processes over one database: what one of them revokes or changes ends there at once, and in the other
// within two seconds. Nobody waits for a connection that goes on.
func TestBelievedTokens(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		here, there := testkit.NewServer(t, databaseURL), testkit.NewServer(t, databaseURL)
		_, secret := here.Connect(t, "t", "c")
		system := provision.System("t")
		ask := func(s *testkit.Server, secret string) (desk.Actor, error) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Authorization", "Bearer "+secret)
			return s.Auth.SCIM(r, "t", "c")
		}
		good := func(s *testkit.Server, secret string) bool {
			_, err := ask(s, secret)
			if err != nil && desk.KindOf(err) != desk.Unauthenticated {
				t.Fatal(err)
			}
			return err == nil
		}
		soon := func(what string, done func() bool) {
			t.Helper()
			for began := time.Now(); !done(); time.Sleep(20 * time.Millisecond) {
				if time.Since(began) > 2*time.Second {
					t.Fatalf("%s: not after two seconds", what)
				}
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		paused := func(s *testkit.Server) bool {
			actor, err := ask(s, secret)
			must(err)
			return actor.Directory.PausedAt != nil
		}
		if !good(here, secret) || !good(there, secret) {
			t.Fatal("the token is refused")
		}
		for _, pause := range []bool{true, false} {
			_, err := here.Engine.EditConnection(t.Context(), system, "c", provision.ConnectionEdit{Paused: &pause})
			must(err)
			if paused(here) != pause {
				t.Errorf("paused %v, which its own process does not see", pause)
			}
			if pause {
				soon("the pause", func() bool { return paused(there) })
			} else if paused(there) {
				t.Error("the other process still refuses")
			}
		}
		other, err := here.Auth.Issue(t.Context(), system, &desk.Token{Kind: desk.TokenSCIM, TenantID: "t", Connection: "c"})
		must(err)
		if !good(here, other) || !good(there, other) {
			t.Fatal("the other token is refused")
		}
		tokens, err := here.Auth.Tokens(t.Context(), system, "c", "", 10)
		must(err)
		for _, token := range tokens {
			must(here.Auth.DeleteToken(t.Context(), system, "c", token.ID))
		}
		if good(here, secret) || good(here, other) {
			t.Error("a token is good after its own process has revoked it")
		}
		soon("the revocation", func() bool { return !good(there, secret) && !good(there, other) })
	})
}
