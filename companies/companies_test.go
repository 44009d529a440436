package companies

import (
	"strings"
	"testing"

	"rollcall/desk"
)

func TestDomainOf(t *testing.T) {
	long := strings.Repeat("a", 64)
	for address, want := range map[string]string{
		"kofi@acme.com":                  "acme.com",
		"Kofi@ACME.Com":                  "acme.com",
		"  kofi@acme.com ":               "acme.com",
		"kofi@acme.com.":                 "acme.com",
		"kofi@evilacme.com":              "evilacme.com",
		"kofi@acme.com.evil.example":     "acme.com.evil.example",
		"kofi@mail.acme.com":             "mail.acme.com",
		`"kofi@home"@acme.com`:           "acme.com",
		"kofi@home@acme.com":             "acme.com",
		"kofi@bücher.example":            "xn--bcher-kva.example",
		"kofi@BÜCHER.example":            "xn--bcher-kva.example",
		"kofi@xn--bcher-kva.example":     "xn--bcher-kva.example",
		"kofi@XN--BCHER-KVA.example":     "xn--bcher-kva.example",
		"kofi@bu\u0308cher.example":      "xn--bcher-kva.example", // ü as u and a combining mark
		"kofi@例え。jp":                     "xn--r8jz45g.jp",        // ideographic full stop
		"kofi@ｆｕｌｌ.example":              "full.example",          // full-width letters
		"kofi@faß.example":               "xn--fa-hia.example",
		"kofi@localhost":                 "localhost",
		"kofi":                           "",
		"acme.com":                       "",
		"":                               "",
		"@":                              "",
		"kofi@":                          "",
		"kofi@.":                         "",
		"kofi@acme..com":                 "",
		"kofi@.acme.com":                 "",
		"kofi@acme.com..":                "",
		"kofi@ac me.com":                 "",
		"kofi@acme.com/x":                "",
		"kofi@[192.0.2.1]":               "",
		"kofi@acme_x.com":                "",
		"kofi@" + long + ".com":          "",
		"kofi@acme.com\x00":              "",
		"kofi@\xff.com":                  "",
		"kofi#EXT#@acme.onmicrosoft.com": "acme.onmicrosoft.com",
	} {
		if got := DomainOf(address); got != want {
			t.Errorf("DomainOf(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestResolve(t *testing.T) {
	for name, c := range map[string]struct {
		facts  desk.CompanyFacts
		want   string
		reason desk.CompanyReason
	}{
		"one company lists the domain":   {desk.CompanyFacts{Domain: "acme.com", Listed: []string{"A"}}, "A", desk.CompanyByDomain},
		"its contacts are the company's": {desk.CompanyFacts{Domain: "acme.com", Listed: []string{"A"}, Linked: []string{"A"}}, "A", desk.CompanyByDomain},
		"its contacts are one other's":   {desk.CompanyFacts{Domain: "acme.com", Listed: []string{"A"}, Linked: []string{"B"}}, "A", desk.CompanyByDomain},
		"none lists it":                  {desk.CompanyFacts{Domain: "acme.com"}, "", desk.CompanyNoMatch},
		"none lists it, contacts differ": {desk.CompanyFacts{Domain: "acme.com", Linked: []string{"A", "B"}}, "", desk.CompanyNoMatch},
		"no domain":                      {desk.CompanyFacts{}, "", desk.CompanyNoMatch},
		"several list it":                {desk.CompanyFacts{Domain: "acme.com", Listed: []string{"A", "B"}}, "", desk.CompanyAmbiguousListing},
		"contacts differ":                {desk.CompanyFacts{Domain: "acme.com", Listed: []string{"A"}, Linked: []string{"A", "B"}}, "", desk.CompanyAmbiguousContacts},
		"by hand":                        {desk.CompanyFacts{Current: desk.CompanyManual, Company: "C", Domain: "acme.com", Listed: []string{"A"}}, "C", desk.CompanyManual},
		"blank by hand":                  {desk.CompanyFacts{Current: desk.CompanyManual, Domain: "acme.com", Listed: []string{"A"}}, "", desk.CompanyManual},
		"moved to another domain":        {desk.CompanyFacts{Current: desk.CompanyByDomain, Company: "A", Domain: "beta.com", Listed: []string{"B"}}, "B", desk.CompanyByDomain},
	} {
		t.Run(name, func(t *testing.T) {
			company, reason := Resolve(c.facts)
			if company != c.want || reason != c.reason {
				t.Errorf("got %q, %s; want %q, %s", company, reason, c.want, c.reason)
			}
		})
	}
}

// FuzzDomainOf holds that a normalised domain is stable, is what an address of it yields, and is never merely a suffix.
func FuzzDomainOf(f *testing.F) {
	for _, s := range []string{"kofi@acme.com", "a@b@ACME.com.", "x@bücher.example", "x@例え。jp", "x@xn--a", "x@\xff", "@", "x@-a.b-", "x@a\u200d.com", "x@faß.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		domain := DomainOf(address)
		if domain == "" {
			return
		}
		if again, err := Normalise(domain); err != nil || again != domain {
			t.Errorf("%q: normalising %q again gives %q, %v", address, domain, again, err)
		}
		if strings.ToLower(domain) != domain || strings.ContainsAny(domain, "@ \x00") || strings.HasSuffix(domain, ".") {
			t.Errorf("%q: %q is not normal", address, domain)
		}
		for i := range len(domain) {
			if domain[i] >= 0x80 {
				t.Fatalf("%q: %q is not ASCII", address, domain)
			}
		}
		if got := DomainOf("other@evil" + domain); got == domain {
			t.Errorf("%q passes for %q", "evil"+domain, domain)
		}
		if got := DomainOf("Other@" + strings.ToUpper(domain) + "."); got != domain {
			t.Errorf("in capitals, %q gives %q", domain, got)
		}
	})
}
