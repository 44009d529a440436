// Package store keeps everything in SQLite or PostgreSQL, through GORM. It is the only package that knows SQL.
//
// [Open] opens a database and brings its schema up to date ([Migrate]). A [Store] reads; [Store.Tx] runs a function in a
// transaction whose [Tx] reads and writes. Both engines behave the same:
//
//   - Keys are folded in Go and compare by bytes; times are UTC with microseconds.
//   - Uniqueness is decided by indexes. A violation comes back as a desk.Error of kind Uniqueness that names the field.
//   - A transaction that lost a race for a lock (SQLITE_BUSY, SQLSTATE 40001 and 40P01) is run again, so the function must
//     have no effect outside.
//   - On SQLite one connection writes, begun immediately so that waiting is queued, and several read. On PostgreSQL a pool
//     does both.
//
// Steps of the schema (migrations) expand it first and contract it a release later, so that servers of the version before go on serving
// meanwhile; docs/OPERATIONS.md has the rule, and TestMigrationsExpand holds it. For the same reason queries name their columns.
//
// Every query names the tenant, and every key leads with it.
package store
