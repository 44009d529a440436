package store

import (
	"context"
	"encoding/json"
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
	s := pieceSearch{ContactQuery: q, db: r.db.WithContext(r.ctx)}
	var own int64
	if err = s.db.Raw("SELECT num << 40 FROM tenants WHERE tenant_id = ?", q.TenantID).Scan(&own).Error; err != nil {
		return nil, nil, err
	}
	inOrder, strays := numbers{own + 1, own + 1<<39 - 1}, numbers{own + 1<<39, own + 1<<40 - 1}
	if s.match, err = s.telling(inOrder); err != nil {
		return nil, nil, err
	}
	sorted := strays
	if q.Order == desk.LastDeletedFirst {
		sorted.first = inOrder.first
	}
	many := walkSteps * walkStep
	found, err := s.having(sorted, "", many)
	if err != nil || len(found) == many {
		return nil, q.From, err
	}
	if list, err = s.passing(found, sorted, q.Limit); err != nil || q.Order == desk.LastDeletedFirst {
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

// telling returns the pieces of the text's words, but for words that of several a quarter of the contacts have, as far as a look at some
// can tell: to read the long lists of those costs more than to look at who else has the others. One word is always among them.
func (s pieceSearch) telling(among numbers) (string, error) {
	const some, quarter = 32, 4 * 32
	var all, list []string
	for _, word := range strings.Fields(s.Text) {
		if match := pieces(word); match != "" {
			all = append(all, match)
		}
	}
	for _, s.match = range all {
		if len(all) > 1 {
			found, err := s.having(among, " DESC", some)
			if err != nil {
				return "", err
			}
			if len(found) == some && found[0]-found[some-1] < quarter {
				continue
			}
		}
		list = append(list, s.match)
	}
	if len(list) == 0 {
		list = all[:1]
	}
	return strings.Join(list, " AND "), nil
}

// goAlong goes along numbers that are in the order of ids, from the query's position on: a few contacts that have the pieces, and as long
// as they do not fill the page, ever more. (The index is slow where pieces are frequent and seldom together.)
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
	step := 4 * (limit + 1)
	for left := walkSteps * walkStep; left > 0; step *= 4 {
		step = min(step, left)
		left -= step
		found, err := s.having(rest, direction, step)
		if err != nil {
			return nil, nil, err
		}
		stretch, whole := rest, len(found) < step
		switch {
		case whole:
		case onward > 0:
			stretch.last = found[step-1]
		default:
			stretch.first = found[step-1]
		}
		part, err := s.passing(found, stretch, limit)
		list, limit = append(list, part...), limit-len(part)
		if err != nil || limit < 0 || whole {
			return list, nil, err
		}
		*begin = found[step-1] + onward
	}
	// Where the last one is, or was.
	reached, behind := "SELECT id FROM contacts WHERE tenant_id = ? AND num >= ? AND num <= ? ORDER BY num DESC LIMIT 1", numbers{all.first, rest.first - 1}
	if onward < 0 {
		reached, behind = strings.Replace(reached, " DESC", "", 1), numbers{rest.last + 1, all.last}
	}
	var ids []string
	err = s.db.Raw(reached, s.TenantID, behind.first, behind.last).Scan(&ids).Error
	if len(ids) == 0 {
		return list, nil, err
	}
	return list, s.Position(desk.Contact{ID: ids[0]}), err
}

// having returns the first numbers of contacts that have the pieces, among some.
func (s pieceSearch) having(among numbers, direction string, limit int) (found []int64, err error) {
	err = s.db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid"+direction+" LIMIT ?",
		s.match, among.first, among.last, limit).Scan(&found).Error
	return found, err
}

// passing returns up to one more than a limit of the contacts with these numbers that pass, and of those among some that wait for the index,
// in the query's order.
func (s pieceSearch) passing(found []int64, among numbers, limit int) (list []desk.Contact, err error) {
	passes, by := s.passes("contacts"), "+id" // the few are sorted
	if s.Order == desk.LastDeletedFirst {
		by = s.keys()
	}
	if len(found) > 0 {
		given, err := json.Marshal(found)
		if err != nil {
			return nil, err
		}
		// (A cross join keeps SQLite to this order.)
		look := fragment{"SELECT contacts.* FROM (SELECT value AS num FROM json_each(?)) AS found CROSS JOIN contacts ON contacts.num = found.num WHERE contacts.tenant_id = ?", []any{string(given), s.TenantID}}.and(passes)
		if err := s.db.Raw(look.text+" ORDER BY "+s.ordered(by)+" LIMIT ?", append(look.args, limit+1)...).Find(&list).Error; err != nil {
			return nil, err
		}
	}
	var wait []desk.Contact // few
	err = s.db.Clauses(fromWaiting).Where(passes.text, passes.args...).Where("wait.num >= ? AND wait.num <= ? AND contacts.tenant_id = ?", among.first, among.last, s.TenantID).Find(&wait).Error
	list = append(list, wait...)
	slices.SortFunc(list, s.compare)
	list = slices.CompactFunc(list, func(a, b desk.Contact) bool { return a.ID == b.ID })
	return list[:min(len(list), limit+1)], err
}

// fromWaiting reads the contacts that wait for the full-text index.
var fromWaiting = clause.From{Tables: []clause.Table{{Name: "contact_search_waiting", Alias: "wait"}}, Joins: []clause.Join{{
	Type: clause.CrossJoin, Table: clause.Table{Name: "contacts"}, ON: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "contacts.tenant_id = wait.tenant_id AND contacts.num = wait.num"}}},
}}}

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

// pieces asks FTS5 for what has pieces of a word, as few as make up all of it: few others have these, and each costs. "" for none.
func pieces(word string) string {
	characters := []rune(word)
	var list []string
	for i := 0; i < len(characters) && len(characters) >= 3; i += 3 {
		i := min(i, len(characters)-3)
		list = append(list, `"`+strings.ReplaceAll(string(characters[i:i+3]), `"`, `""`)+`"`)
	}
	return strings.Join(list, " AND ")
}
