package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm/schema"

	"rollcall/desk"
)

// What directories ask all day goes past GORM, which costs more than the database takes for it: it builds a statement and looks up
// each field at every call. A model does so once. It reads GORM's tags, so that there is one description of a table.

// model is a table whose rows are a T.
type model[T any] struct {
	table   string
	columns []string
	all     string // the columns in SQL
	fields  []modelField
	insert  string
	guessed string   // the same, if a guess is right
	update  sync.Map // statements that write some of the columns (conditional), by the bits of these
}

type modelField struct {
	index   []int
	key     bool
	json    bool
	pointer reflect.Type // to the kind of the field, to which a pointer to it is converted; nil where it need not be
}

var (
	users    = newModel[desk.DirectoryUser]()
	contacts = newModel[desk.Contact]()
	emails   = newModel[desk.UserEmail]()
	events   = newModel[desk.Event]()
)

func newModel[T any]() *model[T] {
	parsed, err := schema.Parse(new(T), new(sync.Map), schema.NamingStrategy{})
	if err != nil {
		panic(err) // the model's own tags
	}
	m := &model[T]{table: parsed.Table, columns: parsed.DBNames, all: strings.Join(parsed.DBNames, ", ")}
	for _, name := range parsed.DBNames {
		f := parsed.FieldsByDBName[name]
		field := modelField{index: f.StructField.Index, key: f.PrimaryKey, json: f.Serializer != nil}
		switch kind := f.FieldType; {
		case field.json:
		case kind.Kind() == reflect.String && kind != reflect.TypeFor[string]():
			field.pointer = reflect.TypeFor[*string]()
		}
		m.fields = append(m.fields, field)
	}
	into, values := "INSERT INTO "+m.table+" ("+m.all+") ", strings.TrimSuffix(strings.Repeat("?, ", len(m.columns)), ", ")
	m.insert, m.guessed = into+"VALUES ("+values+")", into+"SELECT "+values+ifGuessed
	return m
}

// changing is the statement that writes some of the columns of a row.
func (m *model[T]) changing(columns uint64) conditional {
	if known, ok := m.update.Load(columns); ok {
		return known.(conditional)
	}
	var set, where []string
	for i, name := range m.columns {
		switch {
		case m.fields[i].key:
			where = append(where, name+" = ?")
		case columns&(1<<i) != 0:
			set = append(set, name+" = ?")
		}
	}
	statement := ifRight("UPDATE " + m.table + " SET " + strings.Join(set, ", ") + " WHERE " + strings.Join(where, " AND "))
	m.update.Store(columns, statement) // what changes together is of few kinds
	return statement
}

// conditional is a statement, and the one that does the same only if a guess is right.
type conditional struct{ sql, ifGuessed string }

// ifRight makes one of a statement that ends with its conditions.
func ifRight(sql string) conditional { return conditional{sql, sql + andGuessed} }

// writing is the statement with its arguments.
func (c conditional) writing(args ...any) question {
	return question{sql: c.sql, args: args, ifGuessed: c.ifGuessed}
}

// list names the columns in SQL, of the table or of an alias of it.
func (m *model[T]) list(alias string) string {
	if alias == "" {
		return m.all
	}
	return alias + "." + strings.Join(m.columns, ", "+alias+".")
}

// dest appends where the columns of a row are scanned to.
func (m *model[T]) dest(to []any, row *T) []any {
	v := reflect.ValueOf(row).Elem()
	for i := range m.fields {
		f := &m.fields[i]
		p := v.FieldByIndex(f.index).Addr()
		switch {
		case f.json:
			to = append(to, &asJSON{p.Interface()})
		case f.pointer != nil:
			to = append(to, p.Convert(f.pointer).Interface())
		default:
			to = append(to, p.Interface())
		}
	}
	return to
}

// values returns some of the row's columns as arguments, or (nil) all.
func (m *model[T]) values(to []any, row *T, some func(i int) bool) ([]any, error) {
	v := reflect.ValueOf(row).Elem()
	for i := range m.fields {
		if some != nil && !some(i) {
			continue
		}
		f := &m.fields[i]
		field := v.FieldByIndex(f.index)
		switch {
		case f.json && isNil(field):
			to = append(to, nil)
		case f.json:
			text, err := encode(field.Interface())
			if err != nil {
				return nil, fmt.Errorf("encode a column of %s: %w", m.table, err)
			}
			to = append(to, string(text)) // bytes would be sent as bytea where the server is not asked for types
		default:
			to = append(to, argument(field))
		}
	}
	return to, nil
}

// argument returns a value as a plain one. What is empty or small takes no memory then.
func argument(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil
		}
		return argument(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Int, reflect.Int64:
		return v.Int()
	}
	return v.Interface()
}

// isNil reports whether a value is written as null.
func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return v.IsNil()
	}
	return false
}

// encode returns a value as JSON.
func encode(v any) ([]byte, error) {
	if changes, ok := v.([]desk.Change); ok { // the most of it
		return desk.AppendChanges(nil, changes)
	}
	return json.Marshal(v)
}

// inserting is the statement that adds a row.
func (m *model[T]) inserting(row *T) (question, error) {
	args, err := m.values(make([]any, 0, len(m.fields)), row, nil)
	return question{sql: m.insert, args: args, ifGuessed: m.guessed}, err
}

// updating is the statement that writes the columns in which a row differs from what is stored, if there are any. An engine that is
// given a column writes its index entries anew, even if the value is what it was.
func (m *model[T]) updating(stored, row *T) (q question, differs bool, err error) {
	a, b := reflect.ValueOf(stored).Elem(), reflect.ValueOf(row).Elem()
	var columns uint64
	for i := range m.fields {
		if f := &m.fields[i]; !f.key && !same(a.FieldByIndex(f.index), b.FieldByIndex(f.index)) {
			columns |= 1 << i
		}
	}
	if columns == 0 {
		return q, false, nil
	}
	args, err := m.values(make([]any, 0, len(m.fields)), row, func(i int) bool { return columns&(1<<i) != 0 })
	if err == nil {
		args, err = m.values(args, row, func(i int) bool { return m.fields[i].key })
	}
	return m.changing(columns).writing(args...), true, err
}

// same reports whether two values of a column are alike, nil and empty not being so.
func same(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return a.IsNil() && b.IsNil()
		}
		return same(a.Elem(), b.Elem())
	case reflect.Slice, reflect.Map:
		return reflect.DeepEqual(a.Interface(), b.Interface())
	}
	return a.Equal(b)
}

// reading asks for rows by what comes after FROM, and appends them to a list.
func (m *model[T]) reading(list *[]T, rest string, args ...any) question {
	return question{sql: "SELECT " + m.list("") + " FROM " + m.table + " " + rest, args: args, row: func(scan scanner) error {
		var row T
		if err := scan(m.dest(make([]any, 0, len(m.fields)), &row)...); err != nil {
			return err
		}
		*list = append(*list, row)
		return nil
	}}
}

// asJSON scans a column of JSON into what it points to.
type asJSON struct{ to any }

// Scan implements sql.Scanner.
func (j *asJSON) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return json.Unmarshal([]byte(v), j.to)
	case []byte:
		return json.Unmarshal(v, j.to)
	}
	return fmt.Errorf("scan JSON from a %T", v)
}

// scanner scans the columns of a row.
type scanner func(dest ...any) error

// question is a statement, with what becomes of the rows that it returns.
type question struct {
	sql  string
	args []any
	row  func(scanner) error // nil for none

	guess     bool   // whether it asks if a guess is right
	ifGuessed string // the statement that writes the same only then; "" where there is none
}

// asker is a connection, or what finds one.
type asker interface {
	// ask runs statements one after the other, up to the first that fails.
	ask(ctx context.Context, list ...question) error
}

// micro is a time as tables keep it.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
