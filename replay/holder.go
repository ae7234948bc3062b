package replay

import "time"

// stopwatch sums up how long something went on.
type stopwatch struct {
	since time.Time // it goes on; zero: it does not
	total time.Duration
}

func (w *stopwatch) start() { w.since = time.Now() }

func (w *stopwatch) stop() { w.total, w.since = w.until(time.Now()), time.Time{} }

// until is the sum as of now.
func (w *stopwatch) until(now time.Time) time.Duration {
	if w.since.IsZero() {
		return w.total
	}
	return w.total + max(0, now.Sub(w.since))
}

// moment is one of the last seconds, from which rates are taken, and what holds the replay.
type moment struct {
	at            time.Time
	events, bytes int64

	// For how long until then the feed, through which all events go one after another, waited for
	paced   time.Duration // the pace,
	broker  time.Duration // a commit before the next,
	starved time.Duration // entries; and
	archive time.Duration // the merge, which makes these, for the store.
}

// holder is where most of the seconds from first to last went: without whatever else the replay waits for and works at it
// would be less than twice as fast. Only of the pace a quarter is enough, which people can change at once. The feed waits for
// entries while the merge waits for the archive, and also while merge and workers are busy: that is the CPU's. What is tried again, and
// a commit that is slow by itself, are known before there are seconds to be judged by.
func (m *meter) holder(first, last moment) Holder {
	span := last.at.Sub(first.at)
	half := span / 2
	switch {
	case m.waiting > 0:
		return HeldByArchive
	case !m.busySince.IsZero() && last.at.Sub(m.busySince) > slowCommit:
		return HeldByBroker
	case span < judgedAfter:
		return HeldByNothing
	case last.broker-first.broker > half:
		return HeldByBroker
	case last.starved-first.starved > half && last.archive-first.archive > half:
		return HeldByArchive
	case last.paced-first.paced > half/2:
		return HeldByPace
	}
	return HeldByCPU
}
