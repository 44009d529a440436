package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// NewID returns a UUIDv7: ids sort in the order in which they were made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// idAt returns a UUIDv7 that begins with a time, to the microsecond (RFC 9562 section 6.2, method 3).
func idAt(at time.Time) string {
	id := uuid.New()
	setTime(&id, at)
	return id.String()
}

// IDOf returns the UUIDv7 that stands for a text and a time: the same for the same.
func IDOf(at time.Time, text string) string {
	sum := sha256.Sum256([]byte(text))
	id := uuid.UUID(sum[:16])
	setTime(&id, at)
	return id.String()
}

// floor returns what no id of the time or of a later one is less than, and all ids of earlier times are.
func floor(at time.Time) string {
	var id uuid.UUID
	setTime(&id, at)
	return id.String()
}

func setTime(id *uuid.UUID, at time.Time) {
	milliseconds := min(max(at.UnixMilli(), 0), 1<<48-1)
	binary.BigEndian.PutUint64(id[:8], uint64(milliseconds)<<16|7<<12|uint64(at.Nanosecond()%1e6)>>8) // #nosec G115 -- none is negative or as large
	id[8] = id[8]&0x3f | 0x80
}

// timeOf returns the time with which an id begins.
func timeOf(id string) (time.Time, error) {
	parsed, err := uuid.Parse(id)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the time of id %q: %w", id, err)
	}
	head := binary.BigEndian.Uint64(parsed[:8])
	fraction := time.Duration(head&0xfff) << 8                                                // #nosec G115 -- none is negative or as large
	return time.UnixMilli(int64(head >> 16)).Add(fraction).Round(time.Microsecond).UTC(), nil // #nosec G115 -- none is negative or as large
}

// clock gives out times that differ, and grow, unless the machine's clock is set back.
type clock struct{ last atomic.Int64 }

// next returns now, or the microsecond after the time that was given out last where that is as good as now.
func (c *clock) next(now time.Time) time.Time {
	for {
		next, last := now.UnixMicro(), c.last.Load()
		if next <= last && last-next < time.Second.Microseconds() {
			next = last + 1
		}
		if c.last.CompareAndSwap(last, next) {
			return time.UnixMicro(next).UTC()
		}
	}
}
