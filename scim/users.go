package scim

import (
	"bytes"
	"maps"
	"net/http"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
)

// get handles GET /Users/{id}.
func (req *request) get() error {
	u, err := req.Engine.User(req.r.Context(), req.actor, req.id)
	if err != nil {
		return err
	}
	if len(req.match) > 0 && !fits(req.match, &u) {
		return req.check(&u)
	}
	if fits(req.noneMatch, &u) {
		req.identify(&u)
		req.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return req.write(http.StatusOK, &u)
}

// change handles POST /Users, and PUT, PATCH and DELETE /Users/{id}.
func (req *request) change() error {
	var body map[string]any
	var err error
	if req.method != http.MethodDelete {
		if body, err = req.body(); err != nil {
			return err
		}
	}
	u, err := req.apply(body)
	if err != nil {
		return err
	}
	if req.method == http.MethodDelete {
		write(req.w, done(req.method), nil)
		return nil
	}
	return req.write(done(req.method), &u)
}

// done is the status that says that a change was made.
func done(method string) int {
	switch method {
	case http.MethodPost:
		return http.StatusCreated
	case http.MethodDelete:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// apply does what the method asks for, and returns the user as it is then.
func (req *request) apply(body map[string]any) (u desk.DirectoryUser, err error) {
	switch req.method {
	case http.MethodPost:
		return req.create(body)
	case http.MethodPut:
		return req.replace(body)
	case http.MethodPatch:
		return req.patch(body)
	}
	return u, req.Engine.DeleteUser(req.r.Context(), req.actor, req.id, req.check)
}

func (req *request) create(body map[string]any) (desk.DirectoryUser, error) {
	r, err := req.resource(body)
	if err != nil {
		return desk.DirectoryUser{}, err
	}
	if r["active"] == nil {
		r["active"] = true
	}
	return req.Engine.CreateUser(req.r.Context(), req.actor, r)
}

// replace changes a user as PUT does. The id in the path counts, whatever the body says.
func (req *request) replace(body map[string]any) (desk.DirectoryUser, error) {
	r, err := req.resource(body)
	if err != nil {
		return desk.DirectoryUser{}, err
	}
	return req.update(desk.OpReplace, func(current desk.Resource) (desk.Resource, string, error) {
		next := maps.Clone(r)
		if active, had := current["active"]; had && r["active"] == nil {
			// Okta leaves active out of some PUTs; that must not wake a disabled user.
			next["active"] = active
		}
		return next, "", nil
	})
}

func (req *request) patch(body map[string]any) (desk.DirectoryUser, error) {
	ops, err := req.users.parsePatch(body)
	if err != nil {
		return desk.DirectoryUser{}, err
	}
	u, err := req.update(desk.OpPatch, req.users.edit(ops))
	if kind := desk.KindOf(err); deactivates(ops) && (kind == desk.Uniqueness || kind == desk.InvalidValue) {
		// A key is taken, or a text too long. Somebody who left shall not stay active for that.
		u, err = req.update(desk.OpPatch, func(r desk.Resource) (desk.Resource, string, error) {
			leftOut, err := req.users.deactivate(r, ops)
			return r, leaverNote(leftOut), err
		})
	}
	return u, err
}

// edit applies a PATCH.
func (s *userSchema) edit(ops []operation) provision.Edit {
	leaver := deactivates(ops)
	return func(r desk.Resource) (desk.Resource, string, error) {
		if !leaver {
			return r, "", s.patch(r, ops)
		}
		leftOut, err := s.patchLeaver(r, ops)
		return r, leaverNote(leftOut), err
	}
}

// update changes the user if the request's conditions hold.
func (req *request) update(operation desk.Operation, edit func(desk.Resource) (desk.Resource, string, error)) (desk.DirectoryUser, error) {
	return req.Engine.UpdateUser(req.r.Context(), req.actor, operation, req.id, req.check, edit)
}

// leaverNote tells the log which paths of a PATCH were left out.
func leaverNote(leftOut []string) string {
	if len(leftOut) == 0 {
		return ""
	}
	return "left out, so that the person could be deactivated: " + strings.Join(leftOut, ", ")
}

// resource makes a resource of the body of a POST or PUT.
func (req *request) resource(body map[string]any) (desk.Resource, error) {
	if req.subject, _ = member(body, "userName").(string); req.subject == "" {
		req.subject, _ = member(body, "externalId").(string)
	}
	return req.users.newResource(body)
}

// location is a user's URL.
func (req *request) location(u *desk.DirectoryUser) string { return req.base + "/Users/" + u.ID }

// identify says in the answer's header which user it is about, and at which version.
func (req *request) identify(u *desk.DirectoryUser) {
	header, location := req.w.Header(), req.location(u)
	header.Set("Location", location)
	header.Set("Content-Location", location)
	header.Set("ETag", version(u))
}

// write answers with a user.
func (req *request) write(status int, u *desk.DirectoryUser) error {
	var b bytes.Buffer
	if err := appendUser(&b, u, req.location(u), req.users, req.query.projection); err != nil {
		return err
	}
	req.identify(u)
	write(req.w, status, b.Bytes())
	return nil
}
