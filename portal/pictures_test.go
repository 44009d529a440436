package portal_test

import (
	"bytes"
	"flag"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rollcall/desk"
	"rollcall/internal/testkit"
	"rollcall/provision"
)

var update = flag.Bool("update", false, "write the README's pictures anew")

// maxPicture is the most that one of the README's pictures may weigh, in bytes.
const maxPicture = 150_000

// TestPictures takes the README's pictures of a helpdesk that two directories feed.
func TestPictures(t *testing.T) {
	v := newVisitor(t, testkit.NewServer(t, testkit.SQLite(t)), false)
	v.do(chromedp.EmulateViewport(1280, 800))
	picturedHelpdesk(v)
	v.SignIn(desk.RoleAdmin)
	for name, page := range map[string]struct{ path, sees string }{
		"contacts": {"/contacts", "Kofi Mensah"}, "connection": {"/connections/entra", "Microsoft Entra ID"},
	} {
		v.Open(page.path)
		v.Sees(page.sees)
		picture, err := chromedp.Run(v.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		config, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || config.Width != 1280 || config.Height != 800 || len(picture) > maxPicture {
			t.Errorf("the picture of %s has %d by %d pixels and %d bytes, %v", page.path, config.Width, config.Height, len(picture), err)
		}
		path := filepath.Join("../docs/images", name+".png")
		if *update {
			err = os.WriteFile(path, picture, 0o644)
		} else {
			_, err = os.Stat(path)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// picturedHelpdesk makes a helpdesk as an administrator would, and lets two directories push their people in the two weeks before now.
func picturedHelpdesk(v *visitor) {
	v.Helper()
	must := func(err error) {
		v.Helper()
		if err != nil {
			v.Fatal(err)
		}
	}
	day := -14 * 24 * time.Hour
	v.Store.Now = func() time.Time { return time.Now().Add(day) }
	ctx, admin := v.Context(), desk.Actor{Type: desk.ActorAgent, TenantID: "main", Name: "Ines Moreau", Role: desk.RoleAdmin}
	must(v.Engine.CreateTenant(ctx, "main", "Northwind support"))
	for name, domain := range map[string]string{"Acme": "acme.example", "Globex Corporation": "globex.example", "Initech": "initech.example"} {
		_, err := v.Engine.CreateCompany(ctx, admin, provision.CompanyEdit{Name: &name, Domains: &[]string{domain}})
		must(err)
	}
	tokens := map[string]string{}
	for _, c := range []desk.Connection{{Slug: "entra", Provider: "entra", Name: "Microsoft Entra ID"}, {Slug: "okta", Provider: "okta", Name: "Okta of Globex"}} {
		must(v.Engine.CreateConnection(ctx, admin, &c))
		token, err := v.Auth.Issue(ctx, admin, &desk.Token{Kind: desk.TokenSCIM, TenantID: "main", Connection: c.Slug, Label: "Production"})
		must(err)
		tokens[c.Slug] = token
	}
	for _, p := range [][2]string{{"Kofi Mensah", "kofi@acme.example"}, {"Mei Tanaka", "mei.tanaka@globex.example"}, {"Lena Vogel", "lena@initech.example"}} {
		_, err := v.Engine.CreateContact(ctx, admin, provision.ContactEdit{DisplayName: &p[0], Emails: &[]desk.Address{{Type: "work", Value: p[1]}}})
		must(err)
	}
	base := v.URL + "/scim/main/"
	first := v.Push(base+"entra", tokens["entra"], entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
	for i, p := range []struct{ connection, name, address string }{
		{"entra", "Ama Boateng", "ama@acme.example"}, {"okta", "Carlos Rivera", "carlos.rivera@globex.example"}, {"entra", "Tariq Haddad", "tariq@initech.example"},
		{"okta", "Mei Tanaka", "mei.tanaka@globex.example"}, {"entra", "Priya Nair", "priya@acme.example"}, {"entra", "Jonas Weber", "jonas@weber-consulting.example"},
		{"okta", "Sofia Rossi", "sofia.rossi@globex.example"}, {"entra", "Yaw Asante", "yaw@acme.example"}, {"entra", "Amara Okafor", "amara@acme.example"},
	} {
		day += 36 * time.Hour
		v.Push(base+p.connection, tokens[p.connection], entraUser(fmt.Sprint("7a1e-", i), p.name, p.address))
		for change := range i*5%7 + 1 {
			patch := fmt.Sprintf(`{"Operations":[{"op":"replace","path":"title","value":"Level %d"}]}`, i*10+change)
			testkit.Call(v.T, "PATCH", base+"entra/Users/"+first, tokens["entra"], patch).Want(v.T, 200)
		}
		if i == 5 {
			testkit.Call(v.T, "POST", base+"entra/Users", tokens["entra"], entraUser("9c2f", "Kofi Mensah", "kofi@acme.example")).Want(v.T, 409)
		}
		must(v.Store.WriteActivity(ctx))
	}
	day = 0
	testkit.Call(v.T, "PATCH", base+"entra/Users/"+first, tokens["entra"], `{"Operations":[{"op":"replace","path":"title","value":"Team lead"}]}`).Want(v.T, 200)
	must(v.Store.WriteActivity(ctx))
}
