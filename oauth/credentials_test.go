package oauth_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

// TestClientCredentials has x/oauth2 push a user, with the secret in the header, in the body, and where it finds out itself.
func TestClientCredentials(t *testing.T) {
	each(t, func(w *world) {
		other, otherToken := w.Connect(w, "main", "zoho")
		id, secret := w.client(desk.Client{Label: "Entra"})
		for name, style := range map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "body": oauth2.AuthStyleInParams, "either": oauth2.AuthStyleAutoDetect} {
			config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: w.issuer + "/token", AuthStyle: style, Scopes: []string{"a", "b"}}
			response, err := config.Client(w.Context()).Post(w.scim+"/Users", "application/scim+json", strings.NewReader(`{"userName":"`+name+`"}`))
			if err != nil {
				w.Fatal(err)
			}
			if body, _ := io.ReadAll(response.Body); response.StatusCode != 201 {
				w.Errorf("%s: status %d %s", name, response.StatusCode, body)
			}
			response.Body.Close()
		}
		config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: w.issuer + "/token"}
		token, err := config.Token(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		if left := time.Until(token.Expiry); token.Extra("scope") != "scim" || token.TokenType != "Bearer" || token.RefreshToken != "" || left > time.Hour || left < 50*time.Minute {
			w.Errorf("the token is %+v", token)
		}
		w.wantOpen("a new token", token.AccessToken, true)
		if a := testkit.Call(w, "GET", other+"/Users", token.AccessToken, nil); a.Status != 401 {
			w.Errorf("the token opens another connection: %d", a.Status)
		}
		if a := testkit.Call(w, "GET", w.URL+"/api/v1/contacts", token.AccessToken, nil); a.Status != 401 {
			w.Errorf("the token opens the API: %d", a.Status)
		}
		w.wantOpen("the client's secret", secret, false)
		w.wantOpen("another connection's token", otherToken, false)

		// The client and its secret show when and from where they were last used.
		w.post("/oauth/main/token", "203.0.113.7", id, secret, url.Values{"grant_type": {"client_credentials"}}).Want(w, 200)
		w.Auth.Close()
		clients, err := w.Engine.Clients(w.Context(), admin, "entra")
		if err != nil || len(clients) != 1 || clients[0].LastUsedAt == nil || clients[0].LastUsedAddress != "203.0.113.7" || clients[0].Secrets[0].LastUsedAddress != "127.0.0.1" {
			w.Errorf("clients are %+v, %v", clients, err)
		}

		w.wait(time.Hour - time.Minute)
		w.wantOpen("a token of an hour but a minute", token.AccessToken, true)
		w.wait(time.Minute)
		if a := testkit.Call(w, "GET", w.scim+"/Users", token.AccessToken, nil); a.Status != 401 || !strings.Contains(string(a.Body), "has expired; ask the token endpoint") {
			w.Errorf("a token of an hour: %d %s", a.Status, a.Body)
		}
	})
}

// TestRevoke holds RFC 7009: the client ends its own tokens, and is told nothing of others.
func TestRevoke(t *testing.T) {
	each(t, func(w *world) {
		id, secret := w.client(desk.Client{Label: "Entra"})
		thief, thiefsSecret := w.client(desk.Client{})
		config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: w.issuer + "/token"}
		first, err := config.Token(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		second, err := config.Token(w.Context())
		if err != nil {
			w.Fatal(err)
		}
		revoke := func(id, secret, token string) testkit.Answer {
			return w.post("/oauth/main/revoke", "203.0.113.1", id, secret, url.Values{"token": {token}, "token_type_hint": {"refresh_token"}})
		}
		revoke(thief, thiefsSecret, first.AccessToken).Want(w, 200)
		w.wantOpen("a token that another client revoked", first.AccessToken, true)
		for _, token := range []string{"x", "rco_main_x", "rcr_main_x_y", secret, w.Token(w, "main", desk.RoleAdmin)} {
			revoke(id, secret, token).Want(w, 200)
		}
		if got := w.oauthError("no token", revoke(id, secret, ""), 400); got != "invalid_request" {
			w.Errorf("no token: %s", got)
		}
		if got := w.oauthError("a wrong secret", revoke(id, thiefsSecret, first.AccessToken), 401); got != "invalid_client" {
			w.Errorf("a wrong secret: %s", got)
		}
		w.wantEvent(desk.OpAuthorize, desk.Refused, "unauthenticated", "client Entra: client authentication failed")
		w.wantOpen("a token that nobody revoked", first.AccessToken, true)
		revoke(id, secret, first.AccessToken).Want(w, 200)
		w.wantEvent(desk.OpDelete, desk.Deleted, "token", "client Entra revoked its access token")
		w.wantOpen("a revoked token", first.AccessToken, false)
		w.wantOpen("the token beside it", second.AccessToken, true)

		// With the client ends all that it has.
		if err := w.Engine.DeleteClient(w.Context(), admin, "entra", id); err != nil {
			w.Fatal(err)
		}
		w.wantOpen("a token of a client that is gone", second.AccessToken, false)
		if _, err := config.Token(w.Context()); refusedBy(err) != "invalid_client" {
			w.Errorf("a client that is gone gets %v", err)
		}
	})
}

// rotate uses a secret all the time, while it is changed for the next one and ended. Each use has to succeed.
func (w *world) rotate(use func(secret string) error, old string, next func() string, end func()) {
	w.Helper()
	var mu sync.RWMutex
	secret := old
	done, ended := make(chan struct{}), make(chan struct{})
	var uses atomic.Int64
	go func() {
		defer close(ended)
		for {
			mu.RLock()
			err := use(secret)
			mu.RUnlock()
			if err != nil {
				w.Error(err)
				return
			}
			uses.Add(1)
			select {
			case <-done:
				return
			case <-time.After(50 * time.Millisecond): // within what a client may ask for
			}
		}
	}()
	once := func() {
		for before := uses.Load(); uses.Load() < before+2 && !w.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	once()
	replacement := next()
	once() // both are good
	mu.Lock()
	secret = replacement
	mu.Unlock()
	once()
	end()
	once()
	close(done)
	<-ended
	if use(old) == nil {
		w.Error("what was ended is still good")
	}
}

// elsewhere has each request come from another address.
type elsewhere struct{ w *world }

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", e.w.address())
	return http.DefaultTransport.RoundTrip(r)
}

// TestSecretRotation holds that a client's secret is changed without a gap.
func TestSecretRotation(t *testing.T) {
	each(t, func(w *world) {
		id, first := w.client(desk.Client{})
		use := func(secret string) error {
			config := clientcredentials.Config{ClientID: id, ClientSecret: secret, TokenURL: w.issuer + "/token", AuthStyle: oauth2.AuthStyleInHeader}
			_, err := config.Token(context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Transport: elsewhere{w}}))
			return err
		}
		w.rotate(use, first, func() string {
			_, second, err := w.Engine.CreateClientSecret(w.Context(), admin, "entra", id, nil)
			if err != nil {
				w.Fatal(err)
			}
			if _, _, err := w.Engine.CreateClientSecret(w.Context(), admin, "entra", id, nil); desk.KindOf(err) != desk.Conflict {
				w.Errorf("a third secret: %v", err)
			}
			return second
		}, func() {
			if err := w.Engine.DeleteClientSecret(w.Context(), admin, "entra", id, w.secrets(id)[0].ID); err != nil {
				w.Fatal(err)
			}
		})
		if n := len(w.secrets(id)); n != 1 {
			w.Errorf("%d secrets are left", n)
		}
	})
}

// TestTokenRotation holds the same of a long-lived token.
func TestTokenRotation(t *testing.T) {
	each(t, func(w *world) {
		issue := func() string {
			secret, err := w.Auth.Issue(w.Context(), provision.System("main"), &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "entra"})
			if err != nil {
				w.Fatal(err)
			}
			return secret
		}
		old := issue()
		use := func(secret string) error {
			a, err := testkit.Send(context.Background(), "GET", w.scim+"/Users", secret, nil)
			if err == nil && a.Status != 200 {
				err = fmt.Errorf("status %d %s", a.Status, a.Body)
			}
			return err
		}
		w.rotate(use, old, issue, func() {
			err := w.Store.Tx(w.Context(), func(tx *store.Tx) error {
				t, err := tx.Token("main", desk.HashSecret(old))
				if err == nil {
					_, err = tx.DeleteToken("main", t.ID)
				}
				return err
			})
			if err != nil {
				w.Fatal(err)
			}
		})
	})
}

// TestSecretExpiry holds that a secret is good until it expires, and that only who has it learns that it did.
func TestSecretExpiry(t *testing.T) {
	each(t, func(w *world) {
		expires := time.Now().Add(24 * time.Hour)
		view, secret, err := w.Engine.CreateClient(w.Context(), admin, desk.Client{Connection: "entra"}, &expires)
		if err != nil {
			w.Fatal(err)
		}
		form := url.Values{"grant_type": {"client_credentials"}}
		w.post("/oauth/main/token", "203.0.113.1", view.ID, secret, form).Want(w, 200)
		w.wait(25 * time.Hour)
		if a := w.post("/oauth/main/token", "203.0.113.1", view.ID, secret, form); w.oauthError("expired", a, 401) != "invalid_client" || !strings.Contains(string(a.Body), "secret expired on") {
			w.Errorf("an expired secret: %s", a.Body)
		}
		w.wantEvent(desk.OpAuthorize, desk.Refused, "unauthenticated", "client "+view.ID+": the client secret expired")
		if _, _, err := w.Engine.CreateClientSecret(w.Context(), admin, "entra", view.ID, &expires); desk.KindOf(err) != desk.InvalidValue {
			w.Errorf("a secret that has expired already: %v", err)
		}
	})
}

// TestPurge holds that expired tokens and consents go, a few with each request.
func TestPurge(t *testing.T) {
	each(t, func(w *world) {
		id, secret := w.client(desk.Client{})
		c := w.config(w.client(desk.Client{RedirectURIs: []string{callback}, WithoutPKCE: true}))
		w.consent(w.browser(desk.RoleAdmin, "main"), c)
		ask := func() {
			w.post("/oauth/main/token", "203.0.113.1", id, secret, url.Values{"grant_type": {"client_credentials"}}).Want(w, 200)
		}
		for range 30 {
			ask()
		}
		count := func() (tokens, grants int) {
			db := testkit.OpenSQL(w, w.database)
			if err := db.QueryRow("SELECT (SELECT count(*) FROM tokens WHERE kind = 'access'), (SELECT count(*) FROM grants)").Scan(&tokens, &grants); err != nil {
				w.Fatal(err)
			}
			return tokens, grants
		}
		if tokens, grants := count(); tokens != 30 || grants != 1 {
			w.Fatalf("%d tokens, %d grants", tokens, grants)
		}
		w.wait(2 * time.Hour)
		for i, want := range []int{11, 2, 3} { // 20 at a time go, and one comes
			ask()
			if tokens, grants := count(); tokens != want || grants != 0 {
				w.Errorf("request %d leaves %d tokens, %d grants", i+1, tokens, grants)
			}
		}
	})
}
