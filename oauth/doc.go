// Package oauth is the OAuth 2.0 endpoints, by which directories get tokens for SCIM:
//
//	POST /oauth/{tenant}/token       a token for client credentials, a code or a refresh token (RFC 6749)
//	POST /oauth/{tenant}/revoke      the end of one (RFC 7009)
//	GET  /.well-known/oauth-authorization-server/oauth/{tenant}   where everything is (RFC 8414)
//
// GET and POST /oauth/{tenant}/authorize, with the administrator's consent, are a page of the portal. Clients prove themselves
// by HTTP Basic, by parameters, or by an assertion of their issuer (RFC 7523); see package auth. Errors are those of RFC 6749
// section 5.2. A tenant that does not exist is one without clients.
package oauth
