package filter

import (
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"

	"replayd/archive"
)

// placer replaces each way into the event, event.data.id or event["data"].items[0], by a call of event.At with the number
// of a place. The compiler visits the innermost step first and may visit a tree more than once.
type placer struct {
	places []archive.Pointer
	roots  int // uses of event by itself
	steps  int // of them those that a step begins at
}

// whole reports whether the event is used as such: a name that is computed, a loop over it, a comparison.
func (p *placer) whole() bool { return p.roots > p.steps }

// Visit implements ast.Visitor.
func (p *placer) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if n.Value == "event" {
			p.roots++
		}
	case *ast.MemberNode:
		token, ok := step(n.Property)
		if !ok {
			return
		}
		if root, ok := n.Node.(*ast.IdentifierNode); ok && root.Value == "event" {
			p.steps++
			p.replace(node, archive.Pointer("/"+token))
		} else if i, ok := placeOf(n.Node); ok {
			p.replace(node, p.places[i]+archive.Pointer("/"+token))
		}
	case *ast.ChainNode:
		if _, ok := placeOf(n.Node); ok { // event?.a: what is not there is nil anyway
			ast.Patch(node, n.Node)
		}
	}
}

// step is the reference token of a property that is known when the expression is compiled.
func step(property ast.Node) (string, bool) {
	switch p := property.(type) {
	case *ast.StringNode:
		return strings.NewReplacer("~", "~0", "/", "~1").Replace(p.Value), true
	case *ast.IntegerNode:
		return strconv.Itoa(p.Value), p.Value >= 0
	}
	return "", false
}

func (p *placer) replace(node *ast.Node, place archive.Pointer) {
	i := 0
	for i < len(p.places) && p.places[i] != place {
		i++
	}
	if i == len(p.places) {
		p.places = append(p.places, place)
	}
	ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: "At"}, Arguments: []ast.Node{&ast.IntegerNode{Value: i}}})
}

// placeOf is the number of the place that a call made by replace asks for.
func placeOf(n ast.Node) (int, bool) {
	call, ok := n.(*ast.CallNode)
	if !ok {
		return 0, false
	}
	callee, ok := call.Callee.(*ast.IdentifierNode)
	if !ok || callee.Value != "At" || len(call.Arguments) != 1 {
		return 0, false
	}
	i, ok := call.Arguments[0].(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	return i.Value, true
}
