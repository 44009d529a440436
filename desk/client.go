package desk

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Client is an OAuth 2.0 client: a directory that fetches its tokens for one connection instead of being given one. With
// redirect URLs it has an administrator consent (authorization code), without it acts on its own (client credentials).
type Client struct {
	TenantID     string `gorm:"primaryKey"`
	ID           string `gorm:"primaryKey"`
	Connection   string // slug
	Label        string
	RedirectURIs []string `gorm:"column:redirect_uris;serializer:json"`
	// Public says that the client can keep no secret. It has none, and proves itself by PKCE alone.
	Public bool
	// WithoutPKCE lets a client that has secrets leave out PKCE (RFC 7636), which not every directory can do.
	WithoutPKCE     bool       `gorm:"column:without_pkce"`
	Federation      Federation `gorm:"embedded"`
	CreatedAt       time.Time
	LastUsedAt      *time.Time // when it last got a token
	LastUsedAddress string
}

// Federation says whose signed statement stands in for a client's secret (RFC 7523 section 2.2): workload identity federation.
// It is empty for a client with secrets.
type Federation struct {
	Issuer   string // the URL that the statement's iss must equal
	Subject  string // its sub
	Audience string // its only aud
	// The issuer's keys: a URL, or a JSON Web Key Set. With neither they are found by the issuer's discovery document.
	JWKSURI string `gorm:"column:jwks_uri"`
	JWKS    string `gorm:"column:jwks"`
}

// Federated reports whether the client may prove itself by an issuer's statement.
func (c Client) Federated() bool { return c.Federation.Issuer != "" }

// Name is what people call the client.
func (c Client) Name() string {
	if c.Label != "" {
		return "client " + c.Label
	}
	return "client " + c.ID
}

// MaxClients is how many OAuth clients a connection may have.
const MaxClients = 20

const (
	maxRedirectURIs = 10
	maxURL          = 2000
	maxJWKS         = 1 << 16
)

// Check returns an InvalidValue error unless the client makes sense. It does not look into the keys.
func (c Client) Check() error {
	switch {
	case !plain(c.Label, 200):
		return Errorf(InvalidValue, "label", "a label is up to 200 bytes without control characters")
	case len(c.RedirectURIs) > maxRedirectURIs:
		return Errorf(InvalidValue, "redirectUris", "a client has up to %d redirect URLs", maxRedirectURIs)
	case c.Public && len(c.RedirectURIs) == 0:
		return Errorf(InvalidValue, "redirectUris", "a public client needs a redirect URL: it cannot prove who it is without one")
	case c.Public && (c.WithoutPKCE || c.Federated()):
		return Errorf(InvalidValue, "public", "a public client proves itself by PKCE alone")
	case c.WithoutPKCE && len(c.RedirectURIs) == 0:
		return Errorf(InvalidValue, "withoutPkce", "only a client with redirect URLs can leave out PKCE")
	}
	for i, u := range c.RedirectURIs {
		if err := checkRedirectURI(u); err != nil {
			return err
		}
		if slices.Contains(c.RedirectURIs[:i], u) {
			return Errorf(InvalidValue, "redirectUris", "a redirect URL is there twice")
		}
	}
	return c.Federation.check()
}

func (f Federation) check() error {
	switch {
	case f == Federation{}:
		return nil
	case !isHTTPS(f.Issuer) || strings.Contains(f.Issuer, "?"):
		return Errorf(InvalidValue, "federation.issuer", "the issuer is an https URL without a query")
	case f.Subject == "" || !plain(f.Subject, 500):
		return Errorf(InvalidValue, "federation.subject", "the subject is what stands in the assertion's sub")
	case f.Audience == "" || !plain(f.Audience, 500):
		return Errorf(InvalidValue, "federation.audience", "the audience is what stands in the assertion's aud")
	case f.JWKSURI != "" && !isHTTPS(f.JWKSURI):
		return Errorf(InvalidValue, "federation.jwksUri", "the keys' URL begins with https://")
	case f.JWKSURI != "" && f.JWKS != "":
		return Errorf(InvalidValue, "federation.jwks", "give the keys, or their URL, or neither for the issuer's discovery document")
	case len(f.JWKS) > maxJWKS:
		return Errorf(InvalidValue, "federation.jwks", "a key set is up to %d bytes", maxJWKS)
	}
	return nil
}

// checkRedirectURI holds what browsers are sent to. It stands in a Content-Security-Policy too, where a host must not say more
// than a host.
func checkRedirectURI(s string) error {
	u, err := url.Parse(s)
	loopback := err == nil && u.Scheme == "http" && isLoopback(u.Hostname())
	if !isURL(s) || !loopback && !isHTTPS(s) {
		return Errorf(InvalidValue, "redirectUris", "a redirect URL is complete, with https:// (http:// for this machine), and without a fragment")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isHTTPS(s string) bool { return isURL(s) && strings.HasPrefix(s, "https://") }

var hostPattern = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$`)

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && hostPattern.MatchString(u.Host) && u.User == nil && !strings.ContainsAny(s, "# ") && plain(s, maxURL)
}

// plain reports whether databases and headers can hold s, and it is no longer than that.
func plain(s string, limit int) bool {
	return len(s) <= limit && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Issuer returns the URL below which a tenant's OAuth endpoints are: /token, /authorize, /revoke.
func Issuer(publicURL, tenant string) string { return publicURL + "/oauth/" + tenant }
