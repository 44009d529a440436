// Package api is the JSON API under /api/v1, for programs with a bearer token, its OpenAPI 3.1 document at /api/openapi.json,
// and a page to read that at /api/docs. The tenant is the token's; the role of an agent reads everything but tokens and works
// on contacts and tickets, that of an admin does everything.
//
// Lists answer {"items": […], "next": "cursor"}, without next on the last page. Errors are problem documents (RFC 9457) whose
// errors name where in the request the fault is: body.emails[0].value, query.limit, header.If-Match. That holds for what huma
// finds wrong and for a [desk.Error] with a field alike; what is not known, in a query or a body, is a fault.
//
// A contact's entity tag is a digest of its whole answer, so it changes with the company's name and with what directories say
// as well. If-Match is compared while the contact's row is locked.
//
// Operations are declared with huma: the Go types of this package are the contract, and testdata/openapi.json holds it still
// (go test ./api -update after a change that is meant).
package api
