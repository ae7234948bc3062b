package replay

import (
	"context"
	"os"
	"runtime"
	"time"

	"replayd/replay/pace"
)

// Options say how a replay runs. They change neither what comes out nor its order, and may differ between sessions.
type Options struct {
	Pace   pace.Setting  // unless Control has another; not set: 20MB/s
	MaxGap time.Duration // longest wait for an idle gap of the archive, unless Control has another; default 10 s
	Ramp   time.Duration // slow start
	Memory int64         // bytes, divided as memory.go says; the process takes up to 150 MiB more. Default 512 MiB
	Spill  string        // folder for what does not fit; default the system's for temporary files
	Disk   int64         // bytes that may be spilled; default 16 GiB
	Open   int           // objects open for reading at a time, at most; default 256
	Stall  time.Duration // a body that gives no byte for so long is taken for broken; default 30 s
	GiveUp time.Duration // how long one store request is retried; default 1 h
	MaxBad float64       // share of bad entries that stops the replay, from 1,000 entries on; default 0.01
	StopOn []string      // kinds of events before which the replay stops: StopOn…
	Allow  Allowed

	// Plan is the hash of what was planned (Listed), of a replay whose spec has its AsOf. A session that would replay something else,
	// as the archive is now, is refused with ItemArchiveChange; and so is one that comes to an hour which has changed since it began.
	// Hours that sessions before it have read count as they were then. Empty: nothing was planned, or something else is allowed.
	Plan string

	// Most is how many stored bytes a replay may read that begins. One that would read more, as the archive is now, is refused with
	// ItemSecondPerson. 0: as many as there are.
	Most int64

	// Begun says that sessions before have accounted for something. While none has, Plan and Most are held against the archive before
	// the sink is opened; else Plan is once that has told what was read, and Most is not.
	Begun bool

	// Stop asks the replay to stop at its next commit, in state Paused. While the sink is being opened nothing of the
	// session's is there to be committed, and it stops at once.
	Stop <-chan struct{}

	// Control steers the session while it runs. Nil: nobody does.
	Control *Control

	// Observe is told of progress, ten times a second, from a goroutine of the replay's: while the sink is being opened from
	// the fifth second on, then always. May be nil.
	Observe func(Progress)

	// Watch is asked when the session begins to work and each minute from then on what a person should know of a replay
	// that lasts so long; end is when it is expected to end, zero while that is not known. Empty: nothing. What it says is
	// handed to Notice once, and stands in the progress as long as it says so. May be nil.
	Watch func(ctx context.Context, now, end time.Time) string

	// Notice tells what a person should know and need not stop for, from any goroutine of the replay's. May be nil.
	Notice func(text string)

	// For tests: smaller than the constants of the same meaning.
	chunkRecords int
	shares       *shares // of memory; nil: as divide says
}

const (
	defaultMemory = 512 << 20
	defaultDisk   = 16 << 30
	defaultOpen   = 256
)

func (o *Options) complete() {
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	if o.Spill == "" {
		o.Spill = os.TempDir()
	}
	if o.Disk == 0 {
		o.Disk = defaultDisk
	}
	if o.Open == 0 {
		o.Open = defaultOpen
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	if o.GiveUp == 0 {
		o.GiveUp = time.Hour
	}
	if o.chunkRecords == 0 {
		o.chunkRecords = chunkRecords
	}
	if o.MaxBad == 0 {
		o.MaxBad = 0.01
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Observe == nil {
		o.Observe = func(Progress) {}
	}
}

// workers is how many objects are read at a time: reading is bound by CPU once latency is hidden. There are no more than
// Memory is enough for.
func (o *Options) workers() int {
	return min(max(2, runtime.GOMAXPROCS(0)), o.Open, workersOf(o.Memory))
}

// divided is how the memory is divided.
func (o *Options) divided() shares {
	if o.shares != nil {
		return *o.shares
	}
	return divide(o.Memory, o.Open, o.workers())
}
