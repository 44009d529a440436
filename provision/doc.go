// Package provision is the engine: what a directory's user does to a contact, and what agents do.
//
// A request is one transaction that changes the directory user, the contact and its company link, and leaves one event; a
// refused one changes nothing and leaves its event in a transaction of its own ([Engine.Refuse]).
//
//	CreateUser    match → adopt, revive or create; 409 where a key is taken
//	UpdateUser    replace or patch: an edit of the resource, of which the contact gets what changed
//	DeleteUser    the directory user goes for good, the contact rests in Deleted contacts
//	…Contact      the same person from the agents' side
//
// A contact is active as long as any connection holds it active. The rows of the table in docs/ARCHITECTURE.md, section
// Events, each have a test here.
package provision
