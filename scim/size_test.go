package scim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/store"
)

// many are n texts in an extension that no schema describes.
func many(n, each int) map[string]any {
	more := map[string]any{}
	for i := range n {
		more[fmt.Sprintf("note%d", i)] = strings.Repeat("x", each)
	}
	return map[string]any{acme: more}
}

// TestSizes pushes texts as long as they may be and longer, in each way in which a directory can.
func TestSizes(t *testing.T) {
	text := func(n int) string { return strings.Repeat("ä", n) }
	values := func(n, each int) map[string]any {
		var list []any
		for i := range n {
			list = append(list, map[string]any{"type": "other", "value": strings.Repeat("1", each) + itoa(i)})
		}
		return map[string]any{"phoneNumbers": list}
	}
	eachEndpoint(t, func(t *endpoint) {
		testkit.Call(t, "POST", t.URL+"/api/v1/fields", t.Token(t, "main", desk.RoleAdmin), `{"name":"desk","type":"text"}`).Want(t, 201)
		for i, c := range []struct {
			at    string // "" for all of it
			most  string
			fits  map[string]any
			above map[string]any
		}{
			{"displayName", "4096", map[string]any{"displayName": text(4096)}, map[string]any{"displayName": text(4097)}},
			{"name.givenName", "4096", map[string]any{"name": map[string]any{"givenName": text(4096)}}, map[string]any{"name": map[string]any{"givenName": text(4097)}}},
			{"addresses.streetAddress", "4096", map[string]any{"addresses": []any{map[string]any{"type": "work", "streetAddress": text(4096)}}},
				map[string]any{"addresses": []any{map[string]any{"type": "work", "streetAddress": text(4097)}}}},
			{"emails.display", "4096", map[string]any{"emails": []any{map[string]any{"value": "a@b.example", "display": text(4096)}}},
				map[string]any{"emails": []any{map[string]any{"value": "a@b.example", "display": text(4097)}}}},
			{ent + ":department", "4096", map[string]any{ent: map[string]any{"department": text(4096)}}, map[string]any{ent: map[string]any{"department": text(4097)}}},
			{acme + ":hall.floor", "4096", map[string]any{acme: map[string]any{"hall": map[string]any{"floor": text(4096)}}},
				map[string]any{acme: map[string]any{"hall": map[string]any{"floor": text(4097)}}}},
			{"colour", "4096", map[string]any{"colour": text(4096)}, map[string]any{"colour": text(4097)}},
			{custom + ":desk", "4096", map[string]any{custom: map[string]any{"desk": text(4096)}}, map[string]any{custom: map[string]any{"desk": text(4097)}}},
			{"x509Certificates.value", "16384", map[string]any{"x509Certificates": []any{map[string]any{"value": strings.Repeat("M", 16384)}}},
				map[string]any{"x509Certificates": []any{map[string]any{"value": strings.Repeat("M", 16385)}}}},
			{"phoneNumbers", "500", values(500, 8), values(501, 8)},
			{"", "65536", many(15, 4096), many(16, 4096)},
			{"", "65536", values(500, 50), values(500, 120)},
			{"", "65536", map[string]any{"title": strings.Repeat("\x01", 4096), "nickName": strings.Repeat("\x01", 4096)},
				map[string]any{"title": strings.Repeat("\x01", 4096), "nickName": strings.Repeat("\x01", 4096), "userType": strings.Repeat("\x01", 4096)}},
		} {
			name := fmt.Sprintf("size%d", i)
			with := func(more map[string]any, members ...string) map[string]any {
				body := map[string]any{}
				for k, v := range more {
					body[k] = v
				}
				for i := 0; i < len(members); i += 2 {
					body[members[i]] = members[i+1]
				}
				return body
			}
			patch := func(value map[string]any) map[string]any {
				return map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": value}}}
			}
			bulk := func(value map[string]any) map[string]any {
				return map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": []any{
					map[string]any{"method": "POST", "path": "/Users", "bulkId": "a", "data": with(value, "userName", name+"bulk")}}}
			}
			refused := func(how string, a testkit.Answer) {
				t.Helper()
				wantError(t, a, 400, "invalidValue")
				var e struct{ Detail string }
				if err := json.Unmarshal(a.Body, &e); err != nil || !strings.Contains(e.Detail, c.most) || !strings.HasPrefix(e.Detail, c.at) {
					t.Errorf("%s of case %d (%s) is answered %.300s", how, i, c.at, a.Body)
				}
			}
			refused("POST", t.call("POST", "/Users", with(c.above, "userName", name)))
			id := "/Users/" + t.call("POST", "/Users", with(c.fits, "userName", name)).Want(t, 201)["id"].(string)
			refused("PUT", t.call("PUT", id, with(c.above, "userName", name)))
			refused("PATCH", t.call("PATCH", id, patch(c.above)))
			if got := t.call("GET", id, nil).Want(t, 200)["meta"].(map[string]any)["version"]; got != `W/"1"` {
				t.Errorf("case %d (%s): what was refused left version %s", i, c.at, got)
			}
			t.call("PUT", id, with(c.fits, "userName", name, "title", "T")).Want(t, 200)
			t.call("PATCH", id, patch(with(c.fits, "nickName", "N"))).Want(t, 200)
			if a := t.call("POST", "/Bulk", bulk(c.above)); !strings.Contains(string(a.Body), `"status":"400"`) || !strings.Contains(string(a.Body), c.most) {
				t.Errorf("case %d (%s) in bulk is answered %.300s", i, c.at, a.Body)
			}
			if a := t.call("POST", "/Bulk", bulk(c.fits)); !strings.Contains(string(a.Body), `"status":"201"`) {
				t.Errorf("case %d (%s) in bulk is answered %.300s", i, c.at, a.Body)
			}
			// Who leaves does so, whatever else is asked for.
			off := map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": with(c.above)}, map[string]any{"op": "replace", "path": "active", "value": false}}}
			if u := t.call("PATCH", id, off).Want(t, 200); u["active"] != false || u["title"] == nil {
				t.Errorf("case %d (%s): somebody who left is %v", i, c.at, u["active"])
			}
		}
	})
}

// TestPhotos holds that a picture where its URL belongs is left out, and that nobody is refused for it.
func TestPhotos(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		picture := "data:image/jpeg;base64," + strings.Repeat("/9j/", 30_000)
		u := t.call("POST", "/Users", map[string]any{"userName": "ann", "photos": []any{
			map[string]any{"type": "photo", "value": picture}, map[string]any{"type": "thumbnail", "value": "https://pictures.example/ann"},
		}}).Want(t, 201)
		if list, _ := u["photos"].([]any); len(list) != 1 || list[0].(map[string]any)["type"] != "thumbnail" {
			t.Errorf("kept are %.200v", u["photos"])
		}
		id := "/Users/" + u["id"].(string)
		for _, op := range []any{
			map[string]any{"op": "replace", "path": `photos[type eq "photo"].value`, "value": picture},
			map[string]any{"op": "add", "path": "photos", "value": []any{map[string]any{"type": "photo", "value": picture}}},
			map[string]any{"op": "add", "value": map[string]any{"photos": picture}},
		} {
			u := t.call("PATCH", id, map[string]any{"Operations": []any{op}}).Want(t, 200)
			if list, _ := u["photos"].([]any); len(list) != 1 || u["meta"].(map[string]any)["version"] != `W/"1"` {
				t.Errorf("%.100v leaves %.200v", op, u)
			}
		}
	})
}

// TestSizesOfOld changes people who were there before texts were bounded: what they have is theirs, but does not grow.
func TestSizesOfOld(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		actor := testkit.Directory("main", "entra")
		long := strings.Repeat("old ", 50_000)
		age := func(name string) (id string) {
			t.Helper()
			id = t.call("POST", "/Users", map[string]any{"userName": name, "active": true}).Want(t, 201)["id"].(string)
			stored, err := t.Engine.User(t.Context(), actor, id)
			if err != nil {
				t.Fatal(err)
			}
			u := stored
			r, err := u.Decode()
			if err != nil {
				t.Fatal(err)
			}
			r["displayName"] = long
			if err := u.SetResource(r); err != nil {
				t.Fatal(err)
			}
			if err := t.Store.Tx(t.Context(), func(tx *store.Tx) error { return tx.UpdateUser(&stored, &u, nil, nil) }); err != nil {
				t.Fatal(err)
			}
			return id
		}
		for i, c := range []struct {
			name, method string
			body         map[string]any
			want         string // of "active" and "title"
		}{
			{"disabled by PATCH", "PATCH", map[string]any{"Operations": []any{map[string]any{"op": "replace", "path": "active", "value": false}}}, "false <nil>"},
			{"disabled by PUT", "PUT", map[string]any{"userName": "old1", "displayName": long, "active": false}, "false <nil>"},
			{"said to be active no more", "PATCH", map[string]any{"Operations": []any{map[string]any{"op": "remove", "path": "active"}}}, "<nil> <nil>"},
			{"changed for something shorter", "PUT", map[string]any{"userName": "old3", "displayName": "Old", "title": "T", "active": true}, "true T"},
			{"given a title", "PATCH", map[string]any{"Operations": []any{map[string]any{"op": "replace", "path": "title", "value": "T"}}}, "true T"},
			{"disabled, and more", "PATCH", map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": map[string]any{"active": false, "title": "T"}}}}, "false T"},
			{"disabled, and too much", "PATCH", map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": map[string]any{"active": false, "title": long + "x"}}}}, "false <nil>"},
		} {
			id := "/Users/" + age(fmt.Sprintf("old%d", i))
			if u := t.call("GET", id, nil).Want(t, 200); u["displayName"] != long {
				t.Errorf("%s: what was there cannot be read", c.name)
			}
			u := t.call(c.method, id, c.body).Want(t, 200)
			if got := fmt.Sprint(u["active"], " ", u["title"]); got != c.want {
				t.Errorf("%s: they are %s, want %s", c.name, got, c.want)
			}
		}
		id := "/Users/" + age("grows")
		for _, more := range []map[string]any{{"displayName": long + "x"}, {"title": long + "x"}, {"title": long, acme: map[string]any{"a": strings.Repeat("x", 4000)}, "displayName": strings.Repeat("y", 17_000)}, many(17, 4000)} {
			wantError(t, t.call("PATCH", id, map[string]any{"Operations": []any{map[string]any{"op": "replace", "value": more}}}), 400, "invalidValue")
		}
		events, err := t.Engine.ConnectionEvents(t.Context(), desk.Actor{TenantID: "main"}, "entra", provision.EventQuery{Limit: 1})
		if err != nil || len(events) != 1 || events[0].Outcome != desk.Refused || !strings.Contains(events[0].Detail, "65536") {
			t.Errorf("the log says %+v, %v", events, err)
		}
	})
}
