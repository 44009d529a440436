package httpx

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Loopback are this machine's own networks, where a proxy in front usually is.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Behind makes a request's RemoteAddr the IP address that it came from, without a port. Of the addresses in X-Forwarded-For the
// last counts that is no proxy's of ours: those before it are what the client says of itself.
func Behind(proxies []netip.Prefix, next http.Handler) http.Handler {
	ours := func(ip netip.Addr) bool {
		return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
			r.RemoteAddr = host
		}
		from, err := netip.ParseAddr(r.RemoteAddr)
		from = from.Unmap().WithZone("")
		if hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ","); err == nil {
			for _, hop := range slices.Backward(hops) {
				if !ours(from) {
					break
				}
				ip, err := netip.ParseAddr(strings.TrimSpace(hop))
				if err != nil {
					break
				}
				from = ip.Unmap().WithZone("")
			}
			r.RemoteAddr = from.String()
		}
		next.ServeHTTP(w, r)
	})
}
