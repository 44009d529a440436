package portal

import "rollcall/desk"

// entry is a line of the menu.
type entry struct {
	Section, Path, Icon, Label string
	role                       desk.Role // the least to whom it is shown
}

var entries = []entry{
	{"", "/", "home", "Home", desk.RoleAgent},
	{"contacts", "/contacts", "contacts", "Contacts", desk.RoleAgent},
	{"deleted", "/deleted", "deleted", "Deleted", desk.RoleAgent},
	{"companies", "/companies", "companies", "Companies", desk.RoleAgent},
	{"connections", "/connections", "connections", "Connections", desk.RoleAgent},
	{"log", "/log", "log", "Sync log", desk.RoleAgent},
	{"agents", "/agents", "agents", "Agents", desk.RoleAdmin},
}

// menu returns the entries for a role.
func menu(role desk.Role) []entry {
	var list []entry
	for _, e := range entries {
		if e.role == desk.RoleAgent || role == desk.RoleAdmin {
			list = append(list, e)
		}
	}
	return list
}
