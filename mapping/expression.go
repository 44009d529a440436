package mapping

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"rollcall/desk"
	"rollcall/schema"
)

// expression is a source that computes its value. The language is a part of github.com/expr-lang/expr without loops,
// variables and patterns, so that no expression takes longer or needs more memory than its length and the user's size allow.
type expression struct {
	program *vm.Program
	names   []string // the attributes that it uses
}

const (
	maxNodes = 100       // operations of an expression
	maxInput = 64 << 10  // bytes of text of a user that an expression can be computed for
	maxText  = 64 << 10  // bytes of text that a function may make
	wholeEnv = "$env"    // the user as a whole, in expressions
	member   = "_member" // the function that stands for a.b and a[0]
)

// functions are those of expressions. They take what is missing for nothing rather than for an error.
var functions = map[string]func(args ...any) (any, error){
	"join":    joinTexts,
	"lower":   oneText(strings.ToLower),
	"upper":   oneText(strings.ToUpper),
	"trim":    oneText(strings.TrimSpace),
	"replace": replaceText,
	"split":   splitText,
	"len":     length,
	member:    memberOf,

	"_plus":   add,
	"_in":     twoTexts(strings.Contains),
	"_starts": twoTexts(strings.HasPrefix),
	"_ends":   twoTexts(strings.HasSuffix),
}

const functionNames = "join, lower, upper, trim, replace, split and len"

// operators are those of expressions, with the functions that stand for some.
var operators = map[string]string{
	"+": "_plus", "contains": "_in", "startsWith": "_starts", "endsWith": "_ends",
	"-": "", "*": "", "/": "", "%": "", "==": "", "!=": "", "<": "", "<=": "", ">": "", ">=": "", "in": "",
	"and": "", "&&": "", "or": "", "||": "", "not": "", "!": "", "??": "",
}

// expression compiles an expression. column tells where in the source a byte of it stands.
func (c *compiler) expression(text string, t target, column func(int) int) *expression {
	if t.kind == emails || t.kind == phones || t.kind == allFields {
		c.fail("source", column(0), "an expression gives one value, and %s is a list; write a target with a label or a name", t.name)
		return &expression{}
	}
	if !c.expressions {
		c.fail("source", column(-len(exprPrefix)), "expressions are off for this connection; switch them on, or name an attribute")
		return &expression{}
	}
	options := []expr.Option{expr.Env(map[string]any{}), expr.AllowUndefinedVariables(), expr.DisableAllBuiltins(), expr.MaxNodes(maxNodes)}
	for name, f := range functions {
		options = append(options, expr.Function(name, f))
	}
	v := &visitor{}
	program, err := expr.Compile(text, append(options, expr.Patch(v))...)
	at, why := v.at, v.refused
	var failed *file.Error
	if why == "" && errors.As(err, &failed) {
		at, why = failed.From, "the expression cannot be read: "+failed.Message
	} else if why == "" && err != nil {
		why = "the expression cannot be read: " + err.Error()
	}
	if why != "" {
		prefix := []rune(text)
		c.fail("source", column(len(string(prefix[:min(at, len(prefix))]))), "%s", why)
	}
	return &expression{program, v.names}
}

// visitor refuses what an expression must not do, and puts functions that take what is missing in the place of some operators.
type visitor struct {
	names   []string
	at      int // in characters
	refused string
}

func (v *visitor) refuse(n ast.Node, why string) {
	if v.refused == "" {
		v.at, v.refused = n.Location().From, why
	}
}

func (v *visitor) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ArrayNode, *ast.ConditionalNode, *ast.ChainNode:
	case *ast.IdentifierNode:
		if functions[n.Value] == nil {
			v.names = append(v.names, n.Value)
		}
	case *ast.UnaryNode:
		if _, ok := operators[n.Operator]; !ok {
			v.refuse(n, "expressions have no operator "+n.Operator)
		}
	case *ast.BinaryNode:
		function, ok := operators[n.Operator]
		if !ok {
			v.refuse(n, "expressions have no operator "+n.Operator)
		} else if function != "" {
			v.call(node, function, n.Left, n.Right)
		}
	case *ast.MemberNode:
		if of, ok := n.Node.(*ast.IdentifierNode); ok && of.Value == wholeEnv {
			if name, ok := n.Property.(*ast.StringNode); ok {
				v.names[len(v.names)-1] = name.Value
			}
		}
		v.call(node, member, n.Node, n.Property)
	case *ast.CallNode:
		callee, ok := n.Callee.(*ast.IdentifierNode)
		if !ok || functions[callee.Value] == nil {
			v.refuse(n, "there is no such function; there are "+functionNames)
		}
	default:
		v.refuse(n, "expressions have no loops, variables, slices and objects")
	}
}

// call puts the call of a function in the place of a node.
func (v *visitor) call(node *ast.Node, function string, args ...ast.Node) {
	ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: args})
}

// run computes the expression. The value is a string, a bool or a json.Number, nil for none, or, if there may be several, a list of
// such, where an object stands for its value.
func (e *expression) run(env map[string]any, several bool) (any, error) {
	v, err := expr.Run(e.program, env)
	if err != nil {
		var failed *file.Error
		if errors.As(err, &failed) {
			return nil, errors.New(failed.Message)
		}
		return nil, err
	}
	computed, ok := v.([]any)
	if !ok || !several {
		return plainResult(v)
	}
	list := make([]any, len(computed))
	for i, v := range computed {
		if m, ok := v.(map[string]any); ok {
			v = m["value"]
		}
		if list[i], err = plainResult(v); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// plainResult returns a single value of an expression as a mapping takes it.
func plainResult(v any) (any, error) {
	switch v := v.(type) {
	case nil, bool:
		return v, nil
	case string:
		text := strings.TrimSpace(v)
		if !desk.Storable(text) {
			return nil, errors.New("it gives text with characters that cannot be stored")
		}
		if text == "" {
			return nil, nil
		}
		return text, nil
	case int:
		return json.Number(strconv.Itoa(v)), nil
	case float64:
		if number, err := json.Marshal(v); err == nil {
			return json.Number(number), nil
		}
		return nil, errors.New("it gives a number that is none")
	}
	return nil, errors.New("it gives neither text nor a number nor a boolean")
}

// environment is what expressions see of a user: its attributes under the names that the schema gives them, those of known
// extensions without their URN as well, unless the core schema has the name.
func environment(s *schema.Schema, r desk.Resource) (map[string]any, error) {
	left := maxInput
	env, _ := plainValue(map[string]any(r), &left).(map[string]any)
	if left < 0 {
		return nil, fmt.Errorf("the user has more than %d KiB of text", maxInput>>10)
	}
	for i := range s.Extensions {
		of, _ := env[s.Extensions[i].URN].(map[string]any)
		for name, v := range of {
			if _, taken := env[name]; !taken {
				env[name] = v
			}
		}
	}
	return env, nil
}

// plainValue copies a value with numbers that can be reckoned with, as far as there is room.
func plainValue(v any, left *int) any {
	if *left--; *left < 0 {
		return nil
	}
	switch v := v.(type) {
	case string:
		*left -= len(v)
	case json.Number:
		if n, err := v.Int64(); err == nil && n == int64(int(n)) {
			return int(n)
		}
		f, _ := v.Float64()
		return f
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			list[i] = plainValue(e, left)
		}
		return list
	case map[string]any:
		m := make(map[string]any, len(v))
		for name, e := range v {
			m[name] = plainValue(e, left)
		}
		return m
	}
	return v
}

var (
	errLong      = fmt.Errorf("it makes more than %d KiB of text", maxText>>10)
	errArguments = errors.New("a function has too few or too many arguments")
)

// textOf is the text of a value, "" for none.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 {
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
	}
	return fmt.Sprint(v)
}

// memberOf returns an object's member or a list's element, nil for what is not there.
func memberOf(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	switch key := args[1].(type) {
	case string:
		m, _ := args[0].(map[string]any)
		return m[key], nil
	case int:
		switch list := args[0].(type) {
		case []any:
			if key < 0 {
				key += len(list)
			}
			if key >= 0 && key < len(list) {
				return list[key], nil
			}
		}
	}
	return nil, nil
}

// add adds numbers and joins text; nothing adds nothing.
func add(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	a, b := args[0], args[1]
	if a == nil {
		return b, nil
	}
	if b == nil {
		return a, nil
	}
	x, isInt := a.(int)
	y, areInts := b.(int)
	if isInt && areInts {
		return x + y, nil
	}
	f, isNumber := number(a)
	g, areNumbers := number(b)
	if isNumber && areNumbers {
		return f + g, nil
	}
	s := textOf(a) + textOf(b)
	if len(s) > maxText {
		return nil, errLong
	}
	return s, nil
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// joinTexts puts a separator between those of the other arguments, and of the elements of lists among them, that are not empty.
func joinTexts(args ...any) (any, error) {
	if len(args) == 0 {
		return nil, errArguments
	}
	separator := textOf(args[0])
	var texts []string
	size := 0
	add := func(v any) {
		if s := textOf(v); s != "" {
			texts, size = append(texts, s), size+len(s)+len(separator)
		}
	}
	for _, arg := range args[1:] {
		if list, ok := arg.([]any); ok {
			for _, e := range list {
				if m, ok := e.(map[string]any); ok {
					e = m["value"]
				}
				add(e)
			}
			continue
		}
		add(arg)
	}
	if size > maxText {
		return nil, errLong
	}
	return strings.Join(texts, separator), nil
}

// oneText makes a function of one text; of nothing it makes nothing.
func oneText(f func(string) string) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		switch {
		case len(args) != 1:
			return nil, errArguments
		case args[0] == nil:
			return nil, nil
		}
		return f(textOf(args[0])), nil
	}
}

// twoTexts makes a function that compares two texts; what is missing is the empty text.
func twoTexts(f func(string, string) bool) func(args ...any) (any, error) {
	return func(args ...any) (any, error) {
		if len(args) != 2 {
			return nil, errArguments
		}
		return f(textOf(args[0]), textOf(args[1])), nil
	}
}

// replaceText replaces a text within a text.
func replaceText(args ...any) (any, error) {
	if len(args) != 3 {
		return nil, errArguments
	}
	text, from, to := textOf(args[0]), textOf(args[1]), textOf(args[2])
	if from == "" {
		return text, nil
	}
	if n := strings.Count(text, from); len(text)+n*(len(to)-len(from)) > maxText {
		return nil, errLong
	}
	return strings.ReplaceAll(text, from, to), nil
}

// splitText cuts a text at each separator into a list.
func splitText(args ...any) (any, error) {
	if len(args) != 2 {
		return nil, errArguments
	}
	text, separator := textOf(args[0]), textOf(args[1])
	if separator == "" || text == "" {
		return []any{text}, nil
	}
	var list []any
	for part := range strings.SplitSeq(text, separator) {
		list = append(list, part)
	}
	return list, nil
}

// length counts the characters of a text or the elements of a list.
func length(args ...any) (any, error) {
	if len(args) != 1 {
		return nil, errArguments
	}
	switch v := args[0].(type) {
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return utf8.RuneCountInString(textOf(args[0])), nil
}
