package desk

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// Agent is a person who works in the portal of a helpdesk.
type Agent struct {
	TenantID string `gorm:"primaryKey"`
	ID       string `gorm:"primaryKey"`
	Name     string
	Email    string
	EmailKey string // folded; one agent of a tenant has it
	Role     Role
	// PasswordHash is argon2id's with its parameters; "" as long as the agent has set no password.
	PasswordHash string
	Identity     Identity `gorm:"embedded"`
	CreatedAt    time.Time
	LastSignInAt *time.Time
	DisabledAt   *time.Time // since when the agent cannot sign in; nil for one who can
}

// Identity is who an agent is at an OpenID provider; empty for an agent who has never come from one.
type Identity struct {
	Issuer  string
	Subject string
}

// Invited reports whether the agent has not yet made use of the invitation: there is nothing to sign in with.
func (a Agent) Invited() bool { return a.PasswordHash == "" && a.Identity == Identity{} }

// AgentEdit is what an administrator changes in an agent; nil leaves a field as it is.
type AgentEdit struct {
	Name     *string
	Role     *Role
	Disabled *bool
}

const (
	maxAgentName = 200 // characters
	maxEmail     = 254 // bytes (RFC 5321 section 4.5.3.1.3, without the brackets)
)

// Check returns an InvalidValue error unless the agent makes sense.
func (a Agent) Check() error {
	switch {
	case !IsEmail(a.Email):
		return Errorf(InvalidValue, "email", "Give an email address, such as ann@desk.example.")
	case a.Name == "" || !plain(a.Name, 4*maxAgentName) || utf8.RuneCountInString(a.Name) > maxAgentName:
		return Errorf(InvalidValue, "name", "A name has up to %d characters, and no control characters among them.", maxAgentName)
	case a.Role != RoleAgent && a.Role != RoleAdmin:
		return Errorf(InvalidValue, "role", "A role is agent or admin.")
	}
	return nil
}

// IsEmail reports whether a text is an email address and nothing else: no name or brackets around it.
func IsEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && plain(text, maxEmail)
}

// NameOfEmail returns what an agent of whom nothing else is known is called: what stands before the @.
func NameOfEmail(email string) string {
	name, _, _ := strings.Cut(email, "@")
	return name
}

// How long a password may be, in characters.
const (
	MinPassword = 12
	MaxPassword = 200
)

// CheckPassword returns an InvalidValue error unless an agent may choose the password. Length is what makes one hard to guess;
// rules about the kinds of characters make people predictable (NIST SP 800-63B section 3.1.1).
func CheckPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return Errorf(InvalidValue, "password", "A password has at least %d characters. A few words in a row are good.", MinPassword)
	case n > MaxPassword || !utf8.ValidString(password):
		return Errorf(InvalidValue, "password", "A password has up to %d characters.", MaxPassword)
	case strings.Count(password, password[:1]) == len(password):
		return Errorf(InvalidValue, "password", "This password is easy to guess. A few words in a row are good.")
	}
	return nil
}
