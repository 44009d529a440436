package companies

import "testing"

func TestNameOf(t *testing.T) {
	for domain, want := range map[string]string{
		"acme.com": "Acme", "mail.acme.co.uk": "Acme", "silver-field.example": "Silver Field", "xn--bcher-kva.de": "Bücher", "co.uk": "Co", "localhost": "Localhost",
		"3m.com": "3m", "": "",
	} {
		if got := NameOf(domain); got != want {
			t.Errorf("the company of %s is called %q, want %q", domain, got, want)
		}
	}
}

func TestShown(t *testing.T) {
	for domain, want := range map[string]string{
		"acme.com": "acme.com", "xn--bcher-kva.de": "bücher.de", "*.xn--bcher-kva.de": "*.bücher.de", "*.acme.com": "*.acme.com", "": "",
		"xn--a.example": "xn--a.example", "xn--.de": "xn--.de",
	} {
		if got := Shown(domain); got != want {
			t.Errorf("%s is shown as %q, want %q", domain, got, want)
		}
	}
}
