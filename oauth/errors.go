package oauth

import (
	"encoding/json"
	"net/http"
	"strings"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

// code is an error of RFC 6749 section 5.2 with its status; where that has none, one that says what it is.
type code struct {
	name   string
	status int
}

var (
	invalidRequest = code{"invalid_request", http.StatusBadRequest}
	invalidClient  = code{"invalid_client", http.StatusUnauthorized}
	invalidGrant   = code{"invalid_grant", http.StatusBadRequest}
)

var codes = map[desk.Kind]code{
	desk.InvalidSyntax:    invalidRequest,
	desk.InvalidValue:     invalidRequest,
	desk.InvalidFilter:    invalidRequest,
	desk.InvalidPath:      invalidRequest,
	desk.NoTarget:         invalidRequest,
	desk.Mutability:       invalidRequest,
	desk.Uniqueness:       invalidRequest,
	desk.InvalidCursor:    invalidRequest,
	desk.InvalidCount:     invalidRequest,
	desk.VersionMismatch:  invalidRequest,
	desk.Conflict:         invalidRequest,
	desk.UnsupportedMedia: invalidRequest,
	desk.MethodNotAllowed: {"invalid_request", http.StatusMethodNotAllowed},
	desk.TooLarge:         {"invalid_request", http.StatusRequestEntityTooLarge},
	desk.NotFound:         invalidGrant,
	desk.Unauthenticated:  invalidClient,
	desk.Forbidden:        {"unauthorized_client", http.StatusBadRequest},
	desk.NotImplemented:   {"unsupported_grant_type", http.StatusBadRequest},
	desk.RateLimited:      {"temporarily_unavailable", http.StatusTooManyRequests},
	desk.Unavailable:      {"temporarily_unavailable", http.StatusServiceUnavailable},
	desk.Paused:           {"temporarily_unavailable", http.StatusServiceUnavailable},
	desk.Internal:         {"server_error", http.StatusInternalServerError},
}

// writeError answers with an error of RFC 6749 section 5.2.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := desk.AsError(err)
	c := codes[e.Kind]
	switch e.Kind {
	case desk.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Basic realm="OAuth"`)
	case desk.RateLimited:
		w.Header().Set("Retry-After", httpx.RetryAfter)
	case desk.Unavailable:
		w.Header().Set("Retry-After", "5")
	}
	write(w, c.status, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{c.name, describable(httpx.Public(r.Context(), e))})
}

// describable leaves out what an error_description cannot hold.
func describable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, text)
}

// write answers with JSON that no cache keeps.
func write(w http.ResponseWriter, status int, answer any) {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // strings and numbers
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}
