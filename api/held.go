package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// HeldUser is a person of a directory whom the connection's settings hold back.
type HeldUser struct {
	SCIMID     string    `json:"scimId" example:"01980a3c-5a7f-7d10-b2c4-7e1f0a9b8c22"`
	UserName   string    `json:"userName" example:"kofi@acme.example"`
	Reason     string    `json:"reason" enum:"out_of_scope,create_off,adoption"`
	ContactID  *string   `json:"contactId,omitempty" doc:"The contact, which is deleted; absent if there is none yet"`
	Candidates []string  `json:"candidates,omitempty" doc:"For adoption: the contacts that the person may be"`
	Since      time.Time `json:"since" doc:"When the directory last changed the person"`
}

func newHeldUser(u provision.HeldUser) HeldUser {
	out := HeldUser{SCIMID: u.ID, UserName: u.UserName, Reason: string(u.Held), ContactID: u.ContactID, Since: u.ModifiedAt}
	for _, c := range u.Candidates {
		out.Candidates = append(out.Candidates, c.ID)
	}
	return out
}

func (h *Handler) registerHeld(api huma.API) {
	const collection = "/api/v1/connections/{slug}/held"
	tags := []string{"Connections"}
	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List held users", Tags: tags, Errors: []int{http.StatusNotFound},
		Description: "People whom the connection's settings hold back: out of its scope, not to be created, or waiting for an agent to say whether they are a contact that was there before."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			Page
			Reason string `query:"reason" enum:"out_of_scope,create_off,adoption"`
		}) (*list[HeldUser], error) {
			after, err := in.after()
			if err != nil {
				return nil, err
			}
			users, err := h.Engine.HeldUsers(ctx, actor, in.Slug, desk.Hold(in.Reason), after, in.Limit+1)
			return newList(users, in.Limit, func(u provision.HeldUser) string { return u.ID }, newHeldUser), err
		})
	register(h, api, huma.Operation{Method: "POST", Path: collection + "/{scimId}", Summary: "Answer held user", Tags: tags, Errors: []int{http.StatusNotFound, http.StatusConflict},
		Description: "Ends the waiting of a person who is held for adoption: they are the contact with contactId, or with null a new one."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			ConnectionPath
			SCIMID string `path:"scimId" maxLength:"100"`
			Body   struct {
				ContactID optional[string] `json:"contactId" example:"01980a3c-5a7e-7b3e-9d1c-2f6b8e4a0c11"`
			}
		}) (*contactAnswer, error) {
			return answerContact(h.Engine.AnswerHeld(ctx, actor, in.Slug, in.SCIMID, in.Body.ContactID.Value))
		})
}
