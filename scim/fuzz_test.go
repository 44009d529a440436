package scim_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/scim"
)

// addBodies seeds with the bodies of all recorded requests.
func addBodies(f *testing.F, method string) {
	for _, c := range testkit.Cases(f, "../testdata/wire/cases.jsonl") {
		for _, r := range append(c.Setup, c.Request) {
			if r.Method != method {
				continue
			}
			if r.RawBody != nil {
				f.Add([]byte(*r.RawBody))
			} else if body, err := json.Marshal(r.Body); err == nil {
				f.Add(body)
			}
		}
	}
}

// wantClientError fails on an error that is not the client's.
func wantClientError(t *testing.T, err error) {
	t.Helper()
	switch desk.KindOf(err) {
	case desk.InvalidSyntax, desk.InvalidValue, desk.InvalidPath, desk.InvalidFilter, desk.NoTarget, desk.Mutability:
	default:
		t.Fatalf("error %v is not the client's", err)
	}
}

// wantCanonical fails unless reading the resource again gives the same.
func wantCanonical(t *testing.T, r desk.Resource) {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		t.Fatal(err)
	}
	again, err := scim.NewResource(b.Bytes(), ownFields...)
	if err != nil {
		t.Fatalf("%s is not read again: %v", b.Bytes(), err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Fatalf("%s is read again with another result: %s", b.Bytes(), diff)
	}
}

// ownPatches are changes of custom fields with several values.
var ownPatches = []string{
	`{"op":"add","path":"` + custom + `:location","value":["Oslo","berlin"]}`, `{"op":"remove","path":"` + custom + `:location[value eq \"Accra\"]"}`, `{"op":"remove","path":"location","value":["accra"]}`,
	`{"op":"replace","path":"location[value sw \"A\"]","value":[{"value":"Berlin"}]}`, `{"op":"replace","value":{"` + custom + `:floors":["2",3.0],"tiers":"gold","` + custom + `":{"days":["2026-01-31"]}}}`,
	`{"op":"add","path":"floors[value eq 7]","value":"7"}`,
}

func FuzzNewResource(f *testing.F) {
	addBodies(f, "POST")
	addBodies(f, "PUT")
	f.Add([]byte(`{"userName":"k","` + custom + `":{"location":["a","A",""],"floors":"1.50","days":["2026-01-31",null],"tiers":[{"value":"GOLD"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := scim.NewResource(body, ownFields...)
		if err != nil {
			wantClientError(t, err)
			return
		}
		wantCanonical(t, r)
	})
}

func FuzzPatch(f *testing.F) {
	addBodies(f, "PATCH")
	const before = `{"userName":"k","externalId":"e","active":true,"title":"T","name":{"givenName":"G"},"emails":[{"type":"work","value":"w","primary":true},{"type":"home","value":"h"}],
		"roles":[{"value":"r","primary":true}],"` + ent + `":{"department":"D","manager":{"value":"M"}},"` + custom + `":{"location":["Accra","Berlin"],"floors":[1]}}`
	for _, op := range ownPatches {
		f.Add([]byte(`{"Operations":[` + op + `]}`))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := resource(t, before)
		if _, err := scim.Patch(r, body, ownFields...); err != nil {
			wantClientError(t, err)
			return
		}
		wantCanonical(t, r)
	})
}

func FuzzQuery(f *testing.F) {
	f.Add("filter=userName+eq+%22x%22&startIndex=1&count=5&attributes=emails,name.givenName")
	f.Add("filter=%ZZ")
	f.Add("Count=99999999999999999999")
	f.Fuzz(func(t *testing.T, query string) {
		if err := scim.ParseQuery(query); err != nil {
			wantClientError(t, err)
		}
	})
}
