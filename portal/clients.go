package portal

import (
	"net/http"
	"strings"

	"github.com/gorilla/mux"

	"rollcall/desk"
)

// endpoints are a tenant's OAuth endpoints.
type endpoints struct {
	Token, Authorize, Revoke, Metadata string
}

func (h *Handler) endpoints(tenant string) endpoints {
	issuer := desk.Issuer(h.PublicURL, tenant)
	return endpoints{
		Token: issuer + "/token", Authorize: issuer + "/authorize", Revoke: issuer + "/revoke",
		Metadata: h.PublicURL + "/.well-known/oauth-authorization-server/oauth/" + tenant,
	}
}

// clientForm is what the form of an OAuth client holds.
type clientForm struct {
	Kind         string // credentials, consent or federation; "" for none yet
	Label        string
	RedirectURIs string // one a line
	Public       bool
	WithoutPKCE  bool
	Federation   desk.Federation
	Days         int // how long its secret is good, 0 for ever
}

// client returns the client that the form asks for.
func (f clientForm) client(connection string) desk.Client {
	c := desk.Client{Connection: connection, Label: f.Label}
	switch f.Kind {
	case "consent":
		c.RedirectURIs, c.Public, c.WithoutPKCE = strings.Fields(f.RedirectURIs), f.Public, f.WithoutPKCE
	case "federation":
		c.Federation = f.Federation
	}
	return c
}

func (f clientForm) check() error {
	switch {
	case f.Kind == "consent" && strings.TrimSpace(f.RedirectURIs) == "":
		return desk.Errorf(desk.InvalidValue, "redirectUris", "Give the redirect URL that the directory shows.")
	case f.Kind == "federation" && f.Federation.Issuer == "":
		return desk.Errorf(desk.InvalidValue, "federation.issuer", "Give the issuer, subject and audience that the directory shows.")
	case f.Kind != "consent" && f.Kind != "federation" && f.Kind != "credentials":
		return desk.Errorf(desk.InvalidValue, "kind", "Choose how the client signs in.")
	}
	return nil
}

func (h *Handler) createClient(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if before, err := h.sentBefore(w, r, actor, "/connections/"+mux.Vars(r)["slug"]+"/tokens#clients", secretShownOnce); before || err != nil {
		return err
	}
	form := r.PostForm
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	f := clientForm{
		Kind: form.Get("kind"), Label: text("label"), RedirectURIs: form.Get("redirectUris"), Public: form.Has("public"), WithoutPKCE: form.Has("withoutPkce"),
		Days: readLifetime(form).Days, Federation: desk.Federation{Issuer: text("issuer"), Subject: text("subject"), Audience: text("audience"), JWKSURI: text("jwksUri"), JWKS: text("jwks")},
	}
	made, err := h.makeClient(r, actor, f)
	return h.showMade(w, r, actor, f, made, err)
}

func (h *Handler) makeClient(r *http.Request, actor desk.Actor, f clientForm) (*madeSecret, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	expires, err := h.expiry(r)
	if err != nil {
		return nil, err
	}
	view, secret, err := h.Engine.CreateClient(r.Context(), actor, f.client(mux.Vars(r)["slug"]), expires)
	if err != nil {
		return nil, err
	}
	return &madeSecret{What: "of the client", Label: view.Label, ClientID: view.ID, Secret: secret, ExpiresAt: expires}, nil
}

func (h *Handler) deleteClient(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	if err := h.Engine.DeleteClient(r.Context(), actor, slug, mux.Vars(r)["id"]); err != nil {
		return err
	}
	return h.done(w, r, "/connections/"+slug+"/tokens#clients", "The OAuth client is deleted, with its secrets and tokens.")
}

// createSecret gives a client another secret beside the one that it has.
func (h *Handler) createSecret(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	vars := mux.Vars(r)
	if before, err := h.sentBefore(w, r, actor, "/connections/"+vars["slug"]+"/tokens#clients", secretShownOnce); before || err != nil {
		return err
	}
	expires, err := h.expiry(r)
	if err != nil {
		return h.showMade(w, r, actor, clientForm{}, nil, err)
	}
	t, secret, err := h.Engine.CreateClientSecret(r.Context(), actor, vars["slug"], vars["id"], expires)
	if err != nil {
		return h.showMade(w, r, actor, clientForm{}, nil, err)
	}
	return h.showMade(w, r, actor, clientForm{}, &madeSecret{What: "of the client", Label: t.Label, ClientID: vars["id"], Secret: secret, ExpiresAt: expires}, nil)
}

func (h *Handler) deleteSecret(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	vars := mux.Vars(r)
	if err := h.Engine.DeleteClientSecret(r.Context(), actor, vars["slug"], vars["id"], vars["secret"]); err != nil {
		return err
	}
	return h.done(w, r, "/connections/"+vars["slug"]+"/tokens#clients", "The client secret is deleted. Tokens that it got last up to an hour longer.")
}
