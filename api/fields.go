package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"rollcall/desk"
)

// Field is a custom field of people.
type Field struct {
	Name     string   `json:"name" example:"badge" doc:"Letters, digits and underscores; an attribute of the SCIM extension urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"`
	Type     string   `json:"type" example:"text" enum:"text,number,date,boolean,choice"`
	Required bool     `json:"required,omitempty" doc:"Whether a directory must send it for who is active"`
	Multiple bool     `json:"multiple,omitempty" doc:"Whether a person may have several values; not for a boolean"`
	Choices  []string `json:"choices,omitempty" doc:"What a choice can be"`
}

func newField(f desk.Field) Field {
	return Field{f.Name, string(f.Type), f.Required, f.Multiple, f.Choices}
}

func (h *Handler) registerFields(api huma.API) {
	const collection, item = "/api/v1/fields", "/api/v1/fields/{name}"
	tags := []string{"Fields"}

	register(h, api, huma.Operation{Method: "GET", Path: collection, Summary: "List fields", Tags: tags},
		func(ctx context.Context, actor desk.Actor, _ *struct{}) (*list[Field], error) {
			fields, err := h.Engine.Fields(ctx, actor)
			return newList(fields, len(fields), nil, newField), err
		})
	register(h, api, adminOnly(huma.Operation{Method: "POST", Path: collection, Summary: "Create field", Tags: tags, DefaultStatus: http.StatusCreated, Errors: []int{http.StatusConflict}}),
		func(ctx context.Context, actor desk.Actor, in *struct{ Body Field }) (*struct{ Body Field }, error) {
			f := desk.Field{
				Name: in.Body.Name, Type: desk.FieldType(in.Body.Type), Required: in.Body.Required, Multiple: in.Body.Multiple, Choices: in.Body.Choices,
			}
			return &struct{ Body Field }{newField(f)}, h.Engine.CreateField(ctx, actor, f)
		})
	register(h, api, adminOnly(huma.Operation{Method: "DELETE", Path: item, Summary: "Delete field", Tags: tags, DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusNotFound},
		Description: "What directories said of it stays with their users, as what no schema knows."}),
		func(ctx context.Context, actor desk.Actor, in *struct {
			Name string `path:"name" maxLength:"40"`
		}) (*struct{}, error) {
			return nil, h.Engine.DeleteField(ctx, actor, in.Name)
		})
}
