package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// lite asks a SQLite connection.
type lite struct {
	conn       *sqlite3.Conn
	statements map[string]*sqlite3.Stmt
}

// liteConns keeps the prepared statements of all of a store's connections.
type liteConns struct {
	mu    sync.Mutex
	conns map[*sqlite3.Conn]*lite
}

// of returns the connection, which the caller has for itself.
func (l *liteConns) of(conn *sqlite3.Conn) *lite {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns == nil {
		l.conns = map[*sqlite3.Conn]*lite{}
	}
	c := l.conns[conn]
	if c == nil {
		c = &lite{conn, map[string]*sqlite3.Stmt{}}
		l.conns[conn] = c
	}
	return c
}

// close closes all prepared statements, without which connections would not close.
func (l *liteConns) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.forget()
	}
	l.conns = nil
}

// liteStatements is how many prepared statements a connection keeps. Filters make ever new ones.
const liteStatements = 200

func (l *lite) forget() {
	for _, s := range l.statements {
		s.Close()
	}
	clear(l.statements)
}

func (l *lite) prepare(query string) (*sqlite3.Stmt, error) {
	if s := l.statements[query]; s != nil {
		return s, nil
	}
	if len(l.statements) >= liteStatements {
		l.forget()
	}
	s, _, err := l.conn.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT)
	if err == nil {
		l.statements[query] = s
	}
	return s, err
}

func (l *lite) ask(ctx context.Context, list ...question) error {
	defer l.conn.SetInterrupt(l.conn.SetInterrupt(ctx))
	for i := range list {
		if err := l.one(&list[i]); errors.Is(err, sqlite3.INTERRUPT) && ctx.Err() != nil {
			return ctx.Err() // as database/sql says it
		} else if err != nil {
			return err
		}
	}
	return nil
}

func (l *lite) one(q *question) error {
	s, err := l.prepare(q.sql)
	if err != nil {
		return err
	}
	defer func() {
		s.Reset() // which returns the error that Err has
		s.ClearBindings()
	}()
	for i, arg := range q.args {
		if err := bind(s, i+1, arg); err != nil {
			return err
		}
	}
	for s.Step() {
		if q.row == nil {
			continue
		}
		if err := q.row(func(dest ...any) error { return liteScan(s, dest) }); err != nil {
			return err
		}
	}
	return s.Err()
}

// bind gives a statement an argument.
func bind(s *sqlite3.Stmt, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		return s.BindNull(i)
	case string:
		return s.BindText(i, v)
	case int:
		return s.BindInt64(i, int64(v))
	case int64:
		return s.BindInt64(i, v)
	case float64:
		return s.BindFloat(i, v)
	case bool:
		return s.BindBool(i, v)
	case time.Time:
		return s.BindTime(i, v, sqlite3.TimeFormatUnixMicro)
	case *string:
		if v == nil {
			return s.BindNull(i)
		}
		return s.BindText(i, *v)
	case *time.Time:
		if v == nil {
			return s.BindNull(i)
		}
		return s.BindTime(i, *v, sqlite3.TimeFormatUnixMicro)
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return s.BindText(i, v.String())
	}
	return fmt.Errorf("bind argument %d, a %T", i, arg)
}

// liteScan copies the columns of the row that a statement has reached.
func liteScan(s *sqlite3.Stmt, dest []any) error {
	for i, d := range dest {
		null := func() bool { return s.ColumnType(i) == sqlite3.NULL }
		switch d := d.(type) {
		case *string:
			*d = s.ColumnText(i)
		case **string:
			if *d = nil; !null() {
				text := s.ColumnText(i)
				*d = &text
			}
		case *int:
			*d = s.ColumnInt(i)
		case *int64:
			*d = s.ColumnInt64(i)
		case *bool:
			*d = s.ColumnBool(i)
		case *time.Time:
			*d = s.ColumnTime(i, sqlite3.TimeFormatUnixMicro)
		case **time.Time:
			if *d = nil; !null() {
				t := s.ColumnTime(i, sqlite3.TimeFormatUnixMicro)
				*d = &t
			}
		case *asJSON:
			if !null() {
				if err := d.Scan(s.ColumnRawText(i)); err != nil {
					return err
				}
			}
		default:
			return fmt.Errorf("scan column %d into a %T", i, d)
		}
	}
	return s.Err()
}

// raw runs f on the SQLite connection behind one of database/sql.
func (s *Store) raw(conn *sql.Conn, f func(*lite) error) error {
	return conn.Raw(func(c any) error { return f(s.lites.of(c.(driver.Conn).Raw())) })
}
