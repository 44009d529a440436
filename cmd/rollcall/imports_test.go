package main

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// edges are the imports that the design allows, between packages of this module.
var edges = map[string][]string{
	"desk":             {},
	"companies":        {"desk"},
	"schema":           {"desk"},
	"store":            {"desk"},
	"mapping":          {"desk", "schema"},
	"provision":        {"desk", "companies", "mapping", "store"},
	"auth":             {"desk", "store", "internal/httpx"},
	"internal/httpx":   {"desk"},
	"internal/jobs":    {"store"},
	"scim":             {"desk", "schema", "provision", "internal/httpx"},
	"api":              {"desk", "provision", "internal/httpx"},
	"portal":           {"desk", "provision", "internal/httpx"},
	"oauth":            {"desk", "auth", "internal/httpx"},
	"internal/sample":  {"desk", "provision"},
	"cmd/rollcall":     {"desk", "store", "provision", "auth", "scim", "api", "portal", "oauth", "internal/httpx", "internal/jobs", "internal/sample"},
	"internal/testkit": {"desk", "store", "provision", "auth", "scim", "api", "portal", "oauth", "internal/httpx"},
}

// only says which packages may import what lies beneath a path outside the module.
var only = map[string][]string{
	"gorm.io":                    {"store"},
	"github.com/jackc":           {"store", "internal/testkit"},
	"github.com/ncruces":         {"store", "internal/testkit"},
	"github.com/pressly":         {"store"},
	"github.com/elimity-com":     {"schema", "scim"},
	"github.com/scim2":           {"schema"},
	"github.com/expr-lang":       {"mapping"},
	"github.com/danielgtaylor":   {"api"},
	"github.com/alecthomas":      {"cmd/rollcall"},
	"net/http":                   {"internal/httpx", "scim", "api", "portal", "oauth", "auth", "cmd/rollcall", "internal/testkit"},
	"database/sql":               {"store", "internal/testkit"},
	"golang.org/x/net/idna":      {"companies"},
	"github.com/google/uuid":     {"store"},
	"github.com/gorilla/mux":     {"internal/httpx", "scim", "api", "portal", "oauth"},
	"github.com/coreos":          {"auth", "internal/testkit"},
	"github.com/go-jose":         {"auth", "provision"},
	"golang.org/x/crypto/argon2": {"auth"},
	"golang.org/x/time":          {"internal/httpx"},
	"html/template":              {"api", "portal"},
	"github.com/prometheus":      {"cmd/rollcall"},
	"go.opentelemetry.io":        {"cmd/rollcall"},
}

// TestImports reads the import graph and fails on any edge that the design does not have.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "rollcall/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for decoder.More() {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "rollcall/")
		allowed, known := edges[name]
		if !known {
			t.Errorf("package %s is not in the design", name)
		}
		seen++
		for _, path := range p.Imports {
			if inner, ok := strings.CutPrefix(path, "rollcall/"); ok && !slices.Contains(allowed, inner) {
				t.Errorf("%s imports %s", name, inner)
			}
			for prefix, packages := range only {
				if (path == prefix || strings.HasPrefix(path, prefix+"/")) && !slices.Contains(packages, name) {
					t.Errorf("%s imports %s", name, path)
				}
			}
			if name == "desk" && strings.Contains(path, ".") {
				t.Errorf("desk imports %s, which is not of the standard library", path)
			}
		}
	}
	if seen != len(edges) {
		t.Errorf("looked at %d packages, the design has %d", seen, len(edges))
	}
}
