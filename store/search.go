package store

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// A page of contacts takes about as long whether all contacts of a large tenant are asked for, few, or none.
//
// Contacts are walked along in the query's order, on one of the indexes that the conditions leave open (walk.go), and those that pass all
// conditions are taken. What is frequent fills the page soon; where few are left, all are seen. After walkStep contacts a search goes on
// with an index of the pieces of three characters of all search keys: pg_trgm's on PostgreSQL, that of FTS5 on SQLite, with the contacts
// that wait for it. A text without three letters or digits in a row has no piece on PostgreSQL. For it, and for what is no search, the
// walk goes on, and after walkSteps steps the page ends, however short it is.

// walkStep is how many contacts are walked along at a time.
var walkStep = 5000

// walkSteps is how many times a page does so, or looks at as many contacts that have the text's pieces.
const walkSteps = 4

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	TenantID   string
	Status     desk.Status    // "" for all
	Text       string         // in name, userName or addresses; "" for any
	Domain     string         // normalised; "" for any
	Company    string         // id; "" for any
	Verified   bool           // only those whom a directory adopted
	Connection string         // slug of one that has a user for the contact; "" for any
	Sync       desk.SyncState // of the connection's user, if one is given; "" for any
	Order      desk.ContactOrder
	From       *desk.Position // where to begin; nil for the first page
	Limit      int
}

// Contacts returns a page of contacts in the query's order, and the position at which its direction goes on, nil on the last page. A
// page may be short, even empty, and yet not be the last.
func (r Reader) Contacts(q ContactQuery) (page []desk.Contact, next *desk.Position, err error) {
	q, possible := q.plain()
	if !possible {
		return nil, nil, nil
	}
	limit, indexed, steps := q.Limit, hasPiece(q.Text), walkSteps
	if q.From == nil {
		q.From = q.start()
	}
	if indexed {
		steps = 1
	}
	for more, first := true, true; more && steps > 0; steps, first = steps-1, false {
		var part []desk.Contact
		part, next, err = r.walk(q, first)
		page, q.Limit = append(page, part...), q.Limit-len(part)
		if more = err == nil && q.Limit >= 0 && next != nil; more {
			q.From = next
		}
		if more && indexed {
			part, next, err = r.searchIndex(q)
			page = append(page, part...)
		}
	}
	if len(page) > limit {
		page = page[:limit]
		next = q.Position(page[limit-1])
	}
	if q.From.Backward {
		slices.Reverse(page)
	}
	return page, next, fail(err, "list contacts")
}

// plain returns the query with what it implies, and whether any contact can fit.
func (q ContactQuery) plain() (ContactQuery, bool) {
	q.Text = desk.Fold(q.Text)
	if q.Order == desk.LastDeletedFirst {
		if q.Status == desk.Active {
			return q, false
		}
		q.Status = desk.SoftDeleted
	}
	return q, q.Sync != desk.SyncNone || q.Connection == ""
}

// Position is that of a contact, for what comes after it in the query's direction.
func (q ContactQuery) Position(c desk.Contact) *desk.Position {
	p := &desk.Position{ID: c.ID, Backward: q.From != nil && q.From.Backward}
	if q.Order == desk.LastDeletedFirst {
		p.Key = *c.DeletedAt
	}
	return p
}

// start is the position before the first contact.
func (q ContactQuery) start() *desk.Position {
	switch q.Order {
	case desk.OldestFirst:
		return &desk.Position{}
	case desk.NewestFirst:
		return &desk.Position{ID: lastID}
	}
	return &desk.Position{Key: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: lastID}
}

// lastID comes after every id.
const lastID = "~"

// keys are the columns by which contacts are ordered.
func (q ContactQuery) keys() string {
	if q.Order == desk.LastDeletedFirst {
		return "deleted_at, id"
	}
	return "id"
}

// descending reports whether the walk goes down these, be it for the order or for the direction.
func (q ContactQuery) descending() bool { return (q.Order != desk.OldestFirst) != q.From.Backward }

// ordered is the walk's order by these.
func (q ContactQuery) ordered(keys string) string {
	if q.descending() {
		keys = strings.ReplaceAll(keys, ",", " DESC,") + " DESC"
	}
	return keys
}

// compare is the walk's order of two contacts.
func (q ContactQuery) compare(a, b desk.Contact) int {
	order := strings.Compare(a.ID, b.ID)
	if q.Order == desk.LastDeletedFirst {
		order = cmp.Or(a.DeletedAt.Compare(*b.DeletedAt), order)
	}
	if q.descending() {
		return -order
	}
	return order
}

// beyond is the condition of what the walk comes to after the query's position, by the column that holds ids.
func (q ContactQuery) beyond(id string) fragment { return q.side(id, q.From, q.descending(), "") }

// upTo is the condition of what the walk came to up to a position.
func (q ContactQuery) upTo(id string, p *desk.Position) fragment {
	return q.side(id, p, !q.descending(), "=")
}

func (q ContactQuery) side(id string, p *desk.Position, less bool, orEqual string) fragment {
	comparison := " >"
	if less {
		comparison = " <"
	}
	comparison += orEqual
	if q.Order == desk.LastDeletedFirst {
		return fragment{"(deleted_at, id)" + comparison + " (?, ?)", []any{p.Key, p.ID}}
	}
	return fragment{id + comparison + " ?", []any{p.ID}}
}

// searchIndex goes on with the index of pieces. It returns the same as walk.
func (r Reader) searchIndex(q ContactQuery) (list []desk.Contact, end *desk.Position, err error) {
	if r.engine == SQLite {
		return r.searchFTS(q)
	}
	having := fragment{"SELECT " + stepColumns + " FROM contacts WHERE tenant_id = ?", []any{q.TenantID}}.and(q.hasText())
	having.text += fmt.Sprintf(" LIMIT %d", math.MaxInt32)
	list, err = r.sift(q, having)
	return list, nil, err
}

// searchFTS goes along SQLite's full-text index, whose rows have the numbers of contacts, in the order in which these came.
func (r Reader) searchFTS(q ContactQuery) (list []desk.Contact, end *desk.Position, err error) {
	db := r.db.WithContext(r.ctx)
	// The numbers that the tenant's contacts can have, from the position on.
	var span struct{ First, Last int64 }
	err = db.Raw("SELECT (num << 40) + 1 AS first, ((num + 1) << 40) - 1 AS last FROM tenants WHERE tenant_id = ?", q.TenantID).Scan(&span).Error
	if err != nil {
		return nil, nil, err
	}
	match := pieces(q.Text)
	// nth returns the number of a contact that has them, none if there are fewer.
	nth := func(n int, direction string) (number []int64, err error) {
		err = db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid"+direction+" LIMIT 1 OFFSET ?",
			match, span.First, span.Last, n-1).Scan(&number).Error
		return number, err
	}
	// within returns up to one more than the page's limit of those with these numbers that pass.
	within := func(first, last int64, order string) (list []desk.Contact, err error) {
		passes := q.passes("contacts")
		err = db.Clauses(fromIndex).Where(passes.text, passes.args...).Where("contact_search MATCH ? AND contact_search.rowid >= ? AND contact_search.rowid <= ? AND contacts.tenant_id = ?",
			match, first, last, q.TenantID).Order(order).Limit(q.Limit + 1).Find(&list).Error
		if err != nil {
			return nil, err
		}
		var wait []desk.Contact // few
		err = db.Clauses(fromWaiting).Where(passes.text, passes.args...).Where("wait.num >= ? AND wait.num <= ? AND contacts.tenant_id = ?", first, last, q.TenantID).Find(&wait).Error
		list = append(list, wait...)
		slices.SortFunc(list, q.compare)
		list = slices.CompactFunc(list, func(a, b desk.Contact) bool { return a.ID == b.ID })
		return list[:min(len(list), q.Limit+1)], err
	}
	if q.Order == desk.LastDeletedFirst { // sorted, unless they are many
		if many, err := nth(walkSteps*walkStep, ""); err != nil || len(many) > 0 {
			return nil, q.From, err
		}
		list, err := within(span.First, span.Last, q.ordered(q.keys()))
		return list, nil, err
	}
	begin, onward, direction := &span.First, int64(1), ""
	behind := "SELECT %s FROM contacts WHERE tenant_id = ? AND %s <= ? ORDER BY %[2]s DESC LIMIT 1" // the contact at a place, or the one before it
	if q.descending() {
		begin, onward, direction = &span.Last, -1, " DESC"
		behind = "SELECT %s FROM contacts WHERE tenant_id = ? AND %s >= ? ORDER BY %[2]s LIMIT 1"
	}
	*begin -= onward
	if err := db.Raw(fmt.Sprintf(behind, "num", "id"), q.TenantID, q.From.ID).Scan(begin).Error; err != nil {
		return nil, nil, err
	}
	*begin += onward
	for range walkSteps {
		ends, err := nth(walkStep, direction)
		if err != nil {
			return nil, nil, err
		}
		stretch := span
		if len(ends) > 0 && onward > 0 {
			stretch.Last = ends[0]
		} else if len(ends) > 0 {
			stretch.First = ends[0]
		}
		part, err := within(stretch.First, stretch.Last, "contact_search.rowid"+direction)
		list, q.Limit = append(list, part...), q.Limit-len(part)
		if err != nil || q.Limit < 0 || len(ends) == 0 {
			return list, nil, err
		}
		*begin = ends[0] + onward
	}
	var ids []string
	err = db.Raw(fmt.Sprintf(behind, "id", "num"), q.TenantID, *begin-onward).Scan(&ids).Error
	if len(ids) == 0 {
		return list, nil, err
	}
	return list, q.Position(desk.Contact{ID: ids[0]}), err
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

// hasPiece reports whether a text has three letters or digits in a row.
func hasPiece(text string) bool {
	run := 0
	return slices.ContainsFunc([]rune(text), func(c rune) bool {
		if run++; !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			run = 0
		}
		return run == 3
	})
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
