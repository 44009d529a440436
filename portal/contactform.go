package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

// contactForm is the form in which an agent makes or edits a contact.
type contactForm struct {
	fault
	ID          string // "" for a new one
	Title       string // of the page
	DisplayName string
	UserName    string
	JobTitle    string
	Emails      []desk.Address // the last ones are blank, to be filled in
	Phones      []desk.Address
	Fields      []fieldInput
	Owners      map[string]string // names of connections, by the fields whose values are their directories'
	Modified    string            // when the contact was last changed, as the form was opened; a new one when that was
	Alike       []desk.Contact    // those with the same user name or address, of whom it is asked whether they are meant to be others
	Others      []string          // ids of those of whom that was said
	newID       string            // of the contact that the form makes; "" for one of its own
	Meanwhile   []desk.Event      // what was changed since the form was opened
}

// fieldInput is a custom field with what stands in it.
type fieldInput struct {
	desk.Field
	Values []string
}

// Has reports whether a value stands in the field.
func (f fieldInput) Has(value string) bool { return slices.Contains(f.Values, value) }

// Lines are the values, a line each.
func (f fieldInput) Lines() string { return strings.Join(f.Values, "\n") }

// Rows is how many lines a list of choices shows.
func (f fieldInput) Rows() int { return min(max(len(f.Choices), 2), 6) }

// blankRows is how many addresses a form has room for at least.
const blankRows = 2

// The labels that a form offers for addresses and telephone numbers; others stay as they are.
var emailTypes, phoneTypes = []string{"work", "home", "other"}, []string{"work", "mobile", "home", "fax", "pager", "other"}

// EmailTypes are the labels that an address may get, among them its own.
func (contactForm) EmailTypes(a desk.Address) []string { return typesFor(a, emailTypes) }

// PhoneTypes are those of a telephone number.
func (contactForm) PhoneTypes(a desk.Address) []string { return typesFor(a, phoneTypes) }

func typesFor(a desk.Address, types []string) []string {
	if slices.Contains(types, a.Type) || a.Value == "" {
		return types
	}
	return append([]string{a.Type}, types...)
}

// withBlanks adds room for more addresses.
func withBlanks(list []desk.Address) []desk.Address {
	list = append(slices.Clone(list), desk.Address{})
	for len(list) < blankRows {
		list = append(list, desk.Address{})
	}
	return list
}

// formOf is the form filled with a contact.
func formOf(c desk.Contact, fields []desk.Field) contactForm {
	f := contactForm{
		ID: c.ID, Title: "New contact", DisplayName: c.DisplayName, UserName: c.UserName, JobTitle: c.Title,
		Emails: withBlanks(c.Emails), Phones: withBlanks(c.Phones), Modified: stamp(c),
	}
	if c.ID != "" {
		f.Title = "Edit " + c.DisplayName
	} else {
		f.Modified = stamp(desk.Contact{ModifiedAt: time.Now()})
	}
	for _, field := range fields {
		f.Fields = append(f.Fields, fieldInput{field, fieldTexts(c.Fields[field.Name])})
	}
	return f
}

// stamp tells two states of a contact apart.
func stamp(c desk.Contact) string { return strconv.FormatInt(c.ModifiedAt.UnixMicro(), 10) }

// fieldTexts are a custom field's values as they are typed.
func fieldTexts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, fieldTexts(e)...)
		}
		return list
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	}
	return []string{valueText(v)}
}

// fill puts what was sent into the form.
func (f *contactForm) fill(sent url.Values) {
	f.DisplayName, f.UserName, f.JobTitle = sent.Get("displayName"), sent.Get("userName"), sent.Get("title")
	f.Emails, f.Phones = withBlanks(readAddresses(sent, "email")), withBlanks(readAddresses(sent, "phone"))
	for i, field := range f.Fields {
		var values []string
		for _, text := range sent["field."+field.Name] {
			lines := []string{text}
			if field.Multiple && field.Type != desk.FieldChoice {
				lines = strings.Split(text, "\n")
			}
			for _, line := range lines {
				if line = strings.TrimSpace(line); line != "" {
					values = append(values, line)
				}
			}
		}
		f.Fields[i].Values = values
	}
}

// readAddresses reads the rows of addresses that have a value.
func readAddresses(sent url.Values, name string) []desk.Address {
	list := []desk.Address{}
	types, primary := sent[name+"Type"], sent.Get(name+"Primary")
	for i, value := range sent[name] {
		if value = strings.TrimSpace(value); value == "" {
			continue
		}
		a := desk.Address{Value: value, Primary: primary == strconv.Itoa(i)}
		if i < len(types) {
			a.Type = types[i]
		}
		list = append(list, a)
	}
	return list
}

// edit is what the form asks of the engine: of custom fields, those that differ from the contact's.
func (f contactForm) edit(c desk.Contact) provision.ContactEdit {
	given := func(list []desk.Address) *[]desk.Address {
		list = slices.DeleteFunc(slices.Clone(list), func(a desk.Address) bool { return a.Value == "" })
		return &list
	}
	edit := provision.ContactEdit{
		ID: f.newID, DisplayName: &f.DisplayName, UserName: &f.UserName, Title: &f.JobTitle, Emails: given(f.Emails), Phones: given(f.Phones), Fields: map[string]any{},
	}
	for _, field := range f.Fields {
		if f.ID != "" && slices.Equal(field.Values, fieldTexts(c.Fields[field.Name])) {
			continue
		}
		var value any
		switch {
		case field.Multiple:
			list := []any{}
			for _, text := range field.Values {
				list = append(list, text)
			}
			value = list
		case len(field.Values) > 0:
			value = field.Values[0]
		}
		edit.Fields[field.Name] = value
	}
	return edit
}

func (h *Handler) newContact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	return h.contactForm(w, r, actor, provision.ContactView{}, func(ctx context.Context, form contactForm) (provision.ContactView, error) {
		return h.Engine.CreateContact(ctx, actor, form.edit(desk.Contact{}))
	})
}

func (h *Handler) editContact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	view, err := h.Engine.Contact(r.Context(), actor, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	return h.contactForm(w, r, actor, view, func(ctx context.Context, form contactForm) (provision.ContactView, error) {
		unchanged := func(v provision.ContactView) error {
			if stamp(v.Contact) != r.PostForm.Get("modified") {
				return desk.Errorf(desk.VersionMismatch, "", "The contact was changed while you were writing; see its history. Save again to put what stands here over it.")
			}
			return nil
		}
		return h.Engine.EditContact(ctx, actor, view.ID, unchanged, form.edit(view.Contact))
	})
}

// owners names the directories from which values of a contact's fields come, by field.
func (h *Handler) owners(ctx context.Context, actor desk.Actor, view provision.ContactView) (map[string]string, error) {
	owners, err := h.Engine.FieldOwners(ctx, actor, view)
	if err != nil || len(owners) == 0 {
		return nil, err
	}
	connections, err := h.Engine.Connections(ctx, actor)
	names := map[string]string{}
	for _, c := range connections {
		for value, slugs := range owners {
			field, _, _ := strings.Cut(value, ".")
			if field == "fields" {
				field = value
			}
			if slices.Contains(slugs, c.Slug) && !slices.Contains(strings.Split(names[field], ", "), c.Name) {
				names[field] = strings.TrimPrefix(names[field]+", "+c.Name, ", ")
			}
		}
	}
	return names, err
}

// contactForm shows the form of a contact, and saves it once it is sent.
func (h *Handler) contactForm(w http.ResponseWriter, r *http.Request, actor desk.Actor, view provision.ContactView, save func(context.Context, contactForm) (provision.ContactView, error)) error {
	fields, err := h.Engine.Fields(r.Context(), actor)
	if err != nil {
		return err
	}
	form := formOf(view.Contact, fields)
	if form.Owners, err = h.owners(r.Context(), actor, view); err != nil {
		return err
	}
	if r.Method != http.MethodPost {
		return h.show(w, r, actor, "contactform", form.Title, form)
	}
	form.fill(r.PostForm)
	form.Others, form.newID = r.PostForm["other"], newContactID(r.PostForm)
	if err = form.check(view.Contact); err == nil {
		err = h.askAlike(r.Context(), actor, &form, view.Contact)
	}
	var saved provision.ContactView
	if err == nil {
		saved, err = save(r.Context(), form)
	}
	if opened := r.PostForm.Get("modified"); desk.KindOf(err) == desk.VersionMismatch { // it goes on with the contact of now
		var missing error
		if form.Meanwhile, missing = h.since(r.Context(), actor, view.ID, opened); missing != nil {
			return missing
		}
	} else if view.ID != "" {
		form.Modified = opened
	}
	if err != nil {
		form.fault = faultOf(err)
		return h.showAgain(w, r, actor, err, "contactform", form.Title, form)
	}
	return h.done(w, r, "/contacts/"+saved.ID, "Saved.")
}
