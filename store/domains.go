package store

// DomainCount is how many active contacts a domain has.
type DomainCount struct {
	Domain   string
	Contacts int
}

// UnmappedDomains returns the domains of active contacts without a company which no company lists, those with most contacts
// first.
func (r Reader) UnmappedDomains(tenant string, limit int) ([]DomainCount, error) {
	var list []DomainCount
	err := r.db.WithContext(r.ctx).Raw("SELECT domain, contacts FROM (SELECT domain, count(*) AS contacts FROM contacts WHERE tenant_id = ? AND domain > '' AND status = 'active' AND company_id = ''"+
		" AND company_reason <> 'manual' GROUP BY domain) AS c WHERE NOT EXISTS (SELECT 1 FROM company_domains d WHERE d.tenant_id = ?"+
		" AND (d.domain = c.domain OR d.domain LIKE '*.%' AND c.domain LIKE '%' || substr(d.domain, 2))) ORDER BY contacts DESC, domain LIMIT ?", tenant, tenant, limit).Scan(&list).Error
	return list, fail(err, "count unmapped domains")
}

// DomainCompany is what links a domain to a company: that the company lists it, or contacts that are the company's.
type DomainCompany struct {
	Domain    string
	CompanyID string // "" for contacts without a company
	Listed    bool
	Contacts  int // active ones
}

// AmbiguousDomains returns the links of domains, of those that several companies list, and of those that one lists and whose
// contacts are different companies'.
func (r Reader) AmbiguousDomains(tenant string, limit int) ([]DomainCompany, error) {
	db := r.db.WithContext(r.ctx)
	var domains []string
	err := db.Raw("SELECT domain FROM (SELECT domain FROM company_domains WHERE tenant_id = ? GROUP BY domain HAVING count(*) > 1"+
		" UNION SELECT domain FROM contacts c WHERE tenant_id = ? AND domain > '' AND status = 'active' AND company_id > ''"+
		" AND EXISTS (SELECT 1 FROM company_domains d WHERE d.tenant_id = c.tenant_id AND d.domain = c.domain)"+
		" GROUP BY domain HAVING min(company_id) <> max(company_id)) AS ambiguous ORDER BY domain LIMIT ?", tenant, tenant, limit).Scan(&domains).Error
	if err != nil || len(domains) == 0 {
		return nil, fail(err, "look for ambiguous domains")
	}
	var links []DomainCompany
	err = db.Raw("SELECT domain, company_id, sum(listed) > 0 AS listed, sum(contacts) AS contacts FROM"+
		" (SELECT domain, company_id, 1 AS listed, 0 AS contacts FROM company_domains WHERE tenant_id = ? AND domain IN ?"+
		" UNION ALL SELECT domain, company_id, 0, count(*) FROM contacts WHERE tenant_id = ? AND domain IN ? AND status = 'active' GROUP BY domain, company_id) AS links"+
		" GROUP BY domain, company_id ORDER BY domain, company_id", tenant, domains, tenant, domains).Scan(&links).Error
	return links, fail(err, "read ambiguous domains")
}
