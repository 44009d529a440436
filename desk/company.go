package desk

import "time"

// CompanyReason says how a contact came to its company, or why it has none (design: company of a contact).
type CompanyReason string

const (
	CompanyManual            CompanyReason = "manual"              // set, or blanked, by an agent; sync leaves it
	CompanyByDomain          CompanyReason = "domain"              // the one company that lists the domain
	CompanyNoMatch           CompanyReason = "no_match"            // no company lists the domain, or there is none
	CompanyAmbiguousListing  CompanyReason = "ambiguous_companies" // several companies list the domain
	CompanyAmbiguousContacts CompanyReason = "ambiguous_contacts"  // contacts of the domain belong to several companies
)

// Company is an organisation whose people are contacts. NameKey is the folded name, unique in the tenant.
type Company struct {
	TenantID  string `gorm:"primaryKey"`
	ID        string `gorm:"primaryKey"`
	Name      string
	NameKey   string
	Domains   []string `gorm:"-"` // normalised, sorted; kept in CompanyDomain
	CreatedAt time.Time
}

// CompanyDomain says that a company lists an email domain. Several companies may list one domain.
type CompanyDomain struct {
	TenantID  string `gorm:"primaryKey"`
	Domain    string `gorm:"primaryKey"`
	CompanyID string `gorm:"primaryKey"`
}

// CompanyFacts are what the decision over a contact's company rests on.
type CompanyFacts struct {
	Current CompanyReason // how the contact came to its present company; "" for a new contact
	Company string        // its present company, "" for none
	Domain  string        // the contact's domain, "" for none
	Listed  []string      // companies that list the domain; two are enough
	Linked  []string      // different companies of other contacts of the domain; two are enough
}
