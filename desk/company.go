package desk

import "time"

// CompanyReason says how a contact came to its company, or why it has none (design: company of a contact).
type CompanyReason string

const (
	CompanyManual            CompanyReason = "manual"              // set, or blanked, by an agent; sync leaves it
	CompanyByDirectory       CompanyReason = "directory"           // the company of the name that the directory gives
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
	Named   string        // the company of the name that a directory gives, "" for none
	Domain  string        // the contact's domain, "" for none
	Listed  []string      // companies that list the domain; two are enough
	Linked  []string      // different companies of other contacts of the domain; two are enough
}

// Rescan is a domain whose contacts wait to be mapped anew: a company gained or lost it, or something else changed by which
// they would get another company.
type Rescan struct {
	TenantID string `gorm:"primaryKey"`
	Domain   string `gorm:"primaryKey"` // "" for contacts without one
	AfterID  string // the contact up to which it has been done, "" at the beginning
	// The decision for the whole domain is made at the beginning, so that contacts mapped first do not change it.
	Decided   bool
	Listed    string // the one company that lists the domain, "" for none or several
	CompanyID string
	Reason    CompanyReason
}

// RescanProgress is how far a tenant's contacts have been mapped anew, since the first domain began to wait.
type RescanProgress struct {
	TenantID   string `gorm:"primaryKey"`
	StartedAt  time.Time
	FinishedAt *time.Time // nil while it runs
	Checked    int        // contacts
	Changed    int        // contacts
	Domains    int        // that have been done
	Waiting    int        `gorm:"-"` // domains, the present one among them
	Share      float64    `gorm:"-"` // of the domains that has been done, up to 1, with the part of the present one
}

func (RescanProgress) TableName() string { return "rescan_progress" }
