package desk

import "time"

// TokenKind says what a token opens.
type TokenKind string

const (
	TokenSCIM    TokenKind = "scim"    // one connection's SCIM endpoint
	TokenAPI     TokenKind = "api"     // the tenant's JSON API
	TokenSignIn  TokenKind = "signin"  // the portal, once: a sign-in link
	TokenSession TokenKind = "session" // the portal, from a browser that has signed in

	TokenAccess       TokenKind = "access"    // one connection's SCIM endpoint, for an hour: what an OAuth client gets
	TokenClientSecret TokenKind = "secret"    // the token endpoint: an OAuth client's secret
	TokenAssertion    TokenKind = "assertion" // nothing: an assertion that an OAuth client has used up

	TokenRevoked TokenKind = "revoked" // nothing: one of a connection that was deleted, while its directory may still send it

	TokenForm TokenKind = "form" // nothing: a form of the portal's that was sent
)

// Token is a bearer token's record. Of the secret only the SHA-256 is stored.
type Token struct {
	TenantID        string `gorm:"primaryKey"`
	ID              string `gorm:"primaryKey"`
	Kind            TokenKind
	Hash            string // SHA-256 of the whole token, hex
	Connection      string // slug; "" for what opens the API or the portal
	ClientID        string // the OAuth client whose it is, "" for none
	GrantID         string // the consent to which an access token goes back, "" for none
	AgentID         string // the agent whose session it is, or who sets a password by it; "" for nobody's
	Role            Role   // only for what opens the API or the portal, unless an agent's record has it
	Label           string
	ExpiresAt       *time.Time
	LastUsedAt      *time.Time // to the minute
	LastUsedAddress string     // the IP address from which it was used then
	UserAgent       string     // a session's browser, as it said what it is
	CreatedAt       time.Time
}
