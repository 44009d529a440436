package scim

import (
	"encoding/json"
	"net/http"
	"strings"

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
}

// writeError answers with a SCIM error. Its detail is what the directory's administrator reads.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	e := desk.AsError(err)
	switch e.Kind {
	case desk.Unauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="SCIM"`)
	case desk.Unavailable:
		w.Header().Set("Retry-After", "5")
	}
	status := httpx.Statuses[e.Kind]
	body, err := json.Marshal(scimerrors.ScimError{ScimType: scimTypes[e.Kind], Detail: httpx.Public(r.Context(), e), Status: status})
	if err != nil {
		panic(err) // three strings
	}
	write(w, status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	w.Write(body) // a client that is gone needs no answer
}

// maxShown is how much of a name of the client's a message repeats, in bytes.
const maxShown = 200

func short(name string) string {
	if len(name) <= maxShown {
		return name
	}
	return strings.ToValidUTF8(name[:maxShown], "") + "…"
}
