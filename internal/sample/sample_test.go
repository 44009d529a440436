package sample_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/sample"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

var options = sample.Options{Contacts: 2000, Tenants: 5, Seed: 1, Until: time.Now()}

// TestFill fills a database and pushes the same people to another one, as directories and agents do: all that is there of a person is
// the same then. The filled one answers requests as if it had grown.
func TestFill(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		filled := testkit.NewServer(t, databaseURL)
		if err := filled.Engine.Fill(t.Context(), sample.Helpdesks(options)); err != nil {
			t.Fatal(err)
		}
		if err := filled.Engine.Fill(t.Context(), sample.Helpdesks(options)); desk.KindOf(err) != desk.Conflict {
			t.Errorf("filled twice: %v", err)
		}
		grown := testkit.NewServer(t, testkit.SQLite(t))
		people, unsynced, deleted := 0, 0, 0
		for h := range sample.Helpdesks(options) {
			grow(t, grown.Engine, h)
			for p := range h.People {
				people++
				got, want := look(t, filled.Store, h.Tenant, p), look(t, grown.Store, h.Tenant, p)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%s (-grown +filled):\n%s", p.Resource.UserName(), diff)
				}
				if !p.Synced {
					unsynced++
				}
				if got.Contact.Status == desk.SoftDeleted {
					deleted++
				}
			}
		}
		if people != options.Contacts || unsynced == 0 || deleted == 0 {
			t.Errorf("%d people, %d of them unsynced, %d deleted", people, unsynced, deleted)
		}
		if strays := 0; filled.Store.Engine() == store.SQLite { // which the full-text index would have to sort
			err := testkit.OpenSQL(t, databaseURL).QueryRow("SELECT count(*) FROM contacts WHERE num & (1 << 39)").Scan(&strays)
			if err != nil || strays > 0 {
				t.Errorf("%d contacts are not numbered by their ids, %v", strays, err)
			}
		}
		requests(t, filled)
		for _, h := range health(t, filled.Engine) {
			if h.Health == desk.HealthFailing {
				t.Errorf("%s/%s: %v", h.TenantID, h.Slug, h.Reasons)
			}
		}
	})
}

func health(t *testing.T, e *provision.Engine) []provision.ConnectionHealth {
	t.Helper()
	list, err := e.AllHealth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != options.Tenants {
		t.Errorf("%d connections", len(list))
	}
	return list
}

// requests looks a person up, changes them, and reads lists.
func requests(t *testing.T, s *testkit.Server) {
	var person provision.FillPerson
	for h := range sample.Helpdesks(options) {
		for person = range h.People {
			if person.Synced && person.Resource["active"] == true {
				break
			}
		}
		break
	}
	secret, err := s.Auth.Issue(context.Background(), provision.System(sample.Largest), &desk.Token{Kind: desk.TokenSCIM, TenantID: sample.Largest, Connection: sample.Connection})
	if err != nil {
		t.Fatal(err)
	}
	users := s.URL + "/scim/" + sample.Largest + "/" + sample.Connection + "/Users"
	found := testkit.Call(t, "GET", users+"?filter="+url.QueryEscape(`externalId eq "`+person.Resource.ExternalID()+`"`), secret, nil).Want(t, 200)
	user := found["Resources"].([]any)[0].(map[string]any)
	changed := testkit.Call(t, "PATCH", users+"/"+fmt.Sprint(user["id"]), secret, `{"Operations":[{"op":"Replace","path":"title","value":"Captain"}]}`).Want(t, 200)
	if changed["title"] != "Captain" || changed["userName"] != person.Resource.UserName() {
		t.Errorf("patched: %v", changed)
	}
	list := testkit.Call(t, "GET", users+"?count=10&startIndex=100", secret, nil).Want(t, 200)
	if total, page := list["totalResults"].(float64), list["Resources"].([]any); total < 700 || total > 800 || len(page) != 10 {
		t.Errorf("%v in all, %d on a page", total, len(page))
	}
	agent := s.Token(t, sample.Largest, desk.RoleAgent)
	for query, least := range map[string]int{"domain=": 100, "status=deleted": 20, "q=": 100} {
		switch query {
		case "domain=":
			for h := range sample.Helpdesks(options) {
				query += h.Companies[0].Domains[0]
				break
			}
		case "q=":
			query += url.QueryEscape("example")
		}
		page := testkit.Call(t, "GET", s.URL+"/api/v1/contacts?limit=200&"+query, agent, nil).Want(t, 200)
		if n := len(page["items"].([]any)); n < least {
			t.Errorf("%s: %d contacts", query, n)
		}
	}
}

// grow makes a helpdesk by requests.
func grow(t *testing.T, e *provision.Engine, h provision.Filling) {
	t.Helper()
	agent := desk.Actor{Type: desk.ActorAgent, TenantID: h.Tenant, Name: "Import", Role: desk.RoleAdmin}
	directory := testkit.Directory(h.Tenant, h.Connection)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(e.CreateTenant(t.Context(), h.Tenant, ""))
	must(e.CreateConnection(t.Context(), provision.System(h.Tenant), &desk.Connection{Slug: h.Connection, Provider: h.Provider}))
	for _, c := range h.Companies {
		_, err := e.CreateCompany(t.Context(), agent, provision.CompanyEdit{Name: &c.Name, Domains: &c.Domains})
		must(err)
	}
	for p := range h.People {
		var contact string
		if p.Known {
			profile := desk.ProfileOf(p.Resource)
			c, err := e.CreateContact(t.Context(), agent, provision.ContactEdit{
				DisplayName: &profile.DisplayName, UserName: &profile.UserName, Title: &profile.Title, Emails: &profile.Emails, Phones: &profile.Phones,
			})
			must(err)
			contact = c.ID
		}
		if p.Synced {
			u, err := e.CreateUser(t.Context(), directory, p.Resource)
			must(err)
			contact = *u.ContactID
		}
		for _, subject := range p.Tickets {
			_, err := e.CreateTicket(t.Context(), agent, contact, provision.TicketEdit{Subject: &subject})
			must(err)
		}
	}
}

// person is all that there is of somebody, without ids and times.
type person struct {
	Contact           desk.Contact
	Verified, Deleted bool
	Company           string
	User              *desk.DirectoryUser
	Emails            []desk.UserEmail
	Events            []desk.Event
	Tickets           []desk.Ticket
}

func look(t *testing.T, s *store.Store, tenant string, p provision.FillPerson) (found person) {
	t.Helper()
	r := s.Read(t.Context())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ids, err := r.ContactsByKey(tenant, "", desk.Fold(p.Resource.UserName()))
	must(err)
	if len(ids) != 1 {
		t.Fatalf("%s: %d contacts", p.Resource.UserName(), len(ids))
	}
	c, err := r.Contact(tenant, ids[0])
	must(err)
	users, err := r.UsersOf(tenant, c.ID)
	must(err)
	names, err := r.CompanyNames(tenant, []string{c.CompanyID})
	must(err)
	found.Company = names[c.CompanyID]
	for _, u := range users {
		decoded, err := u.Decode()
		must(err)
		found.Emails = u.EmailIndex(decoded)
		for i := range found.Emails {
			found.Emails[i].UserID = ""
		}
		byEmail, err := r.Users(tenant, u.Connection, desk.UserQuery{Limit: 2, Filter: desk.Compare{
			Attr: desk.Attribute{Path: []string{"emails", "value"}}, Op: desk.Eq, Value: desk.Fold(p.Resource.UserName()),
		}})
		must(err)
		if len(byEmail) != 1 || byEmail[0].ID != u.ID {
			t.Fatalf("%s: found by email %d times", p.Resource.UserName(), len(byEmail))
		}
		u.ID, u.ContactID, u.CreatedAt, u.ModifiedAt = "", nil, time.Time{}, time.Time{}
		found.User = &u
	}
	found.Events, err = r.Events(store.EventQuery{TenantID: tenant, Contacts: []string{c.ID}, Limit: 10})
	must(err)
	for i := range found.Events {
		ev := &found.Events[i]
		ev.ID, ev.At, ev.ContactID, ev.UserID, ev.Microseconds = "", time.Time{}, nil, nil, 0
		ev.Detail, _, _ = strings.Cut(ev.Detail, " ") // and a ticket's id
		for j, change := range ev.Changes {
			if change.Field == "company" {
				ev.Changes[j].To = names[fmt.Sprint(change.To)]
			}
		}
	}
	found.Tickets, err = r.Tickets(store.TicketQuery{TenantID: tenant, Contact: c.ID, Limit: 10})
	must(err)
	for i := range found.Tickets {
		ticket := &found.Tickets[i]
		ticket.ID, ticket.ContactID, ticket.CreatedAt, ticket.ModifiedAt = "", "", time.Time{}, time.Time{}
	}
	found.Verified, found.Deleted = c.VerifiedAt != nil, c.DeletedAt != nil
	c.ID, c.CompanyID, c.CreatedAt, c.ModifiedAt, c.VerifiedAt, c.DeletedAt = "", "", time.Time{}, time.Time{}, nil, nil
	found.Contact = c
	return found
}

// TestHelpdesks looks at what is made up.
func TestHelpdesks(t *testing.T) {
	o := sample.Options{Contacts: 20_000, Tenants: 20, Seed: 3, Until: time.Now()}
	var sizes []int
	total, inLargest := 0, 0
	externalIDs := map[string]bool{}
	for h := range sample.Helpdesks(o) {
		names, domains := map[string]bool{}, map[string]int{}
		for _, c := range h.Companies {
			if names[c.Name] {
				t.Errorf("%s: two companies %s", h.Tenant, c.Name)
			}
			names[c.Name] = true
			for _, d := range c.Domains {
				domains[d]++
			}
		}
		ambiguous := 0
		for _, n := range domains {
			if n > 1 {
				ambiguous++
			}
		}
		if ambiguous != 1 {
			t.Errorf("%s: %d domains of several companies", h.Tenant, ambiguous)
		}
		n := 0
		last := time.Time{}
		userNames := map[string]bool{}
		for p := range h.People {
			n++
			name := p.Resource.UserName()
			if userNames[name] || externalIDs[p.Resource.ExternalID()] {
				t.Fatalf("%s: %s came twice", h.Tenant, name)
			}
			userNames[name], externalIDs[p.Resource.ExternalID()] = true, true
			made := p.At
			if p.Known {
				made = made.AddDate(0, 0, -1)
			}
			if !made.After(last) || !p.At.Before(o.Until) {
				t.Fatalf("%s: %s came at %s, the contact before was made at %s", h.Tenant, name, p.At, last)
			}
			last = made
			if h.Tenant == sample.Largest && strings.HasSuffix(name, "@"+h.Companies[0].Domains[0]) {
				inLargest++
			}
		}
		sizes = append(sizes, n)
		total += n
	}
	if total != o.Contacts || len(sizes) != o.Tenants || sizes[0] < total*2/5 || sizes[1] < 5*sizes[10] {
		t.Errorf("%d people: %v", total, sizes)
	}
	if inLargest < total/5*9/10 {
		t.Errorf("%d people in the largest domain", inLargest)
	}
}
