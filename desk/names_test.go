package desk_test

import (
	"strings"
	"testing"

	"rollcall/desk"
)

func TestNames(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 9999) + `{"b":1,"b":2}` + strings.Repeat("}", 9999)
	for text, want := range map[string]string{
		`{}`: "", `[]`: "", `null`: "", `"a"`: "", `1`: "",
		`{"a":1,"b":{"a":1},"c":[{"a":1},{"a":2}],"A":2}`: "",
		`{"a":":","b":"\":\\","c:d":{"\\":"{\"a\":1"}}`:   "",
		`{"a":1,"a":1}`:                            "a",
		`{"a":1,"b":2,"\u0061":3}`:                 "a",
		`{"a":{"b":[1,{"c":[],"d":{},"c":null}]}}`: "a.b.c",
		`[[{"x":1}],{"x":1,"x":{"x":1}}]`:          "x",
		`{"":1,"":2}`:                              "",
		`{"a":[1,[2]],"b":"x","a":[]}`:             "a",
		`{"a":1,"a"`:                               "a",
		`{"a":1,`:                                  "",
		`]`:                                        "",
		`{"a":1e400,"a":2}`:                        "a",
		`{"` + strings.Repeat("ü", 300) + `":1,"` + strings.Repeat("ü", 300) + `":1}`: strings.Repeat("ü", 100) + "…",
		deep: shortened(9999),
	} {
		err := desk.CheckNames([]byte(text))
		twice := want != "" || text == `{"":1,"":2}`
		if (err != nil) != twice || err != nil && (desk.KindOf(err) != desk.InvalidSyntax || desk.AsError(err).Field != want) {
			t.Errorf("%.60s: %v, want %.60q", text, err, want)
		}
		if _, _, lost, err := desk.ParseJSON(text); err == nil && lost != twice {
			t.Errorf("%.60s: parsed as if a name were there twice: %v", text, lost)
		}
	}
	if err := desk.CheckNames([]byte(strings.Repeat("[", 1<<20))); err != nil {
		t.Error(err)
	}
}

func shortened(levels int) string {
	return strings.Repeat("a.", levels)[:200] + "…"
}

// FuzzNames holds that reading and the check agree about each text that is JSON.
func FuzzNames(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":[{"b":":\\\""}]}`, `{"\ud800":1,"\ud801":2}`, `[{"a":1},{"a":1}]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, rest, twice, err := desk.ParseJSON(text)
		if err != nil || strings.TrimSpace(rest) != "" {
			return
		}
		if err := desk.CheckNames([]byte(text)); twice != (err != nil) {
			t.Errorf("a name twice: %v, %v", twice, err)
		}
	})
}
