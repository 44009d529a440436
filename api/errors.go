package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

// Problem is the answer to a request that failed (RFC 9457). Its type is about:blank, so the status is what kind it is.
type Problem struct {
	Title  string `json:"title" example:"Bad Request" doc:"The status in words"`
	Status int    `json:"status" example:"400"`
	Detail string `json:"detail" example:"query.limit: expected number <= 1000" doc:"What is wrong, and what to do about it"`
	// RequestID is what the server's log and the events have it under.
	RequestID string  `json:"requestId,omitempty" example:"8f14e45fceea167a" doc:"The X-Request-Id, under which the log has it"`
	Errors    []Fault `json:"errors,omitempty" doc:"The parts of the request that are at fault, where it is a part"`
}

// Fault is a part of a request that is wrong.
type Fault struct {
	Location string `json:"location" example:"query.limit" doc:"Where it stands: body.emails[0].value, query.limit, path.id or header.If-Match; body alone for a body that cannot be read"`
	Message  string `json:"message" example:"expected number <= 1000"`
}

func (p *Problem) Error() string             { return p.Detail }
func (p *Problem) GetStatus() int            { return p.Status }
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

func init() {
	huma.NewError = newProblem
	// What huma finds wrong with a request is recorded like any other refusal.
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := newProblem(status, msg, errs...).(*Problem)
		p.RequestID = httpx.RequestID(ctx.Context())
		if c, ok := ctx.Context().Value(callKey{}).(*call); ok && p.GetStatus() == http.StatusBadRequest {
			c.err = desk.Errorf(desk.InvalidValue, "", "%s", p.Error())
		}
		return p
	}
	// JSON's names are told apart by case, and no list that is answered is ever null.
	huma.ValidateStrictCasing, huma.DefaultArrayNullable = true, false
}

// newProblem is the problem of what huma finds wrong, without the values that the client sent.
func newProblem(status int, msg string, errs ...error) huma.StatusError {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	p := &Problem{Title: http.StatusText(status), Status: status, Detail: msg}
	if len(errs) == 0 && status == http.StatusBadRequest {
		errs = []error{&huma.ErrorDetail{Location: "body", Message: msg}} // there is none
	}
	for _, err := range errs {
		detailer, ok := err.(huma.ErrorDetailer)
		if !ok {
			continue
		}
		d := detailer.ErrorDetail()
		fault := Fault{d.Location, d.Message}
		var missing string
		if n, _ := fmt.Sscanf(d.Message, validation.MsgExpectedRequiredProperty, &missing); n == 1 {
			fault = Fault{d.Location + "." + missing, "this is required"} // huma names what it is missing from
		}
		p.Errors = append(p.Errors, fault)
	}
	slices.SortStableFunc(p.Errors, func(a, b Fault) int { return strings.Compare(a.Location, b.Location) })
	for i, f := range p.Errors {
		if i == 0 {
			p.Detail = ""
		} else {
			p.Detail += "; "
		}
		p.Detail += f.Location + ": " + f.Message
	}
	return p
}

// problem returns the problem document of an operation's error.
func problem(ctx context.Context, c *call) error {
	p := describe(ctx, c.operation, c.err)
	return huma.ErrorWithHeaders(p, headers(p.Status))
}

// describe returns the problem that an error is. The operation is nil where there is none yet.
func describe(ctx context.Context, op *huma.Operation, err error) *Problem {
	e := desk.AsError(err)
	status := httpx.Statuses[e.Kind]
	p := &Problem{Title: http.StatusText(status), Status: status, Detail: httpx.Public(ctx, e), RequestID: httpx.RequestID(ctx)}
	if at := location(op, e.Field); at != "" {
		p.Errors = []Fault{{at, e.Msg}}
	}
	return p
}

// inBody begins the location of what stands in a body.
const inBody = "body."

// location says where in the operation's request a field stands that an error names, "" for nowhere: it may be one of the
// record.
func location(op *huma.Operation, field string) string {
	switch {
	case field == "":
		return ""
	case strings.HasPrefix(field, inBody): // before the operation was asked
		return field
	case unicode.IsUpper(rune(field[0])):
		return "header." + field
	case op == nil:
		return ""
	}
	for _, p := range op.Parameters {
		if p.Name == field {
			return p.In + "." + field
		}
	}
	if op.RequestBody != nil {
		return inBody + field
	}
	return ""
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

// writeError answers with a problem document where huma is not there to do so.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	p := describe(r.Context(), nil, err)
	maps.Copy(w.Header(), headers(p.Status))
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and numbers
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	w.Write(body)
}
