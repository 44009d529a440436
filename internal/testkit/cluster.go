package testkit

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

var errNoPostgres = errors.New("no PostgreSQL server binaries on this machine")

// Cluster is a throw-away PostgreSQL server.
type Cluster struct {
	URL  string // of its database postgres
	Dir  string // of its socket, which is the host to connect to
	cmd  *exec.Cmd
	done chan struct{} // closed when the server has ended
	log  *bytes.Buffer
}

// forgetful are the settings of a server whose data nobody will miss.
var forgetful = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off"}

// NewCluster starts a PostgreSQL server for a test that means to harm it, with further settings (name=value). Unlike the one behind
// Postgres it is durable.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c, err := startCluster(settings...)
	return own(t, c, err)
}

// own gives a cluster to a test, which is skipped where there are no binaries and none have to be.
func own(t testing.TB, c *Cluster, err error) *Cluster {
	t.Helper()
	if errors.Is(err, errNoPostgres) && os.Getenv("REQUIRE_POSTGRES") == "" {
		t.Skip("no PostgreSQL: install its server")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

func startCluster(settings ...string) (*Cluster, error) {
	return makeCluster(func(dir, data string, attr *syscall.SysProcAttr) error {
		initdb, _, err := binaries()
		if err != nil {
			return err
		}
		return runIn(dir, attr, initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	}, settings...)
}

// Standby starts a server that follows c, on which c waits with each commit once it is named in synchronous_standby_names, as name.
func (c *Cluster) Standby(t testing.TB, name string) *Cluster {
	t.Helper()
	standby, err := makeCluster(func(dir, data string, attr *syscall.SysProcAttr) error {
		_, postgres, err := binaries()
		if err != nil {
			return err
		}
		source := fmt.Sprintf("host=%s user=postgres application_name=%s", c.Dir, name)
		return runIn(dir, attr, filepath.Join(filepath.Dir(postgres), "pg_basebackup"), "-D", data, "-d", source, "-R", "-X", "stream", "-c", "fast")
	})
	return own(t, standby, err)
}

func runIn(dir string, attr *syscall.SysProcAttr, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.SysProcAttr, cmd.Dir = attr, dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(program), err, out)
	}
	return nil
}

// makeCluster starts a server on data that fill makes.
func makeCluster(fill func(dir, data string, attr *syscall.SysProcAttr) error, settings ...string) (_ *Cluster, err error) {
	parent := ""
	if os.Geteuid() == 0 {
		parent = "/tmp" // TMPDIR may be root's alone, and PostgreSQL runs as somebody else
	}
	dir, err := os.MkdirTemp(parent, "rollcall-pg-") // short, since socket paths have a limit
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	attr, err := asOtherThanRoot(dir)
	if err != nil {
		return nil, err
	}
	if err := fill(dir, filepath.Join(dir, "data"), attr); err != nil {
		return nil, err
	}
	c := &Cluster{URL: "postgres://postgres@/postgres?host=" + url.QueryEscape(dir), Dir: dir}
	return c, c.start(attr, settings...)
}

func (c *Cluster) start(attr *syscall.SysProcAttr, settings ...string) error {
	_, postgres, err := binaries()
	if err != nil {
		return err
	}
	c.done, c.log = make(chan struct{}), new(bytes.Buffer)
	args := []string{"-D", filepath.Join(c.Dir, "data"), "-k", c.Dir, "-c", "listen_addresses=", "-c", "max_connections=300"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	c.cmd = exec.Command(postgres, args...)
	c.cmd.SysProcAttr, c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = endWithParent(attr), c.Dir, c.log, c.log
	started := make(chan error)
	go func() {
		// The signal that ends the server with this process is sent when the thread that started it ends.
		runtime.LockOSThread()
		started <- c.cmd.Start()
		c.cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return err
	}
	return c.wait()
}

// Kill ends the server at once, as a crash does: what was not in its log is lost.
func (c *Cluster) Kill() {
	c.cmd.Process.Signal(syscall.SIGQUIT)
	<-c.done
}

// Restart starts a server that was killed.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	attr, err := asOtherThanRoot(c.Dir)
	if err == nil {
		err = c.start(attr)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Run runs a statement as the superuser.
func (c *Cluster) Run(t testing.TB, statement string) {
	t.Helper()
	db, err := sql.Open("pgx", c.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func (c *Cluster) wait() error {
	db, err := sql.Open("pgx", c.URL)
	if err != nil {
		return err
	}
	defer db.Close()
	deadline := time.After(30 * time.Second)
	for db.Ping() != nil {
		select {
		case <-c.done:
			return fmt.Errorf("postgres ended:\n%s", c.log)
		case <-deadline:
			c.stop()
			return fmt.Errorf("postgres did not start:\n%s", c.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (c *Cluster) stop() {
	c.Kill()
	os.RemoveAll(c.Dir)
}

// binaries looks for initdb and postgres in PATH and where Debian puts them.
func binaries() (initdb, postgres string, err error) {
	folders, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	for i := len(folders) - 1; i >= 0; i-- {
		initdb, postgres = filepath.Join(folders[i], "initdb"), filepath.Join(folders[i], "postgres")
		if _, err := exec.LookPath(postgres); err == nil {
			if _, err := exec.LookPath(initdb); err == nil {
				return initdb, postgres, nil
			}
		}
	}
	if initdb, err = exec.LookPath("initdb"); err != nil {
		return "", "", errNoPostgres
	}
	if postgres, err = exec.LookPath("postgres"); err != nil {
		return "", "", errNoPostgres
	}
	return initdb, postgres, nil
}

// asOtherThanRoot gives the folder to a user whom PostgreSQL accepts, and returns how to become that user.
func asOtherThanRoot(dir string) (*syscall.SysProcAttr, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			return nil, err
		}
		return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
	}
	return nil, errors.New("running as root, and there is no user postgres or nobody to run PostgreSQL as")
}
