package store

import (
	"context"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// SQLite's full-text index knows contacts by their numbers, and answers in the order of these. A tenant has 1<<40 numbers, and gives them
// out as contacts are saved (numbering): from the first on to those whose ids are then the greatest, so that they are in the order
// of ids, and from the middle on to strays, whose ids were made earlier, such as those of forms that stood open. These are few, and sorted.

// numbers are those from one to another.
type numbers struct{ first, last int64 }

// pieceSearch looks for contacts by the pieces of a text.
type pieceSearch struct {
	ContactQuery
	db    *gorm.DB
	match string // the pieces, as FTS5 is asked for them
}

// searchPieces goes along SQLite's full-text index. It returns the same as walk.
func (r Reader) searchPieces(q ContactQuery) (list []desk.Contact, end *desk.Position, err error) {
	s := pieceSearch{q, r.db.WithContext(r.ctx), pieces(q.Text)}
	var own int64
	if err = s.db.Raw("SELECT num << 40 FROM tenants WHERE tenant_id = ?", q.TenantID).Scan(&own).Error; err != nil {
		return nil, nil, err
	}
	inOrder, strays := numbers{own + 1, own + 1<<39 - 1}, numbers{own + 1<<39, own + 1<<40 - 1}
	sorted, by := strays, "+id" // of few
	if q.Order == desk.LastDeletedFirst {
		sorted.first, by = inOrder.first, q.keys()
	}
	if many, err := s.nth(walkSteps*walkStep, sorted, ""); err != nil || len(many) > 0 {
		return nil, q.From, err
	}
	if list, err = s.within(sorted, q.ordered(by), q.Limit); err != nil || q.Order == desk.LastDeletedFirst {
		return list, nil, err
	}
	others, end, err := s.goAlong(inOrder)
	if err != nil {
		return nil, nil, err
	}
	if end != nil {
		list = slices.DeleteFunc(list, func(c desk.Contact) bool { return q.compare(c, desk.Contact{ID: end.ID}) > 0 })
	}
	list = append(list, others...)
	slices.SortFunc(list, q.compare)
	return list[:min(len(list), q.Limit+1)], end, nil
}

// goAlong goes along numbers that are in the order of ids, a step after the other, from the query's position on.
func (s pieceSearch) goAlong(all numbers) (list []desk.Contact, end *desk.Position, err error) {
	rest, limit := all, s.Limit
	begin, onward, direction := &rest.first, int64(1), ""
	placed := "SELECT num FROM contacts WHERE tenant_id = ? AND id <= ? AND +num <= ? ORDER BY id DESC LIMIT 1" // who is at the position, or came before it
	if s.descending() {
		begin, onward, direction = &rest.last, -1, " DESC"
		placed = "SELECT num FROM contacts WHERE tenant_id = ? AND id >= ? AND +num <= ? ORDER BY id LIMIT 1"
	}
	*begin -= onward
	if err := s.db.Raw(placed, s.TenantID, s.From.ID, all.last).Scan(begin).Error; err != nil {
		return nil, nil, err
	}
	*begin += onward
	for range walkSteps {
		ends, err := s.nth(walkStep, rest, direction)
		if err != nil {
			return nil, nil, err
		}
		stretch := rest
		if len(ends) > 0 && onward > 0 {
			stretch.last = ends[0]
		} else if len(ends) > 0 {
			stretch.first = ends[0]
		}
		part, err := s.within(stretch, "contact_search.rowid"+direction, limit)
		list, limit = append(list, part...), limit-len(part)
		if err != nil || limit < 0 || len(ends) == 0 {
			return list, nil, err
		}
		*begin = ends[0] + onward
	}
	// Where the last one was, or would be.
	reached := "SELECT id FROM contacts WHERE tenant_id = ? AND num >= ? AND num <= ? ORDER BY num DESC LIMIT 1"
	passed := numbers{all.first, rest.first - 1}
	if onward < 0 {
		reached, passed = strings.Replace(reached, " DESC", "", 1), numbers{rest.last + 1, all.last}
	}
	var ids []string
	err = s.db.Raw(reached, s.TenantID, passed.first, passed.last).Scan(&ids).Error
	if len(ids) == 0 {
		return list, nil, err
	}
	return list, s.Position(desk.Contact{ID: ids[0]}), err
}

// nth returns the number of a contact that has the pieces, none if there are fewer.
func (s pieceSearch) nth(n int, among numbers, direction string) (number []int64, err error) {
	err = s.db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid"+direction+" LIMIT 1 OFFSET ?",
		s.match, among.first, among.last, n-1).Scan(&number).Error
	return number, err
}

// within returns up to one more than a limit of those with these numbers that pass, in the query's order.
func (s pieceSearch) within(among numbers, order string, limit int) (list []desk.Contact, err error) {
	passes := s.passes("contacts")
	err = s.db.Clauses(fromIndex).Where(passes.text, passes.args...).Where("contact_search MATCH ? AND contact_search.rowid >= ? AND contact_search.rowid <= ? AND contacts.tenant_id = ?",
		s.match, among.first, among.last, s.TenantID).Order(order).Limit(limit + 1).Find(&list).Error
	if err != nil {
		return nil, err
	}
	var wait []desk.Contact // few
	err = s.db.Clauses(fromWaiting).Where(passes.text, passes.args...).Where("wait.num >= ? AND wait.num <= ? AND contacts.tenant_id = ?", among.first, among.last, s.TenantID).Find(&wait).Error
	list = append(list, wait...)
	slices.SortFunc(list, s.compare)
	list = slices.CompactFunc(list, func(a, b desk.Contact) bool { return a.ID == b.ID })
	return list[:min(len(list), limit+1)], err
}

// fromIndex and fromWaiting read contacts through the full-text index, and those that wait for it. (A cross join keeps SQLite to this
// order.)
var (
	fromIndex = clause.From{Tables: []clause.Table{{Name: "contact_search"}}, Joins: []clause.Join{{
		Type: clause.CrossJoin, Table: clause.Table{Name: "contacts"}, ON: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "contacts.num = contact_search.rowid"}}},
	}}}
	fromWaiting = clause.From{Tables: []clause.Table{{Name: "contact_search_waiting", Alias: "wait"}}, Joins: []clause.Join{{
		Type: clause.CrossJoin, Table: clause.Table{Name: "contacts"}, ON: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "contacts.tenant_id = wait.tenant_id AND contacts.num = wait.num"}}},
	}}}
)

// searchLag is how many contacts wait for the full-text index before it takes them up: each search looks at all of them.
var searchLag = 128

// takeUp brings SQLite's full-text index up to date, if at least so many contacts wait for that.
func (l *lite) takeUp(ctx context.Context, least int) error {
	due := false
	err := l.ask(ctx, question{sql: "SELECT 1 FROM contact_search_waiting LIMIT 1 OFFSET ?", args: []any{least - 1}, row: func(scanner) error {
		due = true
		return nil
	}})
	if err != nil || !due {
		return err
	}
	// By their numbers: at each step back the index would write out what it has.
	return l.ask(ctx, question{sql: "INSERT INTO contact_search (contact_search, rowid, pieces) SELECT command, num, pieces FROM (" +
		"SELECT num, 1 AS step, 'delete' AS command, was AS pieces FROM contact_search_waiting WHERE was IS NOT NULL" +
		" UNION ALL SELECT c.num, 2, NULL, c.search_key FROM contact_search_waiting w CROSS JOIN contacts c ON c.tenant_id = w.tenant_id AND c.num = w.num" +
		") ORDER BY num, step"}, question{sql: "DELETE FROM contact_search_waiting"})
}

// pieces asks FTS5 for what has pieces of a text, as few as make up all of it: few others have these, and each costs.
func pieces(text string) string {
	characters := []rune(text)
	var list []string
	for i := 0; i < len(characters); i += 3 {
		i := min(i, len(characters)-3)
		list = append(list, `"`+strings.ReplaceAll(string(characters[i:i+3]), `"`, `""`)+`"`)
	}
	return strings.Join(list, " AND ")
}
