package scim

import (
	"context"
	"encoding/json"
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

const contentType = "application/scim+json"

// scimTypes are the detail error keywords of RFC 7644 section 3.12, for the kinds that have one.
var scimTypes = map[desk.Kind]scimerrors.ScimType{
	desk.InvalidSyntax: scimerrors.ScimTypeInvalidSyntax,
	desk.InvalidValue:  scimerrors.ScimTypeInvalidValue,
	desk.InvalidFilter: scimerrors.ScimTypeInvalidFilter,
	desk.InvalidPath:   scimerrors.ScimTypeInvalidPath,
	desk.NoTarget:      scimerrors.ScimTypeNoTarget,
	desk.Mutability:    scimerrors.ScimTypeMutability,
	desk.Uniqueness:    scimerrors.ScimTypeUniqueness,
	desk.InvalidCursor: "invalidCursor", // RFC 9865 section 2.1
	desk.InvalidCount:  "invalidCount",
}

// writeError answers with a SCIM error. Its detail is what the directory's administrator reads.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := desk.AsError(err)
	switch e.Kind {
	case desk.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="SCIM"`)
	case desk.RateLimited:
		w.Header().Set("Retry-After", httpx.RetryAfter)
	case desk.Unavailable:
		w.Header().Set("Retry-After", "5")
	case desk.Paused:
		w.Header().Set("Retry-After", "600")
	}
	body, err := json.Marshal(scimError(r.Context(), e))
	if err != nil {
		panic(err) // three strings
	}
	write(w, httpx.Statuses[e.Kind], body)
}

// scimError is the body that tells a client of an error.
func scimError(ctx context.Context, e *desk.Error) scimerrors.ScimError {
	detail := httpx.Public(ctx, e)
	if id := httpx.RequestID(ctx); id != "" && e.Kind != desk.Internal { // of which that is said already
		detail += " (reference " + id + ")"
	}
	return scimerrors.ScimError{ScimType: scimTypes[e.Kind], Detail: detail, Status: httpx.Statuses[e.Kind]}
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) // a client that is gone needs no answer
}
