package httpx

import (
	"net/http"
	"slices"

	"github.com/gorilla/mux"
)

// Who is for whom a route is.
type Who string

const (
	Anybody   Who = "anybody"
	Directory Who = "directory" // with a token of the connection that the path names
	Client    Who = "client"    // an OAuth client, by the credentials in the request
	Agent     Who = "agent"     // an agent or administrator, of the tenant that the token or session is of
	Admin     Who = "admin"     // an administrator
)

// Access says for whom a route is.
type Access struct {
	Method, Path string
	Who          Who
}

// AccessOf lists a router's routes, as the router has them; who says for whom each is.
func AccessOf(router *mux.Router, who func(method, path string) Who) []Access {
	var list []Access
	err := router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		if err != nil {
			return err
		}
		methods, err := route.GetMethods()
		if err != nil {
			return err
		}
		for _, method := range methods {
			if method != http.MethodHead || !slices.Contains(methods, http.MethodGet) { // which is the same
				list = append(list, Access{method, path, who(method, path)})
			}
		}
		return nil
	})
	if err != nil {
		panic(err) // a route without path or methods
	}
	return list
}
