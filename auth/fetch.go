package auth

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// fetcher returns the client by which issuers' documents are fetched. An administrator names the issuer, who may be one of many
// tenants' on a machine whose network is none of theirs.
func (a *Authenticator) fetcher() *http.Client {
	transport := a.Issuers
	if transport == nil {
		transport = publicOnly
	}
	return &http.Client{Transport: bounded{transport}, Timeout: 10 * time.Second}
}

// publicOnly dials no address of a private network, whatever a name resolves to. It goes directly, not by a proxy, since only
// so it knows whom it reaches.
var publicOnly http.RoundTripper = &http.Transport{
	DialContext:         (&net.Dialer{Timeout: 5 * time.Second, Control: refusePrivate}).DialContext,
	TLSHandshakeTimeout: 5 * time.Second,
	ForceAttemptHTTP2:   true,
	MaxIdleConns:        10,
	IdleConnTimeout:     time.Minute,
}

// reserved are networks besides those that netip knows as private: of carriers, of tests, and of translations from IPv4.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"), netip.MustParsePrefix("64:ff9b::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"),
}

func refusePrivate(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if ip := to.Addr().Unmap(); !isPublic(ip) {
		return fmt.Errorf("%s is not a public address; paste the issuer's keys instead", ip)
	}
	return nil
}

func isPublic(ip netip.Addr) bool {
	for _, p := range reserved {
		if p.Contains(ip) {
			return false
		}
	}
	return ip.IsGlobalUnicast() && !ip.IsPrivate()
}

// bounded answers with what an issuer says by https, directly, and in few words.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("%s is not fetched: only https is", r.URL.Redacted())
	}
	response, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("the issuer answers %s", response.Status)
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, 1<<20), response.Body}
	return response, nil
}
