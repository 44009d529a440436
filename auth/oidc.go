package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"rollcall/desk"
	"rollcall/store"
)

// Provider is an OpenID provider by which agents of a tenant sign in, as the operator's file names it.
type Provider struct {
	Tenant       string `json:"tenant"`
	Name         string `json:"name"` // what agents know it by
	Issuer       string `json:"issuer"`
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"` // "" for a public client
	// Claim names what of the provider's statement decides the role: "groups" by default. Roles has its values.
	Claim string               `json:"claim"`
	Roles map[string]desk.Role `json:"roles"`
	// Scopes are asked for besides openid: profile and email by default.
	Scopes []string `json:"scopes"`
	// TrustEmails says that addresses are their owners' also where the provider does not say that it has verified them.
	TrustEmails bool `json:"trustEmails"`
}

// ReadProviders reads the operator's file: a JSON list of providers.
func ReadProviders(text []byte) (list []Provider, err error) {
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&list); err != nil {
		return nil, fmt.Errorf("want a JSON list of OpenID providers: %w", err)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errors.New("there is something after the list of OpenID providers")
	}
	for i := range list {
		p := &list[i]
		if p.Claim == "" {
			p.Claim = "groups"
		}
		if p.Scopes == nil {
			p.Scopes = []string{"profile", "email"}
		}
		p.Scopes = append([]string{oidc.ScopeOpenID}, slices.DeleteFunc(p.Scopes, func(s string) bool { return s == oidc.ScopeOpenID })...)
		if err := p.check(); err != nil {
			return nil, fmt.Errorf("OpenID provider %d: %w", i+1, err)
		}
		if slices.ContainsFunc(list[:i], func(o Provider) bool { return o.Tenant == p.Tenant && o.Name == p.Name }) {
			return nil, fmt.Errorf("OpenID provider %d: tenant %s has another one of the name %s", i+1, p.Tenant, p.Name)
		}
	}
	return list, nil
}

func (p Provider) check() error {
	switch issuer, err := url.Parse(p.Issuer); {
	case desk.CheckSlug("tenant", p.Tenant) != nil:
		return fmt.Errorf("tenant %q is no tenant's slug", p.Tenant)
	case p.Name == "" || len(p.Name) > 100:
		return errors.New("the name is missing or too long; agents see it on a button")
	case err != nil || !mayFetch(issuer) || issuer.RawQuery != "" || issuer.Fragment != "":
		return fmt.Errorf("issuer %q: want an https URL, without a query", p.Issuer)
	case p.ClientID == "":
		return errors.New("clientId is missing")
	case len(p.Roles) == 0:
		return fmt.Errorf("roles is missing: which values of the claim %s make an agent, and which an admin", p.Claim)
	}
	for value, role := range p.Roles {
		if value == "" || role != desk.RoleAgent && role != desk.RoleAdmin {
			return fmt.Errorf("roles: %q: %q: a role is agent or admin", value, role)
		}
	}
	return nil
}

// mayFetch reports whether an address is trusted to be whose it says: by https, or on this machine.
func mayFetch(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()))
}

// providerClient fetches what providers say. The operator names them, so they may be in a private network; where they send it
// on is not followed.
var providerClient = &http.Client{
	Transport:     trusted{},
	Timeout:       10 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// trusted keeps to https, and to a reasonable length.
type trusted struct{}

func (trusted) RoundTrip(r *http.Request) (*http.Response, error) {
	if !mayFetch(r.URL) {
		return nil, fmt.Errorf("%s is not fetched: only https is", r.URL.Redacted())
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, 1<<20), response.Body}
	return response, nil
}

// discoveries keep what providers say of themselves, for as long as their keys are kept.
type discoveries struct {
	mu    sync.Mutex
	known map[string]discovery // by issuer
}

type discovery struct {
	*oidc.Provider
	style oauth2.AuthStyle
	until time.Time
}

func (a *Authenticator) discover(ctx context.Context, p Provider) (discovery, error) {
	now := a.Store.Now()
	a.discoveries.mu.Lock()
	d, ok := a.discoveries.known[p.Issuer]
	a.discoveries.mu.Unlock()
	if ok && now.Before(d.until) {
		return d, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, providerClient), p.Issuer)
	var document struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err == nil {
		err = provider.Claims(&document)
	}
	if err != nil {
		return d, unreachable(p, err)
	}
	d = discovery{provider, oauth2.AuthStyleInHeader, now.Add(keyLife)}
	if slices.Contains(document.Methods, "client_secret_post") {
		d.style = oauth2.AuthStyleInParams
	}
	a.discoveries.mu.Lock()
	defer a.discoveries.mu.Unlock()
	if a.discoveries.known == nil {
		a.discoveries.known = map[string]discovery{}
	}
	a.discoveries.known[p.Issuer] = d
	return d, nil
}

func unreachable(p Provider, err error) error {
	return &desk.Error{Kind: desk.Unavailable, Msg: p.Name + " cannot be asked now. Try again; if it persists, the server's log says why.", Err: err}
}

// config is OAuth's view of a provider.
func (a *Authenticator) config(p Provider, d discovery) *oauth2.Config {
	endpoint := d.Endpoint()
	endpoint.AuthStyle = d.style
	if p.ClientSecret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, Scopes: p.Scopes, RedirectURL: a.PublicURL + "/signin/oidc/callback",
	}
}

// flow is what a browser keeps while it is at a provider, in a cookie that no script and no other site reads. It is what holds the
// answer to the browser that asked.
type flow struct {
	State, Nonce, Verifier string
	Tenant, Provider       string
	Next                   string // the page that the agent wanted to see, "" for the first
}

const (
	flowLife = 10 * time.Minute
	maxNext  = 1000 // bytes
)

func (a *Authenticator) flowCookie(value string, life time.Duration) *http.Cookie {
	name := "rollcall_oidc"
	if a.secure() {
		name = "__Host-" + name
	}
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode}
}

// ProviderNames returns the names of a tenant's OpenID providers, in the order of the file; of all tenants' for "".
func (a *Authenticator) ProviderNames(tenant string) (names []string) {
	for _, p := range a.Providers {
		if tenant == "" || p.Tenant == tenant {
			names = append(names, p.Name)
		}
	}
	return names
}

func (a *Authenticator) provider(tenant, name string) (Provider, error) {
	for _, p := range a.Providers {
		if p.Tenant == tenant && p.Name == name {
			return p, nil
		}
	}
	return Provider{}, desk.Errorf(desk.NotFound, "", "This helpdesk has no such way to sign in.")
}

// StartProvider returns the address of a provider to which a browser goes to sign in, and the cookie to go with. An unknown
// provider is NotFound, one that does not answer Unavailable.
func (a *Authenticator) StartProvider(r *http.Request, tenant, name, next string) (address string, cookie *http.Cookie, err error) {
	p, err := a.provider(tenant, name)
	if err != nil {
		return "", nil, err
	}
	d, err := a.discover(r.Context(), p)
	if err != nil {
		return "", nil, err
	}
	if len(next) > maxNext {
		next = ""
	}
	f := flow{oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), oauth2.GenerateVerifier(), tenant, name, next}
	text, err := json.Marshal(f)
	if err != nil {
		return "", nil, err
	}
	address = a.config(p, d).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	return address, a.flowCookie(base64.RawURLEncoding.EncodeToString(text), flowLife), nil
}

// FinishProvider opens a session for who comes back from a provider. It returns the cookies to set, also with an error, and the
// page that the agent wanted to see. An answer that is not to this browser's question, or that proves nothing, is
// Unauthenticated; who has no role or is disabled is Forbidden; an address that is somebody else's here a Conflict.
func (a *Authenticator) FinishProvider(r *http.Request) (cookies []*http.Cookie, next string, err error) {
	forget := a.flowCookie("", 0)
	forget.MaxAge = -1
	cookies = []*http.Cookie{forget}
	var f flow
	cookie, err := r.Cookie(forget.Name)
	if err == nil {
		var text []byte
		if text, err = base64.RawURLEncoding.DecodeString(cookie.Value); err == nil {
			err = json.Unmarshal(text, &f)
		}
	}
	query := r.URL.Query()
	if err != nil || f.State == "" || !equal(desk.HashSecret(f.State), desk.HashSecret(query.Get("state"))) {
		return cookies, "", desk.Errorf(desk.Unauthenticated, "", "This answer is not to what this browser asked, or came too late. Sign in again.")
	}
	p, err := a.provider(f.Tenant, f.Provider)
	if err != nil {
		return cookies, "", err
	}
	who, err := a.identify(r, p, f)
	if err != nil {
		return cookies, "", err
	}
	var session *http.Cookie
	if who.role == "" {
		err = desk.Errorf(desk.Forbidden, "", "%s knows you, but nothing that it says of you has a role in this helpdesk. Ask an administrator.", p.Name)
	} else {
		err = a.Store.Tx(r.Context(), func(tx *store.Tx) error {
			session, err = a.arrive(tx, r, p, who)
			return err
		})
	}
	if err != nil {
		a.noteRefusedIdentity(r, p, who, err)
		return cookies, "", err
	}
	return append(cookies, session), f.Next, nil
}

var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// notProved is an answer that does not prove who comes. They are told little, the log what is wrong.
func (a *Authenticator) notProved(r *http.Request, p Provider, why error) error {
	a.Log.Warn("sign-in by an OpenID provider", "tenant", p.Tenant, "provider", p.Name, "error", why, "request_id", during(r, desk.Actor{}).RequestID)
	return &desk.Error{Kind: desk.Unauthenticated, Msg: "Signing in with " + p.Name + " did not work. Try again.", Err: why}
}

// person is who a provider says that somebody is.
type person struct {
	desk.Identity
	name, email string
	verified    bool      // the address is theirs
	role        desk.Role // "" for none
	why         string    // there is no role
}

// identify redeems the code of an answer, and checks the statement that it is good for (OpenID Connect Core sections 3.1.3.3 and
// 3.1.3.7).
func (a *Authenticator) identify(r *http.Request, p Provider, f flow) (person, error) {
	query := r.URL.Query()
	if iss := query.Get("iss"); iss != "" && iss != p.Issuer { // RFC 9207
		return person{}, a.notProved(r, p, errors.New("the answer is another issuer's"))
	}
	if code := query.Get("error"); code != "" {
		if !errorCode.MatchString(code) {
			code = "an error"
		}
		return person{}, a.notProved(r, p, fmt.Errorf("the provider answers %s", code))
	}
	d, err := a.discover(r.Context(), p)
	if err != nil {
		return person{}, err
	}
	ctx := oidc.ClientContext(r.Context(), providerClient)
	token, err := a.config(p, d).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return person{}, a.notRedeemed(r, p, err)
	}
	raw, _ := token.Extra("id_token").(string)
	statement, err := d.Verifier(&oidc.Config{ClientID: p.ClientID, SupportedSigningAlgs: Algorithms, Now: a.Store.Now}).Verify(ctx, raw)
	if err != nil {
		return person{}, a.notProved(r, p, err)
	}
	claims := map[string]any{}
	if err := statement.Claims(&claims); err != nil {
		return person{}, a.notProved(r, p, err)
	}
	switch {
	case !equal(desk.HashSecret(statement.Nonce), desk.HashSecret(f.Nonce)):
		return person{}, a.notProved(r, p, errors.New("the ID token has another nonce"))
	case len(statement.Audience) > 1 && claims["azp"] != p.ClientID:
		return person{}, a.notProved(r, p, errors.New("the ID token is for several audiences, and was given to another (azp)"))
	case statement.Subject == "" || len(statement.Subject) > 255 || !desk.Storable(statement.Subject):
		return person{}, a.notProved(r, p, errors.New("the ID token has no good subject"))
	}
	return p.person(desk.Identity{Issuer: p.Issuer, Subject: statement.Subject}, claims), nil
}

// notRedeemed tells a code that is no good from a provider that does not work. What the provider answered may hold anything, and
// is not repeated but for its code.
func (a *Authenticator) notRedeemed(r *http.Request, p Provider, err error) error {
	var answer *oauth2.RetrieveError
	switch {
	case !errors.As(err, &answer):
		return unreachable(p, err)
	case answer.ErrorCode == "invalid_grant":
		return a.notProved(r, p, errors.New("the token endpoint answers invalid_grant"))
	}
	return unreachable(p, fmt.Errorf("the token endpoint answers %s %s", answer.Response.Status, errorCode.FindString(answer.ErrorCode)))
}

// person reads the claims of a statement.
func (p Provider) person(id desk.Identity, claims map[string]any) person {
	text := func(name string) string {
		s, _ := claims[name].(string)
		return s
	}
	// xms_edov is what Entra says of addresses whose domain the organisation has proved to own.
	who := person{Identity: id, name: text("name"), email: text("email"), verified: p.TrustEmails || says(claims["email_verified"]) || says(claims["xms_edov"])}
	if who.email == "" {
		who.email, who.verified = text("preferred_username"), false // which is an address with Entra
	}
	var values []string
	switch v := claims[p.Claim].(type) {
	case string:
		values = []string{v}
	case []any:
		for _, e := range v {
			if s, ok := e.(string); ok {
				values = append(values, s)
			}
		}
	}
	fold := func(s string) string { return s }
	switch p.Claim {
	case "email":
		fold = desk.Fold
		if !who.verified {
			values, who.why = nil, "the address is not verified"
		} else if at := strings.LastIndex(who.email, "@"); at >= 0 {
			values = []string{who.email, who.email[at:]}
		}
	case "hd":
		fold = desk.Fold
	}
	for value, role := range p.Roles {
		has := slices.ContainsFunc(values, func(s string) bool { return fold(s) == fold(value) })
		if has && (role == desk.RoleAdmin || who.role == "") {
			who.role = role
		}
	}
	if elsewhere, ok := claims["_claim_names"].(map[string]any); ok && elsewhere[p.Claim] != nil {
		who.why = "there are more groups than the provider sends; let it send application roles, or the groups of the application alone"
	}
	return who
}

// says reports whether a claim is true, in any of the forms that providers give it.
func says(claim any) bool {
	return claim == true || claim == "true" || claim == "1" || claim == float64(1)
}

// arrive opens a session for who comes from a provider. An agent is known by issuer and subject; the first time by the address, if
// it is verified, or a new one is made. Name, address and role are the provider's.
func (a *Authenticator) arrive(tx *store.Tx, r *http.Request, p Provider, who person) (*http.Cookie, error) {
	g, err := a.agentOf(tx, r, p, who)
	if err != nil {
		return nil, err
	}
	if g.DisabledAt != nil {
		return nil, desk.Errorf(desk.Forbidden, "", "Your account in this helpdesk is disabled. Ask an administrator.")
	}
	before := g
	g.Identity, g.Role = who.Identity, who.role
	if named := (desk.Agent{Name: who.name, Email: g.Email, Role: g.Role}); named.Check() == nil {
		g.Name = who.name
	}
	if key := desk.Fold(who.email); who.verified && key != g.EmailKey {
		if _, err := tx.AgentByEmail(g.TenantID, key); desk.KindOf(err) == desk.NotFound && (desk.Agent{Name: g.Name, Email: who.email, Role: g.Role}).Check() == nil {
			g.Email, g.EmailKey = who.email, key
		}
	}
	var changes []desk.Change
	if before.Identity != g.Identity {
		changes = append(changes, desk.Change{Field: "provider", To: p.Name})
	}
	if before.Role != g.Role {
		changes = append(changes, roleChange(before, g))
		if _, err := tx.DeleteTokensOf(g.TenantID, g.ID, "", desk.TokenSession); err != nil {
			return nil, err
		}
	}
	if len(changes) > 0 {
		ev := agentEvent(during(r, itself(g)), g, desk.OpPatch, desk.Updated, "agent")
		ev.Changes = changes
		if err := tx.Record(ev); err != nil {
			return nil, err
		}
	}
	return a.enter(tx, r, g, "oidc")
}

// agentOf returns the agent who comes from a provider, with the row locked. It makes one if there is none.
func (a *Authenticator) agentOf(tx *store.Tx, r *http.Request, p Provider, who person) (desk.Agent, error) {
	g, err := tx.AgentByIdentity(p.Tenant, who.Identity)
	if err == nil {
		return tx.LockAgent(p.Tenant, g.ID)
	}
	if desk.KindOf(err) != desk.NotFound {
		return g, err
	}
	g, err = tx.AgentByEmail(p.Tenant, desk.Fold(who.email))
	if err == nil {
		if g, err = tx.LockAgent(p.Tenant, g.ID); err == nil && (!who.verified || g.Identity != desk.Identity{}) {
			err = desk.Errorf(desk.Conflict, "", "An agent with your email address exists already, and %s does not prove that it is you. Ask an administrator.", p.Name)
		}
		return g, err
	}
	if desk.KindOf(err) != desk.NotFound {
		return g, err
	}
	g = desk.Agent{Name: who.name, Email: who.email, Role: who.role, Identity: who.Identity}
	if (desk.Agent{Name: who.name, Email: "a@b", Role: who.role}).Check() != nil {
		g.Name = ""
	}
	actor := desk.Actor{Type: desk.ActorAgent, TenantID: p.Tenant, Name: g.Name}
	if actor.Name == "" {
		actor.Name = desk.NameOfEmail(who.email)
	}
	err = addAgent(tx, during(r, actor), &g)
	if desk.KindOf(err) == desk.InvalidValue {
		err = desk.Errorf(desk.InvalidValue, "email", "%s says no email address of you. Ask an administrator.", p.Name)
	}
	return g, err
}

// itself is an agent as the actor of what happens to their own record.
func itself(g desk.Agent) desk.Actor {
	return desk.Actor{Type: desk.ActorAgent, TenantID: g.TenantID, Name: g.Name}
}

// noteRefusedIdentity records that somebody whom a provider knows was not let in, once a minute.
func (a *Authenticator) noteRefusedIdentity(r *http.Request, p Provider, who person, err error) {
	kind := desk.KindOf(err)
	if kind == desk.Internal || kind == desk.Unavailable || !a.refused.first("oidc "+p.Tenant+" "+who.Issuer+" "+who.Subject, a.Store.Now()) {
		return
	}
	ev := during(r, desk.Actor{Type: desk.ActorAgent, TenantID: p.Tenant, Name: clip(p.Name+" "+who.Subject, 200)}).Event(desk.OpSignIn, desk.Refused, string(kind))
	ev.Detail = desk.AsError(err).Msg
	if who.why != "" {
		ev.Detail += " (" + who.why + ")"
	}
	a.beside(r.Context(), func(ctx context.Context) {
		if err := a.Store.Tx(ctx, func(tx *store.Tx) error { return tx.Record(ev) }); err != nil {
			a.Log.Warn("record a refused sign-in", "error", err, "request_id", ev.RequestID)
		}
	})
}
