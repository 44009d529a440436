package api_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/store"
)

// spam tells which of a contact's tickets are spam, by subject.
func (s *server) spam(contact string) string {
	s.Helper()
	var marked []string
	for _, ticket := range s.items("/tickets?contactId=" + url.QueryEscape(contact) + "&limit=2") {
		if ticket["spam"] == true {
			marked = append(marked, ticket["subject"].(string))
		}
	}
	return strings.Join(marked, " ")
}

func TestTickets(t *testing.T) {
	each(t, func(t *server) {
		scimID, kofi := t.push(`{"userName":"kofi","externalId":"k1","displayName":"Kofi"}`)
		ticket := func(contact, subject string, more ...any) string {
			body := map[string]any{"contactId": contact, "subject": subject}
			for i := 0; i < len(more); i += 2 {
				body[more[i].(string)] = more[i+1]
			}
			return "/tickets/" + t.do("POST", "/tickets", body, 201)["id"].(string)
		}
		active := func(value string) {
			body := `{"Operations":[{"op":"Replace","path":"active","value":"` + value + `"}]}`
			testkit.Call(t, "PATCH", t.scim+"/Users/"+scimID, t.scimToken, body).Want(t, 200)
		}
		want := func(when, marked string) {
			t.Helper()
			if got := t.spam(kofi); got != marked {
				t.Errorf("%s: spam are %q, want %q", when, got, marked)
			}
		}
		plain := ticket(kofi, "plain")
		junk := ticket(kofi, "junk", "spam", true, "status", "solved")
		touched := ticket(kofi, "touched")
		confirmed := ticket(kofi, "confirmed")
		want("before", "junk")
		active("False")
		want("deactivated", "plain junk touched confirmed")
		t.do("PATCH", touched, map[string]any{"spam": false}, 200)
		t.do("PATCH", confirmed, map[string]any{"spam": true}, 200)
		late := ticket(kofi, "late")
		want("changed by hand", "plain junk confirmed late")
		active("True")
		want("back", "junk confirmed")
		t.do("DELETE", "/contacts/"+kofi, nil, 204)
		want("deleted by an agent", "plain junk touched confirmed late")
		active("False") // nothing more happens to the contact
		want("deactivated as well", "plain junk touched confirmed late")
		t.do("PATCH", junk, map[string]any{"spam": false}, 200)
		t.do("POST", "/contacts/"+kofi+"/restore", nil, 200)
		want("restored by an agent", "confirmed")
		testkit.Call(t, "DELETE", t.scim+"/Users/"+scimID, t.scimToken, nil).Want(t, 204)
		want("deleted by the directory", "plain junk touched confirmed late")
		_, again := t.push(`{"userName":"kofi","externalId":"k1"}`)
		if again != kofi {
			t.Errorf("assigned again: another contact")
		}
		want("assigned again", "confirmed")

		got := t.do("PATCH", plain, map[string]any{"subject": " Printer ", "status": "pending"}, 200)
		if got["subject"] != "Printer" || got["status"] != "pending" || got["contactId"] != kofi {
			t.Errorf("edited to %v", got)
		}
		n := len(t.items("/contacts/" + kofi + "/events?limit=100"))
		t.do("PATCH", plain, map[string]any{"subject": "Printer"}, 200)
		if m := len(t.items("/contacts/" + kofi + "/events?limit=100")); m != n {
			t.Errorf("a change of nothing left %d events", m-n)
		}
		if list := t.items("/tickets?status=pending&limit=1"); len(list) != 1 {
			t.Errorf("pending are %v", list)
		}
		for what, c := range map[string]struct {
			method, path string
			body         any
			status       int
		}{
			"no subject":       {"POST", "/tickets", map[string]any{"contactId": kofi, "subject": " "}, 400},
			"a long subject":   {"POST", "/tickets", map[string]any{"contactId": kofi, "subject": strings.Repeat("x", 501)}, 400},
			"NUL":              {"PATCH", late, map[string]any{"subject": "a\x00"}, 400},
			"no contact":       {"POST", "/tickets", map[string]any{"subject": "x"}, 400},
			"nobody's":         {"POST", "/tickets", map[string]any{"contactId": "nobody", "subject": "x"}, 400},
			"no such status":   {"PATCH", late, map[string]any{"status": "closed"}, 400},
			"no such ticket":   {"PATCH", "/tickets/nothing", map[string]any{"spam": true}, 404},
			"not there either": {"GET", "/tickets/nothing", nil, 404},
		} {
			if a := testkit.Call(t, c.method, t.URL+"/api/v1"+c.path, t.agent, c.body); a.Status != c.status {
				t.Errorf("%s: status %d, want %d\n%s", what, a.Status, c.status, a.Body)
			}
		}

		t.do("DELETE", "/contacts/"+kofi, nil, 204)
		t.do("POST", "/contacts/"+kofi+"/erase", nil, 204)
		if got := t.do("GET", plain, nil, 200); got["subject"] != "" || got["contactId"] != kofi {
			t.Errorf("erased to %v", got)
		}
	})
}

// TestManyTickets holds that a contact with very many tickets is deleted and restored like others.
func TestManyTickets(t *testing.T) {
	each(t, func(t *server) {
		id := t.do("POST", "/contacts", map[string]any{"displayName": "Ann"}, 201)["id"].(string)
		const many = 10_000
		err := t.Store.Tx(t.Context(), func(tx *store.Tx) error {
			for i := range many {
				ticket := desk.Ticket{TenantID: "main", ID: store.NewID(), ContactID: id, Subject: fmt.Sprint(i), Status: desk.TicketOpen, Spam: i%2 == 0, CreatedAt: tx.Now, ModifiedAt: tx.Now}
				if err := tx.CreateTicket(&ticket); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		count := func() (n int) {
			for _, ticket := range t.items("/tickets?limit=1000&contactId=" + id) {
				if ticket["spam"] == true {
					n++
				}
			}
			return n
		}
		t.do("DELETE", "/contacts/"+id, nil, 204)
		if n := count(); n != many {
			t.Errorf("%d are spam after the deletion", n)
		}
		t.do("POST", "/contacts/"+id+"/restore", nil, 200)
		if n := count(); n != many/2 {
			t.Errorf("%d are spam after the return", n)
		}
	})
}
