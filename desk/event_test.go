package desk

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestEventListsAreComplete holds that a new operation or outcome is listed: a filter by the one goes through all of the other.
func TestEventListsAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string][]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Type != nil && len(spec.Values) == 1 {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok {
				value, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				typ := spec.Type.(*ast.Ident).Name
				declared[typ] = append(declared[typ], value)
			}
		}
		return true
	})
	listed := map[string][]string{}
	for _, o := range Operations {
		listed["Operation"] = append(listed["Operation"], string(o))
	}
	for _, o := range Outcomes {
		listed["Outcome"] = append(listed["Outcome"], string(o))
	}
	for _, values := range listed {
		slices.Sort(values)
	}
	for _, values := range declared {
		slices.Sort(values)
	}
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("declared and listed: %s", diff)
	}
}

func TestCycle(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	span := func(from, to int) Cycle {
		return Cycle{StartedAt: noon.Add(time.Duration(from) * time.Minute), EndedAt: noon.Add(time.Duration(to) * time.Minute)}
	}
	cycle := span(0, 5)
	for name, c := range map[string]struct {
		more Cycle
		want bool
	}{
		"within":                {span(1, 2), true},
		"soon after":            {span(14, 14), true},
		"after a pause":         {span(15, 15), false},
		"from before":           {span(-20, 1), true},
		"shortly before":        {span(-9, -9), true},
		"long before":           {span(-30, -10), false},
		"around it":             {span(-60, 60), true},
		"beginning as it is on": {span(5, 90), true},
	} {
		if got := cycle.Takes(c.more); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	var sum Cycle
	for _, more := range []Cycle{
		{StartedAt: noon, EndedAt: noon, Outcomes: map[Outcome]int{Created: 2, Refused: 1}},
		{StartedAt: noon.Add(time.Minute), EndedAt: noon.Add(time.Minute), Outcomes: map[Outcome]int{Created: 1, Updated: 4, Skipped: 3}, Errors: 2},
		{StartedAt: noon.Add(-time.Minute), EndedAt: noon.Add(-time.Minute), Unchanged: 5, Lookups: 7},
	} {
		sum.Add(more)
	}
	want := Cycle{
		StartedAt: noon.Add(-time.Minute), EndedAt: noon.Add(time.Minute),
		Outcomes: map[Outcome]int{Created: 3, Updated: 4, Skipped: 3, Refused: 1}, Unchanged: 5, Lookups: 7, Errors: 2,
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Error(diff)
	}
	if sum.Synced() != 7 || sum.Failed() != 3 {
		t.Errorf("%d synced, %d failed", sum.Synced(), sum.Failed())
	}
	if !sum.Running(noon.Add(Quiet)) || sum.Running(noon.Add(time.Minute+Quiet)) {
		t.Error("a cycle runs until it has been quiet for Quiet")
	}
}
