package api_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"rollcall/api"
)

// The generator and what its clients import, as versions that this module does not depend on.
const (
	generator = "github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2"
	imported  = "github.com/oapi-codegen/runtime@v1.8.0"
)

// TestGeneratedClient generates a client from the OpenAPI document with a generator that knows nothing of this program, compiles
// it in a module of its own, and lets it go through a contact's life. Where the generator cannot be fetched the test is
// skipped, unless all tests have to run, as PostgreSQL has to be there.
func TestGeneratedClient(t *testing.T) {
	dir := t.TempDir()
	run := func(name string, args ...string) error {
		command := exec.CommandContext(t.Context(), name, args...)
		command.Dir, command.Stderr = dir, t.Output()
		command.Env = append(os.Environ(), "GOWORK=off", "GOBIN="+dir, "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod")
		return command.Run()
	}
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", []byte("module journey\n\ngo 1.26.0\n"))
	for _, fetch := range [][]string{{"install", generator}, {"get", imported}} {
		if err := run("go", fetch...); err != nil {
			if os.Getenv("REQUIRE_POSTGRES") == "" {
				t.Skipf("go %v: %v", fetch, err)
			}
			t.Fatalf("go %v: %v", fetch, err)
		}
	}

	doc, err := json.Marshal(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	write("openapi.json", doc)
	program, err := os.ReadFile("testdata/client/main.go")
	if err != nil {
		t.Fatal(err)
	}
	write("main.go", program)
	if err := os.Mkdir(filepath.Join(dir, "client"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := run(filepath.Join(dir, "oapi-codegen"), "-generate", "types,client", "-package", "client", "-o", "client/client.go", "openapi.json"); err != nil {
		t.Fatalf("generate the client: %v", err)
	}
	if err := run("go", "build", "-o", "program", "."); err != nil {
		t.Fatalf("compile the client: %v", err)
	}
	each(t, func(s *server) {
		if err := run(filepath.Join(dir, "program"), s.URL, s.agent); err != nil {
			s.Error(err)
		}
	})
}
