package kafka

import (
	"cmp"
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
//	forget/<id>/<part>               from here on no session begins and nobody freezes anything under the id
//	trace/<id>/<part>                of one that has begun, once its owner is fenced: what it has put into its topic
//	all of its checkpoint records    in one transaction, which fences whoever may still be at work, with its receipt, its
//	                                 progress, what is wanted of it, and refused/<id>
//	spec/<id>/<part>
//	started/<id>                     in a transaction, too. To a replayd that does not know forget/<id>, a replay that has
//	                                 begun and has no checkpoint is lost, never new
//	forget/<id>/<part>               the id is free
//
// A daemon may sleep before any of these records, and wake when another has finished and the id is another replay's. That one
// takes no harm, since no record comes to it late: keys that end with <part>, that of the spec, are of one replay alone, and all
// others are deleted in transactions of the replay's owner, who has looked, as its owner, what is left. Who finishes has become the
// owner since then, and so has who begins the other replay, and both have put an end to the sleeper's transactions.
//
// The config topic is read uncommitted, so what an aborted transaction deletes is gone for whoever reads it, until compaction brings
// it back. By then it is deleted again, since forget/<id>/<part> stands until the transaction was committed.
//
// What is left is that the sleeper, when it wakes, may fence a session of the other replay before it finds out. Its barrier says
// what it was to forget: that session passes over it and goes on.
//
// Where an incarnation is named and the id has another replay, it is a *replay.Conflict, and nothing is done to that one.
func (v *View) Forget(ctx context.Context, id, incarnation string) error {
	return v.forget(ctx, id, incarnation, false)
}

// ForgetSilent does the same with a replay that has not ended, where it runs in the foreground: nobody but its process can end it,
// and that is taken for gone. If it is not, it is fenced by the transaction that deletes its checkpoints and produces nothing more.
func (v *View) ForgetSilent(ctx context.Context, id, incarnation string) error {
	return v.forget(ctx, id, incarnation, true)
}

func (v *View) forget(ctx context.Context, id, incarnation string, silent bool) error {
	f, err := v.forgettable(id, incarnation, silent)
	if err == nil && !f.begun {
		v.sweep(ctx, f)
		err = v.traceable(f)
	}
	if err != nil {
		return &replay.Conflict{Err: err}
	}
	if !f.named {
		intent := forgetting{Version: version, Host: host(), PID: os.Getpid(), At: f.since, Lost: f.lost}
		if err := v.write(ctx, forgetKey(id, f.part), intent); err != nil {
			return err
		}
	}
	err = v.forgetAll(ctx, f)
	if inBetween(err) && !v.soonForgotten(ctx, f) {
		err = v.forgetAll(ctx, f)
	}
	if err != nil && !v.finished(ctx, f) {
		return v.cluster.unanswered(fmt.Errorf("forget replay %s: %w", id, err))
	}
	return v.takeBack(ctx, f)
}

// errForgotten ends a forgetting that another daemon has finished.
var errForgotten = errors.New("another daemon has forgotten it")

// forgotten is a replay that is to be forgotten.
type forgotten struct {
	part    string      // the last of the key of its spec
	begun   bool        // before: it is to be finished
	named   bool        // by an intent that says of which replay it is
	since   time.Time   // when that was
	lost    bool        // what it is continued by was, before anything was deleted
	spec    replay.Spec // with its id alone where the rest is lost, or deleted already
	started *started    // likewise nil
	at      []*started  // where its checkpoints are; one that is nil stands for the partition that its name gives
	gone    bool        // the topic it was put into is
	ended   bool        // by a checkpoint: there must be one that says so
	still   func() bool // it is being forgotten, as far as was read
}

// forgettable finds a replay that has ended, that is lost, that is being forgotten, or that is silent in the foreground.
func (v *View) forgettable(id, incarnation string, silent bool) (*forgotten, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	k, ok := v.known(id)
	of := v.registry.replays[id]
	switch {
	case !ok:
		return nil, &Unknown{ID: id}
	case incarnation != "" && k.Incarnation != "" && incarnation != k.Incarnation:
		return nil, &replay.Another{ID: id}
	}
	if of == nil { // only its checkpoints are there
		of = &registered{}
	}
	if err := of.unreadable(); err != nil && !v.nothingButSpecs(id, of) {
		return nil, err
	}
	part, intent := of.intent()
	f := &forgotten{
		part: cmp.Or(k.Incarnation, part, lostSpec), begun: intent != nil, since: time.Now().UTC(), spec: k.Spec, started: of.started.value,
		at: v.checkpointsOf(id, of),
	}
	f.named = of.intents[f.part] != nil
	f.still = func() bool { return v.forgets(f) }
	switch lost := new(replay.Refusal); {
	case f.begun:
		f.since, f.lost = intent.value.At, intent.value.Lost
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
	return of.started.absent() && of.forgetting() == nil && (p == nil || len(p.checkpoints) == 0)
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

// traceable refuses to forget more than traces are kept of, where one would be written.
func (v *View) traceable(f *forgotten) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.progress[f.spec.ID]
	begun := f.started != nil || p != nil && len(p.checkpoints) > 0
	if begun && v.registry.traces[f.trace()] == nil && !f.gone && len(v.registry.traces) >= mostTraces {
		return errTraces(v.cluster.options.ControlPrefix)
	}
	return nil
}

// trace is what stands of the replay when it is forgotten.
func (f *forgotten) trace() traceID { return traceID{f.spec.ID, f.part} }

// traced reports whether the replay has left its trace.
func (v *View) traced(f *forgotten) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.registry.traces[f.trace()] != nil
}

// forgets reports whether the replay is being forgotten still. Else it is forgotten, and its id may be another's.
func (v *View) forgets(f *forgotten) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := v.registry.replays[f.spec.ID]
	if of == nil {
		return false
	}
	if spec, part := of.spec(); spec != nil && part != f.part {
		return false
	}
	return of.intents.of(f.part) != nil
}

// stands reports whether the spec of the replay is there still, or, where that was lost, anything in its stead: once it is not, its
// progress is deleted, and what is wanted under its id may be wanted of the next one.
func (v *View) stands(f *forgotten) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := v.registry.replays[f.spec.ID]
	switch {
	case of == nil:
		return false
	case f.part == lostSpec:
		return len(of.specs) > 0 || !of.started.absent()
	}
	return of.specs[f.part] != nil
}

// finished reports whether a forgetting that has met an error was finished by another daemon.
func (v *View) finished(ctx context.Context, f *forgotten) bool {
	return v.awaitAll(ctx, configTopic, v.cluster.admin.ListEndOffsets) == nil && !v.forgets(f)
}

// inBetween reports whether somebody else has fenced who forgets: another daemon that forgets the same, or a session that slept.
func inBetween(err error) bool { return fencing(err) || errors.As(err, new(*replay.TakenOver)) }

// othersLimit is how long another daemon that forgets the same replay is waited for, before this one goes on with it.
const othersLimit = 5 * time.Second

// soonForgotten reports whether another daemon finishes it.
func (v *View) soonForgotten(ctx context.Context, f *forgotten) bool {
	ctx, cancel := context.WithTimeout(ctx, othersLimit)
	defer cancel()
	for {
		changed := v.Changed()
		if !v.forgets(f) {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// takeBack deletes an intent that was written late, beside another replay. It has no effect there, and should not lie about.
func (v *View) takeBack(ctx context.Context, f *forgotten) error {
	v.mu.Lock()
	of := v.registry.replays[f.spec.ID]
	late := of != nil && of.intents[f.part] != nil
	v.mu.Unlock()
	if !late {
		return nil
	}
	return v.write(ctx, forgetKey(f.spec.ID, f.part), nil)
}

// forgetAll deletes it all. The last of its sessions does what comes behind the checkpoints.
func (v *View) forgetAll(ctx context.Context, f *forgotten) error {
	for i, at := range f.at {
		if err := v.forgetAt(ctx, f, at, i == len(f.at)-1); err != nil {
			return err
		}
	}
	return nil
}

// forgetAt deletes what there is in one place of checkpoints, and with the last one all the rest.
func (v *View) forgetAt(ctx context.Context, f *forgotten, at *started, last bool) error {
	s := v.cluster.Sink(Settings{})
	defer s.Close()
	if err := v.owned(ctx, f, at, s); err != nil {
		return err
	}
	if err := v.forgetHere(ctx, f, s); err != nil || !last {
		return err
	}
	if err := v.forgetSpecs(ctx, f); err != nil {
		return err
	}
	return v.freeID(ctx, f, s)
}

// forgetHere leaves a trace and deletes the progress. Where that was done before, only the barrier of this session is there.
func (v *View) forgetHere(ctx context.Context, f *forgotten, s *Sink) error {
	c, stands := s.journal.checkpoint, v.stands(f)
	switch {
	case !stands && s.journal.empty():
		return v.commitRead(ctx, s, []*kgo.Record{s.record(barrierKey(f.spec.ID), nil)})
	case stands && f.ended && c == nil && v.traced(f): // another daemon has deleted that, and all the rest of it
	case stands && f.ended && (c == nil || !c.State.Terminal()):
		return errors.New("it has no checkpoint that says that it has ended")
	}
	if err := v.leave(ctx, f, s.journal); err != nil {
		return err
	}
	return v.forgetProgress(ctx, f, s)
}

// owned makes s the owner of the replay: who forgets it, too, and has not come to the end yet, comes to none any more.
func (v *View) owned(ctx context.Context, f *forgotten, at *started, s *Sink) error {
	s.spec, s.forgets, s.maxBytes = &replay.Spec{ID: f.spec.ID}, f, defaultMaxMessage // its topic may be gone
	var err error
	if s.codec, err = s.settings.codec(); err != nil {
		return err
	}
	if err := s.locate(ctx, &Stored{started: at, part: f.part}); err != nil {
		return err
	}
	if err := s.acquire(ctx); err != nil {
		return err
	}
	if err := v.awaitAll(ctx, configTopic, v.cluster.admin.ListEndOffsets); err != nil {
		return err
	}
	if !v.forgets(f) {
		return errForgotten
	}
	return nil
}

// forgetProgress deletes the checkpoint records of a replay in one place, its receipt, and what is wanted of it.
func (v *View) forgetProgress(ctx context.Context, f *forgotten, s *Sink) error {
	id, records := f.spec.ID, []*kgo.Record{}
	for _, key := range s.journal.keys() {
		records = append(records, s.record(key, nil))
	}
	for _, key := range []string{id, progressKey(id)} {
		records = append(records, &kgo.Record{Topic: v.cluster.topic(statusTopic), Key: []byte(key)})
	}
	for _, key := range append(wantedKeys(id), refusedKey(id)) {
		records = append(records, &kgo.Record{Topic: v.cluster.topic(configTopic), Key: []byte(key)})
	}
	return v.commitRead(ctx, s, records)
}

// forgetSpecs deletes those of the replay, its own as the last: what was written beside it is none of a replay.
func (v *View) forgetSpecs(ctx context.Context, f *forgotten) error {
	v.mu.Lock()
	keys := v.registry.losers(f.spec.ID)
	if of := v.registry.replays[f.spec.ID]; of != nil {
		for _, part := range slices.Sorted(maps.Keys(of.specs)) {
			if part != f.part {
				keys = append(keys, specKey(f.spec.ID, part))
			}
		}
	}
	v.mu.Unlock()
	if f.part != lostSpec && v.stands(f) {
		keys = append(keys, specKey(f.spec.ID, f.part))
	}
	for _, key := range keys {
		if !v.forgets(f) {
			return errForgotten
		}
		if err := v.write(ctx, key, nil); err != nil {
			return err
		}
	}
	return nil
}

// freeID deletes what holds the id, with all intents that came too late for replays which had it before.
func (v *View) freeID(ctx context.Context, f *forgotten, s *Sink) error {
	id, config := f.spec.ID, v.cluster.topic(configTopic)
	unnamed := []*kgo.Record{
		s.record(barrierKey(id), nil), // so that the client has noted one topic of the transaction at least (errBarrierAborted)
		{Topic: config, Key: []byte(startedKey(id))}, {Topic: config, Key: []byte(forgetKey(id, ""))},
	}
	if err := v.commitRead(ctx, s, unnamed); err != nil {
		return err
	}
	for _, part := range v.intended(f) {
		if err := v.write(ctx, forgetKey(id, part), nil); err != nil {
			return err
		}
	}
	return nil
}

// intended are the replays that intents under the id are of, this one as the last.
func (v *View) intended(f *forgotten) (parts []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if of := v.registry.replays[f.spec.ID]; of != nil {
		parts = slices.Sorted(maps.Keys(of.intents))
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == f.part })
	return append(parts, f.part)
}

// commitRead writes records in one transaction of their replay's owner, and waits until those that are followed have been read back.
func (v *View) commitRead(ctx context.Context, s *Sink, records []*kgo.Record) error {
	ends := map[topicPartition]int64{}
	err := s.producer.opening(ctx, func(t *sending) error {
		for _, r := range records {
			t.send(r, func(r *kgo.Record) {
				of := topicPartition{r.Topic, r.Partition}
				ends[of] = max(ends[of], r.Offset+1)
			})
		}
		return nil
	})
	if err != nil { // and acknowledgements may come still
		return err
	}
	for of, end := range ends {
		if err := v.awaitRead(ctx, of, end); err != nil {
			return err
		}
	}
	return nil
}

// empty reports whether nothing stands of the replay, beside barriers.
func (j *journal) empty() bool {
	return j.genesis == nil && j.checkpoint == nil && len(j.hours) == 0 && len(j.marks) == 0
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
