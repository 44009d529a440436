package api

import (
	"github.com/danielgtaylor/huma/v2"
	"github.com/gorilla/mux"
)

// Document returns the OpenAPI document.
func Document() *huma.OpenAPI {
	return (&Handler{PublicURL: "https://desk.example", Version: "test"}).operations(mux.NewRouter())
}

// OperationsOf lists a document's operations.
var OperationsOf = operationsOf
