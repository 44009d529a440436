package store

import (
	"context"
)

// grown are the tables of which PostgreSQL knows too little: since it looked at them, they have doubled, by the rows that it has counted,
// which it does with a delay, or by their pages.
const grown = "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relkind = 'r'" +
	" AND (pg_stat_get_mod_since_analyze(c.oid) > 100 + greatest(c.reltuples, 0)" +
	" OR pg_relation_size(c.oid) / current_setting('block_size')::bigint > 16 + 2 * greatest(c.relpages, 0)::bigint)"

// Analyze has PostgreSQL look at tables that have grown much since it did. It does so itself, but only every minute, and until then it
// plans as for empty tables: the first directory of a new installation would be read from end to end for each of its people. SQLite's
// plans do not go by what is in the tables.
func (s *Store) Analyze(ctx context.Context) error {
	if s.engine != Postgres {
		return nil
	}
	var tables []string
	if err := s.read.WithContext(ctx).Raw(grown).Scan(&tables).Error; err != nil {
		return fail(err, "look for tables that have grown")
	}
	for _, table := range tables {
		if err := s.analyze(ctx, table); err != nil {
			return fail(err, "analyze "+table)
		}
	}
	return nil
}

// analyze has PostgreSQL look at a tenth of the rows that it would take by itself. That tells how large a table is, and roughly what is in
// it, at an eighth of the cost, which a table that grows fast has every few seconds. What it does itself, once a tenth has changed, is
// thorough.
func (s *Store) analyze(ctx context.Context, table string) error {
	tx, err := s.pools[0].BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	// Another process may be at it.
	for _, statement := range []string{"SET LOCAL default_statistics_target = 10", "ANALYZE (SKIP_LOCKED) " + table} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return tx.Commit()
}
