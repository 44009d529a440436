package portal_test

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

// TestNewContactForm makes contacts by hand: a form that is sent twice makes one, and that somebody has the address already is said.
func TestNewContactForm(t *testing.T) {
	offices(t, func(o office) {
		total := func(want int) {
			o.Helper()
			page, err := o.Engine.Contacts(o.Context(), o.agent, provision.ContactQuery{Limit: 10})
			if err != nil || len(page.Contacts) != want {
				o.Fatalf("there are %d contacts, want %d, %v", len(page.Contacts), want, err)
			}
		}
		_, _, page := o.open("/contacts/new")
		form := asItStands(t, page)
		form.Set("displayName", "Kofi")
		form.Set("email", "kofi@acme.example")
		form.Set("emailType", "work")
		_, address, _ := o.post("/contacts/new", form)
		total(1)
		if _, again, _ := o.post("/contacts/new", form); again != address {
			t.Errorf("sent twice the form leads to %s and %s", address, again)
		}
		total(1)

		_, _, page = o.open("/contacts/new")
		form.Set("once", asItStands(t, page).Get("once"))
		o.sends("/contacts/new", form, 409, "Save all the same if it is somebody else.")
		_, _, page = o.post("/contacts/new", form)
		if !strings.Contains(page, `<a href="`+address+`">Kofi</a>`) || !strings.Contains(page, "Create contact all the same") {
			t.Errorf("the contact with the address is not shown:\n%s", page)
		}
		form = asItStands(t, page)
		o.sends("/contacts/new", form, 200, "Saved.")
		o.sends("/contacts/new", form, 200, "Saved.")
		total(2)

		form.Del("other")
		for _, bad := range []struct{ field, value, want string }{
			{"email", "not an email", "is not an email address"}, {"email", "Ann <ann@acme.example>", "is not an email address"},
			{"displayName", strings.Repeat("é", 201), "A name has up to 200 characters; these are 201."}, {"userName", strings.Repeat("a", 201), "A user name has up to 200"},
			{"title", strings.Repeat("a", 201), "A title has up to 200"}, {"phone", strings.Repeat("1", 101), "A number has up to 100"},
		} {
			wrong := url.Values{"displayName": {"x"}}
			wrong.Set(bad.field, bad.value)
			o.sends("/contacts/new", wrong, 400, bad.want)
		}
		total(2)
	})
}

// TestEditContactForm edits contacts whose values are odd, shared, or changed by somebody else meanwhile.
func TestEditContactForm(t *testing.T) {
	offices(t, func(o office) {
		id := o.push(strings.Repeat("Unbroken", 30), "odd address")
		_, _, page := o.open("/contacts/" + id + "/edit")
		form := asItStands(t, page)
		form.Set("title", "Lead")
		o.sends("/contacts/"+id+"/edit", form, 200, "Saved.") // what a directory wrote stands

		kofi := "Kofi"
		other := o.add(provision.ContactEdit{DisplayName: &kofi, Emails: &[]desk.Address{{Type: "work", Value: "kofi@acme.example"}}})
		_, _, page = o.open("/contacts/" + id + "/edit")
		form = asItStands(t, page)
		form.Set("userName", "KOFI@acme.example")
		o.sends("/contacts/"+id+"/edit", form, 409, `<a href="/contacts/`+other+`">Kofi</a>`)
		form.Set("other", other)
		o.sends("/contacts/"+id+"/edit", form, 200, "Saved.")

		_, _, page = o.open("/contacts/" + other + "/edit")
		form = asItStands(t, page)
		title := "Boss"
		if _, err := o.Engine.EditContact(t.Context(), o.agent, other, nil, provision.ContactEdit{Title: &title}); err != nil {
			t.Fatal(err)
		}
		o.sends("/contacts/"+other+"/edit", form, 412, "<ins>Boss</ins>")
		if _, _, page = o.post("/contacts/"+other+"/edit", form); strings.Contains(page, "<ins>Kofi</ins>") {
			t.Error("what stood before the form was opened is said to be changed since")
		}

		// A form that is shown again for another reason is still as old as it is.
		_, _, page = o.open("/contacts/" + other + "/edit")
		form = asItStands(t, page)
		title = "Owner"
		if _, err := o.Engine.EditContact(t.Context(), o.agent, other, nil, provision.ContactEdit{Title: &title}); err != nil {
			t.Fatal(err)
		}
		form.Set("email", "no address")
		_, _, page = o.post("/contacts/"+other+"/edit", form)
		form = asItStands(t, page)
		form.Set("email", "kofi@acme.example")
		o.sends("/contacts/"+other+"/edit", form, 412, "<ins>Owner</ins>")
	})
}

// TestEraseOddNames erases contacts whose names hold what nobody can type.
func TestEraseOddNames(t *testing.T) {
	offices(t, func(o office) {
		for name, typed := range map[string]string{"Zero\u200bWidth": "ZeroWidth", "\u202eKofi": "Kofi", "\u200b\u2060": "erase"} {
			id := o.add(provision.ContactEdit{DisplayName: &name})
			if err := o.Engine.DeleteContact(t.Context(), o.agent, id, nil); err != nil {
				t.Fatal(err)
			}
			if _, _, page := o.open("/contacts/" + id + "/erase"); !strings.Contains(page, "Type <strong>"+typed+"</strong>") {
				t.Errorf("%q is not to be typed for %q", typed, name)
			}
			o.sends("/contacts/"+id+"/erase", url.Values{"name": {typed + "x"}}, 400, "Nothing has been erased.")
			o.sends("/contacts/"+id+"/erase", url.Values{"name": {typed}}, 200, "erased for good")
		}
	})
}

// push lets the directory entra create a person, and returns the contact's id.
func (o office) push(name, address string) string {
	o.Helper()
	u, err := o.Engine.CreateUser(o.Context(), testkit.Directory("main", "entra"), desk.Resource{
		"userName": name, "displayName": name, "active": true, "emails": []any{map[string]any{"type": "work", "value": address}},
	})
	if err != nil {
		o.Fatal(err)
	}
	return *u.ContactID
}
