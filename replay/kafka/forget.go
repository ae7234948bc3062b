package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// NotEnded says that a replay cannot be forgotten yet.
type NotEnded struct {
	ID    string
	State replay.State
}

func (e *NotEnded) Error() string {
	return fmt.Sprintf("replay %s is %s: it can be forgotten once it has ended; cancel it first", e.ID, e.State)
}

// Forget deletes what the control topics hold of a replay that has ended, or of which they have lost what it would be
// continued by, but for the audit and the quarantine, and frees its id. Started anew under that id, it is refused while its
// events stand in the target. What was broken off anywhere is finished by calling it again, at any daemon. The order makes
// that so:
//
//	forget/<id>                      from here on no session begins and nobody freezes anything under the id
//	trace/<id>/…                     of one that has begun, once its owner is fenced: what it has put into its topic
//	all of its checkpoint records    in one transaction, which fences whoever may still be at work, and its receipt
//	its progress, what is wanted of it, spec/<id>/…, refused/<id>
//	started/<id>                     to a replayd that does not know forget/<id>, a replay that has begun and has no
//	                                 checkpoint is lost, never new
//	forget/<id>                      the id is free
func (v *View) Forget(ctx context.Context, id string) error { return v.forget(ctx, id, false) }

// ForgetSilent does the same with a replay that has not ended, where it runs in the foreground: nobody but its process can end it,
// and that is taken for gone. If it is not, it is fenced by the transaction that deletes its checkpoints and produces nothing more.
func (v *View) ForgetSilent(ctx context.Context, id string) error { return v.forget(ctx, id, true) }

func (v *View) forget(ctx context.Context, id string, silent bool) error {
	f, err := v.forgettable(id, silent)
	if err == nil && !f.begun {
		v.sweep(ctx)
		err = v.traceable()
	}
	if err != nil {
		return &replay.Conflict{Err: err}
	}
	if !f.begun {
		intent := forgetting{Version: version, Host: host(), PID: os.Getpid(), At: f.since, Lost: f.lost}
		if err := v.write(ctx, forgetKey(id), intent); err != nil {
			return err
		}
	}
	for _, at := range f.at {
		if err := v.forgetProgress(ctx, f, at); err != nil {
			return v.cluster.unanswered(fmt.Errorf("forget the progress of replay %s: %w", id, err))
		}
	}
	live := &kgo.Record{Topic: v.cluster.topic(statusTopic), Key: []byte(progressKey(id))}
	if err := produce(ctx, v.cluster.client, live); err != nil {
		return v.cluster.unanswered(fmt.Errorf("forget the progress of replay %s: %w", id, err))
	}
	for _, key := range f.keys {
		if !v.forgets(id) { // another daemon has finished it, and the id may be in use again
			return nil
		}
		if err := v.write(ctx, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// forgotten is a replay that is to be forgotten.
type forgotten struct {
	begun   bool        // before: it is to be finished
	since   time.Time   // when that was
	lost    bool        // what it is continued by was, before anything was deleted
	spec    replay.Spec // with its id alone where the rest is lost, or deleted already
	started *started    // likewise nil
	at      []*started  // where its checkpoints are; one that is nil stands for the partition that its name gives
	ended   bool        // by a checkpoint: there must be one that says so
	keys    []string    // in the config topic, in the order in which they are deleted
}

// forgettable finds a replay that has ended, that is lost, that is being forgotten, or that is silent in the foreground.
func (v *View) forgettable(id string, silent bool) (*forgotten, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.known(id)
	of := v.registry.replays[id]
	if !ok {
		return nil, &Unknown{ID: id}
	}
	if of == nil { // only its checkpoints are there
		of = &registered{}
	}
	if err := of.unreadable(); err != nil && !v.nothingButSpecs(id, of) {
		return nil, err
	}
	f := &forgotten{
		begun: !of.forget.absent(), since: time.Now().UTC(), spec: k.Spec, started: of.started.value, at: v.checkpointsOf(id, of),
	}
	switch lost := new(replay.Refusal); {
	case f.begun:
		f.since, f.lost = of.forget.value.At, of.forget.value.Lost
	case errors.As(k.Err, &lost) && lost.Item == ItemRestart:
		f.lost = true
	case errors.As(k.Err, new(*KeyTaken)):
	case errors.As(k.Err, new(*errUnreadable)) && of.unreadable() != nil:
	case k.Err != nil && !errors.As(k.Err, new(*replay.WishUnreadable)):
		return nil, k.Err
	case silent && k.Spec.Owner == replay.OwnerRun && !k.State().Terminal():
	case !k.State().Terminal():
		return nil, &NotEnded{ID: id, State: k.State()}
	default:
		f.ended = k.Begun
	}
	f.keys = append(v.registry.losers(id), wantedKeys(id)...)
	for _, part := range slices.Sorted(maps.Keys(of.specs)) {
		f.keys = append(f.keys, specKey(id, part))
	}
	f.keys = append(f.keys, refusedKey(id), startedKey(id), forgetKey(id))
	return f, nil
}

// nothingButSpecs reports whether what cannot be read are specs of a replay that never began: with them nothing is lost.
func (v *View) nothingButSpecs(id string, of *registered) bool {
	for _, s := range of.specs {
		if s.err != nil && !errors.As(s.err, new(*errUnreadable)) {
			return false
		}
	}
	p := v.progress[id]
	return of.started.absent() && of.forget.absent() && (p == nil || len(p.checkpoints) == 0)
}

// checkpointsOf are all places where a replay has checkpoints, or had.
func (v *View) checkpointsOf(id string, of *registered) []*started {
	topicID, at := v.ids[v.cluster.topic(checkpointTopic)], map[int32]bool{}
	if s := of.started.value; s != nil && s.CheckpointTopicID == topicID {
		at[s.CheckpointPartition] = true
	}
	if p := v.progress[id]; p != nil {
		for partition := range p.checkpoints {
			at[partition] = true
		}
	}
	if len(at) == 0 {
		return []*started{nil}
	}
	var all []*started
	for _, partition := range slices.Sorted(maps.Keys(at)) {
		all = append(all, &started{CheckpointPartition: partition, CheckpointTopicID: topicID})
	}
	return all
}

// traceable refuses to forget more than traces are kept of.
func (v *View) traceable() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.registry.traces) >= mostTraces {
		return errTraces(v.cluster.options.ControlPrefix)
	}
	return nil
}

// forgets reports whether a replay is being forgotten.
func (v *View) forgets(id string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := v.registry.replays[id]
	return of != nil && !of.forget.absent()
}

// forgetProgress leaves a trace of a replay and deletes its checkpoint records in one place, and its receipt, in one transaction of
// its owner, and waits until that has been read back.
func (v *View) forgetProgress(ctx context.Context, f *forgotten, at *started) error {
	s := v.cluster.Sink(Settings{})
	defer s.Close()
	s.spec, s.maxBytes = &replay.Spec{ID: f.spec.ID}, defaultMaxMessage // its topic may be gone
	var err error
	if s.codec, err = s.settings.codec(); err != nil {
		return err
	}
	if err := s.locate(ctx, &Stored{started: at}); err != nil {
		return err
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	if err := v.awaitAll(ctx, configTopic, v.cluster.admin.ListEndOffsets); err != nil {
		return err
	}
	if !v.forgets(f.spec.ID) { // another daemon has finished it before this one owned it, and what is there may be the next one's
		return nil
	}
	if c := s.journal.checkpoint; f.ended && (c == nil || !c.State.Terminal()) {
		return errors.New("it has no checkpoint that says that it has ended")
	}
	if err := v.leave(ctx, f, s.journal); err != nil {
		return err
	}
	var last int64
	err = s.producer.opening(ctx, func(t *sending) error {
		for _, key := range s.journal.keys() {
			t.send(s.record(key, nil), func(r *kgo.Record) { last = max(last, r.Offset) })
		}
		t.send(&kgo.Record{Topic: v.cluster.topic(statusTopic), Key: []byte(f.spec.ID)}, nil)
		return nil
	})
	if err != nil {
		return err
	}
	return v.awaitRead(ctx, topicPartition{s.journal.topic, s.journal.partition}, last+1)
}

// keys are those of all records of the replay that were read, and of those that each replay has.
func (j *journal) keys() []string {
	keys := []string{genesisKey(j.id), checkpointKey(j.id), barrierKey(j.id)}
	for hour := range j.hours {
		keys = append(keys, hourKey(j.id, hour))
	}
	for n := range j.marks {
		keys = append(keys, markKey(j.id, n))
	}
	return keys
}
