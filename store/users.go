package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"rollcall/desk"
)

// CreateUser adds a directory user and its emails. A taken externalId or userName is a Uniqueness error; so is a contact
// that has a user on the connection already, with the field "contact".
func (tx *Tx) CreateUser(u *desk.DirectoryUser, emails []desk.UserEmail) error {
	if err := tx.write(users.inserting(u)); err != nil {
		return fail(err, "create directory user")
	}
	return tx.addEmails(emails)
}

// UpdateUser writes what changed of a directory user and of its emails.
func (tx *Tx) UpdateUser(stored, u *desk.DirectoryUser, before, after []desk.UserEmail) error {
	tx.store.lookedUp.changed(u.TenantID, u.Connection)
	if w, ok := tx.asker.(*pgTx); ok && (stored.UserNameKey != u.UserNameKey || !same(reflect.ValueOf(stored.ExternalID), reflect.ValueOf(u.ExternalID))) {
		w.alone = true // the key may be taken
	}
	if err := rewrite(tx, users, stored, u); err != nil {
		return fail(err, "update directory user")
	}
	gone, added := without(before, after), without(after, before)
	for len(gone) > 0 && len(added) > 0 { // mostly one address takes the place of another
		from, to := gone[0], added[0]
		q := replaceEmail.writing(to.ValueKey, to.TypeKey, from.TenantID, from.Connection, from.ValueKey, from.TypeKey, from.UserID)
		if err := tx.write(q, nil); err != nil {
			return fail(err, "index emails")
		}
		gone, added = gone[1:], added[1:]
	}
	if err := tx.removeEmails(gone); err != nil {
		return err
	}
	return tx.addEmails(added)
}

// DeleteUser removes a directory user and its emails.
func (tx *Tx) DeleteUser(u *desk.DirectoryUser, emails []desk.UserEmail) error {
	tx.store.lookedUp.changed(u.TenantID, u.Connection)
	if err := tx.removeEmails(emails); err != nil {
		return err
	}
	return fail(tx.write(removeUser.writing(u.TenantID, u.Connection, u.ID), nil), "delete directory user")
}

func (tx *Tx) addEmails(rows []desk.UserEmail) error {
	for i := range rows {
		if err := tx.write(emails.inserting(&rows[i])); err != nil {
			return fail(err, "index emails")
		}
	}
	return nil
}

func (tx *Tx) removeEmails(rows []desk.UserEmail) error {
	for _, e := range rows {
		if err := tx.write(removeEmail.writing(e.TenantID, e.Connection, e.ValueKey, e.TypeKey, e.UserID), nil); err != nil {
			return fail(err, "index emails")
		}
	}
	return nil
}

const oneEmail = " WHERE tenant_id = ? AND connection = ? AND value_key = ? AND type_key = ? AND user_id = ?"

var (
	removeUser   = ifRight("DELETE FROM directory_users WHERE tenant_id = ? AND connection = ? AND id = ?")
	removeEmail  = ifRight("DELETE FROM directory_user_emails" + oneEmail)
	replaceEmail = ifRight("UPDATE directory_user_emails SET value_key = ?, type_key = ?" + oneEmail)
)

// without returns the rows of a that are not in b.
func without(a, b []desk.UserEmail) []desk.UserEmail {
	have := make(map[desk.UserEmail]bool, len(b))
	for _, row := range b {
		have[row] = true
	}
	var rest []desk.UserEmail
	for _, row := range a {
		if !have[row] {
			rest = append(rest, row)
		}
	}
	return rest
}

// User returns a connection's directory user, or NotFound.
func (r Reader) User(tenant, connection, id string) (desk.DirectoryUser, error) {
	list, err := r.lookUp(tenant, connection, oneUser, tenant, connection, id)
	return one(list, err, "read directory user")
}

// one returns the only row, or NotFound.
func one[T any](list []T, err error, doing string) (row T, _ error) {
	if err == nil && len(list) == 0 {
		err = gorm.ErrRecordNotFound
	}
	if err != nil {
		return row, fail(err, doing)
	}
	return list[0], nil
}

// Locked is a directory user and its contact, which is zero for a user who has none, and the state of the connection
// (desk.Directory).
type Locked struct {
	User    desk.DirectoryUser
	Contact desk.Contact
	State   string
}

// LockUser holds the tenant's companies as they are, as Lock does, and returns a connection's directory user and its contact, both locked
// until the transaction ends, or NotFound. On PostgreSQL they may have been read before the transaction begins, even by a look-up if the
// caller knows the connection's state ("" for nothing). It then writes only if they and the state are as they were, and else runs again.
func (tx *Tx) LockUser(tenant, connection, id, state string) (l Locked, err error) {
	if w, ok := tx.asker.(*pgTx); ok && !tx.sure && w.untouched() {
		found, err := tx.readUser(w, &l, tenant, connection, id, state)
		if err != nil || found {
			return l, fail(err, "read directory user")
		}
	}
	if err := tx.Lock(tenant); err != nil {
		return l, err
	}
	query := lockUser
	if tx.engine == Postgres {
		query = lockUserPostgres
	}
	found := false
	err = tx.ask(readState(&l.State, tenant, connection), question{sql: query, args: []any{tenant, connection, id}, row: func(scan scanner) error {
		found = true
		to := make([]any, 0, len(users.fields)+len(contacts.fields))
		return scan(contacts.dest(users.dest(to, &l.User), &l.Contact)...)
	}})
	if err == nil && !found {
		l.User, err = lock[desk.DirectoryUser](tx, "directory user", "tenant_id = ? AND connection = ? AND id = ? AND contact_id IS NULL", tenant, connection, id)
		return l, err
	}
	return l, fail(err, "lock directory user")
}

var (
	lockUser = "SELECT " + users.list("u") + ", " + contacts.list("c") + " FROM contacts c JOIN directory_users u ON u.tenant_id = c.tenant_id AND u.contact_id = c.id" +
		" WHERE u.tenant_id = ? AND u.connection = ? AND u.id = ?"
	lockUserPostgres = lockUser + " FOR UPDATE OF c, u"

	oneUser   = "WHERE tenant_id = ? AND connection = ? AND id = ?"
	guessUser = guessLock + guessState + " AND EXISTS (SELECT 1" + lockUser[strings.Index(lockUser, " FROM"):] +
		" AND CAST(u.xmin AS text) = ? AND CAST(c.xmin AS text) = ? FOR UPDATE OF c, u SKIP LOCKED)" + guessEnd
)

// readUser reads a user who has a contact, and what the transaction writes is written if both can be locked as they are then.
func (tx *Tx) readUser(w *pgTx, l *Locked, tenant, connection, id, state string) (found bool, err error) {
	var read *asRead
	if state != "" && !tx.reads {
		read = tx.store.lookedUp.take(tenant, connection, id)
	}
	if w.remembered = read != nil; w.remembered {
		l.State = state
	} else {
		err = tx.store.ask(tx.ctx, readState(&l.State, tenant, connection), readingBoth(func(r *asRead) { read = r }, oneUser, tenant, connection, id))
	}
	if err != nil || read == nil || read.contactVersion == "" {
		return false, err
	}
	l.User, l.Contact = read.user, read.contact
	args := []any{lockKey(tenant), tenant, connection, l.State, tenant, connection, id, read.userVersion, read.contactVersion}
	return true, w.later(guessing(guessUser, args, &w.wrong))
}

// prefixed lists a model's columns as "u.id AS u_id", for queries that read two models.
func prefixed(alias string, model any) string {
	parsed, err := schema.Parse(model, new(sync.Map), schema.NamingStrategy{})
	if err != nil {
		panic(err) // the model's own tags
	}
	columns := make([]string, len(parsed.DBNames))
	for i, name := range parsed.DBNames {
		columns[i] = alias + "." + name + " AS " + alias + "_" + name
	}
	return strings.Join(columns, ", ")
}

// UsersByKey returns the users of a connection that hold the externalId or the folded userName.
func (r Reader) UsersByKey(p Person) (list []desk.DirectoryUser, err error) {
	err = r.ask(byKey(&list, p))
	return list, fail(err, "look for directory users")
}

func byKey(list *[]desk.DirectoryUser, p Person) question {
	if p.ExternalID == "" {
		return users.reading(list, "WHERE tenant_id = ? AND connection = ? AND user_name_key = ?", p.TenantID, p.Connection, p.UserName)
	}
	return users.reading(list, "WHERE tenant_id = ? AND connection = ? AND (external_id = ? OR user_name_key = ?)", p.TenantID, p.Connection, p.ExternalID, p.UserName)
}

// maxHeldByEmail is how many held users with one address are looked for.
const maxHeldByEmail = 20

// HeldByEmail returns users of a connection that its settings hold back and that have an address (folded).
func (r Reader) HeldByEmail(tenant, connection, key string) (list []desk.DirectoryUser, err error) {
	err = r.ask(users.reading(&list, "WHERE tenant_id = ? AND connection = ? AND held <> '' AND id IN"+
		" (SELECT user_id FROM directory_user_emails WHERE tenant_id = ? AND connection = ? AND value_key = ?) LIMIT ?", tenant, connection, tenant, connection, key, maxHeldByEmail))
	return list, fail(err, "look for held users")
}

// UsersOf returns the directory users of contacts, by connection.
func (r Reader) UsersOf(tenant string, contacts ...string) ([]desk.DirectoryUser, error) {
	return r.usersOf(users.list(""), tenant, contacts)
}

// StatesOf returns the same without what the directories say of them: without Resource and Folded.
func (r Reader) StatesOf(tenant string, contacts ...string) ([]desk.DirectoryUser, error) {
	return r.usersOf(stateColumns, tenant, contacts)
}

var stateColumns = strings.NewReplacer("resource", "'' AS resource", "folded", "NULL AS folded").Replace(users.list(""))

func (r Reader) usersOf(columns, tenant string, contacts []string) ([]desk.DirectoryUser, error) {
	if len(contacts) == 0 {
		return nil, nil
	}
	var list []desk.DirectoryUser
	args := []any{tenant}
	for _, id := range contacts {
		args = append(args, id)
	}
	ask := users.reading(&list, "", args...)
	ask.sql = "SELECT " + columns + " FROM directory_users WHERE tenant_id = ? AND contact_id IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(contacts)), ", ") + ")"
	err := r.ask(ask)
	// Sorted here: asked to do so, SQLite would read all of the tenant's users in that order.
	slices.SortFunc(list, func(a, b desk.DirectoryUser) int { return strings.Compare(a.Connection, b.Connection) })
	return list, fail(err, "read directory users of contacts")
}

// HeldUsers returns a page of a connection's users that its settings hold back, for any reason ("") or one, by id.
func (r Reader) HeldUsers(tenant, connection string, reason desk.Hold, after string, limit int) ([]desk.DirectoryUser, error) {
	db := gorm.G[desk.DirectoryUser](r.db).Where("tenant_id = ? AND connection = ? AND id > ? AND held <> ''", tenant, connection, after)
	if reason != "" {
		db = db.Where("held = ?", reason)
	}
	list, err := db.Order("id").Limit(limit).Find(r.ctx)
	return list, fail(err, "list held users")
}

// Users returns a page of a connection's users, which is the last one unless q.Ends says otherwise.
func (r Reader) Users(tenant, connection string, q desk.UserQuery) ([]desk.DirectoryUser, error) {
	t := r.translator(tenant, connection, q)
	where, err := t.users(q)
	if err != nil {
		return nil, err
	}
	if t.single(q) {
		return r.lookUp(tenant, connection, "WHERE "+where, t.args...)
	}
	order, from := t.order(q)
	if q.Filter == nil && q.Sort == nil && from == "" {
		from = " AND id > ''" // lest an engine takes another index of the connection's users, and sorts them all
	}
	rest := "WHERE " + where + from + " ORDER BY " + order + " LIMIT " + t.arg(q.Limit)
	if q.Offset > 0 {
		rest += " OFFSET " + t.arg(q.Offset)
	}
	var list []desk.DirectoryUser
	ask := users.reading(&list, rest, t.args...)
	if read, room := ask.row, q.Bytes; room > 0 {
		ask.row = func(scan scanner) error {
			if room <= 0 {
				return nil // what is not looked at is not kept
			}
			err := read(scan)
			if err == nil {
				room -= list[len(list)-1].Bytes()
			}
			return err
		}
	}
	err = r.ask(ask)
	if q.From != nil && q.From.Backward {
		slices.Reverse(list)
	}
	return list, fail(err, "list directory users")
}

// single reports whether a query is the first page of those with a key, of whom there is one at most: what directories ask all day.
func (t *translator) single(q desk.UserQuery) bool {
	c, ok := q.Filter.(desk.Compare)
	if !ok || c.Op != desk.Eq || c.Value == nil || q.Limit < 1 || q.Offset > 0 || q.From != nil {
		return false
	}
	key, ok := t.column(c.Attr)
	return ok && key.indexed
}

// CountUsers returns how many users a query is about, whatever its page; if they are many, as of a time within the last minute.
func (r Reader) CountUsers(tenant, connection string, q desk.UserQuery) (int, error) {
	t := r.translator(tenant, connection, q)
	where, err := t.users(q)
	if err != nil {
		return 0, err
	}
	return r.store.totals.of(fmt.Sprintf("%s\x00%q", where, t.args), r.store.Now(), func() (int, int, error) {
		n, err := gorm.G[desk.DirectoryUser](r.db).Where(where, t.args...).Count(r.ctx, "*")
		return int(n), int(n), fail(err, "count directory users")
	})
}

func (r Reader) translator(tenant, connection string, q desk.UserQuery) *translator {
	return &translator{engine: r.engine, tenant: tenant, connection: connection, location: q.Location}
}

// users is the condition of the users that a query is about.
func (t *translator) users(q desk.UserQuery) (string, error) {
	where := "tenant_id = " + t.arg(t.tenant) + " AND connection = " + t.arg(t.connection)
	if q.Filter == nil {
		return where, nil
	}
	condition, err := t.filter(q.Filter, resource)
	return where + " AND " + condition, err
}
