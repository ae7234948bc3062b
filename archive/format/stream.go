package format

import (
	"bytes"
	"fmt"
	"io"

	"replayd/archive"
)

// largestEvent bounds what any limit allows: an event must fit into memory, and Kafka takes none of 1 GiB.
const largestEvent = 1 << 30

// maxGap is how much white space is read over to see what stands behind an object. Beyond it nothing stands behind.
const maxGap = 4096

// stream is what the scanners of all formats are made of.
type stream struct {
	buf     buffer
	walk    walker
	grammar grammar
	fields  fields
	most    int  // bytes of the largest value that any record may have
	taken   int  // bytes at the buffer's start that belong to the entry handed out last
	begun   bool // a byte order mark has been looked for
	told    bool // the end of a broken codec is part of an entry
}

func newStream(r io.Reader, f archive.Fields, l archive.Limits, slabs archive.Slabs) stream {
	p := newPaths(f)
	most := min(max(l.Event-archive.HeaderReserve, 1), largestEvent)
	return stream{buf: newBuffer(r, most+maxGap+1, slabs), walk: newWalker(p), fields: newFields(f, l, p), most: most}
}

// Size is part of archive.Scanner.
func (s *stream) Size() int64 { return s.buf.read }

// advance drops the entry handed out last and the white space behind it. It reports false at the end of the stream.
func (s *stream) advance() bool {
	s.buf.drop(s.taken)
	s.taken = 0
	if !s.begun {
		s.begun = true
		s.buf.fill(len(byteOrderMark))
		if bytes.HasPrefix(s.buf.data(), byteOrderMark) {
			s.buf.drop(len(byteOrderMark))
		}
	}
	for {
		data := s.buf.data()
		n := space(data, 0)
		s.buf.drop(n)
		if n < len(data) {
			return true
		}
		if !s.buf.more() {
			return false
		}
	}
}

// object walks the object at the buffer's start, reading as much of it as its limit allows. Unfinished means that the
// stream ends inside it, huge that the limit does.
func (s *stream) object() (n int, v standing) {
	for {
		data := s.buf.data()
		data = data[:min(len(data), s.most)]
		if n, v = s.walk.object(data); v != unfinished {
			return n, v
		}
		if len(data) == s.most {
			return n, huge
		}
		if !s.buf.more() {
			return n, unfinished
		}
		// To walk anew for each read would take forever when reads are small.
		s.buf.fill(min(2*len(data), s.most))
	}
}

// skip reads over the object at the buffer's start without keeping it, up to behind it or to the byte that breaks it.
func (s *stream) skip() standing {
	s.grammar.begin()
	for {
		n, v := s.grammar.feed(s.buf.data())
		s.buf.drop(n)
		if v != unfinished {
			return v
		}
		if !s.buf.more() {
			return unfinished
		}
	}
}

// follower is what stands behind an object: a byte, or one of these.
type follower int

const (
	nothing follower = -1 // the stream ends
	farAway follower = -2 // more white space than anybody leaves between two events
)

// behind looks at the first byte from n on that is not white space, and returns its place too.
func (s *stream) behind(n int) (follower, int) {
	for i := n; ; {
		data := s.buf.data()
		i = space(data, i)
		switch {
		case i-n > maxGap:
			return farAway, i
		case i < len(data):
			return follower(data[i]), i
		case !s.buf.more():
			return nothing, i
		}
	}
}

// event fills e with the object of n bytes at the buffer's start, which has been walked.
func (s *stream) event(e *archive.Entry, n int) {
	*e = archive.Entry{Offset: s.buf.offset(), Length: int64(n)}
	s.fields.fill(e, s.buf.data()[:n], s.walk.spans)
	if s.buf.slabs != nil && e.Bad == "" {
		e.InSlab, e.At = true, s.buf.from+s.fields.valueAt(s.walk.spans)
	}
	s.taken = n
}

// bad fills e with a bad entry that reaches from an offset to another.
func bad(e *archive.Entry, from, to int64, reason, detail string) {
	*e = archive.Entry{Offset: from, Length: to - from, Bad: reason, Detail: detail}
}

// oversized fills e with an object that was read over.
func (s *stream) oversized(e *archive.Entry, from, to int64) {
	bad(e, from, to, archive.BadOversized, fmt.Sprintf("%d bytes, of %d at most", to-from, s.most))
}

// at is a problem with its place.
func at(offset int64, why problem) string { return fmt.Sprintf("byte %d: %s", offset, why) }

// rest fills e with all from an offset to the end of the stream. If a broken codec ends it, that is the reason to name.
func (s *stream) rest(e *archive.Entry, from int64, detail string) error {
	for more := true; more; more = s.buf.more() {
		s.buf.drop(len(s.buf.data()))
	}
	if err := s.buf.fault(); err != nil {
		return err
	}
	reason := archive.BadJSON
	if broken := s.buf.codec(); broken != nil {
		reason, detail, s.told = archive.BadCodec, broken.Error(), true
	}
	bad(e, from, s.buf.offset(), reason, detail)
	return nil
}

// end is what Next returns when no bytes are left.
func (s *stream) end(e *archive.Entry) error {
	if broken := s.buf.codec(); broken != nil && !s.told {
		return s.rest(e, s.buf.offset(), "")
	}
	if err := s.buf.fault(); err != nil {
		return err
	}
	return io.EOF
}
