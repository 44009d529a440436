package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// Reader asks the database, as long as its context lives: outside transactions (Store.Read), or inside one (Tx).
type Reader struct {
	ctx    context.Context
	db     *gorm.DB
	engine Engine
}

// Read returns a reader outside transactions.
func (s *Store) Read(ctx context.Context) Reader { return Reader{ctx, s.read, s.engine} }

// Tx is a transaction. All rows that it writes carry the same time.
type Tx struct {
	Reader
	Now time.Time // UTC, to the microsecond
}

const attempts = 4

// Tx runs f in a transaction, which is committed if f returns nil. f may run several times.
func (s *Store) Tx(ctx context.Context, f func(*Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := s.write.WithContext(ctx).Transaction(func(db *gorm.DB) error {
			return f(&Tx{Reader{ctx, db, s.engine}, s.Now().UTC().Truncate(time.Microsecond)})
		})
		if err == nil || attempt == attempts || !lostRace(err) {
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

// NewID returns a UUIDv7: ids sort in the order in which they were made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// firstID returns the least id that NewID can make at a time.
func firstID(at time.Time) string {
	ms := uint64(max(at.UnixMilli(), 0))
	return fmt.Sprintf("%08x-%04x-7000-8000-000000000000", ms>>16, ms&0xffff)
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
