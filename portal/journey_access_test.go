package portal_test

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp/kb"

	"rollcall/desk"
)

// TestJourneyKeyboard looks for somebody and follows the log by the keyboard alone, and without motion.
func TestJourneyKeyboard(t *testing.T) {
	journeys(t, func(v *visitor) {
		base, token := v.Connect(v.T, "main", "entra")
		v.Push(base, token, entraUser("7a1e", "Kofi Mensah", "kofi@acme.example"))
		v.Push(base, token, entraUser("9c2f", "Ama Boateng", "ama@acme.example"))
		v.SignIn(desk.RoleAgent)
		v.Open("/contacts")
		v.Press(kb.Tab)
		if first := v.Focused(); first != "Skip to the page" {
			v.Errorf("the first stop is %q", first)
		}
		v.Press(kb.Enter)
		v.wait("to skip the menu", `document.activeElement.id === "main"`)
		v.TabTo("Search")
		v.Press("kofi")
		v.SeesNot("Ama Boateng")
		v.TabTo("Kofi Mensah")
		v.Push(base, token, entraUser("8b3d", "Kofi Asante", "kofi.asante@acme.example"))
		v.Sees("Kofi Asante")
		if now := v.Focused(); now != "Kofi Mensah" {
			v.Errorf("when the list renews itself, the focus goes to %q", now)
		}
		v.Press(kb.Enter)
		v.Sees("7a1e")
		v.Check()

		if v.Phone {
			v.TabTo("Menu")
			v.Press(kb.Enter)
		}
		v.TabTo("Sync log")
		v.Press(kb.Enter)
		v.Sees("Live")
		v.Check()
		moves := func() bool {
			return ask[bool](v, `document.getAnimations().length > 0`)
		}
		if !moves() {
			v.Error("nothing shows that the log is live")
		}
		call(v, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		if moves() {
			v.Error("something moves for who does not want that")
		}
		v.TabTo("Pause")
		v.Press(kb.Enter)
		v.Sees("Paused")
	})
}

// focused is a script that finds what has the focus, by what a screen reader would say.
const focused = `(e => (e.labels?.[0]?.textContent || e.getAttribute("aria-label") || e.innerText || e.tagName).replace(/\s+/g, " ").trim())(document.activeElement)`

// Focused returns what has the focus.
func (v *visitor) Focused() string { return ask[string](v, focused) }

// TabTo goes from stop to stop until one says so. Each stop must be seen, and be seen to have the focus.
func (v *visitor) TabTo(name string) {
	v.Helper()
	for range 100 {
		v.Press(kb.Tab)
		if !ask[bool](v, `(e => e === document.body || e.checkVisibility({visibilityProperty: true, opacityProperty: true}) && parseFloat(getComputedStyle(e).outlineWidth) > 0)(document.activeElement)`) {
			v.Errorf("%s: nobody sees that %q has the focus", v.Path(), v.Focused())
		}
		if v.Focused() == name {
			return
		}
	}
	v.Fatalf("%s: no stop says %s", v.Path(), name)
}
