package testkit

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func decode(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestMismatch holds that a check can fail.
func TestMismatch(t *testing.T) {
	for _, c := range []struct {
		got, want string
		ok        bool
	}{
		{`1`, `1`, true}, {`1`, `"1"`, false}, {`true`, `"true"`, false}, {`null`, `null`, true}, {`[]`, `null`, false}, {`[]`, `[]`, true}, {`{"a":1}`, `{"a":1}`, true}, {`{"a":1}`, `{"a":2}`, false},
		{`null`, `{"$absent":true}`, true}, {`""`, `{"$absent":true}`, false}, {`""`, `{"$present":true}`, true}, {`null`, `{"$present":true}`, false},
		{`{"a":[{"b":""}]}`, `{"$empty":true}`, false}, {`{"a":""}`, `{"$empty":true}`, true}, {`0`, `{"$empty":true}`, false},
		{`1`, `{"$type":"number"}`, true}, {`"1"`, `{"$type":"number"}`, false}, {`[1,2]`, `{"$count":2}`, true}, {`[1]`, `{"$count":2}`, false}, {`null`, `{"$count":0}`, false},
		{`"a"`, `{"$not":"b"}`, true}, {`"a"`, `{"$not":"a"}`, false}, {`null`, `{"$oneOf":[{"$absent":true},[]]}`, true}, {`[1]`, `{"$oneOf":[{"$absent":true},[]]}`, false},
		{`"abc"`, `{"$matches":"^a"}`, true}, {`"bc"`, `{"$matches":"^a"}`, false}, {`5`, `{"$matches":"5"}`, false}, {`["a","b"]`, `{"$contains":"b"}`, true}, {`["a"]`, `{"$contains":"b"}`, false}, {`"abc"`, `{"$contains":"b"}`, true},
	} {
		if problem := mismatch(decode(t, c.got), decode(t, c.want)); (problem == "") != c.ok {
			t.Errorf("%s against %s: %q", c.got, c.want, problem)
		}
	}
}

func TestLookup(t *testing.T) {
	a := answer{header: http.Header{"Location": {"here"}}, body: []byte("text"), json: decode(t, `{"a":{"b":[{"type":"x","v":1},{"type":"y","v":2}]},"urn:x:2.0:User":{"d":"e"},"list":[{"primary":true}]}`)}
	for path, want := range map[string]string{
		"a.b[1].v": "2", "a.b[?type=x].v": "1", "a.b[?type=z].v": "null", "['urn:x:2.0:User'].d": `"e"`, "@header.Location": `"here"`, "@header.X": "null", "@body": `"text"`,
		"a.b[7].v": "null", "a.c.d": "null", "list[?primary=true].primary": "true", "list[0]": `{"primary":true}`,
	} {
		if got := text(a.lookup(path)); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestStatusIs(t *testing.T) {
	if !statusIs(200, decode(t, "200")) || statusIs(201, decode(t, "200")) || !statusIs(201, decode(t, "[200,201]")) || statusIs(404, decode(t, "[200,201]")) {
		t.Error("statuses are compared wrongly")
	}
}

func TestExpand(t *testing.T) {
	r := replay{token: "T", ids: map[string]string{"U": "1"}}
	if got := r.expand("{{id:U}} {{token}} {{repeat:ab:3}} {{nest:4}} {{x}}"); got != "1 T ababab [[[[ {{x}}" {
		t.Error(got)
	}
}
