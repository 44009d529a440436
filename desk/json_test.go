package desk

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// TestAppendJSON compares what appendJSON writes with encoding/json, whose text databases hold from before.
func TestAppendJSON(t *testing.T) {
	texts := []string{"", "a", `"`, `\`, "<&>", "é", "\u2028", "\u2029x", "\x00", "\n", "\x7f", "\xff", "a\xc3", "\ufffd", "日本", "😀", "urn:a:b"}
	r := rand.New(rand.NewPCG(1, 2))
	var value func(depth int) any
	value = func(depth int) any {
		switch n := r.IntN(9); {
		case n < 3 || depth == 0:
			return texts[r.IntN(len(texts))]
		case n == 3:
			return r.IntN(2) == 0
		case n == 4:
			return json.Number([]string{"0", "7", "-1", "1.5", "1e9", "120"}[r.IntN(6)])
		case n == 5:
			return []any{nil, 2.5, 7, []any(nil), map[string]any(nil)}[r.IntN(5)]
		case n == 6:
			list := []any{}
			for range r.IntN(4) {
				list = append(list, value(depth-1))
			}
			return list
		}
		object := map[string]any{}
		for range r.IntN(20) {
			object[texts[r.IntN(len(texts))]+texts[r.IntN(len(texts))]] = value(depth - 1)
		}
		return object
	}
	plain := func(v any) string {
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(v); err != nil {
			t.Fatal(err)
		}
		return string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))
	}
	for range 5000 {
		v := value(3)
		got, err := appendJSON(nil, v, false)
		if want := plain(v); err != nil || string(got) != want {
			t.Fatalf("%#v\n got %s, %v\nwant %s", v, got, err, want)
		}
		addresses := make([]Address, r.IntN(3))
		for i := range addresses {
			addresses[i] = Address{texts[r.IntN(len(texts))], texts[r.IntN(len(texts))], r.IntN(2) == 0}
		}
		changes := []Change{{"a", v, nil}, {"<b>", nil, value(2)}, {"emails", []Address(nil), addresses}}
		text, err := AppendChanges(nil, changes)
		if want := plain(changes); err != nil || string(text) != want {
			t.Fatalf("%#v\n got %s, %v\nwant %s", changes, text, err, want)
		}
		other := value(1)
		if same := sameJSON(v, other); same != (plain(v) == plain(other)) {
			t.Fatalf("sameJSON(%#v, %#v) = %v", v, other, same)
		}
	}
	for _, bad := range []json.Number{"x", "01", "1.", "-"} {
		if text, err := appendJSON(nil, bad, false); err == nil {
			t.Errorf("%q became %s", bad, text)
		}
	}
	folded, err := appendJSON(nil, Resource{"userName": "KOFI ÉA", "Name": []any{"Straße", true}}, true)
	if want := `{"Name":["straße",true],"userName":"kofi éa"}`; err != nil || string(folded) != want {
		t.Errorf("folded: %s, %v", folded, err)
	}
}
