package provision

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/desk"
	"rollcall/store"
)

// maxSecrets is how many secrets an OAuth client may have: the one in use, and the one that takes over from it.
const maxSecrets = 2

// ClientView is an OAuth client with its secrets.
type ClientView struct {
	desk.Client
	Secrets []desk.Token
}

// Clients lists a connection's OAuth clients in the order in which they were made, or is NotFound.
func (e *Engine) Clients(ctx context.Context, actor desk.Actor, slug string) ([]ClientView, error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return nil, err
	}
	clients, err := e.Store.Read(ctx).Clients(actor.TenantID, slug)
	if err != nil {
		return nil, err
	}
	views := make([]ClientView, len(clients))
	ids := make([]string, len(clients))
	for i, c := range clients {
		views[i], ids[i] = ClientView{Client: c}, c.ID
	}
	secrets, err := e.Store.Read(ctx).ClientSecrets(actor.TenantID, ids...)
	for _, s := range secrets {
		i := slices.Index(ids, s.ClientID)
		views[i].Secrets = append(views[i].Secrets, s)
	}
	return views, err
}

// CreateClient adds an OAuth client to a connection. Unless it is public or federated it gets a secret, which is good until it
// expires (nil for ever) and is never to be had again.
func (e *Engine) CreateClient(ctx context.Context, actor desk.Actor, c desk.Client, expires *time.Time) (view ClientView, secret string, err error) {
	if err := c.Check(); err != nil {
		return view, "", err
	}
	if err := checkKeys(c.Federation.JWKS); err != nil {
		return view, "", err
	}
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		// Locked, so that of two requests none adds one too many.
		if _, err := tx.LockConnection(actor.TenantID, c.Connection); err != nil {
			return noConnection(err)
		}
		others, err := tx.Clients(actor.TenantID, c.Connection)
		if err != nil {
			return err
		}
		if len(others) >= desk.MaxClients {
			return desk.Errorf(desk.Conflict, "", "a connection has up to %d OAuth clients; delete one first", desk.MaxClients)
		}
		c.TenantID, c.ID, c.CreatedAt = actor.TenantID, store.NewID(), tx.Now
		if err := tx.CreateClient(&c); err != nil {
			return err
		}
		view = ClientView{Client: c}
		if !c.Public && !c.Federated() {
			t, s, err := addSecret(tx, c, expires)
			if err != nil {
				return err
			}
			view.Secrets, secret = []desk.Token{t}, s
		}
		return tx.Record(clientEvent(actor, c, desk.OpCreate, desk.Created, "client"))
	})
	return view, secret, err
}

// DeleteClient removes an OAuth client with its secrets, consents and tokens, or is NotFound.
func (e *Engine) DeleteClient(ctx context.Context, actor desk.Actor, slug, id string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := lockClient(tx, actor, slug, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteClient(c.TenantID, c.ID); err != nil {
			return err
		}
		return tx.Record(clientEvent(actor, c, desk.OpDelete, desk.Deleted, "client"))
	})
}

// CreateClientSecret gives an OAuth client another secret beside the one that it has, so that its directory can change over
// without a gap, or is NotFound.
func (e *Engine) CreateClientSecret(ctx context.Context, actor desk.Actor, slug, id string, expires *time.Time) (t desk.Token, secret string, err error) {
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := lockClient(tx, actor, slug, id)
		if err != nil {
			return err
		}
		if c.Public {
			return desk.Errorf(desk.Conflict, "", "a public client has no secret")
		}
		others, err := tx.ClientSecrets(c.TenantID, c.ID)
		if err != nil {
			return err
		}
		if len(others) >= maxSecrets {
			return desk.Errorf(desk.Conflict, "", "a client has up to %d secrets; delete the one that is no longer used", maxSecrets)
		}
		if t, secret, err = addSecret(tx, c, expires); err != nil {
			return err
		}
		return tx.Record(clientEvent(actor, c, desk.OpCreate, desk.Created, "client secret"))
	})
	return t, secret, err
}

// DeleteClientSecret ends a secret of an OAuth client, or is NotFound. Tokens that it got last up to an hour longer.
func (e *Engine) DeleteClientSecret(ctx context.Context, actor desk.Actor, slug, id, secretID string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := lockClient(tx, actor, slug, id)
		if err != nil {
			return err
		}
		secrets, err := tx.ClientSecrets(c.TenantID, c.ID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(secrets, func(t desk.Token) bool { return t.ID == secretID }) {
			return desk.Errorf(desk.NotFound, "", "the client has no secret with this id")
		}
		if _, err := tx.DeleteToken(c.TenantID, secretID); err != nil {
			return err
		}
		return tx.Record(clientEvent(actor, c, desk.OpDelete, desk.Deleted, "client secret"))
	})
}

// Authorization returns the OAuth client that asks an administrator for consent. It is NotFound unless the client exists and
// the redirect URL is one of its own, to the letter: then nobody must be sent there, not even with an error.
func (e *Engine) Authorization(ctx context.Context, actor desk.Actor, r desk.AuthorizationRequest) (desk.Client, error) {
	return authorization(e.Store.Read(ctx), actor, r)
}

func authorization(reader store.Reader, actor desk.Actor, r desk.AuthorizationRequest) (desk.Client, error) {
	c, err := reader.Client(actor.TenantID, r.ClientID)
	if err == nil && slices.Contains(c.RedirectURIs, r.RedirectURI) {
		return c, nil
	}
	if err == nil || desk.KindOf(err) == desk.NotFound {
		return desk.Client{}, desk.Errorf(desk.NotFound, "", "No client of this helpdesk has this id and this redirect URL. Compare both with those that the client was made with.")
	}
	return desk.Client{}, err
}

// Consent lets an OAuth client act for its connection, and returns the code by which it gets its first tokens.
func (e *Engine) Consent(ctx context.Context, actor desk.Actor, r desk.AuthorizationRequest) (code string, err error) {
	err = e.Store.Tx(ctx, func(tx *store.Tx) error {
		c, err := authorization(tx.Reader, actor, r)
		if err == nil {
			err = r.Check(c)
		}
		if err != nil {
			return err
		}
		g := desk.Grant{
			TenantID: c.TenantID, ID: store.NewID(), ClientID: c.ID, GrantedBy: actor.Name,
			Binding: desk.Binding(r.RedirectURI, r.Challenge), CreatedAt: tx.Now, ExpiresAt: tx.Now.Add(desk.CodeLife),
		}
		code = desk.NewSecret(desk.GrantCode, c.TenantID, g.ID)
		g.CodeHash = desk.HashSecret(code)
		if err := tx.CreateGrant(&g); err != nil {
			return err
		}
		return tx.Record(clientEvent(actor, c, desk.OpCreate, desk.Created, "consent"))
	})
	return code, err
}

// lockClient returns a client of a connection, locked, or NotFound.
func lockClient(tx *store.Tx, actor desk.Actor, slug, id string) (desk.Client, error) {
	c, err := tx.LockClient(actor.TenantID, id)
	if err == nil && c.Connection == slug {
		return c, nil
	}
	if err == nil || desk.KindOf(err) == desk.NotFound {
		return c, desk.Errorf(desk.NotFound, "", "the connection has no OAuth client with this id")
	}
	return c, err
}

func addSecret(tx *store.Tx, c desk.Client, expires *time.Time) (desk.Token, string, error) {
	if expires != nil && !expires.After(tx.Now) {
		return desk.Token{}, "", desk.Errorf(desk.InvalidValue, "expiresAt", "the secret would have expired already")
	}
	secret := desk.NewSecret(desk.TokenClientSecret, c.TenantID)
	t := desk.Token{
		TenantID: c.TenantID, ID: store.NewID(), Kind: desk.TokenClientSecret, Hash: desk.HashSecret(secret), Connection: c.Connection,
		ClientID: c.ID, Label: c.Label, CreatedAt: tx.Now,
	}
	if expires != nil {
		at := expires.UTC().Truncate(time.Microsecond)
		t.ExpiresAt = &at
	}
	return t, secret, tx.CreateToken(&t)
}

func clientEvent(actor desk.Actor, c desk.Client, operation desk.Operation, outcome desk.Outcome, what string) desk.Event {
	ev := actor.Event(operation, outcome, what)
	ev.Connection, ev.Detail = c.Connection, c.Name()
	return ev
}

// checkKeys refuses a key set by which no assertion can be checked, and one that holds a secret.
func checkKeys(text string) error {
	if text == "" {
		return nil
	}
	var set jose.JSONWebKeySet
	bad := json.Unmarshal([]byte(text), &set) != nil || len(set.Keys) == 0
	for _, k := range set.Keys {
		bad = bad || !k.Valid() || !k.IsPublic()
	}
	if bad {
		return desk.Errorf(desk.InvalidValue, "federation.jwks", `the keys are a JSON Web Key Set, {"keys": [...]}, of public keys alone`)
	}
	return nil
}
