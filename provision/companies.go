package provision

import (
	"context"
	"slices"
	"strings"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// FindCompanies returns the first companies by name whose names begin with a text, in any case. They come without their domains.
func (e *Engine) FindCompanies(ctx context.Context, actor desk.Actor, text string, limit int) ([]desk.Company, error) {
	if !desk.Storable(text) {
		return nil, nil
	}
	return e.Store.Read(ctx).CompaniesNamed(actor.TenantID, desk.Fold(strings.TrimSpace(text)), limit)
}

// SearchCompanies returns a page of companies by name, whose names hold a text in any case, after a name.
func (e *Engine) SearchCompanies(ctx context.Context, actor desk.Actor, text, after string, limit int) ([]desk.Company, error) {
	if !desk.Storable(text + after) {
		return nil, desk.Errorf(desk.InvalidValue, "q", "a name has no control characters")
	}
	return e.Store.Read(ctx).SearchCompanies(actor.TenantID, desk.Fold(strings.TrimSpace(text)), desk.Fold(after), limit)
}

// Companies returns a page of companies in the order of their creation, after the given id.
func (e *Engine) Companies(ctx context.Context, actor desk.Actor, after string, limit int) ([]desk.Company, error) {
	return e.Store.Read(ctx).Companies(actor.TenantID, after, limit)
}

// Company returns a company, or NotFound.
func (e *Engine) Company(ctx context.Context, actor desk.Actor, id string) (desk.Company, error) {
	c, err := e.Store.Read(ctx).Company(actor.TenantID, id)
	return c, describeCompany(err, "")
}

// CompanyNames returns the names of companies by id, of those that are still there.
func (e *Engine) CompanyNames(ctx context.Context, actor desk.Actor, ids []string) (map[string]string, error) {
	return e.Store.Read(ctx).CompanyNames(actor.TenantID, ids)
}

// CompanyEdit is what an administrator changes in a company; nil leaves a field as it is.
type CompanyEdit struct {
	Name    *string
	Domains *[]string
	// Add and Remove are domains that it lists besides, and no longer, whatever else it lists by then.
	Add, Remove []string
}

func (edit CompanyEdit) apply(c *desk.Company) error {
	if edit.Name != nil {
		c.Name = strings.TrimSpace(*edit.Name)
		c.NameKey = desk.Fold(c.Name)
	}
	if c.Name == "" || len(c.NameKey) > desk.MaxKey {
		return desk.Errorf(desk.InvalidValue, "name", "give the company a name, of up to %d bytes", desk.MaxKey)
	}
	if err := checkText("name", c.Name); err != nil {
		return err
	}
	domains, listed := slices.Clone(c.Domains), []string(nil)
	if edit.Domains != nil {
		domains, listed = []string{}, *edit.Domains
	}
	domains = slices.DeleteFunc(domains, func(d string) bool { return slices.Contains(edit.Remove, d) })
	for _, d := range slices.Concat(listed, edit.Add) {
		domain, err := companies.NormaliseListing(d)
		if err != nil {
			return err
		}
		domains = append(domains, domain)
	}
	slices.Sort(domains)
	c.Domains = slices.Compact(domains)
	return nil
}

// CreateCompany adds a company. Contacts that become its are mapped to it at once, or in the background if they are many.
func (e *Engine) CreateCompany(ctx context.Context, actor desk.Actor, edit CompanyEdit) (desk.Company, error) {
	var c desk.Company
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockCompanies(actor.TenantID); err != nil {
			return err
		}
		c = desk.Company{TenantID: actor.TenantID, ID: store.NewID(), Domains: []string{}, CreatedAt: tx.Now}
		if err := edit.apply(&c); err != nil {
			return err
		}
		if err := tx.CreateCompany(&c); err != nil {
			return err
		}
		return companyChanged(tx, actor.Event(desk.OpCreate, desk.Created, ""), desk.Company{}, c)
	})
	if err == nil {
		e.rescanSome(ctx, actor.TenantID)
	}
	return c, describeCompany(err, c.Name)
}

// EditCompany changes a company's name or domains. Contacts follow as in CreateCompany.
func (e *Engine) EditCompany(ctx context.Context, actor desk.Actor, id string, edit CompanyEdit) (desk.Company, error) {
	var c desk.Company
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockCompanies(actor.TenantID); err != nil {
			return err
		}
		var err error
		c, err = edit.save(tx, actor, id)
		return err
	})
	if err == nil {
		e.rescanSome(ctx, actor.TenantID)
	}
	return c, describeCompany(err, c.Name)
}

// save changes a company. The transaction holds the lock of the tenant's companies.
func (edit CompanyEdit) save(tx *store.Tx, actor desk.Actor, id string) (desk.Company, error) {
	before, err := tx.Company(actor.TenantID, id)
	if err != nil {
		return before, err
	}
	c := before
	if err := edit.apply(&c); err != nil {
		return c, err
	}
	if c.Name == before.Name && slices.Equal(c.Domains, before.Domains) {
		return c, nil
	}
	if err := tx.UpdateCompany(&c); err != nil {
		return c, err
	}
	return c, companyChanged(tx, actor.Event(desk.OpPatch, desk.Updated, ""), before, c)
}

// AssignDomain makes a company the only one that lists a domain, or with "*." before it all its subdomains. Contacts follow as in
// CreateCompany.
func (e *Engine) AssignDomain(ctx context.Context, actor desk.Actor, listing, id string) error {
	listing, err := companies.NormaliseListing(listing)
	if err != nil {
		return err
	}
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockCompanies(actor.TenantID); err != nil {
			return err
		}
		listed, err := tx.Listings(actor.TenantID, listing)
		if err != nil {
			return err
		}
		for _, l := range listed {
			if l.CompanyID == id {
				continue
			}
			if _, err := (CompanyEdit{Remove: []string{listing}}).save(tx, actor, l.CompanyID); err != nil {
				return err
			}
		}
		_, err = CompanyEdit{Add: []string{listing}}.save(tx, actor, id)
		return err
	})
	if err == nil {
		e.rescanSome(ctx, actor.TenantID)
	}
	return describeCompany(err, "")
}

// DeleteCompany removes a company. Its contacts, those set by hand among them, get the company that their domain now gives.
func (e *Engine) DeleteCompany(ctx context.Context, actor desk.Actor, id string) error {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.LockCompanies(actor.TenantID); err != nil {
			return err
		}
		c, err := tx.Company(actor.TenantID, id)
		if err != nil {
			return err
		}
		// While the company is still there: its contacts keep its id until they are mapped anew.
		if err := tx.RescanCompany(actor.TenantID, id); err != nil {
			return err
		}
		if err := tx.DeleteCompany(actor.TenantID, id); err != nil {
			return err
		}
		return companyChanged(tx, actor.Event(desk.OpDelete, desk.Deleted, ""), c, desk.Company{})
	})
	if err == nil {
		e.rescanSome(ctx, actor.TenantID)
	}
	return describeCompany(err, "")
}

// ensureCompany makes the company that a directory names, unless it is there or no company can have the name. The event is the
// company's own: that of the person tells who became its contact.
func ensureCompany(tx *store.Tx, actor desk.Actor, name string) error {
	c := desk.Company{TenantID: actor.TenantID, ID: store.NewID(), Domains: []string{}, CreatedAt: tx.Now}
	if err := (CompanyEdit{Name: &name}).apply(&c); err != nil {
		return nil
	}
	added, err := tx.EnsureCompany(&c)
	if err != nil || !added {
		return err
	}
	ev := actor.Event(desk.OpCreate, desk.Created, "company")
	ev.Connection = ""
	return companyChanged(tx, ev, desk.Company{}, c)
}

// companyChanged records a change of a company, zero where it was not there or is no more, and notes the domains whose contacts
// it may concern.
func companyChanged(tx *store.Tx, ev desk.Event, before, after desk.Company) error {
	if before.NameKey != after.NameKey {
		for _, key := range []string{before.NameKey, after.NameKey} {
			if err := tx.RescanNamed(ev.TenantID, key); err != nil {
				return err
			}
		}
	}
	for _, listing := range slices.Concat(before.Domains, after.Domains) {
		if slices.Contains(before.Domains, listing) != slices.Contains(after.Domains, listing) {
			if err := tx.RescanListing(ev.TenantID, listing); err != nil {
				return err
			}
		}
	}
	return tx.Record(companyEvent(ev, before, after))
}

// companyEvent completes the event of a change.
func companyEvent(ev desk.Event, before, after desk.Company) desk.Event {
	if before.Name != after.Name {
		ev.Changes = append(ev.Changes, desk.Change{Field: "company.name", From: none(before.Name), To: none(after.Name)})
	}
	if !slices.Equal(before.Domains, after.Domains) {
		ev.Changes = append(ev.Changes, desk.Change{Field: "company.domains", From: before.Domains, To: after.Domains})
	}
	return ev
}

func describeCompany(err error, name string) error {
	switch desk.KindOf(err) {
	case desk.NotFound:
		return &desk.Error{Kind: desk.NotFound, Msg: "no company with this id", Err: err}
	case desk.Uniqueness:
		return &desk.Error{Kind: desk.Uniqueness, Field: "name", Msg: "a company named " + name + " exists already", Err: err}
	}
	return err
}

func normaliseDomain(domain string) (string, error) {
	if domain == "" {
		return "", nil
	}
	domain, err := companies.Normalise(domain)
	if err != nil {
		return "", desk.Errorf(desk.InvalidValue, "domain", "%s", desk.AsError(err).Msg)
	}
	return domain, nil
}
