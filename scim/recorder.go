package scim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

// recorder takes down a request and its answer, for a connection that is being recorded.
type recorder struct {
	redactor
	http.ResponseWriter
	body   io.ReadCloser
	sent   bytes.Buffer // of the request's body
	status int
	answer bytes.Buffer
}

// startRecorder makes the request pass through a recorder.
func (req *request) startRecorder(key string) {
	rec := &recorder{redactor: redactor{[]byte(key)}, ResponseWriter: req.w, body: req.r.Body}
	recorded := *req.r
	recorded.Body = rec
	req.r, req.w, req.recorder = &recorded, rec, rec
}

// Read is that of the request's body.
func (rec *recorder) Read(b []byte) (int, error) {
	n, err := rec.body.Read(b)
	if rec.sent.Len() <= maxRecorded {
		rec.sent.Write(b[:n])
	}
	return n, err
}

func (rec *recorder) Close() error { return rec.body.Close() }

func (rec *recorder) WriteHeader(status int) {
	rec.status = status
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.answer.Len() <= maxRecorded {
		rec.answer.Write(b)
	}
	return rec.ResponseWriter.Write(b)
}

// maxRecorded is the most that is kept of a body, in bytes. Longer ones are left out.
const maxRecorded = 64 << 10

// exchangeLine is a line of a recording. testdata/README.md describes the format.
type exchangeLine struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
	RawBody *string           `json:"raw_body,omitempty"`
	As      string            `json:"as,omitempty"` // the id of the user that was made
	Expect  struct {
		Status int `json:"status"`
	} `json:"expect"`
	Answer any `json:"answer,omitempty"` // for the reader
}

// keep stores the exchange without what is personal or secret.
func (req *request) keep() {
	rec := req.recorder
	line := exchangeLine{Method: req.r.Method, Headers: map[string]string{"Authorization": "Bearer {{token}}", "User-Agent": ""}}
	below := strings.TrimPrefix(req.r.URL.EscapedPath(), "/scim/"+req.actor.TenantID+"/"+req.actor.Connection)
	line.Path = rec.path(below) + rec.query(req.r.URL.RawQuery)
	for _, name := range []string{"Accept", "Content-Type", "If-Match", "If-None-Match", "User-Agent"} {
		if value := req.r.Header.Get(name); value != "" {
			line.Headers[name] = value
		}
	}
	if body := rec.sent.Bytes(); len(body) > maxRecorded {
		line.Body = "left out: too long"
	} else if len(body) > 0 {
		if line.Body = rec.json(body); line.Body == nil {
			mask := rec.mask(string(body))
			line.RawBody = &mask
		}
	}
	if line.Expect.Status = rec.status; rec.answer.Len() <= maxRecorded {
		line.Answer = rec.json(rec.answer.Bytes())
	}
	if made, ok := line.Answer.(map[string]any); ok && rec.status == http.StatusCreated {
		line.As, _ = made["id"].(string)
	}
	text, err := encode(line)
	if err == nil {
		err = req.Engine.KeepExchange(req.r.Context(), req.actor, text)
	}
	if err != nil {
		req.Log.Error("record an exchange", "error", err, "request_id", httpx.RequestID(req.r.Context()))
	}
}

// redactor puts made-up values in the place of all that may be personal: equal ones for values that are equal but for
// case, of the same form, so that a recording still shows what the client does. What it keeps it knows to be harmless.
type redactor struct{ key []byte }

// hash returns bytes that tell nothing of the text without the key.
func (red redactor) hash(s string) []byte {
	mac := hmac.New(sha256.New, red.key)
	mac.Write([]byte(desk.Fold(s)))
	return mac.Sum(nil)
}

var (
	uuidForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	phoneForm = regexp.MustCompile(`^[-+(). 0-9]*[0-9][-+(). 0-9]*$`)
	nameForm  = regexp.MustCompile(`^[.$A-Za-z][-_.:$A-Za-z0-9]*$`)
	tagForm   = regexp.MustCompile(`^W/"[0-9]+"$`)
)

// text returns what stands for a value.
func (red redactor) text(s string) string {
	trimmed := strings.TrimSpace(s)
	if isHarmless(trimmed) {
		return s
	}
	if trimmed != s {
		before, after, _ := strings.Cut(s, trimmed)
		return before + red.text(trimmed) + after
	}
	sum := red.hash(s)
	if name, ok := strings.CutPrefix(s, bulkIDPrefix); ok {
		return bulkIDPrefix + red.text(name)
	}
	if at := strings.LastIndexByte(s, '@'); at > 0 && at < len(s)-1 {
		return red.word(s[:at]) + "@" + strings.ToLower(red.word(s[at+1:])) + ".example"
	}
	switch {
	case uuidForm.MatchString(s):
		h := hex.EncodeToString(sum)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:32]}, "-")
	case phoneForm.MatchString(s):
		i := 0
		return strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return r
			}
			i++
			return '0' + rune(sum[i%len(sum)]%10)
		}, s)
	}
	return red.word(s)
}

// word returns a word that shows whether the text has capitals, and letters beyond ASCII.
func (red redactor) word(s string) string {
	word := "x" + hex.EncodeToString(red.hash(s))[:10]
	if strings.ContainsFunc(s, unicode.IsUpper) {
		word = "X" + word[1:]
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r > unicode.MaxASCII }) {
		word += "é"
	}
	return word
}

// isHarmless reports whether a text is one of those that say the same of everybody.
func isHarmless(s string) bool {
	switch strings.ToLower(s) {
	case "", "true", "false", "null", "user", "group", "work", "home", "other", "mobile", "fax", "pager", "photo", "thumbnail", "direct":
		return true
	}
	return false
}

// mask keeps the form of a text that is not JSON.
func (red redactor) mask(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r):
			return 'x'
		case unicode.IsDigit(r):
			return '0'
		case r > unicode.MaxASCII || r == unicode.ReplacementChar:
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// path redacts the path of a request, below the tenant URL.
func (red redactor) path(escaped string) string {
	parts := strings.Split(escaped, "/")
	for i, part := range parts {
		if !isEndpoint(part) && !uuidForm.MatchString(part) {
			parts[i] = red.word(part)
		}
	}
	return strings.Join(parts, "/")
}

// isEndpoint reports whether a part of a path stands in the path of an endpoint.
func isEndpoint(part string) bool {
	switch strings.ToLower(part) {
	case "", "v2", "users", "groups", "bulk", "me", ".search", "schemas", "resourcetypes", "serviceproviderconfig", "user":
		return true
	}
	return isURN(part) && nameForm.MatchString(part)
}

// query redacts a query string, which comes back with its question mark.
func (red redactor) query(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, value, hasValue := strings.Cut(pair, "=")
		if !nameForm.MatchString(name) {
			name = red.mask(name)
		}
		decoded, err := url.QueryUnescape(value)
		switch strings.ToLower(name) {
		case "filter":
			value = red.mask(value)
			if err == nil {
				value = url.QueryEscape(red.filter(decoded))
			}
		case "attributes", "excludedattributes", "sortby", "sortorder", "startindex", "count":
			if err != nil || strings.Contains(decoded, "@") {
				value = red.mask(value)
			}
		default: // a cursor tells where it stands
			value = url.QueryEscape(red.text(decoded))
		}
		if pairs[i] = name; hasValue {
			pairs[i] += "=" + value
		}
	}
	return "?" + strings.Join(pairs, "&")
}

// filter redacts the values of a filter, or of the filter in a path.
func (red redactor) filter(text string) string {
	var out strings.Builder
	r := reader{text: text}
	compared := false // whether a value comes next
	for r.at < len(text) {
		if at := r.at; strings.IndexByte(blanks+"()[]", text[at]) >= 0 {
			out.WriteByte(text[at])
			r.at++
			continue
		}
		start := r.at
		if text[start] == '"' {
			value, err := r.literal()
			s, _ := value.(string)
			if quoted, _ := encode(red.text(s)); err == nil && !compared {
				out.Write(quoted)
			} else if err == nil {
				if _, err := time.Parse(time.RFC3339, s); err == nil {
					quoted = []byte(text[start:r.at])
				}
				out.Write(quoted)
			} else {
				out.WriteString(red.mask(text[start:]))
				break
			}
			compared = false
			continue
		}
		word := r.peek()
		r.at += len(word)
		_, operator := operators[strings.ToLower(word)]
		switch {
		case compared:
			word = red.text(word)
			compared = false
		case operator:
			compared = !strings.EqualFold(word, "pr")
		case !nameForm.MatchString(word):
			word = red.text(word)
		}
		out.WriteString(word)
	}
	return out.String()
}

// json redacts a JSON text; nil for what is none.
func (red redactor) json(text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var v any
	if decoder.Decode(&v) != nil {
		return nil
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil
	}
	return red.value("", v)
}

var counts = []string{"totalresults", "startindex", "itemsperpage", "count", "failonerrors"}

// value redacts a JSON value by the name of its member.
func (red redactor) value(name string, v any) any {
	switch v := v.(type) {
	case string:
		return red.member(strings.ToLower(name), v)
	case json.Number:
		if !slices.Contains(counts, strings.ToLower(name)) {
			return json.Number("1" + strings.Repeat("0", min(len(v), 15)-1))
		}
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = red.value(name, e)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, e := range v {
			object[red.filter(key)] = red.value(key, e)
		}
		return object
	}
	return v
}

// member redacts a text by the lower-case name of its member. What a name promises is kept only if it looks so.
func (red redactor) member(name, s string) string {
	lower := strings.ToLower(strings.TrimSpace(s))
	switch name {
	case "schemas":
		if isURN(s) && nameForm.MatchString(s) {
			return s
		}
	case "op":
		if slices.Contains([]string{"add", "replace", "remove"}, lower) {
			return s
		}
	case "method":
		if _, ok := operations[strings.ToUpper(lower)]; ok {
			return s
		}
	case "scimtype":
		for _, known := range scimTypes {
			if s == string(known) {
				return s
			}
		}
	case "sortorder":
		if lower == "ascending" || lower == "descending" {
			return s
		}
	case "sortby", "attributes", "excludedattributes":
		if _, ok := users.resolve(s); ok {
			return s
		}
	case "status":
		if len(s) == 3 && s[0] >= '2' && s[0] <= '5' {
			return s
		}
	case "id":
		if uuidForm.MatchString(s) {
			return s
		}
	case "path":
		if strings.HasPrefix(s, "/") {
			return red.path(s)
		}
		return red.filter(s)
	case "filter":
		return red.filter(s)
	case "version":
		if tagForm.MatchString(s) {
			return s
		}
	case "created", "lastmodified":
		if _, err := time.Parse(time.RFC3339, s); err == nil {
			return s
		}
	}
	return red.text(s)
}
