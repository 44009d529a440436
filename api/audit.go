package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// AuditFilter says which part of the audit log is asked for.
type AuditFilter struct {
	From  time.Time `query:"from" doc:"Events at this time or later"`
	To    time.Time `query:"to" doc:"Events before this time"`
	Actor string    `query:"actor" maxLength:"200" doc:"What one did, by the name that the events have: an agent's, or a token's label"`
}

func (f AuditFilter) query(before string, limit int) provision.AuditQuery {
	return provision.AuditQuery{Actor: f.Actor, From: f.From, To: f.To, Before: before, Limit: limit}
}

func (h *Handler) registerAudit(api huma.API) {
	tags := []string{"Audit log"}
	register(h, api, adminOnly(huma.Operation{Method: "GET", Path: "/api/v1/audit", Summary: "List audit events", Tags: tags,
		Description: "What people did, and what was administered by the command line, newest first. Nobody can change it."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			AuditFilter
			Page
		}) (*list[Event], error) {
			before, err := in.after()
			if err != nil {
				return nil, err
			}
			return readEvents(in.Limit, before, func(before string, limit int) ([]provision.EventView, error) {
				return h.Engine.Audit(ctx, actor, in.query(before, limit))
			}, eventOf, func(v provision.EventView) Event {
				out := newEvent(v.Event)
				out.Connection, out.ContactName = v.Connection, v.ContactName
				return out
			})
		})
	register(h, api, adminOnly(huma.Operation{Method: "GET", Path: "/api/v1/audit.csv", Summary: "Download audit events", Tags: tags,
		Description: "The same for spreadsheets, all of it.", Responses: csvFile()}),
		func(ctx context.Context, actor desk.Actor, in *struct{ AuditFilter }) (*huma.StreamResponse, error) {
			report, err := h.Engine.AuditReport(ctx, actor, in.query("", 0))
			if err != nil {
				return nil, err
			}
			return h.sendReport(ctx, report), nil
		})
}
