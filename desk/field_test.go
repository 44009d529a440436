package desk

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFieldCheck(t *testing.T) {
	for _, typ := range FieldTypes {
		f := Field{Name: "f", Type: typ, Multiple: true}
		if typ == FieldChoice {
			f.Choices = []string{"a"}
		}
		if err := f.Check(); (err != nil) != (typ == FieldBoolean) || err != nil && AsError(err).Field != "multiple" {
			t.Errorf("several of %s: %v", typ, err)
		}
	}
}

func TestCoerce(t *testing.T) {
	list := func(values ...any) any { return values }
	many := make([]any, MaxValues+1)
	for i := range many {
		many[i] = fmt.Sprint(i)
	}
	texts := Field{Name: "location", Type: FieldText, Multiple: true}
	choices := Field{Name: "tier", Type: FieldChoice, Choices: []string{"Gold", "Silver"}, Multiple: true}
	for _, c := range []struct {
		field   Field
		v, want any
		problem string
	}{
		{texts, "Accra", list("Accra"), ""},
		{texts, list("Accra", "Berlin", "ACCRA", "", nil, " ", "berlin"), list("Accra", "Berlin"), ""},
		{texts, list("7", json.Number("7"), 7.5), list("7", "7.5"), ""},
		{texts, nil, nil, ""}, {texts, "", nil, ""}, {texts, list(), nil, ""}, {texts, list(nil, ""), nil, ""},
		{texts, list("Accra", list("Berlin")), nil, "each value of location must be text"},
		{texts, list("Accra", true), nil, "each value of location must be text"},
		{texts, map[string]any{"value": "Accra"}, nil, "each value of location must be text"},
		{texts, many, nil, "location may have up to 100 values"},
		{texts, append(many[:MaxValues:MaxValues], "0", ""), many[:MaxValues], ""},
		{choices, list("gold", "SILVER", "Gold"), list("Gold", "Silver"), ""},
		{choices, list("gold", "Bronze"), nil, "each value of tier must be one of Gold, Silver"},
		{Field{Name: "n", Type: FieldNumber, Multiple: true}, list("1.50", 1.5, json.Number("2")), list(json.Number("1.5"), json.Number("2")), ""},
		{Field{Name: "d", Type: FieldDate, Multiple: true}, list("2026-01-31", "2026-01-31T01:00:00+01:00"), list("2026-01-31T00:00:00Z"), ""},
		{Field{Name: "one", Type: FieldText}, list("Accra"), nil, "one must be text"},
	} {
		got, err := c.field.Coerce(c.v)
		said := ""
		if err != nil {
			said = AsError(err).Msg
		}
		if diff := cmp.Diff(c.want, got); diff != "" || said != c.problem {
			t.Errorf("%v: %q %s", c.v, said, diff)
		}
		if again, err := c.field.Coerce(got); err != nil || !cmp.Equal(got, again) {
			t.Errorf("%v becomes %v, which becomes %v, %v", c.v, got, again, err)
		}
	}
}

// TestProfileFields holds that fields with several values are taken over and told apart like others.
func TestProfileFields(t *testing.T) {
	of := func(v any) Profile {
		var p Profile
		p.SetField("location", v)
		return p
	}
	for _, c := range []struct {
		v, want any
	}{
		{[]any{"Accra", json.Number("7"), true}, []any{"Accra", 7.0, true}}, {[]any{map[string]any{"a": "b"}, "Accra", []any{"x"}}, []any{"Accra"}}, {[]any{map[string]any{}}, nil}, {[]any{}, nil},
		{"Accra", "Accra"}, {json.Number("7"), 7.0}, {json.Number("1e999"), nil}, {map[string]any{"a": "b"}, nil}, {nil, nil},
	} {
		if diff := cmp.Diff(c.want, of(c.v).Fields["location"]); diff != "" {
			t.Errorf("%v: %s", c.v, diff)
		}
	}
	accra, both, berlin := of([]any{"Accra"}), of([]any{"Accra", "Berlin"}), of([]any{"Berlin"})
	for _, c := range []struct {
		own, before, after Profile
		want               any
	}{
		{berlin, accra, accra, []any{"Berlin"}}, // what the directory did not change stays
		{berlin, accra, both, []any{"Accra", "Berlin"}},
		{both, both, berlin, []any{"Berlin"}},
		{both, accra, Profile{}, nil},
		{Profile{}, Profile{}, accra, []any{"Accra"}},
		{of("Accra"), of("Accra"), accra, []any{"Accra"}},
	} {
		if diff := cmp.Diff(c.want, c.own.Update(c.before, c.after).Fields["location"]); diff != "" {
			t.Errorf("%v, changed from %v to %v: %s", c.own.Fields, c.before.Fields, c.after.Fields, diff)
		}
	}
	for _, c := range []struct {
		from, to Profile
		want     []Change
	}{
		{both, of([]any{"Accra", "Berlin"}), nil},
		{accra, both, []Change{{"fields.location", []any{"Accra"}, []any{"Accra", "Berlin"}}}},
		{of("Accra"), accra, []Change{{"fields.location", "Accra", []any{"Accra"}}}},
		{both, Profile{}, []Change{{"fields.location", []any{"Accra", "Berlin"}, nil}}},
	} {
		if diff := cmp.Diff(c.want, c.from.Diff(c.to)); diff != "" {
			t.Errorf("from %v to %v: %s", c.from.Fields, c.to.Fields, diff)
		}
	}
}
