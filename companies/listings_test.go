package companies

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/desk"
)

func TestListings(t *testing.T) {
	for domain, want := range map[string][]string{
		"":                      nil,
		"acme.com":              {"acme.com"},
		"mail.acme.com":         {"mail.acme.com", "*.acme.com"},
		"a.b.acme.com":          {"a.b.acme.com", "*.b.acme.com", "*.acme.com"},
		"acme.co.uk":            {"acme.co.uk"},
		"mail.acme.co.uk":       {"mail.acme.co.uk", "*.acme.co.uk"},
		"co.uk":                 {"co.uk"},
		"acme.github.io":        {"acme.github.io"},
		"mail.xn--bcher-kva.de": {"mail.xn--bcher-kva.de", "*.xn--bcher-kva.de"},
		"localhost":             {"localhost"},
		"10.0.0.1":              {"10.0.0.1"},
		"mail.acme.10":          {"mail.acme.10"},
		"a.10.example":          {"a.10.example", "*.10.example"},
	} {
		if diff := cmp.Diff(want, Listings(domain)); diff != "" {
			t.Errorf("%s: %s", domain, diff)
		}
	}
}

func TestNormaliseListing(t *testing.T) {
	for listing, want := range map[string]string{
		" *.ACME.com. ": "*.acme.com", "*.b.acme.com": "*.b.acme.com", "*.Bücher.de": "*.xn--bcher-kva.de", "ACME.com": "acme.com", "*.acme.co.uk": "*.acme.co.uk",
		"*.com": "", "*.co.uk": "", "*.github.io": "", "*.": "", "*": "", "*.*.acme.com": "", "**.acme.com": "", "a.*.acme.com": "", "*acme.com": "", "": "", "*.10.0.0.1": "", "*.0.0.0": "",
	} {
		got, err := NormaliseListing(listing)
		if got != want || (want == "") != (desk.KindOf(err) == desk.InvalidValue) {
			t.Errorf("%q becomes %q, %v; want %q", listing, got, err, want)
		}
	}
}

// FuzzListings holds that whatever fits a domain is what a company can list.
func FuzzListings(f *testing.F) {
	for _, s := range []string{"a.b.acme.com", "mail.acme.co.uk", "com", "x.kawasaki.jp", "city.kawasaki.jp", "a.b.c.compute.amazonaws.com", "bücher.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		domain, err := Normalise(s)
		if err != nil {
			return
		}
		listings := Listings(domain)
		if listings[0] != domain {
			t.Fatalf("%s does not come first in %v", domain, listings)
		}
		for _, listing := range listings {
			if again, err := NormaliseListing(listing); err != nil || again != listing {
				t.Fatalf("%s, which fits %s, cannot be listed: %q, %v", listing, domain, again, err)
			}
		}
	})
}
