package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// CompanyQuery asks for what decides the company of a contact.
type CompanyQuery struct {
	TenantID string
	Domain   string   // "" for none
	Listings []string // that fit the domain, the most specific first; the first that any company has counts
	Name     string   // folded, of the company by its directory; "" for none
	Except   string   // the contact itself, whose own link does not count; "" for none
}

// CompanyFacts gathers what decides the company of a contact.
func (r Reader) CompanyFacts(q CompanyQuery) (desk.CompanyFacts, error) {
	var rows []companyFact
	var err error
	if ask, ok := q.question(&rows); ok {
		err = r.ask(ask)
	}
	return q.facts(rows), fail(err, "gather company facts")
}

// companyFact is a company that matters.
type companyFact struct {
	source    int // index of the listing, or one of these
	companyID string
}

const named, linked = -2, -1

// question asks for them, unless nothing can matter.
func (q CompanyQuery) question(rows *[]companyFact) (question, bool) {
	text := q.shape().text()
	return question{sql: text, args: q.args(make([]any, 0, 16), 2), row: func(scan scanner) error {
		*rows = append(*rows, companyFact{})
		row := &(*rows)[len(*rows)-1]
		return scan(&row.source, &row.companyID)
	}}, text != ""
}

// args appends its arguments; ends is how many ends of the index on linked companies are looked at.
func (q CompanyQuery) args(args []any, ends int) []any {
	tenant, domain, except := any(q.TenantID), any(q.Domain), any(q.Except)
	if q.Name != "" {
		args = append(args, tenant, q.Name)
	}
	if q.Domain != "" {
		for range ends {
			args = append(args, tenant, domain, except)
		}
		for _, listing := range q.Listings {
			args = append(args, tenant, listing)
		}
	}
	return args
}

// companyShape is what the text of a question depends on.
type companyShape struct {
	name, domain bool
	listings     int
}

func (q CompanyQuery) shape() companyShape {
	return companyShape{q.Name != "", q.Domain != "", len(q.Listings)}
}

// usual reports whether texts of the shape are remembered. Domains of many levels would make ever longer ones.
func (s companyShape) usual() bool { return s.listings <= 8 }

// companyTexts remembers those of usual shapes.
var companyTexts sync.Map

// Where a company is found that matters.
const (
	byName    = "companies WHERE tenant_id = ? AND name_key = ?"
	byLink    = "contacts WHERE tenant_id = ? AND domain = ? AND status = 'active' AND company_id > '' AND id <> ?"
	byListing = "company_domains WHERE tenant_id = ? AND domain = ?"
)

func (s companyShape) text() string {
	if known, ok := companyTexts.Load(s); ok {
		return known.(string)
	}
	var parts []string
	add := func(sql string) { parts = append(parts, fmt.Sprintf("SELECT * FROM (%s) AS part%d", sql, len(parts))) }
	if s.name {
		add("SELECT -2 AS source, id AS company_id FROM " + byName)
	}
	if s.domain {
		// The two ends of the index on (domain, status, company) tell whether the linked companies differ, at the same cost in a
		// domain of ten contacts and of a million.
		const end = "SELECT -1 AS source, company_id FROM " + byLink + " ORDER BY company_id"
		add(end + " LIMIT 1")
		add(end + " DESC LIMIT 1")
		for i := range s.listings {
			add(fmt.Sprintf("SELECT %d AS source, company_id FROM %s ORDER BY company_id LIMIT 2", i, byListing))
		}
	}
	text := strings.Join(parts, " UNION ALL ")
	if s.usual() {
		companyTexts.Store(s, text)
	}
	return text
}

// nothing is the condition that no company matters.
func (s companyShape) nothing() (text string) {
	if s.name {
		text += noneOf(byName)
	}
	if s.domain {
		text += noneOf(byLink) + strings.Repeat(noneOf(byListing), s.listings)
	}
	return text
}

// noneOf is the condition that there is no such row.
func noneOf(rows string) string { return " AND NOT EXISTS (SELECT 1 FROM " + rows + ")" }

func (q CompanyQuery) facts(rows []companyFact) desk.CompanyFacts {
	facts := desk.CompanyFacts{Domain: q.Domain}
	listed := len(q.Listings)
	for _, row := range rows {
		if row.source >= 0 {
			listed = min(listed, row.source)
		}
	}
	for _, row := range rows {
		switch {
		case row.source == named:
			facts.Named = row.companyID
		case row.source == linked:
			if len(facts.Linked) == 0 || facts.Linked[0] != row.companyID {
				facts.Linked = append(facts.Linked, row.companyID)
			}
		case row.source == listed:
			facts.Listed = append(facts.Listed, row.companyID)
		}
	}
	return facts
}

// LinkedCompanies returns up to two different companies of a domain's active contacts. It does not count contacts that are about
// to be mapped anew: those of a company that is gone or no longer has the directory's name, and those whom the domain made another
// company's than listed, the one that lists it.
func (r Reader) LinkedCompanies(tenant, domain, listed string) ([]string, error) {
	var linked []string
	for after := ""; len(linked) < 2; {
		var next []string
		err := r.db.WithContext(r.ctx).Raw("SELECT c.company_id FROM contacts c JOIN companies k ON k.tenant_id = c.tenant_id AND k.id = c.company_id"+
			" WHERE c.tenant_id = ? AND c.domain = ? AND c.status = 'active' AND c.company_id > ?"+
			" AND (c.company_id = ? OR c.company_reason = 'manual' OR c.company_reason = 'directory' AND c.company_key = k.name_key)"+
			" ORDER BY c.company_id LIMIT 1", tenant, domain, after, listed).Scan(&next).Error
		if err != nil || len(next) == 0 {
			return linked, fail(err, "look for linked companies")
		}
		after = next[0]
		linked = append(linked, after)
	}
	return linked, nil
}

// CompaniesByName returns the ids of companies by their folded names.
func (r Reader) CompaniesByName(tenant string, keys []string) (map[string]string, error) {
	ids := map[string]string{}
	if len(keys) == 0 {
		return ids, nil
	}
	list, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND name_key IN ?", tenant, keys).Find(r.ctx)
	for _, c := range list {
		ids[c.NameKey] = c.ID
	}
	return ids, fail(err, "read companies by name")
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

// Listings returns which companies list any of the domains, as they are.
func (r Reader) Listings(tenant string, domains ...string) ([]desk.CompanyDomain, error) {
	if len(domains) == 0 {
		return nil, nil
	}
	list, err := gorm.G[desk.CompanyDomain](r.db).Where("tenant_id = ? AND "+r.oneOf("domain", domains), append([]any{tenant}, anys(domains)...)...).Find(r.ctx)
	return list, fail(err, "read who lists domains")
}

// Companies returns a page of companies in the order of their ids, after the given one.
func (r Reader) Companies(tenant, after string, limit int) ([]desk.Company, error) {
	list, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND id > ?", tenant, after).Order("id").Limit(limit).Find(r.ctx)
	if err != nil {
		return nil, fail(err, "list companies")
	}
	return list, r.domains(tenant, list)
}

// SearchCompanies returns a page of companies by name whose folded names hold a text, after a folded name.
func (r Reader) SearchCompanies(tenant, text, after string, limit int) ([]desk.Company, error) {
	db := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND name_key > ?", tenant, after)
	if text != "" {
		db = db.Where(`name_key LIKE ? ESCAPE '\'`, "%"+likeText.Replace(text)+"%")
	}
	list, err := db.Order("name_key").Limit(limit).Find(r.ctx)
	if err != nil {
		return nil, fail(err, "list companies by name")
	}
	return list, r.domains(tenant, list)
}

// CompaniesNamed returns the first companies by name whose folded names begin with a text, without their domains.
func (r Reader) CompaniesNamed(tenant, beginning string, limit int) ([]desk.Company, error) {
	list, err := gorm.G[desk.Company](r.db).Where("tenant_id = ? AND name_key >= ? AND name_key < ?", tenant, beginning, beginning+string(utf8.MaxRune)).
		Order("name_key").Limit(limit).Find(r.ctx)
	return list, fail(err, "look for companies by name")
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
	rows, err := gorm.G[desk.CompanyDomain](r.db).Where("tenant_id = ? AND "+r.oneOf("company_id", ids), append([]any{tenant}, anys(ids)...)...).Find(r.ctx)
	for _, row := range rows {
		c := &list[at[row.CompanyID]]
		c.Domains = append(c.Domains, row.Domain)
	}
	for _, c := range list {
		slices.Sort(c.Domains)
	}
	return fail(err, "read company domains")
}

// oneOf is the condition that a column has one of some values, which are its arguments. PostgreSQL looks each of them up: it does not
// know how much the tenant has of the column, and would rather go through all of it where others have little.
func (r Reader) oneOf(column string, values []string) string {
	if r.engine == Postgres {
		return column + " = ANY (ARRAY(VALUES " + strings.Repeat("(?), ", len(values)-1) + "(?)))"
	}
	return column + " IN (" + strings.Repeat("?, ", len(values)-1) + "?)"
}

func anys(values []string) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = v
	}
	return list
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

// EnsureCompany adds a company unless one has its name, and reports whether it did.
func (tx *Tx) EnsureCompany(c *desk.Company) (added bool, err error) {
	result := tx.db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "tenant_id"}, {Name: "name_key"}}, DoNothing: true}).Create(c)
	return result.RowsAffected > 0, fail(result.Error, "create company")
}

// DeleteCompany removes a company. Its contacts keep its id until they are mapped anew.
func (tx *Tx) DeleteCompany(tenant, id string) error {
	_, err := gorm.G[desk.Company](tx.db).Where("tenant_id = ? AND id = ?", tenant, id).Delete(tx.ctx)
	return fail(err, "delete company")
}
