package merge

import (
	"strings"

	"replayd/archive"
)

// Kind tells what an Item is.
type Kind uint8

// The kinds of items.
const (
	Event Kind = iota // an event inside the window
	Bad               // an entry without a usable event, inside the window
	End               // the end of an object: carries what the object held outside the window
)

// Flags say what was decided about an event that its consumer should know.
type Flags uint8

// The flags, in the order in which they are written.
const (
	NoID Flags = 1 << iota
	TimeMissing
	TimeClamped
	Late
	Conflict
)

var flagNames = []struct {
	flag Flags
	name string
}{
	{NoID, "no-id"}, {TimeMissing, "time-missing"}, {TimeClamped, "time-clamped"}, {Late, "late"}, {Conflict, "conflict"},
}

// String lists the flags separated by commas, in a fixed order; empty without flags.
func (f Flags) String() string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// Filtering is what the filter says of an event. One that is not kept has neither value nor key.
type Filtering uint8

// What a filter says.
const (
	Kept Filtering = iota
	Dropped
	Unjudged // it failed on the event: Item.Detail says how
)

// Item is one entry in merge order. Its slices are valid until its Object is released.
type Item struct {
	archive.Position // Time is the merge time
	Kind             Kind
	Flags            Flags
	SlackShort       bool // the event lies nearer to the edge of what was listed than is comfortable
	Filter           Filtering
	Object           *Object // that it stands in

	EventTime int64 // ns since 1970, never clamped; meaningless with TimeMissing
	Delay     int64 // ns from event time to arrival, where both are known and the window goes by arrival
	Value     []byte
	Key       []byte // nil: none
	ID        []byte // nil: none
	IDHash    archive.Hash
	Body      uint64
	Sum       archive.Hash // what the event adds to a digest

	Length int64  // decompressed bytes covered
	Reason string // Bad: why, one of archive.Bad…
	Detail string // for people: of Bad, and of what is Unjudged

	Outside int64 // End: entries of the object outside the window
}

// Object is an archived object with what the merge must know before reading it.
type Object struct {
	archive.Object
	Bound       int64 // opening bound: the earliest merge time that its entries can have; ns since 1970
	BadInWindow bool  // entries without a usable time belong to the window
	Hour        string

	// Reach is set for objects of an outermost hour: an event further than that from Around, which is the time that
	// the name tells, twice, else the hour, counts as SlackShort.
	Outermost bool
	Around    [2]int64
	Reach     int64

	fitting fitting

	release func(again bool) // nil: nothing is held
}

// Release gives back the memory of an object whose End has been dealt with, once: none of its items is used any more, or,
// unless again, there may still be somebody who reads them, and it is left to the garbage collector. It may be called
// from any goroutine.
func (o *Object) Release(again bool) {
	if o.release != nil {
		o.release(again)
		o.release = nil
	}
}
