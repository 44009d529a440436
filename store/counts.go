package store

import "rollcall/desk"

// countLimit is how far contacts are counted.
var countLimit = 1000

// CountContacts counts the contacts that a query is about, whatever its page, as far as one step of a walk goes, which is also how far it
// looks.
func (r Reader) CountContacts(q ContactQuery) (count desk.Count, err error) {
	q, possible := q.plain()
	if !possible {
		return count, nil
	}
	q.Limit, q.Order = countLimit, desk.NewestFirst
	q.From = q.start()
	ways, err := r.waysOf(q)
	if err != nil {
		return count, fail(err, "count contacts")
	}
	w, end := ways[0], (*desk.Position)(nil)
	if len(ways) > 1 {
		if w, end, err = r.shortest(q, ways); err != nil {
			return count, fail(err, "count contacts")
		}
	}
	step, passing := r.step(q, w, end)
	ids := passing.passing(step)
	if err := r.db.WithContext(r.ctx).Raw("SELECT count(*) FROM ("+ids.text+") AS k", ids.args...).Scan(&count.N).Error; err != nil {
		return count, fail(err, "count contacts")
	}
	if count.N > countLimit {
		return desk.Count{N: countLimit, More: true}, nil
	}
	if len(ways) == 1 {
		_, end, err = r.shortest(q, ways)
	}
	count.More = end != nil
	return count, fail(err, "count contacts")
}

// CompanyContacts counts the active contacts of companies, each up to the same limit, by company.
func (r Reader) CompanyContacts(tenant string, ids []string) (map[string]desk.Count, error) {
	counts := map[string]desk.Count{}
	if len(ids) == 0 {
		return counts, nil
	}
	var rows []struct {
		ID string
		N  int
	}
	err := r.db.WithContext(r.ctx).Raw("SELECT id, (SELECT count(*) FROM (SELECT 1 FROM contacts WHERE tenant_id = companies.tenant_id AND company_id = companies.id"+
		" AND company_id <> '' AND status = 'active' LIMIT ?) AS k) AS n FROM companies WHERE tenant_id = ? AND id IN ?", countLimit+1, tenant, ids).Scan(&rows).Error
	for _, row := range rows {
		counts[row.ID] = desk.Count{N: min(row.N, countLimit), More: row.N > countLimit}
	}
	return counts, fail(err, "count companies' contacts")
}
