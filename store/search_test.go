package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// TestContacts lists contacts by all conditions, in pages and steps of several sizes, and compares with a look at each.
func TestContacts(t *testing.T) {
	const people = 60
	names := []string{"Ann Müller", "Anna Smith", "O'Brien", "Per_son 100%", `back\slash "Q"`, "山田太郎", "Ünal", "ab", "José da Silva", "Mueller"}
	domains, companies := []string{"acme.example", "beta.example", ""}, []string{"c1", "c2", ""}
	texts := []string{
		"", "a", "an", "ANN", "anna s", "müll", "MÜLLER", "_", "%", `\`, `"q"`, `ck\s`, "山田", "山田太", "太郎", "example", "@acme.exa", ".exa", "e.e", "n", "zzz", "z9",
		"' OR 1=1", "an\n", strings.Repeat("ann", 60), "5@beta", "brien", "o'b", "da ", "new",
	}
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s, random := open(t, databaseURL), rand.New(rand.NewPCG(1, 2))
		var all []desk.Contact
		profile := func(c *desk.Contact, i int) {
			domain := domains[random.IntN(len(domains))]
			p := desk.Profile{DisplayName: names[random.IntN(len(names))], UserName: fmt.Sprintf("u%d@%s", i, domain)}
			if i%3 == 0 {
				p.Emails = []desk.Address{{Value: fmt.Sprintf("Mail%d@%s", i, domain)}, {Value: p.UserName}}
			}
			c.SetProfile(p, domain)
		}
		err := s.Tx(t.Context(), func(tx *store.Tx) error {
			for _, tenant := range []string{"t", "other"} {
				if err := tx.CreateTenant(&desk.Tenant{ID: tenant, CreatedAt: tx.Now}); err != nil {
					return err
				}
			}
			for i := range people {
				for _, tenant := range []string{"t", "other"} {
					c := desk.Contact{TenantID: tenant, ID: store.NewID(), CompanyID: companies[random.IntN(len(companies))], Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
					if random.IntN(3) == 0 {
						c.Status = desk.SoftDeleted
					}
					profile(&c, i)
					if err := tx.CreateContact(&c); err != nil {
						return err
					}
					all = append(all, c)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		// Some get other names, some are erased, the last among them, and some come after.
		err = s.Tx(t.Context(), func(tx *store.Tx) error {
			for i := range all {
				c := &all[i]
				switch {
				case i%7 == 0 || i == len(all)-1:
					if err := tx.DeleteContact(c.TenantID, c.ID); err != nil {
						return err
					}
					c.TenantID = ""
				case i%5 == 0:
					profile(c, i)
					if err := tx.UpdateContact(c); err != nil {
						return err
					}
				}
			}
			late := desk.Contact{TenantID: "other", ID: store.NewID(), Status: desk.Active, CreatedAt: tx.Now, ModifiedAt: tx.Now}
			late.SetProfile(desk.Profile{DisplayName: "Brand new"}, "")
			all = append(all, late)
			return tx.CreateContact(&late)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []int{3, 5000} {
			store.WalkStep(t, step)
			for _, text := range texts {
				for i := range 18 {
					q := store.ContactQuery{
						TenantID: []string{"t", "other"}[i%2], Text: text, Limit: []int{1, 3, 200}[random.IntN(3)],
						Status: []desk.Status{"", desk.Active, desk.SoftDeleted}[i%3], Domain: []string{"", "acme.example", "nobody.example"}[i/6%3], Company: []string{"", "c1"}[random.IntN(2)],
					}
					var want []string
					for _, c := range all {
						if c.TenantID == q.TenantID && strings.Contains(c.SearchKey, desk.Fold(text)) && (q.Status == "" || q.Status == c.Status) &&
							(q.Domain == "" || q.Domain == c.Domain) && (q.Company == "" || q.Company == c.CompanyID) {
							want = append(want, c.ID)
						}
					}
					slices.Sort(want)
					var got []string
					for page := q; ; {
						list, next, err := s.Read(t.Context()).Contacts(page)
						if err != nil {
							t.Fatalf("%+v: %v", page, err)
						}
						for _, c := range list {
							got = append(got, c.ID)
						}
						if len(list) > q.Limit || next != "" && next <= page.After {
							t.Fatalf("%+v: %d contacts, and on after %q", page, len(list), next)
						}
						if page.After = next; next == "" {
							break
						}
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("step %d, %+v: %s", step, q, diff)
					}
				}
			}
		}
	})
}
