package scim_test

import (
	"os"
	"strings"
	"testing"

	"rollcall/internal/testkit"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// TestWire replays what clients have been seen, or are documented, to send. Each case has a tenant of its own, hence an
// empty store.
func TestWire(t *testing.T) {
	cases := testkit.Cases(t, "../testdata/wire/cases.jsonl")
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		for _, c := range cases {
			t.Run(c.ID, func(t *testing.T) {
				tenantURL, token := server.Connect(t, strings.ToLower(c.ID), "directory")
				c.Replay(t, tenantURL, token)
			})
		}
	})
}
