package api

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

//go:embed docs.html
var docsHTML string

//go:embed docs.css
var docsStyle []byte

var docsTemplate = template.Must(template.New("docs").Funcs(template.FuncMap{"prose": prose}).Parse(docsHTML))

// docsPage writes the OpenAPI document for people. It loads nothing from elsewhere and runs no script.
func docsPage(doc *huma.OpenAPI) []byte {
	view := docView{Info: doc.Info}
	for _, tag := range doc.Tags {
		section := docSection{Tag: tag}
		for _, op := range operationsOf(doc) {
			if slices.Contains(op.Tags, tag.Name) {
				section.Operations = append(section.Operations, viewOperation(doc, op))
			}
		}
		view.Sections = append(view.Sections, section)
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Schemas = append(view.Schemas, docSchema{name, members(schemas[name])})
	}
	var page bytes.Buffer
	if err := docsTemplate.Execute(&page, view); err != nil {
		panic(err) // the template and the declarations
	}
	return page.Bytes()
}

type docView struct {
	*huma.Info
	Sections []docSection
	Schemas  []docSchema
}

type docSection struct {
	*huma.Tag
	Operations []docOperation
}

type docOperation struct {
	*huma.Operation
	Roles   []string
	Params  []docMember
	Body    []docMember
	Example string // of the body, JSON
	Answers []docAnswer
}

type docSchema struct {
	Name    string
	Members []docMember
}

// docMember is a parameter or a member of an object.
type docMember struct {
	Name, In string
	Required bool
	Type     docType
	Limits   string
	Doc      string
}

// docType names a type: a schema, with words before and after it, or words alone.
type docType struct{ Before, Schema, After string }

type docAnswer struct {
	Status, Doc string
	Type        *docType // nil for no body
	Headers     []docMember
}

func viewOperation(doc *huma.OpenAPI, op *huma.Operation) docOperation {
	v := docOperation{Operation: op}
	for _, alternative := range op.Security {
		v.Roles = append(v.Roles, alternative["bearer"]...)
	}
	for _, p := range op.Parameters {
		v.Params = append(v.Params, docMember{p.Name, p.In, p.Required, typeOf(p.Schema), limits(p.Schema), p.Description})
	}
	if op.RequestBody != nil {
		content := op.RequestBody.Content["application/json"]
		v.Body = members(resolve(doc, content.Schema))
		text, err := json.MarshalIndent(content.Example, "", "  ")
		if err != nil {
			panic(err) // the declarations
		}
		v.Example = string(text)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		r := op.Responses[status]
		if name, ok := strings.CutPrefix(r.Ref, "#/components/responses/"); ok {
			r = doc.Components.Responses[name]
		}
		answer := docAnswer{Status: status, Doc: r.Description}
		for _, content := range r.Content {
			t := typeOf(content.Schema)
			answer.Type = &t
		}
		for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
			answer.Headers = append(answer.Headers, docMember{Name: name, Doc: r.Headers[name].Description})
		}
		v.Answers = append(v.Answers, answer)
	}
	return v
}

// members lists those of an object, the required ones first.
func members(s *huma.Schema) []docMember {
	var list []docMember
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		list = append(list, docMember{Name: name, Required: slices.Contains(s.Required, name), Type: typeOf(p), Limits: limits(p), Doc: p.Description})
	}
	slices.SortStableFunc(list, func(a, b docMember) int {
		switch {
		case a.Required == b.Required:
			return 0
		case a.Required:
			return -1
		}
		return 1
	})
	return list
}

func typeOf(s *huma.Schema) docType {
	t := docType{Before: s.Type}
	switch {
	case s.Ref != "":
		t = docType{Schema: s.Ref[strings.LastIndex(s.Ref, "/")+1:]}
	case len(s.AnyOf) > 0: // a reference, or null
		t = typeOf(s.AnyOf[0])
		t.After = " or null"
	case s.Items != nil:
		t = typeOf(s.Items)
		t.Before = "list of " + t.Before
	case s.Format == "date-time":
		t.Before = "time (RFC 3339)"
	case s.Type == "":
		t.Before = "any value"
	}
	if s.Nullable {
		t.After += " or null"
	}
	return t
}

// limits says what a value can be, beyond its type.
func limits(s *huma.Schema) string {
	var list []string
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if len(s.Enum) > 0 {
		add("one of %s", strings.ReplaceAll(strings.Trim(fmt.Sprint(s.Enum), "[]"), " ", ", "))
	}
	if s.Minimum != nil && s.Maximum != nil {
		add("%v to %v", *s.Minimum, *s.Maximum)
	}
	if s.MinLength != nil {
		add("at least %d characters", *s.MinLength)
	}
	if s.MaxLength != nil {
		add("at most %d characters", *s.MaxLength)
	}
	if s.Default != nil {
		add("%v if left out", s.Default)
	}
	if len(s.Examples) > 0 && s.Type == huma.TypeString {
		add("such as %v", s.Examples[0])
	}
	return strings.Join(list, "; ")
}

type docText struct {
	Text string
	Code bool
}

// prose splits a text into paragraphs, and these into words and `code`.
func prose(text string) [][]docText {
	var paragraphs [][]docText
	for p := range strings.SplitSeq(text, "\n\n") {
		var pieces []docText
		for i, piece := range strings.Split(p, "`") {
			pieces = append(pieces, docText{piece, i%2 == 1})
		}
		paragraphs = append(paragraphs, pieces)
	}
	return paragraphs
}
