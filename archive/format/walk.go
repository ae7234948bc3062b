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

// walker reads an object that stands in memory. It is what every event passes.
type walker struct {
	spans []span  // by node of the paths; of the last object
	first span    // the first name of the last object, without its quotes; missing in an empty one
	why   problem // of a broken object

	paths  *paths
	stack  stack
	want   want
	frames []frame // the open containers that paths lead through, outermost first. Those inside others are not followed
	live   int     // how many
	next   int32   // the node of the value that comes next
	name   []byte  // scratch
}

// frame is an open container at a node of the paths.
type frame struct {
	node  int32
	from  int
	index int // of the last element of an array
}

// want is what must come next.
type want uint8

const (
	wantFirstName want = iota // or the end of the object
	wantName
	wantColon
	wantFirstValue // or the end of the array
	wantValue
	wantComma // or the end of the object or array
)

func newWalker(p *paths) walker {
	return walker{paths: p, spans: make([]span, len(p.nodes)), frames: make([]frame, p.depth+1)}
}

// object reads the object that begins with the first byte of b, an opening brace. It returns whole and the place behind
// it; broken and the first byte that cannot stand where it stands; or unfinished. Of duplicate names the last wins.
func (w *walker) object(b []byte) (int, verdict) {
	w.begin()
	for i := 1; ; {
		i = space(b, i)
		if i == len(b) {
			return i, unfinished
		}
		var v verdict
		if i, v = w.token(b, i); v != going {
			return i, v
		}
	}
}

func (w *walker) begin() {
	clear(w.spans)
	w.stack.depth, w.live = 0, 1
	w.stack.push(false)
	w.frames[0] = frame{index: none}
	w.next, w.want, w.first, w.why = none, wantFirstName, span{}, ""
}

func (w *walker) fail(i int, why problem) (int, verdict) {
	w.why = why
	return i, broken
}

func (w *walker) token(b []byte, i int) (int, verdict) {
	c := b[i]
	switch w.want {
	case wantComma:
		return w.comma(c, i)
	case wantColon:
		if c != ':' {
			return w.fail(i, wantedColon)
		}
		w.want = wantValue
		return i + 1, going
	case wantFirstName, wantName:
		if c == '}' && w.want == wantFirstName {
			return w.close(i)
		}
		return w.member(b, i)
	case wantFirstValue:
		if c == ']' {
			return w.close(i)
		}
	}
	return w.value(b, i)
}

func (w *walker) comma(c byte, i int) (int, verdict) {
	switch {
	case c == w.stack.closer():
		return w.close(i)
	case c != ',':
		return w.fail(i, wantedComma)
	case w.stack.array():
		w.want = wantValue
	default:
		w.want = wantName
	}
	return i + 1, going
}

// member reads a name.
func (w *walker) member(b []byte, i int) (int, verdict) {
	if b[i] != '"' {
		return w.fail(i, wantedName)
	}
	end, escaped, v, why := text(b, i+1)
	if v != whole {
		w.why = why
		return end, v
	}
	w.want = wantColon
	if w.first.kind == missing {
		w.first = span{from: i + 1, to: end - 1, kind: plainText}
	}
	if w.live == w.stack.depth {
		name := b[i+1 : end-1]
		if escaped {
			w.name = unescape(w.name[:0], name)
			name = w.name
		}
		w.next = w.paths.member(w.frames[w.live-1].node, name)
	}
	return end, going
}

func (w *walker) value(b []byte, i int) (int, verdict) {
	if w.live == w.stack.depth && w.stack.array() {
		f := &w.frames[w.live-1]
		f.index++
		w.next = w.paths.element(f.node, f.index)
	}
	switch b[i] {
	case '{', '[':
		return w.open(i, b[i] == '[')
	case '"':
		end, escaped, v, why := text(b, i+1)
		w.why = why
		if escaped {
			return w.scalar(i, end, escapedText, v)
		}
		return w.scalar(i, end, plainText, v)
	}
	return w.bare(b, i)
}

// bare reads a number, true, false or null.
func (w *walker) bare(b []byte, i int) (int, verdict) {
	var (
		end int
		v   verdict
		is  = boolean
	)
	w.why = badLiteral
	switch c := b[i]; {
	case c == '-' || isDigit(c):
		is, w.why = numeric, wantedDigit
		end, v = number(b, i)
	case c == 't':
		end, v = literal(b, i, "true")
	case c == 'f':
		end, v = literal(b, i, "false")
	case c == 'n':
		is = null
		end, v = literal(b, i, "null")
	default:
		return w.fail(i, wantedValue)
	}
	return w.scalar(i, end, is, v)
}

// scalar ends a value that is no container.
func (w *walker) scalar(from, to int, is kind, v verdict) (int, verdict) {
	if v != whole {
		return to, v
	}
	if w.next != none {
		w.forget(w.next)
		w.spans[w.next] = span{from: from, to: to, kind: is}
		w.next = none
	}
	w.want = wantComma
	return to, going
}

// forget drops what an earlier member of the same name held: its value and all values inside.
func (w *walker) forget(n int32) { clear(w.spans[n:w.paths.nodes[n].end]) }

func (w *walker) open(i int, array bool) (int, verdict) {
	if !w.stack.push(array) {
		return w.fail(i, tooDeep)
	}
	if w.next != none {
		w.forget(w.next)
		w.frames[w.live] = frame{node: w.next, from: i, index: none}
		w.live++
		w.next = none
	}
	w.want = wantFirstName
	if array {
		w.want = wantFirstValue
	}
	return i + 1, going
}

func (w *walker) close(i int) (int, verdict) {
	if w.live == w.stack.depth {
		w.live--
		f := &w.frames[w.live]
		w.spans[f.node] = span{from: f.from, to: i + 1, kind: container}
	}
	w.stack.pop()
	w.want = wantComma
	if w.stack.depth == 0 {
		return i + 1, whole
	}
	return i + 1, going
}
