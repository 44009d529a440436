package companies

import (
	"slices"
	"testing"
)

func TestIsFreemail(t *testing.T) {
	if !slices.IsSorted(freemail) {
		t.Error("the list is not in order, by which it is searched")
	}
	for _, domain := range freemail {
		if again, err := Normalise(domain); err != nil || again != domain {
			t.Errorf("%s is not normalised: %s, %v", domain, again, err)
		}
	}
	for domain, want := range map[string]bool{"gmail.com": true, "zohomail.com": true, "126.com": true, "acme.com": false, "mygmail.com": false, "": false} {
		if IsFreemail(domain) != want {
			t.Errorf("%q: %v", domain, !want)
		}
	}
}
