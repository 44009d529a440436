package scim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/scim"
)

const ent = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// resource reads a body, with ENT for the enterprise URN, and takes off the schemas.
func resource(t testing.TB, body string) desk.Resource {
	t.Helper()
	r, err := scim.NewResource([]byte(strings.ReplaceAll(body, "ENT", ent)))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func wantJSON(t *testing.T, got desk.Resource, want string) {
	t.Helper()
	delete(got, "schemas")
	var wanted map[string]any
	decoder := json.NewDecoder(strings.NewReader(strings.ReplaceAll(want, "ENT", ent)))
	decoder.UseNumber()
	if err := decoder.Decode(&wanted); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wanted, map[string]any(got)); diff != "" {
		t.Error(diff)
	}
}

func TestNewResource(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"names in any case":                   {`{"USERNAME":"k","Name":{"GIVENNAME":"G"},"EMAILS":[{"VALUE":"x","Type":"work"}]}`, `{"userName":"k","name":{"givenName":"G"},"emails":[{"value":"x","type":"work"}]}`},
		"what the server sets is left out":    {`{"userName":"k","id":"1","meta":{"x":1},"schemas":["x"],"groups":[],"password":"p","Password":null}`, `{"userName":"k"}`},
		"a password under its URN":            {`{"userName":"k","urn:ietf:params:scim:schemas:core:2.0:User:password":"p"}`, `{"userName":"k"}`},
		"nothing is kept of nulls and blanks": {`{"userName":"k","title":"","nickName":null,"name":{"middleName":""},"emails":[],"roles":[null,{},{"type":"x","primary":true}],"department":null,"ENT":{"manager":{"value":""}}}`, `{"userName":"k"}`},
		"booleans as text":                    {`{"userName":"k","active":" TRUE ","roles":[{"value":"x","primary":"False"}]}`, `{"userName":"k","active":true,"roles":[{"value":"x","primary":false}]}`},
		"numbers where they are meant":        {`{"userName":"k","phoneNumbers":[{"value":4711}],"addresses":[{"postalCode":123}],"ENT":{"employeeNumber":42}}`, `{"userName":"k","phoneNumbers":[{"value":"4711"}],"addresses":[{"postalCode":"123"}],"ENT":{"employeeNumber":"42"}}`},
		"one element for a list":              {`{"userName":"k","emails":{"value":"a"},"phoneNumbers":"123"}`, `{"userName":"k","emails":[{"value":"a"}],"phoneNumbers":[{"value":"123"}]}`},
		"a list for one value":                {`{"userName":"k","title":[{"$ref":null,"value":"T"}],"nickName":["N"],"name":[{"givenName":"G"}]}`, `{"userName":"k","title":"T","nickName":"N","name":{"givenName":"G"}}`},
		"flattened keys":                      {`{"userName":"k","name.givenName":"G","ENT:department":"D","emails[type eq \"work\"].value":"a"}`, `{"userName":"k","name":{"givenName":"G"},"ENT":{"department":"D"},"emails":[{"type":"work","value":"a"}]}`},
		"flattened after nested":              {`{"userName":"k","name.givenName":"G2","name":{"givenName":"G","familyName":"F"}}`, `{"userName":"k","name":{"givenName":"G2","familyName":"F"}}`},
		"bare extension names":                {`{"userName":"k","department":"D","MANAGER":"M"}`, `{"userName":"k","ENT":{"department":"D","manager":{"value":"M"}}}`},
		"flattened marks before their values": {`{"userName":"k","emails[type eq \"work\"].primary":"True","emails[type eq \"work\"].value":"a","ENT:manager.$ref":"../M","ENT:manager.value":"M"}`, `{"userName":"k","emails":[{"type":"work","value":"a","primary":true}],"ENT":{"manager":{"value":"M","$ref":"../M"}}}`},
		"flattened in the extension":          {`{"userName":"k","ENT":{"manager.$ref":"../M","manager.value":"M","manager.displayName":"read only"}}`, `{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`},
		"the extension's URN, misprinted":     {`{"userName":"k","urn:ietf:params:scim:schemas:extension:enterprise:2.0User":{"department":"D"}}`, `{"userName":"k","ENT":{"department":"D"}}`},
		"the extension's URN in capitals":     {`{"userName":"k","URN:IETF:PARAMS:SCIM:SCHEMAS:EXTENSION:Enterprise:2.0:USER":{"Department":"D"}}`, `{"userName":"k","ENT":{"department":"D"}}`},
		"core attributes under their URN":     {`{"urn:ietf:params:scim:schemas:core:2.0:User":{"userName":"k"},"urn:ietf:params:scim:schemas:core:2.0:User:title":"T"}`, `{"userName":"k","title":"T"}`},
		"manager as object":                   {`{"userName":"k","ENT":{"manager":{"value":"M","displayName":"read only","$ref":"../M"}}}`, `{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`},
		"manager as a reference":              {`{"userName":"k","ENT":{"manager":{"$ref":"../M"}}}`, `{"userName":"k","ENT":{"manager":{"$ref":"../M"}}}`},
		"manager as list":                     {`{"userName":"k","ENT":{"manager":[{"value":"M"}]}}`, `{"userName":"k","ENT":{"manager":{"value":"M"}}}`},
		"unknown attributes and extensions":   {`{"userName":"k","colour":"teal","size":{"eu":44,"us":null},"urn:acme:2.0:User":{"tier":1,"x":null},"urn:acme:hr:2.0:User:grade":"A"}`, `{"userName":"k","colour":"teal","size":{"eu":44},"urn:acme:2.0:User":{"tier":1},"urn:acme:hr:2.0:User":{"grade":"A"}}`},
		"equal elements are one":              {`{"userName":"k","emails":[{"type":"work","value":"a"},{"type":"Work","value":"a","primary":true},{"type":"home","value":"a"}]}`, `{"userName":"k","emails":[{"type":"Work","value":"a","primary":true},{"type":"home","value":"a"}]}`},
		"text as it was sent":                 {`{"userName":" Kofi ","displayName":" Ü <b>& "}`, `{"userName":" Kofi ","displayName":" Ü <b>& "}`},
		"roles as JSON text":                  {`{"userName":"k","roles":[{"value":"{\"id\":1}"}]}`, `{"userName":"k","roles":[{"value":"{\"id\":1}"}]}`},
	} {
		t.Run(name, func(t *testing.T) { wantJSON(t, resource(t, c.body), c.want) })
	}
}

func TestNewResourceErrors(t *testing.T) {
	long := strings.Repeat("x", 1001)
	for body, want := range map[string]desk.Kind{
		``: desk.InvalidSyntax, `[]`: desk.InvalidSyntax, `null`: desk.InvalidSyntax, `{`: desk.InvalidSyntax, `{"userName":"k"} {}`: desk.InvalidSyntax,
		`{"userName":"k"}}`: desk.InvalidSyntax, `{"userName":"k","username":"l"}`: desk.InvalidSyntax, `{"userName":"k","name":{"givenName":"a","GivenName":"b"}}`: desk.InvalidSyntax,
		`{"userName":"k","x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}`: desk.InvalidSyntax,
		`{}`: desk.InvalidValue, `{"userName":null}`: desk.InvalidValue, `{"userName":" \t"}`: desk.InvalidValue, `{"userName":42}`: desk.InvalidValue, `{"userName":["a","b"]}`: desk.InvalidValue,
		`{"userName":"k","name":"x"}`: desk.InvalidValue, `{"userName":"k","title":5}`: desk.InvalidValue, `{"userName":"k","title":{}}`: desk.InvalidValue, `{"userName":"k","title":true}`: desk.InvalidValue,
		`{"userName":"k","active":"yes"}`: desk.InvalidValue, `{"userName":"k","active":1}`: desk.InvalidValue, `{"userName":"k","emails":[5]}`: desk.InvalidValue, `{"userName":"k","addresses":"x"}`: desk.InvalidValue,
		`{"userName":"k","emails":[{"value":"a","primary":true},{"value":"b","primary":true}]}`: desk.InvalidValue, `{"userName":"k","` + ent + `":"sales"}`: desk.InvalidValue,
		`{"userName":"k\u0000"}`: desk.InvalidValue, `{"userName":"k","x":{"y":"\u0000"}}`: desk.InvalidValue, `{"userName":"k","x":{"\u0000":1}}`: desk.InvalidValue, `{"userName":"k","x\u0000":1}`: desk.InvalidValue,
		`{"userName":"` + long + `"}`: desk.InvalidValue, `{"userName":"k","externalId":"` + long + `"}`: desk.InvalidValue, `{"userName":"k","emails":[{"value":"` + long + `"}]}`: desk.InvalidValue,
		`{"userName":"k","emails":[` + elements(1001) + `]}`: desk.InvalidValue,
		`{"userName":"k","emails[type eq \"work\"":"x"}`:     desk.InvalidPath,
	} {
		if _, err := scim.NewResource([]byte(body)); desk.KindOf(err) != want {
			t.Errorf("%.80s: error %v, want %s", body, err, want)
		}
	}
}

func elements(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(`{"value":"a%d"}`, i)
	}
	return strings.Join(list, ",")
}

func TestPatch(t *testing.T) {
	const kofi = `{"userName":"kofi","active":true,"title":"T","name":{"givenName":"G","familyName":"F"},"emails":[{"type":"work","value":"w","primary":true},{"type":"home","value":"h"}],"ENT":{"department":"D","manager":{"value":"M","$ref":"../M"}}}`
	for name, c := range map[string]struct{ before, ops, want string }{
		"operations in capitals, padded":            {`{"userName":"k"}`, `[{"OP":" Replace ","PATH":" title ","VALUE":"T"}]`, `{"userName":"k","title":"T"}`},
		"complex values merge":                      {kofi, `[{"op":"replace","path":"name","value":{"givenName":"N"}},{"op":"add","path":"name.middleName","value":"M"}]`, `{"userName":"kofi","active":true,"title":"T","name":{"givenName":"N","familyName":"F","middleName":"M"},"emails":[{"type":"work","value":"w","primary":true},{"type":"home","value":"h"}],"ENT":{"department":"D","manager":{"value":"M","$ref":"../M"}}}`},
		"a new manager leaves nothing of the old":   {`{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`, `[{"op":"Replace","path":"ENT:manager","value":"N"}]`, `{"userName":"k","ENT":{"manager":{"value":"N"}}}`},
		"a new manager by manager.value":            {`{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`, `[{"op":"Replace","path":"manager.value","value":"N"}]`, `{"userName":"k","ENT":{"manager":{"value":"N"}}}`},
		"a manager's reference alone":               {`{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`, `[{"op":"replace","path":"manager","value":{"$ref":"../N"}}]`, `{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../N"}}}`},
		"a manager of a reference alone":            {`{"userName":"k"}`, `[{"op":"add","path":"ENT:manager.$ref","value":"../N"}]`, `{"userName":"k","ENT":{"manager":{"$ref":"../N"}}}`},
		"a manager's reference removed":             {`{"userName":"k","ENT":{"manager":{"$ref":"../M"}}}`, `[{"op":"remove","path":"manager.$ref"}]`, `{"userName":"k"}`},
		"a manager's read-only name alone":          {`{"userName":"k","ENT":{"manager":{"value":"M"}}}`, `[{"op":"replace","path":"manager","value":{"displayName":"x"}},{"op":"add","value":{"ENT":{"manager":{}}}}]`, `{"userName":"k","ENT":{"manager":{"value":"M"}}}`},
		"manager.value removed":                     {`{"userName":"k","ENT":{"manager":{"value":"M","$ref":"../M"}}}`, `[{"op":"remove","path":"manager.value"}]`, `{"userName":"k"}`},
		"a blank behind the URN":                    {`{"userName":"k"}`, `[{"op":"Add","value":{"ENT: department":"D","ENT: colour":"teal"}}]`, `{"userName":"k","ENT":{"department":"D"},"colour":"teal"}`},
		"a dot behind the URN":                      {`{"userName":"k"}`, `[{"op":"Add","path":"ENT.manager","value":"N"}]`, `{"userName":"k","ENT":{"manager":{"value":"N"}}}`},
		"a whole extension":                         {kofi, `[{"op":"remove","path":"ENT"},{"op":"remove","path":"emails"},{"op":"remove","path":"name"}]`, `{"userName":"kofi","active":true,"title":"T"}`},
		"an extension's object":                     {`{"userName":"k","ENT":{"department":"D"}}`, `[{"op":"replace","path":"ENT","value":{"costCenter":"C","department":null}}]`, `{"userName":"k","ENT":{"costCenter":"C"}}`},
		"without a path":                            {`{"userName":"k","title":"T"}`, `[{"op":"replace","value":{"ENT":{"department":"D"},"name.givenName":"G","emails[type eq \"work\"].value":"w","TITLE":null,"id":"x","colour":"teal"}}]`, `{"userName":"k","name":{"givenName":"G"},"emails":[{"type":"work","value":"w"}],"colour":"teal","ENT":{"department":"D"}}`},
		"a typed path makes its element":            {`{"userName":"k"}`, `[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"w"},{"op":"add","path":"addresses[type eq \"work\"].region","value":"R"},{"op":"add","path":"addresses[type eq \"work\"].locality","value":"L"}]`, `{"userName":"k","emails":[{"type":"work","value":"w"}],"addresses":[{"type":"work","region":"R","locality":"L"}]}`},
		"a typed path of two conditions":            {`{"userName":"k"}`, `[{"op":"add","path":"emails[type eq \"work\" and primary eq true].value","value":"w"}]`, `{"userName":"k","emails":[{"type":"work","primary":true,"value":"w"}]}`},
		"a sub-attribute in capitals":               {`{"userName":"k"}`, `[{"op":"add","path":"EMAILS[TYPE eq \"other\"].Value","value":"o"}]`, `{"userName":"k","emails":[{"type":"other","value":"o"}]}`},
		"a type without quotes":                     {`{"userName":"k","emails":[{"type":"work","value":"w"}]}`, `[{"op":"replace","path":"emails[type eq work].value","value":"x"}]`, `{"userName":"k","emails":[{"type":"work","value":"x"}]}`},
		"and binds tighter than or":                 {`{"userName":"k","emails":[{"type":"work","value":"w"},{"type":"home","value":"h"},{"type":"home","value":"i"},{"value":"n"}]}`, `[{"op":"add","path":"emails[type eq \"work\" or type eq \"home\" and value eq \"h\"].display","value":"D"}]`, `{"userName":"k","emails":[{"type":"work","value":"w","display":"D"},{"type":"home","value":"h","display":"D"},{"type":"home","value":"i"},{"value":"n"}]}`},
		"all but some":                              {`{"userName":"k","emails":[{"type":"work","value":"w"},{"type":"home","value":"h"},{"value":"n"}]}`, `[{"op":"remove","path":"emails[not (type eq \"work\" or value sw \"n\")]"}]`, `{"userName":"k","emails":[{"type":"work","value":"w"},{"value":"n"}]}`},
		"a filter of several is replaced whole":     {`{"userName":"k","emails":[{"type":"work","value":"w","display":"D"},{"type":"home","value":"h"}]}`, `[{"op":"replace","path":"emails[value pr and type eq \"work\"]","value":{"type":"work","value":"x"}}]`, `{"userName":"k","emails":[{"type":"work","value":"x"},{"type":"home","value":"h"}]}`},
		"the core schema as a path":                 {`{"userName":"k"}`, `[{"op":"add","path":"urn:ietf:params:scim:schemas:core:2.0:User","value":{"title":"T","name.givenName":"G"}}]`, `{"userName":"k","title":"T","name":{"givenName":"G"}}`},
		"an extension cleared":                      {kofi, `[{"op":"add","path":"ENT","value":null},{"op":"replace","path":"ENT","value":""},{"op":"remove","path":"emails[type pr]"},{"op":"replace","value":{"name":null}}]`, `{"userName":"kofi","active":true,"title":"T"}`},
		"an element as a whole":                     {`{"userName":"k","emails":[{"type":"work","value":"w","display":"old"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x"}},{"op":"add","path":"emails[type eq \"work\"]","value":{"display":"new"}}]`, `{"userName":"k","emails":[{"type":"work","value":"x","display":"new"}]}`},
		"an element as text":                        {`{"userName":"k"}`, `[{"op":"add","path":"emails[type eq \"work\"]","value":"w"}]`, `{"userName":"k","emails":[{"type":"work","value":"w"}]}`},
		"a typed value cleared":                     {`{"userName":"k","emails":[{"type":"work","value":"w"},{"type":"home","value":"h"}]}`, `[{"op":"replace","path":"emails[type eq \"work\"].value","value":""},{"op":"replace","path":"emails[type eq \"fax\"].value","value":null}]`, `{"userName":"k","emails":[{"type":"home","value":"h"}]}`},
		"every element's sub-attribute":             {`{"userName":"k","emails":[{"type":"work","value":"w"},{"type":"home","value":"h"}]}`, `[{"op":"replace","path":"emails.display","value":"x"}]`, `{"userName":"k","emails":[{"type":"work","value":"w","display":"x"},{"type":"home","value":"h","display":"x"}]}`},
		"a sub-attribute where there is no element": {`{"userName":"k"}`, `[{"op":"add","path":"phoneNumbers.value","value":"1"}]`, `{"userName":"k","phoneNumbers":[{"value":"1"}]}`},
		"a new primary demotes the old":             {kofi, `[{"op":"replace","path":"emails[type eq \"home\"].primary","value":"True"}]`, strings.Replace(strings.Replace(kofi, `,"primary":true`, ``, 1), `"h"`, `"h","primary":true`, 1)},
		"equal addresses are one, primary or not":   {`{"userName":"k","addresses":[{"type":"work","region":"R","primary":true}]}`, `[{"op":"add","path":"addresses","value":{"type":"work","region":"R"}},{"op":"add","path":"addresses","value":[{"type":"home","region":"H","primary":true}]}]`, `{"userName":"k","addresses":[{"type":"work","region":"R"},{"type":"home","region":"H","primary":true}]}`},
		"a primary that says nothing demotes none":  {kofi, `[{"op":"add","path":"emails[type eq \"other\"].primary","value":true},{"op":"replace","path":"emails[type eq \"home\"]","value":{"primary":true}}]`, strings.Replace(kofi, `,{"type":"home","value":"h"}`, ``, 1)},
		"listed values are removed":                 {`{"userName":"k","emails":[{"type":"work","value":"a"},{"type":"home","value":"a"},{"value":"b"},{"value":"c"}]}`, `[{"op":"Remove","path":"emails","value":[{"value":"b"},{"value":"a","type":"home"}]}]`, `{"userName":"k","emails":[{"type":"work","value":"a"},{"value":"c"}]}`},
		"an empty list removes nothing":             {`{"userName":"k","emails":[{"value":"a"}]}`, `[{"op":"Remove","path":"emails","value":[]},{"op":"add","path":"emails","value":[]}]`, `{"userName":"k","emails":[{"value":"a"}]}`},
		"remove never sets":                         {`{"userName":"k","title":"T","ENT":{"manager":{"value":"M"}}}`, `[{"op":"Remove","path":"title","value":"X"},{"op":"Remove","path":"manager","value":"X"}]`, `{"userName":"k"}`},
		"active removed":                            {`{"userName":"k","active":false}`, `[{"op":"remove","path":"active"}]`, `{"userName":"k"}`},
		"a password is dropped":                     {`{"userName":"k"}`, `[{"op":"replace","path":"password","value":"p"},{"op":"replace","value":{"password":"p"}},{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:password","value":"p"}]`, `{"userName":"k"}`},
		"an unknown extension":                      {`{"userName":"k"}`, `[{"op":"add","path":"urn:acme:2.0:User:tier","value":"gold"},{"op":"add","path":"urn:acme:2.0:User:old","value":"x"},{"op":"remove","path":"urn:acme:2.0:User:old"}]`, `{"userName":"k","urn:acme:2.0:User":{"tier":"gold"}}`},
		"no operations":                             {`{"userName":"k"}`, `[]`, `{"userName":"k"}`},
		"a blank userName beside active false":      {kofi, `[{"op":"Remove","path":"ENT:manager"},{"op":"Add","path":"emails","value":{"value":"n","primary":true}},{"op":"Replace","path":"ENT:department","value":"N"},{"op":"Replace","path":"userName","value":" "},{"op":"Replace","path":"active","value":"False"}]`, strings.Replace(kofi, `true`, `false`, 1)},
		"an extension removed beside them":          {kofi, `[{"op":"Remove","path":"ENT"},{"op":"Replace","path":"userName","value":" "},{"op":"Replace","path":"active","value":"False"}]`, strings.Replace(kofi, `true`, `false`, 1)},
		"one bad attribute beside active false":     {`{"userName":"k","active":true}`, `[{"op":"Replace","path":"colour","value":"teal"},{"op":"Replace","path":"title","value":{"a":1}},{"op":"Replace","path":"id","value":"x"},{"op":"Replace","path":"active","value":"False"},{"op":"Add","path":"nickName","value":"N"}]`, `{"userName":"k","active":false,"nickName":"N"}`},
	} {
		t.Run(name, func(t *testing.T) {
			r := resource(t, c.before)
			body := fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":%s}`, strings.ReplaceAll(c.ops, "ENT", ent))
			if _, err := scim.Patch(r, []byte(body)); err != nil {
				t.Fatal(err)
			}
			wantJSON(t, r, c.want)
			if _, err := scim.Patch(r, []byte(body)); err != nil {
				t.Fatal("a second time:", err)
			}
			wantJSON(t, r, c.want)
		})
	}
}

func TestPatchErrors(t *testing.T) {
	for ops, want := range map[string]desk.Kind{
		`{}`: desk.InvalidSyntax, `"x"`: desk.InvalidSyntax, `["x"]`: desk.InvalidSyntax, `[{"path":"title","value":"x"}]`: desk.InvalidSyntax, `[{"op":"merge","path":"title","value":"x"}]`: desk.InvalidSyntax, `[{"op":5}]`: desk.InvalidSyntax,
		`[{"op":"remove"}]`: desk.NoTarget, `[{"op":"replace","value":"x"}]`: desk.InvalidValue, `[{"op":"replace","path":"title"}]`: desk.InvalidValue, `[{"op":"replace","path":5,"value":"x"}]`: desk.InvalidPath,
		`[{"op":"replace","path":"colour","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"name.nick","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"emails[type eq \"work\"","value":"x"}]`: desk.InvalidPath,
		`[{"op":"replace","path":"emails[type eq \"work\"].foo","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"emails[type]","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"title[x eq 1]","value":"x"}]`: desk.InvalidPath,
		`[{"op":"replace","path":"emails[type eq \"work\"]value","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"title.","value":"x"}]`: desk.InvalidPath, `[{"op":"replace","path":"ENT:colour","value":"x"}]`: desk.InvalidPath,
		`[{"op":"replace","path":"emails[type co \"fax\"].value","value":"x"}]`: desk.NoTarget, `[{"op":"add","path":"emails[not (type eq \"work\")].value","value":"x"}]`: desk.NoTarget,
		`[{"op":"replace","path":"emails[value eq \"old\"].value","value":"new"}]`: desk.NoTarget, `[{"op":"replace","path":"emails[type eq \"fax\"].type","value":"home"}]`: desk.NoTarget, `[{"op":"add","path":"emails[type eq \"fax\"]","value":{"type":"home","value":"x"}}]`: desk.NoTarget,
		`[{"op":"replace","path":"id","value":"x"}]`: desk.Mutability, `[{"op":"remove","path":"meta.created"}]`: desk.Mutability, `[{"op":"add","path":"groups","value":[]}]`: desk.Mutability, `[{"op":"replace","path":"ENT:manager.displayName","value":"x"}]`: desk.Mutability,
		`[{"op":"remove","path":"userName"}]`: desk.Mutability, `[{"op":"replace","path":"userName","value":""}]`: desk.InvalidValue, `[{"op":"replace","path":"userName","value":" "}]`: desk.InvalidValue,
		`[{"op":"replace","path":"title","value":5}]`: desk.InvalidValue, `[{"op":"replace","path":"active","value":"perhaps"}]`: desk.InvalidValue, `[{"op":"replace","path":"name.givenName","value":{}}]`: desk.InvalidValue,
		`[{"op":"replace","value":{"ENT: ":"x"}}]`: desk.InvalidValue, `[{"op":"replace","value":{" ":"x"}}]`: desk.InvalidPath, `[{"op":"replace","path":"ENT","value":"x"}]`: desk.InvalidValue, `[{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}]`: desk.InvalidValue,
		`[{"op":"replace","path":"emails.primary","value":true}]`: desk.InvalidValue, `[{"op":"replace","path":"emails[type eq \"work\"].primary","value":"True"}]`: desk.InvalidValue,
	} {
		r := resource(t, `{"userName":"k","active":true,"emails":[{"type":"work","value":"w"},{"type":"work","value":"v"}]}`)
		body := fmt.Sprintf(`{"Operations":%s}`, strings.ReplaceAll(ops, "ENT", ent))
		if _, err := scim.Patch(r, []byte(body)); desk.KindOf(err) != want {
			t.Errorf("%s: error %v, want %s", ops, err, want)
		}
	}
}
