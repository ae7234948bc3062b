package filter

import (
	"fmt"
	"reflect"

	"github.com/expr-lang/expr/ast"
)

// maxGrown is what an expression may make of one event in texts and lists, in bytes, all of them together. The library counts
// elements only: a text that is put behind itself 33 times over would take all of the memory there is.
const maxGrown = 64 << 20

// ofElement is what an element of a list takes by itself.
const ofElement = 16

// growth has the result of each step counted that makes a text or a list. One step makes at most some times as much as it is
// given, and that was counted: it is enough to look afterwards.
type growth struct{}

// Visit implements ast.Visitor.
func (growth) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if n.Operator == "+" && (mayBeText(n.Left) || mayBeText(n.Right)) {
			counted(node)
		}
	case *ast.BuiltinNode:
		switch n.Name {
		case "upper", "lower", "replace", "split", "splitAfter", "toBase64", "fromBase64", "fromJSON":
			counted(node)
		case "uniq":
			calls(node, "GrownList")
		case "string":
			calls(&n.Arguments[0], "Single")
		}
	}
}

func mayBeText(n ast.Node) bool {
	t := n.Type()
	return t == nil || t.Kind() == reflect.String || t.Kind() == reflect.Interface
}

func counted(node *ast.Node) {
	if t := (*node).Type(); t != nil && t.Kind() == reflect.String {
		calls(node, "GrownText")
	} else {
		calls(node, "Grown")
	}
}

// calls puts a call of a method of event around node.
func calls(node *ast.Node, method string) {
	ast.Patch(node, &ast.CallNode{Callee: &ast.IdentifierNode{Value: method}, Arguments: []ast.Node{*node}})
}

// grow counts n more bytes.
func (e *event) grow(n int) error {
	if e.grown += n; e.grown > maxGrown {
		return fmt.Errorf("it makes more than %d MiB of texts and lists of one event", maxGrown>>20)
	}
	return nil
}

// GrownText counts a text that was made; the compiled expression calls it, as the next three.
func (e *event) GrownText(s string) (string, error) { return s, e.grow(len(s)) }

// Grown counts what was made.
func (e *event) Grown(v any) (any, error) { return v, e.grow(sizeOf(v)) }

// GrownList counts a list that was made of what there was.
func (e *event) GrownList(list []any) ([]any, error) { return list, e.grow(ofElement * len(list)) }

// Single is what string may be asked for: what a list holds many times would be written as often.
func (e *event) Single(v any) (any, error) {
	if k := reflect.ValueOf(v).Kind(); k == reflect.Slice || k == reflect.Map || k == reflect.Array {
		return nil, fmt.Errorf("string of %T: it takes one value, neither a list nor an object", v)
	}
	return v, nil
}

// sizeOf is about what v takes. Nothing that it is asked about holds a list twice.
func sizeOf(v any) int {
	n := ofElement
	switch v := v.(type) {
	case string:
		n += len(v)
	case []string: // parts of a text that was counted
		n += ofElement * len(v)
	case []any:
		for _, item := range v {
			n += sizeOf(item)
		}
	case map[string]any:
		for name, item := range v {
			n += 4*ofElement + len(name) + sizeOf(item)
		}
	}
	return n
}
