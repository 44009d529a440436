package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"rollcall/desk"
	"rollcall/provision"
)

// tryOut shows what would become of one person, of whom nothing is written.
type tryOut struct {
	People  []person // the newest
	Person  string   // the id of the one who is chosen
	User    string   // a SCIM user as JSON
	Preview *preview
}

type preview struct {
	provision.Preview
	Event     desk.Event        // as it would be
	Mentioned map[string]string // names of the contacts that the message names, by id
}

// person is a directory's user, by name.
type person struct{ ID, Name string }

// peopleToTry is how many of the newest people are offered.
const peopleToTry = 20

func (h *Handler) newestPeople(r *http.Request, actor desk.Actor, slug string) ([]person, error) {
	users, err := h.Engine.NewestUsers(r.Context(), actor, slug, peopleToTry)
	if err != nil {
		return nil, err
	}
	list := make([]person, len(users))
	for i, u := range users {
		resource, err := u.Decode()
		if err != nil {
			return nil, err
		}
		list[i] = person{u.ID, resource.UserName()}
	}
	return list, nil
}

// personText returns what a connection's directory says of a person, as JSON.
func (h *Handler) personText(r *http.Request, actor desk.Actor, slug, id string) (string, error) {
	users, err := h.Engine.NewestUsers(r.Context(), actor, slug, peopleToTry)
	if err != nil {
		return "", err
	}
	for _, u := range users {
		if u.ID == id {
			var text bytes.Buffer
			err := json.Indent(&text, []byte(u.Resource), "", "  ")
			return text.String(), err
		}
	}
	return "", desk.Errorf(desk.InvalidValue, "person", "Choose a person from the list, or paste a SCIM user.")
}

// try previews the person, with settings that need not be saved.
func (h *Handler) try(r *http.Request, actor desk.Actor, slug string, t *tryOut, settings []byte) error {
	fields, err := h.Engine.Fields(r.Context(), actor)
	if err != nil {
		return err
	}
	if err := checkJSON(t.User); err != nil {
		return err
	}
	resource, err := h.ReadUser(fields, []byte(t.User))
	if err != nil {
		return desk.Errorf(desk.InvalidValue, "user", "This is no SCIM user: %s", desk.AsError(err).Msg)
	}
	p, err := h.Engine.PreviewUser(r.Context(), actor, slug, resource, settings)
	if err != nil {
		return err
	}
	for i, c := range p.Changes { // of a company that there is not yet
		if c.Field == "company" && p.Contact != nil && c.To == p.Contact.CompanyID && p.CompanyName != "" {
			p.Changes[i].To = p.CompanyName
		}
	}
	event := desk.Event{Operation: p.Operation, Outcome: p.Outcome, Reason: p.Reason, Changes: p.Changes}
	names, err := h.Engine.Mentioned(r.Context(), actor, p.Detail)
	if err != nil {
		return err
	}
	t.Preview = &preview{p, event, names}
	return h.spellOut(r.Context(), actor, []desk.Event{event})
}

// checkJSON says where a text is not JSON.
func checkJSON(text string) error {
	if strings.TrimSpace(text) == "" {
		return desk.Errorf(desk.InvalidValue, "user", "This is no SCIM user: paste one, or try a person who is here.")
	}
	var wrong *json.SyntaxError
	if !errors.As(json.Unmarshal([]byte(text), new(any)), &wrong) {
		return nil
	}
	before := text[:max(0, int(wrong.Offset)-1)]
	line, column := strings.Count(before, "\n")+1, utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])+1
	return desk.Errorf(desk.InvalidValue, "user", "This is no SCIM user: it is not JSON at line %d, character %d: %s", line, column, wrong)
}
