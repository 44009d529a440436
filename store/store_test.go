package store_test

import (
	"context"
	"os"
	"testing"

	"rollcall/internal/testkit"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

func TestOpen(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, url string) {
		ctx := context.Background()
		s, err := store.Open(ctx, url)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		steps, err := store.Migrations(ctx, url)
		t.Log(steps, err)
	})
}
