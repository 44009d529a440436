package scim

import (
	"fmt"
	"testing"
)

func TestFind(t *testing.T) {
	for path, want := range map[string]string{
		"/scim/acme/entra/Users":                    "acme entra  /Users ",
		"/scim/acme/entra/Users/":                   "acme entra  /Users ",
		"/scim/acme/entra/v2/Users/7":               "acme entra /v2 /Users/{id} 7",
		"/scim/acme/entra/Users/a%2Fb/":             "acme entra  /Users/{id} a%2Fb",
		"/scim/acme/entra/Users/.search":            "acme entra  /Users/.search ",
		"/scim/acme/entra/.search":                  "acme entra  /.search ",
		"/scim/acme/entra/v2/":                      "acme entra /v2  ",
		"/scim/acme/entra":                          "acme entra   ",
		"/scim/acme/v2":                             "acme v2   ",
		"/scim/acme/v2/Users":                       "acme v2  /Users ",
		"/scim/acme/entra/v2/ServiceProviderConfig": "acme entra /v2 /ServiceProviderConfig ",
		// Unknown.
		"/scim/acme/entra/users":       "acme entra",
		"/scim/acme/entra/Users2":      "acme entra",
		"/scim/acme/entra/Users//":     "acme entra",
		"/scim/acme/entra//":           "acme entra",
		"/scim/acme/entra/Users/7/8":   "acme entra",
		"/scim/acme/entra/Me/7":        "acme entra",
		"/scim/acme/entra/v2/v2/Users": "acme entra",
		"/scim/acme//Users":            "acme ",
		"/scim/acme":                   "acme ",
		"/scim":                        " ",
	} {
		p := find(path)
		got := p.tenant + " " + p.connection
		if p.route.methods != nil {
			got += fmt.Sprintf(" %s %s %s", p.version, p.route.path, p.id)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
}
