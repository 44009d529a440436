package store

import (
	"fmt"
	"slices"
	"strings"

	"gorm.io/gorm"

	"rollcall/desk"
)

// way is a way along contacts that fit some of a query's conditions, all those that fit among them: one lane, or several at once.
type way struct {
	lanes  []fragment // conditions, each of a stretch of an index; those of partial indexes spelt out
	users  bool       // along directory users
	sorted bool       // has the query's order
}

// maxLanes is how many lanes a way has, at most.
const maxLanes = 10

// waysOf are those that a query can go.
func (r Reader) waysOf(q ContactQuery) ([]way, error) {
	var connections []string
	if q.Connection == "" && q.Sync == desk.SyncActive {
		if err := r.db.WithContext(r.ctx).Model(&desk.Connection{}).Where("tenant_id = ?", q.TenantID).Pluck("slug", &connections).Error; err != nil {
			return nil, err
		}
	}
	return q.ways(connections), nil
}

// ways are those that a query can go. connections are the tenant's; nil unless the query is about users of any.
func (q ContactQuery) ways(connections []string) []way {
	var list []way
	// along goes along an index by status.
	along := func(where string, args ...any) {
		var w way
		for _, status := range []desk.Status{desk.Active, desk.SoftDeleted} {
			if q.Status == "" || q.Status == status {
				w.lanes = append(w.lanes, fragment{fmt.Sprintf("%s AND status = '%s'", where, status), args})
			}
		}
		list = append(list, w)
	}
	if q.Status == desk.SoftDeleted {
		list = append(list, way{lanes: []fragment{{"status = 'deleted'", nil}}}) // the only one in the order of deletion
	}
	if q.Verified {
		along("verified_at IS NOT NULL")
	}
	if q.Sync == desk.SyncNone {
		along("directories = 0")
	} else if q.Connection != "" {
		connections = []string{q.Connection}
	}
	// Those of whom directory and helpdesk say different things are few. (Whether a user is active is in no index, so that a change of
	// it changes none.)
	switch {
	case q.Sync == desk.SyncInactive && q.Status != desk.SoftDeleted:
		w := way{lanes: []fragment{{"status = 'active' AND disabled > 0", nil}}}
		if q.Status == "" {
			w.lanes = append(w.lanes, fragment{"status = 'deleted'", nil})
		}
		list = append(list, w)
	case q.Sync == desk.SyncActive && q.Status == desk.SoftDeleted:
		list = append(list, way{lanes: []fragment{{"status = 'deleted' AND disabled < directories", nil}}})
	}
	if n := len(connections); n > 0 && n <= maxLanes && q.Sync != desk.SyncInactive {
		users := way{users: true}
		for _, c := range connections {
			users.lanes = append(users.lanes, fragment{"connection = ?", []any{c}})
		}
		list = append(list, users)
	}
	switch {
	case q.Company != "" && q.Domain != "" && q.Status == desk.Active:
		list = append(list, way{lanes: []fragment{{"status = 'active' AND domain = ? AND company_id = ?", []any{q.Domain, q.Company}}}})
	case q.Company != "":
		along("company_id = ? AND company_id <> ''", q.Company)
	case q.Domain != "" && q.Status == desk.SoftDeleted:
		along("domain = ?", q.Domain)
	case q.Domain != "":
		list = append(list, way{lanes: []fragment{{"domain = ?", []any{q.Domain}}}})
	}
	if len(list) == 0 {
		list = append(list, way{lanes: []fragment{{"true", nil}}})
	}
	for i := range list {
		list[i].sorted = i == 0 || q.Order != desk.LastDeletedFirst
	}
	return list
}

// walk goes one step along the contacts. It returns up to one more than the page's limit, else the position at which it ended, nil for
// the last. The first step expects to fill the page.
func (r Reader) walk(q ContactQuery, first bool) (list []desk.Contact, end *desk.Position, err error) {
	ways, err := r.waysOf(q)
	if err != nil {
		return nil, nil, err
	}
	if first && len(ways) == 1 {
		if list, err = r.pick(q, ways[0], nil); err != nil || len(list) > q.Limit {
			return list, nil, err
		}
	}
	w, end, err := r.shortest(q, ways)
	if err != nil {
		return nil, nil, err
	}
	list, err = r.pick(q, w, end)
	return list, end, err
}

// shortest returns a way that ends within a step, else the one that gets farthest in one, and where that is.
func (r Reader) shortest(q ContactQuery, ways []way) (best way, end *desk.Position, err error) {
	for _, w := range ways {
		probe := r.along(q, w, nil, q.keys(), walkStep-1, 1)
		var ends []desk.Contact
		if err := r.db.WithContext(r.ctx).Raw(probe.text, probe.args...).Scan(&ends).Error; err != nil || len(ends) == 0 {
			return w, nil, err
		}
		if !w.sorted {
			continue
		}
		if at := q.Position(ends[0]); end == nil || at.ID > end.ID != q.descending() {
			best, end = w, at
		}
	}
	return best, end, nil
}

// along selects columns of the contacts on a way, in the walk's order and, if the way has that, from the query's position up to an end,
// nil for none. A contact may come several times by users.
func (r Reader) along(q ContactQuery, w way, end *desk.Position, columns string, offset, limit int) fragment {
	table, id, order := "contacts", "id", "id"
	if w.users {
		table, id, columns = "directory_users", "contact_id", "contact_id AS id, active"
	}
	if w.sorted {
		order = q.keys()
	}
	ordered := func(text string, limit, offset int) string {
		return fmt.Sprintf("%s ORDER BY %s LIMIT %d OFFSET %d", text, q.ordered(order), limit, offset)
	}
	var lanes fragment
	for i, l := range w.lanes {
		one := fragment{"SELECT " + columns + " FROM " + table + " WHERE tenant_id = ?", []any{q.TenantID}}.and(l)
		if w.sorted {
			one = one.and(q.beyond(id))
		}
		if w.sorted && end != nil {
			one = one.and(q.upTo(id, end))
		}
		if r.engine == Postgres && len(w.lanes) > 1 {
			one.text = "(" + ordered(one.text, limit+offset, 0) + ")" // else it would read all and sort; SQLite merges as it is
		}
		if i > 0 {
			lanes.text += " UNION ALL "
		}
		lanes = fragment{lanes.text + one.text, append(lanes.args, one.args...)}
	}
	if len(w.lanes) > 1 {
		lanes.text = "SELECT * FROM (" + lanes.text + ") AS ways"
	}
	return fragment{ordered(lanes.text, limit, offset), lanes.args}
}

// pick returns those of a step's contacts that pass, up to one more than the page's limit.
func (r Reader) pick(q ContactQuery, w way, end *desk.Position) ([]desk.Contact, error) {
	step, q := r.step(q, w, end)
	return r.sift(q, step)
}

// step selects a step's contacts, and returns the query as they have to pass it.
func (r Reader) step(q ContactQuery, w way, end *desk.Position) (fragment, ContactQuery) {
	step := r.along(q, w, end, stepColumns, 0, walkStep)
	if !w.users {
		return step, q
	}
	if q.Connection == "" { // the contact knows what all of its users are
		step.text = fmt.Sprintf("SELECT DISTINCT id FROM (%s) AS same ORDER BY %s LIMIT %d", step.text, q.ordered("id"), walkStep)
	}
	contact := " CROSS JOIN contacts c WHERE c.tenant_id = ? AND c.id = k.id"
	if r.engine == Postgres { // which looks them up one by one, however few the tenant's contacts are, if each is a query of its own
		contact = " CROSS JOIN LATERAL (SELECT * FROM contacts WHERE tenant_id = ? AND id = k.id LIMIT 1) AS c WHERE true"
	}
	step = fragment{"SELECT k." + strings.ReplaceAll(stepColumns, ", ", ", c.") + " FROM (" + step.text + ") AS k" + contact, append(step.args, q.TenantID)}
	if q.Connection != "" && q.Sync != "" {
		step = step.and(fragment{"k.active = ?", []any{q.Sync == desk.SyncActive}})
	}
	step.text += fmt.Sprintf(" ORDER BY %s LIMIT %d", q.ordered("k.id"), walkStep)
	if q.Connection != "" {
		q.Connection, q.Sync = "", "" // they are decided
	}
	return step, q
}

// stepColumns are what decides whether a contact passes, and its place.
const stepColumns = "id, status, domain, company_id, search_key, verified_at, deleted_at, directories, disabled"

// sift returns those of the contacts in a limited query that pass, up to one more than the page's limit. The limit keeps both engines from
// mixing the conditions: by what it guesses of a text, PostgreSQL would now and then look for it first where it is frequent, or go
// along all contacts where it is rare.
func (r Reader) sift(q ContactQuery, from fragment) (list []desk.Contact, err error) {
	ids := q.passing(from)
	among := "tenant_id = ? AND id IN (?)"
	if r.engine == Postgres {
		among = "tenant_id = ? AND id = ANY (ARRAY(?))" // which it looks up one by one, however few the tenant's contacts are
	}
	err = r.db.WithContext(r.ctx).Where(among, q.TenantID, gorm.Expr(ids.text, ids.args...)).Find(&list).Error
	slices.SortFunc(list, q.compare)
	return list, err
}

// passing selects the ids of those, in the walk's order.
func (q ContactQuery) passing(from fragment) fragment {
	passes := q.passes("step")
	return fragment{fmt.Sprintf("SELECT id FROM (%s) AS step WHERE %s ORDER BY %s LIMIT %d", from.text, passes.text, q.ordered(q.keys()), q.Limit+1), slices.Concat(from.args, passes.args)}
}

// passes is the condition of the contacts that are asked for, of a table or subquery of contacts.
func (q ContactQuery) passes(contacts string) fragment {
	f := q.beyond("id")
	add := func(text string, args ...any) { f = f.and(fragment{text, args}) }
	if q.Status != "" {
		add("status = ?", q.Status)
	}
	if q.Domain != "" {
		add("domain = ?", q.Domain)
	}
	if q.Company != "" {
		add("company_id = ?", q.Company)
	}
	if q.Verified {
		add("verified_at IS NOT NULL")
	}
	for _, word := range strings.Fields(q.Text) {
		f = f.and(hasWord(word))
	}
	switch {
	case q.Sync == desk.SyncNone:
		add("directories = 0")
	case q.Connection != "":
		user := fragment{"SELECT 1 FROM directory_users u WHERE u.tenant_id = ? AND u.contact_id = " + contacts + ".id AND u.connection = ?", []any{q.TenantID, q.Connection}}
		if q.Sync != "" {
			user = user.and(fragment{"u.active = ?", []any{q.Sync == desk.SyncActive}})
		}
		add("EXISTS ("+user.text+" LIMIT 1)", user.args...) // so limited, SQLite does not make a join of it
	case q.Sync == desk.SyncActive:
		add("disabled < directories")
	case q.Sync == desk.SyncInactive:
		add("disabled > 0")
	}
	return f
}

// hasWord is the condition of contacts that have a word.
func hasWord(word string) fragment {
	return fragment{`search_key LIKE ? ESCAPE '\'`, []any{"%" + likeText.Replace(word) + "%"}}
}

// likeText makes LIKE's wildcards stand for themselves.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// fragment is a piece of SQL with its arguments.
type fragment struct {
	text string
	args []any
}

// and returns a condition that needs both.
func (f fragment) and(g fragment) fragment {
	return fragment{f.text + " AND " + g.text, slices.Concat(f.args, g.args)}
}
