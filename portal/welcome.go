package portal

import (
	"net/http"

	"rollcall/desk"
)

type welcomePage struct{ Name, Email string }

const welcomeTitle = "Make your account"

// showWelcome asks an administrator who came with the first sign-in link, or with a token, for an account of their own.
func (h *Handler) showWelcome(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if actor.AgentID != "" {
		return h.done(w, r, "/account", "")
	}
	return h.show(w, r, actor, "welcome", welcomeTitle, welcomePage{})
}

func (h *Handler) welcome(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page := welcomePage{Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email")}
	cookie, err := h.Accounts.CreateAccount(r, actor, page.Name, page.Email, r.PostForm.Get("password"))
	if err != nil {
		return h.showAgain(w, r, actor, err, "welcome", welcomeTitle, page)
	}
	http.SetCookie(w, cookie)
	return h.done(w, r, "/", "Your account is made.")
}
