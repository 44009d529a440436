package desk_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"rollcall/desk"
)

var texts = []string{
	``, ` `, `{}`, ` { } `, `[]`, "\t[\r\n]", `{"a":[1,-0,0.5,1e9,1E+2,2.5e-3,12345678901234567890],"b":{"c":null},"d":[true,false,"",[],{}]}`,
	`"é日本😀"`, `"\u00e9\n\"\\\/\b\f\r\t"`, `"\ud83d\ude00"`, `"\ud800"`, `"\udc00\ud800x"`, "\"\xff\"", "\"a\xc3\"", "\"\ufffd\"", "\"\u2028\x7f\"",
	`{"a":1,"a":2}`, `{"a":{"b":1,"b":2}}`, `{"\u0061":1,"a":2}`,
	`{`, `}`, `[`, `]`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `{1:2}`, `{"a" 1}`, `{"a":1 "b":2}`, `[1,]`, `[,1]`, `[1 2]`, `[1`, `[1,`,
	`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\'"`, "\"\n\"", "\"\x00\"", "\x00", "\ufeff{}",
	`-`, `+1`, `01`, `-01`, `.5`, `1.`, `1.e2`, `1e`, `1e+`, `--1`, `[01]`, `[1.]`, `[1e]`, `[0x1]`, `1-2`, `1.2.3`,
	`nul`, `nulll`, `true`, `truefalse`, `True`, `NaN`, `{} x`, `{}{}`, `1 2`, `"a""b"`,
	strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001), strings.Repeat(`{"a":`, 10001) + "1" + strings.Repeat("}", 10001),
}

// sameAsEncodingJSON fails unless ParseJSON reads a text as encoding/json does, and as much of it.
func sameAsEncodingJSON(t *testing.T, text string) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var want any
	wantErr := decoder.Decode(&want)
	got, rest, _, err := desk.ParseJSON(text)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%.60q: %v, encoding/json says %v", text, err, wantErr)
	}
	if err != nil {
		return
	}
	if read := int64(len(text) - len(rest)); read != decoder.InputOffset() {
		t.Errorf("%.60q: read up to %d, encoding/json up to %d", text, read, decoder.InputOffset())
	}
	if !reflect.DeepEqual(got, want) { // which, other than cmp, is quick where values are deep
		t.Errorf("%.60q: got %.200v, want %.200v", text, got, want)
	}
}

func TestParseJSON(t *testing.T) {
	for _, text := range texts {
		sameAsEncodingJSON(t, text)
	}
}

func FuzzParseJSON(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sameAsEncodingJSON(t, text)
	})
}
