package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

func init() {
	// What huma finds wrong with a request is a bad request like any other.
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		if status == http.StatusUnprocessableEntity {
			status = http.StatusBadRequest
		}
		model := &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: msg}
		for _, err := range errs {
			if err != nil {
				model.Add(err)
			}
		}
		if c, ok := ctx.Context().Value(callKey{}).(*call); ok && status == http.StatusBadRequest {
			c.err = desk.Errorf(desk.InvalidValue, "", "%s", said(model))
		}
		return model
	}
}

// said is what the log keeps of a problem: what and where, without the values.
func said(model *huma.ErrorModel) string {
	text := model.Detail
	for _, e := range model.Errors {
		text += "; " + e.Location + " " + e.Message
	}
	return text
}

// problem returns the problem document of an error.
func problem(ctx context.Context, err error) error {
	model := document(ctx, err)
	return huma.ErrorWithHeaders(model, headers(model.Status))
}

func document(ctx context.Context, err error) *huma.ErrorModel {
	e := desk.AsError(err)
	status := httpx.Statuses[e.Kind]
	model := &huma.ErrorModel{Title: http.StatusText(status), Status: status, Detail: httpx.Public(ctx, e)}
	if e.Field != "" {
		model.Errors = []*huma.ErrorDetail{{Message: e.Msg, Location: e.Field}}
	}
	return model
}

// headers are those that go with an error's status.
func headers(status int) http.Header {
	header := http.Header{}
	switch status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="API"`)
	case http.StatusTooManyRequests:
		header.Set("Retry-After", httpx.RetryAfter)
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", "5")
	}
	return header
}

// writeError answers with a problem document, where no operation is there to do so.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	model := document(r.Context(), err)
	maps.Copy(w.Header(), headers(model.Status))
	body, err := json.Marshal(model)
	if err != nil {
		panic(err) // strings and numbers
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(model.Status)
	w.Write(body)
}
