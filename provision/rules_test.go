package provision_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/provision"
)

func (w *world) field(f desk.Field) {
	w.Helper()
	w.must(w.CreateField(w.ctx(), w.agent, f))
	fields, err := w.Fields(w.ctx(), w.agent)
	w.must(err)
	w.a.Directory.Fields = fields
}

func TestMapping(t *testing.T) {
	both(t, func(w *world) {
		acme := w.company("Acme")
		w.field(desk.Field{Name: "badge", Type: desk.FieldNumber})
		fields := w.a.Directory.Fields
		w.decide(`{"mapping":{"name.familyName":"displayName","userName":"userName","emails[type eq \"home\"].value":"emails.work","const:true":"active","employeeNumber":"badge","department":"company"}}`)
		w.a.Directory.Fields = fields
		enterprise := map[string]any{"employeeNumber": "4711", "department": "ACME"}
		u := w.push(w.a, user("kofi", "active", false, "title", "Clerk", "name", map[string]any{"familyName": "Boateng"}, desk.EnterpriseURN, enterprise,
			"emails", []any{map[string]any{"type": "home", "value": "k@home.example"}, map[string]any{"type": "work", "value": "k@acme.example"}}))
		c := w.contact(*u.ContactID)
		want := desk.Profile{
			DisplayName: "Boateng", UserName: "kofi", DirectoryCompany: "ACME", Fields: map[string]any{"badge": 4711.},
			Emails: []desk.Address{{Type: "work", Value: "k@home.example"}}, Phones: c.Phones,
		}
		if diff := cmp.Diff(want, c.Profile); diff != "" {
			w.Error(diff)
		}
		if c.Status != desk.Active || c.CompanyName != "Acme" || c.Contact.CompanyID != acme {
			w.Errorf("the contact is %s of %q", c.Status, c.CompanyName)
		}

		// A record that breaks a rule fails alone, with nothing written, and the directory's own fields follow only the rules.
		before, err := w.User(w.ctx(), w.a, u.ID)
		w.must(err)
		err = w.change(w.a, u.ID, desk.EnterpriseURN, map[string]any{"employeeNumber": "many"})
		if desk.KindOf(err) != desk.InvalidValue || !strings.Contains(err.Error(), "rule 5") {
			w.Errorf("a wrong number is answered with %v", err)
		}
		_, err = w.CreateUser(w.ctx(), w.a, user("ama", desk.EnterpriseURN, map[string]any{"employeeNumber": "none"}))
		if desk.KindOf(err) != desk.InvalidValue {
			w.Errorf("a wrong number is answered with %v", err)
		}
		if after, err := w.User(w.ctx(), w.a, u.ID); err != nil || !cmp.Equal(before, after) {
			w.Errorf("the user became %+v, %v", after, err)
		}
		w.set(w.a, u.ID, "title", "Lead", "name", map[string]any{"familyName": "B."})
		if c := w.contact(*u.ContactID); c.Title != "" || c.DisplayName != "B." {
			w.Errorf("the contact is %+v", c.Profile)
		}

		counts, people, err := w.Unmapped(w.ctx(), w.agent, "a", 100)
		w.must(err)
		if people != 1 || counts["title"] != 1 || counts["name.familyName"] != 0 {
			w.Errorf("of %d people is unmapped: %v", people, counts)
		}

		// All that is wrong is said at once, and nothing of it saved; a field in use stays.
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(`{"mapping":{"title":"nonsense","name.":"displayName"}}`)})
		if desk.KindOf(err) != desk.InvalidValue || !strings.Contains(err.Error(), "rule 1") || !strings.Contains(err.Error(), "rule 2, source, character") {
			w.Errorf("a wrong mapping is answered with %v", err)
		}
		w.wantKind(w.DeleteField(w.ctx(), w.agent, "badge"), desk.Conflict, "name")
	})
}

func TestScope(t *testing.T) {
	both(t, func(w *world) {
		department := func(name string) map[string]any { return map[string]any{"department": name} }
		old := w.push(w.a, user("old", desk.EnterpriseURN, department("Ops")))
		w.decide(`{"scope":{"rules":[{"attribute":"department","values":["Sales","Support"]}]}}`)
		in := w.push(w.a, user("kofi", desk.EnterpriseURN, department("SALES")))
		w.wantStatus(*in.ContactID, desk.Active, "")

		out := w.push(w.a, user("ama", desk.EnterpriseURN, department("Ops")))
		w.wantLast(desk.Skipped, "out_of_scope")
		if out.ContactID != nil || out.Held != desk.HeldScope || !out.Active || !strings.Contains(w.last().Detail, "Sales") {
			w.Errorf("%+v was not held: %+v", out, w.last())
		}
		w.set(w.a, out.ID, desk.EnterpriseURN, department("Support"))
		w.wantLast(desk.Created, "no_match")
		out, err := w.User(w.ctx(), w.a, out.ID)
		w.must(err)
		w.wantStatus(*out.ContactID, desk.Active, "")

		// Going out of scope deactivates, coming back restores, the same contact.
		w.set(w.a, in.ID, desk.EnterpriseURN, department("Ops"))
		w.wantLast(desk.Deactivated, "out_of_scope")
		w.wantStatus(*in.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		w.set(w.a, in.ID, "title", "Clerk")
		w.wantLast(desk.Skipped, "out_of_scope")
		w.wantStatus(*in.ContactID, desk.SoftDeleted, desk.ActorDirectory)
		w.set(w.a, in.ID, desk.EnterpriseURN, department("Support"))
		w.wantLast(desk.Restored, "")
		w.wantStatus(*in.ContactID, desk.Active, "")
		// The other connection's word does not hold who is out of scope here, and the other way round.
		w.push(w.b, user("kofi"))
		w.set(w.a, in.ID, desk.EnterpriseURN, department("Ops"))
		w.wantStatus(*in.ContactID, desk.Active, "")

		// Who was there before the scope fell out of it with the change.
		w.wantStatus(*old.ContactID, desk.SoftDeleted, desk.ActorDirectory)

		w.decide(`{"outOfScope":"refuse"}`)
		_, err = w.CreateUser(w.ctx(), w.a, user("esi", desk.EnterpriseURN, department("Ops")))
		if desk.KindOf(err) != desk.Forbidden || !strings.Contains(err.Error(), "Sales") {
			w.Errorf("somebody out of scope is answered with %v", err)
		}
		for i, bad := range []string{`{"scope":{"rules":[{"attribute":"department"}]}}`, `{"scope":{"rules":[{"filter":"nonsense"}]}}`, `{"scope":{"rules":[{"attribute":"title","pattern":"("}]}}`, `{"outOfScope":"maybe"}`} {
			_, err := w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(bad)})
			if desk.KindOf(err) != desk.InvalidValue {
				w.Error(fmt.Sprint(i), err)
			}
		}
	})
}

// TestSettingsReachEverybody holds that a change of mapping or scope is applied to people who are there already, in pages that
// survive a crash, and that its preview says what it then does.
func TestSettingsReachEverybody(t *testing.T) {
	both(t, func(w *world) {
		const people = 450 // more than a request does itself
		var users []desk.DirectoryUser
		for i := range people {
			users = append(users, w.push(w.a, user(fmt.Sprint("u", i), "title", []string{"Clerk", "Robot", "Lead"}[i%3], "nickName", fmt.Sprint("N", i))))
		}
		byHand := "Boss"
		_, err := w.EditContact(w.ctx(), w.agent, *users[0].ContactID, nil, provision.ContactEdit{Title: &byHand})
		w.must(err)

		settings := `{"scope":{"rules":[{"filter":"not (title eq \"Robot\")"}]},"mapping":{"nickName":"displayName","userName":"userName","title":"title"}}`
		p, err := w.PreviewSettings(w.ctx(), w.agent, "a", []byte(settings))
		w.must(err)
		if want := (provision.SettingsPreview{People: people, All: true, Leave: people / 3, Change: people - people/3}); p != want {
			w.Errorf("the preview is %+v, want %+v", p, want)
		}
		w.decide(settings)
		_, err = w.EditConnection(w.ctx(), w.agent, "a", provision.ConnectionEdit{Settings: []byte(`{"scope":{}}`)})
		w.wantKind(err, desk.Conflict, "settings")
		under, running, err := w.ApplyingSettings(w.ctx(), w.agent, "a")
		w.must(err)
		if under.Checked != 400 || !running {
			w.Errorf("under way is %+v", under)
		}
		w.must((&provision.Engine{Store: w.Store}).Reapply(w.ctx()))
		if _, running, err := w.ApplyingSettings(w.ctx(), w.agent, "a"); running || err != nil {
			w.Errorf("it still runs, %v", err)
		}
		for i, u := range users {
			c := w.contact(*u.ContactID)
			wantTitle, wantStatus := []string{"Clerk", "Robot", "Lead"}[i%3], desk.Active
			if i == 0 {
				wantTitle = byHand // the mapping says the same of it as before
			}
			if i%3 == 1 {
				wantStatus = desk.SoftDeleted
			}
			if c.DisplayName != fmt.Sprint("N", i) || c.Title != wantTitle || c.Status != wantStatus {
				w.Fatalf("contact %d is %s, %+v", i, c.Status, c.Profile)
			}
			if again, err := w.User(w.ctx(), w.a, u.ID); err != nil || again.Version != u.Version || again.Resource != u.Resource {
				w.Fatalf("the directory's user became %+v, %v", again, err)
			}
		}
		events, err := w.ContactEvents(w.ctx(), w.agent, *users[1].ContactID, "", 10)
		w.must(err)
		if len(events) != 2 || events[0].Operation != desk.OpRescan || events[0].Outcome != desk.Deactivated || events[0].Reason != "out_of_scope" || events[0].ActorType != desk.ActorSystem {
			w.Errorf("the history is %+v", events)
		}

		// Back in, by a scope that is taken off.
		p, err = w.PreviewSettings(w.ctx(), w.agent, "a", []byte(`{"scope":{}}`))
		w.must(err)
		if want := (provision.SettingsPreview{People: people, All: true, Enter: people / 3}); p != want {
			w.Errorf("the preview is %+v, want %+v", p, want)
		}
		w.decide(`{"scope":{}}`)
		w.must(w.Reapply(w.ctx()))
		w.wantStatus(*users[1].ContactID, desk.Active, "")
	})
}

// TestPreviewWithSettings holds that a user is previewed by rules that nobody has saved: for one whom the directory pushes, and
// for one who is there and whom the new rules alone concern. Nothing is written.
func TestPreviewWithSettings(t *testing.T) {
	both(t, func(w *world) {
		kofi := user("kofi", "title", "Lead", "nickName", "Kwesi")
		there := w.push(w.a, kofi)
		rules := []byte(`{"mapping":{"nickName":"displayName","userName":"userName"},"scope":{"rules":[{"attribute":"title","values":["Lead"]}]}}`)

		p, err := w.PreviewUser(w.ctx(), w.agent, "a", user("ann", "title", "Lead", "nickName", "Nan"), rules)
		w.must(err)
		if p.Outcome != desk.Created || p.Contact == nil || p.Contact.DisplayName != "Nan" || !p.InScope || p.ScopeRule != "title is one of Lead" {
			w.Errorf("somebody new: %+v", p)
		}
		p, err = w.PreviewUser(w.ctx(), w.agent, "a", user("ben", "title", "Clerk"), rules)
		w.must(err)
		if p.Outcome != desk.Skipped || p.Contact != nil || p.InScope {
			w.Errorf("somebody out of scope: %+v", p)
		}
		p, err = w.PreviewUser(w.ctx(), w.agent, "a", kofi, rules)
		w.must(err)
		if p.Operation != desk.OpReplace || p.Outcome != desk.Updated || p.Contact == nil || p.Contact.DisplayName != "Kwesi" || p.Contact.Title != "" || len(p.Changes) != 2 {
			w.Errorf("who is there: %+v, %+v", p, p.Contact)
		}
		p, err = w.PreviewUser(w.ctx(), w.agent, "a", kofi, nil)
		w.must(err)
		if p.Outcome != "" || p.Contact == nil || p.Contact.DisplayName == "Kwesi" {
			w.Errorf("who is there, by the rules as they are: %+v", p)
		}
		_, err = w.PreviewUser(w.ctx(), w.agent, "a", kofi, []byte(`{"mapping":{"rules":[{"source":"title","target":"nonsense"}]}}`))
		w.wantKind(err, desk.InvalidValue, "mapping")
		if c := w.contact(*there.ContactID); c.DisplayName == "Kwesi" || c.Title != "Lead" {
			w.Errorf("the contact became %+v", c)
		}
		if len(w.all()) != 1 {
			w.Errorf("the contacts are %v", w.all())
		}
	})
}
