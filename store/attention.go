package store

import (
	"strings"
	"time"

	"rollcall/desk"
)

// ConnectionCount is how many of something a connection has, up to some limit.
type ConnectionCount struct {
	Connection string
	Count      int
	LastID     string
	Last       time.Time `gorm:"-"` // when the newest was, zero where there is none or that is not asked
}

// RecentRefusals counts the requests of a tenant's connections that were refused since a time: up to most of each operation. It
// takes as many walks along an index of that length.
func (r Reader) RecentRefusals(tenant string, since time.Time, most int) ([]ConnectionCount, error) {
	var operations []string
	for _, o := range desk.Operations {
		operations = append(operations, "("+quote(string(o))+")")
	}
	const refused = " FROM events e WHERE e.tenant_id = n.tenant_id AND e.connection = n.slug AND e.operation = o.column1 AND e.outcome = 'refused' AND e.id >= @since"
	var list []ConnectionCount
	err := r.db.WithContext(r.ctx).Raw("SELECT n.slug AS connection, (SELECT count(*) FROM (SELECT 1"+refused+" LIMIT @most) AS step) AS count, coalesce((SELECT max(e.id)"+refused+"), '') AS last_id"+
		" FROM connections n CROSS JOIN (VALUES "+strings.Join(operations, ", ")+") AS o WHERE n.tenant_id = @tenant",
		map[string]any{"tenant": tenant, "since": floor(since), "most": most}).Scan(&list).Error
	for i, n := range list {
		if n.LastID != "" && err == nil {
			list[i].Last, err = timeOf(n.LastID)
		}
	}
	return list, fail(err, "count refusals")
}

// AdoptionsHeld counts the users of a tenant's connections for whose adoption an agent is asked, up to most of each.
func (r Reader) AdoptionsHeld(tenant string, most int) ([]ConnectionCount, error) {
	var list []ConnectionCount
	err := r.db.WithContext(r.ctx).Raw("SELECT n.slug AS connection, (SELECT count(*) FROM (SELECT 1 FROM directory_users u WHERE u.tenant_id = n.tenant_id AND u.connection = n.slug"+
		" AND u.held = 'adoption' AND u.held <> '' LIMIT @most) AS step) AS count FROM connections n WHERE n.tenant_id = @tenant",
		map[string]any{"tenant": tenant, "most": most}).Scan(&list).Error
	return list, fail(err, "count held users")
}
