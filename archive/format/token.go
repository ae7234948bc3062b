package format

import (
	"encoding/binary"
	"math/bits"
)

// standing is how an object stands after the bytes seen so far.
type standing uint8

const (
	going      standing = iota // good so far
	whole                      // what was begun is complete
	unfinished                 // good so far, and there are no more bytes
	broken                     // no JSON has this byte here
	huge                       // good so far, and more than an event may have
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

// The readers below take bytes that a sentinel follows. They return the place behind what they read; or the first byte that
// cannot stand where it stands, which may be the sentinel, with the reason.

// gap is the place of the first byte from i on that is not white space.
func gap(b []byte, i int) int {
	if b[i] > ' ' {
		return i
	}
	return wide(b, i)
}

func wide(b []byte, i int) int {
	for white(b[i]) {
		i++
	}
	return i
}

// text reads a string whose quote stands before i, to behind its end. Bytes that are no UTF-8 pass.
func text(b []byte, i int) (int, kind, problem) {
	for is := plainText; ; is = escapedText {
		i = plain(b, i)
		if b[i] == '"' {
			return i + 1, is, ""
		}
		if b[i] != '\\' {
			return i, is, badControl
		}
		var ok bool
		if i, ok = escape(b, i+1); !ok {
			return i, is, badEscape
		}
	}
}

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// plain is the place of the first byte from i on that is a quote, a backslash or a control character. It looks at eight bytes
// at a time: a byte less than k, and k at most 128, is one that borrows when k is taken from it, as in "Determine if a word
// has a byte less than n" of Bit Twiddling Hacks. A borrow may spoil the bytes above, never the first that is found.
// Flipping the second bit puts the quote below 33 with the control characters, and nothing else.
func plain(b []byte, i int) int {
	for {
		x := binary.LittleEndian.Uint64(b[i:])
		quoteOrControl := (x ^ 2*lowBits) - 33*lowBits
		backslash := (x ^ '\\'*lowBits) - lowBits
		if found := (quoteOrControl | backslash) & ^x & highBits; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
		i += 8
	}
}

// escape reads what stands behind a backslash.
func escape(b []byte, i int) (int, bool) {
	switch b[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1, true
	case 'u':
	default:
		return i, false
	}
	for range 4 {
		i++
		if !isHex(b[i]) {
			return i, false
		}
	}
	return i + 1, true
}

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// bare reads a number, true, false or null.
func bare(b []byte, i int) (int, kind, problem) {
	switch c := b[i]; {
	case c == '-' || isDigit(c):
		end, ok := number(b, i)
		if !ok {
			return end, numeric, wantedDigit
		}
		return end, numeric, ""
	case c == 't':
		return literal(b, i, "true", boolean)
	case c == 'f':
		return literal(b, i, "false", boolean)
	case c == 'n':
		return literal(b, i, "null", null)
	}
	return i, missing, wantedValue
}

func literal(b []byte, i int, word string, is kind) (int, kind, problem) {
	for k := 0; k < len(word); k++ {
		if b[i+k] != word[k] {
			return i + k, is, badLiteral
		}
	}
	return i + len(word), is, ""
}

func number(b []byte, i int) (int, bool) {
	if b[i] == '-' {
		i++
	}
	var ok bool
	if b[i] == '0' {
		i++
	} else if i, ok = digits(b, i); !ok {
		return i, false
	}
	if b[i] == '.' {
		if i, ok = digits(b, i+1); !ok {
			return i, false
		}
	}
	if b[i] == 'e' || b[i] == 'E' {
		i++
		if b[i] == '+' || b[i] == '-' {
			i++
		}
		return digits(b, i)
	}
	return i, true
}

// digits reads one digit or more.
func digits(b []byte, i int) (int, bool) {
	from := i
	for isDigit(b[i]) {
		i++
	}
	return i, i > from
}
