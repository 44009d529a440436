package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"gorm.io/gorm/schema"

	"rollcall/desk"
)

// Filler adds rows in bulk to a database that was empty. What the rows say is the caller's affair: nothing is derived, but the
// database checks keys and references as always.
type Filler struct {
	ctx    context.Context
	insert func(table string, columns []string, rows [][]any) error
}

// Fill runs f in one transaction. The database must be without tenants, and nothing else should use it meanwhile: indexes that no
// search in the meantime needs are made at the end, from sorted rows, which takes a fraction of what it would row by row.
func (s *Store) Fill(ctx context.Context, f func(*Filler) error) error {
	found, err := s.Read(ctx).HasTenants()
	if err != nil {
		return err
	}
	if found {
		return desk.Errorf(desk.Conflict, "", "the database has tenants; give one that is new")
	}
	conn, err := s.pools[0].Conn(ctx)
	if err != nil {
		return fail(err, "fill")
	}
	defer conn.Close()
	settings := []string{"SET LOCAL maintenance_work_mem = '256MB'", "SET LOCAL synchronous_commit = off"}
	if s.engine == SQLite {
		settings = []string{"PRAGMA cache_size = -65536"} // KiB; the engine itself may have 256 MiB
		// Sorting takes more than that. (A transaction cannot change it.)
		if _, err := conn.ExecContext(ctx, "PRAGMA temp_store = file"); err != nil {
			return fail(err, "fill")
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA temp_store = memory")
		defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA cache_size = -2000")
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return fail(err, "fill")
	}
	defer tx.Rollback()
	for _, statement := range settings {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fail(err, "fill")
		}
	}
	filler := &Filler{ctx: ctx, insert: func(table string, columns []string, rows [][]any) error {
		return insertRows(ctx, tx, table, columns, rows)
	}}
	if s.engine == Postgres {
		filler.insert = func(table string, columns []string, rows [][]any) error {
			return copyRows(ctx, conn, table, columns, rows)
		}
	}
	indexes, err := s.dropIndexes(ctx, tx)
	if err == nil {
		err = f(filler)
	}
	for _, statement := range indexes {
		if err == nil {
			_, err = tx.ExecContext(ctx, statement)
		}
	}
	switch {
	case err != nil:
	case s.engine == SQLite: // whose plans do not go by what is in the tables
		err = s.raw(conn, func(l *lite) error { return l.takeUp(ctx, 1) })
	default:
		_, err = tx.ExecContext(ctx, "ANALYZE")
	}
	if err == nil {
		err = tx.Commit()
	}
	return fail(err, "fill")
}

// dropIndexes drops the indexes that only make look-ups fast or refuse rows, and returns the statements that make them anew.
func (s *Store) dropIndexes(ctx context.Context, tx *sql.Tx) (statements []string, err error) {
	// SQLite numbers contacts as they come, by the greatest number so far.
	query := "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND name <> 'contacts_num' ORDER BY tbl_name, name"
	if s.engine == Postgres {
		query = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND NOT EXISTS" +
			" (SELECT 1 FROM pg_constraint WHERE conindid = (quote_ident(schemaname) || '.' || quote_ident(indexname))::regclass) ORDER BY tablename, indexname"
	}
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name, statement string
		if err := rows.Scan(&name, &statement); err != nil {
			return nil, err
		}
		names, statements = append(names, name), append(statements, statement)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := tx.ExecContext(ctx, "DROP INDEX "+name); err != nil {
			return nil, err
		}
	}
	return statements, nil
}

// copyRows uses PostgreSQL's own protocol for bulk, on the connection that has the transaction.
func copyRows(ctx context.Context, conn *sql.Conn, table string, columns []string, rows [][]any) error {
	return conn.Raw(func(c any) error {
		_, err := c.(pgConn).Conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
		return err
	})
}

// insertRows inserts some hundred rows a statement.
func insertRows(ctx context.Context, tx *sql.Tx, table string, columns []string, rows [][]any) error {
	const most = 200
	values := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ") + ")"
	insert := func(n int) string {
		return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES " + strings.TrimSuffix(strings.Repeat(values+", ", n), ", ")
	}
	full, err := tx.PrepareContext(ctx, insert(most))
	if err != nil {
		return err
	}
	defer full.Close()
	args := make([]any, 0, most*len(columns))
	for len(rows) > 0 {
		n := min(most, len(rows))
		args = args[:0]
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if n == most {
			_, err = full.ExecContext(ctx, args...)
		} else {
			_, err = tx.ExecContext(ctx, insert(n), args...)
		}
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// Fill adds rows of one kind, as they are.
func Fill[T any](f *Filler, rows []T) error {
	parsed, err := schema.Parse(new(T), &fillSchemas, schema.NamingStrategy{})
	if err != nil {
		return err
	}
	values := make([][]any, len(rows))
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		values[i] = make([]any, len(parsed.DBNames))
		for j, name := range parsed.DBNames {
			v, _ := parsed.FieldsByDBName[name].ValueOf(f.ctx, row)
			if valuer, ok := v.(driver.Valuer); ok {
				if v, err = valuer.Value(); err != nil {
					return fmt.Errorf("fill %s: %w", parsed.Table, err)
				}
			}
			values[i][j] = v
		}
	}
	if err := f.insert(parsed.Table, parsed.DBNames, values); err != nil {
		return fmt.Errorf("fill %s: %w", parsed.Table, err)
	}
	return nil
}

var fillSchemas sync.Map

// IDAt returns an id as one that was made at a time, which is to the microsecond.
func IDAt(at time.Time) string { return idAt(at) }
