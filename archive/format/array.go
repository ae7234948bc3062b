package format

import (
	"io"

	"replayd/archive"
)

// Array is one array of objects at the top level: [{"a":1},{"a":2}].
//
// After a break of the grammar all that is left is one bad entry: inner arrays look just like the outer one, so there is
// no place at which it is safe to go on. For the same reason an array that has lost bytes in its middle may show inner
// objects as events before the break is seen; archives whose objects may be damaged are better kept as lines. An array
// that is not closed is a bad entry at its end.
type Array struct{}

var _ archive.Format = Array{}

// Name is part of archive.Format.
func (Array) Name() string { return "json-array" }

// Scan is part of archive.Format.
func (Array) Scan(r io.Reader, f archive.Fields, l archive.Limits, slabs archive.Slabs) archive.Scanner {
	return &arrayScanner{stream: newStream(r, f, l, slabs)}
}

type arrayScanner struct {
	stream
	expect expectation
}

// expectation is what the array needs next.
type expectation uint8

const (
	theArray expectation = iota
	firstElement
	element
	comma
	theEnd
)

// Next is part of archive.Scanner.
func (s *arrayScanner) Next(e *archive.Entry) error {
	for s.advance() {
		c := s.buf.data()[0]
		switch {
		case s.expect == theArray && c == '[':
			s.expect = firstElement
		case s.expect == comma && c == ',':
			s.expect = element
		case (s.expect == comma || s.expect == firstElement) && c == ']':
			s.expect = theEnd
		case (s.expect == element || s.expect == firstElement) && c == '{':
			s.expect = comma
			return s.element(e)
		default:
			return s.broken(e, s.buf.offset(), s.buf.offset(), arrayProblems[s.expect])
		}
		s.taken = 1
	}
	if s.expect == theArray || s.expect == theEnd {
		return s.end(e)
	}
	return s.broken(e, s.buf.offset(), s.buf.offset(), unclosedArray)
}

var arrayProblems = [...]problem{
	theArray: wantedArray, firstElement: wantedObject, element: wantedObject, comma: behindElement, theEnd: behindArray,
}

// broken ends the array with what is left of it.
func (s *arrayScanner) broken(e *archive.Entry, from, place int64, why problem) error {
	s.expect = theEnd
	return s.rest(e, from, at(place, why))
}

// element fills e with the object at the buffer's start, if what follows shows that it is an element.
func (s *arrayScanner) element(e *archive.Entry) error {
	from := s.buf.offset()
	n, v := s.object()
	if v == huge {
		return s.huge(e, from)
	}
	if v != whole {
		return s.unusable(e, from, from+int64(n), v, s.walk.why)
	}
	next, i := s.behind(n)
	if err := s.buf.fault(); err != nil && next == nothing {
		return err
	}
	if !next.endsElement() {
		return s.broken(e, from, from+int64(i), behindElement)
	}
	s.event(e, n)
	return nil
}

// huge reads over an element larger than any event may be.
func (s *arrayScanner) huge(e *archive.Entry, from int64) error {
	v := s.skip()
	to := s.buf.offset()
	if v != whole {
		return s.unusable(e, from, to, v, s.grammar.why)
	}
	next, i := s.behind(0)
	if err := s.buf.fault(); err != nil && next == nothing {
		return err
	}
	if !next.endsElement() {
		return s.broken(e, from, to+int64(i), behindElement)
	}
	s.oversized(e, from, to)
	return nil
}

func (s *arrayScanner) unusable(e *archive.Entry, from, place int64, v standing, why problem) error {
	if v == unfinished {
		why = cutOff
	}
	return s.broken(e, from, place, why)
}

// endsElement reports whether an element of an array may stand before it.
func (f follower) endsElement() bool {
	return f == ',' || f == ']' || f == nothing || f == farAway
}
