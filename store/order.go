package store

import (
	"fmt"
	"strings"

	"rollcall/desk"
)

// order returns the ORDER BY of a query, and the condition, after AND, of what comes after its position.
func (t *translator) order(q desk.UserQuery) (order, from string) {
	key, descending := column{sql: "id"}, false
	if q.Sort != nil {
		key, descending = t.sortKey(q.Sort.By), q.Sort.Descending
	}
	if q.From != nil && q.From.Backward {
		descending = !descending
	}
	direction, nulls := " ASC", " NULLS LAST"
	if descending {
		direction, nulls = " DESC", " NULLS FIRST"
	}
	prefix := ""
	if t.engine == SQLite && t.indexed {
		prefix = "+" // it would rather read the whole connection in this order than find few users and sort them
	}
	order = prefix + "id" + direction
	if key.sql != "id" {
		if t.engine == Postgres || !key.nullable {
			nulls = "" // which is what PostgreSQL does, and knows of its indexes
		}
		order = prefix + key.sql + direction + nulls + ", " + order
	}
	if q.From != nil {
		from = " AND " + t.beyond(key, descending, q.From)
	}
	return order, from
}

// sortKey is the SQL of what desk.Sort.Key returns.
func (t *translator) sortKey(a desk.Attribute) column {
	if c, ok := t.column(a); ok {
		return c
	}
	limit := func(sql string) string {
		if a.Type == desk.TextType {
			return fmt.Sprintf("substr(%s, 1, %d)", sql, desk.MaxKey)
		}
		return sql
	}
	if a.Multi < 0 {
		return column{sql: limit(t.value(a, resource)), nullable: true, json: true}
	}
	one, list := a, a
	one.Path, one.Multi = a.Path[a.Multi+1:], -1
	list.Path = a.Path[:a.Multi+1]
	array := resource.exact
	if a.Type == desk.TextType && !a.CaseExact {
		array = resource.folded
	}
	e := document{"e.value", "e.value", "e.type"}
	first := "e.key"
	if len(one.Path) > 0 {
		primary := t.value(desk.Attribute{Path: []string{"primary"}, Multi: -1, Type: desk.BoolType}, e)
		first = "coalesce(" + primary + ", " + literal(t.fromJSON(false)) + ") DESC, " + first
	}
	return column{nullable: true, json: true, sql: fmt.Sprintf("(SELECT %s FROM %s ORDER BY %s LIMIT 1)", limit(t.value(one, e)), t.each(array, list, "e"), first)}
}

// literal writes a value of ours into SQL that is repeated, where a parameter would have to be.
func literal(v any) string {
	if s, ok := v.(string); ok {
		return quote(s)
	}
	return fmt.Sprint(v)
}

// beyond is the condition of what comes after a position, in an order by key and id in one direction.
func (t *translator) beyond(key column, descending bool, p *desk.Position) string {
	after := " > "
	if descending {
		after = " < "
	}
	switch {
	case key.sql == "id":
		return "id" + after + t.arg(p.ID)
	case p.Key == nil && descending: // nulls come first
		return "(" + key.sql + " IS NOT NULL OR id" + after + t.arg(p.ID) + ")"
	case p.Key == nil:
		return key.sql + " IS NULL AND id" + after + t.arg(p.ID)
	}
	value := p.Key
	if key.json {
		value = t.fromJSON(value)
	}
	null := ""
	if key.nullable && !descending {
		null = " OR " + key.sql + " IS NULL"
	}
	// In two parts, so that an index by key finds where to begin.
	sql := "(" + key.sql + strings.TrimSuffix(after, " ") + "= " + t.arg(value) + null + ")"
	sql += " AND (" + key.sql + after + t.arg(value) + null
	return sql + " OR id" + after + t.arg(p.ID) + ")"
}
