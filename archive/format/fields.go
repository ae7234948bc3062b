package format

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// fields turns a walked object into an entry. It holds the scratch memory that an entry's slices may point into.
type fields struct {
	archive.Fields
	limit int // of key, value, id and archive.HeaderReserve together

	time, arrival, key, value int32 // nodes of the paths, none when unset
	ids                       []int32
	volatile, also            []int32
	zone                      *time.Location

	keyText, idText, part, joined, body, summed []byte
	holes                                       []span
	alsoBytes                                   [][]byte
}

func newFields(f archive.Fields, l archive.Limits, p *paths) fields {
	x := fields{
		Fields: f, limit: l.Event,
		time: p.find(f.Time), arrival: p.find(f.Arrival), key: p.find(f.Key), value: p.find(f.Value),
	}
	x.zone, _ = f.Location() // nil, which is UTC, only where Fields were never validated
	for _, pointer := range f.ID.Pointers() {
		x.ids = append(x.ids, p.find(pointer))
	}
	for _, pointer := range f.Volatile {
		x.volatile = append(x.volatile, p.find(pointer))
	}
	for _, pointer := range f.Also {
		x.also = append(x.also, p.find(pointer))
	}
	x.alsoBytes = make([][]byte, len(x.also))
	return x
}

// fill sets all of e that event says, of which spans are the fields. Offset and Length are the caller's. What makes an
// event bad is judged in the order size, event time, arrival, value, key: the size of an event that is not even kept is all
// that can be known of it.
func (x *fields) fill(e *archive.Entry, event []byte, spans []span) {
	stripped := x.strip(event, spans)
	key := x.recordKey(event, spans)
	id, idHash := x.eventID(event, stripped, spans)
	value := event
	if x.value != none {
		value = spans[x.value].of(event)
	}
	if size := len(key) + len(value) + len(id) + archive.HeaderReserve; size > x.limit {
		e.Bad, e.Detail = archive.BadOversized, fmt.Sprintf("%d bytes as a record, of %d at most", size, x.limit)
		return
	}
	at, err := x.when(x.time, event, spans)
	if err != nil {
		e.Bad, e.Detail = archive.BadTime, fmt.Sprintf("event time %s: %v", x.Time, err)
		return
	}
	arrival, err := x.when(x.arrival, event, spans)
	if err != nil && x.ByArrival {
		e.Bad, e.Detail = archive.BadArrival, fmt.Sprintf("arrival %s: %v", x.Arrival, err)
		return
	}
	if x.value != none && spans[x.value].kind == missing {
		e.Bad, e.Detail = archive.BadValue, fmt.Sprintf("value %s: missing", x.Value)
		return
	}
	if x.NeedsKey && key == nil {
		e.Bad, e.Detail = archive.BadKey, fmt.Sprintf("record key %s: missing, and the topic is compacted", x.Key)
		return
	}
	e.Event, e.Value, e.Key, e.ID, e.IDHash = event, value, key, id, idHash
	e.Body, e.Time, e.Arrival = xxh3.Hash(stripped), at, arrival
	e.Sum = x.sum(id, value)
	e.Also = x.others(event, spans)
}

// valueAt is where in the event its value begins.
func (x *fields) valueAt(spans []span) int {
	if x.value == none {
		return 0
	}
	return spans[x.value].from
}

// sum is what the event adds to the digest.
func (x *fields) sum(id, value []byte) archive.Hash {
	b := binary.BigEndian.AppendUint32(x.summed[:0], uint32(len(id)))
	x.summed = append(append(b, id...), value...)
	return archive.Hash(xxh3.Hash128(x.summed))
}

// others are the bytes at the places that Fields.Also names.
func (x *fields) others(event []byte, spans []span) [][]byte {
	for i, n := range x.also {
		x.alsoBytes[i] = nil
		if spans[n].kind != missing {
			x.alsoBytes[i] = spans[n].of(event)
		}
	}
	return x.alsoBytes
}

// when is the time at node n, 0 when there is no such field.
func (x *fields) when(n int32, value []byte, spans []span) (int64, error) {
	if n == none {
		return 0, nil
	}
	return archive.ParseTime(spans[n].of(value), x.zone)
}

// resolves reports whether the fields by which events are told apart stand in the object. Without any of them, an
// object must not be empty to be one.
func (x *fields) resolves(w *walker) bool {
	if x.time != none && w.spans[x.time].kind == missing {
		return false
	}
	for _, n := range x.ids {
		if w.spans[n].kind == missing {
			return false
		}
	}
	return w.first.kind != missing
}

// recordKey is the text of the key: that of a string, everything else as it stands.
func (x *fields) recordKey(value []byte, spans []span) []byte {
	if x.key == none {
		return nil
	}
	s := spans[x.key]
	switch s.kind {
	case missing, null:
		return nil
	case plainText, escapedText:
		var key []byte
		key, x.keyText = textOf(value, s, x.keyText)
		return key
	}
	return s.of(value)
}

// textOf is the text of a string. Only escapes need the scratch memory.
func textOf(value []byte, s span, scratch []byte) (text, kept []byte) {
	raw := value[s.from+1 : s.to-1]
	if s.kind == plainText {
		return raw, scratch
	}
	scratch = unescape(scratch[:0], raw)
	return scratch, scratch
}

// eventID is the id as text and what duplicates are found by; nil and zero when it is missing.
func (x *fields) eventID(value, stripped []byte, spans []span) ([]byte, archive.Hash) {
	switch {
	case x.ID == archive.IDBody:
		sum := xxh3.Hash128(stripped)
		bytes := sum.Bytes()
		x.idText = hex.AppendEncode(x.idText[:0], bytes[:])
		return x.idText, archive.Hash(sum)
	case len(x.ids) == 1:
		var id []byte
		if id, x.idText = idPart(value, spans[x.ids[0]], x.idText); id == nil {
			return nil, archive.Hash{}
		}
		return id, archive.Hash(xxh3.Hash128(id))
	case len(x.ids) > 1:
		return x.joinedID(value, spans)
	}
	return nil, archive.Hash{}
}

// idPart is the text of one id, nil when it is missing: no string or number, or an empty string.
func idPart(value []byte, s span, scratch []byte) (id, kept []byte) {
	switch s.kind {
	case plainText, escapedText:
		id, kept = textOf(value, s, scratch)
		if len(id) == 0 {
			return nil, kept
		}
		return id, kept
	case numeric:
		return s.of(value), scratch
	}
	return nil, scratch
}

// joinedID is a JSON array of the parts. Its hash is over the parts, each behind its kind and length: no two different
// arrays run together.
func (x *fields) joinedID(value []byte, spans []span) ([]byte, archive.Hash) {
	x.idText, x.joined = append(x.idText[:0], '['), x.joined[:0]
	for i, n := range x.ids {
		var part []byte
		if part, x.part = idPart(value, spans[n], x.part); part == nil {
			return nil, archive.Hash{}
		}
		if i > 0 {
			x.idText = append(x.idText, ',')
		}
		x.join(part, spans[n].kind == numeric)
	}
	x.idText = append(x.idText, ']')
	return x.idText, archive.Hash(xxh3.Hash128(x.joined))
}

func (x *fields) join(part []byte, number bool) {
	if number {
		x.idText = append(x.idText, part...)
		x.joined = append(x.joined, 'n')
	} else {
		x.idText = appendQuoted(x.idText, part)
		x.joined = append(x.joined, 's')
	}
	x.joined = binary.BigEndian.AppendUint32(x.joined, uint32(len(part)))
	x.joined = append(x.joined, part...)
}

// strip is the value without the values of its volatile fields. A zero byte stands for each, which JSON never holds:
// an element left out of an array differs from none.
func (x *fields) strip(value []byte, spans []span) []byte {
	x.holes = x.holes[:0]
	for _, n := range x.volatile {
		if spans[n].kind != missing {
			x.holes = append(x.holes, spans[n])
		}
	}
	if len(x.holes) == 0 {
		return value
	}
	slices.SortFunc(x.holes, func(a, b span) int { return a.from - b.from })
	x.body = x.body[:0]
	at := 0
	for _, h := range x.holes {
		if h.from < at {
			continue // inside the one before
		}
		x.body = append(append(x.body, value[at:h.from]...), 0)
		at = h.to
	}
	x.body = append(x.body, value[at:]...)
	return x.body
}
