package scim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
	"rollcall/scim"
)

// ownFields are the custom fields that people have.
var ownFields = []desk.Field{
	{Name: "location", Type: desk.FieldText, Multiple: true}, {Name: "floors", Type: desk.FieldNumber, Multiple: true}, {Name: "days", Type: desk.FieldDate, Multiple: true},
	{Name: "tiers", Type: desk.FieldChoice, Choices: []string{"Gold", "Ägir"}, Multiple: true}, {Name: "badge", Type: desk.FieldNumber}, {Name: "remote", Type: desk.FieldBoolean},
}

func makeFields(t testing.TB, s *testkit.Server, tenant string) {
	t.Helper()
	for _, f := range ownFields {
		if err := s.Engine.CreateField(t.Context(), desk.Actor{Type: desk.ActorAgent, TenantID: tenant, Name: "admin"}, f); err != nil {
			t.Fatal(err)
		}
	}
}

// people have the attributes over which filters are made.
func people() []desk.Resource {
	body := func(format string, args ...any) desk.Resource {
		r, err := scim.NewResource(fmt.Appendf(nil, format, args...), ownFields...)
		if err != nil {
			panic(err)
		}
		return r
	}
	list := []desk.Resource{
		body(`{"userName":"Kofi@acme.example","externalId":"K-1","active":true,"displayName":"Kofi \"K\" Adeyemi","title":"Lead","name":{"familyName":"ÅNGSTRÖM","givenName":"Kofi"},
			"emails":[{"type":"work","value":"Kofi@acme.example","primary":true},{"type":"home","value":"kofi@home.example"}],
			"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Ops","manager":{"value":"M-1"}},"` + custom + `":{"location":["Oslo","ÖSTERSUND"],"floors":[7,1],"days":["2026-01-02"],"tiers":["Gold","Ägir"],"badge":7,"remote":true}}`),
		body(`{"userName":"ann","externalId":"k-1","active":false,"displayName":"ünal","title":"100%% _lead_","emails":[{"value":"ann@acme.example"}],"phoneNumbers":[{"type":"work","value":"+1"}]}`),
		body(`{"userName":"STRAßE","active":true,"displayName":"ÜNAL","nickName":"\u212A","emails":[{"type":"WORK","value":"s@x.example"}],"roles":[{"value":"agent","primary":true}]}`),
		body(`{"userName":"zoë","active":true,"title":"lead\nsecond line","profileUrl":"https://x.example/A","photos":[{"value":"https://x.example/P","type":"photo"},{"value":"https://x.example/p","type":"thumbnail"}]}`),
		body(`{"userName":"plain","active":false}`),
	}
	for i := range 20 {
		list = append(list, body(`{"userName":"user%02d","externalId":"e%d","active":%v,"title":"%s","emails":[{"type":"%s","value":"u%d@x.example","primary":%v}],"addresses":[{"type":"work","locality":"%s"}],
			"`+custom+`":{"location":["%s","%s"],"floors":[%d,%d.5],"badge":%d}}`,
			i, i, i%3 == 0, []string{"Lead", "Agent", "Ägent", ""}[i%4], []string{"work", "home", "other"}[i%3], i, i%2 == 0, []string{"Oslo", "ÖSTERSUND"}[i%2],
			[]string{"Oslo", "", "K"}[i%3], []string{"a", "ünal", "", "lead"}[i%4], i%5, i%3, i%4))
	}
	return list
}

// randomFilter makes a filter that parses.
func randomFilter(r *rand.Rand, depth int) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	value := func() string {
		return `"` + pick("kofi", "Kofi@acme.example", "KOFI@ACME.example", "ünal", "ÜNAL", "ångström", "lead", "Lead", "%", "_", "a", "K-1", "k-1", "M-1", "ops", "work", "WORK",
			"home", "u3@x.example", "user1", "straße", "K", "", "https://x.example/P", "oslo", "östersund", `\"k\"`, `\n`, "\u10ffff") + `"`
	}
	text := func(paths ...string) string {
		path := pick(paths...)
		switch r.IntN(9) {
		case 0:
			return path + " pr"
		case 1:
			return path + pick(" eq null", " ne null")
		}
		return path + " " + pick("eq", "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Co") + " " + value()
	}
	if depth > 0 {
		switch r.IntN(4) {
		case 0:
			return "(" + randomFilter(r, depth-1) + ") and " + randomFilter(r, depth-1)
		case 1:
			return randomFilter(r, depth-1) + " or " + randomFilter(r, depth-1)
		case 2:
			return "not (" + randomFilter(r, depth-1) + ")"
		}
	}
	switch r.IntN(10) {
	case 0:
		return "active " + pick("eq true", "eq false", "ne true", `eq "True"`, "pr")
	case 1:
		return pick("meta.created", "meta.lastModified") + " " + pick("gt", "ge", "lt", "le", "eq", "ne") + " " +
			pick(`"2026-01-02T03:04:05.000005Z"`, `"2026-01-02T03:04:05.0000055Z"`, `"2026-01-02T05:04:05.000005+02:00"`, `"2025-12-31T00:00:00Z"`, `"2026-01-02T03:04:05"`)
	case 2:
		inner := func() string {
			return pick(text("type", "value"), `type eq "work"`, "primary eq true", "not (type pr)", `type eq "home" or value co "x"`, `type eq "work" and value eq "kofi@ACME.example"`)
		}
		return "emails[" + inner() + "]" + pick("", "", "."+text("value", "type"))
	case 3:
		return text("emails", "emails.value", "emails.type", "phoneNumbers.value", "roles", "photos.value", "addresses.locality", "schemas")
	case 4:
		return pick("name pr", "emails pr", "roles pr", "roles.primary eq true", "manager pr", "addresses pr", "meta pr", "meta ne null", `photos[value eq "https://x.example/P" and type eq "PHOTO"]`, `meta.resourceType eq "User"`, `meta.version eq "W/\"1\""`, `meta.location sw "https://desk.example/U"`, "meta.location pr")
	case 8:
		inner := pick("eq", "ne", "co", "sw", "ge") + " " + value()
		return pick(text(custom+":location", "LOCATION", "tiers"), "location[value "+inner+"]", "location[not (value "+inner+")]", `location[value pr]`, `location[value ne null]`,
			custom+`:location[value eq "oslo" or value co "N"]`, `tiers[value eq "gold" and value sw "G"]`, `schemas[value ew "user"]`)
	case 9:
		number := pick("eq", "ne", "gt", "ge", "lt", "le") + " " + pick("0", "1", "2.5", `"7"`)
		return pick("floors "+number, "badge "+number, "floors[value "+number+"]", "floors[value "+number+" and not (value eq 1)]", "floors pr", "remote eq true", `days gt "2026-01-01"`,
			`days[value lt "2026-01-03T00:00:00Z"]`, "days ne null", `not (days eq "2026-01-02")`)
	case 5:
		return text("manager", "department", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "urn:ietf:params:scim:schemas:core:2.0:User:title", "manager.value")
	}
	return text("userName", "externalId", "displayName", "title", "name.familyName", "nickName", "profileUrl", "id", "NAME.givenname")
}

const location = "https://desk.example/Users/"

// TestFiltersAgree compares what each engine finds by random filters with a plain evaluation in memory.
func TestFiltersAgree(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		server := testkit.NewServer(t, databaseURL)
		server.Connect(t, "t", "c")
		makeFields(t, server, "t")
		start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		n := 0
		server.Store.Now = func() time.Time { n++; return start.Add(time.Duration(n) * time.Microsecond) }
		actor := testkit.Directory("t", "c")
		type person struct {
			id     string
			values map[string]any
		}
		var stored []person
		for _, r := range people() {
			u, err := server.Engine.CreateUser(t.Context(), actor, r)
			if err != nil {
				t.Fatal(err)
			}
			values, err := u.Decode()
			if err != nil {
				t.Fatal(err)
			}
			values["id"] = u.ID
			values["meta"] = map[string]any{
				"resourceType": "User", "created": u.CreatedAt.Format(time.RFC3339Nano), "lastModified": u.ModifiedAt.Format(time.RFC3339Nano),
				"location": location + u.ID, "version": `W/"1"`,
			}
			stored = append(stored, person{u.ID, values})
		}
		check := func(engine *provision.Engine, text string) int {
			f, err := scim.ParseFilter(text, ownFields...)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			var want, got []string
			for _, p := range stored {
				if desk.Match(f, p.values) {
					want = append(want, p.id)
				}
			}
			found, total, err := engine.Users(t.Context(), actor, desk.UserQuery{Filter: f, Limit: 1000, Location: location})
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			for _, u := range found {
				got = append(got, u.ID)
			}
			if !slices.Equal(got, want) || total != len(want) {
				t.Errorf("%s\nfinds %d %v\nwant  %d %v", text, total, got, len(want), want)
			}
			return len(want)
		}
		for text, want := range map[string]int{"meta pr": len(stored), "not (meta pr)": 0, "meta eq null": 0, "meta[created pr]": len(stored)} {
			if n := check(server.Engine, text); n != want {
				t.Errorf("%s finds %d", text, n)
			}
		}
		hits := 0
		r := rand.New(rand.NewPCG(1, 2))
		for range 3000 {
			if k := check(server.Engine, randomFilter(r, 3)); k > 0 && k < len(stored) {
				hits++
			}
		}
		if hits < 1000 {
			t.Errorf("only %d filters told users apart", hits)
		}
	})
}
