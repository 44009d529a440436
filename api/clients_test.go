package api_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestClients makes an OAuth client, changes its secret and deletes it.
func TestClients(t *testing.T) {
	each(t, func(t *server) {
		const clients = "/connections/entra/clients"
		c := t.do("POST", clients, map[string]any{"label": "Zoho", "redirectUris": []string{"https://directory.example/callback"}, "expiresAt": "2999-01-02T03:04:05+01:00"}, 201)
		path := clients + "/" + c["id"].(string)
		first := c["secret"].(string)
		secrets := c["secrets"].([]any)
		if !regexp.MustCompile(`^rck_main_[a-z2-7]{52}$`).MatchString(first) || len(secrets) != 1 || secrets[0].(map[string]any)["expiresAt"] != "2999-01-02T02:04:05Z" {
			t.Errorf("made as %v", c)
		}
		delete(c, "secret")
		if diff := cmp.Diff([]map[string]any{c}, t.items(clients)); diff != "" {
			t.Errorf("listed otherwise than made: %s", diff)
		}
		delete(c, "secrets")
		delete(c, "createdAt")
		want := map[string]any{
			"id": c["id"], "label": "Zoho", "redirectUris": []any{"https://directory.example/callback"}, "public": false, "withoutPkce": false,
			"tokenUrl": t.URL + "/oauth/main/token", "authorizeUrl": t.URL + "/oauth/main/authorize",
		}
		if diff := cmp.Diff(want, c); diff != "" {
			t.Error(diff)
		}

		second := t.do("POST", path+"/secrets", nil, 201)
		if second["secret"] == first || second["expiresAt"] != nil {
			t.Errorf("the second secret is %v", second)
		}
		t.do("POST", path+"/secrets", map[string]any{}, 409)
		t.do("DELETE", path+"/secrets/"+second["id"].(string), nil, 204)
		t.do("DELETE", path+"/secrets/"+second["id"].(string), nil, 404)
		t.do("POST", path+"/secrets", map[string]any{"expiresAt": "2001-01-01T00:00:00Z"}, 400)
		t.do("DELETE", "/connections/zoho/clients/"+c["id"].(string), nil, 404)
		t.do("DELETE", path, nil, 204)
		t.do("DELETE", path, nil, 404)
		t.do("POST", path+"/secrets", nil, 404)

		var told []string
		for _, ev := range t.items("/connections/entra/events?limit=100") {
			told = append(told, strings.TrimSpace(ev["operation"].(string)+" "+ev["reason"].(string)+" "+ev["detail"].(string)))
			if len(told) == 4 {
				break
			}
		}
		if diff := cmp.Diff([]string{"delete client client Zoho", "delete client secret client Zoho", "create client secret client Zoho", "create client client Zoho"}, told); diff != "" {
			t.Errorf("the log: %s", diff)
		}
	})
}

// TestClientsWithoutSecrets holds which clients get none, and that a federation is told again.
func TestClientsWithoutSecrets(t *testing.T) {
	each(t, func(t *server) {
		const clients = "/connections/entra/clients"
		federation := map[string]any{"issuer": "https://login.example/tenant/v2.0", "subject": "s", "audience": "api://a", "jwksUri": "https://login.example/keys"}
		c := t.do("POST", clients, map[string]any{"federation": federation}, 201)
		if c["secret"] != nil || len(c["secrets"].([]any)) != 0 {
			t.Errorf("a federated client has a secret: %v", c)
		}
		if diff := cmp.Diff(any(federation), c["federation"]); diff != "" {
			t.Error(diff)
		}
		p := t.do("POST", clients, map[string]any{"public": true, "redirectUris": []string{"http://localhost:8000/"}}, 201)
		if p["secret"] != nil {
			t.Errorf("a public client has a secret: %v", p)
		}
		t.do("POST", clients+"/"+p["id"].(string)+"/secrets", nil, 409)

		const rsa = `{"kty":"RSA","e":"AQAB","n":"` // a public key without its end
		for what, body := range map[string]map[string]any{
			"an issuer by http":      {"federation": map[string]any{"issuer": "http://login.example", "subject": "s", "audience": "a"}},
			"an incomplete one":      {"federation": map[string]any{"issuer": "https://login.example"}},
			"keys and their URL":     {"federation": map[string]any{"issuer": "https://login.example", "subject": "s", "audience": "a", "jwksUri": "https://x.example/", "jwks": "{}"}},
			"no keys":                {"federation": map[string]any{"issuer": "https://login.example", "subject": "s", "audience": "a", "jwks": `{"keys":[]}`}},
			"keys that are none":     {"federation": map[string]any{"issuer": "https://login.example", "subject": "s", "audience": "a", "jwks": rsa}},
			"a shared secret":        {"federation": map[string]any{"issuer": "https://login.example", "subject": "s", "audience": "a", "jwks": `{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}`}},
			"a redirect to anywhere": {"redirectUris": []string{"*"}},
			"an unknown field":       {"secret": "x"},
			"an expired secret":      {"expiresAt": "2001-01-01T00:00:00Z"},
		} {
			if a := testkit.Call(t, "POST", t.URL+"/api/v1"+clients, t.admin, body); a.Status != 400 {
				t.Errorf("%s: %d %s", what, a.Status, a.Body)
			}
		}
		for _, op := range [][2]string{{"POST", clients}, {"DELETE", clients + "/x"}, {"POST", clients + "/x/secrets"}, {"DELETE", clients + "/x/secrets/y"}} {
			wantProblem(t, testkit.Call(t, op[0], t.URL+"/api/v1"+op[1], t.agent, map[string]any{}), 403)
		}
		testkit.Call(t, "GET", t.URL+"/api/v1"+clients, t.agent, nil).Want(t, 200)
		t.do("POST", "/connections/nobody/clients", map[string]any{}, 404)
		t.do("GET", "/connections/nobody/clients", nil, 404)
		for range desk.MaxClients - 2 {
			t.do("POST", clients, map[string]any{}, 201)
		}
		t.do("POST", clients, map[string]any{}, 409)
		if n := len(t.items(clients)); n != desk.MaxClients {
			t.Errorf("%d clients", n)
		}
	})
}
