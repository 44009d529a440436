package scim

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"rollcall/desk"
)

// maxPage is how many bytes of users a page has, give or take the last one. A thousand of a directory's have a quarter of it. After a page
// that ends by it a cursor leads on, and it may be that nobody is left.
const maxPage = 4 << 20

// list handles GET /Users.
func (req *request) list() error { return req.answer(req.query) }

// root handles GET of the tenant URL itself. A query asks it for resources of all types (RFC 7644 section 3.4.2.1), which are users;
// clients that only try the URL learn what there is.
func (req *request) root() error {
	if req.query.asked {
		return req.list()
	}
	return req.serviceProviderConfig()
}

// search handles POST /Users/.search, and POST /.search, which asks for resources of all types: users are all there are.
func (req *request) search() error {
	q, err := req.searchQuery()
	if err != nil {
		return err
	}
	return req.answer(q)
}

// searchQuery reads the query of a search from its body.
func (req *request) searchQuery() (query, error) {
	if req.query.filter != "" {
		return query{}, invalidFilter("send the filter of a search in its body")
	}
	body, err := req.body()
	if err != nil {
		return query{}, err
	}
	return searchQuery(body)
}

// answer answers with the page that a query asks for.
func (req *request) answer(q query) error {
	ask := desk.UserQuery{Offset: q.startIndex - 1, Limit: q.count, Bytes: maxPage, Location: req.base + "/Users/"}
	var err error
	if q.filter != "" {
		if ask.Filter, err = req.users.ParseFilter(q.filter); err != nil {
			return err
		}
	}
	if q.sortBy != "" {
		if ask.Sort, err = req.users.sort(q.sortBy, q.descending); err != nil {
			return err
		}
	}
	var list page
	if q.byCursor {
		list, err = req.pageByCursor(q, ask)
	} else {
		list.startIndex = q.startIndex
		list.users, list.total, err = req.Engine.Users(req.r.Context(), req.actor, ask)
	}
	if err != nil {
		return err
	}
	return req.writePage(list, q.projection)
}

func (req *request) writePage(list page, p projection) error {
	var b bytes.Buffer
	if p.isEmpty() {
		n := besides
		for i := range list.users {
			n += len(list.users[i].Resource) + besides
		}
		b.Grow(n)
	}
	if err := appendList(&b, list, req.base+"/Users/", req.users, p); err != nil {
		return err
	}
	write(req.w, http.StatusOK, b.Bytes())
	return nil
}

// sort resolves what a list is to be sorted by; a complex attribute stands for its value.
func (s *userSchema) sort(path string, descending bool) (*desk.Sort, error) {
	ref, ok := s.Resolve(path)
	if ok && ref.Attr != nil && ref.Sub == nil && ref.Attr.Subs != nil {
		ref.Sub = ref.Attr.Subs["value"]
		ok = ref.Sub != nil
	}
	if !ok || ref.Attr == nil {
		return nil, desk.Errorf(desk.InvalidValue, "sortBy", "users cannot be sorted by %s", desk.Short(path))
	}
	return &desk.Sort{By: ref.Attribute(), Descending: descending}, nil
}

// cursor is a position in a list, and what list that is. As it holds all that the next page needs, any server can give that
// page, at any time: cursors do not expire.
type cursor struct {
	Key      any    `json:"k"` // of the user next to it, as desk.Sort.Key returns it
	ID       string `json:"i"`
	Backward bool   `json:"b,omitempty"`
	Total    int    `json:"t"` // as the first page said it
	Count    int    `json:"c"`
	Query    []byte `json:"q"` // the fingerprint of filter and order
}

// maxCursor is how long a cursor may be: a key of MaxKey characters, escaped, and the rest.
const maxCursor = 16 * desk.MaxKey

// fingerprint tells a query from others.
func (req *request) fingerprint(q query) []byte {
	text, _ := json.Marshal([]any{req.actor.TenantID, req.actor.Connection, q.filter, strings.ToLower(q.sortBy), q.descending})
	sum := sha256.Sum256(text)
	return sum[:8]
}

// parseCursor reads the cursor of a query.
func (req *request) parseCursor(q query) (c cursor, err error) {
	invalid := desk.Errorf(desk.InvalidCursor, "cursor", "the cursor belongs to no list with this filter and order; begin again with an empty one")
	if len(q.cursor) > maxCursor {
		return c, invalid
	}
	text, err := base64.RawURLEncoding.DecodeString(q.cursor)
	if err != nil || json.Unmarshal(text, &c) != nil || !bytes.Equal(c.Query, req.fingerprint(q)) || !desk.Storable(c.ID) {
		return c, invalid
	}
	if key, ok := c.Key.(string); ok && !desk.Storable(key) {
		return c, invalid
	}
	if c.Count < 1 || c.Count > maxCount || c.Total < 0 {
		return c, invalid
	}
	if q.counted && q.count != c.Count {
		return c, desk.Errorf(desk.InvalidCount, "count", "the cursor is good for pages of %d; begin again with an empty one for another count", c.Count)
	}
	return c, nil
}

// pageByCursor reads a page, and makes the cursors of those next to it. To know whether there is another one it asks for one
// user more than it returns.
func (req *request) pageByCursor(q query, ask desk.UserQuery) (list page, err error) {
	ask.Offset = 0
	at := cursor{Count: q.count, Query: req.fingerprint(q)}
	if q.cursor != "" {
		if at, err = req.parseCursor(q); err != nil {
			return list, err
		}
		if ask.From, err = position(at, ask.Sort); err != nil {
			return list, err
		}
	}
	if ask.Limit = at.Count; ask.Limit > 0 {
		ask.Limit++
	}
	found, total, err := req.Engine.Users(req.r.Context(), req.actor, ask)
	if err != nil {
		return list, err
	}
	if ask.From == nil {
		at.Total = total
	}
	list.total = at.Total
	more := ask.Ends(found)
	switch beyond := len(found) > at.Count; {
	case beyond && at.Backward:
		found = found[1:]
	case beyond:
		found = found[:at.Count]
	}
	if list.users = found; len(found) == 0 {
		return list, nil
	}
	if more || at.Backward {
		if list.next, err = at.beside(&found[len(found)-1], false, ask); err != nil {
			return list, err
		}
	}
	if q.cursor != "" && (more || !at.Backward) {
		list.previous, err = at.beside(&found[0], true, ask)
	}
	return list, err
}

// beside returns the cursor of the page that follows a user, or goes before them.
func (c cursor) beside(u *desk.DirectoryUser, backward bool, ask desk.UserQuery) (string, error) {
	c.Key, c.ID, c.Backward = nil, u.ID, backward
	if ask.Sort != nil {
		r, err := complete(u, ask.Location+u.ID)
		if err != nil {
			return "", err
		}
		c.Key = ask.Sort.Key(r)
	}
	text, err := desk.AppendJSON(nil, c)
	return base64.RawURLEncoding.EncodeToString(text), err // unreserved characters, as RFC 9865 section 2 asks for
}

// position is where a cursor points to in an order.
func position(c cursor, by *desk.Sort) (*desk.Position, error) {
	p := &desk.Position{Key: c.Key, ID: c.ID, Backward: c.Backward}
	if by == nil || c.Key == nil {
		return p, nil
	}
	fits := false
	switch by.By.Type {
	case desk.BoolType:
		_, fits = c.Key.(bool)
	case desk.NumberType:
		_, fits = c.Key.(float64)
	case desk.TimeType:
		text, _ := c.Key.(string)
		t, err := time.Parse(time.RFC3339Nano, text)
		p.Key, fits = t, err == nil
	default:
		_, fits = c.Key.(string)
	}
	if !fits {
		return nil, desk.Errorf(desk.InvalidCursor, "cursor", "the cursor does not fit the order; begin again with an empty one")
	}
	return p, nil
}
