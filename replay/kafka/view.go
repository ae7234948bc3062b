package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// View is what the control topics tell of all replays, followed as they grow. It is safe for concurrent use; Close it at
// the end.
//
//	config, status  (read_uncommitted) ─┐
//	checkpoints     (read_committed)   ─┼─> registers, by replay ─> All, Find
//	                                    └─> watch: topic ids, that of the audit too, and whether all has been read ─> Ready
//
// It keeps, for each replay, what was written last: its memory goes by how many there are. What is written through it is
// waited for until it has been read back, so whoever is answered finds it there.
type View struct {
	cluster *Cluster
	ids     map[string]string // of the topics that are followed, by name: one that is made anew has another
	audit   string            // likewise of that of the audit, which is written only
	began   time.Time
	stop    context.CancelFunc
	reading sync.WaitGroup

	mu       sync.Mutex
	registry *registry
	progress map[string]*progressed // by the replay's id
	doubts   doubts
	next     map[topicPartition]int64 // offset that is to be read next; absent: nothing was read
	full     bool                     // there are more replays than are kept
	caught   time.Time                // when it was last asked what there is, and all of that has been read; zero: never
	trouble  error                    // why the last look at the topics failed; nil: it did not
	missing  time.Time                // since when a topic is not there; zero: all are
	gone     error                    // the topics are not there any more, or are other ones than those that are followed; for good
	noAudit  error                    // the audit is not there, or another one; nil: it is as it was
	changed  chan struct{}            // closed at the next change
	moved    chan struct{}            // closed when more has been read

	missingTopics map[string]time.Time // ids of topics that traces name and that were not there when last asked for, since when
}

// topicPartition is a partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

// Follow begins to read the control topics, which are made if they are not there. It returns before all of what they hold
// has been read: Ready tells. Reading ends with ctx, or with Close.
func (c *Cluster) Follow(ctx context.Context) (*View, error) {
	partitions, err := c.ensureControlTopics(ctx)
	if err == nil {
		err = c.inOrder(partitions)
	}
	if err != nil {
		return nil, c.unanswered(err)
	}
	ids, err := c.controlIDs(ctx)
	if err != nil {
		return nil, c.unanswered(err)
	}
	audit, err := c.controlID(ctx, auditTopic)
	if err != nil {
		return nil, c.unanswered(err)
	}
	v := &View{
		cluster: c, ids: ids, audit: audit, began: time.Now(), registry: newRegistry(c.options.Log), progress: map[string]*progressed{}, doubts: doubts{},
		next: map[topicPartition]int64{}, changed: make(chan struct{}), moved: make(chan struct{}),
	}
	uncommitted, err := c.tailer(kgo.ReadUncommitted(), c.topic(configTopic), c.topic(statusTopic))
	if err != nil {
		return nil, err
	}
	committed, err := c.tailer(kgo.ReadCommitted(), c.topic(checkpointTopic))
	if err != nil {
		uncommitted.Close()
		return nil, err
	}
	ctx, v.stop = context.WithCancel(ctx)
	v.reading.Go(func() { v.tail(ctx, uncommitted) })
	v.reading.Go(func() { v.tail(ctx, committed) })
	v.reading.Go(func() { v.watch(ctx) })
	return v, nil
}

// inOrder refuses topics with so many partitions, of which one is needed: nobody could tell what was written first.
func (c *Cluster) inOrder(partitions map[string]int32) error {
	for _, name := range []string{configTopic, statusTopic, auditTopic} {
		if n := partitions[name]; n != 1 {
			return &replay.Refusal{
				Item: ItemControlTopics,
				What: fmt.Sprintf("topic %s has %d partitions, and with more than one nobody can tell what was written last", c.topic(name), n),
				Next: "Make it anew, with one partition, before anything is started; or choose another kafka.control_prefix.",
			}
		}
	}
	return nil
}

// Close ends reading. What is known stays.
func (v *View) Close() {
	v.stop()
	v.reading.Wait()
}

// All are the replays, in the order in which they were frozen, whoever runs them. They are the caller's. Their checkpoints
// are not sealed. One that this program cannot deal with has at least an ID and Err.
func (v *View) All() []replay.Known {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]replay.Known, 0, len(v.registry.replays))
	add := func(id string) {
		if k, ok := v.known(id); ok {
			all = append(all, k)
		}
	}
	for id := range v.registry.replays {
		add(id)
	}
	for id := range v.progress {
		if v.registry.replays[id] == nil {
			add(id)
		}
	}
	slices.SortFunc(all, func(a, b replay.Known) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Spec.ID, b.Spec.ID))
	})
	return all
}

// Find returns a replay as All would.
func (v *View) Find(id string) (replay.Known, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.known(id)
}

// Doubtful reports whether there may be a replay of an id that Find does not find: there are checkpoints of it, and of what it is
// nothing, as far as was read. Soon it is found, be it as one that is lost, or there is none.
func (v *View) Doubtful(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.progress[id]
	return v.registry.replays[id] == nil && p != nil && len(p.checkpoints) > 0 && !v.doubts.certain(id)
}

// Changed is closed at the next change of anything that All tells. Who wants to miss none takes it before looking.
func (v *View) Changed() <-chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changed
}

// stale is how long nothing may have been read before that is told.
const stale = 10 * time.Second

// Ready is nil once all that the topics held at the beginning has been read, and while they can be read on. Else it says
// what is wrong and what to do.
func (v *View) Ready() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ready(time.Now())
}

// Gone is why there is nothing to follow any more: a topic was deleted, or deleted and made anew. It is nil until then, and
// never again: follow anew.
func (v *View) Gone() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.gone
}

// Whole reports whether all that the topics held at the beginning has been read. Before, what is not told of may be there all
// the same, and what is may have changed long ago.
func (v *View) Whole() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.caught.IsZero()
}

// Behind is how old what All tells may be: the time since all that the topics held was asked for and then read, or, before
// that, since reading began.
func (v *View) Behind() time.Duration {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.caught.IsZero() {
		return time.Since(v.began)
	}
	return time.Since(v.caught)
}

// Stale is until when all that the topics held was read, once that is so long ago that what All tells may not be so any more; zero: it
// is not, or nothing has been read yet.
func (v *View) Stale() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.caught.IsZero() || time.Since(v.caught) <= stale {
		return time.Time{}
	}
	return v.caught.UTC().Truncate(time.Second)
}

func (v *View) ready(now time.Time) error {
	prefix := v.cluster.options.ControlPrefix
	switch {
	case v.gone != nil:
		return v.gone
	case v.full || v.registry.full:
		return tooMany(prefix)
	case errors.As(v.trouble, new(*replay.Refusal)):
		return v.trouble
	case v.caught.IsZero():
		return fmt.Errorf("the topics of %s are still being read for the first time, since %s%s",
			prefix, now.Sub(v.began).Round(time.Second), because(v.trouble))
	case now.Sub(v.caught) > stale:
		return fmt.Errorf("nothing could be read from the topics of %s for %s%s\nIt goes on by itself when the brokers answer: check that Kafka is up",
			prefix, now.Sub(v.caught).Round(time.Second), because(v.trouble))
	}
	return v.noAudit
}

// because is the end of a sentence that tells what is wrong.
func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// ring closes a bell and hangs up a new one.
func ring(bell *chan struct{}) {
	close(*bell)
	*bell = make(chan struct{})
}
