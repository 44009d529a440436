package portal

import (
	"cmp"
	"net/http"
	"net/url"

	"github.com/gorilla/mux"

	"rollcall/desk"
)

// agentsPerPage is how many agents the list shows.
const agentsPerPage = 100

type agentsPage struct {
	Agents  []desk.Agent
	Self    string     // the id of who looks
	Next    string     // address of the next page; "" on the last one
	Form    desk.Agent // as the invitation was filled in
	Invited string     // the name of who was invited, "" for nobody
	Link    string     // by which they set a password, shown this once
}

const agentsTitle = "Agents"

// agents lists who works in the portal.
func (h *Handler) agents(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.agentsPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "agents", agentsTitle, page)
}

func (h *Handler) agentsPage(r *http.Request, actor desk.Actor) (agentsPage, error) {
	page := agentsPage{Self: actor.AgentID}
	list, err := h.Accounts.Agents(r.Context(), actor, r.URL.Query().Get("after"), agentsPerPage+1)
	if len(list) > agentsPerPage {
		list = list[:agentsPerPage]
		page.Next = "/agents?" + url.Values{"after": {list[agentsPerPage-1].EmailKey}}.Encode()
	}
	page.Agents = list
	return page, err
}

// invite adds an agent, and shows the link that is to be passed on to them.
func (h *Handler) invite(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	agent := desk.Agent{Name: r.PostForm.Get("name"), Email: r.PostForm.Get("email"), Role: desk.Role(r.PostForm.Get("role"))}
	link, refused := h.Accounts.Invite(r.Context(), actor, &agent)
	page, err := h.agentsPage(r, actor)
	if err != nil {
		return err
	}
	if refused != nil {
		page.Form = agent
		return h.showAgain(w, r, actor, refused, "agents", agentsTitle, page)
	}
	page.Invited, page.Link = agent.Name, h.linkAddress(link)
	return h.show(w, r, actor, "agents", agentsTitle, page)
}

func (h *Handler) linkAddress(secret string) string { return h.PublicURL + "/signin/" + secret }

type agentPage struct {
	desk.Agent
	Choice desk.Role // in the form
	Self   bool      // it is who looks
	Link   string    // by which they set a password, shown this once
}

// agent shows one agent, and what an administrator can do about them.
func (h *Handler) agent(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	return h.showAgent(w, r, actor, nil, "")
}

// showAgent writes the page of an agent with what was wrong with a form of it, or the link that it made.
func (h *Handler) showAgent(w http.ResponseWriter, r *http.Request, actor desk.Actor, refused error, link string) error {
	agent, err := h.Accounts.Agent(r.Context(), actor, mux.Vars(r)["id"])
	if err != nil {
		return err
	}
	page := agentPage{agent, agent.Role, agent.ID == actor.AgentID, link}
	if refused != nil {
		page.Choice = cmp.Or(desk.Role(r.PostForm.Get("role")), agent.Role)
		return h.showAgain(w, r, actor, refused, "agent", agent.Name, page)
	}
	return h.show(w, r, actor, "agent", agent.Name, page)
}

// editAgent changes an agent's role, or disables or enables them.
func (h *Handler) editAgent(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	var edit desk.AgentEdit
	if r.PostForm.Has("role") {
		role := desk.Role(r.PostForm.Get("role"))
		edit.Role = &role
	}
	if r.PostForm.Has("disabled") {
		disabled := r.PostForm.Get("disabled") == "true"
		edit.Disabled = &disabled
	}
	agent, err := h.Accounts.EditAgent(r.Context(), actor, mux.Vars(r)["id"], edit)
	if err != nil {
		return h.showAgent(w, r, actor, err, "")
	}
	return h.done(w, r, "/agents/"+agent.ID, "Saved.")
}

// newLink makes a link for an agent who has forgotten the password, or who has lost the first one.
func (h *Handler) newLink(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	link, err := h.Accounts.NewLink(r.Context(), actor, mux.Vars(r)["id"])
	if err != nil {
		return h.showAgent(w, r, actor, err, "")
	}
	return h.showAgent(w, r, actor, nil, h.linkAddress(link))
}

func (h *Handler) deleteAgent(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	if err := h.Accounts.DeleteAgent(r.Context(), actor, mux.Vars(r)["id"]); err != nil {
		return h.showAgent(w, r, actor, err, "")
	}
	return h.done(w, r, "/agents", "The agent is deleted.")
}
