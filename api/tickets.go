package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
	"rollcall/provision"
)

// Ticket is a request of a contact.
type Ticket struct {
	ID         string    `json:"id" example:"01980a3d-0b1c-7a44-93fe-6c5d4e3f2a55"`
	ContactID  string    `json:"contactId" example:"01980a3c-5a7e-7b3e-9d1c-2f6b8e4a0c11" doc:"Stays when the contact is erased"`
	Subject    string    `json:"subject" example:"The printer is on fire"`
	Status     string    `json:"status" enum:"open,pending,solved"`
	Spam       bool      `json:"spam" doc:"Set by an agent, or by the contact's deletion until it comes back"`
	CreatedAt  time.Time `json:"createdAt"`
	ModifiedAt time.Time `json:"modifiedAt"`
}

func newTicket(t desk.Ticket) Ticket {
	return Ticket{t.ID, t.ContactID, t.Subject, string(t.Status), t.Spam, t.CreatedAt, t.ModifiedAt}
}

type ticketAnswer struct {
	Body Ticket
}

func answerTicket(t desk.Ticket, err error) (*ticketAnswer, error) {
	return &ticketAnswer{newTicket(t)}, err
}

// TicketFields are the fields of a ticket that an agent writes.
type TicketFields struct {
	Status *string `json:"status,omitempty" enum:"open,pending,solved"`
	Spam   *bool   `json:"spam,omitempty"`
}

func (f TicketFields) edit(subject *string) provision.TicketEdit {
	return provision.TicketEdit{Subject: subject, Status: (*desk.TicketStatus)(f.Status), Spam: f.Spam}
}

// TicketPath names a ticket.
type TicketPath struct {
	ID string `path:"id" maxLength:"100"`
}

func (h *Handler) registerTickets(api huma.API) {
	const collection, item = "/api/v1/tickets", "/api/v1/tickets/{id}"
	tags := []string{"Tickets"}
	notFound := []int{http.StatusNotFound}

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List tickets", Tags: tags, Description: "All tickets, spam among them, in the order of their creation."},
		func(ctx context.Context, actor desk.Actor, in *struct {
			Page
			ContactID string `query:"contactId" maxLength:"100"`
			Status    string `query:"status" enum:"open,pending,solved"`
		}) (*list[Ticket], error) {
			after, err := in.after()
			if err != nil {
				return nil, err
			}
			tickets, err := h.Engine.Tickets(ctx, actor, provision.TicketQuery{Contact: in.ContactID, Status: desk.TicketStatus(in.Status), After: after, Limit: in.Limit + 1})
			return newList(tickets, in.Limit, func(t desk.Ticket) string { return t.ID }, newTicket), err
		})
	register(h, api, huma.Operation{Method: "POST", Path: collection, Summary: "Create ticket", Tags: tags, DefaultStatus: http.StatusCreated},
		func(ctx context.Context, actor desk.Actor, in *struct {
			Body struct {
				ContactID string `json:"contactId" maxLength:"100" example:"01980a3c-5a7e-7b3e-9d1c-2f6b8e4a0c11"`
				Subject   string `json:"subject" example:"The printer is on fire"`
				TicketFields
			}
		}) (*ticketAnswer, error) {
			return answerTicket(h.Engine.CreateTicket(ctx, actor, in.Body.ContactID, in.Body.edit(&in.Body.Subject)))
		})
	register(h, api, huma.Operation{Method: "GET", Path: item, Summary: "Get ticket", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *TicketPath) (*ticketAnswer, error) {
			return answerTicket(h.Engine.Ticket(ctx, actor, in.ID))
		})
	register(h, api, huma.Operation{Method: "PATCH", Path: item, Summary: "Edit ticket", Tags: tags, Errors: notFound},
		func(ctx context.Context, actor desk.Actor, in *struct {
			TicketPath
			Body struct {
				Subject *string `json:"subject,omitempty" example:"The printer is on fire"`
				TicketFields
			}
		}) (*ticketAnswer, error) {
			return answerTicket(h.Engine.EditTicket(ctx, actor, in.ID, in.Body.edit(in.Body.Subject)))
		})
}
