package desk_test

import (
	"encoding/json"
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
		var v any
		if json.Unmarshal([]byte(text), &v) != nil {
			continue
		}
		if lost := desk.CountNames([]byte(text)) - names(v); lost < 0 || (lost > 0) != twice {
			t.Errorf("%.60s: %d names are lost", text, lost)
		}
	}
	if err := desk.CheckNames([]byte(strings.Repeat("[", 1<<20))); err != nil {
		t.Error(err)
	}
	body := []byte(`{"a":{"b":"\"c\":1"},"d":[]}`)
	if n := testing.AllocsPerRun(10, func() { desk.CountNames(body) }); n > 0 {
		t.Errorf("counting allocates %v times", n)
	}
}

func shortened(levels int) string {
	return strings.Repeat("a.", levels)[:200] + "…"
}

// names counts those of a decoded value.
func names(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		n = len(v)
		for _, e := range v {
			n += names(e)
		}
	case []any:
		for _, e := range v {
			n += names(e)
		}
	}
	return n
}

// FuzzNames holds that the count and the check agree about each text that is JSON.
func FuzzNames(f *testing.F) {
	for _, text := range []string{`{"a":1,"a":2}`, `{"a":[{"b":":\\\""}]}`, `{"\ud800":1,"\ud801":2}`, `[{"a":1},{"a":1}]`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := desk.CheckNames(text)
		var v any
		if json.Unmarshal(text, &v) != nil {
			return
		}
		if lost := desk.CountNames(text) - names(v); (lost != 0) != (err != nil) {
			t.Errorf("%d names are lost, %v", lost, err)
		}
	})
}
