package provision

import (
	"context"

	"rollcall/companies"
	"rollcall/desk"
	"rollcall/store"
)

// Contacts are mapped to companies anew, domain by domain, when something changes by which they would get another company: a
// company gains or loses a domain, comes, goes or changes its name, or contacts of a domain no longer differ in company.
//
// The transaction that changes it only notes the domains. What follows works through them in transactions of a page each, so
// that a domain of a million contacts holds up nobody, and goes on where it was after a crash. Several servers share the work.

const (
	rescanPage = 500 // contacts in a transaction
	// rescanNow is how many pages a request that changed a company does itself, a domain being one page at least: when it
	// answers, the change of a small company is there to be seen.
	rescanNow = 8
)

// Rescan maps anew the contacts of all domains that wait, and of those whose contacts no longer differ in company. Servers call it
// every few seconds, for what others noted, and for ambiguities that ended.
func (e *Engine) Rescan(ctx context.Context) error {
	if err := e.noteResolved(ctx); err != nil {
		return err
	}
	tenants, err := e.Store.Read(ctx).RescanTenants()
	for _, tenant := range tenants {
		for more := true; more && err == nil; {
			more, err = e.rescanStep(ctx, tenant)
		}
	}
	return err
}

// noteResolved notes the domains of which contacts are blank because others differ in company, which these no longer do.
func (e *Engine) noteResolved(ctx context.Context) error {
	r := e.Store.Read(ctx)
	for tenant, domain := "", ""; ; {
		var err error
		if tenant, domain, err = r.NextAmbiguous(tenant, domain); desk.KindOf(err) == desk.NotFound {
			return nil
		} else if err != nil {
			return err
		}
		facts, err := r.CompanyFacts(store.CompanyQuery{TenantID: tenant, Domain: domain, Listings: companies.Listings(domain)})
		if err != nil {
			return err
		}
		if _, reason := companies.Resolve(facts); reason == desk.CompanyAmbiguousContacts {
			continue
		}
		err = e.Store.Tx(ctx, func(tx *store.Tx) error { return tx.RescanListing(tenant, domain) })
		if err != nil {
			return err
		}
	}
}

// rescanSome does what waits in a tenant, if that is little. What is left, and what fails, is for Rescan.
func (e *Engine) rescanSome(ctx context.Context, tenant string) {
	for range rescanNow {
		if more, err := e.rescanStep(ctx, tenant); err != nil || !more {
			return
		}
	}
}

// rescanStep maps a page of contacts anew and reports whether more wait.
func (e *Engine) rescanStep(ctx context.Context, tenant string) (more bool, err error) {
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		more = false
		if err := tx.Lock(tenant); err != nil {
			return err
		}
		waiting, err := tx.NextRescan(tenant)
		if desk.KindOf(err) == desk.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		more = true
		if !waiting.Decided {
			if err := decide(tx.Reader, &waiting); err != nil {
				return err
			}
		}
		page, err := tx.LockDomainContacts(tenant, waiting.Domain, waiting.AfterID, rescanPage)
		if err != nil {
			return err
		}
		changed, err := remap(tx.Reader, waiting, page)
		if err != nil {
			return err
		}
		if err := link(tx, tenant, changed); err != nil {
			return err
		}
		done := 0
		if len(page) < rescanPage {
			done = 1
			err = tx.FinishRescan(&waiting)
		} else {
			waiting.AfterID = page[len(page)-1].ID
			err = tx.UpdateRescan(&waiting)
		}
		if err != nil {
			return err
		}
		return tx.CountRescanned(tenant, len(page), len(changed), done)
	})
	return more, err
}

// decide makes the decision for a domain: what a contact of it gets that neither an agent nor the directory's name decides.
func decide(r store.Reader, d *desk.Rescan) error {
	facts, err := r.CompanyFacts(store.CompanyQuery{TenantID: d.TenantID, Domain: d.Domain, Listings: companies.Listings(d.Domain)})
	if err != nil {
		return err
	}
	d.Decided, d.Listed = true, ""
	if len(facts.Listed) == 1 {
		d.Listed = facts.Listed[0]
		if facts.Linked, err = r.LinkedCompanies(d.TenantID, d.Domain, d.Listed); err != nil {
			return err
		}
	}
	d.CompanyID, d.Reason = companies.Resolve(facts)
	return nil
}

// Remapped is a contact that gets another company, or another reason.
type Remapped struct {
	Before    desk.Contact
	CompanyID string // "" for none
	Reason    desk.CompanyReason
}

// remap returns those of a domain's contacts that change by its decision.
func remap(r store.Reader, d desk.Rescan, page []desk.Contact) ([]Remapped, error) {
	var names, ids []string
	for _, c := range page {
		if c.CompanyKey != "" {
			names = append(names, c.CompanyKey)
		}
		if c.CompanyReason == desk.CompanyManual && c.CompanyID != "" {
			ids = append(ids, c.CompanyID)
		}
	}
	named, err := r.CompaniesByName(d.TenantID, names)
	if err != nil {
		return nil, err
	}
	there, err := r.CompanyNames(d.TenantID, ids)
	if err != nil {
		return nil, err
	}
	var changed []Remapped
	for _, c := range page {
		next := Remapped{c, d.CompanyID, d.Reason}
		_, stands := there[c.CompanyID]
		switch {
		case c.CompanyReason == desk.CompanyManual && (c.CompanyID == "" || stands):
			continue
		case named[c.CompanyKey] != "":
			next.CompanyID, next.Reason = named[c.CompanyKey], desk.CompanyByDirectory
		case c.CompanyReason == desk.CompanyByDomain && c.CompanyID == d.Listed:
			continue // still right, whatever the others are
		}
		if c.CompanyID != next.CompanyID || c.CompanyReason != next.Reason {
			changed = append(changed, next)
		}
	}
	return changed, nil
}

// link writes what remap found, with an event for each contact.
func link(tx *store.Tx, tenant string, changed []Remapped) error {
	type target struct {
		company string
		reason  desk.CompanyReason
	}
	ids := map[target][]string{}
	var events []desk.Event
	for i := range changed {
		c := &changed[i]
		to := target{c.CompanyID, c.Reason}
		ids[to] = append(ids[to], c.Before.ID)
		after := c.Before
		after.CompanyID, after.CompanyReason = c.CompanyID, c.Reason
		ev := System(tenant).Event(desk.OpRescan, desk.Updated, "")
		ev.ContactID, ev.Changes = &after.ID, contactChanges(&c.Before, &after)
		events = append(events, ev)
	}
	for to, contacts := range ids {
		if err := tx.LinkContacts(tenant, contacts, to.company, to.reason); err != nil {
			return err
		}
	}
	return tx.RecordAll(events)
}

// StartRescan lets all contacts of the tenant be mapped to companies anew.
func (e *Engine) StartRescan(ctx context.Context, actor desk.Actor) error {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		if err := tx.RescanAll(actor.TenantID); err != nil {
			return err
		}
		return tx.Record(actor.Event(desk.OpRescan, desk.Started, ""))
	})
	if err == nil {
		e.rescanSome(ctx, actor.TenantID)
	}
	return err
}

// FinishRescan does what waits in the tenant, and reports the progress after each page.
func (e *Engine) FinishRescan(ctx context.Context, actor desk.Actor, report func(desk.RescanProgress)) error {
	for {
		more, err := e.rescanStep(ctx, actor.TenantID)
		if err != nil {
			return err
		}
		p, err := e.RescanProgress(ctx, actor)
		if err != nil {
			return err
		}
		report(p)
		if !more {
			return nil
		}
	}
}

// RescanProgress returns how far the tenant's contacts have been mapped anew; zero if they never were.
func (e *Engine) RescanProgress(ctx context.Context, actor desk.Actor) (desk.RescanProgress, error) {
	p, err := e.Store.Read(ctx).RescanProgress(actor.TenantID)
	if desk.KindOf(err) == desk.NotFound {
		return desk.RescanProgress{}, nil
	}
	return p, err
}

// PreviewRescan calls show for each contact that StartRescan would change, and returns how many it looked at. It changes nothing.
func (e *Engine) PreviewRescan(ctx context.Context, actor desk.Actor, show func(Remapped) error) (checked int, err error) {
	r := e.Store.Read(ctx)
	domains, err := r.Domains(actor.TenantID)
	if err != nil {
		return 0, err
	}
	for _, domain := range domains {
		d := desk.Rescan{TenantID: actor.TenantID, Domain: domain}
		if err := decide(r, &d); err != nil {
			return checked, err
		}
		for {
			page, err := r.DomainContacts(d.TenantID, domain, d.AfterID, rescanPage)
			if err != nil {
				return checked, err
			}
			if len(page) == 0 {
				break
			}
			changed, err := remap(r, d, page)
			if err != nil {
				return checked, err
			}
			for _, c := range changed {
				if err := show(c); err != nil {
					return checked, err
				}
			}
			checked += len(page)
			d.AfterID = page[len(page)-1].ID
		}
	}
	return checked, nil
}
