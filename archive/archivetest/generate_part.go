package archivetest

// part is one thing in an object's bytes: an event, or something broken. It is all that is kept of it; the bytes are
// rendered from it and the plan's seed. Copies of an event are copies of its part.
type part struct {
	number  uint32 // of the event: decides its id and content
	writer  uint16
	kind    partKind
	variant variant

	id         idForm
	when       timeForm
	key        keyForm
	size       sizeForm
	badArrival bool
	twofold    bool

	time    int64 // event time, ns: what the text says unless when is odd
	arrival int64 // arrival time, ns, whole milliseconds
	landed  int64 // when it reached the archive: decides the object
}

// plain reports whether p is an event with everything in its place: one that a reader may find its way back at.
func (p *part) plain() bool {
	return p.kind == partEvent && p.id == idUsual && p.when == timeUsual && p.size == sizeUsual && !p.badArrival && !p.twofold
}

// bad reports whether p may become a bad entry.
func (p *part) bad() bool {
	return p.kind != partEvent || p.when != timeUsual || p.size != sizeUsual || p.badArrival
}

type partKind uint8

const (
	partEvent    partKind = iota
	partCut               // an event whose end is lost
	partHeadless          // an event whose beginning is lost
	partSlip              // an event with a slip in its grammar
	partGarbage           // no event at all
	partTwo               // two events in one line; JSON lines only
)

// variant is which of its bodies a copy has: copies of the same variant are duplicates, of different ones conflicts.
type variant uint8

const (
	bodyOriginal variant = iota
	bodyAmount           // another amount
	bodyInner            // another arrival_epoch, but an inner one, which is not volatile
	bodySpace            // one more space
	bodyTime             // another event time
	variants
)

type idForm uint8

const (
	idUsual   idForm = iota
	idEscaped        // a string with escapes
	idNumber         // a number above 2^53, or one with an exponent
	idMissing
	idNull
	idEmpty
	idBool
	idObject
	idArray
	idForms
)

// none reports whether the form amounts to no id.

type timeForm uint8

const (
	timeUsual timeForm = iota
	timeMissing
	timeNull
	timeWord
	timeNegative
	timeBefore1970
	timeYear2200
	timeYear9999
	timeObject
	timeForms
)

type keyForm uint8

const (
	keyUsual   keyForm = iota
	keyNumber          // above 2^53
	keyEscaped         // a string with escapes
	keyMissing         // and what follows has no key, but for keyEmpty, which is one
	keyNull
	keyEmpty
	keyNoData   // data is missing
	keyNullData // data is null
	keyForms
)

type sizeForm uint8

const (
	sizeUsual sizeForm = iota
	sizeFits           // exactly at the limit: not oversized
	sizeOver           // one byte above it
	sizeHuge           // several times the limit
	sizeForms
)
