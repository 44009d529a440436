package portal

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

type consentPage struct {
	Tenant     string
	Client     desk.Client
	Connection string // its name
	Host       string // to which the browser goes back
	Parameters map[string]string
}

// authorize is the authorization endpoint (RFC 6749 section 4.1): it asks an administrator whether a directory's OAuth client may
// act for its connection, and sends the browser back with the answer.
func (h *Handler) authorize(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	tenant := mux.Vars(r)["tenant"]
	if tenant != actor.TenantID {
		return desk.Errorf(desk.Forbidden, "", "You are signed in to the helpdesk %s, and the directory asks for another. Sign out, and sign in to that one.", actor.TenantID)
	}
	if actor.Role != desk.RoleAdmin {
		return desk.Errorf(desk.Forbidden, "", "Only an administrator can connect a directory. Sign in with an administrator's token.")
	}
	values := r.URL.Query()
	if r.Method == http.MethodPost {
		values = r.PostForm
	}
	request, err := authorizationRequest(values)
	if err != nil {
		return err
	}
	client, err := h.Engine.Authorization(r.Context(), actor, request)
	if err != nil {
		return err
	}
	back := goingBack{h, w, r, request, tenant}
	if err := request.Check(client); err != nil {
		return back.refuse(err)
	}
	switch {
	case r.Method != http.MethodPost || unsent(r):
		return h.askConsent(w, r, actor, client, request)
	case values.Get("decision") != "allow":
		return back.refuse(desk.Errorf(desk.Forbidden, "", "the administrator said no"))
	}
	code, err := h.Engine.Consent(r.Context(), actor, request)
	if err != nil {
		return back.refuse(err)
	}
	return back.answer(url.Values{"code": {code}})
}

// authorizationRequest reads the parameters, none of which may be there twice. Others than these are ignored, as the RFC says.
func authorizationRequest(values url.Values) (desk.AuthorizationRequest, error) {
	var request desk.AuthorizationRequest
	for name, field := range parameters(&request) {
		list := values[name]
		if len(list) > 1 {
			return request, desk.Errorf(desk.InvalidValue, name, "The directory sent %s twice.", name)
		}
		if len(list) == 1 {
			*field = list[0]
		}
		if !desk.Storable(*field) {
			return request, desk.Errorf(desk.InvalidValue, name, "The directory sent a broken %s.", name)
		}
	}
	return request, nil
}

func parameters(r *desk.AuthorizationRequest) map[string]*string {
	return map[string]*string{
		"response_type": &r.ResponseType, "client_id": &r.ClientID, "redirect_uri": &r.RedirectURI, "state": &r.State,
		"code_challenge": &r.Challenge, "code_challenge_method": &r.ChallengeMethod,
	}
}

func (h *Handler) askConsent(w http.ResponseWriter, r *http.Request, actor desk.Actor, client desk.Client, request desk.AuthorizationRequest) error {
	connection, err := h.Engine.Connection(r.Context(), actor, client.Connection)
	if err != nil {
		return err
	}
	to, err := url.Parse(request.RedirectURI)
	if err != nil {
		return err // it was checked when the client was made
	}
	page := consentPage{Tenant: actor.TenantID, Client: client, Connection: connection.Name, Host: to.Host, Parameters: map[string]string{}}
	for name, value := range parameters(&request) {
		if *value != "" {
			page.Parameters[name] = *value
		}
	}
	// Browsers hold a form to where it may lead, redirects included.
	w.Header().Set("Content-Security-Policy", policy("'self' "+to.Scheme+"://"+to.Host))
	return h.show(w, r, actor, "consent", "Connect a directory", page)
}

// goingBack sends the browser to the client, whose redirect URL is known to be its own.
type goingBack struct {
	h       *Handler
	w       http.ResponseWriter
	r       *http.Request
	request desk.AuthorizationRequest
	tenant  string
}

// refuse goes back with an error (RFC 6749 section 4.1.2.1).
func (b goingBack) refuse(err error) error {
	e := desk.AsError(err)
	answer := url.Values{"error_description": {httpx.Public(b.r.Context(), e)}}
	switch e.Kind {
	case desk.Forbidden:
		answer.Set("error", "access_denied")
	case desk.NotImplemented:
		answer.Set("error", "unsupported_response_type")
	case desk.Internal, desk.Unavailable:
		b.h.report(b.r, err)
		answer.Set("error", "server_error")
	default:
		answer.Set("error", "invalid_request")
	}
	return b.answer(answer)
}

// answer goes back with what the client asked for, its state, and who answers (RFC 9207).
func (b goingBack) answer(answer url.Values) error {
	to, err := url.Parse(b.request.RedirectURI)
	if err != nil {
		return err // it was checked when the client was made
	}
	if b.request.State != "" {
		answer.Set("state", b.request.State)
	}
	answer.Set("iss", desk.Issuer(b.h.PublicURL, b.tenant))
	if to.RawQuery != "" {
		to.RawQuery += "&"
	}
	to.RawQuery += answer.Encode()
	http.Redirect(b.w, b.r, to.String(), http.StatusSeeOther)
	return nil
}
