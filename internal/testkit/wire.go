package testkit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Exchange is one request and what must come of it. Paths, headers and bodies may hold {{id:NAME}}, {{token}}, {{repeat:A:N}}
// and {{nest:N}}.
type Exchange struct {
	Method  string
	Path    string            // below the tenant URL
	Headers map[string]string // "" leaves a header out
	Body    any
	RawBody *string `json:"raw_body"`
	As      string  // remembers the id of the answer
	Expect  Expectation
}

// Expectation is what an answer must be: its status, a number or a list of which any will do, nil for any at all; and values
// at paths of its body.
type Expectation struct {
	Status any
	Checks [][2]any `json:"json_path_checks"`
}

// Case is an exchange with what sets its stage. A line of testdata/wire/cases.jsonl holds one.
type Case struct {
	ID      string
	Client  string
	Title   string
	Level   string // must, should or policy
	Setup   []Exchange
	Request Exchange
	Expect  Expectation
}

// Cases reads a file of cases.
func Cases(t testing.TB, file string) []Case { return lines[Case](t, file) }

// Exchanges reads a client's sequence of exchanges, one on each line.
func Exchanges(t testing.TB, file string) []Exchange { return lines[Exchange](t, file) }

// lines decodes the lines of a file.
func lines[T any](t testing.TB, file string) []T {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []T
	scanner := bufio.NewScanner(f)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var item T
		decoder := json.NewDecoder(strings.NewReader(scanner.Text()))
		decoder.UseNumber()
		if err := decoder.Decode(&item); err != nil {
			t.Fatalf("%s, line %d: %v", file, len(list)+1, err)
		}
		list = append(list, item)
	}
	if err := scanner.Err(); err != nil || len(list) == 0 {
		t.Fatalf("%s: %d lines, %v", file, len(list), err)
	}
	return list
}

// Replay runs the case against an empty connection.
func (c *Case) Replay(t *testing.T, tenantURL, token string) {
	last := c.Request
	last.Expect = c.Expect
	Replay(t, tenantURL, token, append(slices.Clone(c.Setup), last))
}

// Replay runs exchanges against a connection, up to one that is answered with another status than it must be.
func Replay(t *testing.T, tenantURL, token string, exchanges []Exchange) {
	r := replay{base: tenantURL, token: token, ids: map[string]string{}}
	for i, e := range exchanges {
		answer := r.do(t, e)
		if e.Expect.Status != nil && !statusIs(answer.status, e.Expect.Status) {
			t.Fatalf("exchange %d: %s %s: status %d, want %v\n%s", i+1, e.Method, e.Path, answer.status, e.Expect.Status, answer.body)
		}
		if answer.status == http.StatusNoContent && len(answer.body) == 0 {
			continue
		}
		for _, check := range e.Expect.Checks {
			path, _ := check[0].(string)
			got, want := answer.lookup(path), r.expandAll(check[1])
			if problem := mismatch(got, want); problem != "" {
				t.Errorf("exchange %d: %s %s: %s: %s\n%s", i+1, e.Method, e.Path, path, problem, answer.body)
			}
		}
	}
}

type replay struct {
	base, token string
	ids         map[string]string
}

type answer struct {
	status int
	header http.Header
	body   []byte
	json   any
}

func (r *replay) do(t *testing.T, q Exchange) answer {
	t.Helper()
	var body io.Reader
	switch {
	case q.RawBody != nil:
		body = strings.NewReader(r.expand(*q.RawBody))
	case q.Body != nil:
		text, err := json.Marshal(q.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = strings.NewReader(r.expand(string(text)))
	}
	request, err := http.NewRequest(q.Method, r.base+r.expand(q.Path), body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range q.Headers {
		if value = r.expand(value); value != "" || name == "User-Agent" {
			request.Header.Set(name, value)
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(a.body)))
	decoder.UseNumber()
	decoder.Decode(&a.json)
	if m, ok := a.json.(map[string]any); ok && q.As != "" {
		r.ids[q.As], _ = m["id"].(string)
	}
	return a
}

var placeholder = regexp.MustCompile(`\{\{(id:[^}]*|token|repeat:[^:}]*:\d+|nest:\d+)\}\}`)

func (r *replay) expand(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		parts := strings.Split(strings.Trim(p, "{}"), ":")
		n, _ := strconv.Atoi(parts[len(parts)-1])
		switch parts[0] {
		case "id":
			return r.ids[parts[1]]
		case "token":
			return r.token
		case "repeat":
			return strings.Repeat(parts[1], n)
		}
		return strings.Repeat("[", n)
	})
}

func (r *replay) expandAll(v any) any {
	switch v := v.(type) {
	case string:
		return r.expand(v)
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = r.expandAll(e)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = r.expandAll(e)
		}
		return m
	}
	return v
}

func statusIs(status int, want any) bool {
	if list, ok := want.([]any); ok {
		for _, w := range list {
			if statusIs(status, w) {
				return true
			}
		}
		return false
	}
	return fmt.Sprint(status) == fmt.Sprint(want)
}

var step = regexp.MustCompile(`^(?:\.?([^.\[\]]+)|\['([^']*)'\]|\[(\d+)\]|\[\?([^=\]]+)=([^\]]*)\])`)

// lookup follows a path such as a.b[0].c, list[?type=work].value, ['urn:…'].x, @header.Name or @body. Missing is nil.
func (a *answer) lookup(path string) any {
	if name, ok := strings.CutPrefix(path, "@header."); ok {
		if values := a.header.Values(name); len(values) > 0 {
			return values[0]
		}
		return nil
	}
	if path == "@body" {
		return string(a.body)
	}
	v := a.json
	for path != "" {
		m := step.FindStringSubmatch(path)
		if m == nil {
			return "unreadable path " + path
		}
		path = path[len(m[0]):]
		object, _ := v.(map[string]any)
		list, _ := v.([]any)
		switch {
		case m[1] != "" || m[2] != "":
			v = object[m[1]+m[2]]
		case m[3] != "":
			v = nil
			if i, _ := strconv.Atoi(m[3]); i < len(list) {
				v = list[i]
			}
		default:
			v = nil
			for _, e := range list {
				if e, ok := e.(map[string]any); ok && fmt.Sprint(e[m[4]]) == m[5] {
					v = e
					break
				}
			}
		}
	}
	return v
}

// mismatch says how a value differs from what is expected: plain JSON, or one of the words that begin with a dollar sign.
func mismatch(got, want any) string {
	rule, ok := want.(map[string]any)
	if ok && len(rule) == 1 {
		for word, operand := range rule {
			if strings.HasPrefix(word, "$") {
				if !holds(got, word, operand) {
					return fmt.Sprintf("%s: is %s, want %s %s", word, text(got), word, text(operand))
				}
				return ""
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Sprintf("is %s, want %s", text(got), text(want))
	}
	return ""
}

func holds(got any, word string, operand any) bool {
	switch word {
	case "$absent":
		return got == nil
	case "$present":
		return got != nil
	case "$empty":
		return isEmpty(got)
	case "$type":
		return jsonType(got) == operand
	case "$count":
		list, ok := got.([]any)
		return ok && fmt.Sprint(len(list)) == fmt.Sprint(operand)
	case "$not":
		return mismatch(got, operand) != ""
	case "$oneOf":
		list, _ := operand.([]any)
		for _, o := range list {
			if mismatch(got, o) == "" {
				return true
			}
		}
	case "$matches":
		s, ok := got.(string)
		pattern, _ := operand.(string)
		matched, err := regexp.MatchString(pattern, s)
		return ok && err == nil && matched
	case "$contains":
		if list, ok := got.([]any); ok {
			for _, e := range list {
				if mismatch(e, operand) == "" {
					return true
				}
			}
		}
		s, ok := got.(string)
		part, _ := operand.(string)
		return ok && strings.Contains(s, part)
	}
	return false
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, e := range v {
			if !isEmpty(e) {
				return false
			}
		}
		return true
	}
	return false
}

func jsonType(v any) string {
	switch v.(type) {
	case json.Number:
		return "number"
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}
