package portal

import (
	"context"
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
