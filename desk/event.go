package desk

import "time"

// Operation is what a request asked for.
type Operation string

const (
	OpCreate  Operation = "create"
	OpReplace Operation = "replace" // SCIM PUT
	OpPatch   Operation = "patch"
	OpDelete  Operation = "delete"
	OpRestore Operation = "restore"
	OpErase   Operation = "erase"
	OpRead    Operation = "read"   // recorded only when refused
	OpRescan  Operation = "rescan" // a contact mapped to companies anew
	OpBulk    Operation = "bulk"   // the same: what a bulk request does is recorded as what it is
	// OpAuthorize is an OAuth client's request for a token: recorded only when refused.
	OpAuthorize Operation = "authorize"
	OpSignIn    Operation = "signin" // an agent's to the portal
)

// Operations lists every Operation.
var Operations = []Operation{OpCreate, OpReplace, OpPatch, OpDelete, OpRestore, OpErase, OpRead, OpRescan, OpBulk, OpAuthorize, OpSignIn}

// Outcome is what came of it.
type Outcome string

const (
	Created     Outcome = "created"
	Adopted     Outcome = "adopted" // a contact that existed was matched and taken over
	Revived     Outcome = "revived" // an inactive directory user was pushed again
	Updated     Outcome = "updated"
	Deactivated Outcome = "deactivated" // active went to false
	Restored    Outcome = "restored"
	Deleted     Outcome = "deleted"
	Erased      Outcome = "erased"
	Skipped     Outcome = "skipped"  // the connection's settings kept the contact as it was; the reason says which
	Unlinked    Outcome = "unlinked" // the contact stays, and loses a directory's user with the whole connection
	Started     Outcome = "started"
	Refused     Outcome = "refused"
)

// Outcomes lists every Outcome.
var Outcomes = []Outcome{Created, Adopted, Revived, Updated, Deactivated, Restored, Deleted, Erased, Unlinked, Skipped, Started, Refused}

// Event is one line of the log: one per write and one per refusal. Its id is a UUIDv7 that begins with its time, so that a
// stretch of time is a range of ids.
type Event struct {
	TenantID   string `gorm:"primaryKey"`
	Connection string `gorm:"primaryKey"` // slug; "" for what no directory did
	ID         string `gorm:"primaryKey"`
	At         time.Time
	// Microseconds is how long the request had taken when the event was recorded, just before the commit; 0 where no request
	// was behind it. Began is when that request began.
	Microseconds int64
	Began        time.Time `gorm:"-"`
	ActorType    ActorType
	ActorName    string
	Operation    Operation
	Outcome      Outcome
	// Reason is a code: for a refusal the error's Kind; otherwise what decided the outcome, such as the key by which a
	// contact was matched ("externalId", "userName", "email") or "ambiguous_match".
	Reason string
	// Detail is a refusal's message, as the client was told, or what of an accepted request was left out.
	Detail    string
	ContactID *string
	UserID    *string // SCIM id
	// Subject is who a refused request was about, as far as it said: the userName, else the externalId; and the userName of a user
	// without a contact. SubjectKey is its folded form, by which erasing a person finds these events.
	Subject    string
	SubjectKey string
	Changes    []Change `gorm:"serializer:json"`
	RequestID  string
}

// Milliseconds is Microseconds as people read them.
func (e Event) Milliseconds() float64 { return float64(e.Microseconds) / 1000 }

// ChangedFields names the fields that changed.
func (e Event) ChangedFields() []string {
	var names []string
	for _, c := range e.Changes {
		names = append(names, c.Field)
	}
	return names
}

// Event returns an event of the actor's, without what it is about.
func (a Actor) Event(operation Operation, outcome Outcome, reason string) Event {
	return Event{
		TenantID: a.TenantID, Connection: a.Connection, ActorType: a.Type, ActorName: a.Name, RequestID: a.RequestID, Began: a.Began,
		Operation: operation, Outcome: outcome, Reason: reason,
	}
}

// Change is one field's value before and after; nil stands for none.
type Change struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}
