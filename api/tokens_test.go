package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/internal/testkit"
)

// TestTokens rotates a connection's token: the secret is shown once and opens the endpoint until the token ends or is deleted.
func TestTokens(t *testing.T) {
	each(t, func(t *server) {
		use := func(secret string) int { return testkit.Call(t, "GET", t.scim+"/Users", secret, nil).Status }
		const tokens = "/connections/entra/tokens"
		first := t.items(tokens)
		if len(first) != 1 || first[0]["label"] != "" || first[0]["expiresAt"] != nil {
			t.Errorf("there are %v", first)
		}
		end := time.Now().Add(time.Hour).In(time.FixedZone("", 3600)).Truncate(time.Second)
		a := testkit.Call(t, "POST", t.URL+"/api/v1"+tokens, t.admin, map[string]any{"label": "next", "expiresAt": end})
		made := a.Want(t, 201)
		secret, _ := made["secret"].(string)
		if !strings.HasPrefix(secret, "rcs_main_") || a.Header.Get("Cache-Control") != "no-store" || made["expiresAt"] != end.UTC().Format(time.RFC3339) || made["lastUsedAt"] != nil {
			t.Errorf("made %v", made)
		}
		if use(secret) != 200 || use(t.scimToken) != 200 {
			t.Error("the two tokens are not good at once")
		}
		t.Auth.Close() // notes their uses
		list := t.items(tokens + "?limit=1")
		if len(list) != 2 || list[1]["id"] != made["id"] || list[1]["label"] != "next" || list[1]["createdAt"] != made["createdAt"] || list[1]["lastUsedAt"] == nil || list[0]["lastUsedAt"] == nil {
			t.Errorf("there are %v", list)
		}
		old := fmt.Sprint(tokens, "/", first[0]["id"])
		t.do("DELETE", old, nil, 204)
		t.do("DELETE", old, nil, 404)
		if use(t.scimToken) != 401 || use(secret) != 200 {
			t.Error("another token was deleted")
		}
		t.Store.Now = func() time.Time { return end }
		if use(secret) != 401 {
			t.Error("the token is good after its end")
		}
		t.Store.Now = time.Now

		var did []string
		for _, e := range t.items("/connections/entra/events") {
			if e["reason"] == "token" {
				did = append(did, fmt.Sprint(e["operation"], " ", e["detail"], " by ", e["actor"].(map[string]any)["name"]))
			}
			if strings.Contains(fmt.Sprint(e), secret[len("rcs_main_"):]) {
				t.Errorf("the log tells the secret: %v", e)
			}
		}
		if diff := cmp.Diff([]string{"delete scim token by test", "create scim token next by test", "create scim token by rollcall"}, did); diff != "" {
			t.Errorf("the log: %s", diff)
		}
		for field, body := range map[string]string{
			"body.label":     `{"label":"` + strings.Repeat("ä", 201) + `"}`,
			"body.expiresAt": `{"expiresAt":"2020-01-01T00:00:00Z"}`,
			"body.role":      `{"role":"admin"}`,
		} {
			wantFault(t, testkit.Call(t, "POST", t.URL+"/api/v1"+tokens, t.admin, body), 400, field)
		}
		t.do("POST", "/connections/nobody/tokens", `{}`, 404)
		t.do("GET", "/connections/nobody/tokens", nil, 404)
		t.Connect(t, "main", "okta")
		id := fmt.Sprint(t.items("/connections/okta/tokens")[0]["id"])
		t.do("DELETE", tokens+"/"+id, nil, 404) // another connection's
	})
}

// TestNewConnection makes a connection over the API, has a directory use it, and deletes it.
func TestNewConnection(t *testing.T) {
	each(t, func(t *server) {
		c := t.do("POST", "/connections", `{"slug":"okta","name":" Okta ","provider":"okta"}`, 201)
		if c["slug"] != "okta" || c["name"] != "Okta" || c["provider"] != "okta" || c["tenantUrl"] != t.URL+"/scim/main/okta" {
			t.Errorf("made %v", c)
		}
		if diff := cmp.Diff(c, t.do("GET", "/connections/okta", nil, 200)); diff != "" {
			t.Errorf("read again: %s", diff)
		}
		if c := t.do("POST", "/connections", `{"slug":"plain","provider":"generic"}`, 201); c["name"] != "plain" {
			t.Errorf("made %v", c)
		}
		for field, body := range map[string]string{
			"body.slug":     `{"slug":"Okta","provider":"okta"}`,
			"body.provider": `{"slug":"x","provider":"ldap"}`,
			"body.name":     `{"slug":"x","provider":"okta","name":"` + strings.Repeat("x", 201) + `"}`,
		} {
			wantFault(t, testkit.Call(t, "POST", t.URL+"/api/v1/connections", t.admin, body), 400, field)
		}
		wantFault(t, testkit.Call(t, "POST", t.URL+"/api/v1/connections", t.admin, `{"slug":"okta","provider":"okta"}`), 409, "body.slug")

		secret := t.do("POST", "/connections/okta/tokens", `{}`, 201)["secret"].(string)
		create := func() testkit.Answer {
			return testkit.Call(t, "POST", t.URL+"/scim/main/okta/Users", secret, `{"userName":"kofi"}`)
		}
		create().Want(t, 201)
		client := t.do("POST", "/connections/okta/clients", `{}`, 201)
		fetch := func() int {
			form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client["id"].(string)}, "client_secret": {client["secret"].(string)}}
			r, err := http.NewRequestWithContext(t.Context(), "POST", client["tokenUrl"].(string), strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			a, err := testkit.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			return a.Status
		}
		if status := fetch(); status != 200 {
			t.Errorf("the OAuth client gets %d", status)
		}
		t.do("DELETE", "/connections/okta", nil, 204)
		if status := fetch(); status != 401 {
			t.Errorf("the OAuth client of a connection that is gone gets %d", status)
		}
		if a := create(); a.Status != 401 {
			t.Errorf("its token is still good: %d", a.Status)
		}
		t.do("GET", "/connections/okta", nil, 404)
		t.do("DELETE", "/connections/okta", nil, 404)
		list := t.items("/contacts")
		if len(list) != 1 || list[0]["userName"] != "kofi" || list[0]["status"] != "active" || len(list[0]["sync"].([]any)) != 0 {
			t.Errorf("contacts are %v", list)
		}
		if e := t.items(fmt.Sprint("/contacts/", list[0]["id"], "/events"))[0]; e["outcome"] != "unlinked" || e["reason"] != "connection" || e["actor"].(map[string]any)["name"] != "test" {
			t.Errorf("the history ends with %v", e)
		}
		t.do("POST", "/connections", `{"slug":"okta","provider":"okta"}`, 201)
		if a := create(); a.Status != 401 {
			t.Errorf("a token came back with the slug: %d", a.Status)
		}
	})
}
