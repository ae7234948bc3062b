package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
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
	end     int64           // offset up to which it was read
	left    map[string]left // by key
	replays map[string]*Stored
	errs    map[string]error // of replays that this version cannot read
}

// left is the newest value of a key, as compaction leaves it, and where the key stands: two sessions may write the same spec,
// and it is as old as the first of these says.
type left struct {
	newest *kgo.Record
	first  int64 // offset
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
	all := &registry{
		log: c.options.Log, left: map[string]left{}, replays: map[string]*Stored{}, errs: map[string]error{},
	}
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
	all.resolve()
	return all, err
}

// apply takes one record, in the order of the log. What is deleted or replaced is as if it had never been there.
func (r *registry) apply(record *kgo.Record) {
	switch key := string(record.Key); {
	case record.Value == nil:
		delete(r.left, key)
	case versionOf(record.Value) < 1:
		r.foreign(record)
	default:
		first := record.Offset
		if known, again := r.left[key]; again {
			first = known.first
		}
		r.left[key] = left{record, first}
	}
}

func (r *registry) foreign(record *kgo.Record) {
	r.log.Warn().Str("topic", record.Topic).Int64("offset", record.Offset).Bytes("key", record.Key).Msg("a record here is not replayd's: ignored")
}

// resolve finds the replays in what is left.
func (r *registry) resolve() {
	for _, l := range slices.SortedFunc(maps.Values(r.left), func(a, b left) int { return cmp.Compare(a.first, b.first) }) {
		record := l.newest
		about, rest, _ := strings.Cut(string(record.Key), "/")
		id, hash, _ := strings.Cut(rest, "/")
		if replay.ValidID(id) != nil {
			continue
		}
		of := r.replays[id]
		if of == nil {
			of = &Stored{}
			r.replays[id] = of
		}
		switch about {
		case "started":
			if v := (&started{}); r.decode(id, record, v) {
				of.started, of.startedAt = v, record.Offset
			}
		case "spec": // of several the one at the lowest offset is the replay's
			if v := (&stored{}); of.hash == "" && r.decode(id, record, v) {
				of.Spec, of.Settings, of.hash = v.Spec, v.Settings, hash
			}
		}
	}
}

// decode reads a value; what it cannot read is said, or kept as an error of the replay.
func (r *registry) decode(id string, record *kgo.Record, into any) bool {
	ok, err := decode(record.Topic, record.Key, record.Value, into)
	if err != nil {
		r.errs[id] = err
	} else if !ok {
		r.foreign(record)
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
