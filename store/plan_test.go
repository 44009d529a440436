package store_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestPlans asks both databases, with a tenant of some size whose people share one email domain, how they answer each
// question that a request asks: none may look at more rows than it returns, give or take a few.
func TestPlans(t *testing.T) {
	const people = 3000
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
		db := testkit.OpenSQL(t, databaseURL)
		if s.Engine() == store.Postgres { // which does so by itself; SQLite never does
			if _, err := db.Exec("ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
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
				_, err := tx.Contacts(q)
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
			"the user itself, locked":         func(tx *store.Tx) error { _, _, err := tx.LockUser("t", "c", userID(7)); return err },
			"who holds a person's keys":       func(tx *store.Tx) error { p := person; p.Connection = "c"; _, err := tx.UsersByKey(p); return err },
			"contacts that a person may be":   func(tx *store.Tx) error { _, err := tx.Candidates(person); return err },
			"a contact, locked":               func(tx *store.Tx) error { _, err := tx.LockContact("t", middle); return err },
			"users of a page of contacts":     func(tx *store.Tx) error { _, err := tx.UsersOf("t", middle, contactID(7)); return err },
			"company facts": func(tx *store.Tx) error {
				_, err := tx.CompanyFacts(store.CompanyQuery{TenantID: "t", Domain: "acme.example", Listings: []string{"acme.example", "*.example"}, Name: "acme", Except: middle})
				return err
			},
			"contacts":                            contacts(store.ContactQuery{After: middle}),
			"active contacts":                     contacts(store.ContactQuery{Status: desk.Active, After: middle}),
			"deleted contacts":                    contacts(store.ContactQuery{Status: desk.SoftDeleted}),
			"contacts of a domain":                contacts(store.ContactQuery{Domain: "acme.example", After: middle}),
			"active contacts of a domain":         contacts(store.ContactQuery{Domain: "acme.example", Status: desk.Active, After: middle}),
			"contacts of a domain with few":       contacts(store.ContactQuery{Domain: "few.example"}),
			"active contacts of a company":        contacts(store.ContactQuery{Company: "acme", Status: desk.Active, After: middle}),
			"active contacts of a small company":  contacts(store.ContactQuery{Company: "beta", Status: desk.Active}),
			"active contacts of company, domain":  contacts(store.ContactQuery{Company: "acme", Domain: "acme.example", Status: desk.Active, After: middle}),
			"a contact's events":                  events(store.EventQuery{Contacts: []string{middle}}),
			"a connection's events":               events(store.EventQuery{Connection: "c"}),
			"a connection's events, a page later": events(store.EventQuery{Connection: "c", Before: "7"}),
			"a token":                             func(tx *store.Tx) error { _, err := tx.Token("t", "hash"); return err },
			"a connection's tokens": func(tx *store.Tx) error {
				_, err := tx.Tokens(store.TokenQuery{TenantID: "t", Connection: "c", After: "7", Limit: 10})
				return err
			},
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
			"a person's events":                 events(store.EventQuery{Connection: "c", Contacts: []string{middle, contactID(7)}, UserID: userID(7), Subject: name(500)}),
			"a person's refusals":               events(store.EventQuery{Connection: "c", Contacts: []string{middle}, UserID: middle, Subject: middle, Outcomes: []desk.Outcome{desk.Refused}}),
			"a request's events":                events(store.EventQuery{Connection: "c", RequestID: "r" + middle}),
			"a request's creations":             events(store.EventQuery{Connection: "c", RequestID: "r" + middle, Operations: []desk.Operation{desk.OpCreate}}),
			"names of contacts":                 func(tx *store.Tx) error { _, err := tx.ContactNames("t", []string{middle, contactID(7)}); return err },
			"contacts by key":                   func(tx *store.Tx) error { _, err := tx.ContactsByKey("t", "x7", name(7)); return err },
			"cycles":                            func(tx *store.Tx) error { _, err := tx.Cycles("t", "c", "", 10); return err },
			"cycles, a page later":              func(tx *store.Tx) error { _, err := tx.Cycles("t", "c", "cycle001000", 10); return err },
			"a cycle's end": func(tx *store.Tx) error {
				_, _, err := tx.CycleSpan(desk.Cycle{TenantID: "t", Connection: "c", ID: "cycle001000"})
				return err
			},
			"cycles that are over":       func(tx *store.Tx) error { _, err := tx.UnsettledCycles(t0.Add(time.Hour), 10); return err },
			"the last activity":          func(tx *store.Tx) error { _, err := tx.LastActivity("t"); return err },
			"the next log":               func(tx *store.Tx) error { _, err := tx.NextLog(store.Log{}); return err },
			"the log after that":         func(tx *store.Tx) error { _, err := tx.NextLog(store.Log{TenantID: "t", Connection: "c"}); return err },
			"a company with its domains": func(tx *store.Tx) error { _, err := tx.Company("t", "acme"); return err },
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
				if s.Engine() == store.SQLite {
					var plan []string
					rows, err := db.Query("EXPLAIN QUERY PLAN "+q.SQL, q.Args...)
					if err != nil {
						t.Fatal(err)
					}
					for rows.Next() {
						var id, parent, unused int
						var detail string
						if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
							t.Fatal(err)
						}
						plan = append(plan, detail)
					}
					if err := rows.Err(); err != nil {
						t.Fatal(err)
					}
					if slow := scans(plan, q.SQL); slow != "" {
						t.Errorf("%s: %s\n%s\n%s", name, slow, q.SQL, strings.Join(plan, "\n"))
					}
					continue
				}
				var doc string
				if err := db.QueryRow("EXPLAIN (ANALYZE, FORMAT JSON) "+q.SQL, q.Args...).Scan(&doc); err != nil {
					t.Fatal(err)
				}
				var explained []struct{ Plan planNode }
				if err := json.Unmarshal([]byte(doc), &explained); err != nil {
					t.Fatal(err)
				}
				if n := explained[0].Plan.looked(); n > 120 {
					t.Errorf("%s: looks at %d rows\n%s\n%s", name, n, q.SQL, doc)
				}
			}
		}
	})
}

// scans says what of a SQLite plan takes longer with the size of the tenant, "" for nothing: a scan, a search by the tenant
// alone, a sort (unless few are sorted).
func scans(plan []string, sql string) string {
	sorts := regexp.MustCompile(`ORDER BY \+id| AS (ways|logs|by_email_key)\b`).MatchString(sql)
	for _, line := range plan {
		switch {
		case regexp.MustCompile(`^(SCAN (batch|k|same|part\d|ways?\d*|by_\w+|of_\w+|logs|a\d|b|c|CONSTANT ROW)|USE TEMP B-TREE FOR DISTINCT)$`).MatchString(line): // of a subquery that is limited itself
		case line == "SCAN cycles USING INDEX cycles_unsettled", // which has none but those
			strings.HasPrefix(line, "SEARCH connections"): // there are few
		case strings.HasPrefix(line, "SCAN"), strings.HasSuffix(line, "(tenant_id=?)"), strings.HasSuffix(line, "(tenant_id=? AND connection=?)") && !(regexp.MustCompile("events|cycles").MatchString(line) && !strings.Contains(sql, "outcome = ")) && !strings.HasPrefix(line, "SEARCH clients") && !(strings.Contains(line, "_user_name") && strings.Contains(sql, "ORDER BY user_name_key")):
			return line
		case strings.HasPrefix(line, "USE TEMP B-TREE") && !sorts:
			return line
		}
	}
	return ""
}

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
			if err := tx.CreateCompany(&desk.Company{TenantID: "t", ID: id, Name: id, NameKey: id, Domains: []string{id + ".example", "both.example"}, CreatedAt: tx.Now}); err != nil {
				return err
			}
		}
		for i := range people {
			c := desk.Contact{
				TenantID: "t", ID: contactID(i), CompanyID: "acme", CompanyReason: desk.CompanyByDomain, Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now,
				Profile: desk.Profile{UserName: name(i)}, UserNameKey: name(i), EmailKey: name(i), Domain: "acme.example",
			}
			if i%100 == 0 {
				c.Status = desk.SoftDeleted
			}
			if i%1000 == 999 {
				c.CompanyID, c.Domain = "beta", "few.example"
			}
			if err := tx.CreateContact(&c); err != nil {
				return err
			}
			externalID := fmt.Sprintf("x%d", i)
			u := desk.DirectoryUser{
				TenantID: "t", Connection: "c", ID: userID(i), ContactID: &c.ID, Active: true, Resource: `{"userName":"` + name(i) + `"}`, Version: 1,
				CreatedAt: tx.Now, ModifiedAt: tx.Now, ExternalID: &externalID, UserNameKey: name(i),
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
