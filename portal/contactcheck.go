package portal

import (
	"context"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/provision"
)

// How long what is typed may be, in characters. Directories may say more.
const (
	maxName  = 200
	maxPhone = 100
)

// check refuses what makes no sense, but not what stands in the contact already, as a directory may have given it.
func (f contactForm) check(c desk.Contact) error {
	for _, t := range []struct{ field, what, before, text string }{
		{"displayName", "A name", c.DisplayName, f.DisplayName}, {"userName", "A user name", c.UserName, f.UserName}, {"title", "A title", c.Title, f.JobTitle},
	} {
		if t.text != t.before && utf8.RuneCountInString(t.text) > maxName {
			return desk.Errorf(desk.InvalidValue, t.field, "%s has up to %d characters; these are %d.", t.what, maxName, utf8.RuneCountInString(t.text))
		}
	}
	stands := func(list []desk.Address, value string) bool {
		return slices.ContainsFunc(list, func(a desk.Address) bool { return a.Value == value })
	}
	for _, a := range f.Emails {
		if a.Value != "" && !stands(c.Emails, a.Value) && !desk.IsEmail(a.Value) {
			return desk.Errorf(desk.InvalidValue, "emails", "“%.60s” is not an email address, such as ann@acme.example.", a.Value)
		}
	}
	for _, a := range f.Phones {
		if !stands(c.Phones, a.Value) && utf8.RuneCountInString(a.Value) > maxPhone {
			return desk.Errorf(desk.InvalidValue, "phones", "A number has up to %d characters.", maxPhone)
		}
	}
	return nil
}

// formLife is how long after it was opened a form makes the same contact, however often it is sent.
const formLife = 24 * time.Hour

// newContactID is the id of the contact that a form makes: of the same for what is sent twice as it is, but for what it says of others.
func newContactID(sent url.Values) string {
	microseconds, err := strconv.ParseInt(sent.Get("modified"), 10, 64)
	opened := time.UnixMicro(microseconds)
	if age := time.Since(opened); err != nil || !sent.Has("once") || age < 0 || age > formLife {
		return ""
	}
	sent = maps.Clone(sent)
	sent.Del("other")
	return provision.NewContactID(opened, sent.Encode())
}

// askAlike returns a Conflict error unless who filled in the form has said that contacts with the same user name or address are others.
func (h *Handler) askAlike(ctx context.Context, actor desk.Actor, form *contactForm, c desk.Contact) error {
	alike, err := h.Engine.ContactsAlike(ctx, actor, form.ID, form.edit(c))
	if err != nil {
		return err
	}
	for _, other := range alike {
		if !slices.Contains(form.Others, other.ID) {
			form.Alike, form.Others = alike, nil
			for _, c := range alike {
				form.Others = append(form.Others, c.ID)
			}
			return desk.Errorf(desk.Conflict, "alike", "There is a contact with this user name or address already.")
		}
	}
	return nil
}

// since returns what was done to a contact after a form of it was opened, newest first, of what fits a page of its history.
func (h *Handler) since(ctx context.Context, actor desk.Actor, id, stamp string) ([]desk.Event, error) {
	events, err := h.Engine.ContactEvents(ctx, actor, id, "", historySize)
	if err != nil {
		return nil, err
	}
	// The event of the change that the form shows is not before the stamp, but it is the oldest of those that are not.
	opened, _ := strconv.ParseInt(stamp, 10, 64)
	events = slices.DeleteFunc(events, func(e desk.Event) bool { return e.At.UnixMicro() < opened })
	if len(events) > 1 {
		events = events[:len(events)-1]
	}
	return events, h.spellOut(ctx, actor, events)
}
