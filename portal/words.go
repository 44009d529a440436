package portal

import (
	"cmp"
	"strings"

	"rollcall/desk"
)

// operations are what people call what was asked for.
var operations = map[desk.Operation]string{
	desk.OpCreate: "Create", desk.OpReplace: "Replace", desk.OpPatch: "Change", desk.OpDelete: "Delete", desk.OpRestore: "Restore", desk.OpErase: "Erase",
	desk.OpRead: "Read", desk.OpRescan: "Map to companies", desk.OpBulk: "Bulk request", desk.OpAuthorize: "Ask for a token", desk.OpSignIn: "Sign in",
}

// causes say in words what the code in an event's reason means. What is not here is said by the code itself.
var causes = map[string]string{
	"externalId":               "Matched by the external id.",
	"userName":                 "Matched by the user name.",
	"email":                    "Matched by the email address.",
	"no_match":                 "Nobody matched, so it is a new contact.",
	"ambiguous_match":          "Several contacts match, so none of them was taken.",
	"agent":                    "An agent decided it.",
	"held_by_other_connection": "Another connection holds the contact, which therefore stays.",
	"deactivate_off":           "The connection's settings say that nobody is deactivated.",
	"delete_off":               "The connection's settings say that no contact is deleted.",
	"update_off":               "The connection's settings say that nobody is updated.",
	string(desk.HeldScope):     "Out of the connection's scope.",
	string(desk.HeldCreate):    "The connection's settings say that nobody is created.",
	string(desk.HeldAdoption):  "Waits for an agent to say whether it is a contact that was there before.",
	"connection":               "The connection itself.",
	"company":                  "A company.",
	"ticket":                   "A ticket.",
	"client":                   "An OAuth client.",
	"client secret":            "An OAuth client's secret.",
	"consent":                  "An administrator's consent to an OAuth client.",
	"token":                    "A token.",
	"reused":                   "A refresh token was used twice, so all tokens of that consent were revoked.",
}

// refusals say the same of a refusal, whose reason is a kind of error.
var refusals = map[desk.Kind]string{
	desk.InvalidSyntax:    "The request's body is not the JSON that it should be.",
	desk.InvalidValue:     "A value is missing or of the wrong type.",
	desk.InvalidFilter:    "The filter cannot be read, or cannot be answered.",
	desk.InvalidPath:      "The path of a change names nothing known.",
	desk.NoTarget:         "The path of a change selects nothing.",
	desk.Mutability:       "An attribute that is read only would change.",
	desk.Uniqueness:       "Somebody has this key already.",
	desk.InvalidCursor:    "The cursor is another query's.",
	desk.InvalidCount:     "The cursor cannot be used with this count.",
	desk.VersionMismatch:  "The record has changed since the client read it.",
	desk.Conflict:         "The record's state does not allow this.",
	desk.NotFound:         "There is no such record.",
	desk.Unauthenticated:  "The request had no valid credential.",
	desk.Forbidden:        "The credential does not allow this.",
	desk.MethodNotAllowed: "The path does not know this method.",
	desk.TooLarge:         "The request's body is over the limit.",
	desk.UnsupportedMedia: "The request's body is of another media type.",
	desk.NotImplemented:   "This part of the protocol is not offered.",
	desk.RateLimited:      "Too many requests; a little later they are fine.",
	desk.Unavailable:      "The server could not answer just then; the client tries again.",
	desk.Paused:           "An administrator had paused the connection.",
	desk.Internal:         "A fault of the server.",
}

// why says in words what decided an event's outcome, "" where nothing is to be said.
func why(e desk.Event) string {
	if words, ok := refusals[desk.Kind(e.Reason)]; ok && e.Outcome == desk.Refused {
		return words
	}
	if words, ok := causes[e.Reason]; ok {
		return words
	}
	return e.Reason
}

// fieldNamesOf are what people call the fields that changed.
func fieldNamesOf(e desk.Event) []string {
	names := e.ChangedFields()
	for i, field := range names {
		names[i] = fieldName(field)
	}
	return names
}

// maxHappened is how long what happened may be in a line of a list, in characters.
const maxHappened = 120

// happened says in a line what was done.
func happened(e desk.Event) string {
	text := strings.TrimSuffix(why(e), ".")
	switch {
	case e.Outcome == desk.Refused && e.Detail != "":
		text = e.Detail
	case text == "" && len(e.Changes) > 0:
		text = "Changed " + strings.Join(fieldNamesOf(e), ", ")
	case text == "":
		text = operations[e.Operation]
	}
	return shorten(text, maxHappened)
}

// tokenKinds are what people call the kinds of tokens with which an event's message begins.
var tokenKinds = [][2]string{{"scim token", "SCIM token"}, {"api token", "API token"}, {"signin token", "sign-in link"}}

// message is what an event says besides, in people's words.
func message(e desk.Event) string {
	for _, kind := range tokenKinds {
		if rest, ok := strings.CutPrefix(e.Detail, kind[0]); ok && e.Reason == "token" {
			return kind[1] + rest
		}
	}
	return e.Detail
}

// did says in a line what somebody did: to what, and which of its fields are others now.
func did(e desk.Event) string {
	if e.Outcome == desk.Refused {
		return happened(e)
	}
	text := cmp.Or(message(e), strings.TrimSuffix(why(e), "."))
	if e.Operation == desk.OpSignIn {
		text = operations[e.Operation]
	}
	if fields := strings.Join(fieldNamesOf(e), ", "); text != "" && fields != "" {
		text += ": " + fields
	} else if text += fields; text == "" {
		text = operations[e.Operation]
	}
	return shorten(sentence(text), maxHappened)
}
