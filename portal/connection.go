package portal

import (
	"net/http"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type connectionPage struct {
	connectionHead
	Health   provision.ConnectionHealth
	Chart    chart
	Reasons  []healthReason
	Stop     *provision.GuardStop // what the guard saw, where it paused the connection
	StopFrom string               // Stop.Since, as the log's address takes it
	Applying applying
	Recorded bool // there is something to download
	Edit     connectionText
	Why      string // the reason in the form that pauses it or lets it go on
	Typed    string // the slug in the form that deletes it
}

// connectionText is what people wrote about a connection.
type connectionText struct{ Name, Description, Notes string }

// healthReason is something that is wrong, and where it is mended.
type healthReason struct {
	desk.HealthReason
	Where, Label string // "" for nowhere in the portal
}

func (h *Handler) connection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	page, err := h.connectionPage(r, actor)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "connection", page.Name, page)
}

func (h *Handler) connectionPage(r *http.Request, actor desk.Actor) (page connectionPage, err error) {
	ctx := r.Context()
	if page.Health, err = h.Engine.HealthOf(ctx, actor, mux.Vars(r)["slug"]); err != nil {
		return page, err
	}
	c := page.Health.Connection
	page.connectionHead = newHead(actor, c, "")
	page.Edit = connectionText{c.Name, c.Description, c.Notes}
	for _, reason := range page.Health.Reasons {
		where, label := mended(reason.Code, c.Slug, page.Admin)
		page.Reasons = append(page.Reasons, healthReason{reason, where, label})
	}
	days, err := h.Engine.Days(ctx, actor, chartDays)
	if err != nil {
		return page, err
	}
	page.Chart = newChart(days[c.Slug])
	if page.Stop, err = h.Engine.GuardStopped(ctx, c); err != nil {
		return page, err
	}
	if page.Stop != nil {
		page.StopFrom = page.Stop.Since.UTC().Format("2006-01-02T15:04:05Z")
	}
	if page.Recorded, err = h.Engine.HasRecording(ctx, actor, c.Slug); err != nil {
		return page, err
	}
	page.Applying, err = h.applying(r, actor, page.connectionHead)
	return page, err
}

// mended says where somebody can do something about what is wrong with a connection.
func mended(code, slug string, admin bool) (where, label string) {
	switch code {
	case "no_credential", "credential_expired", "credential_expires", "unauthorized":
		if admin {
			return "/connections/" + slug + "/tokens", "Tokens"
		}
	case "not_found", "silence":
		return "/connections/" + slug + "/setup", "Setup"
	case "failures":
		return "/log?outcome=refused&connection=" + slug, "What was refused"
	}
	return "", ""
}

func (h *Handler) editConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug, form := mux.Vars(r)["slug"], r.PostForm
	text := connectionText{form.Get("name"), form.Get("description"), form.Get("notes")}
	_, err := h.Engine.EditConnection(r.Context(), actor, slug, provision.ConnectionEdit{Name: &text.Name, Description: &text.Description, Notes: &text.Notes})
	if err == nil {
		return h.done(w, r, "/connections/"+slug, "Saved.")
	}
	page, pageErr := h.connectionPage(r, actor)
	if pageErr != nil {
		return pageErr
	}
	page.Edit = text
	return h.showAgain(w, r, actor, err, "connection", page.Name, page)
}

// change makes a change of a connection that a button asks for.
func (h *Handler) change(w http.ResponseWriter, r *http.Request, actor desk.Actor, edit provision.ConnectionEdit, notice string) error {
	slug := mux.Vars(r)["slug"]
	_, err := h.Engine.EditConnection(r.Context(), actor, slug, edit)
	if err == nil {
		return h.done(w, r, "/connections/"+slug, notice)
	}
	page, pageErr := h.connectionPage(r, actor)
	if pageErr != nil {
		return pageErr
	}
	page.Why = r.PostForm.Get("reason")
	return h.showAgain(w, r, actor, err, "connection", page.Name, page)
}

func (h *Handler) pauseConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	paused := true
	return h.change(w, r, actor, provision.ConnectionEdit{Paused: &paused, Reason: r.PostForm.Get("reason")}, "The connection is paused. The directory is told to try again later.")
}

// resumeConnection lets a connection go on. Where the guard stopped it, somebody has to say that what it stopped is meant.
func (h *Handler) resumeConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	c, err := h.Engine.Connection(r.Context(), actor, mux.Vars(r)["slug"])
	if err != nil {
		return err
	}
	if c.PausedBy == provision.Guard && !r.PostForm.Has("meant") {
		page, err := h.connectionPage(r, actor)
		if err != nil {
			return err
		}
		page.Why = r.PostForm.Get("reason")
		unsaid := desk.Errorf(desk.InvalidValue, "meant", "Say that these people shall be deactivated, or mend the scope in the directory first.")
		return h.showAgain(w, r, actor, unsaid, "connection", page.Name, page)
	}
	paused := false
	return h.change(w, r, actor, provision.ConnectionEdit{Paused: &paused, Reason: r.PostForm.Get("reason")}, "The connection goes on.")
}

func (h *Handler) recordConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	on := r.PostForm.Get("recorder") == "on"
	notice := "The recording has ended."
	if on {
		notice = "What the directory sends is recorded from now on."
	}
	return h.change(w, r, actor, provision.ConnectionEdit{Recorder: &on}, notice)
}

// recording downloads what was recorded.
func (h *Handler) recording(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	file, err := h.Engine.Recording(r.Context(), actor, slug)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Content-Disposition", `attachment; filename="`+slug+`.jsonl"`)
	w.Write(file)
	return nil
}

func (h *Handler) deleteRecording(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	if err := h.Engine.DeleteRecording(r.Context(), actor, slug); err != nil {
		return err
	}
	return h.done(w, r, "/connections/"+slug, "The recording is deleted.")
}

// deleteConnection takes away a connection whose slug was typed. Of a very large one some is left, and it is to be sent again.
func (h *Handler) deleteConnection(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	slug := mux.Vars(r)["slug"]
	if r.PostForm.Get("slug") != slug {
		page, err := h.connectionPage(r, actor)
		if err != nil {
			return err
		}
		page.Typed = r.PostForm.Get("slug")
		return h.showAgain(w, r, actor, desk.Errorf(desk.InvalidValue, "slug", "Type %s to delete the connection.", slug), "connection", page.Name, page)
	}
	err := h.Engine.DeleteConnection(r.Context(), actor, slug)
	if desk.KindOf(err) == desk.Unavailable {
		return h.done(w, r, "/connections/"+slug, "The connection has more people than go at once. Delete it again for the rest.")
	}
	if err != nil {
		return err
	}
	return h.done(w, r, "/connections", "The connection is deleted. Its contacts are still here.")
}

// applying is how far a change of mapping or scope has been applied to the people who are there.
type applying struct {
	desk.Reapply
	Running bool
	Self    string // the page that tells how far it is
}

func (h *Handler) applying(r *http.Request, actor desk.Actor, head connectionHead) (applying, error) {
	progress, running, err := h.Engine.ApplyingSettings(r.Context(), actor, head.Slug)
	return applying{progress, running, head.address()}, err
}
