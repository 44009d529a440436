package store

// DomainCount is how many active contacts a domain has.
type DomainCount struct {
	Domain   string
	Contacts int
}

// blank is the condition of contacts that are without a company, though not by hand. They have an index.
const blank = "domain > '' AND status = 'active' AND company_id = '' AND company_reason <> 'manual'"

// unlisted is the condition of a domain of b that no company lists as it is.
const unlisted = "NOT EXISTS (SELECT 1 FROM company_domains d WHERE d.tenant_id = @tenant AND d.domain = b.domain)"

const unlistedCounts = "SELECT domain, contacts FROM (SELECT domain, count(*) AS contacts FROM contacts WHERE tenant_id = @tenant AND " + blank + " GROUP BY domain) AS b" +
	" WHERE " + unlisted + " ORDER BY contacts DESC, domain"

// UnlistedDomains returns the domains of active contacts without a company that no company lists as they are, those with most
// contacts first.
func (r Reader) UnlistedDomains(tenant string, limit int) ([]DomainCount, error) {
	var list []DomainCount
	err := r.db.WithContext(r.ctx).Raw(unlistedCounts+" LIMIT @limit", map[string]any{"tenant": tenant, "limit": limit}).Scan(&list).Error
	return list, fail(err, "count unlisted domains")
}

// Unlisted tells of these domains together.
type Unlisted struct {
	Domains, Contacts int
	Largest           []DomainCount // with most contacts first
}

// largestUnlisted is how many domains it names.
const largestUnlisted = 10

// Unlisted tells of those of these domains that count; if they have many contacts, as of a time within the last minute.
func (r Reader) Unlisted(tenant string, counts func(domain string) bool) (Unlisted, error) {
	return r.store.unlisted.of(tenant, r.store.Now(), func() (found Unlisted, looked int, err error) {
		rows, err := r.db.WithContext(r.ctx).Raw(unlistedCounts, map[string]any{"tenant": tenant}).Rows()
		if err != nil {
			return found, 0, fail(err, "count unlisted domains")
		}
		defer rows.Close()
		for rows.Next() {
			var d DomainCount
			if err := rows.Scan(&d.Domain, &d.Contacts); err != nil {
				return found, 0, fail(err, "count unlisted domains")
			}
			looked += d.Contacts
			if !counts(d.Domain) {
				continue
			}
			if found.Domains++; found.Domains <= largestUnlisted {
				found.Largest = append(found.Largest, d)
			}
			found.Contacts += d.Contacts
		}
		return found, looked, fail(rows.Err(), "count unlisted domains")
	})
}

// WalkUnlisted returns some of these domains in order, after the given one. It goes along the index from each to the next, so that
// it takes as long as there are domains, however many contacts these have.
func (r Reader) WalkUnlisted(tenant, after string, limit int) ([]string, error) {
	const next = "SELECT min(domain) FROM contacts WHERE tenant_id = @tenant AND " + blank + " AND domain > "
	var domains []string
	err := r.db.WithContext(r.ctx).Raw("WITH RECURSIVE b(domain) AS ("+next+"@after UNION ALL SELECT ("+next+"b.domain) FROM b WHERE b.domain IS NOT NULL)"+
		" SELECT domain FROM b WHERE domain IS NOT NULL AND "+unlisted+" LIMIT @limit", map[string]any{"tenant": tenant, "after": after, "limit": limit}).Scan(&domains).Error
	return domains, fail(err, "list unlisted domains")
}

// Wildcards returns the companies, by id, that list all subdomains of a domain, by the listing ("*.acme.com").
func (r Reader) Wildcards(tenant string) (map[string][]string, error) {
	var rows []DomainCompany
	err := r.db.WithContext(r.ctx).Raw("SELECT domain, company_id FROM company_domains WHERE tenant_id = ? AND domain > '*' AND domain < '+' ORDER BY domain, company_id", tenant).Scan(&rows).Error
	wildcards := map[string][]string{}
	for _, row := range rows {
		wildcards[row.Domain] = append(wildcards[row.Domain], row.CompanyID)
	}
	return wildcards, fail(err, "read listings of subdomains")
}

// AmbiguousListings returns what several companies list, and the domains that one lists and whose contacts are different
// companies', in order.
func (r Reader) AmbiguousListings(tenant string, limit int) ([]string, error) {
	// The companies at the ends of the index tell whether a domain's contacts differ.
	const end = "SELECT company_id FROM contacts c WHERE c.tenant_id = @tenant AND c.domain = company_domains.domain AND c.status = 'active' AND c.company_id > '' ORDER BY c.company_id"
	var domains []string
	err := r.db.WithContext(r.ctx).Raw("SELECT domain FROM company_domains WHERE tenant_id = @tenant GROUP BY domain"+
		" HAVING count(*) > 1 OR ("+end+" LIMIT 1) <> ("+end+" DESC LIMIT 1) ORDER BY domain LIMIT @limit", map[string]any{"tenant": tenant, "limit": limit}).Scan(&domains).Error
	return domains, fail(err, "look for ambiguous domains")
}

// SharedListings returns what several companies list, in order.
func (r Reader) SharedListings(tenant string, limit int) ([]string, error) {
	var domains []string
	err := r.db.WithContext(r.ctx).Raw("SELECT domain FROM company_domains WHERE tenant_id = ? GROUP BY domain HAVING count(*) > 1 ORDER BY domain LIMIT ?", tenant, limit).Scan(&domains).Error
	return domains, fail(err, "look for what several companies list")
}

// AmbiguousContacts returns the domains of contacts that are without a company since others of the domain belong to several, in order.
// It goes along their index from each to the next.
func (r Reader) AmbiguousContacts(tenant string, limit int) ([]string, error) {
	const next = "SELECT min(domain) FROM contacts WHERE tenant_id = @tenant AND company_reason = 'ambiguous_contacts' AND domain > "
	var domains []string
	err := r.db.WithContext(r.ctx).Raw("WITH RECURSIVE b(domain) AS ("+next+"'' UNION ALL SELECT ("+next+"b.domain) FROM b WHERE b.domain IS NOT NULL)"+
		" SELECT domain FROM b WHERE domain IS NOT NULL LIMIT @limit", map[string]any{"tenant": tenant, "limit": limit}).Scan(&domains).Error
	return domains, fail(err, "look for domains of ambiguous contacts")
}

// DomainCompany is what links a domain to a company: that the company lists it, or contacts that are the company's.
type DomainCompany struct {
	Domain    string
	CompanyID string // "" for contacts without a company
	Listed    bool
	Contacts  int // active ones
}

// DomainCompanies returns the links of domains, those by listings apart from those by contacts.
func (r Reader) DomainCompanies(tenant string, domains []string) ([]DomainCompany, error) {
	if len(domains) == 0 {
		return nil, nil
	}
	var links []DomainCompany
	err := r.db.WithContext(r.ctx).Raw("SELECT domain, company_id, true AS listed, 0 AS contacts FROM company_domains WHERE tenant_id = @tenant AND domain IN @domains"+
		" UNION ALL SELECT domain, company_id, false, count(*) FROM contacts WHERE tenant_id = @tenant AND domain IN @domains AND status = 'active' GROUP BY domain, company_id", map[string]any{"tenant": tenant, "domains": domains}).Scan(&links).Error
	return links, fail(err, "read the companies of domains")
}
