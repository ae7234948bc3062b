package archivetest

import (
	"time"
)

// cutTails are the last bytes of an event whose end is lost, behind `"x":`. None of them lets what follows complete an
// object, and no inner object stands last: a reader could take it for an event. None ends where a value may follow, or in
// the middle of a string: the next event, or its beginning, would be taken for that, and cannot be told from a part.
var cutTails = []string{
	`tru`, `-`, `"\u12`, `"ends in \`, `{"event_id":"inner","timestamp":"2020-01-01T00:00:00Z"`,
}

// slips are whole objects but for one character of grammar, to be continued behind a data member.
var slips = []string{`,}`, ` "a":1}`, `,"a":01}`, `,"a":nul}`, `,a:1}`, `,"a":'x'}`, `,"a":"` + "\x01" + `"}`, `,"a":1]`, `,"a":"\x"}`}

// garbage holds no opening brace: what begins with one may be an event. It does not begin with what follows inner
// objects, a comma or a closing bracket: the event before it could be taken for one of those. And none of it is the
// first bytes of a codec or file format.
var garbage = []string{"xx", "null", "42", `"text"`, "[1,2]", "\x00\x00\x00", "<html></html>", ":", "-}", "%]"}

func (r *renderer) brokenPart(p *part) {
	r.roll(p)
	start := len(r.text)
	r.id, r.key, r.volatileFrom, r.volatileTo, r.spaced = nil, nil, start, start, false
	switch p.kind {
	case partCut:
		r.brokenHead(p)
		r.put(`,"x":`)
		r.put(cutTails[r.dice.below(len(cutTails))])
	case partHeadless:
		r.put(`-lost","timestamp":"2025-11-01T00:00:00Z","data":`)
		r.brokenData()
		r.put("}}")
	case partSlip:
		r.brokenHead(p)
		r.put("}")
		r.put(slips[r.dice.below(len(slips))])
	case partGarbage:
		r.put(garbage[r.dice.below(len(garbage))])
	case partTwo:
		r.two(p)
	}
}

// brokenHead begins an event and leaves it and its data open.
func (r *renderer) brokenHead(p *part) {
	r.open()
	r.idField(p)
	r.timeField(p)
	r.name("data")
	r.brokenData()
}

// brokenData is an open data object with a complete inner object, which is no event.
func (r *renderer) brokenData() {
	r.open()
	r.name("merchant")
	r.open()
	r.decoy()
	r.put("}")
	r.member("account_id", "acc-broken")
}

// two is a line with two events, of which neither counts.
func (r *renderer) two(p *part) {
	for i := range 2 {
		r.open()
		r.name("event_id")
		r.quoted(appendUUID(nil, r.dice.next(), uint64(i)))
		r.name("timestamp")
		r.put(`"`)
		r.text = time.Unix(0, p.time).UTC().AppendFormat(r.text, time.RFC3339Nano)
		r.put(`"}`)
	}
	r.id = nil
}
