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
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
	"github.com/ncruces/go-sqlite3/gormlite"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Engine is the kind of database behind a store.
type Engine string

const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Store is an open database.
type Store struct {
	engine Engine
	read   *gorm.DB
	write  *gorm.DB
	pools  []*sql.DB
	path   string // of a SQLite file
	writer writer
	access atomic.Uint64
	lites  liteConns
	// observer sees all that is asked past GORM; nil but for tests. begin is what Observe got.
	observer func(question)
	begin    func(context.Context) (end func(statement string, err error))
	clock    clock // of events
	// What directories do, as far as this process has not written it down yet.
	activity    activity
	denials     denials
	totals      totals[int]
	unlisted    totals[Unlisted]
	guesses     guesses
	groups      pgGroups
	lookedUp    lookedUp
	connections int // to PostgreSQL, at most
	// Now is the clock; tests set it before use.
	Now func() time.Time
}

// Open opens the database that the URL names, "sqlite:PATH" or "postgres://…", and brings its schema up to date.
func Open(ctx context.Context, databaseURL string) (*Store, error) {
	s, err := connect(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	err = s.migrate(ctx)
	if err == nil {
		err = s.keepOwn()
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// keepOwn leaves the files beside a SQLite file, which hold the same people's data, to its owner alone. SQLite makes them as the process
// makes any file, and they stay for as long as the store is open.
func (s *Store) keepOwn() error {
	if s.engine != SQLite {
		return nil
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Chmod(s.path+beside, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("keep %s for its owner: %w", filepath.Base(s.path)+beside, err)
		}
	}
	return nil
}

// connect opens the database without looking at its schema.
func connect(ctx context.Context, databaseURL string) (*Store, error) {
	s := &Store{Now: time.Now}
	var err error
	scheme, path, _ := strings.Cut(databaseURL, ":")
	switch {
	case scheme == "sqlite" && path != "":
		err = s.openSQLite(path)
	case scheme == "postgres" || scheme == "postgresql":
		err = s.openPostgres(databaseURL)
	default:
		return nil, fmt.Errorf("database %q: want sqlite:PATH or postgres://USER@HOST/NAME", redact(databaseURL))
	}
	if err == nil {
		err = s.reach(ctx)
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("database %s: %w", redact(databaseURL), oneLine(err))
	}
	return s, nil
}

// reach waits until the database answers. A SQLite file that another process is just turning to WAL is locked for a moment
// for which busy_timeout does not hold.
func (s *Store) reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		var err error
		for _, pool := range s.pools {
			err = errors.Join(err, pool.PingContext(ctx))
		}
		if err == nil || !lostRace(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Store) openSQLite(path string) error {
	if strings.HasPrefix(path, ":") || strings.HasPrefix(path, "//") && !strings.HasPrefix(path, "///") {
		return errors.New("want the path of a file, such as sqlite:rollcall.db or sqlite:/var/lib/rollcall/rollcall.db")
	}
	if dir := filepath.Dir(path); dir != "." {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("folder %s does not exist", dir)
		}
	}
	// It holds people's data: a new file is for its owner alone.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) // #nosec G304 -- the operator names it
	if err != nil {
		return errors.Unwrap(err) // the path is in the message already
	}
	file.Close()
	open := func(lock string, connections int) (*gorm.DB, error) {
		dsn := liteDSN(path, lock, "unixepoch_micro")
		if lock == "immediate" {
			dsn += "&vfs=" + walVFS + "&_pragma=temp_store(memory)" // where a savepoint keeps pages as they were: else each would make a file
		}
		pool, err := driver.Open(dsn, initLite)
		if err != nil {
			return nil, err
		}
		pool.SetMaxOpenConns(connections)
		pool.SetMaxIdleConns(connections)
		s.pools = append(s.pools, pool)
		return gorm.Open(gormlite.OpenDB(pool), config(true))
	}
	s.engine, s.path = SQLite, path
	if s.write, err = open("immediate", 1); err != nil {
		return err
	}
	s.read, err = open("deferred", max(4, runtime.NumCPU()))
	return err
}

// initLite prepares a connection. A statement keeps its plan whatever its arguments are: SQLite would prepare it anew each time,
// wherever an argument could decide whether a partial index fits. What such an index is chosen by is written out in statements.
func initLite(conn *sqlite3.Conn) error {
	if _, err := conn.Config(sqlite3.DBCONFIG_ENABLE_QPSG, true); err != nil {
		return err
	}
	return fts5.Register(conn)
}

// liteDSN returns the DSN of a SQLite file. Pragmas stand in it so that every pooled connection has them. FULL: what was
// answered survives a power cut.
func liteDSN(path, lock, timeFormat string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: url.Values{
		"_pragma":  {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(on)", "mmap_size(1073741824)", "wal_autocheckpoint(4000)"},
		"_timefmt": {timeFormat},
		"_txlock":  {lock},
	}.Encode()}).String()
}

// defaultConnections is how many connections a server opens to PostgreSQL; pool_max_conns in the URL says otherwise.
const defaultConnections = 16

// connectTimeout is how long a host of PostgreSQL's may take to answer before the next one is asked; connect_timeout in the URL says
// otherwise.
const connectTimeout = 5 * time.Second

// several reports whether a URL names more hosts than one.
func several(cfg *pgx.ConnConfig) bool {
	return slices.ContainsFunc(cfg.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != cfg.Host || f.Port != cfg.Port })
}

func (s *Store) openPostgres(databaseURL string) error {
	cfg, err := pgxpool.ParseConfig(databaseURL) // knows pool_max_conns
	if err != nil {
		return errors.New("not a PostgreSQL URL; want postgres://USER:PASSWORD@HOST:PORT/NAME")
	}
	connections := defaultConnections
	if strings.Contains(databaseURL, "pool_max_conns=") {
		connections = int(cfg.MaxConns)
	}
	if several(cfg.ConnConfig) && !strings.Contains(databaseURL, "target_session_attrs=") {
		cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite // the primary, whichever that now is
	}
	if !strings.Contains(databaseURL, "connect_timeout=") {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "rollcall"
	}
	pool := sql.OpenDB(pgConnector{stdlib.GetConnector(*cfg.ConnConfig, stdlib.OptionAfterConnect(func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}))})
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	s.pools = append(s.pools, pool)
	s.engine, s.connections = Postgres, connections
	// pgx caches statements itself.
	s.write, err = gorm.Open(postgres.New(postgres.Config{Conn: pool}), config(false))
	s.read = s.write
	return err
}

func config(prepare bool) *gorm.Config {
	// QueryFields: columns by name. SQLite connections that were open before a migration fail at SELECT * from what it changed.
	return &gorm.Config{SkipDefaultTransaction: true, QueryFields: true, PrepareStmt: prepare, PrepareStmtMaxSize: 200, DisableAutomaticPing: true, Logger: logger.Discard}
}

// Engine returns the kind of database.
func (s *Store) Engine() Engine { return s.engine }

// Ping reports whether the database answers a question.
func (s *Store) Ping(ctx context.Context) error {
	// Asked of the pool that reads: on SQLite the other one may be writing for a while.
	return s.read.WithContext(ctx).Exec("SELECT 1").Error
}

// Close closes all connections.
func (s *Store) Close() error {
	var errs []error
	s.lites.close()
	for _, pool := range s.pools {
		errs = append(errs, pool.Close())
	}
	return errors.Join(errs...)
}

// redact leaves of a database URL what can be shown: no password, wherever it stands.
func redact(databaseURL string) string {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Opaque == "" && u.Host == "" && u.Path == "" {
		scheme, _, _ := strings.Cut(databaseURL, ":")
		if strings.ContainsAny(scheme, " =@/") {
			return "…"
		}
		return scheme + ":…"
	}
	shown := url.URL{Scheme: u.Scheme, Opaque: u.Opaque, Host: u.Host, Path: u.Path}
	if scheme := shown.Scheme; scheme == "" || strings.Contains(databaseURL, "password=") && shown.Host == "" {
		return "…"
	}
	return shown.String()
}

// oneLine keeps the last line of an error: pgx lists each attempt on a line of its own, and the last says most.
func oneLine(err error) error {
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return errors.New(strings.TrimSpace(lines[len(lines)-1]))
}
