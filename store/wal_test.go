package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3/vfs"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// memory is a file of which the writes are counted, and fail if it is full.
type memory struct {
	vfs.File
	data   []byte
	writes int
	synced []byte // as the disk has it
	full   bool
}

var errFull = errors.New("full")

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if m.full {
		return 0, errFull
	}
	m.writes++
	if end := int(at) + len(p); end > len(m.data) {
		m.data = append(m.data, make([]byte, end-len(m.data))...)
	}
	return copy(m.data[at:], p), nil
}

func (m *memory) ReadAt(p []byte, at int64) (int, error) {
	if int(at) >= len(m.data) {
		return 0, io.EOF
	}
	return copy(p, m.data[at:]), nil
}

func (m *memory) Truncate(size int64) error { m.data = m.data[:size]; return nil }
func (m *memory) Size() (int64, error)      { return int64(len(m.data)), nil }
func (m *memory) Sync(vfs.SyncFlag) error   { m.synced = bytes.Clone(m.data); return nil }

// TestWAL holds that a WAL is what it would be if each piece were written as it comes, whenever it is looked at.
func TestWAL(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 7)) // #nosec G404 -- a test
		plain, beneath := &memory{}, &memory{}
		wal, during := store.WAL(beneath)
		at := int64(0)
		step := func(committing bool) {
			n := []int{24, 4096, 1, 0, 70_000}[random.IntN(5)]
			p := make([]byte, n)
			for i := range p {
				p[i] = byte(random.IntN(256))
			}
			switch what := random.IntN(12); {
			case what == 0:
				at = random.Int64N(int64(len(plain.data)) + 1)
			case what == 1:
				plain.Sync(0)
				if err := wal.Sync(0); err != nil || !bytes.Equal(plain.synced, beneath.synced) {
					t.Fatalf("seed %d: after a sync the disk has other things: %v", seed, err)
				}
			case what == 2:
				a, b := make([]byte, 5000), make([]byte, 5000)
				from := random.Int64N(int64(len(plain.data)) + 1)
				n, _ := plain.ReadAt(a, from)
				m, _ := wal.ReadAt(b, from)
				if n != m || !bytes.Equal(a, b) {
					t.Fatalf("seed %d: other things are read", seed)
				}
			case what == 3:
				a, _ := plain.Size()
				if b, err := wal.Size(); a != b || err != nil {
					t.Fatalf("seed %d: the size is %d, want %d: %v", seed, b, a, err)
				}
			case what == 4 && len(plain.data) > 0:
				size := random.Int64N(int64(len(plain.data)))
				plain.Truncate(size)
				if err := wal.Truncate(size); err != nil {
					t.Fatal(err)
				}
				at = min(at, size)
			default:
				plain.WriteAt(p, at)
				if n, err := wal.WriteAt(p, at); n != len(p) || err != nil {
					t.Fatalf("seed %d: wrote %d: %v", seed, n, err)
				}
				at += int64(n)
			}
			if !committing && !bytes.Equal(plain.data, beneath.data) {
				t.Fatalf("seed %d: something was kept outside of a commit", seed)
			}
		}
		for range 20 {
			step(false)
			during(func() error {
				for range 20 {
					step(true)
				}
				plain.Sync(0)
				return wal.Sync(0)
			})
			if !bytes.Equal(plain.synced, beneath.synced) {
				t.Fatalf("seed %d: after a commit the disk has other things", seed)
			}
		}
	}
}

// TestWALAtOnce holds what it is for: that a commit is written at once, and that nothing is left of one that failed.
func TestWALAtOnce(t *testing.T) {
	beneath := &memory{}
	wal, during := store.WAL(beneath)
	frames := func(n int, at int64) {
		for range n {
			wal.WriteAt(make([]byte, 24), at)
			wal.WriteAt(bytes.Repeat([]byte{1}, 4096), at+24)
			at += 24 + 4096
		}
	}
	during(func() error { frames(20, 32); return wal.Sync(0) })
	if beneath.writes != 1 || len(beneath.synced) != 32+20*4120 {
		t.Errorf("%d bytes were written in %d pieces", len(beneath.synced), beneath.writes)
	}
	during(func() error { frames(1000, 32); return wal.Sync(0) })
	if beneath.writes > 40 {
		t.Errorf("four megabytes were written in %d pieces", beneath.writes)
	}
	beneath.full = true
	err := during(func() error { frames(3, 32); return wal.Sync(0) })
	if !errors.Is(err, errFull) {
		t.Errorf("a full disk: %v", err)
	}
	during(func() error { frames(3, 32); return errFull })
	beneath.full, beneath.writes = false, 0
	if err := errors.Join(wal.Sync(0), during(func() error { return wal.Sync(0) })); err != nil || beneath.writes > 0 {
		t.Errorf("what failed was written later, in %d pieces: %v", beneath.writes, err)
	}
}

// TestEarlyWrites holds that what SQLite writes before a commit, as it does where much is written, neither gets lost with the commit nor
// comes back after it was rolled back and another process has written.
func TestEarlyWrites(t *testing.T) {
	url := "sqlite:" + filepath.Join(t.TempDir(), "rollcall.db")
	s, other := open(t, url), open(t, url)
	store.Exec(t, s, "PRAGMA cache_size = 20")
	errFault := errors.New("fault")
	n := 0
	create := func(s *store.Store, contacts int, err error) {
		t.Helper()
		got := s.Tx(t.Context(), func(tx *store.Tx) error {
			for range contacts {
				n++
				c := desk.Contact{TenantID: "acme", ID: fmt.Sprintf("c%06d", n), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
				c.DisplayName = strings.Repeat("a name ", 50)
				if err := tx.CreateContact(&c); err != nil {
					return err
				}
			}
			return err
		})
		if !errors.Is(got, err) {
			t.Fatalf("want %v, got %v", err, got)
		}
	}
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}) }); err != nil {
		t.Fatal(err)
	}
	want := 0
	for i := range 40 {
		create(s, i, errFault)
		create(other, 30, nil)
		create(s, i, nil)
		create(other, i, errFault)
		create(s, 1, nil)
		want += i + 31
	}
	db := testkit.OpenSQL(t, url)
	var got int
	var intact string
	err := errors.Join(db.QueryRow("SELECT count(*) FROM contacts").Scan(&got), db.QueryRow("PRAGMA integrity_check").Scan(&intact))
	if err != nil || got != want || intact != "ok" {
		t.Errorf("%d contacts are there, want %d; %s %v", got, want, intact, err)
	}
}
