package store_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestSharedCommit holds that transactions which come at the same moment take nothing of each other with them: what failed has left
// nothing, be it that it had written before or not, and all else is there.
func TestSharedCommit(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		errFault := errors.New("fault")
		var runs [90]atomic.Int32
		var all sync.WaitGroup
		begin := make(chan struct{})
		create := func(i int) error {
			return s.Tx(t.Context(), func(tx *store.Tx) error {
				runs[i].Add(1)
				if i%3 == 1 {
					return errFault
				}
				if err := tx.CreateTenant(&desk.Tenant{ID: fmt.Sprint("t", i), CreatedAt: tx.Now}); err != nil {
					return err
				}
				if i%3 == 2 {
					return errFault
				}
				return nil
			})
		}
		for i := range runs {
			all.Go(func() {
				<-begin
				if err := create(i); errors.Is(err, errFault) != (i%3 > 0) || i%3 == 0 && err != nil {
					t.Errorf("transaction %d: %v", i, err)
				}
			})
		}
		close(begin)
		all.Wait()
		for i := range runs {
			if _, err := s.Read(t.Context()).Tenant(fmt.Sprint("t", i)); (err == nil) != (i%3 == 0) {
				t.Errorf("after transaction %d: %v", i, err)
			}
			if n := runs[i].Load(); n > 2 {
				t.Errorf("transaction %d ran %d times", i, n)
			}
		}
	})
}

// TestRolledBack holds that a transaction which SQLite has rolled back is not answered as done, though it was not heard of: it runs again.
func TestRolledBack(t *testing.T) {
	s := open(t, testkit.SQLite(t))
	runs := 0
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		runs++
		if err := tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}); err != nil {
			return err
		}
		if runs == 1 {
			store.RollBack(t, tx)
		}
		return nil
	})
	if _, failed := s.Read(t.Context()).Tenant("acme"); err != nil || failed != nil || runs != 2 {
		t.Errorf("after %d runs, %v: %v", runs, err, failed)
	}
}
