package archivetest

import (
	"cmp"

	"github.com/zeebo/xxh3"

	"replayd/archive"
)

// Entry is what the generator knows of an entry that it put into an object: what a reader must find there.
type Entry struct {
	Offset, Length int64  // decompressed bytes
	Bad            string // archive.Bad…, empty for an event

	Value         []byte // of an event, its bytes
	Key           []byte // nil when there is none
	ID            []byte // as text, nil when there is none
	Time, Arrival int64  // ns since 1970

	body xxh3.Uint128 // of Value without the volatile field: equal for duplicates
	part *part        // nil for the damage at the end of a stream
}

// page is one object's decompressed bytes and entries. A worker uses it for one object after the other.
type page struct {
	text    []byte
	entries []Entry
	render  renderer
	scratch []byte
}

func newPage(p *Plan) *page { return &page{render: renderer{plan: p}} }

// lay fills the page with o and returns it.
func (pg *page) lay(o *Object) *page {
	pg.text, pg.entries = pg.text[:0], pg.entries[:0]
	if len(o.parts) > 0 {
		pg.parts(o)
		pg.ranges()
	}
	if o.style.fault != faultNone {
		pg.entries = append(pg.entries, Entry{Offset: int64(len(pg.text)), Bad: archive.BadCodec})
	}
	pg.values()
	return pg
}

func (pg *page) parts(o *Object) {
	if o.style.bom {
		pg.put("\ufeff")
	}
	array := pg.render.plan.Format == FormatArray
	if array {
		pg.put("[")
	}
	for i := range o.parts {
		if i > 0 {
			pg.separate(o, i)
		}
		pg.part(&o.parts[i])
	}
	broken := o.parts[len(o.parts)-1].kind != partEvent
	if array && !broken {
		pg.put("]")
	}
	if o.style.last && !array {
		pg.put(cmp.Or(o.style.separator, "\n"))
	}
}

func (pg *page) put(s string) { pg.text = append(pg.text, s...) }

func (pg *page) separate(o *Object, i int) {
	pg.put(o.style.separator)
	if o.style.blank && i%5 == 0 {
		pg.put(o.style.separator)
	}
}

// part renders p and notes what is known of it.
func (pg *page) part(p *part) {
	r := &pg.render
	offset := len(pg.text)
	pg.text = r.append(pg.text, p)
	e := Entry{Offset: int64(offset), Length: int64(len(pg.text) - offset), part: p}
	e.Bad = pg.reason(p, int(e.Length))
	if e.Bad == "" {
		e.ID, e.Key, e.Time, e.Arrival = r.id, r.key, p.time, p.arrival
		if p.badArrival {
			e.Arrival = 0
		}
		e.body = pg.body(pg.text[offset:r.volatileFrom], pg.text[r.volatileTo:])
	}
	pg.entries = append(pg.entries, e)
}

func (pg *page) reason(p *part, length int) string {
	plan := pg.render.plan
	switch {
	case p.kind != partEvent:
		return archive.BadJSON
	case p.when != timeUsual:
		return archive.BadTime
	case p.badArrival && plan.byArrival():
		return archive.BadArrival
	case len(pg.render.key)+length+len(pg.render.id)+headerReserve > plan.EventLimit:
		return archive.BadOversized
	}
	return ""
}

// body hashes what stands around the volatile value. The mark keeps apart what the value kept apart.
func (pg *page) body(before, after []byte) xxh3.Uint128 {
	pg.scratch = append(append(append(pg.scratch[:0], before...), 0), after...)
	return xxh3.Hash128(pg.scratch)
}

// ranges widens broken entries of concatenated JSON up to the next event, which is where a reader finds its way back.
func (pg *page) ranges() {
	if pg.render.plan.Format != FormatJSON {
		return
	}
	for i := range pg.entries {
		e := &pg.entries[i]
		if e.part.kind == partEvent {
			continue
		}
		end := int64(len(pg.text))
		if i+1 < len(pg.entries) {
			end = pg.entries[i+1].Offset
		}
		e.Length = end - e.Offset
	}
}

// values points events into the text, which stays where it is from now on.
func (pg *page) values() {
	for i := range pg.entries {
		if e := &pg.entries[i]; e.Bad == "" {
			e.Value = pg.text[e.Offset : e.Offset+e.Length : e.Offset+e.Length]
		}
	}
}

// event renders one event alone. Its Offset is 0.
func (pg *page) event(p *part) Entry {
	pg.text, pg.entries = pg.text[:0], pg.entries[:0]
	pg.part(p)
	pg.values()
	return pg.entries[0]
}
