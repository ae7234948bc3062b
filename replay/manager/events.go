package manager

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// publishEvery is between two words about changes: a person sees no more of them.
const publishEvery = 250 * time.Millisecond

// maxGone is how many forgotten replays are kept for readers that were away. One that was away for longer is told anew what
// there is.
const maxGone = 1000

// news is how all replays stand, one edition after another. An edition is never changed, and is shared by all who
// read: a reader costs its place in the order of changes, and no copy.
type news struct {
	daemon string // names this life of the daemon in the ids of events

	mu      sync.Mutex
	newest  *edition
	changed chan struct{} // closed at the next edition
	ended   bool
	at      time.Time // of the newest edition
	n       int64     // of the newest change
}

// edition is how things stand, the one that changed last at the end.
type edition struct {
	items []*item // shared with the editions before
	first int64   // readers that have read less of what is gone than up to here must be told anew
}

// item is how one replay stands since the change n; of one that is gone what tells who may know of it.
type item struct {
	n      int64
	replay api.Replay
	gone   bool
}

func newNews(began time.Time) *news {
	return &news{daemon: strconv.FormatInt(began.UnixNano(), 36), newest: &edition{}, changed: make(chan struct{})}
}

// publish makes an edition of all, as see sees them, unless the one before is so young that it must wait: it then returns
// until when.
func (n *news) publish(now time.Time, all []replay.Known, see func(*replay.Known) api.Replay) time.Time {
	n.mu.Lock()
	wait := n.at.Add(publishEvery)
	n.mu.Unlock()
	if now.Before(wait) {
		return wait
	}
	edition, _ := n.now()
	seen := edition.sees(all, see)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = now
	if next := n.next(seen); next != nil {
		n.newest = next
		close(n.changed)
		n.changed = make(chan struct{})
	}
	return time.Time{}
}

// sees is how all stand now. One that had ended stands as it did, and is not asked for again: of ten thousand replays
// few still change.
func (e *edition) sees(all []replay.Known, see func(*replay.Known) api.Replay) []*api.Replay {
	before := e.byID()
	seen := make([]*api.Replay, len(all))
	for i := range all {
		k := &all[i]
		if it := before[k.Spec.ID]; it != nil && it.ended(k) {
			seen[i] = &it.replay
			continue
		}
		r := see(k)
		seen[i] = &r
	}
	return seen
}

// ended reports whether an item is of a replay that had ended, and of this one: ids that are forgotten may be used again.
func (it *item) ended(k *replay.Known) bool {
	return !it.gone && it.replay.State.Terminal() && k.State().Terminal() && it.replay.StartedAt.Equal(k.Spec.AsOf)
}

func (e *edition) byID() map[string]*item {
	items := make(map[string]*item, len(e.items))
	for _, it := range e.items {
		items[it.replay.ID] = it
	}
	return items
}

// next is the edition of all, nil when nothing has changed.
func (n *news) next(all []*api.Replay) *edition {
	before := n.newest.byID()
	e := &edition{first: n.newest.first, items: make([]*item, 0, len(all))}
	since := n.n
	var changed []*item
	for _, r := range all {
		it := before[r.ID]
		delete(before, r.ID)
		if it != nil && !it.gone && (r == &it.replay || reflect.DeepEqual(&it.replay, r)) {
			e.items = append(e.items, it)
			continue
		}
		n.n++
		changed = append(changed, &item{n: n.n, replay: *r})
	}
	for _, it := range before {
		if it.gone {
			e.items = append(e.items, it)
			continue
		}
		n.n++
		changed = append(changed, &item{n: n.n, replay: api.Replay{ID: it.replay.ID, Archive: it.replay.Archive, Topic: it.replay.Topic}, gone: true})
	}
	if n.n == since {
		return nil
	}
	e.items = append(e.items, changed...)
	slices.SortFunc(e.items, func(a, b *item) int { return int(a.n - b.n) })
	e.trim(len(all))
	return e
}

// trim forgets the oldest of what is gone, beside so many that are there.
func (e *edition) trim(there int) {
	most := len(e.items) - there - maxGone
	e.items = slices.DeleteFunc(e.items, func(it *item) bool {
		if !it.gone || most <= 0 {
			return false
		}
		most--
		e.first = it.n
		return true
	})
}

// behind are the items behind change n.
func (e *edition) behind(n int64) []*item {
	i, _ := slices.BinarySearchFunc(e.items, n+1, func(it *item, n int64) int { return int(it.n - n) })
	return e.items[i:]
}

// now is the newest edition, and what is closed when there is another; nil when there will be none.
func (n *news) now() (*edition, <-chan struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return n.newest, nil
	}
	return n.newest, n.changed
}

// end ends all reading.
func (n *news) end() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = true
	close(n.changed)
	n.changed = make(chan struct{})
}

func (n *news) id(change int64) string { return fmt.Sprintf("%s-%d", n.daemon, change) }

// place is the change that an id names; 0 for one of another life, and for one of which too much is forgotten.
func (n *news) place(id string) int64 {
	text, ours := strings.CutPrefix(id, n.daemon+"-")
	at, err := strconv.ParseInt(text, 10, 64)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !ours || err != nil || at < n.newest.first || at > n.n {
		return 0
	}
	return at
}

// Events implements api.Service. It ends when the daemon does.
func (m *Manager) Events(ctx context.Context, id, after string) iter.Seq2[api.Event, error] {
	return func(yield func(api.Event, error) bool) {
		err := m.whole()
		if id != "" {
			_, err = m.find(id)
		}
		if err != nil {
			yield(api.Event{}, err)
			return
		}
		at, told := m.news.place(after), false
		anew := at == 0 // what is gone is no news then
		for {
			e, changed := m.news.now()
			for _, it := range e.behind(at) {
				at = it.n
				if id != "" && it.replay.ID != id || it.gone && anew && !told {
					continue
				}
				if !yield(api.Event{ID: m.news.id(it.n), Replay: it.replay, Gone: it.gone}, nil) || it.gone && id != "" {
					return
				}
			}
			told = told || len(e.items) > 0
			if changed == nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
		}
	}
}
