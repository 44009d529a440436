package scim

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
	"rollcall/schema"
)

// Handler serves the SCIM endpoints of all connections.
type Handler struct {
	Engine *provision.Engine
	// Authenticate returns the directory that may use the connection's endpoint, or an Unauthenticated error.
	Authenticate func(r *http.Request, tenant, connection string) (desk.Actor, error)
	Limit        *httpx.Limiter  // by connection; nil for none
	InFlight     *httpx.InFlight // nil for no bound
	PublicURL    string          // without a trailing slash
	Log          *slog.Logger
}

// request is one authenticated call.
type request struct {
	*Handler
	w      http.ResponseWriter
	r      *http.Request
	method string // GET for HEAD
	actor  desk.Actor
	users  *userSchema // with the tenant's custom fields
	base   string      // the endpoint's URL, as the client addressed it
	id     string      // of the user in the path
	query  query
	conditions
	place    httpx.Place
	recorder *recorder // nil unless the connection is recorded

	// What a refusal is recorded with.
	operation desk.Operation
	subject   string
}

// methods are a path's handlers by HTTP method.
type methods map[string]func(*request) error

// route is a path below a tenant URL.
type route struct {
	path    string
	methods methods
}

var routes = []route{
	{"/Users", methods{"GET": (*request).list, "POST": (*request).change}},
	{"/Users/.search", methods{"POST": (*request).search}},
	{"/.search", methods{"POST": (*request).search}},
	{"/Users/{id}", methods{"GET": (*request).get, "PUT": (*request).change, "PATCH": (*request).change, "DELETE": (*request).change}},
	{bulkPath, methods{"POST": (*request).bulk}},
	{"/Groups", methods{"GET": (*request).listGroups, "POST": noGroups}},
	{"/Groups/.search", methods{"POST": (*request).searchGroups}},
	{"/Groups/{id}", methods{"GET": (*request).getGroup, "PUT": noGroups, "PATCH": noGroups, "DELETE": noGroups}},
	{openPath, methods{"GET": (*request).serviceProviderConfig}},
	{"/ResourceTypes", methods{"GET": (*request).resourceTypes}},
	{"/ResourceTypes/{id}", methods{"GET": (*request).resourceType}},
	{"/Schemas", methods{"GET": (*request).schemas}},
	{"/Schemas/{id}", methods{"GET": (*request).schema}},
	{"/Me", methods{"GET": notOffered, "POST": notOffered, "PUT": notOffered, "PATCH": notOffered, "DELETE": notOffered}},
	{"", methods{"GET": (*request).root}},
}

const bulkPath = "/Bulk"

// operations are what the log calls the methods.
var operations = map[string]desk.Operation{
	"GET": desk.OpRead, "POST": desk.OpCreate, "PUT": desk.OpReplace, "PATCH": desk.OpPatch, "DELETE": desk.OpDelete,
}

const openPath = "/ServiceProviderConfig"

func notOffered(*request) error {
	return desk.Errorf(desk.NotImplemented, "", "this part of SCIM is not offered; /ServiceProviderConfig says what is")
}

// Access says for whom each endpoint is.
func (h *Handler) Access() []httpx.Access {
	var list []httpx.Access
	for _, route := range routes {
		for method := range route.methods {
			who := httpx.Directory
			if open(route.path, method) {
				who = httpx.Anybody
			}
			list = append(list, httpx.Access{Method: method, Path: "/scim/{tenant}/{connection}" + route.path, Who: who})
		}
	}
	return list
}

// open reports whether an endpoint needs no token (RFC 7644 section 4).
func open(path, method string) bool { return path == openPath && method == http.MethodGet }

// Routes returns the handler of everything below /scim.
func (h *Handler) Routes() http.Handler {
	return httpx.Recover(http.HandlerFunc(h.endpoint), h.Log, writeError)
}

// place is what the path of a URL names.
type place struct {
	tenant, connection string
	version            string // "/v2" where it says so
	route              route  // without methods if it is unknown
	id                 string // as it was sent
}

// find takes paths as they were sent, but for a slash at the end: to clean them would be answered with a redirect, which turns a POST into
// a GET.
func find(path string) (p place) {
	_, below, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/") // behind scim
	p.tenant, below, _ = strings.Cut(below, "/")
	p.connection, below, _ = strings.Cut(strings.TrimSuffix(below, "/"), "/")
	if p.tenant == "" || p.connection == "" || strings.HasSuffix(path, "//") {
		return p
	}
	if first, rest, _ := strings.Cut(below, "/"); first == "v2" {
		p.version, below = "/v2", rest
	}
	for _, r := range routes {
		known, one := strings.CutSuffix(strings.TrimPrefix(r.path, "/"), "{id}")
		rest, ok := strings.CutPrefix(below, known)
		if ok && (one && rest != "" && !strings.Contains(rest, "/") || !one && rest == "") {
			p.route, p.id = r, rest
			return p
		}
	}
	return p
}

// endpoint authenticates, picks the method's handler, and writes and records what it refuses.
func (h *Handler) endpoint(w http.ResponseWriter, r *http.Request) {
	to := find(r.URL.EscapedPath())
	if to.route.methods != nil {
		httpx.Route(r, "/scim/{tenant}/{connection}"+to.route.path)
	}
	req := &request{Handler: h, w: w, r: r, method: r.Method, users: users}
	if r.Method == http.MethodHead {
		req.method = http.MethodGet // net/http leaves the body out
	}
	switch req.operation = operations[req.method]; {
	case strings.HasSuffix(to.route.path, "/.search"):
		req.operation = desk.OpRead
	case to.route.path == bulkPath:
		req.operation = desk.OpBulk
	}
	defer func() { req.place.Leave() }() // also after a panic, and not before a refusal is recorded
	if err := req.serve(to); err != nil {
		req.refuse(err)
	}
	if req.recorder != nil {
		req.keep()
	}
}

func (req *request) serve(to place) (err error) {
	tenant, connection, path, methods := to.tenant, to.connection, to.route.path, to.route.methods
	if !open(path, req.method) {
		if req.actor, err = req.Authenticate(req.r, tenant, connection); err != nil {
			if desk.KindOf(err) == desk.Unauthenticated {
				req.Engine.Store.Deny(tenant, connection, http.StatusUnauthorized, errors.Is(err, desk.ErrKnownToken))
			}
			return err
		}
		if err := req.Limit.Check(tenant + "/" + connection); err != nil {
			return err
		}
		if req.place, err = req.InFlight.Enter(req.r.Context(), tenant); err != nil {
			return err
		}
		req.actor.RequestID, req.actor.Began = httpx.RequestID(req.r.Context()), httpx.Began(req.r.Context())
		if err := req.actor.Directory.Paused(); err != nil {
			return err
		}
		if key := req.actor.Directory.RecorderKey; key != "" {
			req.startRecorder(key)
		}
		req.users = &userSchema{schema.With(req.actor.Directory.Fields)}
	}
	if methods == nil { // which who has no token for the connection does not learn
		req.Engine.Store.Deny(tenant, connection, http.StatusNotFound, true)
		return desk.Errorf(desk.NotFound, "", "there is no such endpoint; the tenant URL ends in %s/%s", tenant, connection)
	}
	if req.id, err = url.PathUnescape(to.id); err != nil || !desk.Storable(req.id) {
		return desk.Errorf(desk.NotFound, "", "no resource with this id")
	}
	req.base = req.PublicURL + "/scim/" + tenant + "/" + connection + to.version
	req.conditions = req.readConditions()
	handle := methods[req.method]
	if handle == nil {
		return req.methodNotAllowed(methods)
	}
	req.query, err = parseQuery(req.r.URL.RawQuery)
	switch {
	case isDiscovery(path) && req.query.filter != "":
		return desk.Errorf(desk.Forbidden, "filter", "discovery cannot be filtered")
	case err != nil && !isDiscovery(path):
		return err
	}
	return handle(req)
}

// isDiscovery reports whether an endpoint describes the server: what is asked of a list does not concern it (RFC 7644
// section 4).
func isDiscovery(path string) bool {
	return path == openPath || strings.HasPrefix(path, "/ResourceTypes") || strings.HasPrefix(path, "/Schemas")
}

func (req *request) methodNotAllowed(methods methods) error {
	allowed := []string{"OPTIONS"}
	for m := range methods {
		if allowed = append(allowed, m); m == "GET" {
			allowed = append(allowed, "HEAD")
		}
	}
	slices.Sort(allowed)
	req.w.Header().Set("Allow", strings.Join(allowed, ", "))
	if req.method == http.MethodOptions {
		req.w.Header().Set("Content-Type", contentType)
		req.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return desk.Errorf(desk.MethodNotAllowed, "", "%s is not possible here; allowed are %s", req.method, strings.Join(allowed, ", "))
}

// refuse answers with the error, and records it.
func (req *request) refuse(err error) {
	req.record(err)
	writeError(req.w, req.r, err)
}

// record notes an error where the log should show it: each write that an authenticated client was refused, and reads that
// were not understood. Looking for what is not there is no refusal.
func (req *request) record(err error) {
	ctx := req.r.Context()
	kind := desk.KindOf(err)
	quiet := req.operation == "" || req.actor.TenantID == "" || kind == desk.RateLimited || // which a write would make dearer than to serve it
		req.operation == desk.OpRead && (kind == desk.NotFound || kind == desk.MethodNotAllowed || kind == desk.VersionMismatch)
	switch {
	case httpx.Fault(ctx, err):
		req.Log.Error("scim", "error", err, "request_id", httpx.RequestID(ctx))
		if req.actor.TenantID != "" {
			req.Engine.Fault(req.actor)
		}
	case kind != desk.Internal && kind != desk.Unavailable && !quiet:
		refusal := provision.Refusal{Operation: req.operation, UserID: req.id, Subject: req.subject, Err: err}
		if err := req.Engine.Refuse(ctx, req.actor, refusal); err != nil && !errors.Is(err, provision.ErrLost) { // of a bulk request, all of which runs again
			req.Log.Error("record a refusal", "error", err, "request_id", httpx.RequestID(ctx))
		}
	}
}

var mediaTypes = []string{contentType, "application/json"}

// body reads and decodes the request's body.
func (req *request) body() (map[string]any, error) {
	raw, err := httpx.ReadBody(req.w, req.r, mediaTypes...)
	if err != nil {
		return nil, err
	}
	return decodeObject(raw)
}
