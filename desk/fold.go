package desk

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fold returns s in the form in which strings are compared without regard to case: equal for two strings if and only if
// [strings.EqualFold] holds for them. Keys are folded here rather than in SQL, whose lower() differs between engines.
func Fold(s string) string {
	if !isASCII(s) {
		return strings.Map(foldRune, s)
	}
	return strings.ToLower(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldRune maps all runes of one simple-folding orbit (K, k, the Kelvin sign) to the lower case of the least of them.
func foldRune(r rune) rune {
	if r < unicode.MaxASCII {
		return unicode.ToLower(r)
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least == r && unicode.SimpleFold(r) == r {
		return r
	}
	return unicode.ToLower(least)
}

// Storable reports whether databases take the text.
func Storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
