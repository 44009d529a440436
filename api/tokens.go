package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
)

// Token is a bearer token of a connection's SCIM endpoint, without its secret.
type Token struct {
	ID              string     `json:"id" example:"01980a3c-70aa-7f21-a6d3-1b0c9d8e7f33"`
	Label           string     `json:"label" example:"Entra, production"`
	CreatedAt       time.Time  `json:"createdAt"`
	ExpiresAt       *time.Time `json:"expiresAt,omitempty" doc:"Absent for a token that does not expire"`
	LastUsedAt      *time.Time `json:"lastUsedAt,omitempty" doc:"To the minute; absent for a token that was never used"`
	LastUsedAddress string     `json:"lastUsedAddress,omitempty" example:"203.0.113.7" doc:"The IP address from which it was used then"`
}

func newToken(t desk.Token) Token {
	return Token{t.ID, t.Label, t.CreatedAt, t.ExpiresAt, t.LastUsedAt, t.LastUsedAddress}
}

// NewToken is a token that was just made.
type NewToken struct {
	Token
	Secret string `json:"secret" example:"rcs_main_…" doc:"What the directory's administrator pastes. Only its hash is kept: it is never shown again"`
}

type newTokenAnswer struct {
	CacheControl string `header:"Cache-Control"`
	Body         NewToken
}

func (h *Handler) registerTokens(api huma.API) {
	const collection, item = "/api/v1/connections/{slug}/tokens", "/api/v1/connections/{slug}/tokens/{id}"
	tags := []string{"Connections"}
	notFound := []int{http.StatusNotFound}

	register(h, api, adminOnly(huma.Operation{Method: "GET", Path: collection, Summary: "List tokens", Tags: tags, Errors: notFound,
		Description: "The tokens that open the connection's SCIM endpoint, in the order of their creation."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Page
		}) (*list[Token], error) {
			after, err := in.after()
			if err != nil {
				return nil, err
			}
			tokens, err := h.Tokens.Tokens(ctx, actor, in.Slug, after, in.Limit+1)
			return newList(tokens, in.Limit, func(t desk.Token) string { return t.ID }, newToken), err
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: collection, Summary: "Create token", Tags: tags, Errors: notFound, DefaultStatus: http.StatusCreated,
		Description: "Several may be good at once: give the directory the new one, then delete the old one."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Body struct {
				Label     string     `json:"label,omitempty" example:"Entra, production" doc:"What the token is for"`
				ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"When it ends; never if left out"`
			}
		}) (*newTokenAnswer, error) {
			t := desk.Token{Kind: desk.TokenSCIM, TenantID: actor.TenantID, Connection: in.Slug, Label: in.Body.Label, ExpiresAt: in.Body.ExpiresAt}
			secret, err := h.Tokens.Issue(ctx, actor, &t)
			return &newTokenAnswer{"no-store", NewToken{newToken(t), secret}}, err
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete token", Tags: tags, Errors: notFound,
		Description: "Requests with it are refused from then on."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			ID string `path:"id" maxLength:"100"`
		}) (*struct{}, error) {
			return nil, h.Tokens.DeleteToken(ctx, actor, in.Slug, in.ID)
		})
}
