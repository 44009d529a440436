package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

func init() {
	// What huma finds wrong with a request is a bad request like any other.
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
		if status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		model := &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: msg}
		for _, err := range errs {
			if err != nil {
				model.Add(err)
			}
		}
		return model
	}
}

// problem returns the problem document of an error.
func problem(ctx context.Context, err error) *huma.ErrorModel {
	e := desk.AsError(err)
	status := httpx.Statuses[e.Kind]
	model := &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: httpx.Public(ctx, e)}
	if e.Field != "" {
		model.Errors = []*huma.ErrorDetail{{Message: e.Msg, Location: e.Field}}
	}
	return model
}

// writeError answers with a problem document, where no operation is there to do so.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	model := problem(r.Context(), err)
	switch model.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="API"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	body, err := json.Marshal(model)
	if err != nil {
		panic(err) // strings and numbers
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(model.Status)
	w.Write(body)
}

// methodNotAllowed says which methods a path has.
func methodNotAllowed(router *mux.Router) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range []string{"DELETE", "GET", "PATCH", "POST", "PUT"} {
			other := r.Clone(r.Context())
			other.Method = method
			var match mux.RouteMatch
			if router.Match(other, &match) && match.MatchErr == nil && !slices.Contains(allowed, method) {
				allowed = append(allowed, method)
			}
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, r, desk.Errorf(desk.MethodNotAllowed, "", "%s is not possible here; allowed are %s", r.Method, strings.Join(allowed, ", ")))
	})
}
