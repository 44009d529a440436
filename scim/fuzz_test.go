package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/scim"
	"rollcall/store"
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
	again, err := scim.NewResource(b.Bytes())
	if err != nil {
		t.Fatalf("%s is not read again: %v", b.Bytes(), err)
	}
	if diff := cmp.Diff(r, again); diff != "" {
		t.Fatalf("%s is read again with another result: %s", b.Bytes(), diff)
	}
}

func FuzzNewResource(f *testing.F) {
	addBodies(f, "POST")
	addBodies(f, "PUT")
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := scim.NewResource(body)
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
		"roles":[{"value":"r","primary":true}],"` + ent + `":{"department":"D","manager":{"value":"M"}}}`
	f.Fuzz(func(t *testing.T, body []byte) {
		r := resource(t, before)
		if _, err := scim.Patch(r, body); err != nil {
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

func FuzzFilter(f *testing.F)         { fuzzFilter(f, testkit.SQLite(f)) }
func FuzzFilterPostgres(f *testing.F) { fuzzFilter(f, testkit.Postgres(f)) }

// fuzzFilter holds that what parses can be asked of a database, and that both evaluations agree on one person.
func fuzzFilter(f *testing.F, databaseURL string) {
	for _, s := range []string{
		`userName eq "kofi"`, `emails[type eq "work"].value eq "x"`, `not (title pr) and (active eq "True" or meta.created gt "2026-01-01T00:00:00Z")`,
		`externalId eq match10oid`, `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "O"`, `emails.value co "\u00e9"`, `name[givenName eq "G"]`, `schemas co "core"`,
	} {
		f.Add(s)
	}
	st, err := store.Open(context.Background(), databaseURL)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { st.Close() })
	u := desk.DirectoryUser{TenantID: "t", Connection: "c", ID: store.NewID(), ContactID: "1", Version: 1}
	r := resource(f, `{"userName":"Kofi","externalId":"e","active":true,"title":"Ünï","name":{"givenName":"G"},"emails":[{"type":"work","value":"w","primary":true}]}`)
	if err := u.SetResource(r); err != nil {
		f.Fatal(err)
	}
	err = st.Tx(context.Background(), func(tx *store.Tx) error {
		u.CreatedAt, u.ModifiedAt = tx.Now, tx.Now
		if err := tx.CreateContact(&desk.Contact{TenantID: "t", ID: "1", Status: desk.Active}); err != nil {
			return err
		}
		return tx.CreateUser(&u, u.EmailIndex(r))
	})
	if err != nil {
		f.Fatal(err)
	}
	r["id"] = u.ID
	r["meta"] = map[string]any{"resourceType": "User", "created": u.CreatedAt.Format("2006-01-02T15:04:05.999999Z"), "lastModified": u.ModifiedAt.Format("2006-01-02T15:04:05.999999Z")}
	f.Fuzz(func(t *testing.T, text string) {
		filter, err := scim.ParseFilter(text)
		if err != nil {
			wantClientError(t, err)
			return
		}
		list, err := st.Read(context.Background()).Users("t", "c", desk.UserQuery{Filter: filter, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		if desk.Match(filter, r) != (len(list) == 1) {
			t.Fatalf("%q: in memory %v, in the database %d", text, desk.Match(filter, r), len(list))
		}
	})
}
