// Package api is the JSON API under /api/v1, for programs with a bearer token, and its OpenAPI 3.1 document at
// /api/openapi.json. The tenant is the token's; the role of an agent reads everything and works on contacts, that of an
// admin does everything.
//
// Lists answer {"items": […], "next": "cursor"}, without next on the last page. Errors are problem documents (RFC 9457).
// Operations are declared with huma: the Go types of this package are the contract.
package api
