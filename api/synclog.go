package api

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// Event is one line of the log: a write, or a refusal.
type Event struct {
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Actor       Actor     `json:"actor"`
	Operation   string    `json:"operation" enum:"create,replace,patch,delete,restore,erase,read,bulk,rescan,authorize,signin"`
	Outcome     string    `json:"outcome" enum:"created,adopted,revived,updated,deactivated,restored,deleted,erased,unlinked,started,skipped,refused"`
	Reason      string    `json:"reason,omitempty" doc:"What decided: the key that matched, or the kind of error"`
	Detail      string    `json:"detail,omitempty" doc:"The message with which a request was refused, or what was left out"`
	Connection  string    `json:"connection,omitempty" doc:"The slug of the connection that it was done to; in the audit log"`
	ContactID   *string   `json:"contactId,omitempty"`
	ContactName string    `json:"contactName,omitempty" doc:"The name that the contact has now; in a connection's log"`
	SCIMID      *string   `json:"scimId,omitempty"`
	Subject     string    `json:"subject,omitempty" doc:"Who a refused request was about"`
	Changes     []Change  `json:"changes,omitempty"`
	RequestID   string    `json:"requestId,omitempty"`
	DurationMS  float64   `json:"durationMs,omitempty" doc:"How long the request took, in milliseconds"`
}

// Actor is who did it.
type Actor struct {
	Type string `json:"type" enum:"directory,agent,system"`
	Name string `json:"name"`
}

// Change is a field's value before and after; null for none.
type Change struct {
	Field string `json:"field"`
	From  any    `json:"from"`
	To    any    `json:"to"`
}

func eventOf(v *provision.EventView) *desk.Event { return &v.Event }

func newEvent(e desk.Event) Event {
	out := Event{
		ID: e.ID, At: e.At, Actor: Actor{string(e.ActorType), e.ActorName}, Operation: string(e.Operation), Outcome: string(e.Outcome),
		Reason: e.Reason, Detail: e.Detail, ContactID: e.ContactID, SCIMID: e.UserID, Subject: e.Subject, RequestID: e.RequestID,
		DurationMS: e.Milliseconds(),
	}
	for _, c := range e.Changes {
		out.Changes = append(out.Changes, Change(c))
	}
	return out
}

// Cycle is a burst of a directory's requests.
type Cycle struct {
	ID        string         `json:"id"`
	StartedAt time.Time      `json:"startedAt"`
	EndedAt   time.Time      `json:"endedAt" doc:"When the last request came so far"`
	Running   bool           `json:"running" doc:"Whether it may go on: a cycle is over after ten quiet minutes"`
	Synced    int            `json:"synced" doc:"Writes that were carried out"`
	Outcomes  map[string]int `json:"outcomes" doc:"The events of the cycle by outcome"`
	Unchanged int            `json:"unchanged" doc:"Writes that changed nothing"`
	Skipped   int            `json:"skipped" doc:"Writes that were left alone, as the connection's settings say"`
	Failed    int            `json:"failed" doc:"Requests that were refused, or failed by a fault of the server"`
	Errors    int            `json:"errors" doc:"Those of the failed that failed by a fault of the server, which are not in the log of events"`
	Lookups   int            `json:"lookups" doc:"Reads"`
}

func newCycle(c desk.Cycle, now time.Time) Cycle {
	out := Cycle{
		ID: c.ID, StartedAt: c.StartedAt, EndedAt: c.EndedAt, Running: c.Running(now), Synced: c.Synced(), Outcomes: map[string]int{},
		Unchanged: c.Unchanged, Skipped: c.Outcomes[desk.Skipped], Failed: c.Failed(), Errors: c.Errors, Lookups: c.Lookups,
	}
	for outcome, n := range c.Outcomes {
		out.Outcomes[string(outcome)] = n
	}
	return out
}

// EventFilter says which events of a connection are asked for.
type EventFilter struct {
	From      time.Time `query:"from" doc:"Events at this time or later"`
	To        time.Time `query:"to" doc:"Events before this time"`
	Outcome   []string  `query:"outcome,explode" enum:"created,adopted,revived,updated,deactivated,restored,deleted,erased,unlinked,started,skipped,refused" doc:"May be repeated"`
	Operation []string  `query:"operation,explode" enum:"create,replace,patch,delete,restore,erase,read,bulk,rescan,authorize,signin" doc:"May be repeated"`
	Person    string    `query:"person" maxLength:"1000" doc:"A contact's id, a SCIM id, or an externalId, userName or email address"`
	RequestID string    `query:"request" maxLength:"100" doc:"The X-Request-Id of a request"`
	Cycle     string    `query:"cycle" maxLength:"100" doc:"A cycle's id: what the directory did in it"`
}

func (f EventFilter) query(before string, limit int) provision.EventQuery {
	q := provision.EventQuery{
		Person: cmp.Or(strings.TrimSpace(f.Person), f.Person), RequestID: f.RequestID, Cycle: f.Cycle, From: f.From, To: f.To, Before: before, Limit: limit,
	}
	for _, o := range f.Outcome {
		q.Outcomes = append(q.Outcomes, desk.Outcome(o))
	}
	for _, o := range f.Operation {
		q.Operations = append(q.Operations, desk.Operation(o))
	}
	return q
}

// csvFile is the answer of an operation that returns a report.
func csvFile() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
		"text/csv; charset=utf-8": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
}

func (h *Handler) sendReport(ctx context.Context, report *provision.Report) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humamux.Unwrap(c)
		httpx.SendCSV(ctx, w, report.Name, report.Write, func(err error) { h.report(ctx, err) })
	}}
}

func (h *Handler) registerSyncLog(api huma.API) {
	const item = "/api/v1/connections/{slug}"
	tags := []string{"Sync log"}
	notFound := []int{http.StatusNotFound}

	register(h, api, huma.Operation{Method: "GET", Path: item + "/events", Summary: "List connection events", Tags: tags, Errors: notFound,
		Description: "What the directory asked for and what came of it, newest first."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			EventFilter
			Page
		}) (*list[Event], error) {
			before, err := in.after()
			if err != nil {
				return nil, err
			}
			return readEvents(in.Limit, before, func(before string, limit int) ([]provision.EventView, error) {
				return h.Engine.ConnectionEvents(ctx, actor, in.Slug, in.query(before, limit))
			}, eventOf, func(v provision.EventView) Event {
				out := newEvent(v.Event)
				out.ContactName = v.ContactName
				return out
			})
		})
	register(h, api, huma.Operation{Method: "GET", Path: item + "/events.csv", Summary: "Download connection events", Tags: tags, Errors: notFound,
		Description: "The same for spreadsheets, all of it: in UTF-8 with a byte order mark, times in UTC, and an apostrophe before what a spreadsheet would take for a formula.",
		Responses:   csvFile()},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			EventFilter
		}) (*huma.StreamResponse, error) {
			report, err := h.Engine.EventReport(ctx, actor, in.Slug, in.query("", 0))
			if err != nil {
				return nil, err
			}
			return h.sendReport(ctx, report), nil
		})
	register(h, api, huma.Operation{Method: "GET", Path: item + "/cycles", Summary: "List cycles", Tags: tags, Errors: notFound,
		Description: "The bursts in which the directory's requests came, newest first. Counts of a cycle that is not over are some seconds behind."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Page
		}) (*list[Cycle], error) {
			before, err := in.after()
			if err != nil {
				return nil, err
			}
			cycles, err := h.Engine.Cycles(ctx, actor, in.Slug, before, in.Limit+1)
			now := h.Engine.Store.Now()
			return newList(cycles, in.Limit, func(c desk.Cycle) string { return c.ID }, func(c desk.Cycle) Cycle { return newCycle(c, now) }), err
		})
}
