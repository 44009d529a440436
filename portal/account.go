package portal

import (
	"context"
	"net/http"

	"rollcall/desk"
)

// Accounts is what the pages about agents ask and do; package auth has it.
type Accounts interface {
	// OnlyTenant returns the tenant of an installation that has just one, else "".
	OnlyTenant(context.Context) (string, error)
	// PasswordSignIn returns the cookie of a new session for an agent, or Unauthenticated.
	PasswordSignIn(r *http.Request, tenant, email, password string) (*http.Cookie, error)
	// LinkOwner returns who sets a password by a link, an agent without an id for the first sign-in link, or Unauthenticated.
	LinkOwner(r *http.Request, secret string) (desk.Agent, error)
	// AcceptLink gives the link's owner a password, and returns the cookie of a new session.
	AcceptLink(r *http.Request, secret, password string) (*http.Cookie, error)
	// CreateAccount makes an agent of an administrator who is none, and returns the cookie of a new session.
	CreateAccount(r *http.Request, actor desk.Actor, name, email, password string) (*http.Cookie, error)
}
