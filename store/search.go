package store

import (
	"math"
	"slices"
	"strings"
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

// ContactQuery asks for a page of contacts in the order of their ids, which is that of creation.
type ContactQuery struct {
	TenantID string
	Status   desk.Status // "" for all
	Text     string      // in name, userName or addresses; "" for any
	Domain   string      // normalised; "" for any
	Company  string      // id; "" for any
	After    string      // the id after which the page begins
	Limit    int
}

// Contacts returns a page of contacts, and the id after which the next page begins, "" on the last. A page may be short, even empty,
// and yet not be the last.
func (r Reader) Contacts(q ContactQuery) (page []desk.Contact, next string, err error) {
	q.Text = desk.Fold(q.Text)
	limit, indexed, steps := q.Limit, hasPiece(q.Text), walkSteps
	if indexed {
		steps = 1
	}
	for more := true; more && steps > 0; steps-- {
		var part []desk.Contact
		part, next, err = r.walk(q)
		page, q.Limit, q.After = append(page, part...), q.Limit-len(part), next
		more = err == nil && q.Limit >= 0 && next != ""
		if more && indexed {
			part, next, err = r.searchIndex(q)
			page = append(page, part...)
		}
	}
	if len(page) > limit {
		page, next = page[:limit], page[limit-1].ID
	}
	return page, next, fail(err, "list contacts")
}

// walk goes one step along the contacts. It returns up to one more than the page's limit, else the id at which it ended, "" for the
// last.
func (r Reader) walk(q ContactQuery) (list []desk.Contact, end string, err error) {
	if list, err = r.pick(q, r.along(q).Limit(walkStep)); err != nil || len(list) > q.Limit {
		return list, "", err
	}
	var ends []string
	if err = r.along(q).Offset(walkStep-1).Limit(1).Pluck("id", &ends).Error; err != nil || len(ends) == 0 {
		return list, "", err
	}
	// Once more up to just there, since contacts may have been erased in between.
	list, err = r.pick(q, r.along(q).Where("id <= ?", ends[0]).Limit(walkStep))
	return list, ends[0], err
}

// along begins a query over contacts in the order of their ids, with those conditions that an index answers.
func (r Reader) along(q ContactQuery) *gorm.DB {
	db := r.db.WithContext(r.ctx).Model(&desk.Contact{}).Where("tenant_id = ? AND id > ?", q.TenantID, q.After).Order("id")
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

// passes is the condition of the contacts that are asked for.
func (q ContactQuery) passes(db *gorm.DB) *gorm.DB {
	db = db.Where("id > ?", q.After)
	if q.Status != "" {
		db = db.Where("status = ?", q.Status)
	}
	if q.Domain != "" {
		db = db.Where("domain = ?", q.Domain)
	}
	if q.Company != "" {
		db = db.Where("company_id = ?", q.Company)
	}
	return db.Scopes(q.hasText)
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
	ids := db.Table("(?) AS step", from.Select("id, status, domain, company_id, search_key")).Scopes(q.passes).Select("id").Order("id").Limit(q.Limit + 1)
	among := "tenant_id = ? AND id IN (?)"
	if r.engine == Postgres {
		among = "tenant_id = ? AND id = ANY (ARRAY(?))" // which it looks up one by one, however few the tenant's contacts are
	}
	err = db.Where(among, q.TenantID, ids).Order("id").Find(&list).Error
	return list, err
}

// searchIndex goes on with the index of pieces. It returns the same as walk.
func (r Reader) searchIndex(q ContactQuery) (list []desk.Contact, end string, err error) {
	if r.engine == SQLite {
		return r.searchFTS(q)
	}
	list, err = r.pick(q, r.db.WithContext(r.ctx).Model(&desk.Contact{}).Where("tenant_id = ?", q.TenantID).Scopes(q.hasText).Limit(math.MaxInt32))
	return list, "", err
}

// searchFTS goes along SQLite's full-text index, whose rows have the numbers of contacts, in the order in which these came.
func (r Reader) searchFTS(q ContactQuery) (list []desk.Contact, end string, err error) {
	db := r.db.WithContext(r.ctx)
	var span struct{ After, Last int64 } // numbers: of q.After, and the last that a contact of the tenant can have
	err = db.Raw("SELECT coalesce((SELECT num FROM contacts WHERE tenant_id = @tenant AND id <= @id ORDER BY id DESC LIMIT 1), num << 40) AS after,"+
		" ((num + 1) << 40) - 1 AS last FROM tenants WHERE tenant_id = @tenant", map[string]any{"tenant": q.TenantID, "id": q.After}).Scan(&span).Error
	match := pieces(q.Text)
	for range walkSteps {
		var ends []int64
		if err == nil {
			err = db.Raw("SELECT rowid FROM contact_search WHERE contact_search MATCH ? AND rowid > ? AND rowid <= ? ORDER BY rowid LIMIT 1 OFFSET ?",
				match, span.After, span.Last, walkStep-1).Scan(&ends).Error
		}
		if err != nil {
			return nil, "", err
		}
		end := append(ends, span.Last)[0]
		var part []desk.Contact
		err = db.Clauses(fromIndex).Where("contact_search MATCH ? AND contact_search.rowid > ? AND contact_search.rowid <= ? AND tenant_id = ?", match, span.After, end, q.TenantID).
			Scopes(q.passes).Order("contact_search.rowid").Limit(q.Limit + 1).Find(&part).Error
		list, q.Limit, span.After = append(list, part...), q.Limit-len(part), end
		if err != nil || q.Limit < 0 || len(ends) == 0 {
			return list, "", err
		}
	}
	var ends []string
	err = db.Raw("SELECT id FROM contacts WHERE tenant_id = ? AND num <= ? ORDER BY num DESC LIMIT 1", q.TenantID, span.After).Scan(&ends).Error
	return list, strings.Join(ends, ""), err
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
