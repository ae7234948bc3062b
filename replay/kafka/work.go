package kafka

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

const (
	memberTimeout    = 10 * time.Second // a daemon that was killed has its part until then
	memberHeartbeat  = 2 * time.Second
	rebalanceTimeout = time.Minute // in which a part that is taken away must have been left
)

// Work is the part of all targets that this daemon has; the others of its control prefix have the rest. It is safe for
// concurrent use; Close it at the end.
//
// The daemons are a consumer group on a topic that is empty: Kafka divides its partitions among those that live, and a
// target belongs to the partition that murmur2 of its name gives among 64. Nothing is fetched and nothing committed. It is
// the classic protocol, which all brokers from 2.4 to 4 know, so no two daemons of a rolling upgrade ever disagree about
// it; and the cooperative one, which takes away only what moves, so that the other sessions go on. Should two daemons
// believe for a moment that they have the same target, the transactional id of each replay still has one owner.
type Work struct {
	cluster *Cluster
	topic   string
	client  *kgo.Client
	leave   func(lost func(topic string) bool)
	running sync.WaitGroup // leaves that nobody waits for

	mu      sync.Mutex
	joined  bool
	trouble error          // why the group was lost, until it is joined again
	owned   map[int32]bool // partitions
	leaving map[int32]int  // partitions of which sessions are still being left, and how often
	changed chan struct{}  // closed at the next change
}

// Share joins the daemons. It returns before there is anything to do: Changed tells.
//
// When targets are taken away, Mine is false for them and leave is called, which returns when what runs into those that it
// is asked about has ended. The next daemon gets them after that, unless it takes longer than a minute. When the group was
// lost they may be another's already: leave is called all the same, and until it has returned none of them is ours again.
func (c *Cluster) Share(ctx context.Context, leave func(lost func(topic string) bool)) (*Work, error) {
	if err := c.mayServe(ctx); err != nil {
		return nil, c.unanswered(err)
	}
	w := &Work{
		cluster: c, topic: c.topic(workTopic), leave: leave, owned: map[int32]bool{}, leaving: map[int32]int{}, changed: make(chan struct{}),
	}
	if err := c.ensureWork(ctx); err != nil {
		return nil, c.unanswered(err)
	}
	client, err := kgo.NewClient(append(c.common(), w.membership()...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka client: %w", err)
	}
	w.client = client
	return w, nil
}

// membership are the options of a member of the group. One with a name keeps its part when it comes back within the timeout,
// and nobody else notices; without, the others would divide it twice.
func (w *Work) membership() []kgo.Opt {
	opts := []kgo.Opt{
		kgo.ConsumerGroup(w.cluster.topic(daemonGroup)), kgo.ConsumeTopics(w.topic), kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(memberTimeout), kgo.HeartbeatInterval(memberHeartbeat), kgo.RebalanceTimeout(rebalanceTimeout),
		kgo.DisableAutoCommit(), kgo.WithHooks(groupErrors{w}),
		kgo.OnPartitionsAssigned(func(_ context.Context, client *kgo.Client, parts map[string][]int32) {
			client.PauseFetchTopics(w.topic) // it is empty; should somebody write there, it is nothing to us
			w.take(parts[w.topic])
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			w.give(parts[w.topic], func(leave func()) { leave() })
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			w.give(parts[w.topic], w.running.Go)
		}),
	}
	if name := w.cluster.options.Member; name != "" {
		opts = append(opts, kgo.InstanceID(name))
	}
	return opts
}

// groupErrors is told why the group was lost.
type groupErrors struct{ *Work }

// OnGroupManageError implements kgo.HookGroupManageError.
func (g groupErrors) OnGroupManageError(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.trouble = err
}

// Mine reports whether a target belongs to this daemon.
func (w *Work) Mine(topic string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := partOf(topic)
	return w.owned[p] && w.leaving[p] == 0
}

// Parts is how many of the 64 parts of all targets this daemon has.
func (w *Work) Parts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for p := range w.owned {
		if w.leaving[p] == 0 {
			n++
		}
	}
	return n
}

// Changed is closed at the next change of what Mine tells.
func (w *Work) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

// Ready is nil while this daemon is one of those that share the work, though it may have none.
func (w *Work) Ready() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	group := w.cluster.topic(daemonGroup)
	switch {
	case w.trouble != nil:
		return fmt.Errorf("group %s of daemons was lost: %w\nIt is joined again by itself when the brokers let it", group, w.trouble)
	case !w.joined:
		return fmt.Errorf("group %s of daemons has not been joined yet", group)
	}
	return nil
}

// take makes partitions ours.
func (w *Work) take(partitions []int32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joined, w.trouble = true, nil
	for _, p := range partitions {
		w.owned[p] = true
	}
	if len(partitions) > 0 { // each rebalance ends here, also one that leaves all as it was
		ring(&w.changed)
	}
}

// give ends what runs into the targets of partitions that are ours no more. How tells whether that is waited for.
func (w *Work) give(partitions []int32, how func(leave func())) {
	if len(partitions) == 0 {
		return
	}
	lost := map[int32]bool{}
	w.mu.Lock()
	for _, p := range partitions {
		lost[p] = true
		delete(w.owned, p)
		w.leaving[p]++
	}
	ring(&w.changed)
	w.mu.Unlock()
	how(func() {
		w.leave(func(topic string) bool { return lost[partOf(topic)] })
		w.mu.Lock()
		defer w.mu.Unlock()
		for p := range lost {
			if w.leaving[p]--; w.leaving[p] == 0 {
				delete(w.leaving, p)
			}
		}
		ring(&w.changed)
	})
}

// Close leaves what is ours, as when it is taken away, and then the group, so that the others have it at once. The group is
// not told when ctx ends before, and finds out after the timeout. It returns when every leave has.
func (w *Work) Close(ctx context.Context) error {
	err := w.client.LeaveGroupContext(ctx)
	if name := w.cluster.options.Member; name != "" && err == nil {
		err = w.depart(ctx, name) // the client leaves that to us: it may come back
	}
	w.client.Close()
	w.running.Wait()
	if err != nil {
		return fmt.Errorf("leave group %s: %w", w.cluster.topic(daemonGroup), err)
	}
	return nil
}

// depart takes a named member out of the group.
func (w *Work) depart(ctx context.Context, name string) error {
	left, err := w.cluster.admin.LeaveGroup(ctx, kadm.LeaveGroup(w.cluster.topic(daemonGroup)).InstanceIDs(name).Reason("the daemon stops"))
	if err == nil {
		err = left.Error()
	}
	return err
}

// workParts is the number of parts in which all targets are divided, partitions of the topic. It is never another: daemons that counted otherwise would
// not agree about who has what.
const workParts = 64

// partOf is the part that a target belongs to.
func partOf(topic string) int32 { return partitionOf([]byte(topic), workParts) }

// ensureWork makes the topic that is divided, if it is not there.
func (c *Cluster) ensureWork(ctx context.Context) error {
	partitions, _, err := c.ensure(ctx, workTopics)
	if Denied(err) {
		f := c.ungranted(serving, RightsToCreate(c.options.ControlPrefix, "", "")[:1], nil)
		return &replay.Refusal{Item: f.Item, What: f.What, Next: f.Next}
	}
	if n := partitions[workTopic]; err == nil && n < workParts {
		return &replay.Refusal{
			Item: ItemControlTopics,
			What: fmt.Sprintf("topic %s has %d partitions, of %d that daemons divide: some targets would be nobody's", c.topic(workTopic), n, workParts),
			Next: "Give it all of them: " + addPartitions(c.options.Brokers, c.topic(workTopic), workParts),
		}
	}
	return err
}

var _ kgo.HookGroupManageError = groupErrors{}
