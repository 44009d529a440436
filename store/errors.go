package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/ncruces/go-sqlite3"
	"gorm.io/gorm"

	"rollcall/desk"
)

// unique maps each unique index to the field that a client knows. SQLite names an index by its columns.
var unique = map[string]string{
	"directory_users_external_id": "externalId",
	"directory_users.tenant_id, directory_users.external_id, directory_users.connection": "externalId",

	"directory_users_user_name": "userName",
	"directory_users.tenant_id, directory_users.connection, directory_users.user_name_key": "userName",

	"directory_users_contact": "contact",
	"directory_users.tenant_id, directory_users.contact_id, directory_users.connection": "contact",

	"contacts_pkey":                   "id",
	"contacts.tenant_id, contacts.id": "id",

	"companies_name": "name",
	"companies.tenant_id, companies.name_key": "name",

	"tenants_pkey":      "tenant",
	"tenants.tenant_id": "tenant",

	"tokens_hash":                   "token",
	"tokens.tenant_id, tokens.hash": "token",

	"agents_email":                       "email",
	"agents.tenant_id, agents.email_key": "email",

	"agents_identity": "identity",
	"agents.tenant_id, agents.issuer, agents.subject": "identity",

	"connections_pkey":                        "connection",
	"connections.tenant_id, connections.slug": "connection",
}

// fail wraps a database error with what was being done. No row becomes NotFound, a unique index that refused becomes
// Uniqueness with the index's field, and what another try may mend becomes Unavailable.
func fail(err error, doing string) error {
	if err == nil {
		return nil
	}
	var known *desk.Error
	if errors.As(err, &known) {
		return err
	}
	wrapped := fmt.Errorf("%s: %w", doing, err)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return &desk.Error{Kind: desk.NotFound, Msg: "not found", Err: wrapped}
	}
	if index, ok := violated(err); ok {
		if field, ok := unique[index]; ok {
			return &desk.Error{Kind: desk.Uniqueness, Field: field, Msg: field + " is taken", Err: wrapped}
		}
	}
	if lostRace(err) || unreachable(err) {
		return &desk.Error{Kind: desk.Unavailable, Msg: "the server is busy or its database out of reach; try again", Err: wrapped}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && strings.HasPrefix(pg.Code, "22") { // data exceptions, whose texts quote the value
		return fmt.Errorf("%s: PostgreSQL refuses a value (SQLSTATE %s)", doing, pg.Code)
	}
	return wrapped
}

// violated returns the unique index or primary key that refused a row.
func violated(err error) (string, bool) {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.ConstraintName, pg.Code == "23505"
	}
	var lite *sqlite3.Error
	if errors.As(err, &lite) {
		code := lite.ExtendedCode()
		_, columns, _ := strings.Cut(lite.Error(), "constraint failed: ")
		_, columns, _ = strings.Cut(columns, "constraint failed: ")
		return columns, code == sqlite3.CONSTRAINT_UNIQUE || code == sqlite3.CONSTRAINT_PRIMARYKEY
	}
	return "", false
}

// lostRace reports whether a transaction failed only because others ran beside it.
func lostRace(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	return errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.LOCKED)
}

// unreachable reports whether the time ran out, or the database cannot be reached, is ending, or can take nothing now: its disk is
// full or it is a standby.
func unreachable(err error) bool {
	for _, known := range []error{
		context.Canceled, context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.ErrUnexpectedEOF, io.EOF,
		sqlite3.INTERRUPT, sqlite3.FULL, sqlite3.READONLY, sqlite3.IOERR, sqlite3.CANTOPEN,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		// Connection exceptions, insufficient resources, operator intervention such as a shutdown, a transaction that can only read.
		return slices.Contains([]string{"08", "53", "57"}, pg.Code[:min(2, len(pg.Code))]) || pg.Code == "25006"
	}
	if pgconn.SafeToRetry(err) { // nothing was sent: the connection had closed
		return true
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network)
}
