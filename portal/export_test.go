package portal

import (
	"net/http"

	"rollcall/desk"
)

// What is said of events.
var (
	Why      = why
	Happened = happened
	Plural   = plural
	Sentence = sentence
	Did      = did
)

// Page is the route of a page for those who have signed in.
type Page struct {
	Path  string
	Admin bool // only administrators open it
}

// Pages lists the routes of all pages.
func Pages() (list []Page) {
	for _, r := range (&Handler{}).routes() {
		if r.method == http.MethodGet {
			list = append(list, Page{r.path, r.role == desk.RoleAdmin})
		}
	}
	return list
}

// ParsePages parses all templates, which panics where one is broken.
func ParsePages() {
	for _, parse := range pages {
		parse()
	}
}
