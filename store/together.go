package store

import (
	"context"
	"errors"
	"time"
)

// Several transactions of one request can be made one, which saves a commit for each.

type togetherKey struct{}

// Together runs f, within which all that is done with f's context is one transaction, committed if f returns nil. A call of Tx is a part
// of it that fails alone. f may run several times, and what it was told counts only when Together has returned nil. A tenant has one at
// a time: two that lock the same people in another order would wait for each other. A second one is ErrLost.
func (s *Store) Together(ctx context.Context, tenant string, f func(context.Context) error) error {
	return s.Tx(ctx, func(tx *Tx) error {
		free := true
		if s.engine == Postgres {
			err := tx.ask(question{sql: "SELECT pg_try_advisory_xact_lock(?)", args: []any{lockKey(tenant, "together")}, row: func(scan scanner) error { return scan(&free) }})
			if err != nil {
				return err
			}
		}
		if !free {
			return ErrLost
		}
		return f(context.WithValue(ctx, togetherKey{}, tx))
	})
}

// together returns the transaction of which all with this context is a part, or nil.
func (s *Store) together(ctx context.Context) *Tx {
	if tx, ok := ctx.Value(togetherKey{}).(*Tx); ok && tx.store == s {
		return tx
	}
	return nil
}

const savepoint, releaseSavepoint, rollbackToSavepoint = "SAVEPOINT part", "RELEASE SAVEPOINT part", "ROLLBACK TO SAVEPOINT part"

// ErrLost says that none of several was done together: the database refused something, and which part wrote it cannot be told any more, or
// has rolled all of it back, or there is another such transaction. They can be done one by one.
var ErrLost = errors.New("the transaction of several is lost")

// part runs f as a part of the transaction. What it writes may reach PostgreSQL with the next part's first question.
func (tx *Tx) part(ctx context.Context, f func(*Tx) error, sure bool) error {
	part := &Tx{Reader: Reader{ctx, tx.db.WithContext(ctx), tx.engine, tx.store, tx.asker}, Now: micro(tx.store.Now()), sure: sure}
	if tx.rolledBack() {
		return ErrLost // this part would be a transaction of its own
	}
	err := tx.write(question{sql: savepoint}, nil)
	if err == nil {
		err = f(part)
	}
	if err == nil {
		err = part.write(question{sql: releaseSavepoint}, nil)
	}
	if w, ok := tx.asker.(*pgTx); ok && w.refused != nil {
		return errors.Join(ErrLost, w.refused)
	}
	if err != nil && tx.rolledBack() {
		return errors.Join(ErrLost, err)
	}
	if err != nil {
		return tx.undoPart(err)
	}
	tx.counted, tx.access = append(tx.counted, part.counted...), tx.access || part.access
	return nil
}

// rolledBack reports whether SQLite has ended the transaction on its own.
func (tx *Tx) rolledBack() bool {
	a, ok := tx.asker.(*liteTxAsker)
	return ok && a.store.broken(a.group)
}

// undoPart takes back what a part has done that failed, and returns why it did.
func (tx *Tx) undoPart(why error) error {
	if w, ok := tx.asker.(*pgTx); ok {
		for i := len(w.waiting) - 1; i >= 0; i-- {
			if w.waiting[i].sql == savepoint { // this part's: those before it have ended
				if w.unsure(i) {
					why = errUnsure
				}
				w.waiting = w.waiting[:i] // nothing of it was sent
				return why
			}
		}
		w.waiting = nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tx.ctx), 5*time.Second)
	defer cancel()
	// One by one: until the first is done, PostgreSQL does not even read the second.
	err := tx.asker.ask(ctx, question{sql: rollbackToSavepoint})
	if err == nil {
		err = tx.asker.ask(ctx, question{sql: releaseSavepoint})
	}
	return errors.Join(why, err)
}
