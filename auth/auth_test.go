package auth_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// desks is a server with two tenants, each with a connection, under a clock that the test sets.
type desks struct {
	*testing.T
	*testkit.Server
	now time.Time
}

func each(t *testing.T, f func(*desks)) {
	t.Helper()
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		d := &desks{T: t, Server: testkit.NewServer(t, databaseURL), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
		d.Store.Now = func() time.Time { return d.now }
		d.Connect(t, "main", "entra")
		d.Connect(t, "main", "zoho")
		d.Connect(t, "other", "entra")
		f(d)
	})
}

// turn sets the clock, once what is noted beside requests has been: that reads it as well.
func (d *desks) turn(now time.Time) {
	d.Auth.Close()
	d.now = now
}

func (d *desks) issue(t desk.Token) string {
	d.Helper()
	secret, err := d.Auth.Issue(d.Context(), provision.System(t.TenantID), &t)
	if err != nil {
		d.Fatal(err)
	}
	return secret
}

func bearing(authorization string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func (d *desks) wantKind(what string, err error, kind desk.Kind) {
	d.Helper()
	if desk.KindOf(err) != kind {
		d.Errorf("%s: %v, want %q", what, err, kind)
	}
}

func TestSCIM(t *testing.T) {
	each(t, func(d *desks) {
		secret := d.issue(desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: "entra"})
		agent := d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAdmin})
		actor, err := d.Auth.SCIM(bearing("Bearer "+secret), "main", "entra")
		if err != nil || actor.Directory.TenantID != "main" || actor.Directory.Slug != "entra" || actor.Type != desk.ActorDirectory || actor.TenantID != "main" || actor.Connection != "entra" {
			t.Errorf("%+v, %v", actor, err)
		}
		_, err = d.Auth.SCIM(bearing("bearer  "+secret+" "), "main", "entra")
		d.wantKind("in small letters, padded", err, "")
		for what, c := range map[string]struct{ authorization, tenant, connection string }{
			"no token":               {"", "main", "entra"},
			"basic":                  {"Basic " + secret, "main", "entra"},
			"the secret alone":       {secret, "main", "entra"},
			"another connection":     {"Bearer " + secret, "main", "zoho"},
			"another tenant":         {"Bearer " + secret, "other", "entra"},
			"another tenant's name":  {"Bearer " + strings.Replace(secret, "_main_", "_other_", 1), "other", "entra"},
			"another kind's prefix":  {"Bearer " + strings.Replace(agent, "rca", "rcs", 1), "main", "entra"},
			"an API token":           {"Bearer " + agent, "main", "entra"},
			"one letter more":        {"Bearer " + secret + "a", "main", "entra"},
			"in capitals":            {"Bearer " + strings.ToUpper(secret), "main", "entra"},
			"nothing but the prefix": {"Bearer rcs_main_", "main", "entra"},
		} {
			_, err := d.Auth.SCIM(bearing(c.authorization), c.tenant, c.connection)
			d.wantKind(what, err, desk.Unauthenticated)
		}
		_, err = d.Auth.API(bearing("Bearer " + secret))
		d.wantKind("a SCIM token at the API", err, desk.Unauthenticated)
	})
}

func TestExpiry(t *testing.T) {
	each(t, func(d *desks) {
		expires := d.now.Add(time.Hour)
		secret := d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent, ExpiresAt: &expires})
		d.turn(expires.Add(-time.Microsecond))
		_, err := d.Auth.API(bearing("Bearer " + secret))
		d.wantKind("before it expires", err, "")
		d.turn(expires)
		_, err = d.Auth.API(bearing("Bearer " + secret))
		d.wantKind("once it expired", err, desk.Unauthenticated)
		if err == nil || !strings.Contains(desk.AsError(err).Msg, "expired on 2026-03-01") {
			t.Errorf("the client is told %v", err)
		}
	})
}

func TestLastUse(t *testing.T) {
	each(t, func(d *desks) {
		secret := d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent, Label: "x"})
		hash := testkit.SHA256(secret)
		use := func(from string, want time.Time, wantFrom string) {
			t.Helper()
			request := bearing("Bearer " + secret)
			request.RemoteAddr = from
			if _, err := d.Auth.API(request); err != nil {
				t.Fatal(err)
			}
			d.Auth.Close()
			token, err := d.Store.Read(d.Context()).Token("main", hash)
			if err != nil || token.LastUsedAt == nil || !token.LastUsedAt.Equal(want) || token.LastUsedAddress != wantFrom {
				t.Errorf("last used at %v from %s, want %v from %s; %v", token.LastUsedAt, token.LastUsedAddress, want, wantFrom, err)
			}
		}
		first := d.now
		use("192.0.2.1", first, "192.0.2.1")
		d.turn(first.Add(59 * time.Second))
		use("192.0.2.2", first, "192.0.2.1")
		d.turn(first.Add(time.Minute))
		use("192.0.2.3", d.now, "192.0.2.3")
	})
}

// TestLink holds that a sign-in link is good once, however many use it at once, and for a day.
func TestLink(t *testing.T) {
	each(t, func(d *desks) {
		secret := d.issue(auth.SignInLink("main", d.now))
		if _, err := d.Auth.API(bearing("Bearer " + secret)); err == nil {
			t.Error("a link's secret opens the API")
		}
		var mu sync.Mutex
		var cookies []*http.Cookie
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				cookie, err := d.Auth.SignIn(bearing(""), secret)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					cookies = append(cookies, cookie)
				} else if desk.KindOf(err) != desk.Unauthenticated {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(cookies) != 1 {
			t.Fatalf("the link signed in %d times", len(cookies))
		}
		request := bearing("")
		request.AddCookie(cookies[0])
		actor, err := d.Auth.Session(request)
		if err != nil || actor.TenantID != "main" || actor.Role != desk.RoleAdmin {
			t.Errorf("%+v, %v", actor, err)
		}
		late := d.issue(auth.SignInLink("main", d.now))
		d.turn(d.now.Add(24 * time.Hour))
		_, err = d.Auth.SignIn(bearing(""), late)
		d.wantKind("a link of yesterday", err, desk.Unauthenticated)
	})
}

// TestSession holds that a session ends after half a day, with its token, and when its owner says so.
func TestSession(t *testing.T) {
	each(t, func(d *desks) {
		session := func(secret string) *http.Request {
			t.Helper()
			cookie, err := d.Auth.SignIn(bearing(""), " "+secret+"\n")
			if err != nil {
				t.Fatal(err)
			}
			request := bearing("")
			request.AddCookie(cookie)
			return request
		}
		good := func(what string, request *http.Request, kind desk.Kind) {
			t.Helper()
			_, err := d.Auth.Session(request)
			d.wantKind(what, err, kind)
		}
		start, soon := d.now, d.now.Add(time.Hour)
		forever := session(d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent}))
		short := session(d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent, ExpiresAt: &soon}))
		left := session(d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent}))
		good("a new session", forever, "")
		good("a new session of a short token", short, "")
		if _, err := d.Auth.SignOut(left); err != nil {
			t.Fatal(err)
		}
		good("a session that was left", left, desk.Unauthenticated)
		if _, err := d.Auth.SignOut(bearing("")); err != nil {
			t.Errorf("signing out of nothing: %v", err)
		}
		d.turn(soon)
		good("a session whose token expired", short, desk.Unauthenticated)
		good("a session of an hour", forever, "")
		d.turn(start.Add(12 * time.Hour))
		good("a session of half a day", forever, desk.Unauthenticated)
		good("no cookie", bearing(""), desk.Unauthenticated)

		// The next one to sign in clears away what expired, but for what is just being written.
		d.Auth.Close()
		session(d.issue(desk.Token{Kind: desk.TokenAPI, TenantID: "main", Role: desk.RoleAgent}))
		cookie, err := forever.Cookie("rollcall_session")
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Store.Read(d.Context()).Token("main", testkit.SHA256(cookie.Value))
		d.wantKind("an expired session's row", err, desk.NotFound)
	})
}

// TestSecretsAreHashed reads the whole tokens table.
func TestSecretsAreHashed(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		_, token := server.Connect(t, "main", "entra")
		random := token[strings.LastIndex(token, "_")+1:]
		rows, err := testkit.OpenSQL(t, databaseURL).Query("SELECT hash, label, kind FROM tokens")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var hash, label, kind string
			if err := rows.Scan(&hash, &label, &kind); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(hash+label+kind, random) || len(hash) != 64 {
				t.Errorf("a row holds %s %s %s", hash, label, kind)
			}
		}
		if err := rows.Err(); err != nil || n != 1 {
			t.Fatalf("%d rows, %v", n, err)
		}
	})
}
