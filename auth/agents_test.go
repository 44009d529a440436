package auth_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

const password = "three words long"

var system = provision.System("main")

// wait lets time pass.
func (d *desks) wait(long time.Duration) { d.turn(d.now.Add(long)) }

// agent makes an agent with a password.
func (d *desks) agent(email string, role desk.Role) desk.Agent {
	d.Helper()
	g, link := d.invite(email, role)
	if _, err := d.Auth.AcceptLink(bearing(""), link, password); err != nil {
		d.Fatal(err)
	}
	return g
}

func (d *desks) invite(email string, role desk.Role) (desk.Agent, string) {
	d.Helper()
	g := desk.Agent{Email: email, Role: role}
	link, err := d.Auth.Invite(d.Context(), system, &g)
	if err != nil {
		d.Fatal(err)
	}
	return g, link
}

// enter signs an agent in and returns a request of the browser.
func (d *desks) enter(email string) *http.Request {
	d.Helper()
	cookie, err := d.Auth.PasswordSignIn(bearing(""), "main", email, password)
	if err != nil {
		d.Fatal(err)
	}
	return with(cookie)
}

func with(cookie *http.Cookie) *http.Request {
	r := bearing("")
	r.AddCookie(cookie)
	return r
}

// actor returns who a browser's request comes from.
func (d *desks) actor(r *http.Request) desk.Actor {
	d.Helper()
	actor, err := d.Auth.Session(r)
	if err != nil {
		d.Fatal(err)
	}
	return actor
}

func (d *desks) in(what string, r *http.Request, want bool) {
	d.Helper()
	_, err := d.Auth.Session(r)
	if want {
		d.wantKind(what, err, "")
	} else {
		d.wantKind(what, err, desk.Unauthenticated)
	}
}

func (d *desks) edit(id string, edit desk.AgentEdit) error {
	_, err := d.Auth.EditAgent(d.Context(), system, id, edit)
	return err
}

func role(r desk.Role) desk.AgentEdit { return desk.AgentEdit{Role: &r} }

func disabled(yes bool) desk.AgentEdit { return desk.AgentEdit{Disabled: &yes} }

// log returns the tenant's own events, oldest first, but for those of the tenant and its connections.
func (d *desks) log() (lines []string) {
	d.Helper()
	d.Auth.Close()
	events, err := d.Store.Read(d.Context()).Events(store.EventQuery{TenantID: "main", Connection: "", Limit: 100})
	if err != nil {
		d.Fatal(err)
	}
	for _, ev := range slices.Backward(events) {
		if ev.Reason == "tenant" || ev.Reason == "connection" {
			continue
		}
		line := fmt.Sprintf("%s: %s %s %s", ev.ActorName, ev.Operation, ev.Outcome, ev.Reason)
		if ev.Detail != "" {
			line += " (" + ev.Detail + ")"
		}
		for _, c := range ev.Changes {
			line += fmt.Sprintf(" %s %v→%v", c.Field, c.From, c.To)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestPasswordSignIn(t *testing.T) {
	each(t, func(d *desks) {
		ann := d.agent("Ann@Desk.Example", desk.RoleAdmin)
		d.agent("kofi@desk.example", desk.RoleAgent)
		d.invite("invited@desk.example", desk.RoleAgent)
		gone := d.agent("gone@desk.example", desk.RoleAgent)
		if err := d.edit(gone.ID, disabled(true)); err != nil {
			t.Fatal(err)
		}
		for what, c := range map[string]struct{ tenant, email, password string }{
			"a wrong password":            {"main", "ann@desk.example", password + "s"},
			"an empty password":           {"main", "ann@desk.example", ""},
			"another case":                {"main", "ann@desk.example", strings.ToUpper(password)},
			"nobody's address":            {"main", "nobody@desk.example", password},
			"no address":                  {"main", "", password},
			"an address that is broken":   {"main", "\xff\x00", password},
			"another tenant":              {"other", "ann@desk.example", password},
			"no tenant":                   {"", "ann@desk.example", password},
			"a disabled agent":            {"main", "gone@desk.example", password},
			"an agent without a password": {"main", "invited@desk.example", ""},
			"a password of 10,000 signs":  {"main", "ann@desk.example", strings.Repeat("x", 10_000)},
		} {
			cookie, err := d.Auth.PasswordSignIn(bearing(""), c.tenant, c.email, c.password)
			if d.wantKind(what, err, desk.Unauthenticated); cookie != nil || err == nil || desk.AsError(err).Msg != "The email address or the password is wrong." {
				t.Errorf("%s: cookie %v, %v", what, cookie, err)
			}
		}
		for _, email := range []string{"ann@desk.example", " ANN@desk.example\t"} {
			actor := d.actor(d.enter(email))
			if want := (desk.Actor{Type: desk.ActorAgent, TenantID: "main", AgentID: ann.ID, Name: "Ann", Role: desk.RoleAdmin, SessionID: actor.SessionID}); actor != want || actor.SessionID == "" {
				t.Errorf("signed in as %+v", actor)
			}
		}
		got, err := d.Auth.Agent(t.Context(), system, ann.ID)
		if err != nil || got.LastSignInAt == nil || !got.LastSignInAt.Equal(d.now) || !strings.HasPrefix(got.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("the record is %+v, %v", got, err)
		}
		if other, err := d.Auth.AgentByEmail(t.Context(), system, "kofi@desk.example"); err != nil || other.PasswordHash == got.PasswordHash {
			t.Errorf("two agents with one password have one hash; %v", err)
		}
		for _, line := range []string{
			"rollcall: create created agent (agent Ann) role <nil>→admin", "rollcall: create created token (signin token Ann)", "Ann: patch updated password (agent Ann)",
			"Ann: signin started link", "Ann: signin started password", "Ann: signin refused unauthenticated (wrong password)",
			"rollcall: patch deactivated agent (agent gone)", "gone: signin refused unauthenticated (the agent is disabled)",
		} {
			if !slices.Contains(d.log(), line) {
				t.Errorf("the log lacks %q: %q", line, d.log())
			}
		}
		if strings.Contains(fmt.Sprint(d.log()), "nobody") {
			t.Error("the log tells of addresses that nobody has")
		}
		// Refusals within a minute are one event.
		n := len(d.log())
		d.Auth.PasswordSignIn(bearing(""), "main", "kofi@desk.example", "wrong")
		d.Auth.PasswordSignIn(bearing(""), "main", "kofi@desk.example", "wrong")
		if len(d.log()) != n+1 {
			t.Errorf("two refusals leave %d events", len(d.log())-n)
		}
	})
}

// TestSameWork holds that a guess costs a hash whoever it is aimed at: where none can be made, none is answered.
func TestSameWork(t *testing.T) {
	d := &desks{T: t, Server: testkit.NewServer(t, testkit.SQLite(t))}
	d.Connect(t, "main", "entra")
	d.agent("ann@desk.example", desk.RoleAdmin)
	d.invite("invited@desk.example", desk.RoleAgent)
	gone := d.agent("gone@desk.example", desk.RoleAgent)
	if err := d.edit(gone.ID, disabled(true)); err != nil {
		t.Fatal(err)
	}
	empty := auth.FillHashing()
	for _, email := range []string{"ann@desk.example", "nobody@desk.example", "invited@desk.example", "gone@desk.example", ""} {
		for _, tenant := range []string{"main", "nowhere", "not a slug"} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			_, err := d.Auth.PasswordSignIn(bearing("").WithContext(ctx), tenant, email, "wrong")
			cancel()
			d.wantKind(email+" of "+tenant, err, desk.Unavailable)
		}
	}
	empty()
	d.enter("ann@desk.example")
}

func TestGuesses(t *testing.T) {
	d := &desks{T: t, Server: testkit.NewServer(t, testkit.SQLite(t))}
	d.Connect(t, "main", "entra")
	d.agent("ann@desk.example", desk.RoleAdmin)
	d.agent("kofi@desk.example", desk.RoleAgent)
	browser := d.enter("kofi@desk.example")
	for _, email := range []string{"ann@desk.example", "nobody@desk.example"} {
		for i := range 12 {
			want := desk.Unauthenticated
			if i >= 10 {
				want = desk.RateLimited
			}
			_, err := d.Auth.PasswordSignIn(bearing(""), "main", strings.ToUpper(email), "wrong")
			d.wantKind(fmt.Sprint(email, i), err, want)
		}
	}
	_, err := d.Auth.PasswordSignIn(bearing(""), "main", "ann@desk.example", password)
	d.wantKind("the right password after too many guesses", err, desk.RateLimited)
	// Who has a session can guess no more often.
	for i := range 10 {
		want := desk.InvalidValue
		if i == 9 { // one was used to sign in
			want = desk.RateLimited
		}
		_, err := d.Auth.ChangePassword(browser, d.actor(browser), "wrong", "another three words")
		d.wantKind(fmt.Sprint("change ", i), err, want)
	}
}

// TestAgentLink holds that by an agent's link a password is set once, within three days, and only by the newest link.
func TestAgentLink(t *testing.T) {
	each(t, func(d *desks) {
		ann, first := d.invite("ann@desk.example", desk.RoleAgent)
		link, err := d.Auth.NewLink(t.Context(), system, ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Auth.AcceptLink(bearing(""), first, password)
		d.wantKind("a link with a newer one", err, desk.Unauthenticated)
		if owner, err := d.Auth.LinkOwner(bearing(""), link); err != nil || owner.ID != ann.ID {
			t.Errorf("the link is %+v's, %v", owner, err)
		}
		_, err = d.Auth.SignIn(bearing(""), link)
		d.wantKind("a link without a password", err, desk.Unauthenticated)
		for _, bad := range []string{"", "elevensigns", strings.Repeat("ab", 101), strings.Repeat("a", 20), "\xff\xff\xff three words long"} {
			_, err = d.Auth.AcceptLink(bearing(""), link, bad)
			d.wantKind(fmt.Sprintf("the password %.20q", bad), err, desk.InvalidValue)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		n := 0
		for range 6 {
			wg.Go(func() {
				_, err := d.Auth.AcceptLink(bearing(""), link, password)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					n++
				} else if desk.KindOf(err) != desk.Unauthenticated {
					t.Error(err)
				}
			})
		}
		if wg.Wait(); n != 1 {
			t.Errorf("the link was used %d times", n)
		}
		browser := d.enter("ann@desk.example")
		if link, err = d.Auth.NewLink(t.Context(), system, ann.ID); err != nil {
			t.Fatal(err)
		}
		d.in("a new link leaves the session", browser, true)
		if _, err := d.Auth.AcceptLink(bearing(""), link, "another three words"); err != nil {
			t.Fatal(err)
		}
		d.in("a session of before the link was used", browser, false)
		_, err = d.Auth.PasswordSignIn(bearing(""), "main", "ann@desk.example", password)
		d.wantKind("the former password", err, desk.Unauthenticated)

		if link, err = d.Auth.NewLink(t.Context(), system, ann.ID); err != nil {
			t.Fatal(err)
		}
		d.wait(72 * time.Hour)
		_, err = d.Auth.AcceptLink(bearing(""), link, password)
		d.wantKind("a link of three days ago", err, desk.Unauthenticated)
		if link, err = d.Auth.NewLink(t.Context(), system, ann.ID); err != nil {
			t.Fatal(err)
		}
		if err := d.edit(ann.ID, disabled(true)); err != nil {
			t.Fatal(err)
		}
		_, err = d.Auth.NewLink(t.Context(), system, ann.ID)
		d.wantKind("a new link for a disabled agent", err, desk.Conflict)
		if err := d.edit(ann.ID, disabled(false)); err != nil {
			t.Fatal(err)
		}
		_, err = d.Auth.AcceptLink(bearing(""), link, password)
		d.wantKind("a link from before the agent was disabled", err, desk.Unauthenticated)
		_, err = d.Auth.NewLink(t.Context(), provision.System("other"), ann.ID)
		d.wantKind("a link for another tenant's agent", err, desk.NotFound)
	})
}

func TestInvite(t *testing.T) {
	each(t, func(d *desks) {
		d.invite("ann@desk.example", desk.RoleAgent)
		for what, c := range map[string]struct {
			agent desk.Agent
			kind  desk.Kind
		}{
			"the same address":   {desk.Agent{Email: " ANN@desk.example", Role: desk.RoleAgent}, desk.Uniqueness},
			"no address":         {desk.Agent{Name: "Ann", Role: desk.RoleAgent}, desk.InvalidValue},
			"a name for one":     {desk.Agent{Email: "Ann <b@desk.example>", Role: desk.RoleAgent}, desk.InvalidValue},
			"no @":               {desk.Agent{Email: "ann", Role: desk.RoleAgent}, desk.InvalidValue},
			"a long address":     {desk.Agent{Email: strings.Repeat("a", 250) + "@desk.example", Role: desk.RoleAgent}, desk.InvalidValue},
			"a long name":        {desk.Agent{Email: "b@desk.example", Name: strings.Repeat("é", 201), Role: desk.RoleAgent}, desk.InvalidValue},
			"a name with a line": {desk.Agent{Email: "b@desk.example", Name: "a\nb", Role: desk.RoleAgent}, desk.InvalidValue},
			"a name with NUL":    {desk.Agent{Email: "b@desk.example", Name: "a\x00b", Role: desk.RoleAgent}, desk.InvalidValue},
			"no role":            {desk.Agent{Email: "b@desk.example"}, desk.InvalidValue},
			"another role":       {desk.Agent{Email: "b@desk.example", Role: "boss"}, desk.InvalidValue},
		} {
			link, err := d.Auth.Invite(t.Context(), system, &c.agent)
			if d.wantKind(what, err, c.kind); link != "" {
				t.Errorf("%s: there is a link", what)
			}
		}
		_, err := d.Auth.Invite(t.Context(), provision.System("nowhere"), &desk.Agent{Email: "b@desk.example", Role: desk.RoleAgent})
		d.wantKind("no such tenant", err, desk.NotFound)
		other := desk.Agent{Email: "ann@desk.example", Name: strings.Repeat("é", 200), Role: desk.RoleAdmin}
		if _, err := d.Auth.Invite(t.Context(), provision.System("other"), &other); err != nil {
			t.Errorf("another tenant's agent of the same address: %v", err)
		}
	})
}

// TestEndOfSessions holds that what an agent may no longer do they cannot do from that moment on.
func TestEndOfSessions(t *testing.T) {
	each(t, func(d *desks) {
		d.agent("root@desk.example", desk.RoleAdmin)
		ann := d.agent("ann@desk.example", desk.RoleAgent)
		kofi := d.agent("kofi@desk.example", desk.RoleAgent)
		others := d.enter("kofi@desk.example")
		act := func(what string, f func(*http.Request) error, stays bool) {
			t.Helper()
			browser := d.enter("ann@desk.example")
			if err := f(browser); err != nil {
				t.Fatal(err)
			}
			d.in(what, browser, stays)
			d.in(what+", to another", others, true)
		}
		name := "Anna"
		act("another name", func(*http.Request) error { return d.edit(ann.ID, desk.AgentEdit{Name: &name}) }, true)
		act("the same role", func(*http.Request) error { return d.edit(ann.ID, role(desk.RoleAgent)) }, true)
		act("another role", func(*http.Request) error { return d.edit(ann.ID, role(desk.RoleAdmin)) }, false)
		if actor := d.actor(d.enter("ann@desk.example")); actor.Role != desk.RoleAdmin || actor.Name != "Anna" {
			t.Errorf("signed in as %+v", actor)
		}
		act("disabled", func(*http.Request) error { return d.edit(ann.ID, disabled(true)) }, false)
		if err := d.edit(ann.ID, disabled(false)); err != nil {
			t.Fatal(err)
		}
		var cookie *http.Cookie
		act("another password", func(r *http.Request) (err error) {
			cookie, err = d.Auth.ChangePassword(r, d.actor(r), password, "another three words")
			return err
		}, false)
		d.in("who has changed the password", with(cookie), true)
		d.wait(time.Minute)
		if _, err := d.Auth.ChangePassword(with(cookie), d.actor(with(cookie)), "another three words", password); err != nil {
			t.Fatal(err)
		}
		act("deleted", func(*http.Request) error { return d.Auth.DeleteAgent(t.Context(), system, ann.ID) }, false)
		_, err := d.Auth.PasswordSignIn(bearing(""), "main", "ann@desk.example", password)
		d.wantKind("a deleted agent", err, desk.Unauthenticated)
		d.wantKind("deleting twice", d.Auth.DeleteAgent(t.Context(), system, ann.ID), desk.NotFound)
		d.wantKind("deleting another tenant's", d.Auth.DeleteAgent(t.Context(), provision.System("other"), kofi.ID), desk.NotFound)
		for _, line := range []string{
			"rollcall: patch updated agent (agent Anna) name ann→Anna", "rollcall: patch updated agent (agent Anna) role agent→admin", "rollcall: patch deactivated agent (agent Anna)",
			"rollcall: patch restored agent (agent Anna)", "Anna: patch updated password (agent Anna)", "rollcall: delete deleted agent (agent Anna)",
		} {
			if !slices.Contains(d.log(), line) {
				t.Errorf("the log lacks %q: %q", line, d.log())
			}
		}
	})
}

// TestLastAdmin holds that there is always an administrator who can sign in, once there was one.
func TestLastAdmin(t *testing.T) {
	each(t, func(d *desks) {
		ann := d.agent("ann@desk.example", desk.RoleAdmin)
		invited, _ := d.invite("invited@desk.example", desk.RoleAdmin)
		all := map[string]func(id string) error{
			"demoted":  func(id string) error { return d.edit(id, role(desk.RoleAgent)) },
			"disabled": func(id string) error { return d.edit(id, disabled(true)) },
			"deleted":  func(id string) error { return d.Auth.DeleteAgent(t.Context(), system, id) },
		}
		for what, act := range all {
			d.wantKind("the last one, "+what, act(ann.ID), desk.Conflict)
		}
		d.wantKind("who has only been invited", d.edit(invited.ID, role(desk.RoleAgent)), "")
		kofi := d.agent("kofi@desk.example", desk.RoleAdmin)
		d.wantKind("one of two", d.edit(kofi.ID, disabled(true)), "")
		d.wantKind("the last one beside a disabled one", d.edit(ann.ID, role(desk.RoleAgent)), desk.Conflict)
		d.wantKind("enabled again", d.edit(kofi.ID, disabled(false)), "")
		// Of two who demote each other at the same moment one is left.
		for range 5 {
			var wg sync.WaitGroup
			errs := make([]error, 2)
			for i, id := range []string{ann.ID, kofi.ID} {
				wg.Go(func() { errs[i] = d.edit(id, role(desk.RoleAgent)) })
			}
			wg.Wait()
			if (desk.KindOf(errs[0]) == desk.Conflict) == (desk.KindOf(errs[1]) == desk.Conflict) {
				t.Fatalf("both were answered alike: %v, %v", errs[0], errs[1])
			}
			for _, id := range []string{ann.ID, kofi.ID} {
				if err := d.edit(id, role(desk.RoleAdmin)); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// TestOwnSessions looks at an agent's list of sessions.
func TestOwnSessions(t *testing.T) {
	each(t, func(d *desks) {
		d.agent("ann@desk.example", desk.RoleAdmin) // which opens a session, too
		d.agent("kofi@desk.example", desk.RoleAgent)
		d.wait(2 * time.Hour) // those of the links are over
		open := func(email, browser, address string) *http.Request {
			t.Helper()
			r := bearing("")
			r.Header.Set("User-Agent", browser)
			r.RemoteAddr = address
			cookie, err := d.Auth.PasswordSignIn(r, "main", email, password)
			if err != nil {
				t.Fatal(err)
			}
			d.wait(time.Minute)
			return with(cookie)
		}
		desktop := open("ann@desk.example", "Firefox", "192.0.2.1")
		phone := open("ann@desk.example", "Safari"+strings.Repeat("x", 1000)+"\xff", "192.0.2.2")
		third := open("ann@desk.example", "", "192.0.2.3")
		foreign := open("kofi@desk.example", "Firefox", "192.0.2.9")
		me := d.actor(desktop)
		list := func() (lines []string) {
			t.Helper()
			sessions, err := d.Auth.Sessions(t.Context(), me)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range sessions {
				line := fmt.Sprintf("%.7s %s", s.UserAgent, s.LastUsedAddress)
				if s.ID == me.SessionID {
					line += ", this one"
				}
				lines = append(lines, line)
			}
			return lines
		}
		d.Auth.Close()
		if diff := cmp.Diff([]string{"Firefox 192.0.2.1:1234, this one", "Safarix 192.0.2.2", " 192.0.2.3"}, list()); diff != "" { // where httptest's requests come from
			t.Error(diff)
		}
		end := func(r *http.Request) {
			t.Helper()
			if err := d.Auth.EndSession(t.Context(), me, d.actor(r).SessionID); err != nil {
				t.Fatal(err)
			}
		}
		end(phone)
		d.in("an ended session", phone, false)
		end(foreign)
		d.in("another agent's session", foreign, true)
		if err := d.Auth.EndOtherSessions(t.Context(), me); err != nil {
			t.Fatal(err)
		}
		d.in("the other session", third, false)
		d.in("this session", desktop, true)
		d.in("another agent's session", foreign, true)
		if log := d.log(); !slices.Contains(log, "ann: delete deleted session") || !slices.Contains(log, "ann: delete deleted session (2 other sessions)") {
			t.Errorf("the log is %q", log)
		}
	})
}

// TestSessionLife holds that a session ends after two hours without use, and after half a day with it.
func TestSessionLife(t *testing.T) {
	each(t, func(d *desks) {
		d.agent("ann@desk.example", desk.RoleAdmin)
		used, idle := d.enter("ann@desk.example"), d.enter("ann@desk.example")
		start := d.now
		for d.now.Before(start.Add(12 * time.Hour)) {
			d.in(fmt.Sprint("used, after ", d.now.Sub(start)), used, true)
			d.Auth.Close()
			d.wait(2*time.Hour - time.Second)
			if d.now.Sub(start) < 2*time.Hour {
				d.in("idle, after less than two hours", idle, true)
				d.Auth.Close()
			}
		}
		d.in("used, after half a day", used, false)
		d.in("idle for long", idle, false)
		again := d.enter("ann@desk.example")
		d.wait(2 * time.Hour)
		d.in("idle for two hours", again, false)
		d.in("idle, and tried again", again, false)
	})
}

// TestFixation holds that a session's id is never one that the browser had before, which somebody else may have put there.
func TestFixation(t *testing.T) {
	each(t, func(d *desks) {
		d.agent("ann@desk.example", desk.RoleAdmin)
		before := d.enter("ann@desk.example")
		old, err := before.Cookie("rollcall_session")
		if err != nil {
			t.Fatal(err)
		}
		token := d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent})
		for what, signIn := range map[string]func(*http.Request) (*http.Cookie, error){
			"password": func(r *http.Request) (*http.Cookie, error) {
				return d.Auth.PasswordSignIn(r, "main", "ann@desk.example", password)
			},
			"token": func(r *http.Request) (*http.Cookie, error) { return d.Auth.SignIn(r, token) },
		} {
			cookie, err := signIn(before)
			if err != nil || cookie.Value == old.Value {
				t.Fatalf("%s: %v, %v", what, cookie, err)
			}
			d.in(what+": the session before", with(old), false)
			d.in(what+": the session after", with(cookie), true)
			made := &http.Cookie{Name: "rollcall_session", Value: desk.NewSecret(desk.TokenSession, "main")}
			if cookie, err = signIn(with(made)); err != nil || cookie.Value == made.Value {
				t.Fatalf("%s: %v, %v", what, cookie, err)
			}
			d.in(what+": an id that was made up", with(made), false)
			before, old = with(cookie), cookie
		}
	})
}

// TestCreateAccount has who came with the first link become an agent.
func TestCreateAccount(t *testing.T) {
	each(t, func(d *desks) {
		cookie, err := d.Auth.SignIn(bearing(""), d.issue(auth.SignInLink("main", d.now)))
		if err != nil {
			t.Fatal(err)
		}
		first := with(cookie)
		actor := d.actor(first)
		_, err = d.Auth.CreateAccount(first, actor, "Ann", "ann@desk.example", "short")
		d.wantKind("a short password", err, desk.InvalidValue)
		if cookie, err = d.Auth.CreateAccount(first, actor, " Ann ", "ann@desk.example", password); err != nil {
			t.Fatal(err)
		}
		d.in("the session of the link", first, false)
		me := d.actor(with(cookie))
		if me.Name != "Ann" || me.Role != desk.RoleAdmin || me.AgentID == "" {
			t.Errorf("signed in as %+v", me)
		}
		_, err = d.Auth.CreateAccount(with(cookie), me, "Ann", "ann2@desk.example", password)
		d.wantKind("a second account", err, desk.Conflict)
		_, err = d.Auth.CreateAccount(first, actor, "Ann", "ann@desk.example", password)
		d.wantKind("a taken address", err, desk.Uniqueness)
		actor.Role = desk.RoleAgent
		_, err = d.Auth.CreateAccount(first, actor, "Kofi", "kofi@desk.example", password)
		d.wantKind("the bearer of an agent's token", err, desk.Forbidden)
	})
}

// TestPasswordsAreHashed looks for a password in the agents table.
func TestPasswordsAreHashed(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		d := &desks{T: t, Server: testkit.NewServer(t, databaseURL)}
		d.Connect(t, "main", "entra")
		d.agent("ann@desk.example", desk.RoleAdmin)
		var hash string
		if err := testkit.OpenSQL(t, databaseURL).QueryRow("SELECT password_hash FROM agents").Scan(&hash); err != nil || len(hash) < 90 || strings.Contains(hash, password) {
			t.Errorf("the table holds %q, %v", hash, err)
		}
		if log := d.Logged.String(); strings.Contains(log, "ann@") || strings.Contains(log, password) {
			t.Errorf("the log holds %s", log)
		}
	})
}
