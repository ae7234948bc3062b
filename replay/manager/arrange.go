package manager

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"replayd/replay"
)

// world is all by which is decided what should run at this daemon.
type world struct {
	now      time.Time
	daemon   string // the name of this one
	known    []replay.Known
	mine     func(topic string) bool
	sessions map[string]bool    // that are here, by replay
	setbacks map[string]setback // of sessions that were here, by replay
	most     int                // sessions at a time
}

// arrangement is what should be otherwise.
type arrangement struct {
	begin  []replay.Known    // sessions, the most urgent first
	queued map[string]string // why a replay waits, for people, but for a second person
	full   []string          // the replays that wait because this daemon is full, which others cannot know
	turn   time.Time         // since when that one waits for its turn which waits longest, of this daemon's topics; zero: none does
	again  time.Time         // when to look again if nothing changes before; zero: never
}

// arrange gives each topic to the first of its line, and the sessions that may run to the oldest of those.
func (w *world) arrange() arrangement {
	a := arrangement{queued: map[string]string{}}
	ends := w.ends()
	var heads []replay.Known
	for _, line := range w.lines(&a) {
		head := line[0]
		for _, k := range line {
			switch {
			case says(&k):
				heads = w.due(&a, heads, k) // beside whatever runs into the topic: it puts nothing there
			case k.Spec.ID != head.Spec.ID:
				a.queued[k.Spec.ID] = behindHead(&head)
				w.waits(&a, &k, ends[k.Spec.Topic])
			case !w.busy(line):
				heads = w.due(&a, heads, k)
			}
		}
	}
	w.admit(&a, heads, latest(slices.Collect(maps.Values(ends))...))
	return a
}

// due adds k to those that may begin, unless there is nothing to do for it here and now.
func (w *world) due(a *arrangement, heads []replay.Known, k replay.Known) []replay.Known {
	if w.sessions[k.Spec.ID] || !w.mine(k.Spec.Topic) || k.Err != nil || !needed(&k) {
		return heads
	}
	if b := w.held(&k); b != nil {
		a.lookBy(b.until)
		if b.reason != "" {
			a.queued[k.Spec.ID] = b.again()
		}
		return heads
	}
	return append(heads, k)
}

// lines are the replays of each topic that should run some time, in the order in which they do.
func (w *world) lines(a *arrangement) [][]replay.Known {
	var topics []string
	lines := map[string][]replay.Known{}
	for i := range w.known {
		if !w.runs(&w.known[i]) {
			continue
		}
		k := w.known[i]
		if wished(&k).Waits {
			continue
		}
		if lines[k.Spec.Topic] == nil {
			topics = append(topics, k.Spec.Topic)
		}
		lines[k.Spec.Topic] = append(lines[k.Spec.Topic], k)
	}
	sorted := make([][]replay.Known, len(topics))
	for i, topic := range topics {
		slices.SortFunc(lines[topic], func(x, y replay.Known) int {
			return cmp.Or(cmp.Compare(w.rank(&x), w.rank(&y)), cmp.Compare(x.Order, y.Order), cmp.Compare(x.Spec.ID, y.Spec.ID))
		})
		sorted[i] = lines[topic]
	}
	return sorted
}

// runs reports whether a replay has its place in a line: one of a daemon's that can go on, and be it when somebody has said
// anew what is wanted of it. One that waits for a person keeps no other waiting.
func (w *world) runs(k *replay.Known) bool {
	if !steerable(k) || k.Spec.Owner != replay.OwnerDaemon || k.State().Terminal() || k.Refused != nil && !w.sessions[k.Spec.ID] {
		return false
	}
	b := w.held(k)
	return b == nil || !b.over
}

// rank: what runs goes on, a word that is to be written comes next, and what has begun is not put behind by an older
// replay that may run only now, since its events stand in the topic already.
func (w *world) rank(k *replay.Known) int {
	switch {
	case w.sessions[k.Spec.ID]:
		return 0
	case says(k):
		return 1
	case k.Begun:
		return 2
	}
	return 3
}

// busy reports whether a topic has a session already, and be it one that is leaving.
func (w *world) busy(line []replay.Known) bool {
	return slices.ContainsFunc(line, func(k replay.Known) bool { return w.sessions[k.Spec.ID] })
}

// held is why a replay is left alone for some time, nil when it is not.
func (w *world) held(k *replay.Known) *setback {
	b, set := w.setbacks[k.Spec.ID]
	if !set || !b.holds(k, w.now) {
		return nil
	}
	return &b
}

// admit lets the oldest begin. What only writes that a replay is paused or cancelled is through in a moment, and waits for
// nobody. End is when a replay of this daemon's ended last.
func (w *world) admit(a *arrangement, heads []replay.Known, end time.Time) {
	slices.SortStableFunc(heads, func(x, y replay.Known) int { return cmp.Compare(x.Order, y.Order) })
	running := len(w.sessions)
	for _, k := range heads {
		works := wished(&k).State == replay.Running
		if works && running >= w.most {
			a.queued[k.Spec.ID] = fmt.Sprintf("as many replays run at %s as may at a time: %d", w.daemon, w.most)
			a.full = append(a.full, k.Spec.ID)
			w.waits(a, &k, end)
			continue
		}
		if works {
			running++
		}
		a.begin = append(a.begin, k)
	}
}

// waits notes that k waits for its turn: since somebody said last that it is to run, or since a replay before it ended. Both stand in
// the control topics, so it is the same after a restart, and at whichever daemon.
func (w *world) waits(a *arrangement, k *replay.Known, end time.Time) {
	wish := wished(k)
	if wish.State != replay.Running || !w.mine(k.Spec.Topic) {
		return
	}
	if since := latest(k.Spec.AsOf, wish.At, end); a.turn.IsZero() || since.Before(a.turn) {
		a.turn = since
	}
}

// ends are when a replay of a daemon's ended last, by each topic that is ours.
func (w *world) ends() map[string]time.Time {
	ends := map[string]time.Time{}
	for i := range w.known {
		k := &w.known[i]
		if k.Spec.Owner != replay.OwnerDaemon || !k.State().Terminal() || !w.mine(k.Spec.Topic) {
			continue
		}
		wish := wished(k)
		ends[k.Spec.Topic] = latest(ends[k.Spec.Topic], endedAt(k, &wish))
	}
	return ends
}

// latest is the last of some instants, zero where there are none.
func latest(all ...time.Time) (last time.Time) {
	for _, t := range all {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// lookBy notes that Run is to look again at an instant at the latest.
func (a *arrangement) lookBy(at time.Time) {
	if a.again.IsZero() || at.Before(a.again) {
		a.again = at
	}
}

func behindHead(head *replay.Known) string {
	text := "behind " + head.Spec.ID
	if wished(head).State == replay.Paused {
		text += ", which is paused"
	}
	return text
}

// wished is what is wished of a replay: to run, where nobody said.
func wished(k *replay.Known) replay.Wish {
	if k.Wish == nil {
		return replay.Wish{State: replay.Running, Signed: replay.Signed{By: k.Start.By, At: k.Spec.AsOf}}
	}
	return *k.Wish
}

// says reports whether all that a session has to do is to write that the replay is paused or cancelled.
func says(k *replay.Known) bool { return needed(k) && wished(k).State != replay.Running }

// needed reports whether a session has something to do: to work, or to write what is wished where something else is written.
func needed(k *replay.Known) bool {
	state := k.State()
	return wished(k).State != replay.Paused || state == replay.Running || state == replay.Failed
}
