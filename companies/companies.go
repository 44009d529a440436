package companies

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"rollcall/desk"
)

// DomainOf returns the normalised domain of an email address, or "" where it has none that DNS could hold.
func DomainOf(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	domain, err := Normalise(address[at+1:])
	if err != nil {
		return ""
	}
	return domain
}

// DomainOfProfile returns the domain of the work email, else of the primary email, else of the userName: of the first that
// has one.
func DomainOfProfile(p desk.Profile) string {
	for _, address := range []string{desk.WorkEmail(p.Emails), desk.PrimaryEmail(p.Emails), p.UserName} {
		if domain := DomainOf(address); domain != "" {
			return domain
		}
	}
	return ""
}

// Normalise returns a domain as it is stored and compared, or an InvalidValue error.
func Normalise(domain string) (string, error) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSpace(domain))
	ascii = strings.TrimSuffix(ascii, ".")
	if err == nil {
		// What idna makes of broken UTF-8 or odd joiners does not always survive a second pass. Such a name cannot be
		// compared, hence is none.
		var again string
		if again, err = idna.Lookup.ToASCII(ascii); again != ascii {
			ascii = ""
		}
	}
	if err != nil || len(ascii) > 253 || !validLabels(ascii) {
		return "", desk.Errorf(desk.InvalidValue, "domains", "%q is not a domain name; give what follows the @ of an address, such as acme.com", domain)
	}
	return ascii, nil
}

// wildcard begins the listing of a domain's subdomains.
const wildcard = "*."

// NormaliseListing returns what a company lists, as it is stored: a domain, or with "*." before it all its subdomains. What
// belongs to many (*.com, *.co.uk) cannot be listed so; else the error is InvalidValue.
func NormaliseListing(listing string) (string, error) {
	parent, all := strings.CutPrefix(strings.TrimSpace(listing), wildcard)
	domain, err := Normalise(parent)
	if err != nil || !all {
		return domain, err
	}
	if _, ok := registered(domain); !ok {
		return "", desk.Errorf(desk.InvalidValue, "domains", "%s is a public suffix, whose subdomains belong to many, or ends in a number and has none", domain)
	}
	return wildcard + domain, nil
}

// Listings returns the listings that fit a normalised domain, the most specific first: the domain itself, then the subdomains
// of what is above it, up to the domain that can be registered.
func Listings(domain string) []string {
	if domain == "" {
		return nil
	}
	list := []string{domain}
	top, ok := registered(domain)
	if !ok {
		return list
	}
	for domain != top {
		_, domain, _ = strings.Cut(domain, ".")
		list = append(list, wildcard+domain)
	}
	return list
}

// registered returns the domain at or above a normalised one that somebody registered, if there is any. Nothing is registered below a number:
// that is an address, or nothing.
func registered(domain string) (string, bool) {
	if strings.Trim(domain[strings.LastIndexByte(domain, '.')+1:], "0123456789") == "" {
		return "", false
	}
	top, err := publicsuffix.EffectiveTLDPlusOne(domain)
	return top, err == nil
}

// validLabels reports whether each label has 1 to 63 bytes, which idna does not check for every input.
func validLabels(domain string) bool {
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) == 0 || len(label) > 63 {
			return false
		}
	}
	return true
}

// Resolve returns the contact's company ("" for none) and the reason.
func Resolve(f desk.CompanyFacts) (company string, reason desk.CompanyReason) {
	switch {
	case f.Current == desk.CompanyManual:
		return f.Company, desk.CompanyManual
	case f.Named != "":
		return f.Named, desk.CompanyByDirectory
	case f.Domain == "" || len(f.Listed) == 0:
		return "", desk.CompanyNoMatch
	case len(f.Listed) > 1:
		return "", desk.CompanyAmbiguousListing
	case len(f.Linked) > 1:
		return "", desk.CompanyAmbiguousContacts
	}
	return f.Listed[0], desk.CompanyByDomain
}
