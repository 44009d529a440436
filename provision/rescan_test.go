package provision_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

func (w *world) list(company string, domains ...string) {
	w.Helper()
	_, err := w.EditCompany(w.ctx(), w.agent, company, provision.CompanyEdit{Domains: &domains})
	w.must(err)
}

// pin sets a contact's company by hand.
func (w *world) pin(contact, company string) {
	w.Helper()
	_, err := w.EditContact(w.ctx(), w.agent, contact, nil, provision.ContactEdit{CompanyID: &company})
	w.must(err)
}

// named is a resource whose directory calls its company by a name.
func named(userName, company string) desk.Resource {
	return user(userName, desk.EnterpriseURN, map[string]any{"organization": company})
}

func TestRescanOfDomain(t *testing.T) {
	both(t, func(w *world) {
		acme, beta := w.company("Acme"), w.company("Beta")
		first, second := w.pushAt("u1", "1@acme.example"), w.pushAt("u2", "2@ACME.example")
		byHand, blank, gone := w.pushAt("u3", "3@acme.example"), w.pushAt("u4", "4@acme.example"), w.pushAt("u5", "5@acme.example")
		sub, other := w.pushAt("u6", "6@eu.acme.example"), w.pushAt("u7", "7@evilacme.example")
		w.pin(*byHand.ContactID, beta)
		w.pin(*blank.ContactID, "")
		w.must(w.DeleteContact(w.ctx(), w.agent, *gone.ContactID, nil))
		want := func(company string, reason desk.CompanyReason) {
			w.Helper()
			for _, u := range []desk.DirectoryUser{first, second, gone} {
				w.wantCompany(*u.ContactID, company, reason)
			}
			w.wantCompany(*byHand.ContactID, beta, desk.CompanyManual)
			w.wantCompany(*blank.ContactID, "", desk.CompanyManual)
			w.wantCompany(*other.ContactID, "", desk.CompanyNoMatch)
		}
		want("", desk.CompanyNoMatch)
		w.list(acme, "acme.example")
		want(acme, desk.CompanyByDomain)
		w.wantCompany(*sub.ContactID, "", desk.CompanyNoMatch)
		w.list(acme, "acme.example", "*.acme.example")
		w.wantCompany(*sub.ContactID, acme, desk.CompanyByDomain)
		w.list(beta, "acme.example")
		want("", desk.CompanyAmbiguousListing)
		w.list(acme, "*.acme.example")
		want(beta, desk.CompanyByDomain)
		w.list(acme)
		w.wantCompany(*sub.ContactID, "", desk.CompanyNoMatch)
		w.must(w.DeleteCompany(w.ctx(), w.agent, beta))
		for _, u := range []desk.DirectoryUser{first, second, gone, byHand} {
			w.wantCompany(*u.ContactID, "", desk.CompanyNoMatch)
		}
		w.wantCompany(*blank.ContactID, "", desk.CompanyManual)

		events, err := w.ContactEvents(w.ctx(), w.agent, *first.ContactID, "", 2)
		w.must(err)
		last := events[1]
		if last.ActorType != desk.ActorSystem || last.Operation != desk.OpRescan || len(last.Changes) != 2 || last.Changes[0] != (desk.Change{Field: "company", From: nil, To: beta}) {
			w.Errorf("the history tells %+v", last)
		}
		p, err := w.RescanProgress(w.ctx(), w.agent)
		w.must(err)
		if p.FinishedAt == nil || p.Waiting != 0 || p.Checked != 5 || p.Changed != 4 {
			w.Errorf("progress is %+v", p)
		}
	})
}

// TestRescanWhenAmbiguityEnds holds that contacts which are blank since others differ do not stay so when these no longer do.
func TestRescanWhenAmbiguityEnds(t *testing.T) {
	both(t, func(w *world) {
		acme, beta := w.company("Acme", "acme.example"), w.company("Beta")
		w.pushAt("u1", "1@acme.example")
		second := w.pushAt("u2", "2@acme.example")
		w.pin(*second.ContactID, beta)
		third, fourth := w.pushAt("u3", "3@acme.example"), w.pushAt("u4", "4@acme.example")
		w.must(w.Rescan(w.ctx()))
		w.wantCompany(*third.ContactID, "", desk.CompanyAmbiguousContacts)
		w.set(w.a, second.ID, "active", false)
		w.must(w.Rescan(w.ctx()))
		w.wantCompany(*third.ContactID, acme, desk.CompanyByDomain)
		w.wantCompany(*fourth.ContactID, acme, desk.CompanyByDomain)
		w.wantCompany(*second.ContactID, beta, desk.CompanyManual)
	})
}

func TestCompanyByDirectory(t *testing.T) {
	both(t, func(w *world) {
		acme, beta := w.company("Acme", "acme.example"), w.company("Beta Ltd")
		u := w.push(w.a, named("u1@acme.example", " BETA ltd "))
		w.wantCompany(*u.ContactID, beta, desk.CompanyByDirectory)
		if c := w.contact(*u.ContactID); c.DirectoryCompany != "BETA ltd" {
			w.Errorf("the directory calls it %q", c.DirectoryCompany)
		}
		unknown := w.push(w.a, named("u2@acme.example", "Gamma"))
		w.wantCompany(*unknown.ContactID, acme, desk.CompanyByDomain)

		// It follows changes, and ends with the name.
		organization := func(name string) map[string]any { return map[string]any{"organization": name} }
		w.set(w.a, u.ID, desk.EnterpriseURN, organization("acme"))
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDirectory)
		w.set(w.a, u.ID, desk.EnterpriseURN, nil)
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDomain)

		// An agent's word stands above it.
		w.pin(*u.ContactID, "")
		w.set(w.a, u.ID, desk.EnterpriseURN, organization("Beta Ltd"))
		w.wantCompany(*u.ContactID, "", desk.CompanyManual)
		_, err := w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{CompanyAuto: true})
		w.must(err)
		w.wantCompany(*u.ContactID, beta, desk.CompanyByDirectory)

		// Companies that come, are renamed and go.
		gamma := w.company("gamma")
		w.wantCompany(*unknown.ContactID, gamma, desk.CompanyByDirectory)
		name := "Gamma Inc"
		_, err = w.EditCompany(w.ctx(), w.agent, gamma, provision.CompanyEdit{Name: &name})
		w.must(err)
		w.wantCompany(*unknown.ContactID, acme, desk.CompanyByDomain)
		w.must(w.DeleteCompany(w.ctx(), w.agent, beta))
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDomain)

		// Made where the connection says so.
		settings := provision.ConnectionEdit{Settings: []byte(`{"createCompanies":true}`)}
		c, err := w.EditConnection(w.ctx(), w.agent, "a", settings)
		w.must(err)
		w.a.Directory = &desk.Directory{Connection: c}
		delta := w.push(w.a, named("u3@acme.example", "Delta"))
		made := w.contact(*delta.ContactID)
		if made.CompanyName != "Delta" || made.CompanyReason != desk.CompanyByDirectory {
			w.Errorf("the company is %q by %s", made.CompanyName, made.CompanyReason)
		}
		w.wantCompany(*w.push(w.b, named("u4@acme.example", "delta")).ContactID, made.CompanyID, desk.CompanyByDirectory)
		w.wantCompany(*w.push(w.b, named("u5@acme.example", "Epsilon")).ContactID, "", desk.CompanyAmbiguousContacts)
		epsilon := w.push(w.a, named("u6@acme.example", "Epsilon"))
		w.must(w.Rescan(w.ctx()))
		page, err := w.Contacts(w.ctx(), w.agent, provision.ContactQuery{Company: w.contact(*epsilon.ContactID).CompanyID, Limit: 10})
		w.must(err)
		if len(page.Contacts) != 2 {
			w.Errorf("%d contacts are Epsilon's; both directories' people should be", len(page.Contacts))
		}
	})
}

// people adds contacts of a domain without going through requests.
func (w *world) people(domain string, n int) {
	w.Helper()
	w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error {
		for range n {
			c := desk.Contact{TenantID: "t", ID: store.NewID(), Status: desk.Active, CompanyReason: desk.CompanyNoMatch, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			c.SetProfile(desk.Profile{DisplayName: "Somebody"}, domain)
			if err := tx.CreateContact(&c); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestRescanInPages holds that a large domain is worked through in pages, which a crash between two does not stop, and that the
// pages before do not change what the next ones get.
func TestRescanInPages(t *testing.T) {
	both(t, func(w *world) {
		acme, beta := w.company("Acme"), w.company("Beta")
		w.pin(w.make("By hand", "", "x@acme.example").ID, beta)
		w.people("acme.example", 4600)
		w.list(acme, "acme.example")
		p, err := w.RescanProgress(w.ctx(), w.agent)
		w.must(err)
		if p.FinishedAt != nil || p.Waiting != 1 || p.Checked != 4000 || p.Domains != 0 || p.Share <= 0 || p.Share >= 1 {
			w.Fatalf("after the request the progress is %+v", p)
		}
		again := &provision.Engine{Store: w.Store}
		w.must(again.Rescan(w.ctx()))
		p, err = w.RescanProgress(w.ctx(), w.agent)
		w.must(err)
		if p.FinishedAt == nil || p.Waiting != 0 || p.Checked != 4601 || p.Changed != 4600 || p.Domains != 1 || p.Share != 1 {
			w.Errorf("at the end the progress is %+v", p)
		}
		page, err := w.Contacts(w.ctx(), w.agent, provision.ContactQuery{Company: acme, Limit: 5000})
		w.must(err)
		if len(page.Contacts) != 4600 {
			w.Errorf("%d contacts are Acme's", len(page.Contacts))
		}
	})
}

// TestRescanShare holds that a rescan of many domains tells how much of it has been done.
func TestRescanShare(t *testing.T) {
	both(t, func(w *world) {
		for i := range 16 {
			w.people(fmt.Sprintf("d%02d.example", i), 2)
		}
		for range 2 { // the second begins from nothing
			w.must(w.StartRescan(w.ctx(), w.agent))
			p, err := w.RescanProgress(w.ctx(), w.agent)
			w.must(err)
			if p.Domains != 8 || p.Waiting != 8 || p.Share != 0.5 {
				w.Fatalf("half-way the progress is %+v", p)
			}
			w.must(w.Rescan(w.ctx()))
		}
	})
}

// TestRescanSettles changes companies and contacts at random. Afterwards a rescan of everybody must find nothing to change, and
// the preview of one must say what it then does.
func TestRescanSettles(t *testing.T) {
	both(t, func(w *world) {
		random := rand.New(rand.NewPCG(1, 2))
		pick := func(list []string) string { return list[random.IntN(len(list))] }
		domains := []string{"acme.example", "eu.acme.example", "beta.example", "gmail.com"}
		listings := append([]string{"*.acme.example"}, domains...)
		names := []string{"Acme", "Beta", "Gamma"}
		var firms, users []string
		some := func() (list []string) {
			for _, l := range listings {
				if random.IntN(4) == 0 {
					list = append(list, l)
				}
			}
			return list
		}
		for i := range 150 {
			switch n := random.IntN(10); {
			case n == 0:
				firms = append(firms, w.company(fmt.Sprint(pick(names), " ", i), some()...))
			case n == 1 && len(firms) > 0:
				w.list(pick(firms), some()...)
			case n == 2 && len(firms) > 2:
				i := random.IntN(len(firms))
				w.must(w.DeleteCompany(w.ctx(), w.agent, firms[i]))
				firms = append(firms[:i], firms[i+1:]...)
			case n == 3 && len(firms) > 0:
				name := pick(names)
				_, err := w.EditCompany(w.ctx(), w.agent, pick(firms), provision.CompanyEdit{Name: &name})
				if desk.KindOf(err) != desk.Uniqueness {
					w.must(err)
				}
			case n == 4 && len(users) > 0 && len(firms) > 0:
				u, err := w.User(w.ctx(), w.a, pick(users))
				w.must(err)
				w.pin(*u.ContactID, pick(append([]string{""}, firms...)))
			case n == 5 && len(users) > 0:
				w.set(w.a, pick(users), "active", random.IntN(2) == 0)
			case n == 6 && len(users) > 0:
				w.set(w.a, pick(users), "emails", work("x@"+pick(domains)))
			default:
				r := user(fmt.Sprintf("u%d@%s", i, pick(domains)))
				if random.IntN(3) == 0 {
					r[desk.EnterpriseURN] = map[string]any{"organization": pick(names)}
				}
				users = append(users, w.push(w.a, r).ID)
			}
		}
		w.must(w.Rescan(w.ctx()))
		preview := func() (list []provision.Remapped) {
			w.Helper()
			_, err := w.PreviewRescan(w.ctx(), w.agent, func(r provision.Remapped) error { list = append(list, r); return nil })
			w.must(err)
			return list
		}
		for _, r := range preview() {
			c := w.contact(r.Before.ID)
			w.Errorf("contact of %s, by %s %q, would change to %s %q", c.Domain, c.CompanyReason, c.CompanyName, r.Reason, r.CompanyID)
		}

		// Behind the engine's back, so that there is something to preview.
		w.must(w.Store.Tx(w.ctx(), func(tx *store.Tx) error { return tx.LinkContacts("t", w.all(), firms[0], desk.CompanyByDomain) }))
		would := preview()
		w.must(w.StartRescan(w.ctx(), w.agent))
		w.must(w.Rescan(w.ctx()))
		for _, r := range would {
			if c := w.contact(r.Before.ID); c.Contact.CompanyID != r.CompanyID || c.CompanyReason != r.Reason {
				w.Errorf("previewed %s %q, became %s %q", r.Reason, r.CompanyID, c.CompanyReason, c.Contact.CompanyID)
			}
		}
		if len(would) == 0 || len(preview()) != 0 {
			w.Errorf("%d contacts would change, afterwards %d", len(would), len(preview()))
		}
	})
}
