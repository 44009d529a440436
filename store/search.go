package store

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// A page of contacts takes about as long whether all contacts of a large tenant are asked for, few, or none.
//
// Contacts are walked along in the order of their ids, on the index that leaves fewest, and those that pass all conditions are
// taken. What is frequent fills the page soon; where few are left, all are seen. After walkStep contacts a search goes on with an
// index of the pieces of three characters of all search keys: pg_trgm's on PostgreSQL, that of FTS5 on SQLite. A text without three
// letters or digits in a row has no piece on PostgreSQL. For it, and for what is no search, the walk goes on, and after walkSteps
// steps the page ends, however short it is.

// walkStep is how many contacts are walked along at a time.
var walkStep = 5000

// walkSteps is how many times a page does so, or looks at as many contacts that have the text's pieces.
const walkSteps = 4

// firstStep is how many contacts a page looks at before that, for each that it may have: mostly that is enough.
const firstStep = 4

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
	if q.Order == desk.LastDeletedFirst {
		if q.Status == desk.Active {
			return nil, nil, nil
		}
		q.Status = desk.SoftDeleted
	}
	if q.Sync == desk.SyncNone && q.Connection != "" {
		return nil, nil, nil
	}
	q.Text = desk.Fold(q.Text)
	limit, indexed, steps := q.Limit, hasPiece(q.Text), walkSteps
	if q.From == nil {
		q.From = q.start()
	}
	if indexed {
		steps = 1
	}
	step := min(firstStep*(limit+1), walkStep)
	for more := true; more && steps >= 0; steps-- {
		var part []desk.Contact
		part, next, err = r.walk(q, step)
		page, q.Limit, step = append(page, part...), q.Limit-len(part), walkStep
		if more = err == nil && q.Limit >= 0 && next != nil; more {
			q.From = next
		}
		if more && indexed && steps == 0 {
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

// ordered lets a query's rows come in the walk's order.
func (q ContactQuery) ordered(db *gorm.DB) *gorm.DB {
	order := q.keys()
	if q.descending() {
		order = strings.ReplaceAll(order, ",", " DESC,") + " DESC"
	}
	return db.Order(order)
}

// beyond is the condition of what the walk comes to after a position.
func (q ContactQuery) beyond(p *desk.Position) func(*gorm.DB) *gorm.DB {
	return q.side(p, q.descending(), "")
}

// upTo is the condition of what the walk came to up to a position.
func (q ContactQuery) upTo(p *desk.Position) func(*gorm.DB) *gorm.DB {
	return q.side(p, !q.descending(), "=")
}

func (q ContactQuery) side(p *desk.Position, less bool, orEqual string) func(*gorm.DB) *gorm.DB {
	return func(db *gorm.DB) *gorm.DB {
		comparison := " >"
		if less {
			comparison = " <"
		}
		comparison += orEqual
		if q.Order == desk.LastDeletedFirst {
			return db.Where("(deleted_at, id)"+comparison+" (?, ?)", p.Key, p.ID)
		}
		return db.Where("id"+comparison+" ?", p.ID)
	}
}

// walk goes one step of so many contacts along. It returns up to one more than the page's limit, else the position at which it ended, nil for
// the last.
func (r Reader) walk(q ContactQuery, step int) (list []desk.Contact, end *desk.Position, err error) {
	if list, err = r.pick(q, r.along(q).Limit(step)); err != nil || len(list) > q.Limit {
		return list, nil, err
	}
	var ends []desk.Contact
	if err = r.along(q).Select(q.keys()).Offset(step - 1).Limit(1).Find(&ends).Error; err != nil || len(ends) == 0 {
		return list, nil, err
	}
	// Once more up to just there, since contacts may have been erased in between.
	end = q.Position(ends[0])
	list, err = r.pick(q, r.along(q).Scopes(q.upTo(end)).Limit(step))
	return list, end, err
}

// along begins a query over contacts in the walk's order, with those conditions that an index answers.
func (r Reader) along(q ContactQuery) *gorm.DB {
	db := r.db.WithContext(r.ctx).Model(&desk.Contact{}).Where("tenant_id = ?", q.TenantID).Scopes(q.beyond(q.From), q.ordered)
	if q.Status == desk.SoftDeleted {
		db = db.Where("status = 'deleted'") // spelt out, for the partial indexes
	}
	switch {
	case q.Company != "" && q.Domain != "" && q.Status == desk.Active:
		return db.Where("status = 'active' AND domain = ? AND company_id = ?", q.Domain, q.Company)
	case q.Company != "":
		return db.Where("company_id = ? AND company_id <> ''", q.Company)
	case q.Domain != "":
		return db.Where("domain = ?", q.Domain)
	}
	return db
}

// passes is the condition of the contacts that are asked for, of a table or subquery of contacts.
func (q ContactQuery) passes(db *gorm.DB, contacts string) *gorm.DB {
	db = db.Scopes(q.beyond(q.From), q.hasText)
	if q.Status != "" {
		db = db.Where("status = ?", q.Status)
	}
	if q.Domain != "" {
		db = db.Where("domain = ?", q.Domain)
	}
	if q.Company != "" {
		db = db.Where("company_id = ?", q.Company)
	}
	if q.Verified {
		db = db.Where("verified_at IS NOT NULL")
	}
	users := "EXISTS (SELECT 1 FROM directory_users u WHERE u.tenant_id = ? AND u.contact_id = " + contacts + ".id"
	switch {
	case q.Sync == desk.SyncNone:
		return db.Where("NOT "+users+")", q.TenantID)
	case q.Connection != "" && q.Sync != "":
		return db.Where(users+" AND u.connection = ? AND u.active = ?)", q.TenantID, q.Connection, q.Sync == desk.SyncActive)
	case q.Connection != "":
		return db.Where(users+" AND u.connection = ?)", q.TenantID, q.Connection)
	case q.Sync != "":
		return db.Where(users+" AND u.active = ?)", q.TenantID, q.Sync == desk.SyncActive)
	}
	return db
}

func (q ContactQuery) hasText(db *gorm.DB) *gorm.DB {
	if q.Text == "" {
		return db
	}
	return db.Where(`search_key LIKE ? ESCAPE '\'`, "%"+likeText.Replace(q.Text)+"%")
}

// likeText makes LIKE's wildcards stand for themselves.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// pick returns those of a limited query's contacts that pass, up to one more than the page's limit. The limit keeps both engines from
// mixing the conditions: by what it guesses of a text, PostgreSQL would now and then look for it first where it is frequent, or go
// along all contacts where it is rare.
func (r Reader) pick(q ContactQuery, from *gorm.DB) (list []desk.Contact, err error) {
	db := r.db.WithContext(r.ctx)
	ids := q.passes(db.Table("(?) AS step", from.Select("id, status, domain, company_id, search_key, verified_at, deleted_at")), "step").
		Scopes(q.ordered).Select("id").Limit(q.Limit + 1)
	among := "tenant_id = ? AND id IN (?)"
	if r.engine == Postgres {
		among = "tenant_id = ? AND id = ANY (ARRAY(?))" // which it looks up one by one, however few the tenant's contacts are
	}
	err = db.Where(among, q.TenantID, ids).Scopes(q.ordered).Find(&list).Error
	return list, err
}

// searchIndex goes on with the index of pieces. It returns the same as walk.
func (r Reader) searchIndex(q ContactQuery) (list []desk.Contact, end *desk.Position, err error) {
	if r.engine == SQLite {
		return r.searchFTS(q)
	}
	list, err = r.pick(q, r.db.WithContext(r.ctx).Model(&desk.Contact{}).Where("tenant_id = ?", q.TenantID).Scopes(q.hasText).Limit(math.MaxInt32))
	return list, nil, err
}

// searchFTS goes along SQLite's full-text index, whose rows have the numbers of contacts, in the order in which these came.
func (r Reader) searchFTS(q ContactQuery) (list []desk.Contact, end *desk.Position, err error) {
	if q.Order == desk.LastDeletedFirst {
		return r.walk(q, walkStep)
	}
	db := r.db.WithContext(r.ctx)
	// The numbers that the tenant's contacts can have, from the position on.
	var span struct{ First, Last int64 }
	err = db.Raw("SELECT (num << 40) + 1 AS first, ((num + 1) << 40) - 1 AS last FROM tenants WHERE tenant_id = ?", q.TenantID).Scan(&span).Error
	begin, close, onward, direction := &span.First, &span.Last, int64(1), ""
	const upTo, from = "SELECT %s FROM contacts WHERE tenant_id = ? AND %s <= ? ORDER BY %[2]s DESC LIMIT 1", "SELECT %s FROM contacts WHERE tenant_id = ? AND %s >= ? ORDER BY %[2]s LIMIT 1"
	behind := upTo // finds the contact at a position, or the one before it
	if q.descending() {
		begin, close, onward, direction, behind = close, begin, -1, " DESC", from
	}
	if err == nil {
		*begin -= onward
		err = db.Raw(fmt.Sprintf(behind, "num", "id"), q.TenantID, q.From.ID).Scan(begin).Error
		*begin += onward
	}
	match := pieces(q.Text)
	for range walkSteps {
		var ends []int64
		if err == nil {
			err = db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid >= ? AND rowid <= ? ORDER BY rowid"+direction+" LIMIT 1 OFFSET ?",
				match, span.First, span.Last, walkStep-1).Scan(&ends).Error
		}
		if err != nil {
			return nil, nil, err
		}
		stretch := span
		if len(ends) > 0 && onward > 0 {
			stretch.Last = ends[0]
		} else if len(ends) > 0 {
			stretch.First = ends[0]
		}
		var part []desk.Contact
		err = q.passes(db.Clauses(fromIndex), "contacts").Where("contact_search MATCH ? AND contact_search.rowid >= ? AND contact_search.rowid <= ? AND tenant_id = ?",
			match, stretch.First, stretch.Last, q.TenantID).Order("contact_search.rowid" + direction).Limit(q.Limit + 1).Find(&part).Error
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

// fromIndex reads contacts through the full-text index. (A cross join keeps SQLite to this order.)
var fromIndex = clause.From{Tables: []clause.Table{{Name: "contact_search"}}, Joins: []clause.Join{{
	Type: clause.CrossJoin, Table: clause.Table{Name: "contacts"}, ON: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "contacts.num = contact_search.rowid"}}},
}}}

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

// pieces asks FTS5 for what has all pieces of a text.
func pieces(text string) string {
	characters := []rune(text)
	list := make([]string, len(characters)-2)
	for i := range list {
		list[i] = `"` + strings.ReplaceAll(string(characters[i:i+3]), `"`, `""`) + `"`
	}
	return strings.Join(list, " AND ")
}
