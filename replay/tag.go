package replay

import (
	"strconv"
	"strings"
	"time"

	"replayd/replay/merge"
)

// tagger writes the headers that say "this is a replay". Names and values are a contract with consumers.
type tagger struct {
	seq, eventTime, eventID, flags, source string // names
	fixed                                  []Header
	withSource                             bool
	replayID                               Header
}

func newTagger(s *Spec) *tagger {
	t := &tagger{
		seq: s.Prefix + "seq", eventTime: s.Prefix + "event-time", eventID: s.Prefix + "event-id",
		flags: s.Prefix + "flags", source: s.Prefix + "source",
		replayID: Header{s.Prefix + "id", []byte(s.ID)},
	}
	for _, h := range s.Headers {
		switch h {
		case HeaderSource:
			t.withSource = true
		case HeaderReason:
			t.fixed = append(t.fixed, Header{s.Prefix + "reason", []byte(s.Reason)})
		case HeaderTargets:
			t.fixed = append(t.fixed, Header{s.Prefix + "targets", []byte(s.targets())})
		}
	}
	return t
}

// most is the largest number of headers of an event.
func (t *tagger) most() int { return 6 + len(t.fixed) }

func (s *Spec) targets() string { return strings.Join(s.Targets, ",") }

// tag appends the headers of the event it, the seq-th produced, to h. The value of replay-event-time is the event's own
// time in ms, floored, never the one it was clamped to.
func (t *tagger) tag(h []Header, slab *slab, it *merge.Item, flags merge.Flags, seq int64) []Header {
	h = append(h, t.replayID, Header{t.seq, slab.number(seq)})
	if flags&merge.TimeMissing == 0 {
		h = append(h, Header{t.eventTime, slab.number(it.EventTime / int64(time.Millisecond))})
	}
	if it.ID != nil {
		h = append(h, Header{t.eventID, it.ID})
	}
	if flags != 0 {
		h = append(h, Header{t.flags, slab.text(flags.String())})
	}
	if t.withSource {
		h = append(h, Header{t.source, slab.text(it.Position.String())})
	}
	return append(h, t.fixed...)
}

// slab is memory for what the headers of a chunk say. What it hands out stays valid when it grows.
type slab struct{ free []byte }

// slabSize is the least memory of a slab.
const slabSize = 64 << 10

// room returns an empty slice with room for n bytes.
func (s *slab) room(n int) []byte {
	if cap(s.free)-len(s.free) < n {
		s.free = make([]byte, 0, max(n, slabSize, 2*cap(s.free)))
	}
	return s.free[len(s.free):len(s.free):cap(s.free)]
}

// keep makes b, appended to the last room, part of the slab.
func (s *slab) keep(b []byte) []byte {
	s.free = s.free[:len(s.free)+len(b)]
	return b[:len(b):len(b)]
}

func (s *slab) number(n int64) []byte { return s.keep(strconv.AppendInt(s.room(20), n, 10)) }

func (s *slab) text(t string) []byte { return s.keep(append(s.room(len(t)), t...)) }
