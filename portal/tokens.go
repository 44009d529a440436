package portal

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

// Tokens keeps connections' tokens.
type Tokens interface {
	// Issue completes and stores a token, and returns its secret.
	Issue(ctx context.Context, actor desk.Actor, t *desk.Token) (secret string, err error)
	// Tokens returns a page of a connection's tokens, after the given id.
	Tokens(ctx context.Context, actor desk.Actor, connection, after string, limit int) ([]desk.Token, error)
	DeleteToken(ctx context.Context, actor desk.Actor, connection, id string) error
}

// lifetime is a choice of how long a token is good, in days; 0 for ever.
type lifetime struct {
	Days  int
	Label string
}

var lifetimes = []lifetime{{90, "90 days"}, {180, "180 days"}, {usualLifetime, "1 year"}, {730, "2 years"}, {0, "It does not expire"}}

const usualLifetime = 365

// lifetimeForm is what a form holds that makes a token.
type lifetimeForm struct {
	Label string
	Days  int
}

// readLifetime reads what was typed, the usual lifetime where none was.
func readLifetime(form url.Values) lifetimeForm {
	days, err := strconv.Atoi(form.Get("days"))
	if err != nil {
		days = usualLifetime
	}
	return lifetimeForm{form.Get("label"), days}
}

// madeSecret is a token or a client secret that was just made. It is shown this once.
type madeSecret struct {
	What      string // "token", or "of the client"
	Label     string
	ClientID  string // whose secret it is, "" for a token
	Secret    string // "" for a client that has none
	ExpiresAt *time.Time
}

type tokensPage struct {
	connectionHead
	TenantURL string
	Made      *madeSecret
	Tokens    []tokenRow
	More      string // the address of the next page, "" for none
	Clients   []provision.ClientView
	Endpoints endpoints
	Lifetimes []lifetime
	NewToken  lifetimeForm
	// NewClient is what was typed for an OAuth client that could not be made.
	NewClient clientForm
}

type tokenRow struct {
	desk.Token
	Expired bool
	InUse   bool // the one that the directory used last
	Days    int  // how long it was good when it was made, 0 for ever
}

const tokensOnPage = 100

func (h *Handler) tokens(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.tokensPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "tokens", page.Name+": tokens", page)
}

func (h *Handler) tokensPage(r *http.Request, actor desk.Actor) (tokensPage, error) {
	ctx, slug := r.Context(), mux.Vars(r)["slug"]
	c, err := h.Engine.Connection(ctx, actor, slug)
	if err != nil {
		return tokensPage{}, err
	}
	page := tokensPage{connectionHead: newHead(actor, c, "tokens"), TenantURL: h.tenantURL(c), Lifetimes: lifetimes, NewToken: readLifetime(nil), NewClient: clientForm{Days: usualLifetime}, Endpoints: h.endpoints(actor.TenantID)}
	tokens, err := h.Tokens.Tokens(ctx, actor, slug, r.URL.Query().Get("after"), tokensOnPage+1)
	if err != nil {
		return page, err
	}
	if len(tokens) > tokensOnPage {
		tokens = tokens[:tokensOnPage]
		page.More = "/connections/" + slug + "/tokens?after=" + tokens[tokensOnPage-1].ID
	}
	page.Tokens = tokenRows(tokens, h.Engine.Store.Now())
	page.Clients, err = h.Engine.Clients(ctx, actor, slug)
	return page, err
}

func tokenRows(tokens []desk.Token, now time.Time) []tokenRow {
	rows := make([]tokenRow, len(tokens))
	last := -1
	for i, t := range tokens {
		rows[i] = tokenRow{Token: t, Expired: t.ExpiresAt != nil && !now.Before(*t.ExpiresAt)}
		if t.ExpiresAt != nil {
			rows[i].Days = max(1, int(t.ExpiresAt.Sub(t.CreatedAt).Round(24*time.Hour)/(24*time.Hour)))
		}
		if t.LastUsedAt != nil && (last < 0 || t.LastUsedAt.After(*tokens[last].LastUsedAt)) {
			last = i
		}
	}
	if last >= 0 {
		rows[last].InUse = true
	}
	slices.Reverse(rows) // the newest first
	return rows
}

func (h *Handler) createToken(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if before, err := h.sentBefore(w, r, actor, r.URL.Path, secretShownOnce); before || err != nil {
		return err
	}
	made, err := h.issue(r, actor)
	return h.showMade(w, r, actor, clientForm{}, made, err)
}

// showMade shows the page with what a form has just made, or with why it has not.
func (h *Handler) showMade(w http.ResponseWriter, r *http.Request, actor desk.Actor, form clientForm, made *madeSecret, failed error) error {
	page, err := h.tokensPage(r, actor)
	if err != nil {
		return err
	}
	if page.Made = made; failed != nil {
		if page.NewToken = readLifetime(r.PostForm); form.Kind != "" {
			page.NewClient, page.NewToken = form, readLifetime(nil)
		}
		return h.showAgain(w, r, actor, failed, "tokens", page.Name+": tokens", page)
	}
	return h.show(w, r, actor, "tokens", page.Name+": tokens", page)
}

// issue makes the token that a form asks for.
func (h *Handler) issue(r *http.Request, actor desk.Actor) (*madeSecret, error) {
	expires, err := h.expiry(r)
	if err != nil {
		return nil, err
	}
	t := desk.Token{Kind: desk.TokenSCIM, TenantID: actor.TenantID, Connection: mux.Vars(r)["slug"], Label: strings.TrimSpace(r.PostForm.Get("label")), ExpiresAt: expires}
	secret, err := h.Tokens.Issue(r.Context(), actor, &t)
	if err != nil {
		return nil, err
	}
	return &madeSecret{What: "token", Label: t.Label, Secret: secret, ExpiresAt: t.ExpiresAt}, nil
}

const maxLifetime = 36500 // days

// expiry returns when what a form makes shall expire, nil for never.
func (h *Handler) expiry(r *http.Request) (*time.Time, error) {
	days, err := strconv.Atoi(r.PostForm.Get("days"))
	if err != nil || days < 0 || days > maxLifetime {
		return nil, desk.Errorf(desk.InvalidValue, "days", "Choose how long it shall be good.")
	}
	if days == 0 {
		return nil, nil
	}
	at := h.Engine.Store.Now().UTC().AddDate(0, 0, days)
	return &at, nil
}

func (h *Handler) revokeToken(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	if err := h.Tokens.DeleteToken(r.Context(), actor, slug, mux.Vars(r)["id"]); err != nil {
		return err
	}
	return h.done(w, r, "/connections/"+slug+"/tokens", "The token is revoked. Requests with it are refused from now on.")
}
