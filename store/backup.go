package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// Backup is a copy of a database in a file.
type Backup struct {
	Schema int64 // its version
	Size   int64 // in bytes
}

// WriteBackup copies a SQLite database into a file that does not exist yet. Servers may go on meanwhile: the copy is the database as it
// was at one moment. It has been checked and is on the disk when this returns; until then there is no file of that name.
func WriteBackup(ctx context.Context, databaseURL, file string) (Backup, error) {
	path, err := fileOf(databaseURL)
	if err != nil {
		return Backup{}, err
	}
	if _, err := os.Stat(path); err != nil {
		return Backup{}, fmt.Errorf("database: %w", err)
	}
	return copyLite(ctx, path, file, "ro")
}

// RestoreBackup makes a database of a backup, where there is none yet. A backup of a newer version of the program is refused.
func RestoreBackup(ctx context.Context, file, databaseURL string) (Backup, error) {
	path, err := fileOf(databaseURL)
	if err != nil {
		return Backup{}, err
	}
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		return Backup{}, errors.Join(err, fmt.Errorf("%s holds nothing", file))
	}
	if _, err := os.Stat(path); err == nil {
		return Backup{}, taken(path)
	}
	for _, part := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(file + part); err == nil && info.Size() > 0 {
			return Backup{}, fmt.Errorf("%s is no backup, but a database that is or was in use: beside it is %s", file, filepath.Base(file)+part)
		}
		if _, err := os.Stat(path + part); err == nil {
			return Backup{}, fmt.Errorf("%s is of another database; move it away first", path+part)
		}
	}
	return copyLite(ctx, file, path, "immutable")
}

// fileOf returns the path of a SQLite database.
func fileOf(databaseURL string) (string, error) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok || path == "" {
		return "", errors.New("this is for SQLite alone; PostgreSQL has pg_dump and pg_restore")
	}
	return path, nil
}

func taken(file string) error { return fmt.Errorf("%s exists already and is not overwritten", file) }

// copyLite copies a SQLite database, checks the copy, and gives it its name, which must be free.
func copyLite(ctx context.Context, from, to, mode string) (b Backup, err error) {
	name, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // #nosec G304 -- the operator names it
	if errors.Is(err, fs.ErrExist) {
		return b, taken(to)
	}
	if err != nil {
		return b, err
	}
	name.Close()
	part, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".part-*") // for its owner alone
	if err == nil {
		part.Close()
		defer func() {
			for _, suffix := range []string{"", "-wal", "-shm"} {
				os.Remove(part.Name() + suffix)
			}
		}()
		if b, err = fillCopy(ctx, from, part.Name(), mode); err == nil {
			err = os.Rename(part.Name(), to)
		}
	}
	if err != nil {
		os.Remove(to)
		return Backup{}, err
	}
	return b, syncFile(filepath.Dir(to))
}

// fillCopy copies a database into an empty file, checks it, and sees to it that it is on the disk.
func fillCopy(ctx context.Context, from, to, mode string) (b Backup, err error) {
	query := url.Values{"_pragma": {"busy_timeout(10000)"}, "mode": {"ro"}}
	if mode == "immutable" { // nobody else has it open, and beside it nothing can be written, maybe
		query.Set("immutable", "1")
	}
	source, err := driver.Open((&url.URL{Scheme: "file", Opaque: (&url.URL{Path: from}).EscapedPath(), RawQuery: query.Encode()}).String(), fts5.Register)
	if err != nil {
		return b, err
	}
	defer source.Close()
	conn, err := source.Conn(ctx)
	if err != nil {
		return b, fmt.Errorf("%s: %w", from, err)
	}
	defer conn.Close()
	target := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: to}).EscapedPath()}).String()
	err = conn.Raw(func(c any) error { return c.(driver.Conn).Raw().Backup("main", target) })
	if err != nil {
		return b, fmt.Errorf("copy %s: %w", from, err)
	}
	if b.Schema, err = checkLite(ctx, target); err != nil {
		return b, fmt.Errorf("%s: %w", from, err)
	}
	info, err := os.Stat(to)
	if err != nil {
		return b, err
	}
	b.Size = info.Size()
	return b, syncFile(to)
}

// checkLite reads all of a database, and returns the version of its schema.
func checkLite(ctx context.Context, dsn string) (schema int64, err error) {
	db, err := driver.Open(dsn, fts5.Register)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var found string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil || found != "ok" {
		return 0, errors.Join(err, fmt.Errorf("the database is damaged: %s", found))
	}
	var orphan string
	if err := db.QueryRowContext(ctx, `SELECT "table" FROM pragma_foreign_key_check LIMIT 1`).Scan(&orphan); !errors.Is(err, sql.ErrNoRows) {
		return 0, errors.Join(err, fmt.Errorf("the database is damaged: a row of %s refers to one that is missing", orphan))
	}
	if err := db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&schema); err != nil {
		return 0, fmt.Errorf("this is no database of Rollcall: %w", err)
	}
	if newest := newestSchema(SQLite); schema > newest {
		return 0, fmt.Errorf("the schema has version %d, this program knows up to %d: use a newer rollcall", schema, newest)
	}
	return schema, nil
}

// newestSchema returns the version of the schema's last step.
func newestSchema(engine Engine) (newest int64) {
	steps, _ := fs.ReadDir(migrations, "migrations/"+string(engine)) // embedded
	for _, step := range steps {
		var version int64
		fmt.Sscanf(step.Name(), "%d_", &version)
		newest = max(newest, version)
	}
	return newest
}

// syncFile sees to it that a file, or a folder's list of them, survives a power cut.
func syncFile(name string) error {
	f, err := os.Open(name) // #nosec G304 -- the operator names it
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
