package provision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestFieldOwners holds that a value is a directory's as long as it is what the directory says, and what an agent changed is not.
func TestFieldOwners(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		s := testkit.NewServer(t, databaseURL)
		s.Connect(t, "main", "entra")
		s.Connect(t, "main", "okta")
		agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann", Role: desk.RoleAdmin}
		if err := s.Engine.CreateField(t.Context(), agent, desk.Field{Name: "badge", Type: desk.FieldText}); err != nil {
			t.Fatal(err)
		}
		push := func(slug, title string) string {
			u, err := s.Engine.CreateUser(t.Context(), testkit.Directory("main", slug), desk.Resource{
				"userName": "kofi", "externalId": "x", "displayName": "Kofi", "active": true, "title": title,
				"emails":       []any{map[string]any{"type": "work", "value": "kofi@acme.example"}},
				desk.FieldsURN: map[string]any{"badge": "7"},
			})
			if err != nil {
				t.Fatal(err)
			}
			return *u.ContactID
		}
		id := push("entra", "Lead")
		owners := func() provision.Owners {
			t.Helper()
			view, err := s.Engine.Contact(t.Context(), agent, id)
			if err != nil {
				t.Fatal(err)
			}
			o, err := s.Engine.FieldOwners(t.Context(), agent, view)
			if err != nil {
				t.Fatal(err)
			}
			return o
		}
		entra := []string{"entra"}
		want := provision.Owners{"displayName": entra, "userName": entra, "title": entra, "emails.kofi@acme.example": entra, "fields.badge": entra}
		if diff := cmp.Diff(want, owners()); diff != "" {
			t.Error(diff)
		}
		title, emails := "Boss", []desk.Address{{Type: "home", Value: "k@home.example"}, {Type: "work", Value: "kofi@acme.example"}}
		if _, err := s.Engine.EditContact(t.Context(), agent, id, nil, provision.ContactEdit{Title: &title, Emails: &emails}); err != nil {
			t.Fatal(err)
		}
		delete(want, "title")
		if diff := cmp.Diff(want, owners()); diff != "" {
			t.Error(diff)
		}
		if push("okta", "Boss") != id {
			t.Fatal("okta's is another contact")
		}
		both := []string{"entra", "okta"}
		want = provision.Owners{"displayName": both, "userName": both, "title": {"okta"}, "emails.kofi@acme.example": both, "fields.badge": both}
		if diff := cmp.Diff(want, owners()); diff != "" {
			t.Error(diff)
		}
		settings := []byte(`{"apply":{"update":false}}`)
		if _, err := s.Engine.EditConnection(t.Context(), agent, "entra", provision.ConnectionEdit{Settings: settings}); err != nil {
			t.Fatal(err)
		}
		if got := owners()["userName"]; !cmp.Equal(got, []string{"okta"}) {
			t.Errorf("of a connection that updates nothing: %v", got)
		}
		made, err := s.Engine.CreateContact(t.Context(), agent, provision.ContactEdit{Title: &title, DisplayName: &title})
		if err != nil {
			t.Fatal(err)
		}
		if o, err := s.Engine.FieldOwners(t.Context(), agent, made); err != nil || len(o) > 0 {
			t.Errorf("of a contact without a directory: %v, %v", o, err)
		}
	})
}
