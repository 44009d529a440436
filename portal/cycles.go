package portal

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"rollcall/desk"
)

type cyclesPage struct {
	logOf
	Cycles []cycleRow
	Live   bool
	Self   string
	Newest string // address of the newest page, "" on it
	Older  string // address of the next page, "" on the last
}

// cycleRow is a cycle as a line of a list.
type cycleRow struct {
	desk.Cycle
	Running bool
	Events  string // address of what the directory did in it
	Bars    []bar
}

// bar is a part of a bar chart: how many of what, from where to where in hundredths of the chart.
type bar struct {
	Class string
	Label string
	N     int
	X, W  float64
}

func (h *Handler) cycles(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	frame, err := h.logOf(r, actor, "cycles")
	if err != nil {
		return err
	}
	slug, before := frame.Connection.Slug, r.URL.Query().Get("before")
	page := cyclesPage{logOf: frame, Live: before == "", Self: r.URL.RequestURI()}
	if slug == "" {
		return h.show(w, r, actor, "cycles", "Cycles", page)
	}
	list, err := h.Engine.Cycles(r.Context(), actor, slug, before, pageSize+1)
	if err != nil {
		return err
	}
	address := func(path string, pairs url.Values) string {
		pairs.Set("connection", slug)
		return path + "?" + pairs.Encode()
	}
	if before != "" {
		page.Newest = address("/log/cycles", url.Values{})
	}
	if len(list) > pageSize {
		list = list[:pageSize]
		page.Older = address("/log/cycles", url.Values{"before": {list[pageSize-1].ID}})
	}
	most := 0
	for _, c := range list {
		most = max(most, writes(c))
	}
	for _, c := range list {
		page.Cycles = append(page.Cycles, cycleRow{c, c.Running(h.Engine.Store.Now()), address("/log", url.Values{"cycle": {c.ID}}), bars(c, most)})
	}
	return h.show(w, r, actor, "cycles", "Cycles", page)
}

// writes is how many requests of a cycle were to write.
func writes(c desk.Cycle) int {
	return c.Synced() + c.Unchanged + c.Outcomes[desk.Skipped] + c.Failed()
}

// bars draws what became of a cycle's writes, beside a cycle with the most writes. The lengths of cycles are logarithms: a first
// cycle has a thousand times the writes of those that follow it.
func bars(c desk.Cycle, most int) []bar {
	all := []bar{
		{Class: "ok", Label: "synced", N: c.Synced()}, {Class: "same", Label: "unchanged", N: c.Unchanged},
		{Class: "skip", Label: "skipped", N: c.Outcomes[desk.Skipped]}, {Class: "fail", Label: "failed", N: c.Failed()},
	}
	all = slices.DeleteFunc(all, func(b bar) bool { return b.N <= 0 })
	sum := writes(c)
	length := 100 * math.Log1p(float64(sum)) / math.Log1p(float64(most))
	const least = 2 // of what is there, however little
	room := max(length-least*float64(len(all)), 0)
	at := 0.
	for i := range all {
		all[i].X, all[i].W = at, least+room*float64(all[i].N)/float64(sum)
		at += all[i].W
	}
	return all
}

// Counts says how many writes had which outcome, the most frequent first.
func (c cycleRow) Counts() string {
	outcomes := slices.SortedFunc(maps.Keys(c.Outcomes), func(a, b desk.Outcome) int {
		return cmp.Or(cmp.Compare(c.Outcomes[b], c.Outcomes[a]), cmp.Compare(a, b))
	})
	var parts []string
	for _, o := range outcomes {
		if o != desk.Refused && o != desk.Skipped {
			parts = append(parts, count(c.Outcomes[o])+" "+string(o))
		}
	}
	return strings.Join(parts, ", ")
}

// Skipped is how many writes the connection's settings left alone.
func (c cycleRow) Skipped() int { return c.Outcomes[desk.Skipped] }

// Chart says what the bars show.
func (c cycleRow) Chart() string {
	var parts []string
	for _, b := range c.Bars {
		parts = append(parts, count(b.N)+" "+b.Label)
	}
	return strings.Join(parts, ", ")
}

// Lasted says how long the cycle took so far.
func (c cycleRow) Lasted() string {
	d := c.EndedAt.Sub(c.StartedAt)
	switch {
	case d < time.Second:
		return "under 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}
