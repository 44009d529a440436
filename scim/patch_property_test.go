package scim_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rollcall/scim"
)

// The tests in this file hold PATCH against a model of it. A generator makes changes; the model applies them to a plain map
// by RFC 7644 section 3.5.2, and dressing turns them into the many forms in which clients write them. The model neither reads
// paths nor coerces values, so that it shares nothing with the server but the meaning.

const (
	core = "urn:ietf:params:scim:schemas:core:2.0:User"
	acme = "urn:acme:2.0:User" // an extension that no schema describes
)

// change is one change of a user at one place.
type change struct {
	op    string // "add", "replace" or "remove"
	urn   string // the extension's; "" for the core schema
	attr  string // "" for the extension as a whole
	sub   string
	where *condition // which elements of a multi-valued attribute
	value any        // nil clears. With "remove", the elements to remove; nil for all
	keyed bool       // by a key of an object, which may bring what no schema knows
}

// condition is a filter over elements.
type condition struct {
	text  string
	holds func(element map[string]any) bool
	pairs map[string]any // what it says an element has, if it is made of eq and and alone
	reads []string       // its sub-attributes
}

// subsOf are the multi-valued attributes with their sub-attributes.
var subsOf = map[string][]string{
	"emails": {"value", "type", "display", "primary"}, "roles": {"value", "type", "display", "primary"},
	"phoneNumbers": {"value", "type", "display", "primary"}, "addresses": {"region", "type", "locality", "primary"},
}

func elementsIn(m map[string]any, attr string) []any {
	list, _ := m[attr].([]any)
	return list
}

var (
	errRequired = errors.New("a required attribute cannot be cleared")
	errPath     = errors.New("the path names nothing")
	errTarget   = errors.New("the filter selects nothing, and nothing can be made to fit it")
	errPrimary  = errors.New("two elements would be primary")
)

// model is a user without id, meta and schemas.
type model map[string]any

// patch returns the user after the operations, which are all applied or none. One that deactivates leaves out instead what
// cannot be applied.
func (m model) patch(ops []operation) (model, error) {
	next := clone(map[string]any(m)).(map[string]any)
	leaver := slices.ContainsFunc(ops, func(o operation) bool {
		return slices.ContainsFunc(o.changes, func(c change) bool { return c.attr == "active" && c.op != "remove" && c.value == false })
	})
	for _, o := range ops {
		for _, c := range o.changes {
			if err := model(next).apply(c); err != nil && !leaver {
				return m, err
			}
		}
	}
	return next, nil
}

func (m model) apply(c change) error {
	if c.attr == "userName" && c.value == nil {
		return errRequired
	}
	holder := map[string]any(m)
	if c.urn != "" {
		if holder, _ = m[c.urn].(map[string]any); holder == nil {
			holder = map[string]any{}
		}
		defer func() { put(m, c.urn, holder) }()
	}
	switch {
	case c.attr == "":
		if c.op != "add" { // adding nothing
			clear(holder)
		}
	case subsOf[c.attr] != nil:
		list, err := c.list(elementsIn(holder, c.attr))
		if err != nil {
			return err
		}
		put(holder, c.attr, list)
	case c.attr == "name" || c.attr == "manager":
		have, _ := holder[c.attr].(map[string]any)
		put(holder, c.attr, c.complex(have))
	case c.attr == "colour" && !c.keyed && holder["colour"] == nil:
		return errPath
	default:
		put(holder, c.attr, c.value)
	}
	return nil
}

// complex returns a single complex value after the change: what is not named stays (section 3.5.2.3). Of a new manager
// nothing is known but what comes with it.
func (c change) complex(have map[string]any) map[string]any {
	members, _ := c.value.(map[string]any)
	switch {
	case c.sub != "":
		members = map[string]any{c.sub: c.value}
	case c.value == nil:
		return nil
	}
	next := maps.Clone(have)
	if _, anew := members["value"]; next == nil || anew {
		next = map[string]any{}
	}
	for name, v := range members {
		put(next, name, v)
	}
	if c.attr == "manager" && next["value"] == nil && next["$ref"] == nil {
		return nil
	}
	return next
}

// list returns a multi-valued attribute after the change.
func (c change) list(have []any) ([]any, error) {
	if c.where != nil || c.sub != "" {
		return c.each(have)
	}
	values, _ := c.value.([]any)
	switch {
	case c.op == "add":
		return join(have, values), nil
	case c.op == "replace":
		return join(nil, values), nil
	case values == nil:
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(have), func(e any) bool {
		return slices.ContainsFunc(values, func(listed any) bool {
			for name, v := range listed.(map[string]any) {
				if !equalFold(e.(map[string]any)[name], v) {
					return false
				}
			}
			return true
		})
	}), nil
}

// each changes the elements that the filter selects, all of them without one. Where there is none, one is made that fits:
// section 3.5.2.3 has noTarget, but Entra counts on it.
func (c change) each(have []any) ([]any, error) {
	list := slices.Clone(have)
	var changed []int
	for i, e := range have {
		if e := e.(map[string]any); c.where == nil || c.where.holds(e) {
			list[i], changed = c.element(e), append(changed, i)
		}
	}
	if changed == nil {
		if c.value == nil {
			return have, nil
		}
		made := map[string]any{}
		if c.where != nil {
			made = c.where.pairs
		}
		if made == nil {
			return nil, errTarget
		}
		if made = c.element(made); c.where != nil && !c.where.holds(made) {
			return nil, errTarget
		}
		changed, list = append(changed, len(list)), append(list, made)
	}
	primary := 0
	for _, i := range changed {
		if e := list[i].(map[string]any); e["primary"] == true && says(e) {
			primary++
		}
	}
	if primary > 1 {
		return nil, errPrimary
	}
	for i, e := range list {
		if primary > 0 && !slices.Contains(changed, i) {
			list[i] = demoted(e.(map[string]any))
		}
	}
	return join(nil, slices.DeleteFunc(list, func(e any) bool { return !says(e.(map[string]any)) })), nil
}

// element returns an element after the change.
func (c change) element(e map[string]any) map[string]any {
	e = maps.Clone(e)
	switch {
	case c.sub != "":
		put(e, c.sub, c.value)
		return e
	case c.value == nil:
		return map[string]any{}
	case c.op == "replace": // it keeps what selected it
		if e = maps.Clone(c.where.pairs); e == nil {
			e = map[string]any{}
		}
	}
	maps.Copy(e, c.value.(map[string]any))
	return e
}

// join adds elements to a list. Those of equal type and value are one (RFC 7643 section 2.4); without a value, those that
// are equal but for the primary mark, of which there is one at most.
func join(list, added []any) []any {
	out := slices.Clone(list)
	for _, e := range added {
		e := e.(map[string]any)
		at := slices.IndexFunc(out, func(old any) bool {
			have := old.(map[string]any)
			if have["value"] != nil || e["value"] != nil {
				return have["value"] == e["value"] && equalFold(have["type"], e["type"])
			}
			return reflect.DeepEqual(without(have, "primary"), without(e, "primary"))
		})
		if at < 0 {
			at, out = len(out), append(out, map[string]any{})
		}
		merged := maps.Clone(out[at].(map[string]any))
		maps.Copy(merged, e)
		out[at] = merged
		for i := range out {
			if e["primary"] == true && i != at {
				out[i] = demoted(out[i].(map[string]any))
			}
		}
	}
	return out
}

// demoted returns an element without the primary mark.
func demoted(e map[string]any) map[string]any {
	if e["primary"] == true {
		return without(e, "primary")
	}
	return e
}

func without(m map[string]any, name string) map[string]any {
	m = maps.Clone(m)
	delete(m, name)
	return m
}

// says reports whether an element says more than its label.
func says(e map[string]any) bool {
	for name := range e {
		if name != "type" && name != "primary" {
			return true
		}
	}
	return false
}

// put sets a member, or takes it out if the value is none.
func put(m map[string]any, name string, v any) {
	if value := reflect.ValueOf(v); !value.IsValid() || (value.Kind() == reflect.Map || value.Kind() == reflect.Slice) && value.Len() == 0 {
		delete(m, name)
		return
	}
	m[name] = v
}

func equalFold(a, b any) bool {
	textA, okA := a.(string)
	textB, okB := b.(string)
	return a == b || okA && okB && strings.EqualFold(textA, textB)
}

func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for name, e := range v {
			m[name] = clone(e)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = clone(e)
		}
		return list
	}
	return v
}

// operation is one of the Operations of a PATCH, as it is sent and as it is meant.
type operation struct {
	sent    map[string]any
	changes []change
}

func (o operation) String() string { return string(encode(o.sent)) }

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// body is a PATCH of operations.
func body(ops []operation) []byte {
	list := make([]any, len(ops))
	for i, o := range ops {
		list[i] = o.sent
	}
	return encode(map[string]any{"schemas": []any{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": list})
}

// generator makes users and operations. The mark keeps the keys of one user apart from those of others.
type generator struct {
	*rand.Rand
	mark string
}

func newGenerator(seed, n int) *generator {
	return &generator{rand.New(rand.NewPCG(uint64(seed), uint64(n))), fmt.Sprintf("-%d", n)}
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// one is true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

// user makes a user in canonical form.
func (g *generator) user() model {
	m := model{"userName": "kofi" + g.mark}
	for range 2 + g.IntN(14) {
		c := g.change("replace")
		if c.value != nil {
			// What is refused is left out.
			m, _ = m.patch([]operation{{changes: []change{c}}})
		}
	}
	return m
}

// patch makes operations, of which some may be refused.
func (g *generator) patch() []operation {
	ops := make([]operation, 1+g.IntN(4))
	active := false
	for i := range ops {
		// With one word on active at most, it is plain whether a PATCH deactivates.
		for {
			ops[i] = g.operation()
			says := slices.ContainsFunc(ops[i].changes, func(c change) bool { return c.attr == "active" })
			if !says || !active {
				active = active || says
				break
			}
		}
	}
	return ops
}

func (g *generator) operation() operation {
	op := pick(g, "add", "replace", "replace", "remove")
	sent := map[string]any{pick(g, "op", "op", "OP"): pick(g, op, op, strings.ToUpper(op), strings.ToUpper(op[:1])+op[1:], " "+op+" ")}
	path, value := pick(g, "path", "path", "Path"), pick(g, "value", "value", "VALUE")
	switch n := g.IntN(10); {
	case n < 3 && op != "remove":
		object, changes := g.object(op)
		if sent[value] = object; g.one(3) {
			sent[path] = pick[any](g, nil, "", " ", core, strings.ToUpper(core))
		}
		return operation{sent, changes}
	case n < 4:
		urn := pick(g, ent, acme)
		sent[path] = urn
		object, changes := g.extension(op, urn)
		if op != "remove" {
			sent[value] = object
		}
		return operation{sent, changes}
	}
	c := g.change(op)
	sent[path] = pick(g, "", "", "", " ") + g.path(c)
	switch {
	case op != "remove" || c.value != nil:
		sent[value] = g.dressed(c)
	case g.one(4): // a remove needs no value, and sets none
		whole := subsOf[c.attr] != nil && c.where == nil && c.sub == ""
		if sent[value] = pick[any](g, nil, ""); !whole && g.one(2) {
			sent[value] = "ignored"
		}
	}
	return operation{sent, []change{c}}
}

// object makes the value of an operation without a path.
func (g *generator) object(op string) (map[string]any, []change) {
	object := map[string]any{}
	var plain, flat []change
	taken := map[string]bool{}
	for range 1 + g.IntN(4) {
		if g.one(6) && !taken[ent] && !taken[acme] {
			urn := pick(g, ent, acme)
			taken[urn] = true
			members, changes := g.extension(op, urn)
			object[urn] = members
			flat = append(flat, changes...)
			continue
		}
		c := g.change(op)
		c.keyed = true
		if taken[c.urn] || taken[c.attr] {
			continue
		}
		taken[c.attr] = true
		if c.urn != "" {
			taken[ent], taken[acme] = true, true
		}
		key := g.path(c)
		object[key] = g.dressed(c)
		flat = append(flat, c)
		if strings.EqualFold(key, "name") && g.one(2) {
			// What is flattened counts after what is nested.
			over := change{op: op, attr: "name", sub: "givenName", value: g.word(), keyed: true}
			object["name.givenName"] = g.dressed(over)
			plain, flat = append(plain, flat[len(flat)-1]), append(flat[:len(flat)-1], over)
		}
	}
	if g.one(6) && !taken["emails"] {
		// The mark counts after the value that it is of.
		where := condition{text: `type eq "work"`, holds: func(e map[string]any) bool { return equalFold(e["type"], "work") }, pairs: map[string]any{"type": "work"}, reads: []string{"type"}}
		for _, sub := range []string{"value", "primary"} {
			c := change{op: op, attr: "emails", where: &where, sub: sub, value: g.subValue(sub), keyed: true}
			object[g.path(c)] = g.dressed(c)
			flat = append(flat, c)
		}
	}
	// What the server sets is left out.
	readOnly := map[string]any{"id": "x", "ID": nil, "meta": map[string]any{"version": "x"}, "groups": []any{map[string]any{"value": "g"}}, "schemas": []any{core}, "password": "p", ent + ":manager.displayName": "x"}
	for _, name := range slices.Sorted(maps.Keys(readOnly)) {
		if g.one(12) {
			object[name] = readOnly[name]
		}
	}
	return object, append(plain, flat...)
}

// extension makes a value for an extension as a whole.
func (g *generator) extension(op, urn string) (any, []change) {
	if op == "remove" || g.one(5) {
		return pick[any](g, nil, "", []any{}), []change{{op: op, urn: urn, keyed: true}}
	}
	members := map[string]any{}
	var changes []change
	taken := map[string]bool{}
	for range g.IntN(4) {
		c := change{op: op, urn: acme, attr: pick(g, "tier", "grade"), value: g.wordOrNone(), keyed: true}
		if urn == ent {
			c = g.enterprise(op)
		}
		if !taken[c.attr] {
			taken[c.attr] = true
			name := c.attr
			if c.sub != "" {
				name += "." + c.sub
			}
			if urn == ent {
				name = g.cased(name)
			}
			members[name] = g.dressed(c)
			changes = append(changes, c)
		}
	}
	if urn == ent && g.one(6) {
		members["manager.displayName"] = "read only"
	}
	return members, changes
}

// change makes a change of an attribute. A remove has no value but for listed elements.
func (g *generator) change(op string) change {
	c := change{op: op}
	switch g.IntN(10) {
	case 0:
		c.attr, c.value = "userName", pick[any](g, "kofi"+g.mark, "KOFI"+g.mark, "ada"+g.mark, "ada"+g.mark, nil)
	case 1:
		c.attr, c.value = "active", pick[any](g, true, true, false, nil)
	case 2:
		c.attr, c.value = pick(g, "title", "displayName", "nickName", "userType", "locale"), g.wordOrNone()
	case 3:
		if c.attr, c.value = "externalId", pick[any](g, "e1"+g.mark, "E1"+g.mark, nil); g.one(2) {
			c.attr, c.value = "colour", g.wordOrNone()
		}
		if g.one(3) {
			c.urn, c.attr = acme, pick(g, "tier", "grade")
		}
	case 4:
		c.attr = "name"
		if c.sub = pick(g, "", "givenName", "familyName", "formatted"); c.sub != "" {
			c.value = g.wordOrNone()
		} else if !g.one(5) {
			names := map[string]any{}
			for range g.IntN(3) {
				names[pick(g, "givenName", "familyName", "formatted")] = g.wordOrNone()
			}
			c.value = names
		}
	case 5:
		c = g.enterprise(op)
	default:
		return g.elements(op)
	}
	if op == "remove" {
		c.value = nil
	}
	return c
}

func (g *generator) enterprise(op string) change {
	c := change{op: op, urn: ent, attr: pick(g, "department", "costCenter", "employeeNumber", "manager", "manager"), value: g.wordOrNone(), keyed: true}
	if c.attr == "employeeNumber" {
		c.value = pick[any](g, "42", "E-7", nil)
	}
	if c.attr == "manager" {
		switch c.sub = pick(g, "", "", "value", "$ref"); c.sub {
		case "":
			c.value = pick[any](g, nil, map[string]any{"value": "m1"}, map[string]any{"value": "m2"}, map[string]any{"value": "m1", "$ref": "../m1"}, map[string]any{"$ref": "../m2"}, map[string]any{})
		case "value":
			c.value = pick[any](g, nil, "m1", "m2")
		case "$ref":
			c.value = pick[any](g, nil, "../m1")
		}
	}
	if op == "remove" {
		c.value = nil
	}
	return c
}

// elements makes a change of a multi-valued attribute: of all of it, of the elements that a filter selects, or of a
// sub-attribute.
func (g *generator) elements(op string) change {
	c := change{op: op, attr: pick(g, "emails", "emails", "emails", "roles", "phoneNumbers", "addresses")}
	if !g.one(3) {
		where := g.condition(c.attr, 2)
		c.where = &where
	}
	if c.where != nil && !g.one(3) || c.where == nil && g.one(3) {
		c.sub = pick(g, subsOf[c.attr]...)
	}
	switch {
	case c.sub == "" && c.where == nil && !(op == "remove" && g.one(2)):
		var list []any
		primary := false
		for range g.IntN(4) {
			e := g.element(c.attr)
			if op == "remove" || primary {
				delete(e, "primary") // listed for removal, or one is primary already
			}
			primary = primary || e["primary"] == true
			if says(e) || op == "remove" && len(e) > 0 {
				list = append(list, e)
			}
		}
		if list != nil {
			c.value = list
		} else if op == "remove" {
			c.value = []any{} // removes nothing
		}
	case op == "remove" || g.one(6):
	case c.sub == "":
		c.value = g.element(c.attr)
	default:
		c.value = g.subValue(c.sub)
	}
	return c
}

func (g *generator) element(attr string) map[string]any {
	e := map[string]any{}
	for _, sub := range subsOf[attr] {
		if g.one(2) {
			e[sub] = g.subValue(sub)
		}
	}
	return e
}

func (g *generator) subValue(sub string) any {
	switch sub {
	case "primary":
		return pick[any](g, true, true, false)
	case "type":
		return pick(g, "work", "home", "Work", "other")
	}
	return pick(g, "a", "b", `c"] \`, "A") + g.mark
}

func (g *generator) word() any { return pick(g, "Ada", "kofi", " Ünï <b>& ", `say "x"`, "True") }

func (g *generator) wordOrNone() any {
	if g.one(4) {
		return nil
	}
	return g.word()
}

// condition makes a filter over elements.
func (g *generator) condition(attr string, depth int) condition {
	and, or, not := pick(g, " and ", " AND "), pick(g, " or ", " Or "), pick(g, "not ", "not", "NOT ")
	switch n := g.IntN(10); {
	case depth == 0 || n < 6:
		return g.comparison(pick(g, subsOf[attr]...))
	case n < 8:
		a, b := g.condition(attr, depth-1), g.condition(attr, 0)
		c := condition{a.text + and + b.text, func(e map[string]any) bool { return a.holds(e) && b.holds(e) }, nil, slices.Concat(a.reads, b.reads)}
		if strings.Contains(strings.ToLower(a.text), " or ") {
			c.text = "(" + a.text + ")" + and + b.text
		}
		if a.pairs != nil && b.pairs != nil {
			c.pairs = maps.Clone(a.pairs)
			maps.Copy(c.pairs, b.pairs)
		}
		return c
	case n < 9: // and binds tighter
		a, b := g.condition(attr, depth-1), g.condition(attr, depth-1)
		return condition{a.text + or + b.text, func(e map[string]any) bool { return a.holds(e) || b.holds(e) }, nil, slices.Concat(a.reads, b.reads)}
	}
	a := g.condition(attr, depth-1)
	return condition{not + "(" + a.text + ")", func(e map[string]any) bool { return !a.holds(e) }, nil, a.reads}
}

// comparison compares one sub-attribute, text without regard to case. What is not there is equal to nothing.
func (g *generator) comparison(sub string) condition {
	want := g.subValue(sub)
	op := pick(g, "eq", "eq", "eq", "eq", "ne", "co", "sw", "ew", "pr")
	literal := string(encode(want))
	if b, ok := want.(bool); ok {
		op = pick(g, "eq", "eq", "ne", "pr")
		literal = pick(g, fmt.Sprint(b), fmt.Sprintf("%q", fmt.Sprint(b)), map[bool]string{true: `"True"`, false: `"False"`}[b])
	} else if op == "eq" && sub == "type" && g.one(6) {
		literal = want.(string) // as Microsoft's pages print it
	}
	c := condition{text: g.cased(sub) + " " + pick(g, op, strings.ToUpper(op)) + " " + literal, reads: []string{sub}}
	if op == "pr" {
		c.text = g.cased(sub) + " " + op
	}
	if op == "eq" {
		c.pairs = map[string]any{sub: want}
	}
	c.holds = func(e map[string]any) bool {
		have := e[sub]
		text, _ := have.(string)
		text = strings.ToLower(text)
		part, _ := want.(string)
		part = strings.ToLower(part)
		switch op {
		case "eq":
			return equalFold(have, want)
		case "ne":
			return !equalFold(have, want)
		case "co":
			return strings.Contains(text, part)
		case "sw":
			return strings.HasPrefix(text, part)
		case "ew":
			return strings.HasSuffix(text, part)
		}
		return have != nil
	}
	return c
}

// cased writes a name in some case.
func (g *generator) cased(name string) string {
	return pick(g, name, name, name, strings.ToUpper(name), strings.ToLower(name))
}

// path writes the place of a change.
func (g *generator) path(c change) string {
	if c.attr == "colour" {
		return c.attr
	}
	if c.urn == acme {
		return acme + ":" + c.attr
	}
	path := g.cased(c.attr)
	if c.where != nil {
		path += "[" + c.where.text + "]"
	}
	if c.sub != "" {
		path += "." + g.cased(c.sub)
	}
	switch {
	case c.urn == ent && !g.one(4): // else by its bare name
		path = pick(g, ent, ent, strings.ToLower(ent)) + pick(g, ":", ":", ":", ".") + path
	case c.urn == "" && g.one(6):
		path = core + ":" + path
	}
	return path
}

// dressed writes the value of a change in one of the forms that clients use.
func (g *generator) dressed(c change) any {
	switch v := c.value.(type) {
	case nil:
		if c.attr == "manager" && c.sub == "" && g.one(4) {
			return map[string]any{"value": pick[any](g, nil, "")}
		}
		return pick[any](g, nil, "", []any{})
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, g.dressedElement(e.(map[string]any)))
		}
		if len(list) == 1 && g.one(3) {
			return list[0]
		}
		return list
	case map[string]any:
		if c.attr == "name" {
			return g.members(v)
		}
		if c.attr == "manager" {
			manager := g.members(v)
			if g.one(4) {
				manager["displayName"] = "read only"
			}
			if value, ok := v["value"]; ok && len(v) == 1 && g.one(2) {
				return value
			}
			return pick[any](g, manager, manager, []any{manager})
		}
		return pick(g, g.dressedElement(v), any([]any{g.dressedElement(v)}))
	case bool:
		return g.boolean(v)
	case string:
		if v == "42" && g.one(2) {
			return 42
		}
		if c.attr != "colour" && c.urn != acme && g.one(6) {
			return []any{map[string]any{"$ref": nil, "value": v}}
		}
	}
	return c.value
}

func (g *generator) dressedElement(e map[string]any) any {
	if value, ok := e["value"]; ok && len(e) == 1 && g.one(2) {
		return value
	}
	return g.members(e)
}

// members writes a complex value's members.
func (g *generator) members(m map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		v := m[name]
		if v == nil {
			v = pick[any](g, nil, "")
		} else if b, ok := v.(bool); ok {
			v = g.boolean(b)
		}
		out[g.cased(name)] = v
	}
	return out
}

func (g *generator) boolean(b bool) any {
	text := fmt.Sprint(b)
	return pick[any](g, b, text, strings.ToUpper(text[:1])+text[1:], strings.ToUpper(text))
}

// settled reports whether operations that made after of before change nothing when they are made again.
func settled(ops []operation, before, after model) bool {
	for _, o := range ops {
		for _, c := range o.changes {
			// An element that was made equal to another is one with it, and may have taken on what the filter does not select.
			merged := c.where != nil && c.value != nil && len(elementsIn(before, c.attr)) > len(elementsIn(after, c.attr))
			// What no schema knows is known while it is there.
			gone := c.attr == "colour" && c.value == nil && !c.keyed
			if merged || gone || c.contradicts() {
				return false
			}
		}
	}
	return true
}

// contradicts reports whether the elements may no longer be what the filter selects once they are changed.
func (c change) contradicts() bool {
	if c.where == nil || c.op == "remove" || c.value == nil {
		return false
	}
	written := map[string]any{c.sub: c.value}
	if c.sub == "" {
		written = c.value.(map[string]any)
	}
	for _, name := range c.where.reads {
		v, set := written[name]
		switch {
		case c.where.pairs != nil:
			set = set && !equalFold(v, c.where.pairs[name])
		case c.op == "replace" && c.sub == "":
			set = true // it keeps nothing of what selected it
		case name == "primary":
			set = set || written["primary"] == true // one marked takes the mark from the others
		}
		if set {
			return true
		}
	}
	return false
}

// full returns the model as the server has it, with its schemas.
func (m model) full() map[string]any {
	full := clone(map[string]any(m)).(map[string]any)
	schemas := []any{core}
	for _, urn := range []string{acme, ent} {
		if full[urn] != nil {
			schemas = append(schemas, urn)
		}
	}
	full["schemas"] = schemas
	return full
}

// wantOnePrimary fails if two elements of an attribute are primary.
func wantOnePrimary(t *testing.T, user map[string]any) {
	t.Helper()
	for name := range subsOf {
		n := 0
		for _, e := range elementsIn(user, name) {
			if e.(map[string]any)["primary"] == true {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%d of the %s are primary", n, name)
		}
	}
}

// TestPatchModel holds in memory that a PATCH makes of a user what the model says, and is refused where the model refuses it;
// that the same operation once more changes nothing; and that the result is canonical, so that it can be PUT.
func TestPatchModel(t *testing.T) {
	refused, repeated := 0, 0
	for n := range 5000 {
		g := newGenerator(1, n)
		m := g.user()
		for range 3 {
			ops := g.patch()
			patch := body(ops)
			before := encode(m)
			fail := func(format string, args ...any) {
				t.Fatalf("round %d\nuser  %s\nPATCH %s\n%s", n, before, patch, fmt.Sprintf(format, args...))
			}
			r, err := scim.NewResource(before)
			if err != nil {
				fail("the user is not read: %v", err)
			}
			next, wantErr := m.patch(ops)
			_, err = scim.Patch(r, patch)
			if (err == nil) != (wantErr == nil) {
				fail("error %v, want %v", err, wantErr)
			}
			if err != nil {
				wantClientError(t, err)
				refused++
				continue
			}
			if diff := cmp.Diff(next.full(), map[string]any(r)); diff != "" {
				fail("-want +got\n%s", diff)
			}
			wantOnePrimary(t, r)
			wantCanonical(t, r)
			settles := settled(ops, m, next)
			m = next
			if len(ops) > 1 {
				continue
			}
			again, wantErr := m.patch(ops)
			_, err = scim.Patch(r, patch)
			if (err == nil) != (wantErr == nil) {
				fail("a second time: error %v, want %v", err, wantErr)
			}
			if err == nil {
				if diff := cmp.Diff(again.full(), map[string]any(r)); diff != "" {
					fail("a second time: -want +got\n%s", diff)
				}
			}
			if settles {
				repeated++
				if err != nil || !cmp.Equal(again, next) {
					fail("a second time it changes: %v, -first +second\n%s", err, cmp.Diff(next, again))
				}
			}
		}
	}
	if refused < 500 || repeated < 2000 {
		t.Errorf("only %d PATCHes were refused and %d made twice", refused, repeated)
	}
}

// invalid makes an operation that is refused whatever the user is.
func (g *generator) invalid() operation {
	text := pick(g,
		`{"op":"remove","path":"userName"}`, `{"op":"replace","path":"userName","value":""}`, `{"op":"add","path":"userName","value":null}`, `{"op":"replace","value":{"userName":" "}}`,
		`{"op":"replace","path":"id","value":"x"}`, `{"op":"remove","path":"ID"}`, `{"op":"replace","path":"meta.version","value":"x"}`, `{"op":"remove","path":"meta"}`,
		`{"op":"add","path":"groups","value":[{"value":"g"}]}`, `{"op":"remove","path":"groups[value eq \"g\"]"}`, `{"op":"replace","path":"ENT:manager.displayName","value":"x"}`, `{"op":"remove","path":"manager.displayName"}`,
		`{"op":"replace","path":"nobody","value":"x"}`, `{"op":"replace","path":"ENT:nobody","value":"x"}`, `{"op":"replace","path":"name.nobody","value":"x"}`, `{"op":"add","path":"emails[type eq \"work\"","value":"x"}`,
		`{"op":"add","path":"emails[type co \"nobody\"].value","value":"x"}`, `{"op":"replace","path":"roles[value eq \"nobody\"].value","value":"x"}`,
		`{"op":"replace","path":"title","value":5}`, `{"op":"replace","value":{"name":"x"}}`, `{"op":"replace","path":"active","value":"perhaps"}`, `{"op":"replace","path":"ENT","value":"x"}`,
		`{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":"True"}]}`,
		`{"op":"move","path":"title","value":"x"}`, `{"op":"remove"}`, `{"op":"replace","value":"x"}`, `{"op":"replace","path":"title"}`)
	var sent map[string]any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "ENT", ent)), &sent); err != nil {
		panic(err)
	}
	return operation{sent: sent}
}

// TestPatchModelServed holds the same of whole servers, by GET: that what is stored is what the model says, that a refused
// PATCH leaves no trace, and that a change of nothing keeps the version.
func TestPatchModelServed(t *testing.T) {
	eachEndpoint(t, func(t *endpoint) {
		for n := range 120 {
			g := newGenerator(2, n)
			m := g.user()
			var requests []string
			// call makes a request on which all the round's requests are shown if it is not answered as it must be.
			call := func(method, path string, body []byte, want int) map[string]any {
				t.Helper()
				if method != "GET" {
					requests = append(requests, fmt.Sprintf("%s %s", method, body))
				}
				a := t.call(method, path, string(body))
				if a.Status != want {
					t.Fatalf("round %d\n%s\nstatus %d, want %d\n%s", n, strings.Join(requests, "\n"), a.Status, want, a.Body)
				}
				return a.Want(t, want)
			}
			equal := func(what string, want, got map[string]any) {
				t.Helper()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("round %d\n%s\n%s: -want +got\n%s", n, strings.Join(requests, "\n"), what, diff)
				}
			}
			now := call("POST", "/Users", encode(m), 201)
			path := "/Users/" + now["id"].(string)
			if m["active"] == nil {
				m["active"] = true
			}
			first := m
			// served is the model with what the server adds, as it was when it was last asked.
			served := func() map[string]any {
				full := m.full()
				full["id"], full["meta"] = now["id"], now["meta"]
				return full
			}
			version := func() any { return now["meta"].(map[string]any)["version"] }
			for range 5 {
				ops := g.patch()
				next, refused := m.patch(ops)
				status := 200
				if refused != nil {
					status = 400
				}
				before, created := now, now["meta"].(map[string]any)["created"]
				answer := call("PATCH", path, body(ops), status)
				now = call("GET", path, nil, 200)
				if refused != nil {
					equal("after a refused PATCH", before, now)
					continue
				}
				changed, settles := !cmp.Equal(m, next), settled(ops, m, next)
				m = next
				equal("after PATCH", served(), now)
				equal("in the answer", now, answer)
				wantOnePrimary(t.T, now)
				if now["id"] != before["id"] || now["meta"].(map[string]any)["created"] != created {
					t.Fatalf("round %d\n%s\nid or meta was changed: %v", n, strings.Join(requests, "\n"), now)
				}
				if same := cmp.Equal(before["meta"], now["meta"]); same == changed {
					t.Fatalf("round %d\n%s\nchanged %v, but meta went from %v to %v", n, strings.Join(requests, "\n"), changed, before["meta"], now["meta"])
				}
				if len(ops) == 1 && settles {
					equal("by the same once more", now, call("PATCH", path, body(ops), 200))
					equal("after the same once more", now, call("GET", path, nil, 200))
				}
			}
			ops := slices.DeleteFunc(g.patch(), func(o operation) bool {
				return slices.ContainsFunc(o.changes, func(c change) bool { return c.attr == "active" })
			})
			call("PATCH", path, body(append(ops, g.invalid())), 400)
			equal("after a PATCH whose last operation is refused", now, call("GET", path, nil, 200))

			equal("by a PUT of what there is", now, call("PUT", path, encode(now), 200))
			now = call("PUT", path, encode(first), 200)
			if m["active"] == nil { // a PUT without it keeps it
				m["active"] = first["active"]
			}
			last := version()
			now = call("PUT", path, encode(m), 200)
			equal("by a PUT of what the PATCHes made", served(), now)
			if changed := !cmp.Equal(first, m); changed == (version() == last) {
				t.Fatalf("round %d\n%s\nchanged %v, but the version went from %v to %v", n, strings.Join(requests, "\n"), changed, last, version())
			}
		}
	})
}
