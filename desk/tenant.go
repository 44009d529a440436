package desk

import (
	"strings"
	"time"
)

// Tenant is one helpdesk. Its id is a slug, chosen once: it stands in tenant URLs and tokens.
type Tenant struct {
	ID        string `gorm:"column:tenant_id;primaryKey"`
	Name      string
	Fields    []Field `gorm:"serializer:json"` // the custom ones, in the order in which they were made
	CreatedAt time.Time
}

// Directory is a connection, with what of its tenant its requests depend on.
type Directory struct {
	Connection
	Fields []Field
	// State tells settings, fields and pause from others, by which a transaction knows that they are still so; "" where that is no
	// matter.
	State string
}

// Paused returns the error that a paused connection's requests get, nil for one that goes on.
func (d *Directory) Paused() error {
	if d.PausedAt == nil {
		return nil
	}
	return Errorf(Paused, "", "%s paused this connection at %s; nothing is lost, the directory shall try again when it goes on",
		d.PausedBy, d.PausedAt.UTC().Format(time.RFC3339))
}

// Connection is one directory that pushes people into a tenant. Its slug stands in the tenant URL that the directory's
// administrator pastes, so it never changes.
type Connection struct {
	TenantID  string `gorm:"primaryKey"`
	Slug      string `gorm:"primaryKey"`
	Name      string
	Provider  string
	CreatedAt time.Time
	// Description and Notes are for people. A paused connection's requests are refused until it goes on.
	Description, Notes string
	PausedAt           *time.Time
	PausedBy           string     // the name of who paused it, with the reason if they gave one
	ResumedAt          *time.Time // when it last went on: what came before, the guard does not count
	// RecorderKey makes the names that stand for people in recorded exchanges; "" while nothing is recorded.
	RecorderKey string
	Settings    Settings `gorm:"serializer:json"`
	// LastActivityAt is when the directory last asked for anything, give or take some seconds; nil for never.
	LastActivityAt *time.Time `gorm:"-"`
}

// Exchange is one recorded request of a directory with its answer, without what is personal or secret.
type Exchange struct {
	TenantID   string `gorm:"primaryKey"`
	Connection string `gorm:"primaryKey"`
	ID         string `gorm:"primaryKey"` // a UUIDv7, so that ids are in order of time
	Line       string // JSON, as testdata/README.md describes a line
}

// Providers are the directories that a connection may name.
var Providers = []string{"entra", "zoho", "okta", "onelogin", "jumpcloud", "google", "generic"}

// CheckSlug returns an InvalidValue error unless s can name a tenant or connection in a URL: 1 to 40 lower-case letters,
// digits and inner hyphens. "v2" is taken: tenant URLs may end in it.
func CheckSlug(field, s string) error {
	const inner = "abcdefghijklmnopqrstuvwxyz0123456789-"
	if s == "" || len(s) > 40 || strings.Trim(s, inner) != "" || s[0] == '-' || s[len(s)-1] == '-' || s == "v2" {
		return Errorf(InvalidValue, field, "%s must be 1 to 40 lower-case letters, digits or hyphens, and not v2", field)
	}
	return nil
}
