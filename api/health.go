package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// ConnectionHealth is how a connection does.
type ConnectionHealth struct {
	Connection     string              `json:"connection"`
	Health         string              `json:"health" enum:"ok,attention,failing"`
	Reasons        []desk.HealthReason `json:"reasons" doc:"What is wrong, the worst first"`
	LastActivityAt *time.Time          `json:"lastActivityAt,omitempty"`
	NextActivityAt *time.Time          `json:"nextActivityAt,omitempty" doc:"When a directory that comes by the clock should come again"`
}

func newConnectionHealth(h provision.ConnectionHealth) ConnectionHealth {
	return ConnectionHealth{h.Slug, string(h.Health), append([]desk.HealthReason{}, h.Reasons...), h.LastActivity, h.NextActivity}
}

func (h *Handler) registerHealth(api huma.API) {
	register(h, api, huma.Operation{Method: "GET", Path: "/api/v1/health", Summary: "List health", Tags: []string{"Connections"},
		Description: "How each connection does: whether its token expires, how many writes fail, whether its directory has fallen silent."},
		func(ctx context.Context, actor desk.Actor, _ *struct{}) (*list[ConnectionHealth], error) {
			connections, err := h.Engine.Health(ctx, actor)
			return newList(connections, len(connections), nil, newConnectionHealth), err
		})
}
