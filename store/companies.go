package store

import (
	"fmt"
	"slices"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CompanyFacts gathers what decides the company of a contact in a domain, of which the listings are given, the most specific
// first: the first that any company has counts. except is the contact itself, whose own link does not count, or "".
func (tx *Tx) CompanyFacts(tenant, domain string, listings []string, except string) (desk.CompanyFacts, error) {
	facts := desk.CompanyFacts{Domain: domain}
	if domain == "" {
		return facts, nil
	}
	// The two ends of the index on (domain, status, company) tell whether the linked companies differ, at the same cost in a
	// domain of ten contacts and of a million.
	const linked = "SELECT -1 AS listing, company_id FROM contacts WHERE tenant_id = ? AND domain = ? AND status = 'active' AND company_id > '' AND id <> ? ORDER BY company_id"
	query := "SELECT * FROM (" + linked + " LIMIT 1) AS b UNION ALL SELECT * FROM (" + linked + " DESC LIMIT 1) AS c"
	args := []any{tenant, domain, except, tenant, domain, except}
	for i, listing := range listings {
		query += fmt.Sprintf(" UNION ALL SELECT * FROM (SELECT %d AS listing, company_id FROM company_domains WHERE tenant_id = ? AND domain = ? ORDER BY company_id LIMIT 2) AS a%d", i, i)
		args = append(args, tenant, listing)
	}
	var rows []struct {
		Listing   int // index, or -1 for a linked company
		CompanyID string
	}
	err := tx.db.Raw(query, args...).Scan(&rows).Error
	listed := len(listings)
	for _, row := range rows {
		if row.Listing >= 0 {
			listed = min(listed, row.Listing)
		}
	}
	for _, row := range rows {
		switch {
		case row.Listing >= 0:
			if row.Listing == listed {
				facts.Listed = append(facts.Listed, row.CompanyID)
			}
		case len(facts.Linked) == 0 || facts.Linked[0] != row.CompanyID:
			facts.Linked = append(facts.Linked, row.CompanyID)
		}
	}
	return facts, fail(err, "gather company facts")
}

// Company returns a company with its domains, or NotFound.
func (r Reader) Company(tenant, id string) (desk.Company, error) {
	c, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND id = ?", tenant, id).Take(r.ctx)
	if err != nil {
		return c, fail(err, "read company")
	}
	list := []desk.Company{c}
	err = r.domains(tenant, list)
	return list[0], err
}

// Companies returns a page of companies in the order of their ids, after the given one.
func (r Reader) Companies(tenant, after string, limit int) ([]desk.Company, error) {
	list, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND id > ?", tenant, after).Order("id").Limit(limit).Find(r.ctx)
	if err != nil {
		return nil, fail(err, "list companies")
	}
	return list, r.domains(tenant, list)
}

// CompanyNames returns the names of companies by id.
func (r Reader) CompanyNames(tenant string, ids []string) (map[string]string, error) {
	names := map[string]string{}
	if len(ids) == 0 {
		return names, nil
	}
	list, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND id IN ?", tenant, ids).Find(r.ctx)
	for _, c := range list {
		names[c.ID] = c.Name
	}
	return names, fail(err, "read company names")
}

// domains fills in the domains of all the companies at once.
func (r Reader) domains(tenant string, list []desk.Company) error {
	ids := make([]string, len(list))
	at := make(map[string]int, len(list))
	for i, c := range list {
		ids[i], at[c.ID], list[i].Domains = c.ID, i, []string{}
	}
	if len(list) == 0 {
		return nil
	}
	rows, err := gorm.G[desk.CompanyDomain](r.db).Where("tenant_id = ? AND company_id IN ?", tenant, ids).Find(r.ctx)
	for _, row := range rows {
		c := &list[at[row.CompanyID]]
		c.Domains = append(c.Domains, row.Domain)
	}
	for _, c := range list {
		slices.Sort(c.Domains)
	}
	return fail(err, "read company domains")
}

// CreateCompany adds a company with its domains; a taken name is a Uniqueness error.
func (tx *Tx) CreateCompany(c *desk.Company) error {
	if err := gorm.G[desk.Company](tx.db).Create(tx.ctx, c); err != nil {
		return fail(err, "create company")
	}
	return tx.setDomains(c)
}

// UpdateCompany writes a company's name and domains.
func (tx *Tx) UpdateCompany(c *desk.Company) error {
	err := tx.db.Model(c).Select("name", "name_key").Updates(c).Error
	if err == nil {
		_, err = gorm.G[desk.CompanyDomain](tx.db).Where("tenant_id = ? AND company_id = ?", c.TenantID, c.ID).Delete(tx.ctx)
	}
	if err != nil {
		return fail(err, "update company")
	}
	return tx.setDomains(c)
}

func (tx *Tx) setDomains(c *desk.Company) error {
	rows := make([]desk.CompanyDomain, len(c.Domains))
	for i, domain := range c.Domains {
		rows[i] = desk.CompanyDomain{TenantID: c.TenantID, Domain: domain, CompanyID: c.ID}
	}
	if len(rows) == 0 {
		return nil
	}
	return fail(gorm.G[desk.CompanyDomain](tx.db).CreateInBatches(tx.ctx, &rows, 500), "set company domains")
}

// DeleteCompany removes a company and leaves its contacts undecided: without company and reason, until DecideContacts gives
// them both. It returns the email domains of these contacts.
func (tx *Tx) DeleteCompany(tenant, id string) (domains []string, err error) {
	const its = " WHERE tenant_id = ? AND company_id = ? AND company_id <> ''"
	err = tx.db.Raw("SELECT DISTINCT domain FROM contacts"+its, tenant, id).Scan(&domains).Error
	if err == nil {
		err = tx.db.Exec("UPDATE contacts SET company_id = '', company_reason = '', modified_at = ?"+its, tx.Now, tenant, id).Error
	}
	if err == nil {
		_, err = gorm.G[desk.Company](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	}
	return domains, fail(err, "delete company")
}

// DecideContacts gives the undecided contacts of a domain a company, or none, and the reason.
func (tx *Tx) DecideContacts(tenant, domain, company string, reason desk.CompanyReason) error {
	return fail(tx.db.Exec("UPDATE contacts SET company_id = ?, company_reason = ? WHERE tenant_id = ? AND domain = ? AND company_reason = ''",
		company, reason, tenant, domain).Error, "decide the company of contacts")
}
