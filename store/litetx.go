package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"gorm.io/gorm"
)

// SQLite has one writer, which syncs the disk at each commit. Requests that come at the same moment share one commit: a request whose
// work is done hands the open transaction on to the next that waits, and the last one commits. None is answered before the commit.
//
// One that fails has mostly written nothing, and the others go on. If it has, the transaction is rolled back, and they run again, this
// time with each that comes after them within a savepoint, so that it happens to nobody twice. (A savepoint for all costs more than it
// saves.)

// writer hands out the connection that writes.
type writer struct {
	waiting atomic.Int32 // requests for the turn
	turn    sync.Mutex
	open    *group // guarded by turn; nil for none
}

// group is a transaction of several requests.
type group struct {
	conn    *sql.Conn
	tx      *sql.Tx
	cancel  context.CancelFunc
	size    int
	careful bool // whether members work within savepoints
	spoiled bool // whether one that failed has left something behind
	done    chan struct{}
	err     error // of the commit, once done
}

// mostInGroup bounds how long the first request waits for the last.
const mostInGroup = 32

// errGroup says that the transaction ended under a request that had done its work: what another one did ended it.
var errGroup = errors.New("the shared transaction was rolled back")

// liteTx runs f in a transaction, which it may share.
func (s *Store) liteTx(tx *Tx, f func(*Tx) error) error {
	for again := false; ; again = true {
		err := s.turn(tx, f, again)
		if !errors.Is(err, errGroup) {
			return err
		}
		tx.counted = nil
	}
}

func (s *Store) turn(tx *Tx, f func(*Tx) error, again bool) error {
	w := &s.writer
	w.waiting.Add(1)
	w.turn.Lock()
	w.waiting.Add(-1)
	g, err := w.open, tx.ctx.Err()
	if g == nil && err == nil {
		g, err = s.newGroup(tx.ctx)
		w.open = g
	}
	if g == nil {
		w.turn.Unlock()
		return err
	}
	worked := false
	defer func() {
		if !worked { // it panicked
			s.end(g, errGroup)
			w.turn.Unlock()
		}
	}()
	if err == nil {
		g.careful = g.careful || again
		err = s.member(g, tx, f)
	}
	worked = true
	switch {
	case g.spoiled || s.broken(g):
		s.end(g, errGroup)
		w.turn.Unlock()
		if err == nil {
			return errGroup // it failed, whatever f made of that
		}
		return err
	case g.size < mostInGroup && w.waiting.Load() > 0:
		w.turn.Unlock()
	default:
		s.end(g, nil)
		w.turn.Unlock()
	}
	<-g.done
	if g.err != nil {
		return g.err
	}
	return err // which may rest on what another one wrote, and so waits as well
}

// newGroup begins a transaction, whatever becomes of the request that needs it first.
func (s *Store) newGroup(ctx context.Context) (*group, error) {
	conn, err := s.pools[0].Conn(ctx)
	if err != nil {
		return nil, err
	}
	// To wait for another process may end with the request, but nothing after that.
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	tx, err := conn.BeginTx(own, nil)
	if !stop() {
		err = errors.Join(err, ctx.Err())
	}
	if err != nil {
		cancel()
		conn.Close() // database/sql rolls back what has begun
		return nil, err
	}
	return &group{conn: conn, tx: tx, cancel: cancel, done: make(chan struct{})}, nil
}

// member runs f as a part of the transaction.
func (s *Store) member(g *group, tx *Tx, f func(*Tx) error) error {
	ask := &liteTxAsker{s, g}
	tx.asker = ask
	tx.db = s.session(tx.ctx, &gorm.PreparedStmtTX{PreparedStmtDB: s.write.ConnPool.(*gorm.PreparedStmtDB), Tx: g.tx})
	g.size++
	if !g.careful {
		before := s.changes(g)
		err := f(tx)
		g.spoiled = err != nil && s.changes(g) != before
		return err
	}
	if err := ask.run("SAVEPOINT member"); err != nil {
		return err
	}
	err := f(tx)
	if err != nil && !s.broken(g) {
		err = errors.Join(err, ask.run("ROLLBACK TO member"))
	}
	if !s.broken(g) {
		err = errors.Join(err, ask.run("RELEASE member"))
	}
	return err
}

// changes counts the rows that the group's connection has ever written.
func (s *Store) changes(g *group) (n int64) {
	s.raw(g.conn, func(l *lite) error {
		n = l.conn.TotalChanges()
		return nil
	})
	return n
}

// broken reports whether SQLite has rolled the transaction back, as it does when the disk is full or a write is interrupted.
func (s *Store) broken(g *group) (broken bool) {
	s.raw(g.conn, func(l *lite) error {
		broken = l.conn.GetAutocommit()
		return nil
	})
	return broken
}

// end commits the transaction, or with an error rolls it back, and lets go of all who wait for that.
func (s *Store) end(g *group, err error) {
	s.writer.open = nil
	var wal *walFile
	if err == nil {
		err = s.raw(g.conn, func(l *lite) error {
			wal = l.wal()
			return l.takeUp(context.Background(), searchLag)
		})
	}
	if err == nil {
		err = wal.during(g.tx.Commit)
	} else {
		g.tx.Rollback()
	}
	g.cancel()
	g.conn.Close()
	g.err = err
	close(g.done)
}

// liteTxAsker asks within a transaction.
type liteTxAsker struct {
	store *Store
	group *group
}

func (a *liteTxAsker) ask(ctx context.Context, list ...question) error {
	return a.store.observed(ctx, list, func() error {
		return a.store.raw(a.group.conn, func(l *lite) error { return l.ask(ctx, list...) })
	})
}

// run runs a statement whatever becomes of the request.
func (a *liteTxAsker) run(statement string) error {
	err := a.store.raw(a.group.conn, func(l *lite) error { return l.ask(context.Background(), question{sql: statement}) })
	if err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
