// Package httpx holds what all HTTP edges share: request ids, the access log, recovery from panics, statuses of errors, and
// reading bodies within limits. Each edge writes errors in its own form.
package httpx

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
)

// Statuses translates each kind of error into an HTTP status (RFC 9110 section 15, RFC 7644 section 3.12).
var Statuses = map[desk.Kind]int{
	desk.InvalidSyntax:    http.StatusBadRequest,
	desk.InvalidValue:     http.StatusBadRequest,
	desk.InvalidFilter:    http.StatusBadRequest,
	desk.InvalidPath:      http.StatusBadRequest,
	desk.NoTarget:         http.StatusBadRequest,
	desk.Mutability:       http.StatusBadRequest,
	desk.Uniqueness:       http.StatusConflict,
	desk.InvalidCursor:    http.StatusBadRequest,
	desk.InvalidCount:     http.StatusBadRequest,
	desk.VersionMismatch:  http.StatusPreconditionFailed,
	desk.Conflict:         http.StatusConflict,
	desk.NotFound:         http.StatusNotFound,
	desk.Unauthenticated:  http.StatusUnauthorized,
	desk.Forbidden:        http.StatusForbidden,
	desk.MethodNotAllowed: http.StatusMethodNotAllowed,
	desk.TooLarge:         http.StatusRequestEntityTooLarge,
	desk.UnsupportedMedia: http.StatusUnsupportedMediaType,
	desk.NotImplemented:   http.StatusNotImplemented,
	desk.RateLimited:      http.StatusTooManyRequests,
	desk.Unavailable:      http.StatusServiceUnavailable,
	desk.Paused:           http.StatusServiceUnavailable,
	desk.Internal:         http.StatusInternalServerError,
}

// Public returns what a client is told of an error: its message, or for one that is ours the reference under which the log
// has it.
func Public(ctx context.Context, e *desk.Error) string {
	if e.Kind == desk.Internal {
		return "internal error; if it persists, give the server's administrator the reference " + RequestID(ctx)
	}
	return e.Msg
}

// MaxBody is the most that a request body may hold, in bytes.
const MaxBody = 1 << 20

// Timeout is how long a request may take. Entra gives up after 60 seconds.
const Timeout = 30 * time.Second

// Edges hands each request to its edge by the first part of its path, and tells supervisors how the server is.
type Edges struct {
	SCIM, API, OAuth, Portal http.Handler
	// Ready returns nil while the server can do its work.
	Ready func(context.Context) error
}

// readyTimeout is how long the server may take to find out whether it is ready. Supervisors ask every few seconds.
const readyTimeout = 3 * time.Second

func (e Edges) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r = singleSlashes(r)
	serve := func(name string, edge http.Handler) {
		of(r.Context()).edge = name
		edge.ServeHTTP(w, r)
	}
	switch first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
	case "scim":
		serve("scim", e.SCIM)
	case "api":
		serve("api", e.API)
	case "oauth", ".well-known":
		if strings.HasSuffix(r.URL.Path, "/authorize") { // a page for people
			serve("portal", e.Portal)
			return
		}
		serve("oauth", e.OAuth)
	case "healthz":
		Route(r, "/healthz")
		fmt.Fprintln(w, "ok")
	case "readyz":
		Route(r, "/readyz")
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if e.Ready(ctx) != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	default:
		serve("portal", e.Portal)
	}
}

// Access lists the routes that are of no edge.
func (e Edges) Access() []Access {
	return []Access{{http.MethodGet, "/healthz", Anybody}, {http.MethodGet, "/readyz", Anybody}}
}

// singleSlashes lets pass what comes of a URL that was pasted with a slash at its end. To redirect, as http.ServeMux does,
// would turn a directory's POST into a GET.
func singleSlashes(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.Path, "//") {
		return r
	}
	u := *r.URL
	for strings.Contains(u.Path, "//") {
		u.Path, u.RawPath = strings.ReplaceAll(u.Path, "//", "/"), strings.ReplaceAll(u.RawPath, "//", "/")
	}
	single := *r
	single.URL = &u
	return &single
}

// request is what Wrap tells of a request, and what it is told in turn.
type request struct {
	id     string
	began  time.Time
	client context.Context // ends when the client goes, without a deadline

	edge, route string
}

type requestKey struct{}

func of(ctx context.Context) *request {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		r = &request{client: ctx}
	}
	return r
}

// Route notes the template of the route that a request took, such as /api/v1/contacts/{id}.
func Route(r *http.Request, template string) { of(r.Context()).route = template }

// NoteRoute is a router's middleware that does so.
func NoteRoute(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if template, err := mux.CurrentRoute(r).GetPathTemplate(); err == nil {
			Route(r, template)
		}
		next.ServeHTTP(w, r)
	})
}

// Done is what became of a request.
type Done struct {
	Edge   string // scim, api, oauth or portal; "" for a supervisor's
	Route  string // its template; "" where the path has none
	Method string // "other" for one that HTTP does not define
	Status int
	Took   time.Duration
}

// RequestID returns the request's id, which is also in its answer's X-Request-Id header and in the log.
func RequestID(ctx context.Context) string { return of(ctx).id }

// Began returns when the request began.
func Began(ctx context.Context) time.Time { return of(ctx).began }

// Fault reports whether an error is the server's own, which its log tells: not what is wrong with a request, nor that the client has gone.
func Fault(ctx context.Context, err error) bool {
	kind := desk.KindOf(err)
	gone := errors.Is(err, context.Canceled) && ctx.Err() != nil
	return (kind == desk.Internal || kind == desk.Unavailable) && !gone
}

// NextPart gives an answer that is longer than others time for its next part: as much as a whole request has. The context
// ends then, or when the client goes.
func NextPart(ctx context.Context, w http.ResponseWriter) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(Timeout)
	http.NewResponseController(w).SetWriteDeadline(deadline) // a connection that knows none needs none
	return context.WithDeadline(of(ctx).client, deadline)
}

// SendCSV answers with a file of comma-separated values, which write makes part by part. What goes wrong then breaks the
// connection off, so that half a file does not look like a whole one, and is reported unless it is that the client has gone.
func SendCSV(ctx context.Context, w http.ResponseWriter, name string, write func(w io.Writer, next func() (context.Context, context.CancelFunc)) error, report func(error)) {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	to := &client{Writer: w}
	err := write(to, func() (context.Context, context.CancelFunc) { return NextPart(ctx, w) })
	if err == nil {
		return
	}
	if !to.gone {
		report(err)
	}
	panic(http.ErrAbortHandler)
}

// client remembers whether it has gone.
type client struct {
	io.Writer
	gone bool
}

func (c *client) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.gone = c.gone || err != nil
	return n, err
}

// Wrap gives each request an id (the client's own X-Request-Id or client-request-id, where that is one), a deadline and a
// line in the log, and tells observe what became of it, unless that is nil.
func Wrap(next http.Handler, log *slog.Logger, observe func(context.Context, Done)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := cmp.Or(headerID(r, "X-Request-Id"), headerID(r, "Client-Request-Id"))
		if id == "" {
			// It begins with the time, so that the ids of events stand side by side in their index.
			var bits [14]byte
			binary.BigEndian.PutUint64(bits[:], uint64(start.UnixMilli())<<16) // #nosec G115 -- not negative
			rand.Read(bits[6:])
			id = hex.EncodeToString(bits[:])
		}
		req := &request{id: id, began: start, client: r.Context()}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), requestKey{}, req), Timeout)
		defer cancel()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)
		defer func() { // also when the answer is broken off
			level := slog.LevelInfo
			if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
				level = slog.LevelDebug
			}
			done := Done{req.edge, req.route, method(r), rec.status, time.Since(start)}
			attributes := []slog.Attr{slog.String("method", done.Method), slog.String("path", safePath(r.URL.Path, req.route)), slog.Int("status", rec.status),
				slog.Duration("duration", done.Took.Round(time.Microsecond)), slog.String("request_id", id)}
			if own := headerID(r, "Client-Request-Id"); own != "" && own != id {
				attributes = append(attributes, slog.String("client_request_id", own))
			}
			if trace := TraceID(r); trace != "" {
				attributes = append(attributes, slog.String("trace_id", trace))
			}
			log.LogAttrs(ctx, level, "request", attributes...)
			if observe != nil {
				observe(ctx, done)
			}
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
		if rec.status == 0 {
			rec.status = http.StatusOK // as net/http then answers
		}
	})
}

// headerID returns the id in a header, "" for none that can be shown.
func headerID(r *http.Request, name string) string {
	id := r.Header.Get(name)
	plain := !strings.ContainsFunc(id, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
	})
	if len(id) > 64 || !plain {
		return ""
	}
	return id
}

// traceParent is the header of W3C Trace Context: version, trace, parent and flags.
var traceParent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-|$)`)

// TraceID returns the trace that a request is a part of, "" for none.
func TraceID(r *http.Request) string {
	header := r.Header.Get("Traceparent")
	if header == "" {
		return ""
	}
	m := traceParent.FindStringSubmatch(header)
	if m == nil || m[1] == strings.Repeat("0", 32) {
		return ""
	}
	return m[1]
}

// method returns the request's method, as far as it is one that can be counted.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return r.Method
	}
	return "other"
}

// safePath keeps out of the log what may be personal or secret: addresses and names, which some clients take for ids, and the secrets of
// sign-in links. route is the template that the path fits, "" for none.
func safePath(path, route string) string {
	if strings.HasPrefix(strings.TrimLeft(path, "/"), "signin/") {
		return "/signin/…"
	}
	parts := strings.Split(path, "/")
	before, hidden := "", false
	for i, p := range parts {
		plain := !strings.ContainsFunc(p, func(r rune) bool {
			return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_')
		})
		if !plain || ofPeople[before] && p != "" && !isID(p) && !slices.Contains(strings.Split(route, "/"), p) {
			parts[i], hidden = "…", true
		}
		before = p
	}
	if !hidden {
		return path
	}
	return strings.Join(parts, "/")
}

// isID recognises the ids of the server's own making, which tell nothing.
func isID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' && strings.Count(s, "-") == 4 && strings.Trim(s, "0123456789abcdef-") == ""
}

// ofPeople are the parts of paths behind which somebody's id stands.
var ofPeople = map[string]bool{"Users": true, "contacts": true, "held": true, "agents": true}

type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Recover turns a panic into an Internal error that the edge writes in its own form. The log gets the place, not the stack.
func Recover(next http.Handler, log *slog.Logger, write func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler {
				panic(cause)
			}
			what := fmt.Sprintf("%T", cause) // which may hold anything
			if err, ok := cause.(runtime.Error); ok {
				what = err.Error()
			}
			log.Error("panic", "cause", what, "at", panicPlace(), "request_id", RequestID(r.Context()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // the answer has begun and cannot be mended
			}
			write(w, r, desk.Errorf(desk.Internal, "", "internal error"))
		}()
		next.ServeHTTP(w, r)
	})
}

// panicPlace returns the file and line that panicked, seen from a deferred function.
func panicPlace() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(0, pcs[:])])
	panicking := false
	for {
		frame, more := frames.Next()
		inRuntime := strings.HasPrefix(frame.Function, "runtime.")
		if panicking && !inRuntime {
			return fmt.Sprintf("%s:%d", frame.Function, frame.Line)
		}
		panicking = panicking || frame.Function == "runtime.gopanic"
		if !more {
			return "unknown"
		}
	}
}

// likelyBody is how much room is made for a body before any of it has come.
const likelyBody = 16 << 10

// ReadBody returns the whole body. One that is too large is TooLarge, one of a media type other than those given (an
// absent one is fine), compressed or not in UTF-8, is UnsupportedMedia.
func ReadBody(w http.ResponseWriter, r *http.Request, mediaTypes ...string) ([]byte, error) {
	if contentType := r.Header.Get("Content-Type"); contentType != "" && !slices.Contains(mediaTypes, contentType) {
		mediaType, parameters, err := mime.ParseMediaType(contentType)
		if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) || !slices.Contains(mediaTypes, mediaType) {
			return nil, desk.Errorf(desk.UnsupportedMedia, "Content-Type", "send the body as %s", mediaTypes[0])
		}
		if charset := strings.ToLower(parameters["charset"]); !slices.Contains([]string{"", "utf-8", "utf8", "us-ascii"}, charset) {
			return nil, desk.Errorf(desk.UnsupportedMedia, "Content-Type", "send the body in UTF-8")
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, desk.Errorf(desk.UnsupportedMedia, "Content-Encoding", "send the body uncompressed")
	}
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), likelyBody)) + bytes.MinRead) // and so once for nearly all
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		// A client that is still sending would see a broken connection instead of the answer.
		io.CopyN(io.Discard, r.Body, 16*MaxBody)
		return nil, desk.Errorf(desk.TooLarge, "", "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, &desk.Error{Kind: desk.InvalidSyntax, Msg: "the body could not be read", Err: err}
	}
	return body.Bytes(), nil
}

// Allow sets the header that says which methods the router has for the request's path, and returns it.
func Allow(w http.ResponseWriter, r *http.Request, router *mux.Router) string {
	var allowed []string
	for _, method := range []string{"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"} {
		other := *r
		other.Method = method
		var match mux.RouteMatch
		if router.Match(&other, &match) && match.MatchErr == nil {
			allowed = append(allowed, method)
		}
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return strings.Join(allowed, ", ")
}

// CheckURL refuses a URL that cannot be decoded, of which a part would be lost silently, and one with what no database takes:
// NUL characters and broken UTF-8.
func CheckURL(r *http.Request) error {
	query, err := url.QueryUnescape(r.URL.RawQuery)
	if err != nil || strings.Contains(r.URL.RawQuery, ";") || !desk.Storable(query) || !desk.Storable(r.URL.Path) {
		return desk.Errorf(desk.InvalidValue, "", "the URL cannot be decoded")
	}
	return nil
}
