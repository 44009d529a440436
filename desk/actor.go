package desk

import "time"

// Role is what a bearer of an API token may do.
type Role string

const (
	RoleAgent Role = "agent" // reads everything, works on contacts
	RoleAdmin Role = "admin" // does everything in the tenant
)

// ActorType says what kind of caller an Actor is.
type ActorType string

const (
	ActorDirectory ActorType = "directory"
	ActorAgent     ActorType = "agent"
	ActorSystem    ActorType = "system" // the command line and the server itself
)

// Actor is who does something, in which tenant, by which request.
type Actor struct {
	Type       ActorType
	TenantID   string
	Connection string     // slug; only for a directory
	Directory  *Directory // only for a directory
	Name       string     // the connection's slug or the token's label
	Role       Role       // only for an agent
	RequestID  string
	Began      time.Time // when the request began; zero where there is none
}
