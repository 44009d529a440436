// Package auth makes bearer tokens and checks them.
//
// A token is 256 random bits behind a prefix that names its kind and tenant: "rcs_main_…" opens one connection's SCIM
// endpoint, "rca_main_…" the tenant's JSON API, "rcl_main_…" is a sign-in link's and "rcw_main_…" a browser session's. Only
// its SHA-256 is stored: for a secret of that much entropy a slow hash adds nothing. Whatever is wrong with a credential, the
// answer is the same 401, which does not tell whether a tenant or connection exists; only who holds a real token learns that
// it has expired.
//
// Agents are people who sign in to the portal with a password (password.go), of which argon2id's hash is stored, or by an OpenID
// provider that the operator names (oidc.go). A session is a token of theirs; what it may do is asked of the agent's record at each
// request, so that a change of it counts at once.
//
// A directory's OAuth client has secrets "rck_main_…", or an issuer that vouches for it (federation.go), and gets access tokens
// "rco_main_…", which are good for an hour (oauth.go). With an administrator's consent it first gets a code "rcc_main_…" and
// then refresh tokens "rcr_main_…". Package oauth has the endpoints, the portal the page that asks for consent.
package auth
