package desk

import (
	"fmt"
	"strings"
	"testing"
)

func TestClientCheck(t *testing.T) {
	redirect := func(uris ...string) Client { return Client{RedirectURIs: uris} }
	federated := func(f func(*Federation)) Client {
		c := Client{Federation: Federation{Issuer: "https://login.example/tenant/v2.0", Subject: "s", Audience: "api://a"}}
		f(&c.Federation)
		return c
	}
	var many []string
	for i := range 11 {
		many = append(many, fmt.Sprintf("https://a.example/%d", i))
	}
	for name, c := range map[string]struct {
		client Client
		field  string // "" for one that is fine
	}{
		"nothing special":              {Client{}, ""},
		"a label":                      {Client{Label: "Zoho's «Directory»"}, ""},
		"a label of two lines":         {Client{Label: "a\nb"}, "label"},
		"a long label":                 {Client{Label: strings.Repeat("x", 201)}, "label"},
		"a redirect":                   {redirect("https://directory.example/callback?x=1", "https://directory.example:8443/"), ""},
		"a redirect to this machine":   {redirect("http://localhost:8000/callback", "http://127.0.0.1/", "http://[::1]:1/"), ""},
		"many redirects":               {redirect(many...), "redirectUris"},
		"a redirect twice":             {redirect("https://a.example/", "https://a.example/"), "redirectUris"},
		"an empty redirect":            {redirect(""), "redirectUris"},
		"a redirect by http":           {redirect("http://directory.example/"), "redirectUris"},
		"a redirect to a script":       {redirect("javascript:alert(1)"), "redirectUris"},
		"a redirect to data":           {redirect("data:text/html,x"), "redirectUris"},
		"a path":                       {redirect("/callback"), "redirectUris"},
		"a host alone":                 {redirect("directory.example"), "redirectUris"},
		"a fragment":                   {redirect("https://a.example/#x"), "redirectUris"},
		"an empty fragment":            {redirect("https://a.example/#"), "redirectUris"},
		"a user":                       {redirect("https://a@b.example/"), "redirectUris"},
		"a host that ends a policy":    {redirect("https://a.example;script-src/"), "redirectUris"},
		"a host with a wildcard":       {redirect("https://*.example/"), "redirectUris"},
		"a blank":                      {redirect("https://a.example/ b"), "redirectUris"},
		"a line break":                 {redirect("https://a.example/\r\nSet-Cookie: x"), "redirectUris"},
		"a long redirect":              {redirect("https://a.example/" + strings.Repeat("x", 2000)), "redirectUris"},
		"public":                       {Client{Public: true, RedirectURIs: []string{"https://a.example/"}}, ""},
		"public without a redirect":    {Client{Public: true}, "redirectUris"},
		"public without PKCE":          {Client{Public: true, WithoutPKCE: true, RedirectURIs: []string{"https://a.example/"}}, "public"},
		"without PKCE":                 {Client{WithoutPKCE: true, RedirectURIs: []string{"https://a.example/"}}, ""},
		"without PKCE and redirect":    {Client{WithoutPKCE: true}, "withoutPkce"},
		"federated":                    {federated(func(*Federation) {}), ""},
		"federated, with a keys' URL":  {federated(func(f *Federation) { f.JWKSURI = "https://login.example/keys?v=2" }), ""},
		"federated, with keys":         {federated(func(f *Federation) { f.JWKS = "{}" }), ""},
		"no issuer":                    {federated(func(f *Federation) { f.Issuer = "" }), "federation.issuer"},
		"an issuer by http":            {federated(func(f *Federation) { f.Issuer = "http://login.example" }), "federation.issuer"},
		"an issuer with a query":       {federated(func(f *Federation) { f.Issuer += "?x" }), "federation.issuer"},
		"an issuer with a password":    {federated(func(f *Federation) { f.Issuer = "https://a:b@login.example" }), "federation.issuer"},
		"no subject":                   {federated(func(f *Federation) { f.Subject = "" }), "federation.subject"},
		"no audience":                  {federated(func(f *Federation) { f.Audience = "" }), "federation.audience"},
		"a subject of two lines":       {federated(func(f *Federation) { f.Subject = "a\nb" }), "federation.subject"},
		"keys by http":                 {federated(func(f *Federation) { f.JWKSURI = "http://login.example/keys" }), "federation.jwksUri"},
		"keys in a file":               {federated(func(f *Federation) { f.JWKSURI = "file:///etc/passwd" }), "federation.jwksUri"},
		"keys and their URL":           {federated(func(f *Federation) { f.JWKSURI, f.JWKS = "https://a.example", "{}" }), "federation.jwks"},
		"a lot of keys":                {federated(func(f *Federation) { f.JWKS = strings.Repeat(" ", 1<<16+1) }), "federation.jwks"},
		"federated, with keys to none": {Client{Federation: Federation{JWKS: "{}"}}, "federation.issuer"},
	} {
		field := ""
		if err := c.client.Check(); err != nil {
			if KindOf(err) != InvalidValue {
				t.Errorf("%s: %v", name, err)
			}
			field = AsError(err).Field
		}
		if field != c.field {
			t.Errorf("%s: refused for %q, want %q", name, field, c.field)
		}
	}
}

// TestSecrets holds that what a secret says of itself can be read from it, and from nothing else.
func TestSecrets(t *testing.T) {
	seen := map[string]bool{}
	for kind := range prefixes {
		var grant []string
		if kind == GrantCode || kind == GrantRefresh {
			grant = []string{"0190-a"}
		}
		secret := NewSecret(kind, "main-2", grant...)
		k, tenant, id := ParseSecret(secret)
		if k != kind || tenant != "main-2" || id != strings.Join(grant, "") || seen[secret] || seen[HashSecret(secret)] || len(HashSecret(secret)) != 64 {
			t.Errorf("%s: %s is %s of %s, %s", kind, secret, k, tenant, id)
		}
		seen[secret], seen[HashSecret(secret)] = true, true
	}
	for _, s := range []string{"", "_", "rcs", "rcs_main", "rcs_main_a_b", "rcs_MAIN_a", "rcs__a", "rcx_main_a", "rcc_main_a", "rcr_main_a_b_c", "main_rcs_a"} {
		if kind, _, _ := ParseSecret(s); kind != "" {
			t.Errorf("%q is taken for %s", s, kind)
		}
	}
}

// TestChallenge holds the example of RFC 7636 appendix B.
func TestChallenge(t *testing.T) {
	if got := Challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"); got != "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" {
		t.Error(got)
	}
	if Challenge("") != "" {
		t.Error("no verifier has a challenge")
	}
}
