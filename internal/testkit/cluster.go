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
	"time"
)

var errNoPostgres = errors.New("no PostgreSQL server binaries on this machine")

// cluster is a throw-away PostgreSQL server on a Unix socket, without durability.
type cluster struct {
	url  string
	dir  string
	cmd  *exec.Cmd
	done chan struct{} // closed when the server has ended
	log  *bytes.Buffer
}

func startCluster() (_ *cluster, err error) {
	initdb, postgres, err := binaries()
	if err != nil {
		return nil, err
	}
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
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	init.SysProcAttr, init.Dir = attr, dir
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	c := &cluster{
		url:  "postgres://postgres@/postgres?host=" + url.QueryEscape(dir),
		dir:  dir,
		done: make(chan struct{}),
		log:  new(bytes.Buffer),
	}
	c.cmd = exec.Command(postgres, "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "max_connections=300",
		"-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	c.cmd.SysProcAttr, c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = endWithParent(attr), dir, c.log, c.log
	started := make(chan error)
	go func() {
		// The signal that ends the server with this process is sent when the thread that started it ends.
		runtime.LockOSThread()
		started <- c.cmd.Start()
		c.cmd.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return c, c.wait()
}

func (c *cluster) wait() error {
	db, err := sql.Open("pgx", c.url)
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

func (c *cluster) stop() {
	c.cmd.Process.Signal(syscall.SIGQUIT) // at once: nothing is to be kept
	<-c.done
	os.RemoveAll(c.dir)
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
