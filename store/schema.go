package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"rollcall/desk"
)

// What the steps of the schema come to, a line for each part: its kind and name, the table that it is of, and where that is the same in each
// database a digest of its text. A test holds the lists to what the steps make.
//
//go:embed schema
var schemas embed.FS

// part is a table, column, index, trigger or function.
type part struct {
	Kind   string
	Name   string
	Of     string // its table; "" for a table or function
	Text   string // of which there is a digest, "" for none
	Broken string // what is wrong with one that is there, "" for nothing
}

func (p part) what() string {
	if p.Of == "" {
		return p.Kind + " " + p.Name
	}
	return p.Kind + " " + p.Name + " of " + p.Of
}

// line is how a part stands in the list.
func (p part) line() string {
	if p.Text == "" {
		return p.what()
	}
	text := strings.Join(strings.Fields(sqlComment.ReplaceAllString(p.Text, "")), " ")
	return fmt.Sprintf("%s, %x", p.what(), sha256.Sum256([]byte(text)))[:len(p.what())+len(", ")+16]
}

var sqlComment = regexp.MustCompile(`--[^\n]*`)

// SQLite keeps the text of each index and trigger as it was given; PostgreSQL that of functions. What PostgreSQL says of an index is put
// together without names of schemas, which depend on where tables and extensions are, and without what an operator may tune (WITH,
// TABLESPACE). Versions 13 to 18 say the same.
const (
	liteParts = `SELECT 'table' AS kind, name, '' AS "of", '' AS text, '' AS broken FROM sqlite_master WHERE type = 'table'
		UNION ALL SELECT 'column', c.name, m.name, '', '' FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
		UNION ALL SELECT type, name, tbl_name, sql, '' FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL`
	pgParts = `WITH relations AS (SELECT oid, relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p'))
		SELECT 'table' AS kind, relname AS name, '' AS of, '' AS text, '' AS broken FROM relations
		UNION ALL SELECT 'column', a.attname, r.relname, '', '' FROM relations r JOIN pg_attribute a ON a.attrelid = r.oid WHERE a.attnum > 0 AND NOT a.attisdropped
		UNION ALL SELECT CASE WHEN x.indisunique THEN 'unique index' ELSE 'index' END, i.relname, r.relname,
			(SELECT m.amname || ' ' || string_agg(concat_ws(' ', pg_get_indexdef(i.oid, n + 1, false), c.collname, o.opcname, x.indoption[n]), ', ' ORDER BY n)
				FROM generate_subscripts(x.indclass, 1) AS n JOIN pg_opclass o ON o.oid = x.indclass[n] LEFT JOIN pg_collation c ON c.oid = x.indcollation[n])
				|| coalesce(' WHERE ' || pg_get_expr(x.indpred, r.oid), ''),
			CASE WHEN x.indisvalid AND x.indisready THEN '' ELSE 'is not valid, so that it is not used' END
			FROM relations r JOIN pg_index x ON x.indrelid = r.oid JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am m ON m.oid = i.relam
		UNION ALL SELECT 'trigger', t.tgname, r.relname, replace(pg_get_triggerdef(t.oid), quote_ident(current_schema()) || '.', ''), CASE WHEN t.tgenabled IN ('D', 'R') THEN 'is disabled' ELSE '' END
			FROM relations r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT t.tgisinternal
		UNION ALL SELECT 'function', proname, '', prosrc, '' FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prorettype = 'trigger'::regtype`
)

// parts returns what the database has, but for goose's own table, in the order of their lines.
func (s *Store) parts(ctx context.Context) (list []part, err error) {
	query := liteParts
	if s.engine == Postgres {
		query = pgParts
	}
	err = s.read.WithContext(ctx).Raw(query).Scan(&list).Error
	list = slices.DeleteFunc(list, func(p part) bool {
		return p.Name == "goose_db_version" || p.Of == "goose_db_version" || strings.HasPrefix(cmp.Or(p.Of, p.Name), "sqlite_")
	})
	slices.SortFunc(list, func(a, b part) int { return cmp.Compare(a.line(), b.line()) })
	return list, err
}

// mostParts are named that are missing or broken.
const mostParts = 20

// diagnoseParts looks for parts of the schema that are gone, are not what the steps made, or do not work. More than these an operator may
// have added.
func (s *Store) diagnoseParts(ctx context.Context) (list []desk.Finding, err error) {
	found, err := s.parts(ctx)
	if err != nil {
		return nil, err
	}
	have := map[string]part{}
	for _, p := range found {
		have[p.what()] = p
	}
	text, err := schemas.ReadFile("schema/" + string(s.engine) + ".txt")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		what, digest, _ := strings.Cut(strings.TrimSpace(line), ", ")
		p, ok := have[what]
		wrong, state := p.Broken, broken
		_, of, _ := strings.Cut(what, " of ")
		switch _, there := have["table "+of]; {
		case of != "" && !there: // as is said of the table
			continue
		case !ok:
			wrong, state = "is missing", missing
		case digest != "" && p.line() != strings.TrimSpace(line):
			wrong, state = "is another one than this program's", another
		case wrong == "":
			continue
		}
		list = append(list, desk.Found("schema", desk.HealthFailing, "%s %s; %s", what, wrong, s.mend(what, state)))
	}
	if more := len(list) - mostParts; more > 0 {
		list = append(list[:mostParts], desk.Found("schema", desk.HealthFailing, "so it is with %d more", more))
	}
	return list, nil
}

// fault is what can be wrong with a part.
type fault int

const (
	missing fault = iota
	another       // it is not what the steps make
	broken        // it is, and does not work
)

// mend says what to do about a part.
func (s *Store) mend(what string, f fault) string {
	words := strings.Fields(strings.TrimPrefix(what, "unique "))
	kind, name := words[0], words[1]
	made := s.making(kind, name)
	switch {
	case kind == "table" || kind == "column":
		return "restore the last backup: what was in it is gone"
	case f == broken && kind == "index":
		made = "REINDEX INDEX CONCURRENTLY " + name + ";"
	case f == broken:
		made = "ALTER TABLE " + words[3] + " ENABLE TRIGGER " + name + ";"
	case made == "":
		return "its table's own statement makes it (store/migrations); put it back as it stands there, or restore the last backup"
	case f == another && kind == "function":
		made = strings.Replace(made, "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
	case f == another && kind == "trigger" && s.engine == Postgres:
		made = "DROP TRIGGER " + name + " ON " + words[3] + "; " + made
	case f == another:
		made = "DROP " + strings.ToUpper(kind) + " " + name + "; " + made
	}
	return "run this in " + map[Engine]string{SQLite: "sqlite3", Postgres: "psql"}[s.engine] + ": " + made
}

// making returns the statement of the newest step that makes an index, trigger or function, in one line; "" for what has none of its own.
func (s *Store) making(kind, name string) (statement string) {
	begin := regexp.MustCompile(`(?m)^CREATE (?:UNIQUE |OR REPLACE )?` + strings.ToUpper(kind) + ` (?:CONCURRENTLY )?(?:IF NOT EXISTS )?` + regexp.QuoteMeta(name) + `\b`)
	files, _ := fs.Glob(migrations, "migrations/"+string(s.engine)+"/*.sql")
	for _, file := range files {
		text, err := fs.ReadFile(migrations, file)
		if err != nil {
			continue
		}
		for _, at := range begin.FindAllIndex(text, -1) {
			rest := string(text[at[0]:])
			before, _, block := strings.Cut(rest, "-- +goose StatementEnd")
			if block = block && !strings.Contains(before, "-- +goose StatementBegin"); !block {
				before, _, _ = strings.Cut(sqlComment.ReplaceAllString(rest, ""), ";\n")
				before += ";"
			}
			statement = strings.Join(strings.Fields(sqlComment.ReplaceAllString(before, "")), " ")
		}
	}
	return statement
}
