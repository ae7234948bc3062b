package format

// verdict is what has become of the bytes seen so far.
type verdict uint8

const (
	going      verdict = iota // good so far
	whole                     // what was begun is complete
	unfinished                // good so far, and there are no more bytes
	broken                    // no JSON has this byte here
	huge                      // good so far, and more than an event may have
)

// problem says what is wrong with a byte, for people and without the byte.
type problem string

const (
	wantedObject  problem = "an object should begin here"
	wantedName    problem = "a name should begin here"
	wantedColon   problem = "a colon should stand here"
	wantedValue   problem = "a value should begin here"
	wantedComma   problem = "a comma or the end of the object or array should stand here"
	wantedDigit   problem = "a digit should stand here"
	badLiteral    problem = "this is none of true, false and null"
	badEscape     problem = "no escape in a string is written like this"
	badControl    problem = "control characters stand in strings as escapes only"
	tooDeep       problem = "objects and arrays are nested more than 10,000 deep"
	cutOff        problem = "the end comes inside an object"
	behindInner   problem = "behind an object stands what stands behind inner ones, so it may be a part of an event"
	twoOnLine     problem = "something stands behind the object on its line"
	behindElement problem = "a comma or the end of the array should stand here"
	wantedArray   problem = "an array should begin here"
	unclosedArray problem = "the array is not closed"
	behindArray   problem = "something stands behind the array"
)

func white(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// space is the place of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && white(b[i]) {
		i++
	}
	return i
}

// text reads a string whose quote stands before i, to behind its end. Bytes that are no UTF-8 pass.
func text(b []byte, i int) (end int, escaped bool, v verdict, why problem) {
	for i < len(b) {
		switch c := b[i]; {
		case c == '"':
			return i + 1, escaped, whole, ""
		case c < ' ':
			return i, escaped, broken, badControl
		case c == '\\':
			escaped = true
			if i, v = escape(b, i+1); v != whole {
				return i, escaped, v, badEscape
			}
		default:
			i++
		}
	}
	return i, escaped, unfinished, ""
}

// escape reads what stands behind a backslash.
func escape(b []byte, i int) (int, verdict) {
	if i == len(b) {
		return i, unfinished
	}
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, whole
	case 'u':
	default:
		return i, broken
	}
	for range 4 {
		i++
		if i == len(b) {
			return i, unfinished
		}
		if !isHex(b[i]) {
			return i, broken
		}
	}
	return i + 1, whole
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// literal reads the rest of a word.
func literal(b []byte, i int, word string) (int, verdict) {
	for k := 0; k < len(word); k++ {
		if i+k == len(b) {
			return i + k, unfinished
		}
		if b[i+k] != word[k] {
			return i + k, broken
		}
	}
	return i + len(word), whole
}

// number reads a number. It is whole only when a byte stands behind it: before that, more digits may come.
func number(b []byte, i int) (int, verdict) {
	if b[i] == '-' {
		i++
	}
	if i < len(b) && b[i] == '0' {
		i++
	} else {
		var v verdict
		if i, v = digits(b, i); v != whole {
			return i, v
		}
	}
	if i < len(b) && b[i] == '.' {
		var v verdict
		if i, v = digits(b, i+1); v != whole {
			return i, v
		}
	}
	return exponent(b, i)
}

func exponent(b []byte, i int) (int, verdict) {
	if i == len(b) {
		return i, unfinished
	}
	if b[i] != 'e' && b[i] != 'E' {
		return i, whole
	}
	i++
	if i < len(b) && (b[i] == '+' || b[i] == '-') {
		i++
	}
	return digits(b, i)
}

// digits reads one digit or more.
func digits(b []byte, i int) (int, verdict) {
	from := i
	for i < len(b) && isDigit(b[i]) {
		i++
	}
	switch {
	case i == len(b):
		return i, unfinished
	case i == from:
		return i, broken
	}
	return i, whole
}
