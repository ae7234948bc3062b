package format

// kind is what a value is.
type kind uint8

const (
	missing kind = iota
	plainText
	escapedText // a string with at least one backslash
	numeric
	boolean
	null
	container // an object or array
)

// span is where in an event a value stands. The zero value is that of a value which is not there.
type span struct {
	from, to int
	kind     kind
}

// of are the bytes of the value in its event.
func (s span) of(event []byte) []byte { return event[s.from:s.to] }

// walker reads an object that stands in memory. It is what every event passes, and most of what a replay costs beside
// decompression: so it looks at strings eight bytes at a time, and never asks whether the bytes are at their end. A
// sentinel stands there, which no rule of JSON lets stand anywhere.
type walker struct {
	spans []span  // by node of the paths; of the last object
	first span    // the first name of the last object, without its quotes; missing in an empty one
	why   problem // of a broken object

	paths  *paths
	stack  stack
	frames []frame // the open containers that paths lead through, outermost first. Those inside others are not followed
	live   int     // how many
	next   int32   // the node of the value that comes next
	name   []byte  // scratch
	padded []byte  // scratch: an object without room behind it
}

// frame is an open container at a node of the paths.
type frame struct {
	node  int32
	from  int
	index int // of the last element of an array
}

const (
	// sentinel is a control character and no white space: it breaks strings, numbers, words and everything between them.
	sentinel = 0
	// sentinelRoom is how many bytes behind an object the walker may read and, for a while, write.
	sentinelRoom = 8
)

func newWalker(p *paths) walker {
	return walker{paths: p, spans: make([]span, len(p.nodes)), frames: make([]frame, p.depth+1)}
}

// object reads the object that begins with the first byte of b, an opening brace. It returns whole and the place behind
// it; broken and the first byte that cannot stand where it stands; or unfinished. Of duplicate names the last wins.
//
// Where b has a capacity of sentinelRoom bytes more, it is read in place and they are as before when it returns.
func (w *walker) object(b []byte) (int, standing) {
	n := len(b)
	if cap(b)-n < sentinelRoom {
		w.padded = append(append(w.padded[:0], b...), make([]byte, sentinelRoom)...)
		b = w.padded[:n]
	}
	b = b[:n+sentinelRoom]
	behind := b[n]
	b[n] = sentinel
	i, ok := w.walk(b)
	b[n] = behind
	switch {
	case ok:
		return i, whole
	case i == n:
		return i, unfinished
	}
	return i, broken
}

func (w *walker) begin() {
	clear(w.spans)
	w.stack.depth, w.live = 0, 1
	w.stack.push(false)
	w.frames[0] = frame{index: none}
	w.next, w.first, w.why = none, span{}, ""
}

// fail is what walk returns for a byte that cannot stand where it stands.
func (w *walker) fail(i int, why problem) (int, bool) {
	w.why = why
	return i, false
}

// walk reads an object that a sentinel follows. It returns the place behind it and true, or that of the first wrong byte.
// One turn of the outer loop takes a member or an element, one of the inner loop a bracket that closes behind it.
func (w *walker) walk(b []byte) (int, bool) {
	w.begin()
	closer := byte('}')
	i := gap(b, 1)
	for empty := b[i] == closer; ; empty = false {
		if closer == '}' && !empty {
			if b[i] != '"' {
				return w.fail(i, wantedName)
			}
			end, is, why := text(b, i+1)
			if why != "" {
				return w.fail(end, why)
			}
			if w.live == w.stack.depth {
				w.member(b, span{i + 1, end - 1, is})
			}
			if i = gap(b, end); b[i] != ':' {
				return w.fail(i, wantedColon)
			}
			i = gap(b, i+1)
		} else if w.live == w.stack.depth && !empty {
			w.element()
		}
		switch c := b[i]; {
		case empty:
		case c == '"':
			end, is, why := text(b, i+1)
			if why != "" {
				return w.fail(end, why)
			}
			w.scalar(i, end, is)
			i = end
		case c == '{' || c == '[':
			if !w.open(i, c == '[') {
				return w.fail(i, tooDeep)
			}
			closer = c + 2
			if i = gap(b, i+1); b[i] != closer {
				continue
			}
		default:
			end, is, why := bare(b, i)
			if why != "" {
				return w.fail(end, why)
			}
			w.scalar(i, end, is)
			i = end
		}
		for {
			i = gap(b, i)
			c := b[i]
			if c == ',' {
				i = gap(b, i+1)
				break
			}
			if c != closer {
				return w.fail(i, wantedComma)
			}
			i++
			if w.close(i); w.stack.depth == 0 {
				return i, true
			}
			closer = w.stack.closer()
		}
	}
}

// member notes the node of the value behind a name of the innermost container, which paths lead through.
func (w *walker) member(b []byte, name span) {
	if w.first.kind == missing {
		w.first = span{name.from, name.to, plainText}
	}
	text := name.of(b)
	if name.kind == escapedText {
		w.name = unescape(w.name[:0], text)
		text = w.name
	}
	w.next = w.paths.member(w.frames[w.live-1].node, text)
}

// element notes the node of the next value in the innermost container, which paths lead through.
func (w *walker) element() {
	f := &w.frames[w.live-1]
	f.index++
	w.next = w.paths.element(f.node, f.index)
}

// scalar notes a value that is no container, if it is one of those that are looked for.
func (w *walker) scalar(from, to int, is kind) {
	if w.next != none {
		w.forget(w.next)
		w.spans[w.next] = span{from: from, to: to, kind: is}
		w.next = none
	}
}

// forget drops what an earlier member of the same name held: its value and all values inside.
func (w *walker) forget(n int32) { clear(w.spans[n:w.paths.nodes[n].end]) }

// open begins a container. It reports false when the nesting is too deep.
func (w *walker) open(i int, array bool) bool {
	if !w.stack.push(array) {
		return false
	}
	if w.next != none {
		w.forget(w.next)
		w.frames[w.live] = frame{node: w.next, from: i, index: none}
		w.live++
		w.next = none
	}
	return true
}

// close ends the innermost container, before i.
func (w *walker) close(i int) {
	if w.live == w.stack.depth {
		w.live--
		f := &w.frames[w.live]
		w.spans[f.node] = span{from: f.from, to: i, kind: container}
	}
	w.stack.pop()
}
