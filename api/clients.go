package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// OAuthClient is an OAuth 2.0 client of a connection.
type OAuthClient struct {
	ID              string         `json:"id" example:"01980a3e-1c2d-7e55-84aa-0f9e8d7c6b66" doc:"The client id"`
	Label           string         `json:"label" example:"Zoho Directory"`
	RedirectURIs    []string       `json:"redirectUris" doc:"With any, the client needs an administrator's consent (authorization_code); without, it acts on its own (client_credentials)"`
	Public          bool           `json:"public" doc:"Whether it can keep no secret"`
	WithoutPKCE     bool           `json:"withoutPkce" doc:"Whether it may leave out PKCE"`
	Federation      *Federation    `json:"federation,omitempty"`
	Secrets         []ClientSecret `json:"secrets"`
	TokenURL        string         `json:"tokenUrl" doc:"The token endpoint"`
	AuthorizeURL    string         `json:"authorizeUrl,omitempty" doc:"The authorization endpoint, for a client with redirect URLs"`
	CreatedAt       time.Time      `json:"createdAt"`
	LastUsedAt      *time.Time     `json:"lastUsedAt,omitempty" doc:"When it last got a token"`
	LastUsedAddress string         `json:"lastUsedAddress,omitempty"`
}

// Federation is whose signed statement stands in for a client's secret.
type Federation struct {
	Issuer   string `json:"issuer" maxLength:"2000" doc:"The URL that stands in an assertion's iss"`
	Subject  string `json:"subject" maxLength:"500" doc:"Its sub"`
	Audience string `json:"audience" maxLength:"500" doc:"Its aud"`
	JWKSURI  string `json:"jwksUri,omitempty" maxLength:"2000" doc:"Where the issuer's keys are; by default where its discovery document says"`
	JWKS     string `json:"jwks,omitempty" maxLength:"65536" doc:"The issuer's keys, as the text of a JSON Web Key Set"`
}

// ClientSecret is what the server knows of a client's secret.
type ClientSecret struct {
	ID              string     `json:"id"`
	CreatedAt       time.Time  `json:"createdAt"`
	ExpiresAt       *time.Time `json:"expiresAt,omitempty"`
	LastUsedAt      *time.Time `json:"lastUsedAt,omitempty"`
	LastUsedAddress string     `json:"lastUsedAddress,omitempty"`
}

func newClientSecret(t desk.Token) ClientSecret {
	return ClientSecret{t.ID, t.CreatedAt, t.ExpiresAt, t.LastUsedAt, t.LastUsedAddress}
}

func (h *Handler) newClient(v provision.ClientView) OAuthClient {
	issuer := desk.Issuer(h.PublicURL, v.TenantID)
	c := OAuthClient{
		ID: v.ID, Label: v.Label, RedirectURIs: append([]string{}, v.RedirectURIs...), Public: v.Public, WithoutPKCE: v.WithoutPKCE, Secrets: []ClientSecret{},
		TokenURL: issuer + "/token", CreatedAt: v.CreatedAt, LastUsedAt: v.LastUsedAt, LastUsedAddress: v.LastUsedAddress,
	}
	if len(v.RedirectURIs) > 0 {
		c.AuthorizeURL = issuer + "/authorize"
	}
	if v.Federated() {
		f := Federation(v.Federation)
		c.Federation = &f
	}
	for _, t := range v.Secrets {
		c.Secrets = append(c.Secrets, newClientSecret(t))
	}
	return c
}

// newClientBody is a client with its secret, which is shown this once.
type newClientBody struct {
	OAuthClient
	Secret string `json:"secret,omitempty" doc:"The client secret, shown this once"`
}

type newSecretBody struct {
	ClientSecret
	Secret string `json:"secret" doc:"The client secret, shown this once"`
}

// ClientPath names an OAuth client.
type ClientPath struct {
	ConnectionPath
	ID string `path:"id" maxLength:"100"`
}

func (h *Handler) registerClients(api huma.API) {
	const collection, item, secrets = "/api/v1/connections/{slug}/clients", "/api/v1/connections/{slug}/clients/{id}", "/api/v1/connections/{slug}/clients/{id}/secrets"
	tags := []string{"OAuth clients"}
	notFound, conflict := []int{http.StatusNotFound}, []int{http.StatusNotFound, http.StatusConflict}

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List clients", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *ConnectionPath) (*list[OAuthClient], error) {
			clients, err := h.Engine.Clients(ctx, actor, in.Slug)
			return newList(clients, len(clients), nil, h.newClient), err
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: collection, Summary: "Create client", Tags: tags, DefaultStatus: http.StatusCreated, Errors: conflict,
		Description: "A client gets a secret unless it is public or has a federation, whose signed statement stands in for one."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Body struct {
				Label        string      `json:"label,omitempty" maxLength:"200" example:"Zoho Directory"`
				RedirectURIs []string    `json:"redirectUris,omitempty" maxItems:"10"`
				Public       bool        `json:"public,omitempty"`
				WithoutPKCE  bool        `json:"withoutPkce,omitempty"`
				Federation   *Federation `json:"federation,omitempty"`
				ExpiresAt    *time.Time  `json:"expiresAt,omitempty" doc:"Until when the secret is good; for ever if left out"`
			}
		}) (*struct{ Body newClientBody }, error) {
			c := desk.Client{Connection: in.Slug, Label: in.Body.Label, RedirectURIs: in.Body.RedirectURIs, Public: in.Body.Public, WithoutPKCE: in.Body.WithoutPKCE}
			if in.Body.Federation != nil {
				c.Federation = desk.Federation(*in.Body.Federation)
			}
			view, secret, err := h.Engine.CreateClient(ctx, actor, c, in.Body.ExpiresAt)
			return &struct{ Body newClientBody }{newClientBody{h.newClient(view), secret}}, err
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete client", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: notFound,
		Description: "Its secrets, consents and tokens end with it."}),
		func(ctx context.Context, actor desk.Actor, in *ClientPath) (*struct{}, error) {
			return nil, h.Engine.DeleteClient(ctx, actor, in.Slug, in.ID)
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: secrets, Summary: "Create client secret", Tags: tags, DefaultStatus: http.StatusCreated, Errors: conflict,
		Description: "A second secret beside the first: give it to the directory, then delete the first. There is no gap between."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ClientPath
			Body *struct {
				ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"Until when the secret is good; for ever if left out"`
			}
		}) (*struct{ Body newSecretBody }, error) {
			var expires *time.Time
			if in.Body != nil {
				expires = in.Body.ExpiresAt
			}
			t, secret, err := h.Engine.CreateClientSecret(ctx, actor, in.Slug, in.ID, expires)
			return &struct{ Body newSecretBody }{newSecretBody{newClientSecret(t), secret}}, err
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: secrets + "/{secret}", Summary: "Delete client secret", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: notFound,
		Description: "Tokens that it got last up to an hour longer."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			ClientPath
			Secret string `path:"secret" maxLength:"100"`
		}) (*struct{}, error) {
			return nil, h.Engine.DeleteClientSecret(ctx, actor, in.Slug, in.ID, in.Secret)
		})
}
