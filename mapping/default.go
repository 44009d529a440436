package mapping

import "rollcall/desk"

// standard is the default mapping for a tenant without custom fields: what Entra's mapping sends, all addresses and numbers,
// the name of the organization, and the custom fields.
var standard = []desk.Rule{
	{Source: "displayName | name.formatted", Target: "displayName"},
	{Source: "name.givenName", Target: "firstName"},
	{Source: "name.familyName", Target: "lastName"},
	{Source: "userName", Target: "userName"},
	{Source: "title", Target: "title"},
	{Source: "emails", Target: "emails"},
	{Source: "phoneNumbers", Target: "phones"},
	{Source: "active", Target: "active"},
	{Source: desk.EnterpriseURN + ":organization", Target: "companyName"},
	{Source: desk.FieldsURN, Target: "fields"},
}

// enterprise are the attributes of the enterprise extension that a custom field of the same name takes.
var enterprise = []string{"employeeNumber", "costCenter", "organization", "division", "department"}

// Default returns the mapping of connections that have none of their own: [desk.ProfileOf], and custom fields that are called
// like an attribute of the enterprise extension.
func Default(fields []desk.Field) desk.Mapping {
	m := desk.Mapping{Rules: append([]desk.Rule(nil), standard...)}
	for _, f := range fields {
		for _, name := range enterprise {
			if desk.Fold(f.Name) == desk.Fold(name) {
				m.Rules = append(m.Rules, desk.Rule{
					Source: desk.FieldsURN + ":" + f.Name + " | " + desk.EnterpriseURN + ":" + name, Target: "fields." + f.Name,
				})
			}
		}
	}
	return m
}
