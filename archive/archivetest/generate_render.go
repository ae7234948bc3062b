package archivetest

import (
	"strconv"
	"time"
)

// renderer writes the text of parts, in the shape of Pismo's events. What it writes is a function of the plan and the
// part alone, whatever was rendered before. It is not safe for concurrent use.
type renderer struct {
	plan *Plan
	dice dice
	text []byte

	// Of the event that was rendered last:
	id           []byte // as text, nil when there is none
	key          []byte // nil when there is none
	volatileFrom int    // the value of /arrival_epoch in text; empty when it is missing
	volatileTo   int

	first  bool // no member of the object that is being written yet
	spaced bool // white space between tokens
}

// A member of the root object.
type rootField uint8

const (
	fieldID rootField = iota
	fieldCID
	fieldOrg
	fieldType
	fieldDomain
	fieldVersion
	fieldArrival
	fieldTime
	fieldData
)

// rootOrders: Pismo's own, and some that put what a reader looks for behind data, which holds the same names.
var rootOrders = [][]rootField{
	{fieldID, fieldCID, fieldOrg, fieldType, fieldDomain, fieldVersion, fieldArrival, fieldTime, fieldData},
	{fieldID, fieldCID, fieldOrg, fieldType, fieldDomain, fieldVersion, fieldArrival, fieldTime, fieldData},
	{fieldData, fieldCID, fieldArrival, fieldID, fieldOrg, fieldType, fieldTime, fieldDomain, fieldVersion},
	{fieldCID, fieldID, fieldData, fieldTime, fieldVersion, fieldArrival},
	{fieldTime, fieldData, fieldOrg, fieldDomain, fieldArrival, fieldID},
}

var (
	eventTypes = []string{"authorization", "transaction", "account-updated", "statement", "card-issued", "pix-in"}
	domains    = []string{"payments", "accounts", "cards", "banking"}
)

// append renders p to the end of text and returns it.
func (r *renderer) append(text []byte, p *part) []byte {
	r.text = text
	if p.kind == partEvent {
		r.fitted(p)
	} else {
		r.brokenPart(p)
	}
	return r.text
}

// fitted renders an event; one that is meant to have a certain size a second time, with what is missing to it.
func (r *renderer) fitted(p *part) {
	start := len(r.text)
	if p.size == sizeUsual {
		r.event(p, r.usualSize(p), true)
		return
	}
	r.event(p, 0, false)
	want := r.plan.EventLimit - headerReserve - len(r.id) - len(r.key)
	switch p.size {
	case sizeOver:
		want++
	case sizeHuge:
		want *= 3
	}
	padding := want - (len(r.text) - start)
	r.text = r.text[:start]
	r.event(p, padding, false)
}

// usualSize draws sizes with a long tail around the plan's mean.
func (r *renderer) usualSize(p *part) int {
	r.roll(p)
	mean := float64(r.plan.MeanSize)
	return int(min(mean*(0.5+0.5*r.dice.exponential()), mean*4))
}

func (r *renderer) roll(p *part) { r.dice = newDice(r.plan.Seed, uint64(p.number)) }

// event renders p. Size is the whole length to come near to with total, else that of the padding.
func (r *renderer) event(p *part, size int, total bool) {
	r.roll(p)
	start := len(r.text)
	r.id, r.key, r.volatileFrom, r.volatileTo = nil, nil, start, start
	r.spaced = r.plan.Format != FormatLines && r.dice.oneIn(29)
	order := rootOrders[r.dice.below(len(rootOrders))]
	r.open()
	if p.twofold {
		r.decoys(p)
	}
	for _, f := range order {
		r.field(f, p, start, size, total)
	}
	if p.variant == bodySpace {
		r.put(" ")
	}
	r.put("}")
}

func (r *renderer) field(f rootField, p *part, start, size int, total bool) {
	switch f {
	case fieldID:
		r.idField(p)
	case fieldCID:
		r.name("cid")
		r.quoted(appendUUID(nil, r.dice.next(), r.dice.next()))
	case fieldOrg:
		r.member("org_id", organisation)
	case fieldType:
		r.member("event_type", eventTypes[r.dice.below(len(eventTypes))])
	case fieldDomain:
		r.member("domain", domains[r.dice.below(len(domains))])
	case fieldVersion:
		r.name("schema_version")
		r.put("1")
	case fieldArrival:
		r.arrivalField(p)
	case fieldTime:
		r.timeField(p)
	case fieldData:
		r.dataField(p, start, size, total)
	}
}

// decoys are names that come again later, whose later values count.
func (r *renderer) decoys(p *part) {
	if p.id == idMissing || p.when == timeMissing {
		return
	}
	r.member("event_id", "not-this-one")
	r.member("timestamp", "2001-01-01T00:00:00Z")
}

func (r *renderer) idField(p *part) {
	if p.id == idMissing {
		return
	}
	r.named("event_id", `\u0065vent_id`)
	d := newDice(^r.plan.Seed, uint64(p.number))
	u := appendUUID(nil, d.next(), d.next())
	switch p.id {
	case idNumber:
		r.id = strconv.AppendUint(nil, 9007199254740993+uint64(p.number), 10)
		if p.number%3 == 0 {
			r.id = append(r.id, ".50E+2"...)
		}
		r.text = append(r.text, r.id...)
	case idEscaped:
		r.id = append([]byte("evénement/\"😀\"-"), u...)
		r.put(`"ev\u00e9nement\/\"\ud83d\uDE00\"-`)
		r.text = append(append(r.text, u...), '"')
	case idUsual:
		r.id = u
		r.quoted(u)
	default:
		r.put(idTexts[p.id])
	}
}

var idTexts = [idForms]string{idNull: "null", idEmpty: `""`, idBool: "true", idObject: `{"event_id":"inner"}`, idArray: `["a"]`}

func (r *renderer) arrivalField(p *part) {
	asText := r.dice.oneIn(64)
	if p.badArrival && p.number%2 == 0 {
		return
	}
	r.named("arrival_epoch", `arrival\u005fepoch`)
	r.volatileFrom = len(r.text)
	switch {
	case p.badArrival:
		r.put(`"soon"`)
	case asText:
		r.quoted(strconv.AppendInt(nil, p.arrival/int64(time.Millisecond), 10))
	default:
		r.text = strconv.AppendInt(r.text, p.arrival/int64(time.Millisecond), 10)
	}
	r.volatileTo = len(r.text)
}

func (r *renderer) timeField(p *part) {
	form := r.dice.below(64)
	if p.when == timeMissing {
		return
	}
	r.named("timestamp", `time\u0073tamp`)
	if p.when != timeUsual {
		r.put(timeTexts[p.when])
		return
	}
	if form == 0 && p.time%int64(time.Millisecond) == 0 && p.time > 1e18 {
		r.text = strconv.AppendInt(r.text, p.time/int64(time.Millisecond), 10)
		return
	}
	zone := time.UTC
	if form < 6 {
		zone = zones[form%len(zones)]
	}
	r.put(`"`)
	r.text = time.Unix(0, p.time).In(zone).AppendFormat(r.text, timeLayout(p.time))
	r.put(`"`)
}

var timeTexts = [timeForms]string{
	timeNull: "null", timeWord: `"yesterday"`, timeNegative: "-1", timeBefore1970: `"1969-12-31T23:59:59.999Z"`,
	timeYear2200: `"2200-01-01T00:00:00Z"`, timeYear9999: `"9999-12-31T23:59:59Z"`, timeObject: `{"timestamp":"2025-11-01T00:00:00Z"}`,
}

var zones = []*time.Location{time.FixedZone("", -3*3600), time.FixedZone("", 5*3600+30*60)}

// timeLayout has as many digits as the instant needs, at least three but for whole seconds.
func timeLayout(ns int64) string {
	switch {
	case ns%int64(time.Second) == 0:
		return "2006-01-02T15:04:05Z07:00"
	case ns%int64(time.Millisecond) == 0:
		return "2006-01-02T15:04:05.000Z07:00"
	case ns%int64(time.Microsecond) == 0:
		return "2006-01-02T15:04:05.000000Z07:00"
	}
	return "2006-01-02T15:04:05.000000000Z07:00"
}
