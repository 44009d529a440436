package desk

import (
	"errors"
	"fmt"
)

// Kind says what went wrong, in RFC 7644's words (table 9) where it has one. Each edge has one table from Kind to its own
// language.
type Kind string

const (
	InvalidSyntax    Kind = "invalidSyntax"    // the body is not the JSON that was asked for
	InvalidValue     Kind = "invalidValue"     // a value is missing or of the wrong type
	InvalidFilter    Kind = "invalidFilter"    // a filter does not parse or cannot be answered
	InvalidPath      Kind = "invalidPath"      // a PATCH path does not parse or names nothing known
	NoTarget         Kind = "noTarget"         // a PATCH path selects nothing
	Mutability       Kind = "mutability"       // a read-only attribute would change
	Uniqueness       Kind = "uniqueness"       // a key is taken
	InvalidCursor    Kind = "invalidCursor"    // a cursor is none of ours, or another query's (RFC 9865)
	InvalidCount     Kind = "invalidCount"     // a count that a cursor cannot be used with (RFC 9865)
	VersionMismatch  Kind = "versionMismatch"  // If-Match or If-None-Match does not hold
	Conflict         Kind = "conflict"         // the record's state does not allow this
	NotFound         Kind = "notFound"         // no such record, or not this caller's
	Unauthenticated  Kind = "unauthenticated"  // no credential, or not a valid one
	Forbidden        Kind = "forbidden"        // the credential does not allow this
	MethodNotAllowed Kind = "methodNotAllowed" // the path exists, the method does not
	TooLarge         Kind = "tooLarge"         // the body is over the limit
	UnsupportedMedia Kind = "unsupportedMedia" // the body is of another media type
	NotImplemented   Kind = "notImplemented"   // part of the protocol that is not offered
	RateLimited      Kind = "rateLimited"      // too many requests; a little later they are fine
	Unavailable      Kind = "unavailable"      // try again later
	Paused           Kind = "paused"           // an administrator paused the connection
	Internal         Kind = "internal"         // our fault
)

// Kinds lists every Kind, for the tests that hold each edge's table complete.
var Kinds = []Kind{InvalidSyntax, InvalidValue, InvalidFilter, InvalidPath, NoTarget, Mutability, Uniqueness, InvalidCursor, InvalidCount,
	VersionMismatch, Conflict, NotFound,
	Unauthenticated, Forbidden, MethodNotAllowed, TooLarge, UnsupportedMedia, NotImplemented, RateLimited, Unavailable, Paused, Internal}

// Error is an error that a client may be told about: Msg says what to do, and holds no SQL, no secret and no personal
// data beyond what the client sent. Err is the cause, for the log only.
type Error struct {
	Kind  Kind
	Field string // the attribute or parameter at fault, if one is
	Msg   string
	Err   error
	// ContactID and Subject are whom the error is about, for the log; "" for nobody in particular.
	ContactID string
	Subject   string
}

// ErrKnownToken is the cause of an Unauthenticated error about a token of the tenant's that is not good for what was asked, or no longer. It
// is for us alone: clients are told the same as of a token that never was.
var ErrKnownToken = errors.New("the token is known")

// Errorf returns an *Error about a field ("" for none).
func Errorf(kind Kind, field, format string, args ...any) *Error {
	return &Error{Kind: kind, Field: field, Msg: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Msg, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Msg)
}

func (e *Error) Unwrap() error { return e.Err }

// AsError returns err as an *Error; what is none becomes Internal with a message that tells nothing.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Msg: "internal error", Err: err}
}

// KindOf returns the Kind of err; Internal for an error that is no *Error, "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	return AsError(err).Kind
}
