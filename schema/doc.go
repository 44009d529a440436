// Package schema knows the SCIM User resource: its attributes, with a tenant's custom fields among them, the paths that name
// them, and the filters over them. The endpoint, field mappings and scopes go by this one definition, so that a path or a
// filter means the same in all of them.
//
//   - schema.go builds the tables from the library's definitions (RFC 7643) and resolves paths
//   - fields.go adds the custom fields
//   - filter.go reads filters (RFC 7644 section 3.4.2.2) into desk.Filter, scanner.go their words
//
// github.com/elimity-com/scim gives the definitions, scim2/filter-parser the structure of filters. The package does no I/O.
package schema
