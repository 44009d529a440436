// Package mapping turns what a directory says of a person into what the helpdesk keeps of a contact, and decides whom the
// helpdesk wants. docs/MAPPING.md tells administrators what mappings and scopes can say. The package does no I/O.
//
//	desk.Mapping ── Check, when it is saved
//	            └── Compile ── Mapper ─┬─ Apply     profile, company and active of a contact
//	                                   ├─ Explain   which source gave which value, for a preview
//	                                   └─ Unmapped  what arrived and no rule uses
//	desk.Scope ──── CompileScope ── Scope ── Match  whether a user is wanted, and the rule that says so
//
// A source is read by path.go if it is a SCIM path, whose names package schema resolves, so that they mean what they mean in a
// filter or a PATCH; else by source.go, or by expression.go, which bounds what expressions can do. target.go knows what can be
// filled, and what other systems call it; default.go is the mapping of connections without one of their own: [desk.ProfileOf],
// and a little more.
//
// Filters in paths and scopes are read by package schema and evaluated by [desk.Match], as the endpoint's are: a scope lets in
// whom a list with that filter shows.
package mapping
