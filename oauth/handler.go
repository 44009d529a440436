package oauth

import (
	"log/slog"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/httpx"
)

// Handler serves the OAuth endpoints of all tenants.
type Handler struct {
	Auth      *auth.Authenticator
	PublicURL string // without a trailing slash
	Log       *slog.Logger

	addresses, clients *httpx.Limiter
}

// scope is what every token is for, whatever scope a client asks for (RFC 6749 section 3.3).
const scope = "scim"

// Access says for whom each endpoint is.
func (h *Handler) Access() []httpx.Access {
	return httpx.AccessOf(h.router(), func(method, _ string) httpx.Who {
		if method == http.MethodPost {
			return httpx.Client
		}
		return httpx.Anybody
	})
}

// Routes returns the handler of everything below /oauth and /.well-known, but for the authorization page.
func (h *Handler) Routes() http.Handler {
	// One address may ask for less than one client may: nobody locks a client out alone. Both are far above what is needed, a
	// token an hour.
	h.addresses, h.clients = httpx.NewLimiter(10, 50), httpx.NewLimiter(20, 100)
	return httpx.Recover(h.router(), h.Log, writeError)
}

func (h *Handler) router() *mux.Router {
	router := mux.NewRouter().SkipClean(true)
	router.Use(httpx.NoteRoute)
	router.Handle("/oauth/{tenant}/token", h.endpoint(h.token)).Methods("POST")
	router.Handle("/oauth/{tenant}/revoke", h.endpoint(h.revoke)).Methods("POST")
	router.HandleFunc(wellKnown+"/oauth/{tenant}", h.metadata).Methods("GET", "HEAD")
	router.NotFoundHandler = http.NotFoundHandler()
	router.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, desk.Errorf(desk.MethodNotAllowed, "", "allowed are %s", httpx.Allow(w, r, router)))
	})
	return router
}

// endpoint reads a client's form and its credentials, within the limits.
func (h *Handler) endpoint(serve func(http.ResponseWriter, *http.Request, auth.Credentials, form) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h.addresses.Check(httpx.Network(r.RemoteAddr))
		var f form
		if err == nil {
			f, err = readForm(w, r)
		}
		var c auth.Credentials
		if err == nil {
			c, err = credentials(r, f)
		}
		if err == nil {
			caller := c.Tenant + " " + c.ClientID
			err = h.clients.Check(caller[:min(len(caller), 200)])
		}
		if err == nil {
			err = serve(w, r, c, f)
		}
		if err == nil {
			return
		}
		if httpx.Fault(r.Context(), err) {
			h.Log.Error("oauth", "error", err, "request_id", httpx.RequestID(r.Context()))
		}
		writeError(w, r, err)
	})
}

// token answers with an access token (RFC 6749 section 5.1).
func (h *Handler) token(w http.ResponseWriter, r *http.Request, c auth.Credentials, f form) error {
	access, err := h.Auth.Token(r.Context(), c, auth.GrantRequest{
		Type: f["grant_type"], Code: f["code"], RedirectURI: f["redirect_uri"], Verifier: f["code_verifier"], RefreshToken: f["refresh_token"],
	})
	if err != nil {
		return err
	}
	write(w, http.StatusOK, struct {
		Token     string `json:"access_token"`
		Type      string `json:"token_type"`
		ExpiresIn int    `json:"expires_in"`
		Refresh   string `json:"refresh_token,omitempty"`
		Scope     string `json:"scope"`
	}{access.Token, "Bearer", int(desk.AccessLife.Seconds()), access.Refresh, scope})
	return nil
}

// revoke answers alike whether there was anything to revoke (RFC 7009 section 2.2).
func (h *Handler) revoke(w http.ResponseWriter, r *http.Request, c auth.Credentials, f form) error {
	if f["token"] == "" {
		return desk.Errorf(desk.InvalidValue, "token", "token is missing")
	}
	if err := h.Auth.Revoke(r.Context(), c, f["token"]); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return nil
}

// form is a request's parameters, none of which is there twice. An empty one counts as left out.
type form map[string]string

const formType = "application/x-www-form-urlencoded"

// maxForm is the most that a form may hold, in bytes: it is read before it is known whose it is.
const maxForm = 64 << 10

// readForm reads the body alone: what stands in a URL stands in logs.
func readForm(w http.ResponseWriter, r *http.Request) (form, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	body, err := httpx.ReadBody(w, r, formType)
	if err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, desk.Errorf(desk.InvalidSyntax, "", "the body is no form of the type %s", formType)
	}
	f := form{}
	for name, list := range values {
		if len(list) > 1 {
			return nil, desk.Errorf(desk.InvalidValue, "", "a parameter is there twice")
		}
		if !desk.Storable(list[0]) {
			return nil, desk.Errorf(desk.InvalidValue, "", "a parameter is not in UTF-8")
		}
		f[name] = list[0]
	}
	return f, nil
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// credentials returns what the client proves itself with: by HTTP Basic or by parameters (RFC 6749 section 2.3.1), or by an
// assertion (RFC 7523 section 2.2), but not by several.
func credentials(r *http.Request, f form) (auth.Credentials, error) {
	c := auth.Credentials{
		Tenant: mux.Vars(r)["tenant"], ClientID: f["client_id"], Secret: f["client_secret"], Assertion: f["client_assertion"],
		Address: r.RemoteAddr, RequestID: httpx.RequestID(r.Context()),
	}
	if id, secret, ok := r.BasicAuth(); ok {
		id, err := url.QueryUnescape(id)
		if err != nil || !desk.Storable(id) {
			return c, desk.Errorf(desk.InvalidValue, "Authorization", "the client id is not encoded as a form's value")
		}
		if secret, err = url.QueryUnescape(secret); err != nil {
			return c, desk.Errorf(desk.InvalidValue, "Authorization", "the client secret is not encoded as a form's value")
		}
		if c.Secret != "" || c.Assertion != "" || c.ClientID != "" && c.ClientID != id {
			return c, errSeveral
		}
		c.ClientID, c.Secret = id, secret
	}
	switch {
	case c.Secret != "" && c.Assertion != "":
		return c, errSeveral
	case c.ClientID == "" && c.Assertion != "":
		return c, desk.Errorf(desk.InvalidValue, "client_id", "client_id is needed beside client_assertion")
	case c.ClientID == "":
		return c, desk.Errorf(desk.Unauthenticated, "", "client authentication is missing: client id and secret, by HTTP Basic or as parameters")
	case (c.Assertion != "") != (f["client_assertion_type"] != "") || c.Assertion != "" && f["client_assertion_type"] != assertionType:
		return c, desk.Errorf(desk.InvalidValue, "client_assertion_type", "client_assertion goes with client_assertion_type %s", assertionType)
	}
	return c, nil
}

var errSeveral = desk.Errorf(desk.InvalidValue, "", "the client authenticates in several ways; choose one")
