package format

import (
	"bytes"

	"replayd/archive"
)

// maxCandidates is how many places in one broken range are looked at. Each costs the walk of an event at most.
const maxCandidates = 1000

// damage is a range of bytes that holds no event.
type damage struct {
	from int64 // its beginning
	at   int64 // the byte that cannot stand where it stands
	why  problem
}

// resync fills e with the range from d.from to the next event. An inner object of a broken event, with an id and a time
// of its own, must not be taken for one: payments would be made up. So an event is read again only from a brace
//
//  1. at or behind the byte that breaks the grammar; or before it, in what the broken object takes for a string, if the
//     first name behind it is the broken object's own (an event cut inside a string swallows the head of the next);
//  2. that begins a whole object within the limit, in which the event time and the ids are found from its root;
//  3. and is followed by another brace, or the end.
//
// One damage, of whatever size, then never makes an event of a part of one. Inner objects before it stand where the
// grammar wants a value, which 1 excludes; inner objects behind it are followed by a comma, a brace or a bracket that
// closes, as ever, which 3 excludes; and the tail of an event, behind a string that ends in a brace, does not begin with
// the event's first name.
//
// The price is an event that begins where the broken one was cut and wanted a value, {"x": {event}{event}: nothing tells
// it from an inner object, so it is part of the range.
func (s *jsonScanner) resync(e *archive.Entry, d damage) error {
	s.own = s.own[:0]
	if s.buf.offset() < d.at {
		s.own = append(s.own, s.walk.first.of(s.buf.data())...)
	}
	s.grammar.begin()
	for tries := 0; tries < maxCandidates && s.brace(d.at); tries++ {
		ok, err := s.resumes(d.at)
		if err != nil {
			return err
		}
		if ok {
			bad(e, d.from, s.buf.offset(), archive.BadJSON, at(d.at, d.why))
			return nil
		}
		s.buf.drop(1)
	}
	return s.rest(e, d.from, at(d.at, d.why))
}

// brace goes on to the next candidate: a brace inside a string before the offset, any from there on. Before
// the first call, the buffer begins where the broken object does, or at the offset.
func (s *jsonScanner) brace(offset int64) bool {
	for {
		data := s.buf.data()
		n, found := s.braceInText(data[:min(max(offset-s.buf.offset(), 0), int64(len(data)))])
		if !found {
			n, found = findByte(data, n, '{')
		}
		s.buf.drop(n)
		if found {
			return true
		}
		if !s.buf.more() {
			return false
		}
	}
}

// findByte is the place of the first c in data from i on, else the end.
func findByte(data []byte, i int, c byte) (int, bool) {
	if k := bytes.IndexByte(data[i:], c); k >= 0 {
		return i + k, true
	}
	return len(data), false
}

// braceInText is the place of the first brace inside a string, else the end. The grammar has seen what stands before
// it; to miss the brace itself changes nothing.
func (s *jsonScanner) braceInText(data []byte) (int, bool) {
	for i, c := range data {
		if c == '{' && s.grammar.state == inText {
			return i, true
		}
		s.grammar.step(c)
	}
	return len(data), false
}

// resumes reports whether an event begins at the buffer's start, in what was broken at the offset.
func (s *jsonScanner) resumes(offset int64) (bool, error) {
	inside := s.buf.offset() < offset
	n, v := s.object()
	if v != whole || !s.fields.resolves(&s.walk) {
		return false, nil
	}
	if inside && !bytes.Equal(s.walk.first.of(s.buf.data()), s.own) {
		return false, nil
	}
	next, _ := s.behind(n)
	if next == nothing {
		return true, s.buf.fault()
	}
	return next == '{', nil
}
