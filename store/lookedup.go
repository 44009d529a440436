package store

import (
	"errors"
	"sync/atomic"
	"time"

	"rollcall/desk"
)

// A directory looks somebody up, and changes them right after. On PostgreSQL, where each question is a round trip, the look-up reads the
// contact as well, and the change then reads nothing, but guesses that both are still so (LockUser). As that costs a look-up a part of what
// it saves a change, look-ups do so only while changes follow them.

// lookedUp remembers whom look-ups found, until they are changed or others take their place. The zero value is ready.
type lookedUp struct {
	users  [256]atomic.Pointer[asRead] // by the number of tenant, connection and id
	credit [256]atomic.Int32           // by that of tenant and connection: how many more look-ups read the contact as well
}

const (
	perChange   = 2 // look-ups
	mostCredit  = 32
	maxLookedUp = 8 << 10 // bytes of a user and a contact; whoever has more is read again
)

// lookedUpFor is how long they are remembered; tests shorten it.
var lookedUpFor = 10 * time.Second

// errRemembered says that a transaction comes to nothing by what a look-up found, which may be so no longer.
var errRemembered = errors.New("this rests on a look-up")

// asRead is a directory user, its contact, and the versions (xmin) of their rows, by which PostgreSQL tells whether they are still so.
type asRead struct {
	user                        desk.DirectoryUser
	contact                     desk.Contact
	userVersion, contactVersion string // the second one is "" where there is no contact
	read                        time.Time
}

// ahead reports whether a look-up is to read the contact as well.
func (l *lookedUp) ahead(tenant, connection string) bool {
	credit := at(&l.credit, tenant, connection)
	for {
		n := credit.Load()
		if n == 0 || credit.CompareAndSwap(n, n-1) {
			return n > 0
		}
	}
}

// changed notes that the connection changes somebody.
func (l *lookedUp) changed(tenant, connection string) {
	credit := at(&l.credit, tenant, connection)
	credit.Store(min(credit.Load()+perChange, mostCredit))
}

// keep keeps a user who has a contact for the next change. Where that would be large, look-ups are better off alone.
func (l *lookedUp) keep(r *asRead) {
	switch {
	case r.user.Bytes()+r.contact.Bytes() > maxLookedUp:
		at(&l.credit, r.user.TenantID, r.user.Connection).Store(0)
	case r.contactVersion != "":
		r.read = time.Now()
		at(&l.users, r.user.TenantID, r.user.Connection, r.user.ID).Store(r)
	}
}

// take returns a user that was just looked up, once; nil for none.
func (l *lookedUp) take(tenant, connection, id string) *asRead {
	place := at(&l.users, tenant, connection, id)
	r := place.Load()
	if r == nil || r.user.TenantID != tenant || r.user.Connection != connection || r.user.ID != id || !place.CompareAndSwap(r, nil) || time.Since(r.read) > lookedUpFor {
		return nil
	}
	return r
}

// at is the place of a name, which may be that of others as well.
func at[T any](places *[256]T, name ...string) *T {
	return &places[uint64(lockKey(name...))%uint64(len(places))] // #nosec G115 -- any 64 bits will do
}

// readingBoth asks for users with their contacts, by what comes after FROM.
func readingBoth(found func(*asRead), rest string, args ...any) question {
	return question{sql: usersAsRead + rest + contactsAsRead, args: args, row: func(scan scanner) error {
		r := new(asRead)
		var version *string
		to := users.dest(make([]any, 0, len(users.fields)+len(contacts.fields)+2), &r.user)
		to = append(to[:len(users.fields)+len(contacts.fields)], &r.userVersion, &version) // nothing is scanned to nil
		err := scan(to...)
		if err == nil && version != nil {
			r.contactVersion = *version
			clear(to)
			contacts.dest(to[:len(users.fields)], &r.contact)
			err = scan(to...)
		}
		if err == nil {
			found(r)
		}
		return err
	}}
}

// An update of a row gives it another xmin.
var (
	usersAsRead = "SELECT " + users.list("u") + ", " + contacts.list("c") + ", CAST(u.version_of_row AS text), CAST(c.xmin AS text)" +
		" FROM (SELECT " + users.list("") + ", xmin AS version_of_row FROM directory_users "
	contactsAsRead = ") AS u LEFT JOIN contacts c ON c.tenant_id = u.tenant_id AND c.id = u.contact_id"
)

// lookUp looks for one of a connection's users, by what comes after FROM.
func (r Reader) lookUp(tenant, connection, rest string, args ...any) (list []desk.DirectoryUser, err error) {
	ask := users.reading(&list, rest, args...)
	if r.engine == Postgres && r.asker == asker(r.store) && r.store.lookedUp.ahead(tenant, connection) {
		ask = readingBoth(func(found *asRead) {
			list = append(list, found.user)
			r.store.lookedUp.keep(found)
		}, rest, args...)
	}
	return list, fail(r.ask(ask), "look for a directory user")
}
