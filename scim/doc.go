// Package scim is SCIM 2.0 (RFC 7643, 7644) over HTTP, and nothing else: it reads requests, hands them to the engine, and
// writes answers.
//
// Below /scim/{tenant}/{connection}, with and without a trailing /v2:
//
//	/Users                 GET list, POST create                   RFC 7644 sections 3.4.2, 3.3
//	/Users/.search         POST list                               3.4.3
//	/.search               POST the same, users being all there are
//	/Users/{id}            GET, PUT, PATCH, DELETE                 3.4.1, 3.5.1, 3.5.2, 3.6
//	/Groups                GET an empty list, writes 501           not offered; Entra looks all the same
//	/ServiceProviderConfig, /ResourceTypes, /Schemas               4, read-only
//	/Bulk                  POST several writes                     3.7
//	/Me                    501                                     3.11
//
// The way of a write: body.go decodes, path.go and patch.go turn it into operations at resolved places, apply.go and value.go
// apply them to a resource in canonical form. A POST is the same as a PATCH without path on an empty resource, so that what
// one accepts the other does too. Package schema resolves names and turns filters into desk.Filter, which the store translates
// to SQL.
//
// github.com/elimity-com/scim gives the checks of single values and the error type. What real clients send beyond the RFCs is
// taken here, each with the exchange that shows it in
// testdata/wire:
//
//   - booleans as text, operations in capitals, flattened keys, URN and bare extension names (Entra)
//   - emails[type eq "work"].value as a filter, and as a path that makes the address (Entra)
//   - managers as text, object, list, "" or null (Entra and its validators)
//   - "" and null for clearing, empty Operations, unknown attributes (Entra's validators)
//   - a password, accepted and dropped; PUT without active (Okta)
package scim
