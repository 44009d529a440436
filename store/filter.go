package store

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/desk"
)

// translator turns a filter over directory users into a condition with parameters, which agrees with desk.Match on both
// engines. What directories match on has columns and indexes; the rest is read from the JSON resource.
type translator struct {
	engine             Engine
	tenant, connection string
	location           string // what stands before the id in meta.location
	args               []any
	indexed            bool // whether an index finds users for some part of the filter
	aliases            int
}

// document is the SQL of a JSON value, as stored and with folded strings. ASCII letters are left for lower() to fold.
type document struct {
	exact, folded string
	kind          string // the SQL of an element's JSON type, for SQLite, to which an element that is not complex is no JSON
}

var resource = document{exact: "resource", folded: "coalesce(folded, resource)"}

// column is an attribute that is not read from JSON.
type column struct {
	sql      string
	indexed  bool // an index begins with it
	nullable bool
	json     bool // it is no column but read from JSON
}

// column returns the column of an attribute of the resource, and whether it has one.
func (t *translator) column(a desk.Attribute) (c column, ok bool) {
	switch a.String() {
	case "id":
		return column{sql: "id", indexed: true}, true
	case "externalId":
		return column{sql: "external_id", indexed: true, nullable: true}, true
	case "userName":
		return column{sql: "user_name_key", indexed: true}, true
	case "meta.created":
		return column{sql: "created_at"}, true
	case "meta.lastModified":
		return column{sql: "modified_at"}, true
	case "meta.resourceType":
		c.sql = "('' || 'User')" // by a bare constant nothing can be sorted
	case "meta.location":
		c.sql = "(" + quote(t.location) + " || id)"
	case "meta.version":
		c.sql = `('W/"' || version || '"')`
	default:
		return c, false
	}
	if t.engine == Postgres {
		c.sql = "(" + c.sql + ` COLLATE "C")`
	}
	return c, true
}

func (t *translator) arg(v any) string {
	t.args = append(t.args, v)
	return "?"
}

func (t *translator) filter(f desk.Filter, doc document) (string, error) {
	switch f := f.(type) {
	case desk.And:
		return t.both(f.Left, f.Right, " AND ", doc)
	case desk.Or:
		return t.both(f.Left, f.Right, " OR ", doc)
	case desk.Not:
		// A comparison with what is missing is NULL in SQL, which must count as false here.
		inner, err := t.filter(f.Filter, doc)
		return "NOT coalesce(" + inner + ", false)", err
	case desk.Elements:
		if typ, value, ok := emailEquals(f); ok {
			return t.email(value, typ...), nil
		}
		return t.exists(f.Attr, doc, f.Filter, func(element document) (string, error) { return t.filter(f.Filter, element) })
	case desk.Compare:
		if f.Attr.Multi >= 0 {
			return t.compareAny(f, doc)
		}
		if c, ok := t.column(f.Attr); ok && doc == resource {
			t.indexed = t.indexed || c.indexed && (f.Op == desk.Eq || f.Op == desk.Starts)
			return t.compareColumn(f, c)
		}
		return t.compare(f, doc)
	}
	return "", fmt.Errorf("translate filter: unknown node %T", f)
}

func (t *translator) both(left, right desk.Filter, operator string, doc document) (string, error) {
	l, err := t.filter(left, doc)
	if err != nil {
		return "", err
	}
	r, err := t.filter(right, doc)
	return "(" + l + operator + r + ")", err
}

// compareAny compares the values of a multi-valued attribute.
func (t *translator) compareAny(c desk.Compare, doc document) (string, error) {
	if c.Attr.String() == "emails.value" && c.Op == desk.Eq && c.Value != nil {
		return t.email(c.Value), nil
	}
	one := c
	one.Attr.Path, one.Attr.Multi = c.Attr.Path[c.Attr.Multi+1:], -1
	some := func(c desk.Compare) (string, error) {
		return t.exists(c.Attr, doc, c, func(element document) (string, error) {
			c := c
			c.Attr = one.Attr
			sql, err := t.compare(c, element)
			// An element without the attribute differs from nothing.
			return sql + " AND " + t.presence(c.Attr, element) + " IS NOT NULL", err
		})
	}
	c.Attr.Path = c.Attr.Path[:c.Attr.Multi+1]
	present := c
	present.Op, present.Value = desk.Present, nil
	switch {
	case c.Op == desk.Present || c.Op == desk.Ne && c.Value == nil:
		return some(present)
	case c.Op == desk.Eq && c.Value == nil:
		sql, err := some(present)
		return "NOT " + sql, err
	case c.Op == desk.Ne:
		differs, err := some(c)
		if err != nil {
			return "", err
		}
		held, err := some(present)
		return "(" + differs + " OR NOT " + held + ")", err
	}
	return some(c)
}

// exists asks for an element of a list of which condition holds.
func (t *translator) exists(list desk.Attribute, doc document, uses desk.Filter, condition func(document) (string, error)) (string, error) {
	t.aliases++
	exact, folded := fmt.Sprintf("e%d", t.aliases), fmt.Sprintf("f%d", t.aliases)
	element := document{exact + ".value", folded + ".value", exact + ".type"}
	from := t.each(doc.exact, list, exact)
	switch anyExact, anyFolded := caseRules(uses); {
	case anyFolded && anyExact:
		from += " JOIN " + t.each(doc.folded, list, folded) + " ON " + exact + ".key = " + folded + ".key"
	case anyFolded:
		from = t.each(doc.folded, list, folded)
		element.exact, element.kind = element.folded, folded+".type"
	default:
		element.folded = element.exact
	}
	sql, err := condition(element)
	return "EXISTS (SELECT 1 FROM " + from + " WHERE " + sql + ")", err
}

// each is the SQL of the elements of a list, with their value and key. Those of a custom field are as [desk.Match] takes them: what
// is no list is one of one.
func (t *translator) each(doc string, list desk.Attribute, alias string) string {
	const orOne = "CASE WHEN %[2]s = 'array' THEN %[1]s WHEN %[2]s IS NOT NULL THEN %[3]s END"
	if t.engine == SQLite {
		path := quote(litePath(list.Path))
		if !list.Custom {
			return fmt.Sprintf("json_each(%s, %s) AS %s", doc, path, alias)
		}
		array := doc + " -> " + path
		return fmt.Sprintf("json_each("+orOne+") AS %[4]s", array, "json_type("+doc+", "+path+")", "json_array(json("+array+"))", alias)
	}
	array := doc + pgPath(list.Path)
	if list.Custom {
		array = fmt.Sprintf(orOne, array, "json_typeof("+array+")", "json_build_array("+array+")")
	}
	return fmt.Sprintf("json_array_elements(%s) WITH ORDINALITY AS %s(value, key)", array, alias)
}

// caseRules reports whether a filter needs the document as stored, and with folded strings.
func caseRules(f desk.Filter) (exact, folded bool) {
	either := func(a, b desk.Filter) (bool, bool) {
		exactA, foldedA := caseRules(a)
		exactB, foldedB := caseRules(b)
		return exactA || exactB, foldedA || foldedB
	}
	switch f := f.(type) {
	case desk.And:
		return either(f.Left, f.Right)
	case desk.Or:
		return either(f.Left, f.Right)
	case desk.Not:
		return caseRules(f.Filter)
	case desk.Elements:
		return caseRules(f.Filter)
	case desk.Compare:
		folded = f.Attr.Type == desk.TextType && !f.Attr.CaseExact && f.Value != nil
		return !folded, folded
	}
	return true, true
}

// emailEquals recognises emails[value eq "x"] and emails[type eq "t" and value eq "x"], in which directories match.
func emailEquals(f desk.Elements) (typ []any, value any, ok bool) {
	equals := func(f desk.Filter, name string) (any, bool) {
		c, ok := f.(desk.Compare)
		return c.Value, ok && c.Op == desk.Eq && c.Value != nil && c.Attr.String() == name
	}
	if f.Attr.String() != "emails" {
		return nil, nil, false
	}
	if value, ok := equals(f.Filter, "value"); ok {
		return nil, value, true
	}
	and, ok := f.Filter.(desk.And)
	if !ok {
		return nil, nil, false
	}
	for _, side := range [][2]desk.Filter{{and.Left, and.Right}, {and.Right, and.Left}} {
		if typ, ok := equals(side[0], "type"); ok {
			value, ok := equals(side[1], "value")
			return []any{typ}, value, ok
		}
	}
	return nil, nil, false
}

// email asks for an email address, of a type if one is given, by their index.
func (t *translator) email(value any, typ ...any) string {
	t.indexed = true
	sql := fmt.Sprintf("id IN (SELECT user_id FROM directory_user_emails WHERE tenant_id = %s AND connection = %s AND value_key = %s",
		t.arg(t.tenant), t.arg(t.connection), t.arg(value))
	for _, typ := range typ {
		sql += " AND type_key = " + t.arg(typ)
	}
	return sql + ")"
}

// compareColumn compares an attribute that has a column, whose text is folded if it is to be.
func (t *translator) compareColumn(c desk.Compare, col column) (string, error) {
	if prefix, ok := c.Value.(string); ok && c.Op == desk.Starts && col.indexed && prefix != "" {
		sql := "(" + col.sql + " >= " + t.arg(prefix)
		if end := after(prefix); end != "" {
			sql += " AND " + col.sql + " < " + t.arg(end)
		}
		return sql + ")", nil
	}
	return t.operate(c, col.sql)
}

// after returns the least text that is greater than all that begin with the prefix, or "" where there is none.
func after(prefix string) string {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if r == 0xD7FF {
			r = 0xDFFF // the next code points are surrogates, which text cannot hold
		}
		if r < utf8.MaxRune {
			return prefix + string(r+1)
		}
	}
	return ""
}

// compare compares a single value within a JSON document.
func (t *translator) compare(c desk.Compare, doc document) (string, error) {
	if c.Value == nil {
		return t.operate(c, t.presence(c.Attr, doc))
	}
	value := t.value(c.Attr, doc)
	c.Value = t.fromJSON(c.Value)
	return t.operate(c, value)
}

// presence is the SQL of what is NULL where there is no value. Of a custom field any value counts, be it of its type or not.
func (t *translator) presence(a desk.Attribute, doc document) string {
	if a.Custom {
		a.Type, a.CaseExact = desk.TextType, true
		return t.anything(a, doc)
	}
	return t.value(a, doc)
}

// fromJSON is a value as the engine reads it out of JSON: a time is text, and so is a boolean to PostgreSQL; to SQLite it is 0
// or 1.
func (t *translator) fromJSON(v any) any {
	if at, ok := v.(time.Time); ok {
		return at.UTC().Format(time.RFC3339) // as it is kept, to the second
	}
	b, ok := v.(bool)
	switch {
	case !ok:
		return v
	case t.engine == Postgres:
		return fmt.Sprint(b)
	case b:
		return 1
	}
	return 0
}

// value is the SQL of an attribute's value, folded if it is to be; of a complex attribute, its JSON. What was said under the
// name of a custom field before there was one may be of another type: it counts as none, as in [desk.Attribute.Typed].
func (t *translator) value(a desk.Attribute, doc document) string {
	sql := t.anything(a, doc)
	if !a.Custom || a.Type == desk.NumberType {
		return sql
	}
	is, kind := "= 'string'", t.kind(a, doc)
	if t.engine == SQLite {
		is = "= 'text'"
	}
	switch {
	case a.Type == desk.BoolType && t.engine == SQLite:
		is = "IN ('true', 'false')"
	case a.Type == desk.BoolType:
		is = "= 'boolean'"
	case a.Type == desk.TimeType && t.engine == SQLite:
		is += " AND strftime('%Y-%m-%dT%H:%M:%SZ', " + sql + ") = " + sql + " AND substr(" + sql + ", 12, 2) < '24'" // which it leaves as it is
	case a.Type == desk.TimeType:
		is += " AND " + sql + " ~ " + quote(pgTime)
	}
	return "(CASE WHEN " + kind + " " + is + " THEN " + sql + " END)"
}

// kind is the SQL of the JSON type of what is there.
func (t *translator) kind(a desk.Attribute, doc document) string {
	switch {
	case t.engine == Postgres:
		return "json_typeof(" + doc.exact + pgPath(a.Path) + ")"
	case len(a.Path) == 0:
		return doc.kind
	}
	return "json_type(" + doc.exact + ", " + quote(litePath(a.Path)) + ")"
}

// pgTime matches times as custom fields keep them: days that there are, to the second, in UTC.
const pgTime = `^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))` +
	`|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)T([01][0-9]|2[0-3])(:[0-5][0-9]){2}Z$`

// pgNumber matches numbers that PostgreSQL takes for a double precision: it refuses those that are too near to zero, which are
// zero to others. A question mark would be taken for a parameter.
const pgNumber = `^-{0,1}([0-9]{1,155}[0-9]{0,154}([.][0-9]{1,200}){0,1}|[0-9.]{1,40}[eE]([+]{0,1}[0-9]{1,3}|-([0-9]{1,2}|1[0-9]{2}|2[0-5][0-9]))` +
	`|[1-9]([.][0-9]{1,17}){0,1}[eE]-(2[0-9]{2}|3[01][0-9]|32[0-3])|5[eE]-324)$`

// anything is the SQL of what is there, of whatever type unless a number is asked for.
func (t *translator) anything(a desk.Attribute, doc document) string {
	from, fold := doc.exact, a.Type == desk.TextType && !a.CaseExact
	if fold {
		from = doc.folded
	}
	var sql string
	switch {
	case t.engine == Postgres && a.Type == desk.NumberType:
		return fmt.Sprintf("(CASE WHEN %[1]s = 'number' THEN CASE WHEN %[2]s #>> '{}' ~ %[3]s THEN (%[2]s #>> '{}')::double precision ELSE 0 END END)",
			t.kind(a, doc), from+pgPath(a.Path), quote(pgNumber))
	case a.Type == desk.NumberType:
		value := from
		if len(a.Path) > 0 {
			value += " ->> " + quote(litePath(a.Path))
		}
		return fmt.Sprintf("(CASE WHEN %s IN ('integer', 'real') THEN CAST(%s AS REAL) END)", t.kind(a, doc), value)
	case t.engine == Postgres && a.Type == desk.ComplexType:
		return from + pgPath(a.Path)
	case t.engine == Postgres:
		sql = "((" + from + pgPath(a.Path[:max(0, len(a.Path)-1)])
		if len(a.Path) > 0 {
			sql += " ->> " + quote(a.Path[len(a.Path)-1])
		} else {
			sql += " #>> '{}'"
		}
		sql += `) COLLATE "C")`
	case a.Type == desk.ComplexType:
		return from + " -> " + quote(litePath(a.Path))
	case len(a.Path) == 0:
		sql = from
	default:
		sql = "(" + from + " ->> " + quote(litePath(a.Path)) + ")"
	}
	if fold {
		sql = "lower(" + sql + ")"
	}
	return sql
}

// operate applies a comparison to the SQL of a value.
func (t *translator) operate(c desk.Compare, sql string) (string, error) {
	if c.Value == nil {
		if c.Op == desk.Eq {
			return sql + " IS NULL", nil
		}
		return sql + " IS NOT NULL", nil
	}
	text, _ := c.Value.(string)
	if text == "" && (c.Op == desk.Contains || c.Op == desk.Starts || c.Op == desk.Ends) {
		return sql + " IS NOT NULL", nil
	}
	switch c.Op {
	case desk.Eq:
		return sql + " = " + t.arg(c.Value), nil
	case desk.Ne:
		return "(" + sql + " IS NULL OR " + sql + " <> " + t.arg(c.Value) + ")", nil
	case desk.Greater:
		return sql + " > " + t.arg(c.Value), nil
	case desk.GreaterE:
		return sql + " >= " + t.arg(c.Value), nil
	case desk.Less:
		return sql + " < " + t.arg(c.Value), nil
	case desk.LessE:
		return sql + " <= " + t.arg(c.Value), nil
	case desk.Contains:
		if t.engine == Postgres {
			return "strpos(" + sql + ", " + t.arg(c.Value) + ") > 0", nil
		}
		return "instr(" + sql + ", " + t.arg(c.Value) + ") > 0", nil
	case desk.Starts:
		return fmt.Sprintf("substr(%s, 1, %d) = %s", sql, utf8.RuneCountInString(text), t.arg(c.Value)), nil
	case desk.Ends:
		if t.engine == Postgres {
			return fmt.Sprintf("right(%s, %d) = %s", sql, utf8.RuneCountInString(text), t.arg(c.Value)), nil
		}
		return fmt.Sprintf("substr(%s, -%d) = %s", sql, utf8.RuneCountInString(text), t.arg(c.Value)), nil
	}
	return "", fmt.Errorf("translate filter: unknown operator %q", c.Op)
}

// quote writes text that comes from schemas and from the server's own URL, never from requests.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func pgPath(path []string) string {
	var b strings.Builder
	for _, name := range path {
		b.WriteString(" -> " + quote(name))
	}
	return b.String()
}

func litePath(path []string) string {
	var b strings.Builder
	b.WriteByte('$')
	for _, name := range path {
		b.WriteString(`."` + strings.ReplaceAll(name, `"`, `\"`) + `"`)
	}
	return b.String()
}
