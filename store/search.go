package store

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"rollcall/desk"
)

// A page of contacts takes about as long whether all contacts of a large tenant are asked for, few, or none.
//
// Contacts are walked along in the query's order, on one of the indexes that the conditions leave open (walk.go), and those that pass all
// conditions are taken. What is frequent fills the page soon; where few are left, all are seen. After walkStep contacts a search goes on
// with an index of the pieces of three characters of all search keys: pg_trgm's on PostgreSQL, that of FTS5 on SQLite (pieces.go), with
// the contacts that wait for it. A word without three letters or digits in a row has no piece on PostgreSQL. For a text of none but
// these, and for what is no search, the walk goes on, and after walkSteps steps the page ends, however short it is.

// walkStep is how many contacts are walked along at a time.
var walkStep = 5000

// walkSteps is how many times a page does so, or looks at as many contacts that have the text's pieces.
const walkSteps = 4

// ContactQuery asks for a page of contacts.
type ContactQuery struct {
	TenantID   string
	Status     desk.Status    // "" for all
	Text       string         // words, each of which is a part of name, userName or addresses, in any order; "" for any
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
	limit, indexed, steps := q.Limit, slices.ContainsFunc(strings.Fields(q.Text), hasPiece), walkSteps
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
	q.Text = strings.Join(words(desk.Fold(q.Text)), " ")
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
		return r.searchPieces(q)
	}
	having := fragment{"SELECT " + stepColumns + " FROM contacts WHERE tenant_id = ?", []any{q.TenantID}}
	for _, word := range strings.Fields(q.Text) {
		if hasPiece(word) {
			having = having.and(hasWord(word))
		}
	}
	having.text += fmt.Sprintf(" LIMIT %d", math.MaxInt32)
	list, err = r.sift(q, having)
	return list, nil, err
}

// words are those of a text, the longest first, which leave fewest contacts, but for those that are parts of others.
func words(text string) (list []string) {
	all := strings.Fields(text)
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	for _, word := range all {
		if !slices.ContainsFunc(list, func(longer string) bool { return strings.Contains(longer, word) }) {
			list = append(list, word)
		}
	}
	return list
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
