// Package auth makes bearer tokens and checks them.
//
// A token is 256 random bits behind a prefix that names its kind and tenant: "rcs_main_…" opens one connection's SCIM
// endpoint, "rca_main_…" the tenant's JSON API, "rcl_main_…" is a sign-in link's and "rcw_main_…" a browser session's. Only
// its SHA-256 is stored: for a secret of that much entropy a slow hash adds nothing. Whatever is wrong with a credential, the
// answer is the same 401, which does not tell whether a tenant or connection exists; only who holds a real token learns that
// it has expired.
package auth
