// The program uses the API through a client that was generated from its OpenAPI document, once through a contact's life. The
// first argument is the server's address, the second a token.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"journey/client"
)

func main() {
	if err := journey(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// answer is what all generated answers have.
type answer interface {
	StatusCode() int
	GetBody() []byte
}

// want returns an error unless the call succeeded with the status.
func want(what string, status int, a answer, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if a.StatusCode() != status {
		return fmt.Errorf("%s: status %d, want %d: %s", what, a.StatusCode(), status, a.GetBody())
	}
	return nil
}

func journey(ctx context.Context, server, token string) error {
	c, err := client.NewClientWithResponses(server, client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}))
	if err != nil {
		return err
	}

	name, userName := "Kofi Adeyemi", "kofi@acme.example"
	made, err := c.CreateContactWithResponse(ctx, client.ContactEdit{DisplayName: &name, UserName: &userName, Emails: &[]client.Address{{Value: userName}}})
	if err := want("create", 201, made, err); err != nil {
		return err
	}
	id, tag := made.JSON201.Id, made.HTTPResponse.Header.Get("ETag")
	if made.JSON201.Company != nil || made.JSON201.CompanyReason != client.ContactCompanyReasonNoMatch || made.JSON201.Emails[0].Value != userName {
		return fmt.Errorf("created %+v", made.JSON201)
	}

	query, limit := "KOFI", int64(1)
	list, err := c.ListContactsWithResponse(ctx, &client.ListContactsParams{Q: &query, Limit: &limit})
	if err := want("list", 200, list, err); err != nil {
		return err
	}
	if len(list.JSON200.Items) != 1 || list.JSON200.Items[0].Id != id || list.JSON200.Next != nil {
		return fmt.Errorf("listed %+v", list.JSON200)
	}

	title := "Team lead"
	edited, err := c.EditContactWithResponse(ctx, id, &client.EditContactParams{IfMatch: &tag}, client.ContactEdit{Title: &title})
	if err := want("edit", 200, edited, err); err != nil {
		return err
	}
	if edited.JSON200.Title == nil || *edited.JSON200.Title != title {
		return fmt.Errorf("edited to %+v", edited.JSON200)
	}
	stale, err := c.EditContactWithResponse(ctx, id, &client.EditContactParams{IfMatch: &tag}, client.ContactEdit{DisplayName: &title})
	if err := want("edit what has changed", 412, stale, err); err != nil {
		return err
	}
	problem := stale.ApplicationproblemJSON412
	if problem == nil || problem.Status != 412 || problem.Errors == nil || (*problem.Errors)[0].Location != "header.If-Match" {
		return fmt.Errorf("the problem is %s", stale.Body)
	}

	ticket, err := c.CreateTicketWithResponse(ctx, client.CreateTicketRequest{ContactId: id, Subject: "The printer is on fire"})
	if err := want("create a ticket", 201, ticket, err); err != nil {
		return err
	}

	gone, err := c.DeleteContactWithResponse(ctx, id, &client.DeleteContactParams{})
	if err := want("delete", 204, gone, err); err != nil {
		return err
	}
	spam, err := c.GetTicketWithResponse(ctx, ticket.JSON201.Id)
	if err := want("read the ticket", 200, spam, err); err != nil {
		return err
	}
	if !spam.JSON200.Spam {
		return fmt.Errorf("the ticket is %+v", spam.JSON200)
	}

	restored, err := c.RestoreContactWithResponse(ctx, id, &client.RestoreContactParams{})
	if err := want("restore", 200, restored, err); err != nil {
		return err
	}
	if restored.JSON200.Status != client.ContactStatusActive || restored.JSON200.DeletedAt != nil {
		return fmt.Errorf("restored %+v", restored.JSON200)
	}

	refused, err := c.CreateCompanyWithResponse(ctx, client.CreateCompanyRequest{Name: "Acme"})
	return want("create a company, which an agent may not", 403, refused, err)
}
