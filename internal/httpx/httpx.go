// Package httpx holds what all HTTP edges share: request ids, the access log, recovery from panics, statuses of errors, and
// reading bodies within limits. Each edge writes errors in its own form.
package httpx

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
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
	switch first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first {
	case "scim":
		e.SCIM.ServeHTTP(w, r)
	case "api":
		e.API.ServeHTTP(w, r)
	case "oauth", ".well-known":
		if strings.HasSuffix(r.URL.Path, "/authorize") { // a page for people
			e.Portal.ServeHTTP(w, r)
			return
		}
		e.OAuth.ServeHTTP(w, r)
	case "healthz":
		fmt.Fprintln(w, "ok")
	case "readyz":
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if e.Ready(ctx) != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	default:
		e.Portal.ServeHTTP(w, r)
	}
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

// request is what Wrap tells of a request.
type request struct {
	id     string
	began  time.Time
	client context.Context // ends when the client goes, without a deadline
}

type requestKey struct{}

func of(ctx context.Context) request {
	r, ok := ctx.Value(requestKey{}).(request)
	if !ok {
		r.client = ctx
	}
	return r
}

// RequestID returns the request's id, which is also in its answer's X-Request-Id header and in the log.
func RequestID(ctx context.Context) string { return of(ctx).id }

// Began returns when the request began.
func Began(ctx context.Context) time.Time { return of(ctx).began }

// NextPart gives an answer that is longer than others time for its next part: as much as a whole request has. The context
// ends then, or when the client goes.
func NextPart(ctx context.Context, w http.ResponseWriter) (context.Context, context.CancelFunc) {
	deadline := time.Now().Add(Timeout)
	http.NewResponseController(w).SetWriteDeadline(deadline) // a connection that knows none needs none
	return context.WithDeadline(of(ctx).client, deadline)
}

// Wrap gives each request an id (the client's own X-Request-Id or client-request-id, where that is one), a deadline and a
// line in the log.
func Wrap(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := clientID(r)
		if id == "" {
			var bits [8]byte
			rand.Read(bits[:])
			id = hex.EncodeToString(bits[:])
		}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), requestKey{}, request{id, start, r.Context()}), Timeout)
		defer cancel()
		rec := &recorder{ResponseWriter: w}
		rec.Header().Set("X-Request-Id", id)
		defer func() { // also when the answer is broken off
			level := slog.LevelInfo
			if r.URL.Path == "/healthz" || r.URL.Path == "/readyz" {
				level = slog.LevelDebug
			}
			log.LogAttrs(ctx, level, "request", slog.String("method", r.Method), slog.String("path", safePath(r.URL.Path)), slog.Int("status", rec.status),
				slog.Duration("duration", time.Since(start).Round(time.Microsecond)), slog.String("request_id", id))
		}()
		next.ServeHTTP(rec, r.WithContext(ctx))
	})
}

func clientID(r *http.Request) string {
	for _, name := range []string{"X-Request-Id", "Client-Request-Id"} {
		id := r.Header.Get(name)
		plain := !strings.ContainsFunc(id, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.')
		})
		if id != "" && len(id) <= 64 && plain {
			return id
		}
	}
	return ""
}

// safePath keeps addresses, which some clients take for ids, and the secrets of sign-in links out of the log.
func safePath(path string) string {
	if strings.HasPrefix(strings.TrimLeft(path, "/"), "signin/") {
		return "/signin/…"
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if strings.Contains(p, "@") {
			parts[i] = "…"
		}
	}
	return strings.Join(parts, "/")
}

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

// ReadBody returns the whole body. One that is too large is TooLarge, one of a media type other than those given (an
// absent one is fine), compressed or not in UTF-8, is UnsupportedMedia.
func ReadBody(w http.ResponseWriter, r *http.Request, mediaTypes ...string) ([]byte, error) {
	if contentType := r.Header.Get("Content-Type"); contentType != "" {
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		// A client that is still sending would see a broken connection instead of the answer.
		io.CopyN(io.Discard, r.Body, 16*MaxBody)
		return nil, desk.Errorf(desk.TooLarge, "", "the body is larger than %d bytes", tooLarge.Limit)
	}
	if err != nil {
		return nil, &desk.Error{Kind: desk.InvalidSyntax, Msg: "the body could not be read", Err: err}
	}
	return body, nil
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
