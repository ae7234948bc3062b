package filter

import (
	"errors"

	"github.com/expr-lang/expr/ast"
)

// constants looks at the calls of date and timezone before any event is read: what they are given as constants must be
// right, and zones must be constants.
type constants struct {
	err error // what is wrong with the first that is
}

// Visit implements ast.Visitor.
func (c *constants) Visit(node *ast.Node) {
	call, ok := (*node).(*ast.CallNode)
	if !ok || c.err != nil {
		return
	}
	callee, ok := call.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	args, constant := texts(call.Arguments)
	switch {
	case callee.Value == "timezone" && constant:
		_, c.err = callZone(args...)
	case callee.Value == "date" && constant:
		_, c.err = callDate(args...)
	case callee.Value == "timezone", callee.Value == "date" && len(args) == 3 && args[2] == nil:
		c.err = errors.New("the zone must be a text, such as \"America/Sao_Paulo\": one that an event names may not be known on every machine")
	}
}

// texts are the arguments of a call, nil for what is no constant text, and whether all are.
func texts(nodes []ast.Node) (args []any, constant bool) {
	args, constant = make([]any, len(nodes)), true
	for i, n := range nodes {
		text, ok := n.(*ast.StringNode)
		if ok {
			args[i] = text.Value
		}
		constant = constant && ok
	}
	return args, constant
}
