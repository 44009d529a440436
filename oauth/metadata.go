package oauth

import (
	"net/http"

	"github.com/gorilla/mux"

	"rollcall/auth"
	"rollcall/desk"
)

const wellKnown = "/.well-known/oauth-authorization-server"

// metadata tells clients where everything is (RFC 8414). It is the same for a tenant that does not exist.
func (h *Handler) metadata(w http.ResponseWriter, r *http.Request) {
	tenant := mux.Vars(r)["tenant"]
	if desk.CheckSlug("tenant", tenant) != nil {
		http.NotFound(w, r)
		return
	}
	issuer := desk.Issuer(h.PublicURL, tenant)
	methods := []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"}
	write(w, http.StatusOK, map[string]any{
		"issuer":                                                issuer,
		"authorization_endpoint":                                issuer + "/authorize",
		"token_endpoint":                                        issuer + "/token",
		"revocation_endpoint":                                   issuer + "/revoke",
		"scopes_supported":                                      []string{scope},
		"response_types_supported":                              []string{"code"},
		"response_modes_supported":                              []string{"query"},
		"grant_types_supported":                                 []string{auth.ClientCredentials, auth.AuthorizationCode, auth.RefreshToken},
		"code_challenge_methods_supported":                      []string{"S256"},
		"token_endpoint_auth_methods_supported":                 methods,
		"token_endpoint_auth_signing_alg_values_supported":      auth.Algorithms,
		"revocation_endpoint_auth_methods_supported":            methods,
		"revocation_endpoint_auth_signing_alg_values_supported": auth.Algorithms,
		"authorization_response_iss_parameter_supported":        true,
	})
}
