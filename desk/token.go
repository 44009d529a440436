package desk

import "time"

// TokenKind says what a token opens.
type TokenKind string

const (
	TokenSCIM    TokenKind = "scim"    // one connection's SCIM endpoint
	TokenAPI     TokenKind = "api"     // the tenant's JSON API
	TokenSignIn  TokenKind = "signin"  // the portal, once: a sign-in link
	TokenSession TokenKind = "session" // the portal, from a browser that has signed in
)

// Token is a bearer token's record. Of the secret only the SHA-256 is stored.
type Token struct {
	TenantID   string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"`
	Kind       TokenKind
	Hash       string // SHA-256 of the whole token, hex
	Connection string // slug; only for TokenSCIM
	Role       Role   // "" for TokenSCIM
	Label      string
	ExpiresAt  *time.Time
	LastUsedAt *time.Time // to the minute
	CreatedAt  time.Time
}
