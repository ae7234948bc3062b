package config

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

type pair struct {
	key   string
	at    place // of the key
	value ast.Node
}

// maxNesting bounds anchors that name anchors, which might go in a circle.
const maxNesting = 8

// pairs are the keys and values of a mapping. What << brings in counts where the mapping itself says nothing.
func (d *decoder) pairs(node ast.Node, path string, depth int) []pair {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		d.addAt(placeOf(node.GetToken()), path, "want keys here, as in \"key: value\"")
		return nil
	}
	list := d.ownPairs(mapping, path)
	i := indexOf(list, mergeKey)
	if i < 0 {
		return list
	}
	merge := list[i]
	return d.merge(slices.Delete(list, i, i+1), merge, path, depth)
}

// ownPairs are those that the mapping itself holds, each key once.
func (d *decoder) ownPairs(mapping *ast.MappingNode, path string) []pair {
	var list []pair
	for _, v := range mapping.Values {
		t := v.Key.GetToken()
		if first := indexOf(list, t.Value); first >= 0 {
			d.addAt(placeOf(t), join(path, t.Value), "given twice, first on line %d", list[first].at.line)
			continue
		}
		list = append(list, pair{t.Value, placeOf(t), v.Value})
	}
	return list
}

const mergeKey = "<<"

// merge adds to the list what the mapping that << names holds beyond it.
func (d *decoder) merge(list []pair, merge pair, path string, depth int) []pair {
	from := d.resolve(merge.value, path)
	if from == nil {
		return list
	}
	if depth == maxNesting {
		d.addAt(merge.at, path, "anchors go in a circle, or too deep")
		return list
	}
	for _, p := range d.pairs(from, path, depth+1) {
		if indexOf(list, p.key) < 0 {
			list = append(list, p)
		}
	}
	return list
}

func indexOf(list []pair, key string) int {
	return slices.IndexFunc(list, func(p pair) bool { return p.key == key })
}

// resolve follows anchors and aliases to the node they stand for, nil after a problem.
func (d *decoder) resolve(node ast.Node, path string) ast.Node {
	for range maxNesting {
		switch n := node.(type) {
		case *ast.AnchorNode:
			d.anchors[n.Name.GetToken().Value] = n.Value
			node = n.Value
		case *ast.AliasNode:
			node = d.anchors[n.Value.GetToken().Value]
			if node == nil {
				d.addAt(placeOf(n.Start), path, "no anchor &%s stands before this", unlessSecret(path, n.Value.GetToken().Value))
				return nil
			}
		case *ast.TagNode:
			d.addAt(placeOf(n.Start), path, "tags such as %s are not read", unlessSecret(path, n.Start.Value))
			return nil
		default:
			return node
		}
	}
	d.addAt(d.nearest(path), path, "anchors go in a circle, or too deep")
	return nil
}

// unlessSecret is what stands at a path, for messages. A secret that begins with * or ! and has no quotes is taken for YAML's.
func unlessSecret(path, text string) string {
	if secretPath(path) {
		return masked + " (a value that begins like this needs quotes)"
	}
	return text
}

func placeOf(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{}
	}
	return place{t.Position.Line, t.Position.Column, utf8.RuneCountInString(strings.TrimSpace(t.Origin))}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
