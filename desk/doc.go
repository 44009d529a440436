// Package desk holds the helpdesk's nouns and the rules that need no I/O.
//
// Two records stand behind a person:
//
//   - [DirectoryUser] is what one connection's directory says about a person: the SCIM resource, kept whole. Its id is
//     the SCIM id.
//   - [Contact] is the helpdesk's person. Any number of directory users point at it; [ProfileOf] projects the one onto
//     the other.
//
// Everything belongs to a [Tenant] (one helpdesk), whose slug is the first part of every key. Who does something is an
// [Actor], what was done is an [Event], and what went wrong is an [Error] of some [Kind], which each edge (SCIM, JSON
// API, portal, command line) translates into its own language.
//
// The package imports the standard library only. Fields carry gorm tags, so that one struct is both the domain type and
// the row.
package desk
