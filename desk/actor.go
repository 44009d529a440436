package desk

import "time"

// Role is what an agent or the bearer of an API token may do.
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
	Name       string     // the connection's slug, the agent's name or the token's label
	Role       Role       // only for an agent
	AgentID    string     // the record of an agent who has signed in; "" for who came with a token or with the first link
	SessionID  string     // of an agent's browser; "" elsewhere
	RequestID  string
	Began      time.Time // when the request began; zero where there is none
}
