package format

import (
	"bytes"
	"fmt"
	"io"

	"replayd/archive"
)

// Lines is one object a line (JSON lines, NDJSON). Lines end with LF or CRLF, the last may end with the object; blank
// lines are none.
//
// A line that is not one object is one bad entry, without its line end. The next line is not affected.
type Lines struct{}

var _ archive.Format = Lines{}

// Name is part of archive.Format.
func (Lines) Name() string { return "jsonl" }

// Scan is part of archive.Format.
func (Lines) Scan(r io.Reader, f archive.Fields, l archive.Limits, slabs archive.Slabs) archive.Scanner {
	return &lineScanner{stream: newStream(r, f, l, slabs)}
}

type lineScanner struct{ stream }

// ending is how a line ends.
type ending uint8

const (
	byNewline ending = iota
	byEnd            // of the stream
	byLimit          // the line is longer than any may be
)

// Next is part of archive.Scanner.
func (s *lineScanner) Next(e *archive.Entry) error {
	if !s.advance() {
		return s.end(e)
	}
	n, ended := s.line()
	if ended == byLimit {
		return s.long(e)
	}
	if ended == byEnd {
		if err := s.buf.fault(); err != nil {
			return err
		}
	}
	line := s.buf.data()[:n]
	i, v := s.only(line)
	if v == whole {
		s.event(e, i)
		return nil
	}
	from := s.buf.offset()
	if ended == byEnd {
		return s.rest(e, from, s.why(from, i, v))
	}
	bad(e, from, from+int64(len(trimCR(line))), archive.BadJSON, s.why(from, i, v))
	s.taken = n
	return nil
}

// line is the length of the line at the buffer's start, without its newline, and how it ends.
func (s *lineScanner) line() (int, ending) {
	for n := 0; ; {
		data := s.buf.data()
		i, found := findByte(data, n, '\n')
		switch {
		case i > s.longest():
			return 0, byLimit
		case found:
			return i, byNewline
		case !s.buf.more():
			return i, byEnd
		}
		n = i
	}
}

// only walks a line that must be one object and nothing else.
func (s *lineScanner) only(line []byte) (int, standing) {
	if line[0] != '{' {
		s.walk.why = wantedObject
		return 0, broken
	}
	n, v := s.walk.object(line)
	if v != whole {
		return n, v
	}
	if i := space(line, n); i < len(line) {
		s.walk.why = twoOnLine
		return i, broken
	}
	return n, whole
}

func (s *lineScanner) why(from int64, i int, v standing) string {
	if v == unfinished {
		return string(cutOff)
	}
	return at(from+int64(i), s.walk.why)
}

func trimCR(line []byte) []byte { return bytes.TrimSuffix(line, []byte{'\r'}) }

// long reads over a line that is not kept: an event over the limit if it is an object and nothing else.
func (s *lineScanner) long(e *archive.Entry) error {
	from := s.buf.offset()
	o := overlong{grammar: &s.grammar}
	o.grammar.begin()
	for ended := false; !ended; {
		data := s.buf.data()
		n, found := findByte(data, 0, '\n')
		o.feed(data[:n], s.buf.offset())
		s.buf.drop(n)
		if ended = found; !ended && !s.buf.more() {
			return s.longEnd(e, from, &o)
		}
	}
	if o.standing == whole {
		s.oversizedLine(e, from, o.end)
		return nil
	}
	bad(e, from, s.buf.offset()-int64(o.cr), archive.BadJSON, o.why())
	return nil
}

// longEnd is an overlong line at the end of the stream.
func (s *lineScanner) longEnd(e *archive.Entry, from int64, o *overlong) error {
	if err := s.buf.fault(); err != nil {
		return err
	}
	if o.standing == whole {
		s.oversizedLine(e, from, o.end)
		return nil
	}
	return s.rest(e, from, o.why())
}

func (s *lineScanner) oversizedLine(e *archive.Entry, from, to int64) {
	bad(e, from, to, archive.BadOversized, fmt.Sprintf("a line of more than %d bytes", s.longest()))
}

// longest is how long a line may be: an event, and white space about it.
func (s *lineScanner) longest() int { return s.most + maxGap }

// overlong is what is known of a line too long to keep.
type overlong struct {
	grammar  *grammar
	standing standing // going while the object is not complete
	end      int64    // behind the object, or where the line breaks
	reason   problem
	cr       int // 1 when the last byte was a carriage return
}

func (o *overlong) feed(part []byte, offset int64) {
	if len(part) == 0 {
		return
	}
	o.cr = len(part) - len(trimCR(part))
	n := 0
	if o.standing == going {
		var v standing
		if n, v = o.grammar.feed(part); v != unfinished {
			o.standing, o.end, o.reason = v, offset+int64(n), o.grammar.why
		}
	}
	if o.standing == whole {
		if i := space(part, n); i < len(part) {
			o.standing, o.end, o.reason = broken, offset+int64(i), twoOnLine
		}
	}
}

func (o *overlong) why() string {
	if o.standing == going {
		return string(cutOff)
	}
	return at(o.end, o.reason)
}
