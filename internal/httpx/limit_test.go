package httpx

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"rollcall/desk"
)

func TestLimiter(t *testing.T) {
	const never = 1e-9
	l := NewLimiter(never, 3)
	for i := range 5 {
		for _, who := range []string{"ann", "kofi"} {
			if err := l.Check(who); (err != nil) != (i >= 3) || err != nil && desk.KindOf(err) != desk.RateLimited {
				t.Errorf("%s's request %d: %v", who, i+1, err)
			}
		}
	}
	// Who asks again and again is remembered; of others as many as there is room for.
	for i := range maxCallers {
		l.Check(fmt.Sprint(i))
		if i%100 == 0 && l.Check("ann") == nil {
			t.Fatalf("after %d others ann is forgotten", i)
		}
	}
	if len(l.byKey) != maxCallers || l.recent.Len() != maxCallers {
		t.Errorf("%d callers are remembered", len(l.byKey))
	}
	if l.Check("kofi") != nil {
		t.Error("kofi is remembered for ever")
	}
}

func TestSpend(t *testing.T) {
	l := NewLimiter(1e-9, 10)
	l.Spend("ann", 7)
	for i := range 5 {
		if err := l.Check("ann"); (err != nil) != (i >= 3) {
			t.Errorf("request %d after seven of ten are spent: %v", i+1, err)
		}
	}
	l.Spend("kofi", 1000)
	if l.Check("kofi") == nil {
		t.Error("after more than there is another passes")
	}
	var none *Limiter
	none.Spend("ann", 1000)
	if err := none.Check("ann"); err != nil {
		t.Error(err)
	}
}

func TestNetwork(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "2001:db8::": "2001:db8::/64", "": "", "@": "@",
	} {
		if got := Network(address); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
}

func TestBehind(t *testing.T) {
	private := append([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Loopback...)
	for _, c := range []struct {
		peer    string
		headers []string
		proxies []netip.Prefix
		want    string
	}{
		{"192.0.2.1:99", nil, Loopback, "192.0.2.1"},
		{"[2001:db8::1]:99", nil, Loopback, "2001:db8::1"},
		{"[::ffff:192.0.2.1]:99", nil, Loopback, "192.0.2.1"},
		{"[fe80::1%eth0]:99", nil, Loopback, "fe80::1"},
		{"192.0.2.1:99", []string{"203.0.113.5"}, Loopback, "192.0.2.1"}, // no proxy of ours
		{"127.0.0.1:99", []string{"203.0.113.5"}, Loopback, "203.0.113.5"},
		{"[::1]:99", []string{"203.0.113.5"}, Loopback, "203.0.113.5"},
		{"[::ffff:127.0.0.1]:99", []string{" ::ffff:203.0.113.5 "}, Loopback, "203.0.113.5"},
		{"127.0.0.1:99", []string{"203.0.113.5"}, nil, "127.0.0.1"},
		{"127.0.0.1:99", []string{"1.1.1.1, 203.0.113.5"}, Loopback, "203.0.113.5"}, // the first is what the client said
		{"127.0.0.1:99", []string{"1.1.1.1", "203.0.113.5"}, Loopback, "203.0.113.5"},
		{"127.0.0.1:99", []string{"1.1.1.1, 203.0.113.5, 10.0.0.7"}, private, "203.0.113.5"},
		{"127.0.0.1:99", []string{"10.0.0.9, 10.0.0.7"}, private, "10.0.0.9"},
		{"127.0.0.1:99", []string{"1.1.1.1, nonsense"}, Loopback, "127.0.0.1"},
		{"127.0.0.1:99", []string{""}, Loopback, "127.0.0.1"},
		{"@", []string{"1.1.1.1"}, Loopback, "@"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.peer, c.headers
		Behind(c.proxies, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != c.want {
				t.Errorf("%s with %q is taken for %s, want %s", c.peer, c.headers, r.RemoteAddr, c.want)
			}
		})).ServeHTTP(httptest.NewRecorder(), r)
	}
}
