package scim

import (
	"encoding/json"
	"net/http"

	scimerrors "github.com/elimity-com/scim/errors"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

const contentType = "application/scim+json"

// answers translates each kind of error into RFC 7644's status and scimType (section 3.12).
var answers = map[desk.Kind]struct {
	status   int
	scimType scimerrors.ScimType
}{
	desk.InvalidSyntax:    {http.StatusBadRequest, scimerrors.ScimTypeInvalidSyntax},
	desk.InvalidValue:     {http.StatusBadRequest, scimerrors.ScimTypeInvalidValue},
	desk.InvalidFilter:    {http.StatusBadRequest, scimerrors.ScimTypeInvalidFilter},
	desk.InvalidPath:      {http.StatusBadRequest, scimerrors.ScimTypeInvalidPath},
	desk.NoTarget:         {http.StatusBadRequest, scimerrors.ScimTypeNoTarget},
	desk.Mutability:       {http.StatusBadRequest, scimerrors.ScimTypeMutability},
	desk.Uniqueness:       {http.StatusConflict, scimerrors.ScimTypeUniqueness},
	desk.Conflict:         {http.StatusConflict, ""},
	desk.NotFound:         {http.StatusNotFound, ""},
	desk.Unauthenticated:  {http.StatusUnauthorized, ""},
	desk.Forbidden:        {http.StatusForbidden, ""},
	desk.MethodNotAllowed: {http.StatusMethodNotAllowed, ""},
	desk.TooLarge:         {http.StatusRequestEntityTooLarge, ""},
	desk.UnsupportedMedia: {http.StatusUnsupportedMediaType, ""},
	desk.NotImplemented:   {http.StatusNotImplemented, ""},
	desk.Unavailable:      {http.StatusServiceUnavailable, ""},
	desk.Internal:         {http.StatusInternalServerError, ""},
}

// writeError answers with a SCIM error. Its detail is what the directory's administrator reads.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := desk.AsError(err)
	answer := answers[e.Kind]
	detail := e.Msg
	switch e.Kind {
	case desk.Internal:
		detail = "internal error; if it persists, give the server's administrator the reference " + httpx.RequestID(r.Context())
	case desk.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="SCIM"`)
	case desk.Unavailable:
		w.Header().Set("Retry-After", "5")
	}
	body, err := json.Marshal(scimerrors.ScimError{ScimType: answer.scimType, Detail: detail, Status: answer.status})
	if err != nil {
		panic(err) // three strings
	}
	write(w, answer.status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) // a client that is gone needs no answer
}
