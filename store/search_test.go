package store_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestContacts lists contacts by all conditions and in all orders, on and back, in pages and steps of several sizes, and compares with
// a look at each. The ids of some were made long before they are saved, as those of the portal's forms. Some wait for SQLite's full-text
// index, at last none.
func TestContacts(t *testing.T) {
	const people = 60
	names := []string{"Ann Müller", "Anna Smith", "O'Brien", "Per_son 100%", `back\slash "Q"`, "山田太郎", "Ünal", "ab", "José da Silva", "Mueller"}
	domains, companies := []string{"acme.example", "beta.example", ""}, []string{"c1", "c2", ""}
	texts := []string{
		"", "a", "an", "ANN", "anna s", "müll", "MÜLLER", "_", "%", `\`, `"q"`, `ck\s`, "山田", "山田太", "太郎", "example", "@acme.exa", ".exa", "e.e", "n", "zzz", "z9",
		"' OR 1=1", "an\n", strings.Repeat("ann", 60), "5@beta", "brien", "o'b", "da ", "new",
		"smith anna", " Anna  SMITH anna ", "ann smith zzz", "silva josé da", "example müller", "u1 acme müll", "an u1", "a n", "u1 u2", "太郎 山田", "山田 u", `"q" ck\s`, "% per", "smi nna ith ann",
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s, random := open(t, databaseURL), rand.New(rand.NewPCG(1, 2))
		type person struct {
			desk.Contact
			users []desk.DirectoryUser
		}
		var all []person
		profile := func(c *desk.Contact, i int) {
			domain := domains[random.IntN(len(domains))]
			p := desk.Profile{DisplayName: names[random.IntN(len(names))], UserName: fmt.Sprintf("u%d@%s", i, domain)}
			if i%3 == 0 {
				p.Emails = []desk.Address{{Value: fmt.Sprintf("Mail%d@%s", i, domain)}, {Value: p.UserName}}
			}
			c.SetProfile(p, domain)
		}
		store.SearchLag(t, 1)
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			for _, tenant := range []string{"t", "other"} {
				if err := tx.CreateTenant(&desk.Tenant{ID: tenant, CreatedAt: tx.Now}); err != nil {
					return err
				}
				for _, id := range []string{"c1", "c2"} {
					if err := tx.CreateCompany(&desk.Company{TenantID: tenant, ID: id, Name: id, NameKey: id, CreatedAt: tx.Now}); err != nil {
						return err
					}
				}
				for _, slug := range []string{"a", "b"} {
					if err := tx.CreateConnection(&desk.Connection{TenantID: tenant, Slug: slug, CreatedAt: tx.Now}); err != nil {
						return err
					}
				}
			}
			var opened []string
			for i := range people {
				for _, tenant := range []string{"t", "other"} {
					c := desk.Contact{TenantID: tenant, ID: store.NewID(), CompanyID: companies[random.IntN(len(companies))], Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
					if opened = append(opened, store.NewID()); random.IntN(4) == 0 {
						n := random.IntN(len(opened))
						c.ID = opened[n]
						opened = slices.Delete(opened, n, n+1)
					}
					if random.IntN(3) == 0 {
						at := tx.Now.Add(time.Duration(random.IntN(people/2)) * time.Microsecond) // some at the same time
						c.Status, c.DeletedAt = desk.SoftDeleted, &at
					}
					if random.IntN(4) == 0 {
						c.VerifiedAt = &tx.Now
					}
					profile(&c, i)
					var users []desk.DirectoryUser
					for _, slug := range []string{"", "a", "b", "ab"}[random.IntN(4)] {
						users = append(users, desk.DirectoryUser{TenantID: tenant, Connection: string(slug), ID: store.NewID(), ContactID: &c.ID, Active: random.IntN(3) > 0, Resource: "{}", UserNameKey: fmt.Sprint(i), CreatedAt: tx.Now, ModifiedAt: tx.Now})
						c.Count(&users[len(users)-1], 1)
					}
					if err := tx.CreateContact(&c); err != nil {
						return err
					}
					for _, u := range users {
						if err := tx.CreateUser(&u, nil); err != nil {
							return err
						}
					}
					all = append(all, person{c, users})
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		store.SearchLag(t, 1000)
		// Some get other names, some are erased, the last among them, and some come after.
		err = s.Tx(t.Context(), func(tx *store.Tx) error {
			for i := range all {
				c := &all[i]
				switch {
				case i%7 == 0 || i == len(all)-1:
					for _, u := range c.users {
						if err := tx.DeleteUser(&u, nil); err != nil {
							return err
						}
					}
					if err := tx.DeleteContact(c.TenantID, c.ID); err != nil {
						return err
					}
					c.TenantID = ""
				case i%5 == 0:
					stored := c.Contact
					profile(&c.Contact, i)
					if err := tx.UpdateContact(&stored, &c.Contact); err != nil {
						return err
					}
				}
			}
			late := desk.Contact{TenantID: "other", ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			late.SetProfile(desk.Profile{DisplayName: "Brand new"}, "")
			all = append(all, person{Contact: late})
			return tx.CreateContact(&late)
		})
		if err != nil {
			t.Fatal(err)
		}
		store.CountLimit(t, 10)
		want := map[string]desk.Count{"c1": {}, "c2": {}}
		for _, p := range all {
			if n, ok := want[p.CompanyID]; ok && p.TenantID == "t" && p.Status == desk.Active {
				want[p.CompanyID] = desk.Count{N: min(n.N+1, 10), More: n.N == 10}
			}
		}
		got, err := s.Read(t.Context()).CompanyContacts("t", []string{"c1", "c2", "c3"})
		if diff := gocmp.Diff(want, got); err != nil || diff != "" || want["c1"].N == 0 {
			t.Errorf("contacts of companies: %v %s", err, diff)
		}
		for i, step := range []int{3, 5000, 3} {
			store.WalkStep(t, step)
			if i == 2 { // the next transaction of any kind has them taken up
				store.SearchLag(t, 1)
				if err := s.Tx(t.Context(), func(*store.Tx) error { return nil }); err != nil {
					t.Fatal(err)
				}
			}
			if s.Engine() == store.SQLite && (store.Waiting(t, s) > 10) != (i < 2) {
				t.Fatal(store.Waiting(t, s), "contacts wait for the index")
			}
			for _, text := range texts {
				for i := range 40 {
					q := store.ContactQuery{
						TenantID: []string{"t", "other"}[i%2], Text: text, Limit: []int{1, 3, 200}[random.IntN(3)],
						Status: []desk.Status{"", desk.Active, desk.SoftDeleted}[i%3], Order: []desk.ContactOrder{desk.OldestFirst, desk.NewestFirst, desk.LastDeletedFirst}[i/3%3],
					}
					sometimes := func(set func()) {
						if random.IntN(3) == 0 {
							set()
						}
					}
					sometimes(func() { q.Domain = []string{"acme.example", "nobody.example"}[random.IntN(2)] })
					sometimes(func() { q.Company = "c1" })
					sometimes(func() { q.Verified = true })
					sometimes(func() { q.Connection = []string{"a", "b", "none"}[random.IntN(3)] })
					sometimes(func() { q.Sync = []desk.SyncState{desk.SyncNone, desk.SyncActive, desk.SyncInactive}[random.IntN(3)] })
					var fit []desk.Contact
					for _, p := range all {
						if p.TenantID == q.TenantID && fits(p.Contact, p.users, q) {
							fit = append(fit, p.Contact)
						}
					}
					slices.SortFunc(fit, func(a, b desk.Contact) int {
						switch byID := strings.Compare(a.ID, b.ID); q.Order {
						case desk.OldestFirst:
							return byID
						case desk.NewestFirst:
							return -byID
						default:
							return -cmp.Or(a.DeletedAt.Compare(*b.DeletedAt), byID)
						}
					})
					want := ids(fit)
					count, err := s.Read(t.Context()).CountContacts(q)
					if err != nil {
						t.Fatal(err)
					}
					if exact := step > len(all); exact && count != (desk.Count{N: min(len(fit), 10), More: len(fit) > 10}) ||
						count.N > min(len(fit), 10) || !count.More && count.N < len(fit) {
						t.Fatalf("step %d, %+v: %v of %d are counted", step, q, count, len(fit))
					}
					forward := turn(t, s, q)
					if diff := gocmp.Diff(want, ids(forward)); diff != "" {
						t.Fatalf("step %d, %+v: %s", step, q, diff)
					}
					if len(want) == 0 {
						continue
					}
					q.From = q.Position(forward[len(forward)-1])
					q.From.Backward = true
					if diff := gocmp.Diff(want[:len(want)-1], ids(turn(t, s, q)), cmpopts.EquateEmpty()); diff != "" {
						t.Fatalf("back, step %d, %+v: %s", step, q, diff)
					}
				}
			}
		}
	})
}

// TestSearchIndex makes, renames and erases contacts in any order, and holds SQLite's full-text index to what they are called, once all
// that waited is taken up.
func TestSearchIndex(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s, random := open(t, databaseURL), rand.New(rand.NewPCG(3, 4))
		if s.Engine() != store.SQLite {
			return // it has no such index
		}
		var all []desk.Contact
		named := func(c desk.Contact) desk.Contact {
			c.SetProfile(desk.Profile{DisplayName: fmt.Sprintf("Person %x", random.IntN(1e6)), UserName: "u@acme.example"}, "acme.example")
			return c
		}
		do := func(f func(*store.Tx) error) {
			t.Helper()
			if err := s.Tx(t.Context(), f); err != nil {
				t.Fatal(err)
			}
		}
		do(func(tx *store.Tx) error { return tx.CreateTenant(&desk.Tenant{ID: "t", CreatedAt: tx.Now}) })
		store.SearchLag(t, 7)
		for range 400 {
			do(func(tx *store.Tx) error {
				if len(all) > 0 && random.IntN(2) > 0 {
					i := random.IntN(len(all))
					if random.IntN(3) > 0 {
						i = len(all) - 1 // whose number, once it is gone, is the next one's
					}
					before := all[i]
					if random.IntN(2) > 0 {
						all = slices.Delete(all, i, i+1)
						return tx.DeleteContact("t", before.ID)
					}
					all[i] = named(before)
					return tx.UpdateContact(&before, &all[i])
				}
				all = append(all, named(desk.Contact{TenantID: "t", ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}))
				return tx.CreateContact(&all[len(all)-1])
			})
			if n := store.Waiting(t, s); n >= 7 {
				t.Fatal(n, "wait")
			}
		}
		// The version before leaves the number to the database.
		store.Exec(t, s, "INSERT INTO contacts (tenant_id, id, display_name, user_name, title, company_id, company_reason, status, deleted_by, created_at, modified_at, user_name_key, email_key, domain, search_key)"+
			" VALUES ('t', 'old', '', '', '', '', '', 'active', '', 0, 0, '', '', '', 'somebody else')")
		store.SearchLag(t, 1)
		do(func(*store.Tx) error { return nil })
		has, want := store.SearchPieces(t, s)
		if diff := gocmp.Diff(want, has); diff != "" || len(want) < 100 {
			t.Error(len(want), diff)
		}
	})
}

// TestStraysOfOld opens a database from before strays had numbers of their own. Some of its contacts wait for the full-text index.
func TestStraysOfOld(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	old := store.OpenAt(t, databaseURL, 24)
	store.WalkStep(t, 1)
	store.SearchLag(t, 1000)
	for _, tenant := range []string{"s", "t"} {
		store.Exec(t, old, "INSERT INTO tenants (tenant_id, name, created_at) VALUES ('"+tenant+"', '', 0)")
		for _, id := range []string{"b", "d", "a", "f", "c", "e", "g"} {
			store.Exec(t, old, "INSERT INTO contacts (tenant_id, id, display_name, user_name, title, company_id, company_reason, status, deleted_by, created_at, modified_at, user_name_key, email_key, domain, search_key)"+
				" VALUES ('"+tenant+"', '"+id+"', '', '', '', '', '', 'active', '', 0, 0, '', '', '', 'kofi "+id+"')")
			if id == "f" {
				store.Exec(t, old, "INSERT INTO contact_search (rowid, pieces) SELECT c.num, c.search_key FROM contacts c JOIN contact_search_waiting w ON w.num = c.num WHERE w.tenant_id = '"+tenant+"'")
				store.Exec(t, old, "DELETE FROM contact_search_waiting WHERE tenant_id = '"+tenant+"'")
			}
		}
		store.Exec(t, old, "UPDATE contacts SET search_key = 'kofi renamed ' || id WHERE tenant_id = '"+tenant+"' AND id IN ('a', 'b')")
	}
	s := open(t, databaseURL)
	order := func() {
		t.Helper()
		for _, o := range []desk.ContactOrder{desk.OldestFirst, desk.NewestFirst} {
			want := []string{"a", "b", "c", "d", "e", "f", "g"}
			if o == desk.NewestFirst {
				slices.Reverse(want)
			}
			if diff := gocmp.Diff(want, ids(turn(t, s, store.ContactQuery{TenantID: "t", Text: "kofi", Order: o, Limit: 2}))); diff != "" {
				t.Error(o, diff)
			}
		}
	}
	order()
	store.SearchLag(t, 1)
	if err := s.Tx(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	order()
	has, want := store.SearchPieces(t, s)
	if diff := gocmp.Diff(want, has); diff != "" || len(want) < 50 {
		t.Error(len(want), diff)
	}
}

// fits reports whether a contact with its users is one that a query asks for.
func fits(c desk.Contact, users []desk.DirectoryUser, q store.ContactQuery) bool {
	user := slices.ContainsFunc(users, func(u desk.DirectoryUser) bool {
		return (q.Connection == "" || u.Connection == q.Connection) && (q.Sync == "" || u.Active == (q.Sync == desk.SyncActive))
	})
	switch {
	case q.Sync == desk.SyncNone && (q.Connection != "" || len(users) > 0), (q.Connection != "" || q.Sync != "" && q.Sync != desk.SyncNone) && !user:
		return false
	case q.Order == desk.LastDeletedFirst && c.Status == desk.Active, q.Status != "" && q.Status != c.Status:
		return false
	}
	for _, word := range strings.Fields(desk.Fold(q.Text)) {
		if !strings.Contains(c.SearchKey, word) {
			return false
		}
	}
	return (q.Domain == "" || q.Domain == c.Domain) &&
		(q.Company == "" || q.Company == c.CompanyID) && (!q.Verified || c.VerifiedAt != nil)
}

// turn turns over all pages from a query's position on, or back, and returns their contacts in the query's order.
func turn(t *testing.T, s *store.Store, q store.ContactQuery) (all []desk.Contact) {
	t.Helper()
	for pages := 0; ; pages++ {
		list, next, err := s.Read(t.Context()).Contacts(q)
		if err != nil {
			t.Fatalf("%+v: %v", q, err)
		}
		if len(list) > q.Limit || pages > 200 {
			t.Fatalf("%+v: page %d has %d contacts", q, pages, len(list))
		}
		if q.From != nil && q.From.Backward {
			all = append(list, all...)
		} else {
			all = append(all, list...)
		}
		if q.From = next; next == nil {
			return all
		}
	}
}

func ids(list []desk.Contact) (ids []string) {
	for _, c := range list {
		ids = append(ids, c.ID)
	}
	return ids
}
