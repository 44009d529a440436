package portal_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestJourneySyncLog watches requests come in, follows the refused one, and takes the rest home as a file.
func TestJourneySyncLog(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.SignIn(desk.RoleAgent)
		v.Open("/log")
		v.Sees("The connection itself")
		kofi := v.Push(base, token, entraUser("7a1e", "Kofi <script>alert(1)</script> Mensah", "kofi@acme.example"))
		v.Sees("Nobody matched, so it is a new contact")
		testkit.Call(v.T, "POST", base+"/Users", token, entraUser("9c2f", "Kofi Again", "kofi@acme.example")).Want(v.T, 409)
		testkit.Call(v.T, "PATCH", base+"/Users/"+kofi, token, `{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}`).Want(v.T, 200)
		v.Sees("userName is taken", "Changed Title")
		v.wait("the newest on top", `document.querySelector("tbody tr").innerText.includes("updated")`)
		v.Check()

		v.Click("Pause")
		v.Sees("Paused")
		v.Push(base, token, entraUser("8b3d", "Ama Boateng", "ama@acme.example"))
		v.SeesNot("Ama Boateng")
		v.Click("Resume")
		v.Sees("Ama Boateng", "Live")

		v.Choose("Outcome", "refused")
		v.SeesNot("Ama Boateng")
		file := v.download()
		if len(file) != 2 || file[1][2] != "refused" || file[1][6] != "kofi@acme.example" {
			v.Errorf("the file of refusals has %q", file)
		}
		v.Click("userName is taken")
		v.Sees("Somebody has this key already.", "as the request said")
		v.Click("All events of this request")
		v.Sees("userName is taken")
		v.SeesNot("Ama Boateng")
		v.Click("Clear the filter")
		v.Sees("Ama Boateng")
		v.Fill("Person", "ama@acme.example")
		v.SeesNot("userName is taken")
		v.Sees("Ama Boateng")
	})
}

// TestJourneyCycles looks at the bursts in which requests came, and at what came in one.
func TestJourneyCycles(t *testing.T) {
	journeys(t, func(v *visitor) {
		v.Connect(v.T, "main", "zoho")
		base, token := v.Connect(v.T, "main", "entra")
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		testkit.Call(v.T, "POST", base+"/Users", token, entraUser("9c2f", "Kofi Again", "kofi@acme.example")).Want(v.T, 409)
		if err := v.Store.WriteActivity(v.Context()); err != nil {
			v.Fatal(err)
		}
		v.SignIn(desk.RoleAgent)
		v.Open("/log/cycles?connection=zoho")
		v.Sees("No cycle yet")
		v.Choose("Connection", "entra")
		v.Sees("running", "1 created")
		v.Check()
		if chart := ask[string](v, `document.querySelector("svg.bar").getAttribute("aria-label")`); chart != "1 synced, 1 failed" {
			v.Errorf("the chart says %q", chart)
		}
		v.Click(ask[string](v, `document.querySelector("tbody a").innerText`))
		v.Sees("Cycle of", "userName is taken", "Kofi Mensah")
		v.Choose("Outcome", "created")
		v.SeesNot("userName is taken")
		v.Sees("Cycle of", "Kofi Mensah")
	})
}

// download gets the file that the page offers, as the visitor's browser would, and returns its rows.
func (v *visitor) download() [][]string {
	v.Helper()
	r, err := http.NewRequestWithContext(v.Context(), "GET", ask[string](v, `document.querySelector("a[download]").href`), nil)
	if err != nil {
		v.Fatal(err)
	}
	r.AddCookie(v.cookie)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer answer.Body.Close()
	rows, err := csv.NewReader(answer.Body).ReadAll()
	if err != nil || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment") {
		v.Fatalf("%d %v %v", answer.StatusCode, answer.Header, err)
	}
	return rows
}
