package desk

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"time"
)

// The secrets of a grant, of which at most the newest two are good.
const (
	GrantCode    TokenKind = "code"    // from the consent, for the first tokens
	GrantRefresh TokenKind = "refresh" // for further ones
)

// How long what an OAuth client gets is good.
const (
	CodeLife    = time.Minute
	AccessLife  = time.Hour
	RefreshLife = 180 * 24 * time.Hour // since it was last used
)

// Grant is an administrator's consent to an OAuth client (RFC 6749 section 4.1). First it has a code, once that was used it
// has refresh tokens, each of which replaces the one before.
type Grant struct {
	TenantID   string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"`
	ClientID   string
	GrantedBy  string // the administrator's name
	CodeHash   string
	Binding    string // what the code is bound to besides the client; see Binding
	Refresh    string `gorm:"column:refresh_hash"`  // hash of the refresh token, "" until the code was used
	Previous   string `gorm:"column:previous_hash"` // hash of the one before
	CreatedAt  time.Time
	ExpiresAt  time.Time
	LastUsedAt *time.Time
}

// AuthorizationRequest is what a client sends an administrator's browser with (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
type AuthorizationRequest struct {
	ResponseType    string
	ClientID        string
	RedirectURI     string
	State           string
	Challenge       string
	ChallengeMethod string
}

var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// Check returns NotImplemented for a response other than a code, and InvalidValue unless the client may ask like that. The
// redirect URL is the client's, which the caller has seen to.
func (r AuthorizationRequest) Check(c Client) error {
	switch {
	case r.ResponseType == "":
		return Errorf(InvalidValue, "response_type", "response_type is missing; it is code")
	case r.ResponseType != "code":
		return Errorf(NotImplemented, "response_type", "response_type must be code")
	case r.Challenge == "" && r.ChallengeMethod == "" && c.WithoutPKCE:
		return nil
	case r.Challenge == "":
		return Errorf(InvalidValue, "code_challenge", "code_challenge is missing: this client must use PKCE")
	case r.ChallengeMethod != "S256":
		return Errorf(InvalidValue, "code_challenge_method", "code_challenge_method must be S256")
	case !challengePattern.MatchString(r.Challenge):
		return Errorf(InvalidValue, "code_challenge", "code_challenge must be a SHA-256 in base64url, 43 characters")
	}
	return nil
}

// Challenge returns the S256 challenge of a PKCE verifier; "" for none.
func Challenge(verifier string) string {
	if verifier == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Binding returns what holds a code to the redirect URL and the challenge ("" for none) with which it was asked for.
func Binding(redirectURI, challenge string) string {
	sum := sha256.Sum256([]byte(redirectURI + "\x00" + challenge))
	return hex.EncodeToString(sum[:])
}
