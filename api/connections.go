package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Connection is a directory that pushes people.
type Connection struct {
	Slug        string        `json:"slug" example:"entra"`
	Name        string        `json:"name" example:"Microsoft Entra ID"`
	Provider    string        `json:"provider" example:"entra"`
	TenantURL   string        `json:"tenantUrl" example:"https://desk.example/scim/main/entra" doc:"What the directory's administrator pastes"`
	Description string        `json:"description"`
	Notes       string        `json:"notes"`
	Paused      *Paused       `json:"paused,omitempty" doc:"Its requests are refused with 503 until it goes on"`
	Recorder    bool          `json:"recorder" doc:"Whether its requests are recorded"`
	Settings    desk.Settings `json:"settings"`
	CreatedAt   time.Time     `json:"createdAt"`

	LastActivityAt *time.Time `json:"lastActivityAt,omitempty" doc:"When the directory last asked for anything, give or take some seconds"`
}

// Paused says since when, and by whom.
type Paused struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
}

func (h *Handler) newConnection(c desk.Connection) Connection {
	out := Connection{
		Slug: c.Slug, Name: c.Name, Provider: c.Provider, TenantURL: h.PublicURL + "/scim/" + c.TenantID + "/" + c.Slug,
		Description: c.Description, Notes: c.Notes, Recorder: c.RecorderKey != "", Settings: c.Settings, CreatedAt: c.CreatedAt,
		LastActivityAt: c.LastActivityAt,
	}
	if c.PausedAt != nil {
		out.Paused = &Paused{*c.PausedAt, c.PausedBy}
	}
	return out
}

type connectionAnswer struct {
	ETag string `header:"ETag" doc:"Changes with everything that is edited, and not with the directory's activity"`
	Body Connection
}

func (h *Handler) answerConnection(c desk.Connection, err error) (*connectionAnswer, error) {
	return &connectionAnswer{h.connectionTag(c), h.newConnection(c)}, err
}

// connectionTag is the entity tag of a connection.
func (h *Handler) connectionTag(c desk.Connection) string {
	c.LastActivityAt = nil
	return etag(h.newConnection(c))
}

// recording is a file to be downloaded.
type recording struct {
	ContentType        string `header:"Content-Type"`
	ContentDisposition string `header:"Content-Disposition"`
	Body               []byte
}

// ConnectionPath names a connection.
type ConnectionPath struct {
	Slug string `path:"slug" maxLength:"40"`
}

func (h *Handler) registerConnections(api huma.API) {
	const collection, item = "/api/v1/connections", "/api/v1/connections/{slug}"
	tags := []string{"Connections"}
	notFound := []int{http.StatusNotFound}

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List connections", Tags: tags},
		func(ctx context.Context, actor desk.Actor, _ *struct{}) (*list[Connection], error) {
			connections, err := h.Engine.Connections(ctx, actor)
			return newList(connections, len(connections), nil, h.newConnection), err
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: collection, Summary: "Create connection", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict},
		Description: "The directory then needs the tenantUrl and a token."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			Body struct {
				Slug     string `json:"slug" example:"entra-europe" doc:"Names the connection in its tenant URL, for good: up to 40 lower-case letters, digits or hyphens"`
				Name     string `json:"name,omitempty" example:"Entra ID, Europe" doc:"What people call it; the slug if left out"`
				Provider string `json:"provider" example:"entra" enum:"entra,zoho,okta,onelogin,jumpcloud,google,generic"`
			}
		}) (*connectionAnswer, error) {
			c := desk.Connection{Slug: in.Body.Slug, Name: in.Body.Name, Provider: in.Body.Provider}
			err := h.Engine.CreateConnection(ctx, actor, &c)
			return h.answerConnection(c, err)
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get connection", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*connectionAnswer, error) {
			return h.answerConnection(h.Engine.Connection(ctx, actor, in.Slug))
		})
	register(h, api, adminOnly(huma.Operation{Method: "PATCH", Path: item, Summary: "Edit connection", Tags: tags, Errors: append(notFound, http.StatusPreconditionFailed),
		Description: "paused true refuses the directory's requests with 503, on which it tries again later. settings holds those that change. recorder true begins a new recording of the last 200 requests with their answers, in which made-up values stand for all that is personal or secret. false ends it."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			IfMatch
			Body struct {
				Name        *string         `json:"name,omitempty" example:"Entra ID, Europe"`
				Description *string         `json:"description,omitempty"`
				Notes       *string         `json:"notes,omitempty"`
				Paused      *bool           `json:"paused,omitempty" example:"false"`
				Reason      string          `json:"reason,omitempty" maxLength:"300" example:"Moved to another tenant" doc:"Why it is paused or goes on: for the log, and for the directory while it is paused"`
				Recorder    *bool           `json:"recorder,omitempty" example:"true"`
				Settings    json.RawMessage `json:"settings,omitempty"`
			}
		}) (*connectionAnswer, error) {
			edit := provision.ConnectionEdit{
				Name: in.Body.Name, Description: in.Body.Description, Notes: in.Body.Notes, Paused: in.Body.Paused, Reason: in.Body.Reason, Recorder: in.Body.Recorder,
				Settings: in.Body.Settings,
			}
			if in.IfMatch.IfMatch != "" {
				edit.Check = func(c desk.Connection) error { return in.matches("connection", h.connectionTag(c)) }
			}
			return h.answerConnection(h.Engine.EditConnection(ctx, actor, in.Slug, edit))
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete connection", Tags: tags, Errors: notFound,
		Description: "Removes the connection, its users, OAuth clients, tokens and recording. Its contacts stay as they are, active or deleted, without the directory, and keep the externalId by which " +
			"another connection finds them; their history tells it. With hundreds of thousands of users it can take several requests: a 503 says that some are left, and to send it again."}),
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*struct{}, error) {
			return nil, h.Engine.DeleteConnection(ctx, actor, in.Slug)
		})
	register(h, api, adminOnly(huma.Operation{Method: "GET", Path: item + "/recording", Summary: "Download recording", Tags: tags, Errors: notFound,
		Description: "One exchange a line, in JSON, oldest first. It can be replayed as a test.",
		Responses: map[string]*huma.Response{"200": {Description: "The file", Content: map[string]*huma.MediaType{
			"application/x-ndjson": {Schema: &huma.Schema{Type: huma.TypeString}},
		}}}}),
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*recording, error) {
			file, err := h.Engine.Recording(ctx, actor, in.Slug)
			return &recording{"application/x-ndjson", `attachment; filename="` + in.Slug + `.jsonl"`, file}, err
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item + "/recording", Summary: "Delete recording", Tags: tags, Errors: notFound, DefaultStatus: http.StatusNoContent}),
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*struct{}, error) {
			return nil, h.Engine.DeleteRecording(ctx, actor, in.Slug)
		})
}
