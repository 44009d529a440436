package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"rollcall/desk"
)

// Diagnose opens a database as a server does, but for bringing its schema up to date, and says how it does. The store is nil where its
// tables cannot be asked.
func Diagnose(ctx context.Context, databaseURL string) (*Store, []desk.Finding) {
	unreachable := func(err error) (*Store, []desk.Finding) {
		return nil, []desk.Finding{desk.Found("database", desk.HealthFailing, "%v; nothing else can be checked until it can be opened", err)}
	}
	if err := exists(databaseURL); err != nil {
		return unreachable(err)
	}
	files, found := diagnoseFiles(databaseURL) // before opening makes some
	s, err := connect(ctx, databaseURL)
	if err != nil {
		return unreachable(err)
	}
	look := s.diagnoseSQLite
	if s.engine == Postgres {
		look = s.diagnosePostgres
	}
	list, err := look(ctx)
	if err != nil {
		s.Close()
		return unreachable(fmt.Errorf("database %s: %w", redact(databaseURL), oneLine(err)))
	}
	if !found {
		if err := s.keepOwn(); err != nil {
			s.Close()
			return unreachable(err)
		}
	}
	list = append(list, files...)
	schema := s.diagnoseSchema(ctx)
	if list = append(list, schema); schema.Health == desk.HealthFailing {
		s.Close()
		return nil, list
	}
	parts, err := s.diagnoseParts(ctx)
	if err != nil {
		parts = []desk.Finding{desk.Found("schema", desk.HealthFailing, "its parts cannot be read: %v", oneLine(err))}
	}
	return s, append(list, parts...)
}

// diagnoseSchema says whether the schema is this program's.
func (s *Store) diagnoseSchema(ctx context.Context) desk.Finding {
	failing := func(format string, args ...any) desk.Finding {
		return desk.Found("schema", desk.HealthFailing, format, args...)
	}
	provider, err := s.provider()
	if err != nil {
		return failing("%v", err)
	}
	defer s.closeProvider(provider)
	current, target, err := provider.GetVersions(ctx)
	switch {
	case err != nil:
		return failing("it cannot be read: %v", oneLine(err))
	case current > target:
		return failing("the database has version %d, this program knows up to %d; use the newer rollcall", current, target)
	case current < target:
		return failing("the database has version %d, this program wants %d; serve brings it up to date", current, target)
	}
	return desk.Found("schema", desk.HealthOK, "version %d", current)
}

// liteSettings are what a connection of SQLite's says of itself.
type liteSettings struct {
	version, journal string
	synchronous      int
}

func (s *Store) diagnoseSQLite(ctx context.Context) ([]desk.Finding, error) {
	var l liteSettings
	var check string
	err := errors.Join(
		s.write.WithContext(ctx).Raw("SELECT sqlite_version()").Scan(&l.version).Error,
		s.write.WithContext(ctx).Raw("PRAGMA journal_mode").Scan(&l.journal).Error,
		s.write.WithContext(ctx).Raw("PRAGMA synchronous").Scan(&l.synchronous).Error)
	if err != nil {
		return nil, err
	}
	list := []desk.Finding{desk.Found("database", desk.HealthOK, "SQLite %s", l.version), l.durability()}
	integrity := desk.Found("integrity", desk.HealthOK, "quick_check finds nothing")
	err = s.read.WithContext(ctx).Raw("PRAGMA quick_check(1)").Scan(&check).Error
	if err != nil || check != "ok" {
		integrity = desk.Found("integrity", desk.HealthFailing, "the file is damaged (%s); end the server, keep the file and those beside it, and restore the last backup (rollcall restore)", damage(check, err))
	}
	list = append(list, integrity)
	if free, ok := freeSpace(filepath.Dir(s.path)); ok {
		size := int64(0)
		if info, err := os.Stat(s.path); err == nil {
			size = info.Size()
		}
		list = append(list, diskSpace(free, size))
	}
	return list, nil
}

// damage is what a check found: SQLite names tables and pages, nothing that is in them. A line before that names the database.
func damage(check string, err error) string {
	if err != nil {
		check = err.Error()
	}
	lines := slices.DeleteFunc(strings.Split(check, "\n"), func(line string) bool { return line == "" || strings.HasPrefix(line, "*** in database") })
	return strings.Join(lines, "; ")
}

// diagnoseFiles says whether only the owner may read and write the files of a SQLite database, and whether there are more than one. It is
// silent where files have no modes, and of PostgreSQL.
func diagnoseFiles(databaseURL string) (list []desk.Finding, several bool) {
	path, ok := strings.CutPrefix(databaseURL, "sqlite:")
	if !ok || runtime.GOOS == "windows" {
		return nil, false
	}
	health, open, names := desk.HealthOK, []string{}, []string{}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		if err != nil {
			continue
		}
		several = several || file != path
		mode := info.Mode().Perm()
		switch {
		case mode&0o022 != 0:
			health = desk.HealthFailing
		case mode&0o077 == 0:
			continue
		case health == desk.HealthOK:
			health = desk.HealthAttention
		}
		open, names = append(open, fmt.Sprintf("%s (%s)", filepath.Base(file), mode)), append(names, file)
	}
	if health == desk.HealthOK {
		return []desk.Finding{desk.Found("files", health, "for their owner alone")}, several
	}
	return []desk.Finding{desk.Found("files", health, "others than the owner may read or write %s, with the data of people that is in there; chmod 600 %s", strings.Join(open, ", "), strings.Join(names, " "))}, several
}

// durability says whether what a server answers is on the disk.
func (l liteSettings) durability() desk.Finding {
	switch {
	case l.journal != "wal":
		return desk.Found("durability", desk.HealthFailing, "journal_mode is %s where WAL is asked for, so that readers and writers wait for each other; put the file on a local disk, not a network's", l.journal)
	case l.synchronous < 2: // FULL
		return desk.Found("durability", desk.HealthFailing, "synchronous is less than FULL, so that what was answered may be lost with the power; this is a fault of the program's")
	}
	return desk.Found("durability", desk.HealthOK, "journal_mode WAL, synchronous FULL")
}

const mebibyte = 1 << 20

// diskSpace judges the free space beside a SQLite file, both in bytes: a change of a row may take a few pages, a backup as much as there is.
func diskSpace(free, size int64) desk.Finding {
	f := desk.Found("disk", desk.HealthOK, "%d MiB free, the database has %d", free/mebibyte, size/mebibyte)
	switch {
	case free < 100*mebibyte:
		f.Health, f.Message = desk.HealthFailing, f.Message+"; writes are answered with 503 once there is no room: make some"
	case free < 1024*mebibyte || free < size/4:
		f.Health, f.Message = desk.HealthAttention, f.Message+"; make room before writes are answered with 503"
	}
	return f
}

// pgSettings are what a server of PostgreSQL's says of itself.
type pgSettings struct {
	Version, Encoding                        string
	Fsync, FullPageWrites, SynchronousCommit string // "off", or how they are on
	Recovery, ReadOnly                       bool
	Most, Used                               int // connections
	Clock                                    time.Time
}

const askSettings = `SELECT current_setting('server_version') AS version, current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
	current_setting('full_page_writes') AS full_page_writes, current_setting('synchronous_commit') AS synchronous_commit, pg_is_in_recovery() AS recovery,
	current_setting('transaction_read_only') = 'on' AS read_only,
	current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int - coalesce(current_setting('reserved_connections', true), '0')::int AS most,
	(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used, clock_timestamp() AS clock`

func (s *Store) diagnosePostgres(ctx context.Context) ([]desk.Finding, error) {
	var p pgSettings
	before := s.Now()
	if err := s.read.WithContext(ctx).Raw(askSettings).Scan(&p).Error; err != nil {
		return nil, err
	}
	after := s.Now()
	pool := s.pools[0].Stats().MaxOpenConnections
	list := []desk.Finding{desk.Found("database", desk.HealthOK, "PostgreSQL %s", p.Version), p.writable(), p.durability(), p.connections(pool), p.clock(before, after)}
	if p.Encoding != "UTF8" {
		list = append(list, desk.Found("encoding", desk.HealthFailing, "the database's encoding is %s, which cannot hold all names; make one with ENCODING 'UTF8' and move what is in this one there (pg_dump, pg_restore)", p.Encoding))
	}
	return list, nil
}

func (p pgSettings) writable() desk.Finding {
	switch {
	case p.Recovery:
		return desk.Found("writable", desk.HealthFailing, "the server is a standby, so that writes are answered with 503; promote it, or name the primary, or all hosts, in --database")
	case p.ReadOnly:
		return desk.Found("writable", desk.HealthFailing, "transactions are read only, so that writes are answered with 503; set default_transaction_read_only to off")
	}
	return desk.Found("writable", desk.HealthOK, "the server is a primary")
}

func (p pgSettings) durability() desk.Finding {
	var off []string
	for _, s := range []struct{ name, value string }{{"fsync", p.Fsync}, {"full_page_writes", p.FullPageWrites}, {"synchronous_commit", p.SynchronousCommit}} {
		if s.value == "off" {
			off = append(off, s.name)
		}
	}
	if len(off) > 0 {
		return desk.Found("durability", desk.HealthAttention, "%s off: writes that were answered may be lost when the database's machine fails; set to on unless that is meant", strings.Join(off, " and "))
	}
	return desk.Found("durability", desk.HealthOK, "fsync and full_page_writes on, synchronous_commit %s", p.SynchronousCommit)
}

// connections judges whether there is room for those of one more server.
func (p pgSettings) connections(pool int) desk.Finding {
	f := desk.Found("connections", desk.HealthOK, "%d of %d in use, and each server opens up to %d", p.Used, p.Most, pool)
	if p.Most-p.Used < pool {
		f.Health, f.Message = desk.HealthAttention, f.Message+"; raise max_connections, or lower pool_max_conns in the URLs"
	}
	return f
}

// skew is how far clocks may be apart: a few seconds change nothing that anybody would notice.
const skew = 5 * time.Second

// clock judges the database's against this machine's, which was before and after the question.
func (p pgSettings) clock(before, after time.Time) desk.Finding {
	switch {
	case p.Clock.Before(before.Add(-skew)):
		return desk.Found("clock of the database", desk.HealthAttention, "this machine's is %s ahead; run NTP on both", desk.Span(before.Sub(p.Clock)))
	case p.Clock.After(after.Add(skew)):
		return desk.Found("clock of the database", desk.HealthAttention, "this machine's is %s behind; run NTP on both", desk.Span(p.Clock.Sub(after)))
	}
	return desk.Found("clock of the database", desk.HealthOK, "agrees with this machine's")
}

// exists reports a SQLite file that is not there, which opening it would make.
func exists(databaseURL string) error {
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok && path != "" {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("database %s does not exist yet; serve makes it", databaseURL)
		}
	}
	return nil
}
