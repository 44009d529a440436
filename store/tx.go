package store

import (
	"context"
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
}

// Read returns a reader outside transactions.
func (s *Store) Read(ctx context.Context) Reader { return Reader{ctx, s.read, s.engine} }

// Tx is a transaction. All rows that it writes carry the same time, but for events, which carry their own.
type Tx struct {
	Reader
	Now     time.Time // UTC, to the microsecond
	store   *Store
	counted []desk.Cycle // activity that counts once it is committed
}

const attempts = 4

// Tx runs f in a transaction, which is committed if f returns nil. f may run several times.
func (s *Store) Tx(ctx context.Context, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		var tx *Tx
		err := s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
			tx = &Tx{Reader: Reader{ctx, db, s.engine}, Now: s.Now().UTC().Truncate(time.Microsecond), store: s}
			return f(tx)
		})
		if err == nil {
			s.activity.add(tx.counted...)
			return nil
		}
		if attempt == attempts || !lostRace(err) {
			return fail(err, "transaction")
		}
		pause := time.Duration(rand.Int64N(int64(attempt) * int64(20*time.Millisecond)))
		select {
		case <-ctx.Done():
			return fail(ctx.Err(), "retry transaction")
		case <-time.After(pause):
		}
	}
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
	keys = slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" })
	slices.Sort(keys)
	query, args := "SELECT pg_advisory_xact_lock_shared(?)", []any{lockKey(tenant)}
	for _, k := range slices.Compact(keys) {
		query += ", pg_advisory_xact_lock(?)"
		args = append(args, lockKey(tenant, k))
	}
	return fail(tx.db.Exec(query, args...).Error, "lock people")
}

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
	return int64(h.Sum64())
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
