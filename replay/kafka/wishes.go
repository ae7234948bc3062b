package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/zeebo/xxh3"

	"replayd/replay"
)

// Freeze makes a replay of daemons known: its spec, how it is started, and the first wish, in one record, so that no daemon
// can die between them. A spec without an instant gets one. Of two replays with one id that are frozen at once the one that
// stands first in the config topic wins; the other is taken back. Whoever finds the id taken, then or before, gets a
// *replay.Taken, inside a *SpecDiffers where the specs do. The same holds for two ids that are frozen with one Idempotency-Key.
func (v *View) Freeze(ctx context.Context, s *replay.Spec, start replay.Start, w replay.Wish) error {
	if err := w.Validate(); err != nil {
		return err
	}
	if err := v.free(ctx, s); err != nil {
		return err
	}
	if err := v.keyFree(s.ID, start.KeyHash()); err != nil {
		return err
	}
	if s.AsOf.IsZero() {
		s.AsOf = time.Now().UTC()
	}
	w.Signed = signed(w.Signed)
	first := stored{
		Version: version, Spec: *s, Settings: Settings{Pace: start.Pace, Compression: start.Compression}, Start: &start, Wish: &w,
	}
	part := writing(first, w.Token)
	if err := v.write(ctx, specKey(s.ID, part), first); err != nil {
		return err
	}
	switch winner, forgotten := v.winner(s.ID); {
	case winner == part && !forgotten:
		taken := v.keyFree(s.ID, start.KeyHash())
		if taken == nil {
			return nil
		}
		return cmp.Or(v.write(ctx, specKey(s.ID, part), nil), taken)
	case winner == "":
		return fmt.Errorf("replay %s: it was written, and has been forgotten meanwhile", s.ID)
	}
	if err := v.write(ctx, specKey(s.ID, part), nil); err != nil {
		return err
	}
	if err := v.free(ctx, s); err != nil {
		return err
	}
	return &replay.Taken{ID: s.ID} // by one that is forgotten since
}

// signed is how a wish is signed when it is written: with a token of its own, so that no two writings are alike.
func signed(s replay.Signed) replay.Signed {
	s.Version = version
	if s.Token == "" {
		s.Token = ulid.Make().String()
	}
	return s
}

// writing names one writing of a spec. Whoever else writes the same spec, at the same time or when this one is forgotten, has another
// token and so another key: nobody writes over another's, and what is deleted is one's own alone, however late.
func writing(s stored, token string) string {
	h := xxh3.Hash128(append(encode(s), token...)).Bytes()
	return fmt.Sprintf("%x", h[:])
}

// free returns nil when the id of a spec has no replay. Checkpoints that are there without one are those of a replay that
// was lost, unless the next look finds them deleted.
func (v *View) free(ctx context.Context, s *replay.Spec) error {
	checkpoints, err := v.taken(s)
	if err != nil || !checkpoints {
		return err
	}
	if err := v.look(ctx); err != nil {
		return err
	}
	if checkpoints, err = v.taken(s); err != nil || !checkpoints {
		return err
	}
	return lost(s.ID, v.cluster.topic(configTopic), "deleted or emptied")
}

// taken reports whether there are checkpoints of the id of s, and as error why the id is not free.
func (v *View) taken(s *replay.Spec) (checkpoints bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.progress[s.ID]
	checkpoints = p != nil && len(p.checkpoints) > 0
	if err := v.writable(); err != nil {
		return checkpoints, err
	}
	known, err := v.registry.find(s.ID)
	switch of := v.registry.replays[s.ID]; {
	case err != nil:
		return checkpoints, err
	case known != nil:
		return checkpoints, takenBy(known.Spec, *s)
	case of != nil && !of.started.absent():
		return checkpoints, lost(s.ID, v.cluster.topic(configTopic), "emptied")
	}
	return checkpoints, nil
}

// keyFree returns nil when an Idempotency-Key has no replay but that of the id.
func (v *View) keyFree(id, key string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if holder := v.registry.holder(key); key != "" && holder != "" && holder != id {
		return &replay.Taken{ID: holder}
	}
	return nil
}

// takenBy is the word that an id is not free, with what the two specs differ in.
func takenBy(known, asked replay.Spec) error {
	if asked.AsOf.IsZero() {
		asked.AsOf = known.AsOf
	}
	if d := Differences(known, asked); len(d) > 0 {
		return &SpecDiffers{ID: asked.ID, Differences: d}
	}
	return &replay.Taken{ID: asked.ID}
}

// winner is the last part of the key of the spec that holds, and whether its replay is being forgotten.
func (v *View) winner(id string) (part string, forgotten bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	of := v.registry.replays[id]
	if of == nil {
		return "", false
	}
	_, part = of.spec()
	return part, of.forgetting() != nil
}

// Unknown says that there is no replay of an id.
type Unknown struct{ ID string }

func (e *Unknown) Error() string { return "there is no replay " + e.ID }

// What is wanted of a replay is written whole, to a register of its own, and whoever wants something else at the same time
// writes to another. Whether it may be wanted is the caller's to know: what has ended has ended. So is of which replay it is
// wanted, by Signed.Incarnation: where the id has another one, now or when it has been written, that is a *replay.Conflict,
// and nothing is done to the other. Without Incarnation it is wanted of whichever has the id.

// Wish makes w what is wished of a replay, to run or to be paused.
func (v *View) Wish(ctx context.Context, id string, w replay.Wish) error {
	if err := w.Validate(); err != nil {
		return err
	}
	return v.want(ctx, id, wishKey(id), &w.Signed, &w)
}

// SetPace makes p its pace.
func (v *View) SetPace(ctx context.Context, id string, p replay.PaceWish) error {
	if err := p.Validate(); err != nil {
		return err
	}
	return v.want(ctx, id, paceKey(id), &p.Signed, &p)
}

// Cancel lets it end, for good.
func (v *View) Cancel(ctx context.Context, id string, by replay.Signed) error {
	return v.want(ctx, id, cancelKey(id), &by, &by)
}

// Approve lets it begin, where it waits for a second person.
func (v *View) Approve(ctx context.Context, id string, by replay.Signed) error {
	return v.want(ctx, id, approvedKey(id), &by, &by)
}

// Choose makes a choice for the sessions that follow, by its name.
func (v *View) Choose(ctx context.Context, id, name string, c replay.Choice) error {
	if err := c.Validate(name); err != nil {
		return err
	}
	return v.want(ctx, id, choiceKey(id, name), &c.Signed, &c)
}

// want writes a value, which by signs, to one of the registers of what is wanted. One that cannot be read is put right by that.
func (v *View) want(ctx context.Context, id, key string, by *replay.Signed, value any) error {
	k, err := v.wantable(id, by.Incarnation)
	switch {
	case err != nil:
		return err
	case k.Err != nil && !errors.As(k.Err, new(*replay.WishUnreadable)):
		return &replay.Conflict{Err: k.Err}
	}
	*by = signed(*by)
	by.Incarnation = k.Incarnation
	if err := v.write(ctx, key, value); err != nil {
		return err
	}
	_, err = v.wantable(id, by.Incarnation)
	return err
}

// wantable is the replay that has an id, if it is the one that is meant; empty: whichever it is.
func (v *View) wantable(id, incarnation string) (replay.Known, error) {
	k, ok := v.Find(id)
	switch {
	case !ok:
		return k, &replay.Conflict{Err: &Unknown{ID: id}}
	case incarnation != "" && incarnation != k.Incarnation:
		return k, &replay.Conflict{Err: &replay.Another{ID: id}}
	}
	return k, nil
}

// writable refuses to write into topics that are not those that are followed.
func (v *View) writable() error {
	if v.gone != nil {
		return v.gone
	}
	if v.full || v.registry.full {
		return tooMany(v.cluster.options.ControlPrefix)
	}
	return nil
}

// write writes a value to the config topic, nil deletes it, and waits until it has been read back. When ctx ends before,
// it may come to be there all the same.
func (v *View) write(ctx context.Context, key string, value any) error {
	r := &kgo.Record{Topic: v.cluster.topic(configTopic), Key: []byte(key)}
	if value != nil {
		r.Value = encode(value)
	}
	v.mu.Lock()
	err := v.gone
	v.mu.Unlock()
	if err == nil {
		err = produce(ctx, v.cluster.client, r)
	}
	if err == nil {
		err = v.awaitRead(ctx, topicPartition{r.Topic, r.Partition}, r.Offset+1)
	}
	if err != nil {
		return v.cluster.unanswered(fmt.Errorf("write %s to %s: %w", key, r.Topic, err))
	}
	return nil
}

// tellLimit is how long a word of a session is tried: a newer one follows.
const tellLimit = 2 * time.Second

// Tell spreads the word of a session. It is not read back. The last word of a replay that has ended takes the others away:
// what stands for it is its receipt.
func (v *View) Tell(ctx context.Context, l replay.Live) error {
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	r := &kgo.Record{Topic: v.cluster.topic(statusTopic), Key: []byte(progressKey(l.ID))}
	if !l.State.Terminal() {
		l.Version = version
		r.Value = encode(l)
	}
	if err := produce(ctx, v.cluster.client, r); err != nil {
		return fmt.Errorf("write %s to %s: %w", r.Key, r.Topic, err)
	}
	return nil
}

// Audit writes an act, or the intent of one, to the audit topic and waits until it is acknowledged by all replicas. It refuses
// once the topic is known to be another than it was.
func (v *View) Audit(ctx context.Context, a replay.Audited) error {
	v.mu.Lock()
	err := v.noAudit
	v.mu.Unlock()
	if err != nil {
		return err
	}
	return v.cluster.unanswered(v.cluster.audit(ctx, a))
}

// Audited are the acts as Cluster.Audited finds them.
func (v *View) Audited(ctx context.Context, id string, from int64, limit int) (acts []replay.Audited, next int64, err error) {
	return v.cluster.Audited(ctx, id, from, limit)
}
