package provision_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/desk"
	"rollcall/provision"
)

func (w *world) company(name string, domains ...string) string {
	w.Helper()
	c, err := w.CreateCompany(w.ctx(), w.agent, provision.CompanyEdit{Name: &name, Domains: &domains})
	w.must(err)
	return c.ID
}

func (w *world) wantCompany(contact, company string, reason desk.CompanyReason) {
	w.Helper()
	if c := w.contact(contact); c.CompanyID != company || c.CompanyReason != reason || (c.CompanyName == "") != (company == "") {
		w.Fatalf("company is %q %q by %s; want %q by %s", c.CompanyID, c.CompanyName, c.CompanyReason, company, reason)
	}
}

func (w *world) pushAt(userName, address string) desk.DirectoryUser {
	w.Helper()
	return w.push(w.a, user(userName, "emails", work(address)))
}

func TestCompanyOfContact(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example", "ACME.test.")
		beta := w.company("Beta", "beta.example", "bücher.example")
		w.company("Gamma", "shared.example")
		w.company("Delta", "shared.example")

		// At creation.
		u := w.pushAt("u1", "kofi@Acme.Example")
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDomain)
		w.wantCompany(*w.pushAt("u2", "a@evilacme.example").ContactID, "", desk.CompanyNoMatch)
		w.wantCompany(*w.pushAt("u3", "a@sub.acme.example").ContactID, "", desk.CompanyNoMatch)
		w.wantCompany(*w.pushAt("u4", "a@shared.example").ContactID, "", desk.CompanyAmbiguousListing)
		w.wantCompany(*w.pushAt("u5", "a@xn--bcher-kva.example").ContactID, beta, desk.CompanyByDomain)
		w.wantCompany(*w.push(w.a, user("no address")).ContactID, "", desk.CompanyNoMatch)
		w.wantCompany(*w.push(w.a, user("upn@acme.test")).ContactID, acme, desk.CompanyByDomain)
		w.wantCompany(w.make("By hand", "", "x@beta.example").ID, beta, desk.CompanyByDomain)

		// Whenever the email changes, and not otherwise.
		w.set(w.a, u.ID, "emails", work("kofi@beta.example"))
		w.wantCompany(*u.ContactID, beta, desk.CompanyByDomain)
		w.set(w.a, u.ID, "emails", nil)
		w.wantCompany(*u.ContactID, "", desk.CompanyNoMatch)
		w.set(w.a, u.ID, "emails", work("kofi@acme.example"))
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDomain)

		// By hand, and given back.
		_, err := w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{CompanyID: &beta})
		w.must(err)
		w.set(w.a, u.ID, "emails", work("kofi2@acme.example"))
		w.wantCompany(*u.ContactID, beta, desk.CompanyManual)
		none := ""
		_, err = w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{CompanyID: &none})
		w.must(err)
		w.set(w.a, u.ID, "emails", work("kofi3@acme.example"))
		w.wantCompany(*u.ContactID, "", desk.CompanyManual)
		_, err = w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{CompanyAuto: true})
		w.must(err)
		w.wantCompany(*u.ContactID, acme, desk.CompanyByDomain)
		unknown := "nobody"
		_, err = w.EditContact(w.ctx(), w.agent, *u.ContactID, nil, provision.ContactEdit{CompanyID: &unknown})
		w.wantKind(err, desk.InvalidValue, "companyId")
	})
}

func TestCompanyOfSubdomain(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example", "*.ACME.example")
		asia := w.company("Acme Asia", "*.asia.acme.example")
		tokyo := w.company("Acme Tokyo", "tokyo.asia.acme.example")
		gamma := w.company("Gamma", "*.shared.example")
		delta := w.company("Delta", "*.shared.example")
		w.company("Omega", "omega.example")
		for i, c := range []struct {
			address, company string
			reason           desk.CompanyReason
		}{
			{"a@acme.example", acme, desk.CompanyByDomain},
			{"a@mail.acme.example", acme, desk.CompanyByDomain},
			{"a@deep.down.acme.example", acme, desk.CompanyByDomain},
			{"a@asia.acme.example", acme, desk.CompanyByDomain},
			{"a@osaka.asia.acme.example", asia, desk.CompanyByDomain},
			{"a@tokyo.asia.acme.example", tokyo, desk.CompanyByDomain},
			{"a@x.tokyo.asia.acme.example", asia, desk.CompanyByDomain},
			{"a@evilacme.example", "", desk.CompanyNoMatch},
			{"a@mail.evilacme.example", "", desk.CompanyNoMatch},
			{"a@acme.example.evil.test", "", desk.CompanyNoMatch},
			{"a@shared.example", "", desk.CompanyNoMatch},
			{"a@mail.shared.example", "", desk.CompanyAmbiguousListing},
			{"a@mail.omega.example", "", desk.CompanyNoMatch}, // which does not say that its subdomains are its
		} {
			w.wantCompany(*w.pushAt(fmt.Sprintf("u%d", i), c.address).ContactID, c.company, c.reason)
		}
		unmapped, err := w.UnmappedDomains(w.ctx(), w.agent, 10)
		w.must(err)
		for _, d := range unmapped {
			if d.Domain == "mail.shared.example" || d.Contacts != 1 {
				w.Errorf("unmapped: %+v", d)
			}
		}
		if len(unmapped) != 5 {
			w.Errorf("%d domains are unmapped: %+v", len(unmapped), unmapped)
		}
		w.pushAt("v1", "a@kobe.asia.acme.example")
		_, err = w.EditContact(w.ctx(), w.agent, *w.pushAt("v2", "b@kobe.asia.acme.example").ContactID, nil, provision.ContactEdit{CompanyID: &acme})
		w.must(err)
		w.wantCompany(*w.pushAt("v3", "c@kobe.asia.acme.example").ContactID, "", desk.CompanyAmbiguousContacts)
		company := func(id, name string, listed bool, contacts int) provision.DomainCompany {
			return provision.DomainCompany{ID: id, Name: name, Listed: listed, Contacts: contacts}
		}
		shared := []provision.DomainCompany{company(gamma, "Gamma", true, 0), company(delta, "Delta", true, 0)}
		want := []provision.AmbiguousDomain{
			{Domain: "*.shared.example", Reason: desk.CompanyAmbiguousListing, Companies: shared},
			{Domain: "kobe.asia.acme.example", Reason: desk.CompanyAmbiguousContacts, Unmapped: 1, Companies: []provision.DomainCompany{
				company(acme, "Acme", false, 1), company(asia, "Acme Asia", true, 1),
			}},
			{Domain: "mail.shared.example", Reason: desk.CompanyAmbiguousListing, Unmapped: 1, Companies: shared},
		}
		for _, limit := range []int{2, 10} {
			ambiguous, err := w.AmbiguousDomains(w.ctx(), w.agent, limit)
			w.must(err)
			if diff := cmp.Diff(want[:min(limit, len(want))], ambiguous); diff != "" {
				w.Errorf("ambiguous, up to %d: %s", limit, diff)
			}
		}
		// To say whose *.shared.example is settles its subdomains.
		unsettled, err := w.UnsettledDomains(w.ctx(), w.agent, 10)
		w.must(err)
		if diff := cmp.Diff(want[:2], unsettled); diff != "" {
			w.Errorf("unsettled: %s", diff)
		}
		names, err := w.Unsettled(w.ctx(), w.agent, 1)
		w.must(err)
		if !slices.Equal(names, []string{"*.shared.example"}) {
			w.Errorf("the first that is unsettled: %v", names)
		}
		name, domains := "Everybody", []string{"*.co.uk"}
		_, err = w.CreateCompany(w.ctx(), w.agent, provision.CompanyEdit{Name: &name, Domains: &domains})
		w.wantKind(err, desk.InvalidValue, "domains")
		w.must(w.DeleteCompany(w.ctx(), w.agent, asia))
		page, err := w.Contacts(w.ctx(), w.agent, provision.ContactQuery{Domain: "osaka.asia.acme.example", Limit: 2})
		w.must(err)
		w.wantCompany(page.Contacts[0].ID, acme, desk.CompanyByDomain)
	})
}

func TestCompanyAmbiguousContacts(t *testing.T) {
	both(t, func(w *world) {
		acme, beta := w.company("Acme", "acme.example"), w.company("Beta")
		first, second := w.pushAt("u1", "1@acme.example"), w.pushAt("u2", "2@acme.example")
		_, err := w.EditContact(w.ctx(), w.agent, *second.ContactID, nil, provision.ContactEdit{CompanyID: &beta})
		w.must(err)
		before, err := w.UnsettledDomains(w.ctx(), w.agent, 10)
		w.must(err)
		third := w.pushAt("u3", "3@acme.example")
		after, err := w.UnsettledDomains(w.ctx(), w.agent, 10)
		w.must(err)
		if len(before) != 0 || len(after) != 1 || after[0].Domain != "acme.example" || after[0].Unmapped != 1 || len(after[0].Companies) != 2 {
			w.Errorf("unsettled are %+v, then %+v", before, after)
		}
		w.wantCompany(*third.ContactID, "", desk.CompanyAmbiguousContacts)
		// A contact's own link does not count against it: of the others, one is Beta's.
		w.set(w.a, first.ID, "emails", work("1b@acme.example"))
		w.wantCompany(*first.ContactID, acme, desk.CompanyByDomain)
		// Nor do deleted contacts.
		w.must(w.DeleteContact(w.ctx(), w.agent, *second.ContactID, nil))
		w.wantCompany(*w.pushAt("u4", "4@acme.example").ContactID, acme, desk.CompanyByDomain)
	})
}

func TestDeleteCompany(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example")
		u := w.pushAt("u1", "1@acme.example")
		name := "ACME"
		_, err := w.CreateCompany(w.ctx(), w.agent, provision.CompanyEdit{Name: &name})
		w.wantKind(err, desk.Uniqueness, "name")
		w.must(w.DeleteCompany(w.ctx(), w.agent, acme))
		w.wantCompany(*u.ContactID, "", desk.CompanyNoMatch)
		w.wantKind(w.DeleteCompany(w.ctx(), w.agent, acme), desk.NotFound, "")
		w.wantCompany(*w.pushAt("u2", "2@acme.example").ContactID, "", desk.CompanyNoMatch)
	})
}

// TestPushAtOnce lets many requests push the same people at the same moment.
func TestPushAtOnce(t *testing.T) {
	both(t, func(w *world) {
		w.company("Acme", "acme.example")
		const people, tries = 8, 6
		var mu sync.Mutex
		created, refused := 0, 0
		var wg sync.WaitGroup
		for p := range people {
			for i := range tries {
				wg.Go(func() {
					actor := []desk.Actor{w.a, w.b}[i%2]
					name := fmt.Sprintf("p%d@acme.example", p)
					_, err := w.CreateUser(w.ctx(), actor, user(name, "externalId", fmt.Sprint(p), "emails", work(name)))
					mu.Lock()
					defer mu.Unlock()
					switch desk.KindOf(err) {
					case "":
						created++
					case desk.Uniqueness:
						refused++
					default:
						w.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if created != 2*people || refused != people*(tries-2) {
			w.Errorf("%d created, %d refused; want %d and %d", created, refused, 2*people, people*(tries-2))
		}
		if n := len(w.all()); n != people {
			w.Errorf("%d contacts for %d people", n, people)
		}
	})
}

// TestChangeAtOnce lets directories, agents and company changes work on the same contacts at the same moment: none of it may
// fail, or leave the contact in a state that its users contradict.
func TestChangeAtOnce(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example")
		a := w.push(w.a, user("kofi@acme.example", "externalId", "k"))
		b := w.push(w.b, user("kofi@acme.example", "externalId", "k"))
		var doomed, firms []string
		for i := range 10 {
			gone := w.push(w.a, user(fmt.Sprintf("gone%d@acme.example", i)))
			w.must(w.DeleteContact(w.ctx(), w.agent, *gone.ContactID, nil))
			doomed = append(doomed, *gone.ContactID)
			firms = append(firms, w.company(fmt.Sprintf("Firm %d", i), "acme.example", fmt.Sprintf("firm%d.example", i)))
		}
		var wg sync.WaitGroup
		try := func(what string, f func() error) {
			wg.Go(func() {
				if err := f(); err != nil {
					w.Errorf("%s: %v", what, err)
				}
			})
		}
		for i := range 10 {
			try("patch in one directory", func() error { return w.change(w.a, a.ID, "title", fmt.Sprint(i), "active", i%2 == 0) })
			try("patch in the other", func() error { return w.change(w.b, b.ID, "emails", work(fmt.Sprintf("k%d@acme.example", i))) })
			try("delete by hand", func() error { return w.DeleteContact(w.ctx(), w.agent, *a.ContactID, nil) })
			try("erase", func() error {
				err := w.EraseContact(w.ctx(), w.agent, doomed[i], nil)
				if desk.KindOf(err) == desk.Conflict {
					return nil // pushed again, and active, before it could be erased
				}
				return err
			})
			try("push", func() error {
				_, err := w.CreateUser(w.ctx(), w.a, user(fmt.Sprintf("x%d@acme.example", i)))
				return err
			})
			try("push whom another erases", func() error {
				_, err := w.CreateUser(w.ctx(), w.b, user(fmt.Sprintf("gone%d@acme.example", i)))
				return err
			})
			try("edit company", func() error {
				domains := []string{"acme.example", fmt.Sprintf("d%d.example", i)}
				_, err := w.EditCompany(w.ctx(), w.agent, acme, provision.CompanyEdit{Domains: &domains})
				return err
			})
			try("delete company", func() error { return w.DeleteCompany(w.ctx(), w.agent, firms[i]) })
		}
		wg.Wait()
		w.set(w.a, a.ID, "active", false)
		w.set(w.b, b.ID, "active", false)
		if c := w.contact(*a.ContactID); c.Status != desk.SoftDeleted {
			w.Errorf("contact is %s, though no connection holds it active", c.Status)
		}
		w.set(w.b, b.ID, "active", true)
		w.wantStatus(*a.ContactID, desk.Active, "")
		w.must(w.Rescan(w.ctx()))
		for _, id := range w.all() {
			if c := w.contact(id); c.CompanyID != "" && c.CompanyID != acme {
				w.Errorf("contact %s is of company %s, which is gone", id, c.CompanyID)
			}
		}
	})
}

func TestSearchCompanies(t *testing.T) {
	both(t, func(w *world) {
		for _, name := range []string{"Zeta 100%", "acme", "ÄCME Bücher", "Silver Field"} {
			w.company(name, "a.example")
		}
		for _, c := range []struct {
			text, after string
			limit       int
			want        []string
		}{
			{"", "", 9, []string{"acme", "Silver Field", "Zeta 100%", "ÄCME Bücher"}},
			{"", "", 2, []string{"acme", "Silver Field"}},
			{"", "silver field", 2, []string{"Zeta 100%", "ÄCME Bücher"}},
			{" CME ", "", 9, []string{"acme", "ÄCME Bücher"}},
			{"BÜCH", "", 9, []string{"ÄCME Bücher"}},
			{"%", "", 9, []string{"Zeta 100%"}},
			{"_", "", 9, nil},
		} {
			list, err := w.SearchCompanies(w.ctx(), w.agent, c.text, c.after, c.limit)
			w.must(err)
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
				if !slices.Equal(c.Domains, []string{"a.example"}) {
					w.Errorf("%s lists %v", c.Name, c.Domains)
				}
			}
			if !slices.Equal(names, c.want) {
				w.Errorf("%q after %q: %q, want %q", c.text, c.after, names, c.want)
			}
		}
		_, err := w.SearchCompanies(w.ctx(), w.agent, "\x00", "", 9)
		w.wantKind(err, desk.InvalidValue, "q")
	})
}

// TestCompanyDomains holds that domains are added and taken away beside others, and given to one company alone.
func TestCompanyDomains(t *testing.T) {
	both(t, func(w *world) {
		acme, beta, gamma := w.company("Acme", "acme.example", "joint.example"), w.company("Beta", "joint.example"), w.company("Gamma", "joint.example")
		at := w.pushAt("u1", "a@joint.example")
		elsewhere := w.pushAt("u2", "a@eu.acme.example")
		want := func(id string, domains ...string) {
			w.Helper()
			c, err := w.Company(w.ctx(), w.agent, id)
			w.must(err)
			if diff := cmp.Diff(domains, c.Domains, cmpopts.EquateEmpty()); diff != "" {
				w.Errorf("%s lists (-want +got):\n%s", c.Name, diff)
			}
		}
		shared, err := w.SharedDomains(w.ctx(), w.agent, desk.Company{Domains: []string{"acme.example", "joint.example", "new.example"}})
		w.must(err)
		if diff := cmp.Diff(map[string][]provision.DomainCompany{
			"joint.example": {{ID: acme, Name: "Acme", Listed: true}, {ID: beta, Name: "Beta", Listed: true}, {ID: gamma, Name: "Gamma", Listed: true}},
		}, shared); diff != "" {
			w.Errorf("shared domains (-want +got):\n%s", diff)
		}

		_, err = w.EditCompany(w.ctx(), w.agent, acme, provision.CompanyEdit{Add: []string{"*.ACME.example", "acme.example"}, Remove: []string{"joint.example", "unknown.example"}})
		w.must(err)
		want(acme, "*.acme.example", "acme.example")
		w.wantCompany(*elsewhere.ContactID, acme, desk.CompanyByDomain)
		w.wantCompany(*at.ContactID, "", desk.CompanyAmbiguousListing)
		_, err = w.EditCompany(w.ctx(), w.agent, acme, provision.CompanyEdit{Add: []string{"*.co.uk"}})
		w.wantKind(err, desk.InvalidValue, "domains")

		w.must(w.AssignDomain(w.ctx(), w.agent, "Joint.example", acme))
		want(acme, "*.acme.example", "acme.example", "joint.example")
		want(beta)
		want(gamma)
		w.wantCompany(*at.ContactID, acme, desk.CompanyByDomain)
		w.wantKind(w.AssignDomain(w.ctx(), w.agent, "joint.example", "nobody"), desk.NotFound, "")
		want(acme, "*.acme.example", "acme.example", "joint.example")
		w.wantKind(w.AssignDomain(w.ctx(), w.agent, "*.com", acme), desk.InvalidValue, "domains")
		if got := provision.Freemail("acme.example", "*.GMAIL.com", "gmx.de", "nonsense at all"); !slices.Equal(got, []string{"*.gmail.com", "gmx.de"}) {
			w.Errorf("freemail among them: %v", got)
		}
	})
}
