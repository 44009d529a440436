package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// released is the newest step of the schema that came before the first release: no version of the program runs on an older one.
const released = 21

// TestMigrationsExpand holds the steps of the schema to what docs/OPERATIONS.md promises of upgrades: a server of the version before goes on
// serving over the new schema. What would break it waits for the release after, and says so in a comment before the statement:
//
//	-- contract since 0.3.0: nothing reads the column any more.
func TestMigrationsExpand(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgres"} {
		files, err := filepath.Glob("migrations/" + engine + "/*.sql")
		if err != nil || len(files) == 0 {
			t.Fatal(len(files), err)
		}
		made := map[string]bool{}
		for _, file := range files {
			version := 0
			if _, err := fmt.Sscanf(filepath.Base(file), "%05d_", &version); err != nil {
				t.Fatal(file, err)
			}
			if version <= released {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if tables := locked(string(text), made); engine == "postgres" && len(tables) > 1 {
				t.Errorf("%s changes %v in one transaction, which may wait for requests that wait for it: a file for each table", file, tables)
			}
			for _, statement := range statements(string(text)) {
				if why := breaks(engine, statement, made); why != "" {
					t.Errorf("%s: %s\n%s", file, why, statement)
				}
			}
		}
	}
}

// statements returns what a file of goose's says, each with the comments before it.
func statements(text string) (list []string) {
	block := false
	var b strings.Builder
	end := func() {
		if statement := strings.TrimSpace(b.String()); regexp.MustCompile(`(?m)^[^-\s]`).MatchString(statement) {
			list = append(list, statement)
		}
		b.Reset()
	}
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "-- +goose StatementBegin":
			block = true
		case trimmed == "-- +goose StatementEnd":
			block = false
			end()
		case strings.HasPrefix(trimmed, "-- +goose"):
		default:
			b.WriteString(line)
			if !block && strings.HasSuffix(strings.TrimSpace(code), ";") {
				end()
			}
		}
	}
	end()
	return list
}

var (
	contract    = regexp.MustCompile(`(?m)^-- contract since \d+\.\d+\.\d+: \S`)
	comments    = regexp.MustCompile(`--[^\n]*`)
	createTable = regexp.MustCompile(`^CREATE (?:VIRTUAL )?TABLE (\w+)`)
	createIndex = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX (CONCURRENTLY )?(?:IF NOT EXISTS )?\w+ ON (\w+)`)
	changeTable = regexp.MustCompile(`^(?:ALTER TABLE|UPDATE|INSERT INTO|DELETE FROM|CREATE TRIGGER \w+ [A-Z ]+ ON|CREATE TRIGGER \w+ [A-Z ]+ OF [\w, ]+ ON) (\w+)`)
	touched     = regexp.MustCompile(`(?:ALTER TABLE|CREATE INDEX \w+ ON|DROP TABLE|REFERENCES) (\w+)`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE \w+ ADD COLUMN \w+ [^;]*$`)
)

// breaks says why a statement would break servers that know nothing of it, or hold up what they do, "" for not at all. made are the tables
// that the version before does not know.
func breaks(engine, statement string, made map[string]bool) string {
	if contract.MatchString(statement) {
		return ""
	}
	s := strings.TrimSuffix(strings.Join(strings.Fields(comments.ReplaceAllString(statement, "")), " "), ";")
	if m := createTable.FindStringSubmatch(s); m != nil {
		made[m[1]] = true
		return ""
	}
	if m := createIndex.FindStringSubmatch(s); m != nil {
		switch {
		case made[m[3]]:
		case m[1] != "":
			return "a unique index refuses what the version before may write"
		case engine == "postgres" && m[2] == "":
			return "writes wait while an index is made; CREATE INDEX CONCURRENTLY, in a file of its own with -- +goose NO TRANSACTION"
		}
		return ""
	}
	if m := changeTable.FindStringSubmatch(s); m != nil && made[m[1]] {
		return ""
	}
	switch upper := strings.ToUpper(s); {
	case addColumn.MatchString(s):
		switch {
		case strings.Contains(upper, "NOT NULL") && !strings.Contains(upper, " DEFAULT "):
			return "the version before does not fill the column: give it a default"
		case regexp.MustCompile(`\b(UNIQUE|CHECK|REFERENCES|PRIMARY)\b`).MatchString(upper):
			return "the version before may write what the column refuses"
		case regexp.MustCompile(` (DROP|RENAME|ALTER) `).MatchString(upper):
			return "one change a statement"
		}
		return ""
	case strings.HasPrefix(s, "CREATE EXTENSION"), regexp.MustCompile(`^CREATE (OR REPLACE )?FUNCTION`).MatchString(s):
		return ""
	case strings.HasPrefix(s, "UPDATE"), strings.HasPrefix(s, "INSERT"), strings.HasPrefix(s, "DELETE"):
		return "directories wait while all rows of a table change; let a job do it, in pages"
	case strings.HasPrefix(s, "CREATE TRIGGER"):
		return "a trigger does what the version before does not expect"
	}
	return "the version before may need what this takes away or changes; do it a release later"
}

// locked returns the tables that a step changes, or refers to, and that the version before knows. PostgreSQL locks them until the step's
// transaction ends.
func locked(text string, made map[string]bool) (tables []string) {
	for _, statement := range statements(text) {
		s := strings.Join(strings.Fields(comments.ReplaceAllString(statement, "")), " ")
		if m := createTable.FindStringSubmatch(s); m != nil {
			made[m[1]] = true
		}
		for _, m := range touched.FindAllStringSubmatch(s, -1) {
			if table := m[1]; !made[table] && !slices.Contains(tables, table) {
				tables = append(tables, table)
			}
		}
	}
	return tables
}

// TestBreaks holds the rule itself.
func TestBreaks(t *testing.T) {
	for statement, want := range map[string]string{
		"CREATE TABLE new (tenant_id text NOT NULL, UNIQUE (tenant_id));":                     "",
		"CREATE UNIQUE INDEX new_key ON new (tenant_id);":                                     "",
		"ALTER TABLE new RENAME COLUMN a TO b;":                                               "",
		"INSERT INTO new (tenant_id) SELECT tenant_id FROM tenants;":                          "",
		"CREATE TRIGGER t AFTER INSERT ON new BEGIN SELECT 1; END;":                           "",
		"ALTER TABLE contacts ADD COLUMN a TEXT;":                                             "",
		"ALTER TABLE contacts\n    ADD COLUMN a TEXT NOT NULL DEFAULT '';":                    "",
		"-- contract since 0.3.0: nothing reads it.\nALTER TABLE contacts DROP COLUMN title;": "",
		"CREATE INDEX CONCURRENTLY contacts_a ON contacts (tenant_id, a);":                    "",
		"CREATE INDEX contacts_a ON contacts (tenant_id, a);":                                 "CONCURRENTLY",
		"CREATE UNIQUE INDEX contacts_a ON contacts (tenant_id, a);":                          "refuses",
		"ALTER TABLE contacts ADD COLUMN a TEXT NOT NULL;":                                    "default",
		"ALTER TABLE contacts ADD COLUMN a TEXT NOT NULL -- DEFAULT ''\n;":                    "default",
		"ALTER TABLE contacts ADD COLUMN a TEXT REFERENCES tenants;":                          "refuses",
		"ALTER TABLE contacts ADD COLUMN a TEXT, DROP COLUMN b;":                              "one change",
		"ALTER TABLE contacts DROP COLUMN title;":                                             "a release later",
		"ALTER TABLE contacts RENAME COLUMN title TO job;":                                    "a release later",
		"ALTER TABLE contacts RENAME TO people;":                                              "a release later",
		"ALTER TABLE contacts ALTER COLUMN title TYPE json;":                                  "a release later",
		"ALTER TABLE directory_users ALTER COLUMN contact_id DROP NOT NULL;":                  "a release later",
		"DROP TABLE contacts;":            "a release later",
		"DROP INDEX contacts_email;":      "a release later",
		"UPDATE contacts SET title = '';": "a job",
		"DELETE FROM events;":             "a job",
		"CREATE TRIGGER t BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'no'); END;":      "a trigger",
		"-- contract: nothing reads it.\nALTER TABLE contacts DROP COLUMN title;":             "a release later",
		"-- since 0.3.0\nDROP TABLE contacts; -- contract since 0.3.0: not a line of its own": "a release later",
	} {
		got := breaks("postgres", statement, map[string]bool{"new": true})
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s\n%q, want %q", statement, got, want)
		}
	}
	got := statements("-- +goose Up\n-- why\nCREATE TABLE a (\n    b text -- c;\n);\n\nDROP TABLE d;\n-- +goose StatementBegin\nCREATE TRIGGER e BEGIN\n    SELECT 1;\nEND;\n-- +goose StatementEnd\n")
	if len(got) != 3 || !strings.HasPrefix(got[0], "-- why\nCREATE TABLE a") || got[1] != "DROP TABLE d;" || !strings.HasSuffix(got[2], "END;") {
		t.Errorf("%q", got)
	}
	step := "CREATE TABLE new (tenant_id text REFERENCES tenants);\nALTER TABLE new ADD COLUMN a text;\nALTER TABLE contacts ADD COLUMN a text;\nALTER TABLE contacts ADD COLUMN b text;"
	if got := locked(step, map[string]bool{}); !slices.Equal(got, []string{"tenants", "contacts"}) {
		t.Errorf("%v", got)
	}
	// The steps from before the first release would not do: what is looked for is found in real files.
	for _, file := range []string{"migrations/postgres/00020_audit.sql", "migrations/postgres/00015_filters.sql", "migrations/sqlite/00010_switches.sql"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, s := range statements(string(text)) {
			if breaks(strings.Split(file, "/")[1], s, map[string]bool{}) != "" {
				found++
			}
		}
		if found == 0 {
			t.Errorf("%s breaks nothing", file)
		}
	}
}
