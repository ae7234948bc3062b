package format

// grammar is the grammar of a JSON object, fed with one byte after the other. It finds the same ends and the same first
// wrong bytes as the walker, without the object in memory; and it knows which bytes stand inside strings.
type grammar struct {
	state state
	name  bool   // the string is a name
	left  int    // hex digits of an escape still to come
	word  string // the rest of a literal
	why   problem
	stack stack
}

type state uint8

const (
	atObject state = iota
	atFirstName
	atName
	atColon
	atFirstValue
	atValue
	atComma
	inText
	inEscape
	inHex
	inWord
	// The states of a number, by its last byte.
	atMinus
	atZero
	atWhole
	atPoint
	atFraction
	atE
	atSign
	atExponent
)

func (g *grammar) begin() {
	g.state, g.stack.depth, g.why = atObject, 0, ""
}

// feed takes bytes until the object is whole or broken, and returns the place behind it or of the wrong byte; else
// unfinished.
func (g *grammar) feed(b []byte) (int, standing) {
	for i, c := range b {
		switch v := g.step(c); v {
		case whole:
			return i + 1, whole
		case broken:
			return i, broken
		}
	}
	return len(b), unfinished
}

// step takes one byte.
func (g *grammar) step(c byte) standing {
	switch {
	case g.state == inText:
		return g.text(c)
	case g.state > inText && g.state < atMinus:
		return g.inside(c)
	case g.state >= atMinus:
		if g.number(c) {
			return going
		}
		if !g.numberMayEnd() {
			return g.fail(wantedDigit)
		}
		g.state = atComma
	}
	if white(c) && g.state != atObject {
		return going
	}
	return g.structure(c)
}

func (g *grammar) fail(why problem) standing {
	g.why = why
	return broken
}

func (g *grammar) to(s state) standing {
	g.state = s
	return going
}

// structure takes a byte outside of strings, numbers and words.
func (g *grammar) structure(c byte) standing {
	switch {
	case g.state == atObject && c != '{':
		return g.fail(wantedObject)
	case g.state == atColon && c != ':':
		return g.fail(wantedColon)
	case g.state == atColon:
		return g.to(atValue)
	case g.state == atComma:
		return g.comma(c)
	case g.state == atFirstName && c == '}', g.state == atFirstValue && c == ']':
		return g.close()
	case g.state == atFirstName || g.state == atName:
		if c != '"' {
			return g.fail(wantedName)
		}
		g.name = true
		return g.to(inText)
	}
	return g.value(c)
}

func (g *grammar) comma(c byte) standing {
	switch {
	case c == g.stack.closer():
		return g.close()
	case c != ',':
		return g.fail(wantedComma)
	case g.stack.array():
		return g.to(atValue)
	}
	return g.to(atName)
}

func (g *grammar) close() standing {
	g.stack.pop()
	if g.stack.depth == 0 {
		return whole
	}
	return g.to(atComma)
}

func (g *grammar) value(c byte) standing {
	switch {
	case c == '{':
		return g.open(false)
	case c == '[':
		return g.open(true)
	case c == '"':
		g.name = false
		return g.to(inText)
	case c == '-':
		return g.to(atMinus)
	case c == '0':
		return g.to(atZero)
	case isDigit(c):
		return g.to(atWhole)
	}
	return g.literal(c)
}

func (g *grammar) open(array bool) standing {
	switch {
	case !g.stack.push(array):
		return g.fail(tooDeep)
	case array:
		return g.to(atFirstValue)
	}
	return g.to(atFirstName)
}

func (g *grammar) literal(c byte) standing {
	switch c {
	case 't':
		g.word = "true"[1:]
	case 'f':
		g.word = "false"[1:]
	case 'n':
		g.word = "null"[1:]
	default:
		return g.fail(wantedValue)
	}
	return g.to(inWord)
}

func (g *grammar) text(c byte) standing {
	switch {
	case c == '"' && g.name:
		return g.to(atColon)
	case c == '"':
		return g.to(atComma)
	case c == '\\':
		return g.to(inEscape)
	case c < ' ':
		return g.fail(badControl)
	}
	return going
}

// inside takes a byte inside an escape or a word.
func (g *grammar) inside(c byte) standing {
	switch g.state {
	case inEscape:
		return g.escape(c)
	case inHex:
		if !isHex(c) {
			return g.fail(badEscape)
		}
		g.left--
		if g.left == 0 {
			g.state = inText
		}
		return going
	}
	if c != g.word[0] {
		return g.fail(badLiteral)
	}
	g.word = g.word[1:]
	if g.word == "" {
		g.state = atComma
	}
	return going
}

func (g *grammar) escape(c byte) standing {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return g.to(inText)
	case 'u':
		g.left = 4
		return g.to(inHex)
	}
	return g.fail(badEscape)
}

// number reports whether c continues the number, and moves on if it does.
func (g *grammar) number(c byte) bool {
	s := g.state
	switch {
	case isDigit(c) && s == atZero:
		return false
	case c == '0' && s == atMinus:
		g.state = atZero
	case isDigit(c):
		g.state = numberDigit[s-atMinus]
	case c == '.' && (s == atZero || s == atWhole):
		g.state = atPoint
	case (c == 'e' || c == 'E') && (s == atZero || s == atWhole || s == atFraction):
		g.state = atE
	case (c == '+' || c == '-') && s == atE:
		g.state = atSign
	default:
		return false
	}
	return true
}

func (g *grammar) numberMayEnd() bool {
	return g.state == atZero || g.state == atWhole || g.state == atFraction || g.state == atExponent
}

// numberDigit is where a digit leads to from atMinus on.
var numberDigit = [...]state{atWhole, atZero, atWhole, atFraction, atFraction, atExponent, atExponent, atExponent}
