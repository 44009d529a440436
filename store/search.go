package store

import (
	"strings"
	"unicode"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// A text is searched for in two ways, so that a page takes about as long whether all contacts have the text, few, or none.
//
// First, contacts are walked along in the order of their ids, as far as walkStep of those that pass the other conditions. A
// frequent text fills the page on the way, and where few contacts pass, all are seen. What is beyond is asked of an index of
// the pieces of three characters of all search keys: of pg_trgm on PostgreSQL, of FTS5 on SQLite. A text without three letters
// or digits in a row has no such piece on PostgreSQL. It is only walked for, walkSteps times as far in one page.

// walkStep is how many contacts are walked along at a time.
var walkStep = 5000

// walkSteps is how many times a page does so, or looks at as many that have the text's pieces.
const walkSteps = 4

// search returns the contacts of a page that have a text, up to one more than asked for. If there are fewer, end is the id up to
// which it has looked, "" for all.
func (r Reader) search(q ContactQuery) (list []desk.Contact, end string, err error) {
	q.Text = desk.Fold(q.Text)
	indexed := hasPiece(q.Text)
	for range walkSteps {
		part, end, err := r.walk(q)
		list = append(list, part...)
		if q.Limit -= len(part); err != nil || q.Limit < 0 || end == "" {
			return list, "", err
		}
		if q.After = end; indexed {
			break
		}
	}
	var part []desk.Contact
	switch {
	case !indexed:
		end = q.After
	case r.engine == SQLite:
		part, end, err = r.searchFTS(q)
	default:
		part, err = r.searchTrigrams(q)
	}
	return append(list, part...), end, err
}

// walk goes one step along the contacts. end is the id at which it ended, "" for the last.
func (r Reader) walk(q ContactQuery) (list []desk.Contact, end string, err error) {
	db := r.db.WithContext(r.ctx)
	var ends []string
	if err := r.contacts(q).Order("id").Offset(walkStep-1).Limit(1).Pluck("id", &ends).Error; err != nil {
		return nil, "", err
	}
	// The step is a query of its own, so that PostgreSQL does not look for the text first.
	step := r.contacts(q).Select("id, search_key").Order("id").Limit(walkStep)
	if end = strings.Join(ends, ""); end != "" {
		step = step.Where("id <= ?", end)
	}
	hits := db.Table("(?) AS step", step).Scopes(q.hasText).Select("id").Order("id").Limit(q.Limit + 1)
	err = db.Where("tenant_id = ? AND id IN (?)", q.TenantID, hits).Order("id").Find(&list).Error
	return list, end, err
}

// searchTrigrams goes on along PostgreSQL's index.
func (r Reader) searchTrigrams(q ContactQuery) (list []desk.Contact, err error) {
	db := r.db.WithContext(r.ctx)
	// OFFSET 0 makes this a query of its own, which the index alone can answer: by what it guesses of the matches, PostgreSQL would
	// now and then rather go along all contacts.
	found := db.Model(&desk.Contact{}).Where("tenant_id = ?", q.TenantID).Scopes(q.hasText)
	hits := r.contacts(q).Table("(? OFFSET 0) AS found", found).Select("id").Order("id").Limit(q.Limit + 1)
	err = db.Where("tenant_id = ? AND id IN (?)", q.TenantID, hits).Order("id").Find(&list).Error
	return list, err
}

// searchFTS goes on along SQLite's full-text index, whose rows have the numbers of contacts, which are in the order of ids.
func (r Reader) searchFTS(q ContactQuery) (list []desk.Contact, end string, err error) {
	db := r.db.WithContext(r.ctx)
	var span struct{ After, Last int64 } // numbers: of q.After, and the last that a contact of the tenant can have
	err = db.Raw("SELECT coalesce((SELECT num FROM contacts WHERE tenant_id = @tenant AND id <= @id ORDER BY id DESC LIMIT 1), num << 40) AS after,"+
		" ((num + 1) << 40) - 1 AS last FROM tenants WHERE tenant_id = @tenant", map[string]any{"tenant": q.TenantID, "id": q.After}).Scan(&span).Error
	match := pieces(q.Text)
	for step := 0; step < walkSteps && err == nil; step++ {
		var ends []int64
		var part []desk.Contact
		err = db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?",
			match, span.After, span.Last, walkStep-1).Scan(&ends).Error
		stop := append(ends, span.Last)[0]
		if err == nil {
			err = r.contacts(q).Clauses(fromIndex).Where("contact_search MATCH ? AND contact_search.rowid > ? AND contact_search.rowid <= ?", match, span.After, stop).
				Scopes(q.hasText).Order("contact_search.rowid").Limit(q.Limit + 1).Find(&part).Error
		}
		list = append(list, part...)
		if q.Limit -= len(part); q.Limit < 0 || len(ends) == 0 {
			return list, "", err
		}
		span.After = stop
	}
	if err != nil {
		return nil, "", err
	}
	var ends []string
	err = db.Raw("SELECT id FROM contacts WHERE tenant_id = ? AND num <= ? ORDER BY num DESC LIMIT 1", q.TenantID, span.After).Scan(&ends).Error
	return list, strings.Join(ends, ""), err
}

// fromIndex reads contacts through the full-text index. (A cross join keeps SQLite to this order.)
var fromIndex = clause.From{Tables: []clause.Table{{Name: "contact_search"}}, Joins: []clause.Join{{
	Type: clause.CrossJoin, Table: clause.Table{Name: "contacts"}, ON: clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "contacts.num = contact_search.rowid"}}},
}}}

// hasText is the condition of contacts that have the folded text.
func (q ContactQuery) hasText(db *gorm.DB) *gorm.DB {
	return db.Where(`search_key LIKE ? ESCAPE '\'`, "%"+likeText.Replace(q.Text)+"%")
}

// likeText makes LIKE's wildcards stand for themselves.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// hasPiece reports whether a text has three letters or digits in a row.
func hasPiece(text string) bool {
	run := 0
	for _, c := range text {
		if run++; !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			run = 0
		}
		if run == 3 {
			return true
		}
	}
	return false
}

// pieces returns the question to FTS5 for what has all pieces of a text.
func pieces(text string) string {
	characters := []rune(text)
	list := make([]string, len(characters)-2)
	for i := range list {
		list[i] = `"` + strings.ReplaceAll(string(characters[i:i+3]), `"`, `""`) + `"`
	}
	return strings.Join(list, " AND ")
}
