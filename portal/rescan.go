package portal

import (
	"net/http"
	"time"

	"rollcall/desk"
)

// rescan is how far contacts have been mapped to companies anew, for the template of that name.
type rescan struct {
	desk.RescanProgress
	Self string // the address of the page, by which it renews itself
}

// recently is how long the end of a rescan is told of where a change of a company may have caused it.
const recently = 2 * time.Minute

func (h *Handler) rescan(r *http.Request, actor desk.Actor, self string) (rescan, error) {
	p, err := h.Engine.RescanProgress(r.Context(), actor)
	return rescan{p, self}, err
}

// Running reports whether contacts are being mapped.
func (r rescan) Running() bool { return !r.StartedAt.IsZero() && r.FinishedAt == nil }

// Recent reports whether that ended just now.
func (r rescan) Recent() bool { return r.FinishedAt != nil && time.Since(*r.FinishedAt) < recently }

// Percent is the share that has been done.
func (r rescan) Percent() int { return int(100 * r.Share) }
