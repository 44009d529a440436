package portal_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"rollcall/desk"
	"rollcall/provision"
)

// hold lets requests wait, from the next one of which match holds on, one at a time, until let is called.
type hold struct {
	match   atomic.Pointer[func(*http.Request) bool]
	waits   chan struct{}
	release chan struct{}
}

func (v *visitor) hold() *hold {
	h := &hold{waits: make(chan struct{}, 1), release: make(chan struct{})}
	next := v.Handler
	v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if match := h.match.Load(); match != nil && (*match)(r) && h.match.CompareAndSwap(match, nil) {
			h.waits <- struct{}{}
			<-h.release
		}
		next.ServeHTTP(w, r)
	})
	return h
}

// TestJourneySearchAddress searches, opens what was found, and comes back to the search: it stands in the address. What a list that
// renews itself was asked before the search came does not overwrite it.
func TestJourneySearchAddress(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		held := v.hold()
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		renews := func(r *http.Request) bool {
			return r.URL.Path == "/contacts" && r.Header.Get("HX-Request") != "" && r.URL.Query().Get("q") == ""
		}
		held.match.Store(&renews)
		<-held.waits
		v.Fill("Search", "tariq")
		v.SeesNot("Kofi Adeyemi")
		close(held.release)
		v.Sees("1 of 5 contacts")
		if got := v.Path(); got != "/contacts?q=tariq&status=active" && got != "/contacts?status=active&q=tariq" {
			v.Errorf("the search's address is %s", got)
		}
		v.Check()
		v.Click("Tariq Haddad")
		v.Sees("Directory / Sync")
		v.do(chromedp.NavigateBack())
		v.Sees("1 of 5 contacts")
		if got := ask[string](v, `document.querySelector("#q").value`); got != "tariq" {
			v.Errorf("back at the list the search is %q", got)
		}
		v.Fill("Domain", "not a domain")
		v.Sees("is not a domain name")
		v.Forgive()
		v.Click("Clear the filters")
		v.Fill("Domain", "@initech.example")
		v.Sees("1 of 5 contacts")
		v.Click("Clear")
		v.Sees("Kofi Adeyemi")

		v.Focus("Choose all")
		v.Press(" ")
		v.Sees("5 chosen")
		v.Fill("Search", "tariq")
		v.Sees("1 chosen")

		v.Open("/log?connection=entra")
		v.Click("Pause")
		v.Sees("Paused")
		v.Choose("Outcome", "created")
		v.wait("the log's address", `location.search.includes("outcome=created") && location.search.includes("paused=1")`)
	})
}

// TestJourneyGone looks at a contact while somebody erases it: the page does not go on showing the person. And at the log while the
// server is gone: it says so, until the server answers again.
func TestJourneyGone(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.staff()
		var gone atomic.Bool
		next := v.Handler
		v.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if gone.Load() && !strings.HasPrefix(r.URL.Path, "/static/") {
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
		})
		v.SignIn(desk.RoleAgent)
		agent := desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "ann"}
		page, err := v.Engine.Contacts(v.Context(), agent, provision.ContactQuery{Text: "tariq", Limit: 1})
		if err != nil {
			v.Fatal(err)
		}
		id := page.Contacts[0].ID
		v.Open("/contacts/" + id)
		if err = v.Engine.DeleteContact(v.Context(), agent, id, nil); err == nil {
			err = v.Engine.EraseContact(v.Context(), agent, id, nil)
		}
		if err != nil {
			v.Fatal(err)
		}
		v.SeesNot("Tariq Haddad")
		v.Sees("No contact with this id.")
		v.Forgive()

		v.Open("/log?connection=entra")
		v.Sees("Live")
		gone.Store(true)
		v.Sees("The server does not answer.")
		v.Check()
		gone.Store(false)
		v.SeesNot("The server does not answer.")
		v.Forgive()
	})
}
