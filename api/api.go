package api

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"
	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// Handler serves the JSON API of all tenants.
type Handler struct {
	Engine *provision.Engine
	// Authenticate returns the bearer of the request's token, or an Unauthenticated error.
	Authenticate func(*http.Request) (desk.Actor, error)
	Limit        *httpx.Limiter  // by tenant; nil for none
	InFlight     *httpx.InFlight // nil for no bound
	Tokens       Tokens
	// ReadUser and ReadPatch read what a directory would send to a tenant with these custom fields.
	ReadUser  func(fields []desk.Field, body []byte) (desk.Resource, error)
	ReadPatch func(fields []desk.Field, body []byte) (provision.Edit, error)
	PublicURL string // without a trailing slash
	Version   string
	Log       *slog.Logger
}

// Tokens keeps connections' tokens.
type Tokens interface {
	// Issue completes and stores a token, and returns its secret.
	Issue(ctx context.Context, actor desk.Actor, t *desk.Token) (secret string, err error)
	// Tokens returns a page of a connection's tokens, after the given id.
	Tokens(ctx context.Context, actor desk.Actor, connection, after string, limit int) ([]desk.Token, error)
	DeleteToken(ctx context.Context, actor desk.Actor, connection, id string) error
}

// Access says for whom each operation is, by the document.
func (h *Handler) Access() []httpx.Access {
	router := mux.NewRouter()
	doc := h.operations(router)
	serveDocument(router, doc)
	return httpx.AccessOf(router, func(method, path string) httpx.Who {
		for _, op := range operationsOf(doc) {
			if op.Method == method && op.Path == path {
				return httpx.Who(roleOf(op))
			}
		}
		return httpx.Anybody
	})
}

// Routes returns the handler of everything below /api.
func (h *Handler) Routes() http.Handler {
	router := mux.NewRouter().SkipClean(true)
	router.Use(httpx.NoteRoute)
	router.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, desk.Errorf(desk.NotFound, "", "there is no such endpoint; see /api/openapi.json"))
	})
	router.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := httpx.Allow(w, r, router)
		writeError(w, r, desk.Errorf(desk.MethodNotAllowed, "", "%s is not possible here; allowed are %s", r.Method, allowed))
	})

	serveDocument(router, h.operations(router))
	return httpx.Recover(checkURL(router), h.Log, writeError)
}

// operations routes all operations, and returns the document that describes them.
func (h *Handler) operations(router *mux.Router) *huma.OpenAPI {
	api := humamux.New(router, h.config())
	api.UseMiddleware(h.authenticate)
	h.registerContacts(api)
	h.registerCompanies(api)
	h.registerConnections(api)
	h.registerHeld(api)
	h.registerPreview(api)
	h.registerTokens(api)
	h.registerClients(api)
	h.registerSyncLog(api)
	h.registerAudit(api)
	h.registerHealth(api)
	h.registerFields(api)
	h.registerTickets(api)
	h.registerDomains(api)
	doc := api.OpenAPI()
	addExamples(doc)
	return doc
}

// checkURL refuses URLs of which a parameter would be lost: that would list more than was asked for.
func checkURL(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := httpx.CheckURL(r); err != nil {
			writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readBody reads a body within the limits, so that the size and media type of all are refused alike, and so is a name that is given twice.
func readBody(w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength == 0 {
		return nil
	}
	body, err := httpx.ReadBody(w, r, "application/json")
	r.Body = io.NopCloser(bytes.NewReader(body))
	if twice := desk.CheckNames(body); err == nil && twice != nil {
		e := desk.AsError(twice)
		return desk.Errorf(e.Kind, inBody+e.Field, "%s", e.Msg)
	}
	return err
}

// call is an authenticated request of an operation, and the error with which it ends.
type call struct {
	actor     desk.Actor
	operation *huma.Operation
	err       error
}

type callKey struct{}

// authenticate lets pass bearers whose role suffices for the operation, and records which of their writes were refused.
func (h *Handler) authenticate(ctx huma.Context, next func(huma.Context)) {
	r, w := humamux.Unwrap(ctx)
	actor, err := h.Authenticate(r)
	if err == nil {
		err = h.Limit.Check(actor.TenantID)
	}
	var place httpx.Place
	if err == nil {
		place, err = h.InFlight.Enter(r.Context(), actor.TenantID)
	}
	if err != nil {
		h.report(r.Context(), err)
		writeError(w, r, err)
		return
	}
	defer place.Leave()
	actor.RequestID, actor.Began = httpx.RequestID(r.Context()), httpx.Began(r.Context())
	c := &call{actor: actor, operation: ctx.Operation()}
	if roleOf(c.operation) == desk.RoleAdmin && actor.Role != desk.RoleAdmin {
		c.err = desk.Errorf(desk.Forbidden, "", "this needs a token with the role admin")
	} else {
		c.err = readBody(w, r) // no sooner: nobody without a token gets to fill the memory
	}
	if c.err != nil {
		writeError(w, r, c.err)
	} else {
		next(huma.WithContext(ctx, context.WithValue(ctx.Context(), callKey{}, c)))
	}
	h.record(ctx, c)
}

// record leaves the event of a refused write.
func (h *Handler) record(ctx huma.Context, c *call) {
	kind, operation := desk.KindOf(c.err), writes[ctx.Operation().OperationID]
	if operation == "" || httpx.Statuses[kind] < 400 || httpx.Statuses[kind] >= 500 {
		return
	}
	refusal := provision.Refusal{Operation: operation, Err: c.err}
	if strings.HasSuffix(ctx.Operation().OperationID, "-contact") {
		refusal.ContactID = ctx.Param("id")
	}
	if err := h.Engine.Refuse(ctx.Context(), c.actor, refusal); err != nil {
		h.report(ctx.Context(), err)
	}
}

// writes are operations by their ids in the OpenAPI document, in the log's words.
var writes = map[string]desk.Operation{
	"create-contact": desk.OpCreate, "edit-contact": desk.OpPatch, "delete-contact": desk.OpDelete, "restore-contact": desk.OpRestore, "erase-contact": desk.OpErase,
	"create-company": desk.OpCreate, "edit-company": desk.OpPatch, "delete-company": desk.OpDelete, "start-rescan": desk.OpRescan,
	"create-connection": desk.OpCreate, "edit-connection": desk.OpPatch, "delete-connection": desk.OpDelete, "delete-recording": desk.OpDelete,
	"create-token": desk.OpCreate, "delete-token": desk.OpDelete, "answer-held-user": desk.OpCreate,
	"create-client": desk.OpCreate, "delete-client": desk.OpDelete, "create-client-secret": desk.OpCreate, "delete-client-secret": desk.OpDelete,
	"create-field": desk.OpCreate, "delete-field": desk.OpDelete,
	"create-ticket": desk.OpCreate, "edit-ticket": desk.OpPatch,
}

// register declares an operation. handle's errors become problem documents.
func register[I, O any](h *Handler, api huma.API, op huma.Operation, handle func(context.Context, desk.Actor, *I) (*O, error)) {
	complete(&op)
	op.BodyReadTimeout = -1 // the body has been read, and the connection's own deadline shall stay
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		c := ctx.Value(callKey{}).(*call)
		out, err := handle(ctx, c.actor, in)
		if err == nil {
			return out, nil
		}
		c.err = err
		h.report(ctx, err)
		return nil, problem(ctx, c)
	})
}

// report logs an error that is ours.
func (h *Handler) report(ctx context.Context, err error) {
	if httpx.Fault(ctx, err) {
		h.Log.Error("api", "error", err, "request_id", httpx.RequestID(ctx))
	}
}

// Page is the part of a list request that all share. huma fills exported types only.
type Page struct {
	Cursor string `query:"cursor" doc:"The next of the page before; none for the first page" maxLength:"200"`
	Limit  int    `query:"limit" default:"100" minimum:"1" maximum:"1000" doc:"How many items a page has, at most"`
}

// after returns the id after which the page begins.
func (p Page) after() (string, error) {
	id, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || !desk.Storable(string(id)) {
		return "", desk.Errorf(desk.InvalidValue, "cursor", "this is no cursor; give the next of the page before")
	}
	return string(id), nil
}

// list is a page of items.
type list[T any] struct {
	Body List[T]
}

// List is a page of items in JSON.
type List[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last"`
}

// newList returns a page of up to limit records, of which one more was read to know whether there are more.
func newList[R, T any](records []R, limit int, id func(R) string, item func(R) T) *list[T] {
	if len(records) > limit {
		records = records[:limit]
		return newPage(records, id(records[limit-1]), item)
	}
	return newPage(records, "", item)
}

const (
	maxPage = 4 << 20 // bytes of a page's events by which it ends, however few they are
	maxRead = 100     // events that are read at once
)

// readEvents returns a page of up to limit events, which read reads before an id; of a page that ends sooner, as of others, what next is
// says whether there are more.
func readEvents[R any](limit int, before string, read func(before string, limit int) ([]R, error), event func(*R) *desk.Event, item func(R) Event) (*list[Event], error) {
	id := func(r R) string { return event(&r).ID }
	var page []R
	for room := maxPage; room > 0; {
		want := min(limit+1-len(page), maxRead)
		part, err := read(before, want)
		if err != nil {
			return nil, err
		}
		for i := range part {
			room -= event(&part[i]).Bytes()
		}
		if page = append(page, part...); len(part) < want || len(page) > limit {
			return newList(page, limit, id, item), nil
		}
		before = id(page[len(page)-1])
	}
	return newPage(page, before, item), nil
}

// newPage returns a page of records; next is the id after which the next page begins, "" on the last.
func newPage[R, T any](records []R, next string, item func(R) T) *list[T] {
	out := &list[T]{Body: List[T]{Items: []T{}, Next: base64.RawURLEncoding.EncodeToString([]byte(next))}}
	for _, r := range records {
		out.Body.Items = append(out.Body.Items, item(r))
	}
	return out
}

// optional is a field that can be left out, null, or set.
type optional[T any] struct {
	Sent  bool
	Null  bool
	Value T
}

// UnmarshalJSON is called for fields that were sent.
func (o *optional[T]) UnmarshalJSON(b []byte) error {
	o.Sent = true
	if string(b) == "null" {
		o.Null = true
		return nil
	}
	return json.Unmarshal(b, &o.Value)
}

// Schema is that of T, or null.
func (o optional[T]) Schema(r huma.Registry) *huma.Schema {
	s := *r.Schema(reflect.TypeOf(o.Value), false, "")
	s.Nullable = true
	return &s
}

// pointer returns the value, its zero value for null, and nil for a field that was left out.
func (o optional[T]) pointer() *T {
	if !o.Sent {
		return nil
	}
	return &o.Value
}
