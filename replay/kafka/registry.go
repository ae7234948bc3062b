package kafka

import (
	"context"
	"fmt"
	"strings"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Stored is what the config topic knows of a replay.
type Stored struct {
	Spec     replay.Spec
	Settings Settings // of its first session

	hash      string
	started   *started // once it has begun
	startedAt int64    // offset of that record
}

// Begun reports whether the replay may have produced something. One that was killed before that is known, and yet begins
// with its next session.
func (s *Stored) Begun() bool { return s != nil && s.started != nil }

// registry is what the config topic tells of all replays.
type registry struct {
	log     zerolog.Logger
	end     int64 // offset up to which it was read
	replays map[string]*Stored
	errs    map[string]error // of replays that this version cannot read
}

// Stored finds a replay by its id; nil when there is none. Brokers that do not answer are *Unanswered.
func (c *Cluster) Stored(ctx context.Context, id string) (*Stored, error) {
	all, err := c.registry(ctx)
	if err != nil {
		return nil, c.unanswered(err)
	}
	return all.find(id)
}

func (r *registry) find(id string) (*Stored, error) {
	if err := r.errs[id]; err != nil {
		return nil, err
	}
	if s := r.replays[id]; s != nil && s.hash != "" {
		return s, nil
	}
	return nil, nil
}

// registry reads the config topic up to its end.
func (c *Cluster) registry(ctx context.Context) (*registry, error) {
	topic := c.topic(configTopic)
	all := &registry{log: c.options.Log, replays: map[string]*Stored{}, errs: map[string]error{}}
	exists, err := c.topicExists(ctx, topic)
	if err != nil || !exists {
		return all, err
	}
	ends, err := c.offsets(ctx, topic, c.admin.ListEndOffsets)
	if err != nil {
		return nil, err
	}
	starts, err := c.offsets(ctx, topic, c.admin.ListStartOffsets)
	if err != nil {
		return nil, err
	}
	end, _ := ends.Lookup(topic, 0)
	all.end = end.Offset
	if start, _ := starts.Lookup(topic, 0); start.Offset >= end.Offset {
		return all, nil
	}
	err = c.read(ctx, topic, 0, 0, kgo.ReadUncommitted(), func(r *kgo.Record) (bool, error) {
		all.apply(r)
		return r.Offset+1 < end.Offset, nil
	})
	return all, err
}

// apply takes one record, in the order of the log.
func (r *registry) apply(record *kgo.Record) {
	about, rest, _ := strings.Cut(string(record.Key), "/")
	id, hash, _ := strings.Cut(rest, "/")
	if replay.ValidID(id) != nil {
		return
	}
	of := r.replays[id]
	if of == nil {
		of = &Stored{}
		r.replays[id] = of
	}
	switch about {
	case "started":
		of.started, of.startedAt = nil, record.Offset
		if v := (&started{}); r.decode(id, record, v) {
			of.started = v
		}
	case "spec":
		r.applySpec(id, hash, of, record)
	}
}

// applySpec takes a spec; of several the one at the lowest offset is the replay's.
func (r *registry) applySpec(id, hash string, of *Stored, record *kgo.Record) {
	if record.Value == nil {
		if of.hash == hash {
			of.hash = ""
		}
		return
	}
	if of.hash != "" {
		return
	}
	if v := (&stored{}); r.decode(id, record, v) {
		of.Spec, of.Settings, of.hash = v.Spec, v.Settings, hash
	}
}

// decode reads a value; what it cannot read is said, or kept as an error of the replay.
func (r *registry) decode(id string, record *kgo.Record, into any) bool {
	if record.Value == nil {
		return false
	}
	ok, err := decode(record.Topic, record.Key, record.Value, into)
	if err != nil {
		r.errs[id] = err
	} else if !ok {
		r.log.Warn().Str("topic", record.Topic).Int64("offset", record.Offset).Bytes("key", record.Key).Msg("a record here is not replayd's: ignored")
	}
	return ok
}

// into are the replays that have begun to put an overlapping window into the topic of s, s itself left out.
func (r *registry) into(s *replay.Spec) (map[string]*Stored, error) {
	found := map[string]*Stored{}
	for id, other := range r.replays {
		if err := r.errs[id]; err != nil {
			return nil, fmt.Errorf("look for other replays into topic %s: %w", s.Topic, err)
		}
		if id != s.ID && other.Begun() && other.Spec.Topic == s.Topic && overlaps(other.Spec.Window, s.Window) {
			found[id] = other
		}
	}
	return found, nil
}
