package store

import (
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// walkDomains begins a query over walk, the tenant's domains. It goes along their index from each to the next, so that it takes
// as long as there are domains, however many contacts these have.
const walkDomains = "WITH RECURSIVE walk(domain) AS (SELECT min(domain) FROM contacts WHERE tenant_id = @tenant" +
	" UNION ALL SELECT (SELECT min(domain) FROM contacts WHERE tenant_id = @tenant AND domain > walk.domain) FROM walk WHERE walk.domain IS NOT NULL) "

// Domains returns the tenant's email domains in order, "" for contacts without one among them.
func (r Reader) Domains(tenant string) ([]string, error) {
	var domains []string
	err := r.db.WithContext(r.ctx).Raw(walkDomains+"SELECT domain FROM walk WHERE domain IS NOT NULL", map[string]any{"tenant": tenant}).Scan(&domains).Error
	return domains, fail(err, "list domains")
}

// RescanAll lets the contacts of all domains wait to be mapped anew.
func (tx *Tx) RescanAll(tenant string) error {
	return tx.rescan(walkDomains, "SELECT domain FROM walk WHERE domain IS NOT NULL", tenant, "")
}

// RescanListing does so for those that a listing fits: of one domain, or with "*." before it of all its subdomains.
func (tx *Tx) RescanListing(tenant, listing string) error {
	if listing[0] != '*' {
		return tx.rescan("", "SELECT domain FROM contacts WHERE tenant_id = @tenant AND domain = @value LIMIT 1", tenant, listing)
	}
	return tx.rescan(walkDomains, `SELECT domain FROM walk WHERE domain LIKE @value ESCAPE '\'`, tenant, "%"+likeText.Replace(listing[1:]))
}

// RescanCompany does so for the domains of a company's contacts.
func (tx *Tx) RescanCompany(tenant, id string) error {
	return tx.rescan("", "SELECT DISTINCT domain FROM contacts WHERE tenant_id = @tenant AND company_id = @value AND company_id <> ''", tenant, id)
}

// RescanNamed does so for the domains of contacts whose company a directory calls by a name, given folded.
func (tx *Tx) RescanNamed(tenant, key string) error {
	return tx.rescan("", "SELECT DISTINCT domain FROM contacts WHERE tenant_id = @tenant AND company_key = @value AND company_key <> ''", tenant, key)
}

// rescan lets the domains of a query wait; those under way begin again.
func (tx *Tx) rescan(with, domains, tenant, value string) error {
	result := tx.db.Exec(with+"INSERT INTO rescans (tenant_id, domain, after_id, decided, listed, company_id, reason)"+
		" SELECT CAST(@tenant AS text), domain, '', false, '', '', '' FROM ("+domains+") AS found WHERE true ORDER BY domain"+
		" ON CONFLICT (tenant_id, domain) DO UPDATE SET after_id = '', decided = false", map[string]any{"tenant": tenant, "value": value})
	if result.Error != nil || result.RowsAffected == 0 {
		return fail(result.Error, "begin to map contacts anew")
	}
	return fail(tx.db.Exec("INSERT INTO rescan_progress (tenant_id, started_at, checked, changed) VALUES (?, ?, 0, 0)"+
		" ON CONFLICT (tenant_id) DO UPDATE SET started_at = excluded.started_at, finished_at = NULL, checked = 0, changed = 0, domains = 0"+
		" WHERE rescan_progress.finished_at IS NOT NULL", tenant, tx.Now).Error, "begin to map contacts anew")
}

// RescanTenants returns the tenants in which domains wait.
func (r Reader) RescanTenants() ([]string, error) {
	var tenants []string
	err := r.db.WithContext(r.ctx).Raw("SELECT tenant_id FROM tenants t WHERE EXISTS (SELECT 1 FROM rescans r WHERE r.tenant_id = t.tenant_id)").Scan(&tenants).Error
	return tenants, fail(err, "look for contacts to map anew")
}

// NextRescan returns a waiting domain that no other transaction works on, locked until this one ends, or NotFound.
func (tx *Tx) NextRescan(tenant string) (desk.Rescan, error) {
	db := tx.db
	if tx.engine == Postgres {
		db = db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked})
	}
	var r desk.Rescan
	err := db.Where("tenant_id = ?", tenant).Order("domain").Take(&r).Error
	return r, fail(err, "look for contacts to map anew")
}

// UpdateRescan writes how far a domain has been done.
func (tx *Tx) UpdateRescan(r *desk.Rescan) error {
	return update(tx, "rescan", r)
}

// FinishRescan takes out a domain that has been done.
func (tx *Tx) FinishRescan(r *desk.Rescan) error {
	_, err := gorm.G[desk.Rescan](tx.db).Where("tenant_id = ? AND domain = ?", r.TenantID, r.Domain).Delete(tx.ctx)
	return fail(err, "finish a rescan")
}

// CountRescanned adds to the tenant's progress, which ends with the last waiting domain. Transactions queue here, so that of two
// that take out the last domains one sees that there are none left.
func (tx *Tx) CountRescanned(tenant string, checked, changed, domains int) error {
	err := tx.db.Exec("UPDATE rescan_progress SET checked = checked + ?, changed = changed + ?, domains = domains + ? WHERE tenant_id = ?", checked, changed, domains, tenant).Error
	if err == nil {
		err = tx.db.Exec("UPDATE rescan_progress SET finished_at = ? WHERE tenant_id = ? AND NOT EXISTS (SELECT 1 FROM rescans WHERE tenant_id = ?)", tx.Now, tenant, tenant).Error
	}
	return fail(err, "count rescanned contacts")
}

// RescanProgress returns how far the tenant's contacts have been mapped anew, or NotFound if they never were.
func (r Reader) RescanProgress(tenant string) (desk.RescanProgress, error) {
	p, err := gorm.G[desk.RescanProgress](r.db).Where("tenant_id = ?", tenant).Take(r.ctx)
	if err != nil {
		return p, fail(err, "read the progress of a rescan")
	}
	if p.FinishedAt != nil {
		p.Share = 1
		return p, nil
	}
	waiting, err := gorm.G[desk.Rescan](r.db).Where("tenant_id = ?", tenant).Count(r.ctx, "*")
	if p.Waiting = int(waiting); err != nil || waiting == 0 {
		return p, fail(err, "count waiting domains")
	}
	part, err := r.rescanned(tenant)
	p.Share = (float64(p.Domains) + part) / float64(p.Domains+p.Waiting)
	return p, err
}

// rescanned returns about which part of the domain that is under way has been done. Contacts have ids that begin with their time:
// where the last one was between the first and the last of them tells it without counting.
func (r Reader) rescanned(tenant string) (float64, error) {
	const end = "(SELECT c.id FROM contacts c WHERE c.tenant_id = step.tenant_id AND c.domain = step.domain ORDER BY c.id"
	var ids struct{ First, At, Last string }
	err := r.db.WithContext(r.ctx).Raw("SELECT after_id AS at, "+end+" LIMIT 1) AS first, "+end+" DESC LIMIT 1) AS last"+
		" FROM (SELECT * FROM rescans WHERE tenant_id = ? ORDER BY domain LIMIT 1) AS step", tenant).Scan(&ids).Error
	if err != nil || ids.At == "" {
		return 0, fail(err, "look how far a domain is")
	}
	var times [3]time.Time
	for i, id := range []string{ids.First, ids.At, ids.Last} {
		if times[i], err = timeOf(id); err != nil {
			return 0, nil // an id that is none of ours tells nothing
		}
	}
	all := times[2].Sub(times[0])
	return min(1, max(0, float64(times[1].Sub(times[0]))/float64(max(all, 1)))), nil
}

// NextAmbiguous returns the first domain after the given one, over all tenants, of contacts that are without a company since
// others of the domain belong to several; NotFound after the last.
func (r Reader) NextAmbiguous(tenant, domain string) (nextTenant, nextDomain string, err error) {
	return r.nextPair("contacts", "domain", "company_reason = 'ambiguous_contacts'", tenant, domain)
}

// DomainContacts returns a page of a domain's contacts, deleted ones among them, by id after the given one.
func (r Reader) DomainContacts(tenant, domain, after string, limit int) ([]desk.Contact, error) {
	return domainContacts(r.db.WithContext(r.ctx), tenant, domain, after, limit)
}

// LockDomainContacts returns the same, locked until the transaction ends.
func (tx *Tx) LockDomainContacts(tenant, domain, after string, limit int) ([]desk.Contact, error) {
	return domainContacts(tx.db.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}), tenant, domain, after, limit)
}

func domainContacts(db *gorm.DB, tenant, domain, after string, limit int) (list []desk.Contact, err error) {
	err = db.Where("tenant_id = ? AND domain = ? AND id > ?", tenant, domain, after).Order("id").Limit(limit).Find(&list).Error
	return list, fail(err, "list a domain's contacts")
}

// LinkContacts gives contacts a company, "" for none, and the reason.
func (tx *Tx) LinkContacts(tenant string, ids []string, company string, reason desk.CompanyReason) error {
	return fail(tx.db.Exec("UPDATE contacts SET company_id = ?, company_reason = ?, modified_at = ? WHERE tenant_id = ? AND id IN ?", company, reason, tx.Now, tenant, ids).Error,
		"link contacts to a company")
}
