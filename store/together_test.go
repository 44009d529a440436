package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestTogether holds that the parts of a transaction are there all or none, but for those that failed, and see one another.
func TestTogether(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}) })
		if err != nil {
			t.Fatal(err)
		}
		create := func(ctx context.Context, ids ...string) error {
			return s.Tx(ctx, func(tx *store.Tx) error {
				for _, id := range ids {
					c := desk.Contact{TenantID: "acme", ID: id, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
					if err := tx.CreateContact(&c); err != nil {
						return err
					}
				}
				return nil
			})
		}
		stored := func(ctx context.Context, ids ...string) []string {
			t.Helper()
			found, err := s.Read(ctx).ContactNames("acme", ids)
			if err != nil {
				t.Fatal(err)
			}
			return slices.DeleteFunc(ids, func(id string) bool { _, ok := found[id]; return !ok })
		}
		all := []string{"a", "b", "c", "d", "e"}

		errFault := errors.New("fault")
		err = s.Together(t.Context(), "acme", func(ctx context.Context) error {
			if err := create(ctx, "a"); err != nil {
				return err
			}
			return errFault
		})
		if got := stored(t.Context(), slices.Clone(all)...); !errors.Is(err, errFault) || len(got) > 0 {
			t.Fatalf("after %v, %v are there", err, got)
		}

		err = s.Together(t.Context(), "acme", func(ctx context.Context) error {
			if err := create(ctx, "a"); err != nil {
				return err
			}
			// f fails with nothing sent, and with something sent.
			for _, ask := range []bool{false, true} {
				err := s.Tx(ctx, func(tx *store.Tx) error {
					c := desk.Contact{TenantID: "acme", ID: "c", Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
					if err := tx.CreateContact(&c); err != nil {
						return err
					}
					if ask {
						if _, err := tx.LockContact("acme", "c"); err != nil {
							return err
						}
					}
					return errFault
				})
				if !errors.Is(err, errFault) {
					t.Errorf("a part that fails says %v", err)
				}
			}
			if err := create(ctx, "d"); err != nil {
				return err
			}
			if got := stored(ctx, slices.Clone(all)...); !slices.Equal(got, []string{"a", "d"}) {
				t.Errorf("within, %v are there", got)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := stored(t.Context(), slices.Clone(all)...); !slices.Equal(got, []string{"a", "d"}) {
			t.Errorf("afterwards, %v are there", got)
		}

		// An index refuses a row. SQLite says so at once, and the part fails alone; PostgreSQL when others have followed.
		var last error
		err = s.Together(t.Context(), "acme", func(ctx context.Context) error {
			create(ctx, "e")
			create(ctx, "b", "a")
			if s.Engine() == store.Postgres {
				s.Read(ctx).ContactNames("acme", all)
			}
			last = create(ctx, "c")
			return nil
		})
		got := stored(t.Context(), slices.Clone(all)...)
		if s.Engine() == store.SQLite && (err != nil || last != nil || !slices.Equal(got, []string{"a", "c", "d", "e"})) {
			t.Errorf("after %v and %v, %v are there", last, err, got)
		}
		if s.Engine() == store.Postgres && (err == nil || !errors.Is(last, store.ErrLost) || !slices.Equal(got, []string{"a", "d"})) {
			t.Errorf("after %v and %v, %v are there", last, err, got)
		}

		// Who goes away takes all along.
		before := len(got)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		err = s.Together(ctx, "acme", func(ctx context.Context) error {
			if err := create(ctx, "late"); err != nil {
				return err
			}
			cancel()
			return ctx.Err()
		})
		if got := stored(t.Context(), append(slices.Clone(all), "late")...); err == nil || len(got) != before {
			t.Errorf("after %v, %v are there", err, got)
		}
	})
}

// TestTogetherRolledBack holds that nothing of several is done once SQLite has rolled their transaction back in the middle.
func TestTogetherRolledBack(t *testing.T) {
	s := open(t, testkit.SQLite(t))
	if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "acme", CreatedAt: tx.Now}) }); err != nil {
		t.Fatal(err)
	}
	errFault := errors.New("the disk is full")
	part := func(ctx context.Context, id string, fault bool) error {
		return s.Tx(ctx, func(tx *store.Tx) error {
			c := desk.Contact{TenantID: "acme", ID: id, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			if err := tx.CreateContact(&c); err != nil || !fault {
				return err
			}
			store.RollBack(t, tx)
			return errFault
		})
	}
	err := s.Together(t.Context(), "acme", func(ctx context.Context) error {
		if err := part(ctx, "a", false); err != nil {
			t.Error(err)
		}
		if err := part(ctx, "b", true); !errors.Is(err, store.ErrLost) || !errors.Is(err, errFault) {
			t.Errorf("the part that was rolled back: %v", err)
		}
		return part(ctx, "c", false)
	})
	found, failed := s.Read(t.Context()).ContactNames("acme", []string{"a", "b", "c"})
	if !errors.Is(err, store.ErrLost) || len(found) > 0 || failed != nil {
		t.Errorf("after %v, %v are there (%v)", err, found, failed)
	}
	if err := part(t.Context(), "a", false); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}
