package format

import (
	"slices"
	"strconv"

	"replayd/archive"
)

// none is no node.
const none = -1

// paths is a set of JSON pointers as a tree: a node for each place that a pointer names or leads through. Nodes are
// numbered depth first, so the places inside that of n are n+1 to nodes[n].end-1. Node 0 is the whole event.
type paths struct {
	nodes []node
	depth int // of the deepest node
}

type node struct {
	children []child
	end      int32 // behind the last node inside
}

// child is a step down, by name in an object or by index in an array.
type child struct {
	name  string
	index int // none when name is no index
	node  int32
}

// tree is a node before it has a number.
type tree struct {
	name     string
	children []*tree
}

// newPaths makes the tree of all pointers of f.
func newPaths(f archive.Fields) *paths {
	root := &tree{}
	for _, p := range pointers(f) {
		root.add(p.Tokens())
	}
	p := &paths{}
	p.number(root, 0)
	return p
}

func pointers(f archive.Fields) []archive.Pointer {
	list := slices.Concat(f.ID.Pointers(), []archive.Pointer{f.Time, f.Arrival, f.Key, f.Value}, f.Volatile, f.Also)
	return slices.DeleteFunc(list, func(p archive.Pointer) bool { return p == "" || p == archive.None })
}

func (t *tree) add(tokens []string) {
	for _, token := range tokens {
		i := slices.IndexFunc(t.children, func(c *tree) bool { return c.name == token })
		if i < 0 {
			i = len(t.children)
			t.children = append(t.children, &tree{name: token})
		}
		t = t.children[i]
	}
}

func (p *paths) number(t *tree, depth int) int32 {
	n := int32(len(p.nodes))
	p.nodes = append(p.nodes, node{})
	p.depth = max(p.depth, depth)
	var children []child
	for _, c := range t.children {
		children = append(children, child{name: c.name, index: index(c.name), node: p.number(c, depth+1)})
	}
	p.nodes[n] = node{children: children, end: int32(len(p.nodes))}
	return n
}

// index is the array index that a token stands for: digits without leading zeros (RFC 6901, section 4).
func index(token string) int {
	i, err := strconv.Atoi(token)
	if err != nil || i < 0 || strconv.Itoa(i) != token {
		return none
	}
	return i
}

// find is the node that p names, none when p is unset.
func (p *paths) find(pointer archive.Pointer) int32 {
	if pointer == "" || pointer == archive.None {
		return none
	}
	n := int32(0)
	for _, token := range pointer.Tokens() {
		n = p.member(n, []byte(token))
	}
	return n
}

// member is the node of the value called name in an object at n.
func (p *paths) member(n int32, name []byte) int32 {
	for i := range p.nodes[n].children {
		if c := &p.nodes[n].children[i]; c.name == string(name) {
			return c.node
		}
	}
	return none
}

// element is the node of the i-th value in an array at n.
func (p *paths) element(n int32, i int) int32 {
	for k := range p.nodes[n].children {
		if c := &p.nodes[n].children[k]; c.index == i {
			return c.node
		}
	}
	return none
}
