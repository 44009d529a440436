package scim

import (
	"bytes"
	"maps"
	"net/http"
	"strings"

	"rollcall/desk"
)

// create handles POST /Users.
func (req *request) create() error {
	r, err := req.resource()
	if err != nil {
		return err
	}
	if r["active"] == nil {
		r["active"] = true
	}
	u, err := req.Engine.CreateUser(req.r.Context(), req.actor, r)
	if err != nil {
		return err
	}
	return req.write(http.StatusCreated, &u)
}

// get handles GET /Users/{id}.
func (req *request) get() error {
	u, err := req.Engine.User(req.r.Context(), req.actor, req.id)
	if err != nil {
		return err
	}
	return req.write(http.StatusOK, &u)
}

// replace handles PUT /Users/{id}. The id in the path counts, whatever the body says.
func (req *request) replace() error {
	r, err := req.resource()
	if err != nil {
		return err
	}
	u, err := req.Engine.UpdateUser(req.r.Context(), req.actor, desk.OpReplace, req.id, func(current desk.Resource) (desk.Resource, string, error) {
		active, had := current["active"]
		if _, said := r["active"]; said || !had {
			return r, "", nil
		}
		// Okta leaves active out of some PUTs; that must not wake a disabled user.
		next := maps.Clone(r)
		next["active"] = active
		return next, "", nil
	})
	if err != nil {
		return err
	}
	return req.write(http.StatusOK, &u)
}

// patch handles PATCH /Users/{id}.
func (req *request) patch() error {
	body, err := req.body()
	if err != nil {
		return err
	}
	ops, err := users.parsePatch(body)
	if err != nil {
		return err
	}
	leaver := deactivates(ops)
	u, err := req.Engine.UpdateUser(req.r.Context(), req.actor, desk.OpPatch, req.id, func(r desk.Resource) (desk.Resource, string, error) {
		if !leaver {
			return r, "", users.patch(r, ops)
		}
		leftOut, err := users.patchLeaver(r, ops)
		return r, leaverNote(leftOut), err
	})
	if leaver && desk.KindOf(err) == desk.Uniqueness {
		// A key is taken. Somebody who left shall not stay active for that.
		u, err = req.Engine.UpdateUser(req.r.Context(), req.actor, desk.OpPatch, req.id, func(r desk.Resource) (desk.Resource, string, error) {
			leftOut, err := users.deactivate(r, ops)
			return r, leaverNote(leftOut), err
		})
	}
	if err != nil {
		return err
	}
	return req.write(http.StatusOK, &u)
}

// leaverNote tells the log which paths of a PATCH were left out.
func leaverNote(leftOut []string) string {
	if len(leftOut) == 0 {
		return ""
	}
	return "left out, so that the person could be deactivated: " + strings.Join(leftOut, ", ")
}

// delete handles DELETE /Users/{id}.
func (req *request) delete() error {
	if err := req.Engine.DeleteUser(req.r.Context(), req.actor, req.id); err != nil {
		return err
	}
	write(req.w, http.StatusNoContent, nil)
	return nil
}

// list handles GET /Users.
func (req *request) list() error {
	return req.writeList(req.query)
}

// search handles POST /Users/.search.
func (req *request) search() error {
	if req.query.filter != "" {
		return invalidFilter("send the filter of a search in its body")
	}
	body, err := req.body()
	if err != nil {
		return err
	}
	q, err := searchQuery(body)
	if err != nil {
		return err
	}
	return req.writeList(q)
}

func (req *request) writeList(q query) error {
	var filter desk.Filter
	if q.filter != "" {
		var err error
		if filter, err = users.parseFilter(q.filter); err != nil {
			return err
		}
	}
	list, total, err := req.Engine.Users(req.r.Context(), req.actor, filter, q.startIndex-1, q.count)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := appendList(&b, list, total, q.startIndex, req.base, q.projection); err != nil {
		return err
	}
	write(req.w, http.StatusOK, b.Bytes())
	return nil
}

// resource reads the body of a POST or PUT.
func (req *request) resource() (desk.Resource, error) {
	body, err := req.body()
	if err != nil {
		return nil, err
	}
	if req.subject, _ = member(body, "userName").(string); req.subject == "" {
		req.subject, _ = member(body, "externalId").(string)
	}
	return users.newResource(body)
}

// write answers with a user.
func (req *request) write(status int, u *desk.DirectoryUser) error {
	location := req.base + "/Users/" + u.ID
	var b bytes.Buffer
	if err := appendUser(&b, u, location, req.query.projection); err != nil {
		return err
	}
	header := req.w.Header()
	header.Set("Location", location)
	header.Set("Content-Location", location)
	header.Set("ETag", version(u))
	write(req.w, status, b.Bytes())
	return nil
}
