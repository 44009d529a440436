package desk

import "time"

// TicketStatus is how far a ticket has come.
type TicketStatus string

const (
	TicketOpen    TicketStatus = "open"
	TicketPending TicketStatus = "pending"
	TicketSolved  TicketStatus = "solved"
)

// Ticket is a request of a contact.
type Ticket struct {
	TenantID  string `gorm:"primaryKey"`
	ID        string `gorm:"primaryKey"`
	ContactID string // stays when the contact is erased
	Subject   string // "" once the contact is erased
	Status    TicketStatus
	Spam      bool
	// SpamByDeletion says that the mark came with the contact's deletion, and goes when the contact comes back. An agent
	// who sets or takes off the mark makes it the agent's.
	SpamByDeletion bool
	CreatedAt      time.Time
	ModifiedAt     time.Time
}
