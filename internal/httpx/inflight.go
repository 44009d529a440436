package httpx

import (
	"context"
	"sync"
	"time"

	"rollcall/desk"
)

// InFlight bounds how many requests of each tenant this process works on at once, so that none has all connections to the database, or all
// of the memory, however long its requests take.
type InFlight struct {
	most int

	mu     sync.RWMutex
	places map[string]Place // by tenant; as many as there are tenants, and so kept
}

// Place is what a request has while it is worked on. A nil one is of no bound.
type Place chan struct{}

// patience is how long a request waits for a place.
const patience = 5 * time.Second

// NewInFlight returns a bound of so many requests for each tenant; nil, which is none, for 0.
func NewInFlight(most int) *InFlight {
	if most == 0 {
		return nil
	}
	return &InFlight{most: most, places: map[string]Place{}}
}

// Enter returns a place, for which it waits a little, in the order in which requests came, or RateLimited.
func (f *InFlight) Enter(ctx context.Context, tenant string) (Place, error) {
	if f == nil {
		return nil, nil
	}
	place := f.of(tenant)
	select {
	case place <- struct{}{}:
		return place, nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case place <- struct{}{}:
		return place, nil
	case <-ctx.Done():
		return nil, desk.Errorf(desk.RateLimited, "", "too many requests at once; wait a moment, and send fewer side by side")
	}
}

// Leave gives the place to the next request.
func (p Place) Leave() {
	if p != nil {
		<-p
	}
}

func (f *InFlight) of(tenant string) Place {
	f.mu.RLock()
	place := f.places[tenant]
	f.mu.RUnlock()
	if place != nil {
		return place
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if place = f.places[tenant]; place == nil {
		place = make(Place, f.most)
		f.places[tenant] = place
	}
	return place
}
