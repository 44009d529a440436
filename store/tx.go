package store

import (
	"context"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// Reader asks the database, as long as its context lives: outside transactions (Store.Read), or inside one (Tx).
type Reader struct {
	ctx    context.Context
	db     *gorm.DB
	engine Engine
	store  *Store
	asker
}

// ask asks questions past GORM.
func (r Reader) ask(list ...question) error { return r.asker.ask(r.ctx, list...) }

// Read returns a reader outside transactions, but for one that Together began.
func (s *Store) Read(ctx context.Context) Reader {
	if tx := s.together(ctx); tx != nil {
		return Reader{ctx, tx.db.WithContext(ctx), s.engine, s, tx.asker}
	}
	return Reader{ctx, s.read, s.engine, s, s}
}

// ask asks outside transactions.
func (s *Store) ask(ctx context.Context, list ...question) error {
	return s.observed(ctx, list, func() error {
		conn, err := s.pools[len(s.pools)-1].Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if s.engine == Postgres {
			return pgAsk(ctx, conn, list...)
		}
		return s.raw(conn, func(l *lite) error { return l.ask(ctx, list...) })
	})
}

// Tx is a transaction. All rows that it writes carry the same time, but for events, which carry their own.
//
// What it writes may reach the database only with the next question, or with the commit, which saves round trips. An index that
// refuses a row may so be heard of late, but always by who called Store.Tx.
type Tx struct {
	Reader
	Now     time.Time    // UTC, to the microsecond
	counted []desk.Cycle // activity that counts once it is committed
	access  bool         // whether it changes who gets in, or what their requests go by
	sure    bool         // whether it asks, and guesses nothing
	reads   bool         // whether it reads whom it changes, whatever a look-up found
}

const attempts = 4

// Tx runs f in a transaction, which is committed if f returns nil, or in a part of one that Together began. f may run several times, and
// does not in a context that is read-only (desk.ReadOnly).
func (s *Store) Tx(ctx context.Context, f func(*Tx) error) error { return s.txAt(ctx, s.Now, f) }

// txAt runs f in a transaction of a time of its own.
func (s *Store) txAt(ctx context.Context, now func() time.Time, f func(*Tx) error) error {
	if err := desk.WhyReadOnly(ctx); err != nil {
		return err
	}
	whole := s.together(ctx)
	sure, reads := whole != nil && whole.sure, false
	for attempt := 1; ; attempt++ {
		tx := &Tx{Reader: Reader{ctx: ctx, engine: s.engine, store: s}, Now: micro(now()), sure: sure, reads: reads}
		var err error
		switch {
		case whole != nil:
			if err = whole.part(ctx, f, sure); errors.Is(err, ErrLost) {
				return err
			}
		case s.engine == Postgres:
			err = s.pgTx(tx, f)
		default:
			err = s.liteTx(tx, f)
		}
		if err == nil {
			s.activity.add(tx.counted...)
			if tx.access {
				s.access.Add(1)
			}
			return nil
		}
		if errors.Is(err, errRemembered) {
			reads = true
			continue
		}
		if !sure && errors.Is(err, errUnsure) {
			sure = true
			continue
		}
		if attempt == attempts || !lostRace(err) {
			return fail(err, "transaction")
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(20*time.Millisecond))) // #nosec G404 -- a pause is no secret
		select {
		case <-ctx.Done():
			return fail(ctx.Err(), "retry transaction")
		case <-time.After(pause):
		}
	}
}

// Access counts the transactions of this process that took a token away, or changed a connection or a tenant: what was read of them
// before may be otherwise now.
func (s *Store) Access() uint64 { return s.access.Load() }

// write asks for what returns nothing, now or later.
func (tx *Tx) write(q question, err error) error {
	if err != nil {
		return err
	}
	if w, ok := tx.asker.(*pgTx); ok {
		return w.later(q)
	}
	return tx.ask(q)
}

// rewrite writes what changed of a row.
func rewrite[T any](tx *Tx, m *model[T], stored, row *T) error {
	q, differs, err := m.updating(stored, row)
	if err != nil || !differs {
		return err
	}
	return tx.write(q, nil)
}

// Transactions take their locks in one order, so that none waits for another in a circle: the tenant's (Lock or
// LockCompanies), then people's keys (Lock), then the contact's row and with it its users (LockContact, LockUser).

// Lock holds the tenant's companies as they are until the transaction ends, as every transaction must that links contacts to
// them. With keys it also makes transactions that decide over the same people queue: two directories that push one new person
// at the same moment would otherwise both find no contact and make two. On SQLite writers queue anyway.
func (tx *Tx) Lock(tenant string, keys ...string) error {
	if tx.engine == SQLite {
		return nil
	}
	args := lockKeys(tenant, keys)
	query := lockShared + strings.Repeat(", pg_advisory_xact_lock(?)", len(args)-1)
	return fail(tx.write(question{sql: query, args: args, row: ignore}, nil), "lock people")
}

const lockShared = "SELECT pg_advisory_xact_lock_shared(?)"

// lockKeys returns the numbers of the locks of a tenant and of its keys, as far as there are any: each once, and in the keys' order.
func lockKeys(tenant string, keys []string) []any {
	known := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" })
	slices.Sort(known)
	known = slices.Compact(known)
	numbers := append(make([]any, 0, 1+len(known)), lockKey(tenant))
	for _, k := range known {
		numbers = append(numbers, lockKey(tenant, k))
	}
	return numbers
}

func ignore(scanner) error { return nil }

// LockCompanies keeps out all transactions that link contacts of the tenant to companies.
func (tx *Tx) LockCompanies(tenant string) error {
	if tx.engine == SQLite {
		return nil
	}
	return fail(tx.db.Exec("SELECT pg_advisory_xact_lock(?)", lockKey(tenant)).Error, "lock companies")
}

func lockKey(parts ...string) int64 {
	h := fnv.New64a()
	h.Write([]byte(strings.Join(parts, "\x00")))
	return int64(h.Sum64()) // #nosec G115 -- any 64 bits will do
}

// lock returns the row of which a condition holds, locked until the transaction ends, or NotFound.
func lock[T any](tx *Tx, what, where string, args ...any) (row T, err error) {
	err = tx.db.Clauses(clause.Locking{Strength: "UPDATE"}).Where(where, args...).Take(&row).Error
	return row, fail(err, "lock "+what)
}

// update writes all of a row.
func update[T any](tx *Tx, what string, row *T) error {
	return fail(tx.db.Model(row).Select("*").Updates(row).Error, "update "+what)
}
