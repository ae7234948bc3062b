package filter

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
)

// offLimits says what of an expression is not for expressions: the surroundings of all names, in which an event is not looked
// for, what compiled expressions call, and functions that could take all of the memory.
func offLimits(expression string) error {
	u := &uses{}
	if tree, err := parser.Parse(expression); err == nil { // the compiler says better what cannot be read
		ast.Walk(&tree.Node, u)
	}
	if u.err != nil {
		return fmt.Errorf("filter: %w", u.err)
	}
	return nil
}

// uses looks for the first use of what is off.
type uses struct{ err error }

// Visit implements ast.Visitor.
func (u *uses) Visit(node *ast.Node) {
	if u.err != nil {
		return
	}
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		u.err = nameOff(n.Value)
	case *ast.BuiltinNode:
		u.err = functionOff(n)
	}
}

func nameOff(name string) error {
	if name == "$env" {
		return errors.New(`$env is off: write event.type where it says $env.event.type, event["account id"] for other names`)
	}
	if _, ours := reflect.TypeFor[*event]().MethodByName(name); ours {
		return fmt.Errorf("there is no %s: names are event, time, id and key; write event.%[1]s for what stands in the event", name)
	}
	return nil
}

// growing are functions of which one call could take all of the memory there is before anybody looks.
var growing = []string{"concat", "flatten", "groupBy", "join", "median", "repeat", "toJSON"}

func functionOff(n *ast.BuiltinNode) error {
	switch {
	case slices.Contains(growing, n.Name):
		return fmt.Errorf("%s is off: what it makes could be larger than the memory", n.Name)
	case n.Name == "replace" && !shortens(n):
		return errors.New(`replace takes two texts in quotes, the second no longer than the first, as in replace(id, "-", "")`)
	}
	return nil
}

// shortens reports whether a call of replace makes nothing longer, whatever it is given.
func shortens(n *ast.BuiltinNode) bool {
	if len(n.Arguments) < 3 {
		return true // the compiler refuses it
	}
	from, ok := n.Arguments[1].(*ast.StringNode)
	to, also := n.Arguments[2].(*ast.StringNode)
	return ok && also && len(to.Value) <= len(from.Value)
}
