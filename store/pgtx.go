package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"
)

// pgTx is a transaction of PostgreSQL. It begins with its first question, and what it writes goes along with the next one or with
// the commit.
type pgTx struct {
	store   *Store
	ctx     context.Context
	conn    *sql.Conn
	waiting []question // not sent yet
	refused error      // why the database refused a statement, which ends the transaction
	wrong   bool       // whether it said that a guess was wrong
	taken   bool       // whether a guess is about what was not read, so that nothing is sure before it is answered
	alone   bool       // whether it may well be refused, so that no others shall go with it

	remembered bool // whether its guess is about what a look-up found (lookedUp)
}

// pgTx runs f in a transaction.
func (s *Store) pgTx(tx *Tx, f func(*Tx) error) (err error) {
	p := &pgTx{store: s, ctx: tx.ctx, waiting: append(make([]question, 0, 12), question{sql: pgBegin})}
	tx.asker, tx.db = p, s.session(tx.ctx, pgPool{p})
	committed := false
	defer func() { // also after a panic
		if p.conn == nil {
			return // nothing was sent
		}
		if !committed {
			pgRollBack(tx.ctx, p.conn)
		}
		p.conn.Close()
	}()
	err = f(tx)
	switch unsure := p.unsure(0); {
	case p.remembered && unsure && (err != nil || !slices.ContainsFunc(p.waiting, question.writes)):
		return errRemembered
	case p.taken && unsure && err != nil:
		return errUnsure
	}
	if errors.Is(p.refused, errUnsure) {
		return errUnsure // whatever f made of it
	}
	if err != nil {
		return err
	}
	if p.refused != nil {
		return p.refused
	}
	switch single, guess := p.single(); {
	case single && guess && !p.taken && !slices.ContainsFunc(p.waiting, question.writes):
		return nil // what was read is all that counts
	case single && guess && !p.alone:
		if err = s.shared(tx.ctx, p.waiting[1:]); err == nil && p.wrong {
			err = errUnsure // and nothing of it was written
		}
		return err
	case !single:
		if err = p.ask(tx.ctx); err != nil {
			return err
		}
	}
	err = p.ask(tx.ctx, question{sql: pgCommit})
	committed = err == nil || errors.Is(err, errUnsure) // in which case nothing was written
	return err
}

// pgRollBack ends a transaction. A connection that cannot is closed, which does the same.
func pgRollBack(ctx context.Context, conn *sql.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	pgAsk(ctx, conn, question{sql: pgRollback})
}

const pgBegin, pgCommit, pgRollback = "BEGIN", "COMMIT", "ROLLBACK"

// mostWaiting is how many statements wait for others to go with.
const mostWaiting = 200

// later keeps a statement until something is asked. What is written by a guess is written if that is right, or when it is known to be.
func (p *pgTx) later(q question) error {
	switch {
	case !q.writes() || !p.unsure(0):
	case q.ifGuessed != "":
		q.sql = q.ifGuessed
	default:
		if err := p.ask(p.ctx); err != nil {
			return err
		}
	}
	if p.waiting = append(p.waiting, q); len(p.waiting) < mostWaiting {
		return nil
	}
	return p.ask(p.ctx)
}

// writes reports whether a statement that waits writes rows.
func (q question) writes() bool {
	return q.row == nil && q.sql != pgBegin && q.sql != savepoint && q.sql != releaseSavepoint
}

// single reports whether the commit may go with all that waits: if that is no guess, or one guess by which all is written. Several may be
// right and wrong.
func (p *pgTx) single() (single, guess bool) {
	writes := len(p.waiting) == 0 || p.waiting[0].sql != pgBegin
	for _, q := range p.waiting {
		if q.guess {
			if guess || writes {
				return false, true
			}
			guess = true
		}
		writes = writes || q.writes()
	}
	return true, guess
}

func (p *pgTx) ask(ctx context.Context, list ...question) error {
	if p.refused != nil {
		return p.refused
	}
	if err := p.connect(ctx); err != nil {
		return err
	}
	all := append(p.waiting, list...)
	p.waiting = all[:0]
	if p.refused = p.store.observed(ctx, all, func() error { return pgAsk(ctx, p.conn, all...) }); p.refused == nil && p.wrong {
		p.refused = errUnsure
	}
	return p.refused
}

// untouched reports whether nothing was asked or written yet, and the transaction is no part of another.
func (p *pgTx) untouched() bool { return p.conn == nil && len(p.waiting) == 1 }

// connect takes a connection, if the transaction has none yet.
func (p *pgTx) connect(ctx context.Context) (err error) {
	if p.conn == nil {
		p.conn, err = p.store.pools[0].Conn(ctx)
	}
	return err
}

// unsure reports whether a guess is among what waits, from a place on.
func (p *pgTx) unsure(from int) bool {
	return slices.ContainsFunc(p.waiting[from:], func(q question) bool { return q.guess })
}

// session returns GORM on a connection of one's own.
func (s *Store) session(ctx context.Context, pool gorm.ConnPool) *gorm.DB {
	db := s.write.Session(&gorm.Session{NewDB: true, Context: ctx})
	db.Statement.ConnPool = pool
	return db
}

// pgPool is the transaction's connection to GORM.
type pgPool struct{ *pgTx }

// flush sends what waits, before GORM asks.
func (p pgPool) flush(ctx context.Context) error {
	if len(p.waiting) == 0 {
		return p.refused
	}
	return p.ask(ctx)
}

func (p pgPool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.PrepareContext(ctx, query)
}

func (p pgPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.ExecContext(ctx, query, args...)
}

func (p pgPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.flush(ctx); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

func (p pgPool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if p.flush(ctx); p.conn == nil { // there was none to be had, which a context that has ended tells
		ended, cancel := context.WithCancel(ctx)
		cancel()
		return p.store.pools[0].QueryRowContext(ended, query, args...)
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}
