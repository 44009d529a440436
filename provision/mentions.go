package provision

import (
	"cmp"
	"context"
	"regexp"

	"rollcall/desk"
)

// mention names a contact in the message of an event, which is kept when the contact is erased, and so holds the id alone.
func mention(id string) string { return "contact " + id }

var mentioned = regexp.MustCompile(`\bcontact ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b`)

// Mentions cuts the message of an event into text and the ids of contacts that it names: every second piece is an id.
func Mentions(message string) (pieces []string) {
	end := 0
	for _, at := range mentioned.FindAllStringSubmatchIndex(message, -1) {
		pieces = append(pieces, message[end:at[2]], message[at[2]:at[3]])
		end = at[3]
	}
	return append(pieces, message[end:])
}

// Mentioned returns the names of the contacts that messages of events name, by id, of those that are still there.
func (e *Engine) Mentioned(ctx context.Context, actor desk.Actor, messages ...string) (map[string]string, error) {
	var ids []string
	for _, message := range messages {
		pieces := Mentions(message)
		for i := 1; i < len(pieces); i += 2 {
			ids = append(ids, pieces[i])
		}
	}
	names, err := e.Store.Read(ctx).ContactNames(actor.TenantID, ids)
	for id, name := range names {
		names[id] = cmp.Or(name, id)
	}
	return names, err
}
