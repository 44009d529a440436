package companies

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// NameOf suggests a name for the company of a normalised domain: what of it was registered, in words.
func NameOf(domain string) string {
	registered, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		registered = domain
	}
	label, _, _ := strings.Cut(registered, ".")
	if text, err := idna.Lookup.ToUnicode(label); err == nil {
		label = text
	}
	words := strings.FieldsFunc(label, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		first, size := utf8.DecodeRuneInString(word)
		words[i] = string(unicode.ToTitle(first)) + word[size:]
	}
	return strings.Join(words, " ")
}

// Shown returns a domain, or a listing, as people write it, in letters of their own; what that cannot be told of stays as it is.
func Shown(domain string) string {
	parent, all := strings.CutPrefix(domain, wildcard)
	text, err := idna.Lookup.ToUnicode(parent)
	if back, failed := idna.Lookup.ToASCII(text); err != nil || failed != nil || back != parent {
		return domain
	}
	if all {
		return wildcard + text
	}
	return text
}
