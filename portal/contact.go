package portal

import (
	"context"
	"net/http"

	"github.com/gorilla/mux"

	"rollcall/desk"
	"rollcall/provision"
)

type contactPage struct {
	provision.ContactView
	Events []desk.Event
}

func (h *Handler) contact(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	id := mux.Vars(r)["id"]
	view, err := h.Engine.Contact(r.Context(), actor, id)
	if err != nil {
		return err
	}
	events, err := h.Engine.ContactEvents(r.Context(), actor, id, "", pageSize)
	if err != nil {
		return err
	}
	if err := h.nameCompanies(r.Context(), actor, events); err != nil {
		return err
	}
	return h.show(w, r, actor, "contact", view.DisplayName, contactPage{view, events})
}

// nameCompanies puts names in the place of companies' ids in what changed. A company that is gone keeps its id.
func (h *Handler) nameCompanies(ctx context.Context, actor desk.Actor, events []desk.Event) error {
	var sides []*any
	var ids []string
	for _, e := range events {
		for i := range e.Changes {
			for _, side := range []*any{&e.Changes[i].From, &e.Changes[i].To} {
				if id, ok := (*side).(string); ok && e.Changes[i].Field == "company" {
					sides, ids = append(sides, side), append(ids, id)
				}
			}
		}
	}
	names, err := h.Engine.CompanyNames(ctx, actor, ids)
	for _, side := range sides {
		if name, ok := names[(*side).(string)]; ok {
			*side = name
		}
	}
	return err
}
