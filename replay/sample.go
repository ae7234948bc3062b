package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"replayd/archive"
	"replayd/replay/filter"
)

// Sample is what some of an archive's objects hold, to plan by: all counts are of the sample alone.
type Sample struct {
	Objects int   `json:"objects"` // looked into, not always to their end
	Bytes   int64 `json:"bytes"`   // read from the store for it
	Plain   int64 `json:"plain"`   // decompressed

	Entries    int64 `json:"entries"` // events, and ranges that hold none
	InWindow   int64 `json:"in_window"`
	OtherTime  int64 `json:"in_window_by_other_time"` // by arrival where the window goes by event time, and the reverse
	Bad        int64 `json:"bad"`
	NoID       int64 `json:"no_id"`
	NoKey      int64 `json:"no_key"`
	Keys       int   `json:"keys"` // distinct, at most maxKeys
	Duplicates int64 `json:"duplicates"`
	Conflicts  int64 `json:"conflicts"`
	Filtered   int64 `json:"filtered"`
	Failed     int64 `json:"filter_errors"` // on which the filter fails: they would be quarantined
	ValueBytes int64 `json:"value_bytes"`   // of what would be produced

	Delay    int64 `json:"max_arrival_delay_seconds"` // from event time to arrival
	Disorder int64 `json:"max_disorder_seconds"`      // of an event of the window behind a later one before it in its object

	FilterError string `json:"filter_error,omitempty"` // how the filter fails on the first of Failed
}

// Limits of a sample.
const (
	sampleObjects = 12
	samplePlain   = 4 << 20 // decompressed, of each object
	maxKeys       = 10_000
)

// errEnough ends the look into an object.
var errEnough = errors.New("enough")

// Look samples up to 12 of the given objects, spread over them evenly, 4 MiB decompressed of each. Objects that cannot be
// read are an error: run could not read them either.
func Look(ctx context.Context, s *Spec, src archive.Source, objects []archive.Object) (*Sample, error) {
	keep, err := filter.Compile(s.Filter)
	if err != nil {
		return nil, err
	}
	fields := s.Fields
	fields.Also = keep.Places()
	counted := &counting{Store: src.Store}
	src.Store = counted
	fetcher := &archive.Fetcher{Store: counted, Stall: 30 * time.Second, GiveUp: time.Minute}
	r := archive.NewReader(src, fetcher, fields, archive.Limits{Event: s.RecordLimit})
	defer r.Close()
	l := &looker{spec: s, keep: keep.Judge(), bodies: map[archive.Hash]uint64{}, keys: map[string]bool{}}
	for _, o := range spread(objects, sampleObjects) {
		l.largest, l.plain = 0, 0
		if _, err := r.Each(ctx, o, nil, l.see); err != nil && !errors.Is(err, errEnough) {
			return nil, fmt.Errorf("look into object %s: %w", archive.Printable(o.Key), err)
		}
		l.Objects++
		l.Plain += l.plain
	}
	l.Bytes, l.Keys = counted.read, len(l.keys)
	return &l.Sample, nil
}

// spread takes n of the objects, evenly; the first and the last are among them.
func spread(objects []archive.Object, n int) []archive.Object {
	if len(objects) <= n {
		return objects
	}
	some := make([]archive.Object, n)
	for i := range some {
		some[i] = objects[i*(len(objects)-1)/(n-1)]
	}
	return some
}

// looker gathers a Sample.
type looker struct {
	Sample
	spec   *Spec
	keep   func(*archive.Entry) (bool, error)
	bodies map[archive.Hash]uint64
	keys   map[string]bool

	largest, plain int64 // of the object under way: event time, decompressed bytes
}

func (l *looker) see(e *archive.Entry) error {
	l.plain = e.Offset + e.Length
	l.Entries++
	if e.Bad != "" {
		l.Bad++
	} else {
		l.event(e)
	}
	if l.plain >= samplePlain {
		return errEnough
	}
	return nil
}

func (l *looker) event(e *archive.Entry) {
	rules := l.spec.rules()
	in := func(t int64) bool { return rules.From == 0 && rules.To == 0 || rules.From <= t && t < rules.To }
	decides, other := e.Time, e.Arrival
	if rules.Arrival {
		decides, other = other, decides
	}
	if e.Arrival != 0 && in(other) {
		l.OtherTime++
	}
	if !in(decides) {
		return
	}
	l.InWindow++
	l.Disorder = max(l.Disorder, (l.largest-e.Time)/int64(time.Second))
	if rules.To == 0 || e.Time < rules.To { // a clock far ahead tells nothing of the others
		l.largest = max(l.largest, e.Time)
	}
	if e.Arrival != 0 {
		l.Delay = max(l.Delay, (e.Arrival-e.Time)/int64(time.Second))
	}
	if !l.identity(e) { // what becomes of it is decided before the filter
		return
	}
	wanted, err := l.keep(e)
	switch {
	case err != nil:
		l.Failed++
		if l.FilterError == "" {
			l.FilterError = err.Error()
		}
	case !wanted:
		l.Filtered++
	default:
		l.ValueBytes += int64(len(e.Value))
	}
}

// identity counts by id and key, and reports whether e is no duplicate.
func (l *looker) identity(e *archive.Entry) (first bool) {
	first = true
	switch body, seen := l.bodies[e.IDHash]; {
	case e.ID == nil:
		l.NoID++
	case seen && body == e.Body:
		l.Duplicates++
		first = false
	case seen:
		l.Conflicts++
	default:
		l.bodies[e.IDHash] = e.Body
	}
	if e.Key == nil {
		l.NoKey++
	} else if len(l.keys) < maxKeys {
		l.keys[string(e.Key)] = true
	}
	return first
}

// counting is a store that counts what is read of it. It serves one goroutine.
type counting struct {
	archive.Store
	read int64
}

// Open implements archive.Store.
func (c *counting) Open(ctx context.Context, o archive.Object, offset int64) (io.ReadCloser, error) {
	body, err := c.Store.Open(ctx, o, offset)
	if err != nil {
		return nil, err
	}
	return &countingBody{ReadCloser: body, store: c}, nil
}

type countingBody struct {
	io.ReadCloser
	store *counting
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.store.read += int64(n)
	return n, err
}
