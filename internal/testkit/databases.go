package testkit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the "pgx" driver
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/ext/fts5"
)

// Main runs a package's tests and ends the PostgreSQL cluster that they may have started.
func Main(m *testing.M) int {
	defer func() {
		if server.cluster != nil {
			server.cluster.stop()
		}
	}()
	return m.Run()
}

// Databases runs f on an empty SQLite database and on an empty PostgreSQL database, each named by its URL.
func Databases(t *testing.T, f func(t *testing.T, databaseURL string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t)) })
}

// SQLite returns the URL of a SQLite database that does not exist yet.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
}

var server struct {
	once    sync.Once
	admin   string // URL of a database from which others are created
	cluster *Cluster
	err     error
}

var databases atomic.Int64

// All returns the URLs of an empty database of each engine that can be had, SQLite first.
func All(t testing.TB) []string {
	t.Helper()
	if !hasPostgres() {
		return []string{SQLite(t)}
	}
	return []string{SQLite(t), Postgres(t)}
}

// Postgres returns the URL of a new PostgreSQL database, which is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	if !hasPostgres() {
		t.Skip("no PostgreSQL: set TEST_POSTGRES_URL, or install its server")
	}
	if server.err != nil {
		t.Fatal(server.err)
	}
	name := fmt.Sprintf("rollcall_test_%d_%d", os.Getpid(), databases.Add(1))
	admin(t, "CREATE DATABASE "+name)
	t.Cleanup(func() { admin(t, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server.admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// hasPostgres starts a cluster if none is given. It reports whether there is a server, or has to be one.
func hasPostgres() bool {
	server.once.Do(func() {
		if server.admin = os.Getenv("TEST_POSTGRES_URL"); server.admin != "" {
			return
		}
		if server.cluster, server.err = startCluster(forgetful...); server.err == nil {
			server.admin = server.cluster.URL
		}
	})
	return !errors.Is(server.err, errNoPostgres) || os.Getenv("REQUIRE_POSTGRES") != ""
}

func admin(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", server.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

// OpenSQL opens a database beside the store, to look at what it holds.
func OpenSQL(t testing.TB, databaseURL string) *sql.DB {
	t.Helper()
	var db *sql.DB
	var err error
	if path, ok := strings.CutPrefix(databaseURL, "sqlite:"); ok {
		db, err = driver.Open("file:"+path, fts5.Register)
	} else {
		db, err = sql.Open("pgx", databaseURL)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}
