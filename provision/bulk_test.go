package provision_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

func TestEditContacts(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme", "acme.example")
		ann := w.make("Ann", "", "ann@acme.example").ID
		bob := w.make("Bob", "", "bob@elsewhere.example").ID
		only := w.make("Only a name", "", "").ID
		gone := w.make("Gone", "", "").ID
		w.must(w.DeleteContact(w.ctx(), w.agent, gone, nil))

		company := func(id string) provision.BulkEdit {
			return provision.BulkEdit{Operation: desk.OpPatch, Edit: provision.ContactEdit{CompanyID: &id}}
		}
		empty, removed, restored := "", provision.BulkEdit{Operation: desk.OpDelete}, provision.BulkEdit{Operation: desk.OpRestore}
		for _, step := range []struct {
			name               string
			edit               provision.BulkEdit
			ids                []string
			changed, unchanged []string
			refused            map[string]desk.Kind // by name, "" for none
		}{
			{"company", company(acme), []string{bob, ann, bob, "nobody", gone}, []string{ann, bob, gone}, nil, map[string]desk.Kind{"": desk.NotFound}},
			{"company again", company(acme), []string{only, bob}, []string{only}, []string{bob}, nil},
			{"no company", company(""), []string{bob}, []string{bob}, nil, nil},
			{"company of the domain", provision.BulkEdit{Operation: desk.OpPatch, Edit: provision.ContactEdit{CompanyAuto: true}}, []string{ann, bob}, []string{ann, bob}, nil, nil},
			{"no name", provision.BulkEdit{Operation: desk.OpPatch, Edit: provision.ContactEdit{DisplayName: &empty}}, []string{ann, only}, []string{ann}, nil,
				map[string]desk.Kind{"Only a name": desk.InvalidValue}},
			{"deletion", removed, []string{ann, only, gone}, []string{ann, only}, []string{gone}, nil},
			{"restoration", restored, []string{ann, bob, gone, "no\x00id"}, []string{ann, gone}, []string{bob}, map[string]desk.Kind{"": desk.NotFound}},
		} {
			events := map[string]int{}
			for _, id := range step.changed {
				events[id] = len(w.history(id))
			}
			got, err := w.EditContacts(w.ctx(), w.agent, step.ids, step.edit)
			w.must(err)
			slices.Sort(step.changed)
			slices.Sort(step.unchanged)
			if diff := cmp.Diff(step.changed, got.Changed) + cmp.Diff(step.unchanged, got.Unchanged); diff != "" {
				w.Errorf("%s: %s", step.name, diff)
			}
			var refused map[string]desk.Kind
			for _, r := range got.Refused {
				if refused == nil {
					refused = map[string]desk.Kind{}
				}
				refused[r.Name] = r.Err.Kind
			}
			if diff := cmp.Diff(step.refused, refused); diff != "" {
				w.Errorf("%s: %s", step.name, diff)
			}
			for id, n := range events {
				if list := w.history(id); len(list) != n+1 || list[0].Operation != step.edit.Operation || len(list[0].Changes) == 0 {
					w.Errorf("%s: the history of %s is %+v", step.name, id, list)
				}
			}
		}
		w.wantCompany(ann, acme, desk.CompanyByDomain)
		w.wantCompany(bob, "", desk.CompanyNoMatch)
		w.wantCompany(only, acme, desk.CompanyManual)
		if list := w.history("nobody"); len(list) != 1 || list[0].Outcome != desk.Refused {
			w.Errorf("the log says of a contact that is not there %+v", list)
		}
		if c := w.contact(only); c.Status != desk.SoftDeleted || c.DeletedBy != desk.ActorAgent {
			w.Errorf("%+v", c)
		}

		before := len(w.history(ann))
		for _, refused := range []struct {
			ids   []string
			edit  provision.BulkEdit
			field string
		}{
			{[]string{ann}, company("none"), "companyId"},
			{nil, removed, "contacts"},
			{many(provision.MaxBulk + 1), removed, "contacts"},
			{[]string{ann}, provision.BulkEdit{Operation: desk.OpErase}, "operation"},
		} {
			_, err := w.EditContacts(w.ctx(), w.agent, refused.ids, refused.edit)
			w.wantKind(err, desk.InvalidValue, refused.field)
		}
		if len(w.history(ann)) != before {
			w.Error("what was refused left an event")
		}
	})
}

func many(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}

// history returns a contact's events, newest first, also if there is none.
func (w *world) history(id string) []desk.Event {
	w.Helper()
	list, err := w.Store.Read(w.ctx()).Events(store.EventQuery{TenantID: "t", Contacts: []string{id}})
	w.must(err)
	return list
}

// TestEditContactsAtOnce lets agents change the same contacts in different orders, while their directory does so one by one: all of them
// get through.
func TestEditContactsAtOnce(t *testing.T) {
	both(t, func(w *world) {
		var ids, users []string
		for i := range 30 {
			u := w.push(w.a, user(fmt.Sprintf("u%d@acme.example", i)))
			ids, users = append(ids, *u.ContactID), append(users, u.ID)
		}
		var wg sync.WaitGroup
		errs := make(chan error, 100)
		for n := range 6 {
			wg.Go(func() {
				mine, title := slices.Clone(ids), fmt.Sprint(n)
				rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
				got, err := w.EditContacts(w.ctx(), w.agent, mine[:20], provision.BulkEdit{Operation: desk.OpPatch, Edit: provision.ContactEdit{Title: &title}})
				if err == nil && len(got.Refused) > 0 {
					err = got.Refused[0].Err
				}
				errs <- err
			})
			wg.Go(func() {
				for _, i := range rand.Perm(len(users))[:8] {
					errs <- w.change(w.a, users[i], "nickName", fmt.Sprint(n))
				}
			})
		}
		wg.Wait()
		close(errs)
		var all error
		for err := range errs {
			all = errors.Join(all, err)
		}
		w.must(all)
	})
}
