package store

import (
	"context"
	"database/sql"
	"errors"

	"gorm.io/gorm"
)

// Pools returns how the pools of connections do: of SQLite "read" and "write", of PostgreSQL "postgres".
func (s *Store) Pools() map[string]sql.DBStats {
	names := []string{"write", "read"}
	if s.engine == Postgres {
		names = []string{"postgres"}
	}
	stats := map[string]sql.DBStats{}
	for i, pool := range s.pools {
		stats[names[i]] = pool.Stats()
	}
	return stats
}

// observed asks past GORM, and tells observers. Statements that go together take the same time.
func (s *Store) observed(ctx context.Context, list []question, ask func() error) error {
	if s.observer != nil {
		for _, q := range list {
			s.observer(q)
		}
	}
	if s.begin == nil {
		return ask()
	}
	ends := make([]func(string, error), len(list))
	for i := range list {
		ends[i] = s.begin(ctx)
	}
	err := ask()
	for i, q := range list {
		ends[i](q.sql, err)
	}
	return err
}

// Observe has begin called before each statement, and what it returns after it: with the statement, without its arguments, and its
// error. To be called before the store is used.
func (s *Store) Observe(begin func(context.Context) (end func(statement string, err error))) error {
	s.begin = begin
	const key = "observe"
	before := func(db *gorm.DB) {
		if !db.DryRun { // a part of another
			db.InstanceSet(key, begin(db.Statement.Context))
		}
	}
	after := func(db *gorm.DB) {
		if end, ok := db.InstanceGet(key); ok {
			end.(func(string, error))(db.Statement.SQL.String(), db.Error)
		}
	}
	var errs []error
	for _, db := range []*gorm.DB{s.read, s.write} {
		kinds := db.Callback()
		errs = append(errs,
			kinds.Create().Before("gorm:create").Register("begin", before), kinds.Create().After("gorm:create").Register("end", after),
			kinds.Query().Before("gorm:query").Register("begin", before), kinds.Query().After("gorm:query").Register("end", after),
			kinds.Update().Before("gorm:update").Register("begin", before), kinds.Update().After("gorm:update").Register("end", after),
			kinds.Delete().Before("gorm:delete").Register("begin", before), kinds.Delete().After("gorm:delete").Register("end", after),
			kinds.Row().Before("gorm:row").Register("begin", before), kinds.Row().After("gorm:row").Register("end", after),
			kinds.Raw().Before("gorm:raw").Register("begin", before), kinds.Raw().After("gorm:raw").Register("end", after))
		if s.engine == Postgres {
			break // both are one
		}
	}
	return errors.Join(errs...)
}
