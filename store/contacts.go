package store

import (
	"fmt"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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

// shared is how many contacts may share a key before it says nothing about who somebody is.
const shared = 100

// Recognition is what becomes of somebody new depends on.
type Recognition struct {
	State      string               // of the connection (desk.Directory); "" if it is gone
	Holders    []desk.DirectoryUser // users of the connection with the externalId or the userName
	Candidates []Candidate
	Facts      desk.CompanyFacts
}

// Recognise locks the person's keys, as Lock does, and gathers all of that at once; if somebody has one of the keys, at twice. state is what
// the caller takes the connection's for, "" for nothing. On PostgreSQL it may be a guess; where that is wrong, the transaction runs again.
func (tx *Tx) Recognise(p Person, q CompanyQuery, state string) (r Recognition, err error) {
	if tx.engine == Postgres && !tx.sure && state != "" && q.shape().usual() {
		if facts, ok := tx.store.guesses.of(p.guessKey(q)); ok {
			w := tx.asker.(*pgTx)
			w.taken = true
			if err := w.later(p.guessLock()); err != nil {
				return r, fail(err, "recognise a person")
			}
			return Recognition{State: state, Facts: q.facts(facts)}, w.later(p.guess(q, state, facts, &w.wrong))
		}
	}
	if err := tx.Lock(p.TenantID, p.lockKeys()...); err != nil {
		return r, err
	}
	known := false
	list := append(make([]question, 0, 2), p.anybody(&r.State, &known))
	var rows []companyFact
	if facts, ok := q.question(&rows); ok {
		list = append(list, facts)
	}
	if err = tx.ask(list...); err == nil && known {
		list = append(list[:0], byKey(&r.Holders, p))
		if candidates, ok := p.candidates(&r.Candidates); ok {
			list = append(list, candidates)
		}
		err = tx.ask(list...)
	}
	if err == nil && tx.engine == Postgres {
		tx.store.guesses.learn(p.guessKey(q), rows, known || tx.sure)
	}
	r.Facts = q.facts(rows)
	return r, fail(err, "recognise a person")
}

// Candidates returns up to two contacts per key that the person may be, in the order externalId, userName, email. Contacts
// that already have a user on the connection are none.
func (r Reader) Candidates(p Person) (found []Candidate, err error) {
	if q, ok := p.candidates(&found); ok {
		err = r.ask(q)
	}
	return found, fail(err, "look for contacts to adopt")
}

// CandidatesOf returns the same for several people, asked at once.
func (r Reader) CandidatesOf(people []Person) ([][]Candidate, error) {
	found := make([][]Candidate, len(people))
	var list []question
	for i, p := range people {
		if q, ok := p.candidates(&found[i]); ok {
			list = append(list, q)
		}
	}
	if len(list) == 0 {
		return found, nil
	}
	return found, fail(r.ask(list...), "look for contacts to adopt")
}

// ContactsByID returns those of a tenant's contacts that there are, by id.
func (r Reader) ContactsByID(tenant string, ids []string) (map[string]desk.Contact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := gorm.G[desk.Contact](r.db).Where("tenant_id = ? AND id IN ?", tenant, ids).Find(r.ctx)
	byID := make(map[string]desk.Contact, len(list))
	for _, c := range list {
		byID[c.ID] = c
	}
	return byID, fail(err, "read contacts")
}

// candidates asks for them, if there is a key to go by.
func (p Person) candidates(found *[]Candidate) (q question, ok bool) {
	args := make([]any, 0, 16)
	keys, tenant := 0, any(p.TenantID)
	for i, value := range p.keys() {
		if value != "" {
			keys |= 1 << i
			args = append(args, tenant, value, tenant, p.Connection)
		}
	}
	return question{sql: candidates[keys], args: args, row: func(scan scanner) error {
		var c Candidate
		err := scan(&c.ContactID, &c.MatchedBy)
		*found = append(*found, c)
		return err
	}}, keys != 0
}

// anybody asks for the connection's state, and whether there can be a holder or a candidate at all, which there mostly is not.
func (p Person) anybody(state *string, found *bool) question {
	keys, args := p.byKeys(make([]any, 0, 13))
	return question{sql: anybody[keys], args: args, row: func(scan scanner) error {
		var d directoryState
		err := scan(&d.settings, &d.fields, &d.paused, found)
		*state = d.String()
		return err
	}}
}

// byKeys returns which of that query it is, and appends its arguments.
func (p Person) byKeys(args []any) (keys int, _ []any) {
	tenant := any(p.TenantID)
	for i, value := range p.keys() {
		if value != "" {
			keys |= 1 << i
			args = append(args, tenant, value)
		}
	}
	return keys, append(args, tenant, p.Connection, p.UserName, tenant, p.Connection)
}

// lockKeys are what is locked while it is decided who the person is.
func (p Person) lockKeys() []string { return []string{p.ExternalID, p.UserName, p.Email} }

// keys are what candidates are found by, in the order of the queries.
func (p Person) keys() [4]string { return [4]string{p.ExternalID, p.ExternalID, p.UserName, p.Email} }

// anybody is that query, by which of the keys there are.
var anybody = func() (queries [16]string) {
	for keys := range queries {
		ways := "SELECT 1 FROM " + strings.Join(waysByKeys(keys), " UNION ALL SELECT 1 FROM ")
		queries[keys] = strings.Replace(selectState, " FROM", ", EXISTS ("+ways+") AS known FROM", 1)
	}
	return queries
}()

// waysByKeys are where holders of some of the keys, and of the userName, are found.
func waysByKeys(keys int) (ways []string) {
	for i, way := range []string{"contacts WHERE tenant_id = ? AND external_id = ?", "directory_users WHERE tenant_id = ? AND external_id = ?",
		"contacts WHERE tenant_id = ? AND user_name_key = ?", "contacts WHERE tenant_id = ? AND email_key = ?"} {
		if keys&(1<<i) != 0 {
			ways = append(ways, way)
		}
	}
	return append(ways, "directory_users WHERE tenant_id = ? AND connection = ? AND user_name_key = ?")
}

// candidates is that query, by which of the keys there are.
var candidates = func() (queries [16]string) {
	ways := []struct{ key, from string }{
		// An externalId was left by a directory that deleted its user, or is known from a user of another connection.
		{"externalId", "SELECT id FROM contacts WHERE tenant_id = ? AND external_id = ?"},
		// (Asked for it directly, SQLite makes them distinct, and leaves out who has none, by reading all users in the order of their
		// contacts.)
		{"externalId", fmt.Sprintf("SELECT DISTINCT id FROM (SELECT contact_id AS id FROM directory_users WHERE tenant_id = ? AND external_id = ? LIMIT %d) AS same WHERE id IS NOT NULL", shared)},
		{"userName", "SELECT id FROM contacts WHERE tenant_id = ? AND user_name_key = ?"},
		{"email", "SELECT id FROM contacts WHERE tenant_id = ? AND email_key = ?"},
	}
	for keys := range queries {
		var parts []string
		for i, way := range ways {
			if keys&(1<<i) != 0 {
				// LIMIT inside a UNION wants a subquery on SQLite.
				parts = append(parts, fmt.Sprintf("SELECT * FROM (SELECT k.id AS contact_id, '%s' AS matched_by FROM (%s LIMIT %d) AS k WHERE NOT EXISTS"+
					" (SELECT 1 FROM directory_users u WHERE u.tenant_id = ? AND u.contact_id = k.id AND u.connection = ?) LIMIT 2) AS part%d", way.key, way.from, shared, i))
			}
		}
		queries[keys] = strings.Join(parts, " UNION ALL ")
	}
	return queries
}()

// CreateContact adds a contact.
func (tx *Tx) CreateContact(c *desk.Contact) error {
	q, err := contacts.inserting(c)
	if tx.engine == SQLite {
		q.sql, q.args = insertNumbered, append(q.args, c.TenantID, c.ID, c.TenantID)
	}
	return fail(tx.write(q, err), "create contact")
}

// insertNumbered gives a contact its number for the full-text index: the one after the greatest so far, be it of the tenant's strays if there
// is a greater id, or of its others (step 25).
var insertNumbered = strings.NewReplacer(") VALUES", ", num) VALUES", "?)", "?, (SELECT coalesce((SELECT max(num) FROM contacts WHERE tenant_id = t.tenant_id AND num > t.before AND num < t.before + (1 << 39)), t.before) + 1"+
	" FROM (SELECT tenant_id, (num << 40) + CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE tenant_id = ? AND id > ?) THEN 1 << 39 ELSE 0 END AS before FROM tenants WHERE tenant_id = ?) AS t))").Replace(contacts.insert)

// UpdateContact writes what changed of a contact.
func (tx *Tx) UpdateContact(stored, c *desk.Contact) error {
	return fail(rewrite(tx, contacts, stored, c), "update contact")
}

// DeleteContact removes a contact, which no directory user may point at any more.
func (tx *Tx) DeleteContact(tenant, id string) error {
	_, err := gorm.G[desk.Contact](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	return fail(err, "delete contact")
}

// Contact returns a contact, or NotFound.
func (r Reader) Contact(tenant, id string) (desk.Contact, error) {
	c, err := gorm.G[desk.Contact](r.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(r.ctx)
	return c, fail(err, "read contact")
}

// LockContact returns a contact, locked until the transaction ends, or NotFound.
func (tx *Tx) LockContact(tenant, id string) (desk.Contact, error) {
	rest := "WHERE tenant_id = ? AND id = ?"
	if tx.engine == Postgres {
		rest += " FOR UPDATE"
	}
	var list []desk.Contact
	err := tx.ask(contacts.reading(&list, rest, tenant, id))
	return one(list, err, "lock contact")
}

// LockContacts returns those of some contacts that exist, by id, locked until the transaction ends: in that order, so that two that
// lock the same ones do not wait for each other.
func (tx *Tx) LockContacts(tenant string, ids []string) (list []desk.Contact, err error) {
	err = tx.db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("tenant_id = ? AND id IN ?", tenant, ids).Order("id").Find(&list).Error
	return list, fail(err, "lock contacts")
}

// ContactNames returns the names of contacts that exist, by id.
func (r Reader) ContactNames(tenant string, ids []string) (map[string]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []struct{ ID, DisplayName string }
	err := r.db.WithContext(r.ctx).Raw("SELECT id, display_name FROM contacts WHERE tenant_id = ? AND id IN ?", tenant, ids).Scan(&rows).Error
	names := make(map[string]string, len(rows))
	for _, row := range rows {
		names[row.ID] = row.DisplayName
	}
	return names, fail(err, "read the names of contacts")
}

// ContactsByKey returns the ids of up to ten contacts each with the externalId, the folded userName and the folded main address.
func (r Reader) ContactsByKey(tenant, externalID, key string) (ids []string, err error) {
	const by = "SELECT id FROM (SELECT id FROM contacts WHERE tenant_id = ? AND %s = ? LIMIT 10) AS by_%[1]s"
	err = r.db.WithContext(r.ctx).Raw(fmt.Sprintf(by, "external_id")+" UNION "+fmt.Sprintf(by, "user_name_key")+" UNION "+fmt.Sprintf(by, "email_key"),
		tenant, externalID, tenant, key, tenant, key).Scan(&ids).Error
	return ids, fail(err, "look for contacts")
}
