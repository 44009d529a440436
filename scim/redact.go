package scim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"rollcall/desk"
	"rollcall/schema"
)

// redactor puts made-up values in the place of all that may be personal: equal ones for values that are equal but for
// case, of the same form, so that a recording still shows what the client does. What it keeps it knows to be harmless.
type redactor struct {
	key    []byte
	schema *userSchema // whose attributes are known
}

// hash returns bytes that tell nothing of the text without the key.
func (red redactor) hash(s string) []byte {
	mac := hmac.New(sha256.New, red.key)
	mac.Write([]byte(desk.Fold(s)))
	return mac.Sum(nil)
}

var (
	uuidForm  = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	dateForm  = regexp.MustCompile(`^[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-9:.]+(Z|[-+][0-9:]+))?$`)
	phoneForm = regexp.MustCompile(`^[-+(). 0-9]*[0-9][-+(). 0-9]*$`)
	countForm = regexp.MustCompile(`^-?[0-9]{1,6}$`)
	urnForm   = regexp.MustCompile(`^[A-Za-z][-_.:A-Za-z0-9]*$`)
	tagForm   = regexp.MustCompile(`^(\*|W/"[0-9]{1,6}"|"[0-9]{1,6}"|[0-9]{1,6})$`)
	longForm  = regexp.MustCompile(`[0-9]{4}`) // what may be somebody's number
	// nameForm is that of attributes, which an unknown client's are kept for: people are not written so.
	nameForm = regexp.MustCompile(`^[$a-z][A-Za-z0-9]{0,39}$`)
	// mediaForm and agentForm are parts of headers that tell nothing of a person.
	mediaForm = regexp.MustCompile(`(?i)^(application/(scim\+json|json|xml|octet-stream|x-www-form-urlencoded|\*)|text/(plain|html|xml|\*)|\*/\*)( *; *(charset="?[-a-z0-9]{1,12}"?|q=[0-9.]{1,5}))*$`)
	agentForm = regexp.MustCompile(`^[A-Za-z][-_.A-Za-z]{0,39}/v?[0-9]{1,4}([-.+][0-9a-z]{1,6}){0,4}$`)
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
	if n := len(bulkIDPrefix); len(s) > n && strings.EqualFold(s[:n], bulkIDPrefix) && !strings.EqualFold(s[n:min(2*n, len(s))], bulkIDPrefix) {
		return s[:n] + red.text(s[n:])
	}
	sum := red.hash(s)
	if at := strings.LastIndexByte(s, '@'); at > 0 && at < len(s)-1 {
		return red.word(s[:at]) + "@" + strings.ToLower(red.word(s[at+1:])) + ".example"
	}
	switch {
	case uuidForm.MatchString(s):
		h := hex.EncodeToString(sum)
		return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:32]}, "-")
	case dateForm.MatchString(s): // another day
		return fmt.Sprintf("%d-%02d-%02d", 1970+int(sum[0])%60, 1+int(sum[1])%12, 1+int(sum[2])%28) + s[len(time.DateOnly):]
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
		if red.isEndpoint(part) {
			continue
		}
		if plain, err := url.PathUnescape(part); err == nil {
			part = plain
		}
		parts[i] = url.PathEscape(red.text(part))
	}
	return strings.Join(parts, "/")
}

// isEndpoint reports whether a part of a path stands in the path of an endpoint.
func (red redactor) isEndpoint(part string) bool {
	switch strings.ToLower(part) {
	case "", "v2", "users", "groups", "bulk", "me", ".search", "schemas", "resourcetypes", "serviceproviderconfig", "user":
		return true
	}
	urn, rest := red.schema.SplitURN(part)
	return urn != "" && rest == ""
}

// method redacts a method that HTTP does not know.
func (red redactor) method(name string) string {
	if _, ok := operations[name]; ok || name == http.MethodHead || name == http.MethodOptions {
		return name
	}
	return strings.ToUpper(red.word(name))
}

// header redacts a header of those that are kept.
func (red redactor) header(name, value string) string {
	separator, known := ",", tagForm.MatchString
	switch name {
	case "Accept", "Content-Type":
		known = mediaForm.MatchString
	case "User-Agent":
		separator, known = " ", func(word string) bool {
			return agentForm.MatchString(word) || slices.Contains(desk.Providers, strings.ToLower(word)) || strings.EqualFold(word, "scim")
		}
	}
	parts := strings.Split(value, separator)
	for i, part := range parts {
		trimmed := strings.TrimSpace(part)
		if trimmed == "" || known(trimmed) {
			continue
		}
		word := red.word(trimmed)
		if strings.HasSuffix(name, "Match") {
			word = `"` + word + `"`
		}
		parts[i] = strings.Replace(part, trimmed, word, 1)
	}
	return strings.Join(parts, separator)
}

// query redacts a query string, which comes back with its question mark.
func (red redactor) query(raw string) string {
	if raw == "" {
		return ""
	}
	pairs := strings.Split(raw, "&")
	for i, pair := range pairs {
		name, value, hasValue := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err != nil {
			name = red.mask(name)
		} else if name = plain; !isRecorded(strings.ToLower(name)) {
			name = url.QueryEscape(red.text(name))
		}
		if decoded, err := url.QueryUnescape(value); err != nil {
			value = red.mask(value)
		} else if plain := red.parameter(strings.ToLower(name), decoded); plain != decoded || !isParameter(strings.ToLower(name)) {
			value = url.QueryEscape(plain)
		}
		if pairs[i] = name; hasValue {
			pairs[i] += "=" + value
		}
	}
	return "?" + strings.Join(pairs, "&")
}

// isRecorded reports whether a parameter is kept by its lower-case name: those that are known, and what was meant to be filter,
// since it was refused.
func isRecorded(name string) bool {
	return isParameter(name) || name == "aadoptscim062020" || misspelt(name) != nil && len(name) <= 10 // $filters and the like
}

// parameter redacts the value of a parameter by its lower-case name.
func (red redactor) parameter(name, value string) string {
	switch name {
	case "filter":
		return red.filter(value)
	case "attributes", "excludedattributes", "sortby":
		names := strings.Split(value, ",")
		for i, name := range names {
			if !red.knows(strings.TrimSpace(name)) {
				names[i] = red.text(name)
			}
		}
		return strings.Join(names, ",")
	case "startindex", "count":
		if countForm.MatchString(value) {
			return value
		}
	case "sortorder":
		return red.member(name, value)
	}
	return red.text(value) // also of a cursor, which tells where it stands
}

// knows reports whether a schema has an attribute of this name, sub-attributes without what they belong to included.
func (red redactor) knows(name string) bool {
	if _, ok := red.schema.Resolve(name); ok {
		return true
	}
	for _, a := range red.schema.Attributes {
		if a.Subs[strings.ToLower(name)] != nil {
			return true
		}
	}
	return false
}

// isURNOfSchema reports whether a text looks like the name of a schema, be it known or not.
func isURNOfSchema(s string) bool {
	return schema.IsURN(s) && urnForm.MatchString(s) && !longForm.MatchString(s) && !strings.EqualFold(s[:min(9, len(s))], "urn:uuid:")
}

// members are those of SCIM's messages that are not written as attributes are.
var members = []string{"operations", "resources"}

// name redacts the name of an attribute, which may be one that no schema knows.
func (red redactor) name(s string) string {
	switch urn, rest := red.schema.SplitURN(s); {
	case red.knows(s), isURNOfSchema(s) && urn == "", slices.Contains(members, strings.ToLower(s)), nameForm.MatchString(s) && !longForm.MatchString(s):
		return s
	case urn != "" && rest != "":
		return strings.TrimSuffix(s, rest) + red.name(rest)
	}
	if of, sub, ok := strings.Cut(s, "."); ok && red.knows(of) {
		return of + "." + red.name(sub)
	}
	return red.text(s)
}

// target redacts the path of a change, or the name of a member, which may be one as well.
func (red redactor) target(s string) string {
	of, filter, ok := strings.Cut(s, "[")
	switch {
	case ok && !strings.ContainsAny(of, schema.Blanks+`"()`):
		return red.name(of) + red.filter("["+filter)
	case strings.ContainsAny(s, "["+schema.Blanks+`"()`):
		return red.filter(s)
	}
	return red.name(s)
}

// filter redacts all of a filter, or of the filter in a path, but operators and the names of known attributes.
func (red redactor) filter(text string) string {
	var out strings.Builder
	r := schema.Scanner{Text: text}
	compared := "" // the attribute of which a value comes next
	attribute := ""
	for r.At < len(text) {
		if at := r.At; strings.IndexByte(schema.Blanks+"()[]", text[at]) >= 0 {
			out.WriteByte(text[at])
			r.At++
			continue
		}
		start := r.At
		if text[start] == '"' {
			value, err := r.Literal()
			s, ok := value.(string)
			if err != nil || !ok {
				out.WriteString(red.mask(text[start:]))
				break
			}
			quoted, _ := desk.AppendJSON(nil, red.member(strings.ToLower(compared), s))
			out.Write(quoted)
			compared = ""
			continue
		}
		word := r.Peek()
		r.At += len(word)
		_, operator := schema.Operator(word)
		switch {
		case compared != "":
			word = red.text(word)
			compared = ""
		case operator && !strings.EqualFold(word, "pr"):
			if compared = attribute; !strings.HasPrefix(strings.ToLower(attribute), "meta.") {
				compared = "?" // its values are told by nothing
			}
		case operator, slices.Contains([]string{"and", "or", "not"}, strings.ToLower(word)):
		case red.knows(strings.TrimPrefix(word, ".")):
			attribute = word
		default:
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
		if !slices.Contains(counts, strings.ToLower(name)) || !countForm.MatchString(v.String()) {
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
			of := ""
			if strings.EqualFold(name, "meta") {
				of = "meta."
			}
			object[red.target(key)] = red.value(of+key, e)
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
		if isURNOfSchema(s) {
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
		return red.parameter(name, s)
	case "status":
		if len(s) == 3 && s[0] >= '2' && s[0] <= '5' && countForm.MatchString(s) {
			return s
		}
	case "path":
		if before, _, _ := strings.Cut(s, "["); strings.Contains(before, "/") {
			return red.path(s)
		}
		return red.target(s)
	case "filter":
		return red.filter(s)
	case "version", "meta.version":
		if tagForm.MatchString(s) {
			return s
		}
	case "meta.created", "meta.lastmodified":
		if _, err := time.Parse(time.RFC3339, s); err == nil {
			return s
		}
	}
	return red.text(s)
}
