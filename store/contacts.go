package store

import (
	"context"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"rollcall/desk"
)

// Candidate is a contact that a directory's new user may be, and the key by which it was found.
type Candidate struct {
	ContactID string
	MatchedBy string // "externalId", "userName" or "email"
}

// Person is what a directory says to recognise a person by; "" for what it does not say.
type Person struct {
	TenantID   string
	Connection string
	ExternalID string
	UserName   string // folded
	Email      string // folded
}

// Candidates returns up to two contacts per key that the person may be, in the order externalId, userName, email. Contacts
// that already have a user on the connection are none.
func (tx *Tx) Candidates(ctx context.Context, p Person) ([]Candidate, error) {
	var parts []string
	var args []any
	add := func(matchedBy, join, column, value string) {
		if value == "" {
			return
		}
		// LIMIT inside a UNION wants a subquery on SQLite.
		parts = append(parts, fmt.Sprintf("SELECT * FROM (SELECT c.id AS contact_id, '%s' AS matched_by FROM contacts c %s WHERE c.tenant_id = ? AND %s = ?"+
			" AND NOT EXISTS (SELECT 1 FROM directory_users u WHERE u.tenant_id = c.tenant_id AND u.contact_id = c.id AND u.connection = ?) LIMIT 2) AS part%d",
			matchedBy, join, column, len(parts)))
		args = append(args, p.TenantID, value, p.Connection)
	}
	// An externalId is known from a user of another connection, or was left by one that its directory deleted.
	add("externalId", "", "c.external_id", p.ExternalID)
	add("externalId", "JOIN directory_users o ON o.tenant_id = c.tenant_id AND o.contact_id = c.id", "o.external_id", p.ExternalID)
	add("userName", "", "c.user_name_key", p.UserName)
	add("email", "", "c.email_key", p.Email)
	if len(parts) == 0 {
		return nil, nil
	}
	var found []Candidate
	err := tx.db.Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&found).Error
	return found, fail(err, "look for contacts to adopt")
}

// CreateContact adds a contact.
func (tx *Tx) CreateContact(ctx context.Context, c *desk.Contact) error {
	return fail(gorm.G[desk.Contact](tx.db).Create(ctx, c), "create contact")
}

// UpdateContact writes all of a contact.
func (tx *Tx) UpdateContact(c *desk.Contact) error {
	return fail(tx.db.Model(c).Select("*").Updates(c).Error, "update contact")
}

// EraseContact removes a contact and its directory users.
func (tx *Tx) EraseContact(ctx context.Context, tenant, id string) error {
	for _, statement := range []string{
		"DELETE FROM directory_user_emails WHERE tenant_id = ? AND (connection, user_id) IN (SELECT connection, id FROM directory_users WHERE tenant_id = ? AND contact_id = ?)",
		"DELETE FROM directory_users WHERE tenant_id = ? AND tenant_id = ? AND contact_id = ?",
		"DELETE FROM contacts WHERE tenant_id = ? AND tenant_id = ? AND id = ?",
	} {
		if err := tx.db.Exec(statement, tenant, tenant, id).Error; err != nil {
			return fail(err, "erase contact")
		}
	}
	return nil
}

// Contact returns a contact, or NotFound.
func (r reader) Contact(ctx context.Context, tenant, id string) (desk.Contact, error) {
	c, err := gorm.G[desk.Contact](r.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(ctx)
	return c, fail(err, "read contact")
}

// LockContact returns a contact, locked until the transaction ends, or NotFound.
func (tx *Tx) LockContact(ctx context.Context, tenant, id string) (desk.Contact, error) {
	var c desk.Contact
	err := forUpdate(tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(&c).Error
	return c, fail(err, "lock contact")
}

// ContactQuery asks for a page of contacts in the order of their ids, which is that of creation.
type ContactQuery struct {
	TenantID string
	Status   desk.Status // "" for all
	Text     string      // in name, userName or addresses; "" for any
	Domain   string      // normalised; "" for any
	Company  string      // id; "" for any
	After    string      // the id after which the page begins
	Limit    int
}

// Contacts returns a page of contacts.
func (r reader) Contacts(ctx context.Context, q ContactQuery) ([]desk.Contact, error) {
	db := gorm.G[desk.Contact](r.db).Where("tenant_id = ? AND id > ?", q.TenantID, q.After)
	switch q.Status {
	case desk.SoftDeleted: // spelt out, for the partial index
		db = db.Where("status = 'deleted'")
	case desk.Active:
		db = db.Where("status = 'active'")
	}
	if q.Domain != "" {
		db = db.Where("domain = ?", q.Domain)
	}
	if q.Company != "" {
		db = db.Where("company_id = ? AND company_id <> ''", q.Company)
	}
	if q.Text != "" {
		db = db.Where(`search_key LIKE ? ESCAPE '\'`, "%"+likeText.Replace(desk.Fold(q.Text))+"%")
	}
	list, err := db.Order("id").Limit(q.Limit).Find(ctx)
	return list, fail(err, "list contacts")
}

// likeText makes LIKE's wildcards stand for themselves.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)
