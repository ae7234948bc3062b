package archivetest

import (
	"time"

	"replayd/archive"
)

// The layouts, formats, codecs and windows that a Plan knows. LayoutFlat is called jsonl because that is the name of
// the layout; its objects may hold any format.
const (
	LayoutPismo    = "pismo"
	LayoutFirehose = "firehose"
	LayoutHive     = "hive"
	LayoutFlat     = "jsonl"

	FormatJSON  = "json"
	FormatLines = "jsonl"
	FormatArray = "json-array"

	CodecNone  = "none"
	CodecGzip  = "gzip"
	CodecZstd  = "zstd"
	CodecMixed = "mixed" // any of them, under names that may lie

	WindowOnEvent   = "event"
	WindowOnArrival = "arrival"
)

// Plan says what archive to make and how it will be replayed. The zero value of a field means what its comment says,
// so Plan{Seed: 1} is a clean archive of a few hours.
type Plan struct {
	Seed     uint64
	Start    time.Time // of the first hour, UTC, whole hours (2025-11-01)
	Hours    int       // how many hours events land in (6)
	Events   int       // originals; copies come on top (1,000)
	MeanSize int       // bytes of an event, about; below 700 the events are as small as they get (1,200)
	Writers  int       // that fill objects side by side (4)

	Layout string // pismo
	Format string // json
	Codec  string // none

	FlushEvery time.Duration // a writer closes its object after so long (5m)
	FlushBytes int           // or at so many bytes, about (10 MB)

	From, To time.Time // the window; both zero: the middle hours, so that there are slack hours and hours beyond
	WindowOn string    // event

	// How the archive will be replayed. A negative duration stands for zero.
	Lateness    time.Duration // 5m
	Horizon     time.Duration // lateness + slack after
	SlackBefore time.Duration // 1h
	SlackAfter  time.Duration // 1h
	EventLimit  int           // the largest encoded record (960 KiB)
	Policies    Policies      // zero: what is odd is produced with a flag

	Odds Odds // zero: nothing odd happens
}

// Policies say what becomes of events that are not as they should be, in the words of the spec: emit, drop or quarantine;
// empty is emit.
type Policies struct {
	OnLate, OnConflict, OnMissingID string

	Keep func(*Entry) bool // nil: all
}

// Odds say how often something odd happens. Rates are shares of 1 of the events or objects they speak of.
type Odds struct {
	Duplicates float64 // of events: have copies near, in other objects, other hours, and around the horizon
	Conflicts  float64 // of events: have copies with another body
	Late       float64 // of events: land after their time by more than the lateness, some by hours
	Delayed    float64 // of events: land minutes after their own arrival
	WrongClock float64 // of the last writer's events: minutes to decades beside the truth, alone and in rows

	BadTime    float64 // of events: no time that can be used
	BadArrival float64 // of events: no arrival time, which is bad when the window goes by it
	Oversized  float64 // of events: at the limit, above it, far above it. Needs an EventLimit below 64 KiB
	Broken     float64 // of events: have something broken before them
	NoID       float64 // of events: the id is missing, null, empty or of a wrong type
	NumericID  float64 // of events: the id is a number
	NoKey      float64 // of events: the key is missing, null, empty, or its parent is
	Twofold    float64 // of events: names stand twice in an object (the last counts)

	Faults   float64 // of gzip objects: a wrong checksum, garbage behind them, a second member cut off
	Misfiled float64 // of objects: lie in the hour of their flush, or have a name that says no time
	Empty    float64 // of objects: have an empty neighbour
	Marks    float64 // of hours: hold marks of tools, with data that nobody must read
	Gaps     int     // hours in the window without an object (but with marks)
	Edges    int     // copies whose distance is the horizon, one nanosecond more and one less, in turn
}

const (
	defaultEventLimit = 960 << 10
	headerReserve     = 1024     // of a record, kept for replayd's own headers
	padLimit          = 64 << 10 // above it no event is padded up to EventLimit
	defaultFlushBytes = 10_000_000
	defaultFlushEvery = 5 * time.Minute
	defaultLateness   = 5 * time.Minute
	defaultSlack      = time.Hour
	defaultMeanSize   = 1200
)

func (p Plan) withDefaults() Plan {
	setDefault(&p.Start, time.Date(2025, 11, 1, 0, 0, 0, 0, time.UTC))
	setDefault(&p.Hours, 6)
	setDefault(&p.Events, 1000)
	setDefault(&p.MeanSize, defaultMeanSize)
	setDefault(&p.Writers, 4)
	setDefault(&p.Layout, LayoutPismo)
	setDefault(&p.Format, FormatJSON)
	setDefault(&p.Codec, CodecNone)
	setDefault(&p.FlushEvery, defaultFlushEvery)
	setDefault(&p.FlushBytes, defaultFlushBytes)
	setDefault(&p.WindowOn, WindowOnEvent)
	setDefault(&p.EventLimit, defaultEventLimit)
	p.Lateness = duration(p.Lateness, defaultLateness)
	p.SlackBefore = duration(p.SlackBefore, defaultSlack)
	p.SlackAfter = duration(p.SlackAfter, defaultSlack)
	p.Horizon = duration(p.Horizon, p.Lateness+p.SlackAfter)
	p.Start = p.Start.UTC().Truncate(time.Hour)
	if p.From.IsZero() && p.To.IsZero() {
		p.From, p.To = p.middle()
	}
	return p
}

// middle leaves an hour at each side when there are three, and more for hours that must not be listed when there are
// seven.
func (p Plan) middle() (from, to time.Time) {
	margin := max(1, (p.Hours-1)/3)
	if p.Hours < 3 {
		margin = 0
	}
	return p.Start.Add(time.Duration(margin) * time.Hour), p.end().Add(-time.Duration(margin) * time.Hour)
}

func (p Plan) end() time.Time { return p.Start.Add(time.Duration(p.Hours) * time.Hour) }

// hourly reports whether the layout keeps hours apart.
func (p Plan) hourly() bool { return p.Layout != LayoutFlat }

// named reports whether the layout's names say when their oldest event arrived.
func (p Plan) named() bool { return p.Layout == LayoutPismo || p.Layout == LayoutFirehose }

func (p Plan) byArrival() bool { return p.WindowOn == WindowOnArrival }

// Fields says where the generated events keep their id, times and key.
func (p Plan) Fields() archive.Fields {
	f := archive.Fields{
		ID: "/event_id", Time: "/timestamp", Key: "/data/account_id", Volatile: []archive.Pointer{"/arrival_epoch"},
		Arrival: "/arrival_epoch", ByArrival: p.byArrival(),
	}
	return f
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func duration(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(d, 0)
}
