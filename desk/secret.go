package desk

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// prefixes tell secrets apart, for people, and for scanners that look for leaked ones.
var prefixes = map[TokenKind]string{
	TokenSCIM: "rcs", TokenAPI: "rca", TokenSignIn: "rcl", TokenSession: "rcw",
	TokenAccess: "rco", TokenClientSecret: "rck", GrantCode: "rcc", GrantRefresh: "rcr",
}

var secretEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewSecret returns a new secret of a tenant: a prefix that names its kind, the tenant, for a grant's secrets the grant's id,
// and 256 random bits.
func NewSecret(kind TokenKind, tenant string, grant ...string) string {
	var bits [32]byte
	rand.Read(bits[:])
	parts := append([]string{prefixes[kind], tenant}, grant...)
	return strings.Join(append(parts, secretEncoding.EncodeToString(bits[:])), "_")
}

// HashSecret returns what is stored of a secret: its SHA-256, in hex. For a secret of that much entropy a slow hash adds nothing.
func HashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ParseSecret returns what a secret says of itself: its kind, tenant, and grant if it is a grant's. What is none of ours has
// no kind.
func ParseSecret(secret string) (kind TokenKind, tenant, grant string) {
	parts := strings.Split(secret, "_")
	for k, prefix := range prefixes {
		ofGrant := k == GrantCode || k == GrantRefresh
		switch {
		case parts[0] != prefix:
		case len(parts) == 3 && !ofGrant && CheckSlug("tenant", parts[1]) == nil:
			return k, parts[1], ""
		case len(parts) == 4 && ofGrant && CheckSlug("tenant", parts[1]) == nil:
			return k, parts[1], parts[2]
		}
	}
	return "", "", ""
}
