package format

// maxDepth is how deep objects and arrays may be nested, as in encoding/json.
const maxDepth = 10_000

// stack remembers of which kind the open containers are: a set bit is an array.
type stack struct {
	bits  [(maxDepth + 63) / 64]uint64
	depth int
}

// push opens a container. It reports false when the nesting is too deep.
func (s *stack) push(array bool) bool {
	if s.depth == maxDepth {
		return false
	}
	bit := uint64(1) << (s.depth % 64)
	if array {
		s.bits[s.depth/64] |= bit
	} else {
		s.bits[s.depth/64] &^= bit
	}
	s.depth++
	return true
}

func (s *stack) pop() { s.depth-- }

// array reports whether the innermost open container is one.
func (s *stack) array() bool {
	return s.bits[(s.depth-1)/64]>>((s.depth-1)%64)&1 != 0
}

// closer is the byte that closes the innermost open container.
func (s *stack) closer() byte {
	if s.array() {
		return ']'
	}
	return '}'
}
