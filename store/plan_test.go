package store_test

import (
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestPlans asks both databases, with a tenant of some size whose people share one email domain, how they answer each
// question that a request asks: none may look at more rows than it returns, give or take a few.
func TestPlans(t *testing.T) {
	const people = 3000
	store.WalkStep(t, 40)
	store.CountLimit(t, 20)
	name := func(i int) string { return fmt.Sprintf("user%d@acme.example", i) }
	text := func(multi int, exact bool, path ...string) desk.Attribute {
		return desk.Attribute{Path: path, Multi: multi, CaseExact: exact}
	}
	eq := func(a desk.Attribute, v string) desk.Filter { return desk.Compare{Attr: a, Op: desk.Eq, Value: v} }
	userName, externalID := text(-1, false, "userName"), text(-1, true, "externalId")
	typed := func(typ, value string) desk.Filter {
		return desk.Elements{Attr: desk.Attribute{Path: []string{"emails"}, Type: desk.ComplexType}, Filter: desk.And{
			Left: eq(text(-1, false, "type"), typ), Right: eq(text(-1, false, "value"), value),
		}}
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := open(t, databaseURL)
		seed(t, s, people, name)
		if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.RescanListing("t", "acme.example") }); err != nil {
			t.Fatal(err)
		}
		db := planner(t, s, databaseURL)
		middle := contactID(people / 2)
		t0 := time.Now()
		page := func(q desk.UserQuery) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				q.Limit = 10
				_, err := tx.Users("t", "c", q)
				return err
			}
		}
		users := func(f desk.Filter) func(*store.Tx) error { return page(desk.UserQuery{Filter: f}) }
		byName := &desk.Sort{By: userName}
		contacts := func(q store.ContactQuery) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				q.TenantID, q.Limit = "t", 10
				_, _, err := tx.Contacts(q)
				return err
			}
		}
		events := func(q store.EventQuery) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				q.TenantID, q.Limit = "t", 10
				_, err := tx.Events(q)
				return err
			}
		}
		person := store.Person{TenantID: "t", Connection: "c2", ExternalID: "x7", UserName: name(7), Email: name(7)}
		guess := func(domain string) func(*store.Tx) error { // the second one does, by what the first one found
			return func(tx *store.Tx) error {
				nobody := store.Person{TenantID: "t", Connection: "c2", ExternalID: "nobody", UserName: "nobody", Email: "nobody"}
				q := store.CompanyQuery{TenantID: "t", Domain: domain, Listings: []string{domain, "*.example"}}
				_, err := tx.Recognise(nobody, q, "a state")
				_, guessed := tx.Recognise(nobody, q, "a state")
				return errors.Join(err, guessed)
			}
		}
		statements := store.Statements(t, s)
		for name, ask := range map[string]func(*store.Tx) error{
			"users by externalId":             users(eq(externalID, "x7")),
			"users by userName":               users(eq(userName, name(7))),
			"users by externalId or userName": users(desk.Or{Left: eq(externalID, "x7"), Right: eq(userName, name(8))}),
			"users by externalId and active":  users(desk.And{Left: eq(externalID, "x7"), Right: desk.Compare{Attr: desk.Attribute{Path: []string{"active"}, Multi: -1, Type: desk.BoolType}, Op: desk.Eq, Value: true}}),
			"users by email":                  users(eq(text(0, false, "emails", "value"), name(7))),
			"users by work email":             users(typed("work", name(7))),
			"users by their names' beginning": users(desk.Compare{Attr: userName, Op: desk.Starts, Value: "user299"}),
			"users, a page later":             page(desk.UserQuery{From: &desk.Position{ID: userID(7)}}),
			"users, a page before":            page(desk.UserQuery{From: &desk.Position{ID: userID(7), Backward: true}}),
			"users by name":                   page(desk.UserQuery{Sort: byName}),
			"users by name, downwards":        page(desk.UserQuery{Sort: &desk.Sort{By: userName, Descending: true}}),
			"users by name, a page later":     page(desk.UserQuery{Sort: byName, From: &desk.Position{Key: name(7), ID: userID(7)}}),
			"users by name, a page before":    page(desk.UserQuery{Sort: byName, From: &desk.Position{Key: name(7), ID: userID(7), Backward: true}}),
			"the user itself":                 func(tx *store.Tx) error { _, err := tx.User("t", "c", userID(7)); return err },
			"the user itself, locked":         func(tx *store.Tx) error { _, err := tx.LockUser("t", "c", userID(7), ""); return err },
			"users by userName, after changes": func(tx *store.Tx) error {
				l, err := tx.LockUser("t", "c", userID(7), "")
				changed := l.User
				changed.Version++
				err = errors.Join(err, tx.UpdateUser(&l.User, &changed, nil, nil))
				_, failed := s.Read(t.Context()).Users("t", "c", desk.UserQuery{Filter: eq(userName, name(7)), Limit: 10})
				return errors.Join(err, failed)
			},
			"the user itself, changed": func(tx *store.Tx) error {
				l, err := tx.LockUser("t", "c", userID(7), "")
				changed := l.User
				changed.Version++
				return errors.Join(err, tx.UpdateUser(&l.User, &changed, nil, nil))
			},
			"what a create decides by": func(tx *store.Tx) error {
				_, err := tx.Recognise(person, store.CompanyQuery{TenantID: "t", Domain: "acme.example", Listings: []string{"acme.example"}}, "")
				return err
			},
			"what a create decides by, of a person whom nobody knows": func(tx *store.Tx) error {
				_, err := tx.Recognise(store.Person{TenantID: "t", Connection: "c2", ExternalID: "nobody", UserName: "nobody", Email: "nobody"}, store.CompanyQuery{TenantID: "t", Domain: "acme.example"}, "")
				return err
			},
			"what a create guesses, of a domain with companies": guess("acme.example"),
			"what a create guesses, of a domain without":        guess("none.example"),
			"who holds a person's keys":                         func(tx *store.Tx) error { p := person; p.Connection = "c"; _, err := tx.UsersByKey(p); return err },
			"contacts that a person may be":                     func(tx *store.Tx) error { _, err := tx.Candidates(person); return err },
			"contacts that several may be":                      func(tx *store.Tx) error { _, err := tx.CandidatesOf([]store.Person{person, person}); return err },
			"contacts by id":                                    func(tx *store.Tx) error { _, err := tx.ContactsByID("t", []string{middle, contactID(7)}); return err },
			"a contact, locked":                                 func(tx *store.Tx) error { _, err := tx.LockContact("t", middle); return err },
			"several contacts, locked":                          func(tx *store.Tx) error { _, err := tx.LockContacts("t", []string{middle, contactID(7)}); return err },
			"users of a page of contacts":                       func(tx *store.Tx) error { _, err := tx.UsersOf("t", middle, contactID(7)); return err },
			"company facts": func(tx *store.Tx) error {
				_, err := tx.CompanyFacts(store.CompanyQuery{TenantID: "t", Domain: "acme.example", Listings: []string{"acme.example", "*.example"}, Name: "acme", Except: middle})
				return err
			},
			"contacts":                           contacts(store.ContactQuery{From: &desk.Position{ID: middle}}),
			"active contacts":                    contacts(store.ContactQuery{Status: desk.Active, From: &desk.Position{ID: middle}}),
			"deleted contacts":                   contacts(store.ContactQuery{Status: desk.SoftDeleted}),
			"contacts of a domain":               contacts(store.ContactQuery{Domain: "acme.example", From: &desk.Position{ID: middle}}),
			"active contacts of a domain":        contacts(store.ContactQuery{Domain: "acme.example", Status: desk.Active, From: &desk.Position{ID: middle}}),
			"contacts of a domain with few":      contacts(store.ContactQuery{Domain: "few.example"}),
			"active contacts of a company":       contacts(store.ContactQuery{Company: "acme", Status: desk.Active, From: &desk.Position{ID: middle}}),
			"active contacts of a small company": contacts(store.ContactQuery{Company: "beta", Status: desk.Active}),
			"active contacts of company, domain": contacts(store.ContactQuery{Company: "acme", Domain: "acme.example", Status: desk.Active, From: &desk.Position{ID: middle}}),
			"the number of contacts":             func(tx *store.Tx) error { _, err := tx.CountContacts(store.ContactQuery{TenantID: "t"}); return err },
			"the number of a directory's": func(tx *store.Tx) error {
				_, err := tx.CountContacts(store.ContactQuery{TenantID: "t", Connection: "c", Status: desk.Active})
				return err
			},
			"the number of companies' contacts":    func(tx *store.Tx) error { _, err := tx.CompanyContacts("t", []string{"acme", "beta"}); return err },
			"a contact's events":                   events(store.EventQuery{Contacts: []string{middle}}),
			"a connection's events":                events(store.EventQuery{Connection: "c"}),
			"a connection's events, a page later":  events(store.EventQuery{Connection: "c", Before: "7"}),
			"a connection's events, a page before": events(store.EventQuery{Connection: "c", After: "7"}),
			"refusals, a page before":              events(store.EventQuery{Connection: "c", Outcomes: []desk.Outcome{desk.Refused}, After: "7"}),
			"a person's events, a page before":     events(store.EventQuery{Connection: "c", Contacts: []string{middle}, Users: []string{userID(7)}, Subject: name(500), After: "7"}),
			"an event":                             func(tx *store.Tx) error { _, err := tx.Event("t", "c", "7"); return err },
			"a token":                              func(tx *store.Tx) error { _, err := tx.Token("t", "hash"); return err },
			"contacts, newest first":               contacts(store.ContactQuery{Status: desk.Active, Order: desk.NewestFirst}),
			"contacts, a page before":              contacts(store.ContactQuery{Order: desk.NewestFirst, From: &desk.Position{ID: middle, Backward: true}}),
			"deleted contacts, by deletion":        contacts(store.ContactQuery{Order: desk.LastDeletedFirst}),
			"deleted contacts, a page later":       contacts(store.ContactQuery{Order: desk.LastDeletedFirst, From: &desk.Position{Key: t0, ID: middle}}),
			"deleted contacts of a company":        contacts(store.ContactQuery{Order: desk.LastDeletedFirst, Company: "acme", Text: "user"}),
			"verified contacts":                    contacts(store.ContactQuery{Verified: true, Order: desk.NewestFirst}),
			"active verified contacts":             contacts(store.ContactQuery{Verified: true, Status: desk.Active}),
			"contacts in no directory":             contacts(store.ContactQuery{Sync: desk.SyncNone, Status: desk.Active, Order: desk.NewestFirst}),
			"contacts of a directory":              contacts(store.ContactQuery{Connection: "c", Order: desk.NewestFirst}),
			"active contacts of a directory":       contacts(store.ContactQuery{Connection: "c", Status: desk.Active, Order: desk.NewestFirst, From: &desk.Position{ID: middle}}),
			"contacts of a directory with few":     contacts(store.ContactQuery{Connection: "c2", Company: "acme", Text: "user"}),
			"contacts whom directories disabled":   contacts(store.ContactQuery{Sync: desk.SyncInactive, Order: desk.NewestFirst}),
			"active contacts whom one disabled":    contacts(store.ContactQuery{Sync: desk.SyncInactive, Connection: "c", Status: desk.Active, Order: desk.NewestFirst}),
			"deleted contacts whom one has":        contacts(store.ContactQuery{Sync: desk.SyncActive, Connection: "c", Status: desk.SoftDeleted}),
			"contacts whom directories have":       contacts(store.ContactQuery{Sync: desk.SyncActive, Order: desk.NewestFirst, From: &desk.Position{ID: middle, Backward: true}}),
			"contacts whom a directory disabled":   contacts(store.ContactQuery{Sync: desk.SyncInactive, Connection: "c", Domain: "acme.example"}),
			"a connection's tokens": func(tx *store.Tx) error {
				_, err := tx.Tokens(store.TokenQuery{TenantID: "t", Connection: "c", After: "7", Limit: 10})
				return err
			},
			"a session with its agent": func(tx *store.Tx) error { _, _, err := tx.Session("t", "session7"); return err },
			"an agent by email":        func(tx *store.Tx) error { _, err := tx.AgentByEmail("t", "agent7@desk.example"); return err },
			"an agent by identity": func(tx *store.Tx) error {
				_, err := tx.AgentByIdentity("t", desk.Identity{Issuer: "i", Subject: "7"})
				return err
			},
			"agents, a page later": func(tx *store.Tx) error { _, err := tx.Agents("t", "agent2", 10); return err },
			"an agent's sessions":  func(tx *store.Tx) error { _, err := tx.Sessions("t", "agent7"); return err },
			"the end of a session": func(tx *store.Tx) error { return tx.DeleteSession("t", "session7") },
			"the end of all of agent's": func(tx *store.Tx) error {
				_, err := tx.DeleteTokensOf("t", "agent7", "s7", desk.TokenSession, desk.TokenSignIn)
				return err
			},
			"the administrators":       func(tx *store.Tx) error { _, err := tx.LockAdmins("t"); return err },
			"a secret with its client": func(tx *store.Tx) error { _, _, err := tx.ClientOfSecret("t", "hash"); return err },
			"a connection's clients":   func(tx *store.Tx) error { _, err := tx.Clients("t", "c2"); return err },
			"clients' secrets":         func(tx *store.Tx) error { _, err := tx.ClientSecrets("t", "client", "other"); return err },
			"expired tokens":           func(tx *store.Tx) error { return tx.DeleteExpired("t", desk.TokenAccess, desk.TokenAssertion) },
			"expired grants":           func(tx *store.Tx) error { return tx.DeleteExpiredGrants("t") },
			"the end of a client":      func(tx *store.Tx) error { return tx.DeleteClient("t", "other") },
			"the end of a grant": func(tx *store.Tx) error {
				return tx.DeleteGrant(desk.Grant{TenantID: "t", ClientID: "client", ID: "g7"})
			},
			"a connection's events of a period": events(store.EventQuery{Connection: "c", From: t0, To: t0.Add(time.Minute)}),
			"refusals":                          events(store.EventQuery{Connection: "c", Outcomes: []desk.Outcome{desk.Refused}}),
			"refusals and creations":            events(store.EventQuery{Connection: "c", Outcomes: []desk.Outcome{desk.Refused, desk.Created}, Before: "f"}),
			"creations":                         events(store.EventQuery{Connection: "c", Operations: []desk.Operation{desk.OpCreate}}),
			"deletions of a period":             events(store.EventQuery{Connection: "c", Operations: []desk.Operation{desk.OpDelete}, From: t0}),
			"refused deletions":                 events(store.EventQuery{Connection: "c", Operations: []desk.Operation{desk.OpDelete}, Outcomes: []desk.Outcome{desk.Refused}}),
			"a person's events":                 events(store.EventQuery{Connection: "c", Contacts: []string{middle, contactID(7)}, Users: []string{userID(7)}, Subject: name(500)}),
			"a person's refusals":               events(store.EventQuery{Connection: "c", Contacts: []string{middle}, Users: []string{middle}, Subject: middle, Outcomes: []desk.Outcome{desk.Refused}}),
			"the audit log":                     events(store.EventQuery{Audit: true}),
			"the audit log, a page later":       events(store.EventQuery{Audit: true, Before: "f", From: t0}),
			"the audit log of somebody":         events(store.EventQuery{Audit: true, Actor: "system"}),
			"a request's events":                events(store.EventQuery{Connection: "c", RequestID: "r" + middle}),
			"a request's creations":             events(store.EventQuery{Connection: "c", RequestID: "r" + middle, Operations: []desk.Operation{desk.OpCreate}}),
			"the events of an erased person": func(tx *store.Tx) error {
				return tx.EraseEvents("t", middle, []string{name(7), name(8)}, []store.UserRef{{Connection: "c", ID: userID(7)}})
			},
			"whether there is a recording": func(tx *store.Tx) error { _, err := tx.HasExchanges("t", "c"); return err },
			"held users by address":        func(tx *store.Tx) error { _, err := tx.HeldByEmail("t", "c", "x7@acme.example"); return err },
			"names of contacts":            func(tx *store.Tx) error { _, err := tx.ContactNames("t", []string{middle, contactID(7)}); return err },
			"contacts by key":              func(tx *store.Tx) error { _, err := tx.ContactsByKey("t", "x7", name(7)); return err },
			"cycles":                       func(tx *store.Tx) error { _, err := tx.Cycles("t", "c", "", 10); return err },
			"cycles, a page later":         func(tx *store.Tx) error { _, err := tx.Cycles("t", "c", "cycle001000", 10); return err },
			"a cycle's end": func(tx *store.Tx) error {
				_, _, err := tx.CycleSpan(desk.Cycle{TenantID: "t", Connection: "c", ID: "cycle001000"})
				return err
			},
			"connections' newest cycles": func(tx *store.Tx) error { _, err := tx.RecentCycles("t", 8); return err },
			"connections' days":          func(tx *store.Tx) error { _, err := tx.CyclesSince("t", t0.AddDate(0, 0, -14)); return err },
			"cycles that are over":       func(tx *store.Tx) error { _, err := tx.UnsettledCycles(t0.Add(time.Hour), 10); return err },
			"the last activity":          func(tx *store.Tx) error { _, err := tx.LastActivity("t"); return err },
			"the next log":               func(tx *store.Tx) error { _, err := tx.NextLog(store.Log{}); return err },
			"the log after that":         func(tx *store.Tx) error { _, err := tx.NextLog(store.Log{TenantID: "t", Connection: "c"}); return err },
			"the next ambiguous domain":  func(tx *store.Tx) error { _, _, err := tx.NextAmbiguous("t", "acme.example"); return err },
			"a page of a domain":         func(tx *store.Tx) error { _, err := tx.DomainContacts("t", "acme.example", middle, 10); return err },
			"a page of a domain, locked": func(tx *store.Tx) error { _, err := tx.LockDomainContacts("t", "acme.example", middle, 10); return err },
			"linked companies":           func(tx *store.Tx) error { _, err := tx.LinkedCompanies("t", "acme.example", "acme"); return err },
			"companies by name":          func(tx *store.Tx) error { _, err := tx.CompaniesByName("t", []string{"acme", "beta"}); return err },
			"companies by the beginning": func(tx *store.Tx) error { _, err := tx.CompaniesNamed("t", "ac", 10); return err },
			"deletions": func(tx *store.Tx) error {
				_, err := tx.Deletions([]desk.Contact{{TenantID: "t", ID: middle, DeletedAt: &t0}, {TenantID: "t", ID: contactID(7), DeletedAt: &t0}})
				return err
			},
			"a waiting domain":              func(tx *store.Tx) error { _, err := tx.NextRescan("t"); return err },
			"the progress of a rescan":      func(tx *store.Tx) error { _, err := tx.RescanProgress("t"); return err },
			"refusals of a day":             func(tx *store.Tx) error { _, err := tx.RecentRefusals("t", t0.Add(-time.Hour), 100); return err },
			"what several companies list":   func(tx *store.Tx) error { _, err := tx.SharedListings("t", 10); return err },
			"domains of ambiguous contacts": func(tx *store.Tx) error { _, err := tx.AmbiguousContacts("t", 10); return err },
			"adoptions held":                func(tx *store.Tx) error { _, err := tx.AdoptionsHeld("t", 100); return err },
			"who lists domains":             func(tx *store.Tx) error { _, err := tx.Listings("t", "acme.example", "both.example"); return err },
			"held users":                    func(tx *store.Tx) error { _, err := tx.HeldUsers("t", "c", "", "", 10); return err },
			"users held for adoption":       func(tx *store.Tx) error { _, err := tx.HeldUsers("t", "c", desk.HeldAdoption, "", 10); return err },
			"the newest contacts":           func(tx *store.Tx) error { _, err := tx.OddContacts("t", 20); return err },
			"the newest users":              func(tx *store.Tx) error { _, err := tx.OddUsers("t", "c", 20); return err },
			"the ends of the log":           func(tx *store.Tx) error { _, _, err := tx.EventTimes(); return err },
			"overdue jobs":                  func(tx *store.Tx) error { _, err := tx.OverdueJobs(t0); return err },
			"stale rescans":                 func(tx *store.Tx) error { _, err := tx.StaleRescans(t0); return err },
			"tenants without administrator": func(tx *store.Tx) error { _, err := tx.WithoutAdmin(); return err },
			"tokens that expire":            func(tx *store.Tx) error { _, err := tx.ExpiringTokens(t0, t0.Add(time.Hour), 20); return err },
			"a company with its domains":    func(tx *store.Tx) error { _, err := tx.Company("t", "acme"); return err },
		} {
			statements.Take()
			if err := s.Tx(t.Context(), ask); err != nil && desk.KindOf(err) != desk.NotFound {
				t.Fatalf("%s: %v", name, err)
			}
			asked := statements.Take()
			if len(asked) == 0 {
				t.Fatalf("%s: nothing was asked", name)
			}
			for _, q := range asked {
				explain(t, db, s.Engine(), name, q)
			}
		}
	})
}

// TestPlansOfRequests sends to a whole server every request of the JSON API that reads, with each of its parameters and each two of
// them, the pages of the portal, and what a directory and an agent write. None may be answered by looking at many more contacts,
// users, events or tickets than it returns.
func TestPlansOfRequests(t *testing.T) {
	const people = 3000
	store.WalkStep(t, 40)
	store.CountLimit(t, 20)
	name := func(i int) string { return fmt.Sprintf("user%d@acme.example", i) }
	middle := contactID(people / 2)
	values := map[string][]string{
		"q":          {"acme.example", "user2999", "user29", "nobody", "r7", "@", "acme user2999", "nobody example", "user29 c e", strings.Repeat("user7@acme.example", 11)},
		"domain":     {"acme.example", "few.example"},
		"company":    {"acme", "beta"},
		"contactId":  {middle},
		"cursor":     {base64.RawURLEncoding.EncodeToString([]byte(middle))},
		"limit":      {"20"},
		"from":       {time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)},
		"to":         {time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
		"outcome":    {"created", "refused"},
		"operation":  {"create", "bulk"},
		"person":     {middle, name(7), "nobody"},
		"request":    {"r7"},
		"actor":      {"nobody", "rollcall"},
		"connection": {"c", "c2"},
		"verified":   {"true"},
	}
	ids := strings.NewReplacer("/contacts/{id}", "/contacts/"+middle, "/companies/{id}", "/companies/acme", "/tickets/{id}", "/tickets/"+ticketID(7), "{slug}", "c")
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		s := server.Store
		seed(t, s, people, name)
		db := planner(t, s, databaseURL)
		token := server.Token(t, "t", desk.RoleAdmin)
		cycle := desk.Cycle{TenantID: "t", Connection: "c", ID: store.NewID(), StartedAt: s.Now().UTC(), EndedAt: s.Now().UTC()}
		if err := s.Tx(t.Context(), func(tx *store.Tx) error { return tx.CreateCycle(&cycle) }); err != nil {
			t.Fatal(err)
		}
		values["cycle"] = []string{cycle.ID}
		statements, explained := store.Statements(t, s), map[string]bool{}
		watch := func(what string, send func() int) {
			t.Helper()
			statements.Take()
			if status := send(); status >= 300 {
				t.Errorf("%s: status %d", what, status)
			}
			for _, q := range statements.Take() {
				if key := fmt.Sprint(q); !explained[key] {
					explained[key] = true
					// Tenants may live on servers of their own: a request asks for its own tenant's rows. (In SQLite's full-text index
					// these have numbers of their own.)
					if tables.MatchString(q.SQL) && !slices.Contains(q.Args, any("t")) && !strings.Contains(q.SQL, "FROM contact_search WHERE") {
						t.Errorf("%s asks across tenants: %s %v", what, q.SQL, q.Args)
					}
					explain(t, db, s.Engine(), what, q)
				}
			}
		}
		doc := testkit.Call(t, "GET", server.URL+"/api/openapi.json", "", nil).Want(t, 200)
		for path, item := range doc["paths"].(map[string]any) {
			operation, ok := item.(map[string]any)["get"].(map[string]any)
			if !ok || strings.HasSuffix(path, ".csv") { // which is to tell of all events
				continue
			}
			place := ids.Replace(path)
			if strings.Contains(place, "{") {
				t.Fatalf("the test has no value for the path of %s", path)
			}
			queries := []url.Values{{}}
			parameters, _ := operation["parameters"].([]any)
			for _, p := range parameters {
				p := p.(map[string]any)
				parameter := p["name"].(string)
				if p["in"] != "query" {
					continue
				}
				list := values[parameter]
				choices, _ := p["schema"].(map[string]any)["enum"].([]any)
				for _, choice := range choices {
					list = append(list, choice.(string))
				}
				if len(list) == 0 {
					t.Fatalf("the test has no value for %s of %s", parameter, path)
				}
				for _, query := range slices.Clone(queries) {
					for _, value := range list {
						if len(query) < 2 {
							more := maps.Clone(query)
							more.Set(parameter, value)
							queries = append(queries, more)
						}
					}
				}
			}
			for _, query := range queries {
				if !query.Has("limit") && slices.ContainsFunc(parameters, func(p any) bool { return p.(map[string]any)["name"] == "limit" }) {
					query.Set("limit", "10")
				}
				what := strings.TrimSuffix(place+"?"+query.Encode(), "?")
				watch(what, func() int { return testkit.Call(t, "GET", server.URL+what, token, nil).Status })
			}
		}
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		page := func(response *http.Response, err error) int {
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response.StatusCode
		}
		watch("signing in", func() int { return page(browser.PostForm(server.URL+"/signin", url.Values{"token": {token}})) })
		for _, path := range []string{"/", "/connections/c/held", "/contacts", "/contacts?status=deleted&q=user29", "/contacts?status=all&q=nobody&after=" + middle, "/contacts?before=" + middle, "/contacts?status=deleted", "/contacts?status=verified", "/contacts?status=unsynced&q=nobody",
			"/contacts?status=all&company=ac&sync=inactive", "/contacts?connection=c&domain=acme.example", "/contacts/" + middle, "/contacts/" + middle + "/edit", "/contacts/" + middle + "/erase", "/contacts/new",
			"/deleted", "/deleted?q=user29", "/pick/company?to=a", "/companies", "/companies?q=ac&after=a", "/companies/acme", "/domains", "/domains?view=ambiguous",
			"/log", "/log?connection=c", "/log?connection=c&outcome=refused", "/log?connection=c&operation=delete&before=" + store.NewID(), "/log?connection=c&person=" + url.QueryEscape(name(7)),
			"/log?connection=c&request=r7", "/log?connection=c&after=7", "/log?cycle=" + cycle.ID + "&connection=c", "/log/cycles?connection=c", "/log/cycles?connection=c&before=" + store.NewID(),
			"/connections", "/connections/c", "/connections/c/setup", "/connections/c/mapping", "/connections/c/settings", "/connections/c/tokens", "/connections/c/held",
			"/connections/c/held?reason=adoption", "/connections/c/held?reason=out_of_scope&after=u000100", "/connections/c/held?reason=refused"} {
			watch(path, func() int { return page(browser.Get(server.URL + path)) })
		}
		scim, secret := server.Connect(t, "t", "fresh")
		var user, contact map[string]any
		write := func(method, place, token, body string) (answer map[string]any) {
			t.Helper()
			watch(method+" "+place, func() int {
				a := testkit.Call(t, method, place, token, body)
				json.Unmarshal(a.Body, &answer)
				return a.Status
			})
			return answer
		}
		write("GET", scim+"/Users?filter="+url.QueryEscape(`externalId eq "x7"`), secret, "")
		write("GET", scim+"/Users?filter="+url.QueryEscape(`userName eq "user7@acme.example"`), secret, "")
		for _, person := range []string{`{"userName":"new@acme.example","externalId":"x-new","emails":[{"value":"new@acme.example","type":"work"}]}`, `{"userName":"user7@acme.example","externalId":"x7"}`} {
			user = write("POST", scim+"/Users", secret, person)
		}
		place := scim + "/Users/" + fmt.Sprint(user["id"])
		write("PATCH", place, secret, `{"Operations":[{"op":"replace","path":"displayName","value":"Kofi"}]}`)
		write("PATCH", place, secret, `{"Operations":[{"op":"replace","path":"active","value":"False"}]}`)
		write("PUT", place, secret, `{"userName":"user7@beta.example","externalId":"x7","active":true}`)
		write("DELETE", place, secret, "")
		contact = write("POST", server.URL+"/api/v1/contacts", token, `{"displayName":"Ann","emails":[{"value":"ann@acme.example"}]}`)
		place = server.URL + "/api/v1/contacts/" + fmt.Sprint(contact["id"])
		write("PATCH", place, token, `{"companyId":"beta"}`)
		write("PATCH", place, token, `{"companyReason":"auto","title":"Lead"}`)
		write("POST", server.URL+"/api/v1/tickets", token, `{"subject":"Printer","contactId":"`+fmt.Sprint(contact["id"])+`"}`)
		write("DELETE", place, token, "")
		write("POST", place+"/restore", token, "")
		write("DELETE", place, token, "")
		write("POST", place+"/erase", token, "")
		if len(explained) < 50 {
			t.Errorf("%d statements only", len(explained))
		}
	})
}

var tables = regexp.MustCompile(`\b(FROM|JOIN|INTO|UPDATE) "?[a-z_]+"?\b`)

// planner opens the database beside the store, to ask for plans. PostgreSQL gathers its statistics, as it does by itself sooner or
// later, and makes the plans of a larger table: a few thousand rows it may rather read all.
func planner(t *testing.T, s *store.Store, databaseURL string) *sql.DB {
	t.Helper()
	db := testkit.OpenSQL(t, databaseURL)
	db.SetMaxOpenConns(1)
	if s.Engine() == store.Postgres {
		for _, statement := range []string{"VACUUM ANALYZE", "SET enable_seqscan = off"} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
	}
	return db
}

// explain fails on a statement that looks at many more rows than it returns. What it writes is rolled back.
func explain(t *testing.T, db *sql.DB, engine store.Engine, name string, q store.Statement) {
	t.Helper()
	if engine == store.Postgres {
		tx, err := db.Begin()
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		var doc string
		if err := tx.QueryRow("EXPLAIN (ANALYZE, FORMAT JSON) "+q.SQL, q.Args...).Scan(&doc); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, q.SQL)
		}
		var explained []struct{ Plan planNode }
		if err := json.Unmarshal([]byte(doc), &explained); err != nil {
			t.Fatal(err)
		}
		if n := explained[0].Plan.looked(); n > 120+int(explained[0].Plan.Rows) {
			t.Errorf("%s: looks at %d rows\n%s\n%s", name, n, q.SQL, doc)
		}
		return
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		lite := c.(driver.Conn).Raw()
		if err := lite.Exec("BEGIN"); err != nil {
			return err
		}
		defer lite.Exec("ROLLBACK")
		var plan []string
		if _, err := run(lite, "EXPLAIN QUERY PLAN "+q.SQL, q.Args, func(row *sqlite3.Stmt) { plan = append(plan, row.ColumnText(3)) }); err != nil {
			return err
		}
		if slow := scans(plan, q.SQL); slow != "" {
			t.Errorf("%s: %s\n%s\n%s", name, slow, q.SQL, strings.Join(plan, "\n"))
		}
		rows := 0
		steps, err := run(lite, q.SQL, q.Args, func(*sqlite3.Stmt) { rows++ })
		if steps > 3000+40*rows { // to scan takes a few a person
			t.Errorf("%s: takes %d steps\n%s\n%s", name, steps, q.SQL, strings.Join(plan, "\n"))
		}
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%v", name, err, q.SQL, q.Args)
	}
}

// run runs a statement on SQLite and returns how many steps that took.
func run(conn *sqlite3.Conn, query string, args []any, row func(*sqlite3.Stmt)) (steps int, err error) {
	s, _, err := conn.Prepare(query)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	for i, arg := range args {
		if at, ok := arg.(*time.Time); ok && at != nil {
			arg = *at
		}
		if at, ok := arg.(time.Time); ok {
			err = errors.Join(err, s.BindTime(i+1, at, sqlite3.TimeFormatUnixMicro))
			continue
		}
		switch v := reflect.Indirect(reflect.ValueOf(arg)); v.Kind() {
		case reflect.Invalid: // nil
			err = errors.Join(err, s.BindNull(i+1))
		case reflect.String:
			err = errors.Join(err, s.BindText(i+1, v.String()))
		case reflect.Int, reflect.Int64:
			err = errors.Join(err, s.BindInt64(i+1, v.Int()))
		case reflect.Bool:
			err = errors.Join(err, s.BindBool(i+1, v.Bool()))
		default:
			err = errors.Join(err, fmt.Errorf("argument %d is a %T", i+1, arg))
		}
	}
	for err == nil && s.Step() {
		row(s)
	}
	return s.Status(sqlite3.STMTSTATUS_VM_STEP, false), errors.Join(err, s.Err())
}

// scans says what of a SQLite plan takes longer with the size of the tenant, "" for nothing: a scan, a search by the tenant
// alone, a sort (unless few are sorted).
func scans(plan []string, sql string) string {
	// Of domains, counted, and of a few rows from each of several walks.
	fewSorted := regexp.MustCompile(`ORDER BY \+id|ORDER BY contacts DESC|ORDER BY t.expires_at|what <> ''| AS (ways|logs|by_email_key)\b`).MatchString(sql)
	for _, line := range plan {
		switch {
		case strings.HasPrefix(line, "SEARCH ") && strings.Contains(sql, "ORDER BY id DESC LIMIT 20) AS c)") && regexp.MustCompile(`^SEARCH (contacts|directory_users) USING INDEX sqlite_autoindex_`).MatchString(line), // the newest
			limited.MatchString(line), small.MatchString(line), line == "SCAN cycles USING INDEX cycles_unsettled", // which has none but those
			strings.HasPrefix(line, "SEARCH events USING INDEX events_audit "): // in the order of the index, as far as the page goes
		case strings.HasPrefix(line, "SCAN"), strings.HasSuffix(line, "(tenant_id=?)"), strings.HasSuffix(line, "(tenant_id=? AND connection=?)") && !(regexp.MustCompile("events|cycles").MatchString(line) && !strings.Contains(sql, "outcome = ")) && !strings.HasPrefix(line, "SEARCH clients") && !(strings.Contains(line, "_user_name") && strings.Contains(sql, "ORDER BY user_name_key")):
			return line
		case strings.HasPrefix(line, "USE TEMP B-TREE") && !fewSorted, strings.HasPrefix(line, "SEARCH contacts") && strings.Contains(sql, "json_each") && !strings.Contains(line, "num=?"):
			return line
		}
	}
	return ""
}

var (
	// limited are scans of subqueries that are limited themselves, and of what has a text's pieces in a range of numbers.
	limited = regexp.MustCompile(`^(SCAN (\d+-ROW VALUES CLAUSE|batch|k|same|part\d+|ways?\d*|by_\w+|of_\w+|logs|a\d|b|c|step|CONSTANT ROW|json_each VIRTUAL TABLE INDEX \d+:|contact_search VIRTUAL TABLE INDEX \d+:M\d+><)|USE TEMP B-TREE FOR DISTINCT)$`)
	// small are the tables that do not grow with the number of people.
	small = regexp.MustCompile(`^(SCAN (tenants|connections|rescan_progress|n) USING (COVERING )?INDEX|SEARCH jobs|SEARCH a USING INDEX agents_admins|SCAN logs)|^SEARCH (\w+ USING (COVERING )?INDEX sqlite_autoindex_(agents|tenants|connections|companies|company_domains|rescans|rescan_progress|reapplies|denials)_1|exchanges USING PRIMARY KEY|agents USING INDEX agents_admins|clients USING INDEX clients_connection) `)
)

// planNode is a step of a PostgreSQL plan.
type planNode struct {
	Rows    float64 `json:"Actual Rows"`
	Removed float64 `json:"Rows Removed by Filter"`
	Loops   float64 `json:"Actual Loops"`
	Plans   []planNode
}

// looked returns how many rows the busiest step looked at.
func (n planNode) looked() int {
	most := int((n.Rows + n.Removed) * n.Loops)
	for _, p := range n.Plans {
		most = max(most, p.looked())
	}
	return most
}

func userID(i int) string    { return fmt.Sprintf("u%06d", i) }
func contactID(i int) string { return fmt.Sprintf("p%06d", i) }
func ticketID(i int) string  { return fmt.Sprintf("k%06d", i) }

// seed makes a tenant with people who are users of one connection and active contacts of one company and domain, but for
// every hundredth, who is deleted.
func seed(t *testing.T, s *store.Store, people int, name func(int) string) {
	t.Helper()
	err := s.Tx(t.Context(), func(tx *store.Tx) error {
		if err := tx.CreateTenant(&desk.Tenant{ID: "t", CreatedAt: tx.Now}); err != nil {
			return err
		}
		for _, slug := range []string{"c", "c2"} {
			if err := tx.CreateConnection(&desk.Connection{TenantID: "t", Slug: slug, Provider: "generic", CreatedAt: tx.Now}); err != nil {
				return err
			}
		}
		for _, id := range []string{"acme", "beta"} {
			if err := tx.CreateCompany(&desk.Company{TenantID: "t", ID: id, Name: id, NameKey: id, Domains: []string{id + ".example", "both.example", "*.both.example"}, CreatedAt: tx.Now}); err != nil {
				return err
			}
		}
		for i := range 300 {
			id := fmt.Sprintf("agent%d", i)
			g := desk.Agent{TenantID: "t", ID: id, EmailKey: id + "@desk.example", Role: desk.RoleAgent, Identity: desk.Identity{Issuer: "i", Subject: fmt.Sprint(i)}, CreatedAt: tx.Now}
			if i%100 == 0 {
				g.Role = desk.RoleAdmin
			}
			if err := tx.CreateAgent(&g); err != nil {
				return err
			}
			session := desk.Token{TenantID: "t", ID: fmt.Sprintf("s%d", i), Kind: desk.TokenSession, Hash: fmt.Sprintf("session%d", i), AgentID: id, CreatedAt: tx.Now}
			if err := tx.CreateToken(&session); err != nil {
				return err
			}
		}
		for i := range people {
			c := desk.Contact{
				TenantID: "t", ID: contactID(i), CompanyID: "acme", CompanyReason: desk.CompanyByDomain, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now,
				Profile: desk.Profile{UserName: name(i)}, UserNameKey: name(i), EmailKey: name(i), Domain: "acme.example", SearchKey: name(i),
			}
			if i%100 == 0 {
				c.Status, c.DeletedAt = desk.SoftDeleted, &tx.Now
			}
			switch i % 1000 {
			case 999:
				c.CompanyID, c.Domain = "beta", "few.example"
			case 998:
				c.CompanyID, c.CompanyReason, c.Domain = "", desk.CompanyNoMatch, fmt.Sprintf("blank%d.example", i)
			case 997:
				c.CompanyID, c.CompanyReason, c.Domain = "", desk.CompanyAmbiguousListing, fmt.Sprintf("x%d.both.example", i)
			}
			externalID := fmt.Sprintf("x%d", i)
			u := desk.DirectoryUser{
				TenantID: "t", Connection: "c", ID: userID(i), ContactID: &c.ID, Active: i%100 > 0 && i%500 != 7, Resource: `{"userName":"` + name(i) + `"}`, Version: 1,
				CreatedAt: tx.Now, ModifiedAt: tx.Now, ExternalID: &externalID, UserNameKey: name(i),
			}
			if i%2 == 0 {
				u.Held = desk.HeldScope
			}
			c.Count(&u, 1)
			if err := tx.CreateContact(&c); err != nil {
				return err
			}
			ticket := desk.Ticket{TenantID: "t", ID: ticketID(i), ContactID: c.ID, Status: desk.TicketOpen, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			if i%10 > 0 {
				ticket.ContactID = contactID(people / 2)
			}
			if err := tx.CreateTicket(&ticket); err != nil {
				return err
			}
			if err := tx.CreateUser(&u, []desk.UserEmail{{TenantID: "t", Connection: "c", ValueKey: name(i), TypeKey: "work", UserID: u.ID}}); err != nil {
				return err
			}
			ev := desk.Event{TenantID: "t", Connection: "c", ContactID: &c.ID, UserID: &u.ID, ActorType: desk.ActorDirectory, Operation: desk.OpCreate, Outcome: desk.Created, RequestID: "r" + c.ID}
			if err := tx.Record(ev); err != nil {
				return err
			}
			if i%500 == 0 { // few, which a walk through the log would be long in finding
				ev.Operation, ev.Outcome, ev.Subject, ev.SubjectKey = desk.OpDelete, desk.Refused, name(i), name(i)
				if err := tx.Record(ev); err != nil {
					return err
				}
			}
			cycle := desk.Cycle{TenantID: "t", Connection: "c", ID: fmt.Sprintf("cycle%06d", i), StartedAt: tx.Now, EndedAt: tx.Now, Settled: i < people-3}
			if err := tx.CreateCycle(&cycle); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
