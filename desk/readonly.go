package desk

import "context"

type readOnlyKey struct{}

// ReadOnly returns a context in which nothing can be written: what would be is refused with the error.
func ReadOnly(ctx context.Context, why error) context.Context {
	return context.WithValue(ctx, readOnlyKey{}, why)
}

// WhyReadOnly returns the error with which what would be written is refused, nil where it is not.
func WhyReadOnly(ctx context.Context) error {
	why, _ := ctx.Value(readOnlyKey{}).(error)
	return why
}
