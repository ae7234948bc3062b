package format

import (
	"io"

	"replayd/archive"
)

// JSON is objects back to back, with or without white space between them: {"a":1}{"a":2}.
//
// An object is an event unless a comma, a closing brace or a closing bracket follows: that stands behind inner objects
// only, so it may be what is left of an event whose beginning is lost.
//
// Where the grammar breaks, the range of bytes from the beginning of the broken object, or of what is none, up to the
// next event is one bad entry. How the next event is found: see resync.
type JSON struct{}

var _ archive.Format = JSON{}

// Name is part of archive.Format.
func (JSON) Name() string { return "json" }

// Scan is part of archive.Format.
func (JSON) Scan(r io.Reader, f archive.Fields, l archive.Limits, slabs archive.Slabs) archive.Scanner {
	return &jsonScanner{stream: newStream(r, f, l, slabs)}
}

type jsonScanner struct {
	stream
	own []byte // scratch: the first name of a broken object
}

// Next is part of archive.Scanner.
func (s *jsonScanner) Next(e *archive.Entry) error {
	if !s.advance() {
		return s.end(e)
	}
	from := s.buf.offset()
	if s.buf.data()[0] != '{' {
		return s.resync(e, damage{from: from, at: from, why: wantedObject})
	}
	switch n, v := s.object(); v {
	case whole:
		return s.whole(e, n)
	case broken:
		return s.resync(e, damage{from: from, at: from + int64(n), why: s.walk.why})
	case huge:
		return s.huge(e, from)
	}
	return s.rest(e, from, string(cutOff))
}

// whole fills e with an object that is complete and within its limit.
func (s *jsonScanner) whole(e *archive.Entry, n int) error {
	next, i := s.behind(n)
	if next.isInner() {
		from := s.buf.offset()
		s.buf.drop(i)
		return s.resync(e, damage{from: from, at: from + int64(i), why: behindInner})
	}
	if next == nothing {
		if err := s.buf.fault(); err != nil {
			return err
		}
	}
	s.event(e, n)
	return nil
}

// huge reads over the object at the buffer's start, which is larger than any event may be.
func (s *jsonScanner) huge(e *archive.Entry, from int64) error {
	v := s.skip()
	to := s.buf.offset()
	switch v {
	case broken:
		return s.resync(e, damage{from: from, at: to, why: s.grammar.why})
	case unfinished:
		return s.rest(e, from, string(cutOff))
	}
	next, i := s.behind(0)
	if next.isInner() {
		s.buf.drop(i)
		return s.resync(e, damage{from: from, at: to + int64(i), why: behindInner})
	}
	if next == nothing {
		if err := s.buf.fault(); err != nil {
			return err
		}
	}
	s.oversized(e, from, to)
	return nil
}

// isInner reports whether the byte stands behind inner objects only.
func (f follower) isInner() bool { return f == ',' || f == '}' || f == ']' }
