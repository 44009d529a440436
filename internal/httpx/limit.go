package httpx

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"rollcall/desk"
)

// Limiter bounds how often each of many callers does something in this process. It remembers the last 10,000 of them.
type Limiter struct {
	perSecond rate.Limit
	burst     int

	mu     sync.Mutex
	recent list.List // of *caller, the latest first
	byKey  map[string]*list.Element
}

type caller struct {
	key   string
	limit *rate.Limiter
}

const maxCallers = 10_000

// NewLimiter returns a limiter that lets each caller do so much at once, and so much a second on end.
func NewLimiter(perSecond float64, burst int) *Limiter {
	return &Limiter{perSecond: rate.Limit(perSecond), burst: burst, byKey: map[string]*list.Element{}}
}

// Check counts one more of the caller's, or returns RateLimited. A nil limiter lets everything pass.
func (l *Limiter) Check(key string) error {
	if l != nil && !l.of(key).Allow() {
		return desk.Errorf(desk.RateLimited, "", "too many requests; wait a moment")
	}
	return nil
}

// Spend counts n more of the caller's, which are done whatever is left: the ones after them wait for it.
func (l *Limiter) Spend(key string, n int) {
	if l != nil {
		l.of(key).ReserveN(time.Now(), min(n, l.burst))
	}
}

// of returns the caller's own limiter.
func (l *Limiter) of(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.byKey[key]
	if ok {
		l.recent.MoveToFront(e)
	} else {
		e = l.recent.PushFront(&caller{key, rate.NewLimiter(l.perSecond, l.burst)})
		l.byKey[key] = e
		if l.recent.Len() > maxCallers {
			oldest := l.recent.Remove(l.recent.Back()).(*caller)
			delete(l.byKey, oldest.key)
		}
	}
	return e.Value.(*caller).limit
}

// RetryAfter is how long a client that is RateLimited should wait, in seconds: in that time every limiter lets pass one more,
// unless much has been spent at once.
const RetryAfter = "1"

// Network is what an address counts as for a limiter: itself, or the network that one customer has of IPv6.
func Network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Is4() {
		return address
	}
	network, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return network.String()
}
