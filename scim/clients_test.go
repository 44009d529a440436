package scim_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestClients replays, in a tenant of its own, each sequence of what a client sends in the course of people's lives. Then no
// two of the helpdesk's contacts may be one person.
func TestClients(t *testing.T) {
	files := sequences(t)
	var recorded []string
	for _, file := range files {
		recorded = append(recorded, filepath.Base(filepath.Dir(file)))
	}
	for _, client := range []string{"authentik", "entra", "google", "jumpcloud", "okta", "onelogin", "zoho"} {
		if !slices.Contains(recorded, client) {
			t.Errorf("testdata has no sequence of %s", client)
		}
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		for i, file := range files {
			tenant := strings.ToLower(recorded[i] + "-" + strings.TrimSuffix(filepath.Base(file), ".jsonl"))
			t.Run(tenant, func(t *testing.T) {
				tenantURL, token := server.Connect(t, tenant, "directory")
				testkit.Replay(t, tenantURL, token, testkit.Exchanges(t, file))

				agent := server.Token(t, tenant, desk.RoleAgent)
				contacts := testkit.Call(t, "GET", server.URL+"/api/v1/contacts?status=all&limit=1000", agent, nil).Want(t, 200)
				var names []string
				for _, contact := range contacts["items"].([]any) {
					name, _ := contact.(map[string]any)["userName"].(string)
					names = append(names, desk.Fold(name))
				}
				slices.Sort(names)
				if diff := cmp.Diff(slices.Compact(slices.Clone(names)), names); diff != "" || len(names) == 0 {
					t.Errorf("contacts are there twice, or not at all: %s", diff)
				}
			})
		}
	})
}

// sequences are the files of what clients send in the course of people's lives.
func sequences(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../testdata/*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(files, func(file string) bool { return filepath.Base(filepath.Dir(file)) == "wire" })
}
