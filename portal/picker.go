package portal

import (
	"context"
	"net/http"
	"strings"

	"rollcall/desk"
)

// maxMeant is how many companies are offered for what somebody has typed.
const maxMeant = 10

// findCompany returns the company that is meant by an id or by what is typed of a name: the one of this name, or the only one whose
// name begins so. Otherwise it returns those whose names do.
func (h *Handler) findCompany(ctx context.Context, actor desk.Actor, named string) (*desk.Company, []desk.Company, error) {
	named = strings.TrimSpace(named)
	list, err := h.Engine.FindCompanies(ctx, actor, named, maxMeant)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range list {
		if len(list) == 1 || desk.Fold(c.Name) == desk.Fold(named) {
			return &c, nil, nil
		}
	}
	if len(list) > 0 || !desk.Storable(named) {
		return nil, list, nil
	}
	c, err := h.Engine.Company(ctx, actor, named)
	if desk.KindOf(err) == desk.NotFound {
		return nil, nil, nil
	}
	return &c, nil, err
}

// namedCompany returns the one company that is meant, or an InvalidValue error that says how to mean one.
func (h *Handler) namedCompany(ctx context.Context, actor desk.Actor, named string) (desk.Company, error) {
	if strings.TrimSpace(named) == "" {
		return desk.Company{}, desk.Errorf(desk.InvalidValue, "to", "Type a company’s name.")
	}
	company, meant, err := h.findCompany(ctx, actor, named)
	switch {
	case err != nil:
		return desk.Company{}, err
	case company != nil:
		return *company, nil
	case len(meant) == 0:
		return desk.Company{}, desk.Errorf(desk.InvalidValue, "to", "No company’s name begins with “%s”.", value(named))
	}
	var names []string
	for _, c := range meant {
		names = append(names, c.Name)
	}
	return desk.Company{}, desk.Errorf(desk.InvalidValue, "to", "Which company do you mean by “%s”: %s? Type the whole name.", value(named), strings.Join(names, ", "))
}

// pickCompany offers companies to a field, as somebody types in it.
func (h *Handler) pickCompany(w http.ResponseWriter, r *http.Request, actor desk.Actor) error {
	list, err := h.Engine.FindCompanies(r.Context(), actor, r.URL.Query().Get("to"), maxMeant)
	if err != nil {
		return err
	}
	return h.show(w, r, actor, "pick", "Companies", list)
}
