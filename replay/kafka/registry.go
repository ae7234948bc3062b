package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

	part      string   // the last of the key of its spec
	started   *started // once it has begun
	startedAt int64    // offset at which that was said first
}

// Begun reports whether the replay may have produced something. One that was killed before that is known, and yet begins
// with its next session.
func (s *Stored) Begun() bool { return s != nil && s.started != nil }

// registry is what the config topic tells of all replays, as far as it was read.
type registry struct {
	end     int64 // offset up to which it was read
	replays map[string]*registered
	traces  map[traceID]*register[trace] // of replays that are forgotten
	keys    map[string]map[string]bool   // ids of the replays that were started with an Idempotency-Key, by its hash
	full    bool                         // there are more than are kept
	foreign foreign
}

// mostReplays is how many replays are known at most: with 4 KiB for each they take 400 MiB. The API takes texts of 32 KiB for one.
const mostReplays = 100_000

func tooMany(prefix string) error {
	return fmt.Errorf("the topics of %s tell of more than %d replays, and the rest is not known\nForget some with replayd forget", prefix, mostReplays)
}

// registered is what the config topic tells of one replay.
type registered struct {
	specs   map[string]*register[stored] // by the last part of their keys; several while two sessions are at odds
	started register[started]
	wanted  wanted
	refused register[replay.Refused]
	intents intents
	key     string // hash of the Idempotency-Key of its spec; empty: none
}

func newRegistry(log zerolog.Logger) *registry {
	return &registry{replays: map[string]*registered{}, traces: map[traceID]*register[trace]{}, keys: map[string]map[string]bool{}, foreign: foreign{log: log, said: map[string]bool{}}}
}

// Stored finds a replay by its id; nil when there is none. Brokers that do not answer are *Unanswered.
func (c *Cluster) Stored(ctx context.Context, id string) (*Stored, error) {
	all, err := c.registry(ctx)
	if err != nil {
		return nil, c.unanswered(err)
	}
	return all.find(id)
}

// find returns a replay, nil when its id is free.
func (r *registry) find(id string) (*Stored, error) {
	known, err := r.neighbour(id)
	if of := r.replays[id]; err == nil && of != nil && of.forgetting() != nil {
		return nil, &BeingForgotten{ID: id}
	}
	return known, err
}

// neighbour returns what is known of a replay to the others, nil for nothing. What one that is being forgotten has put into its
// topic stands there, so it is their neighbour until nothing but a trace tells of that.
func (r *registry) neighbour(id string) (*Stored, error) {
	of := r.replays[id]
	if of == nil {
		return nil, nil
	}
	if err := of.unreadable(); err != nil {
		return nil, err
	}
	return of.stored(), nil
}

// registry reads the config topic up to its end.
func (c *Cluster) registry(ctx context.Context) (*registry, error) {
	topic := c.topic(configTopic)
	all := newRegistry(c.options.Log)
	exists, err := c.topicExists(ctx, topic)
	if err != nil || !exists {
		return all, err
	}
	all.end, err = c.readUpTo(ctx, stretch{topic: topic, level: kgo.ReadUncommitted()}, func(r *kgo.Record) (bool, error) {
		all.apply(r)
		return true, nil
	})
	if all.full {
		return nil, tooMany(c.options.ControlPrefix)
	}
	return all, err
}

// abouts are what the keys of the config topic begin with.
var abouts = []string{"spec", "started", "wish", "pace", "cancel", "approved", "choice", "refused", "forget", "trace"}

// apply takes one record, in the order of the log. It returns the replay of which it tells something; empty: none that is known.
func (r *registry) apply(record *kgo.Record) (id string) {
	about, rest, _ := strings.Cut(string(record.Key), "/")
	id, part, _ := strings.Cut(rest, "/")
	if !slices.Contains(abouts, about) || replay.ValidID(id) != nil || about == "choice" && !slices.Contains(replay.Choices, part) {
		r.foreign.say(record)
		return ""
	}
	if about == "trace" {
		r.takeTrace(traceID{replay: id, part: part}, record)
		return ""
	}
	of := r.replays[id]
	if of == nil && len(r.replays) == mostReplays {
		r.full = true
		return ""
	}
	if of == nil {
		of = &registered{specs: map[string]*register[stored]{}, intents: intents{}}
		r.replays[id] = of
	}
	switch about {
	case "spec":
		of.takeSpec(id, part, record)
		r.keyed(id, of)
	case "started":
		of.started.take(record, (*started).validate)
	case "refused":
		of.refused.take(record, (*replay.Refused).Validate)
	case "forget":
		of.intents.take(part, record)
	default:
		of.wanted.take(about, part, record)
	}
	if of.empty() {
		delete(r.replays, id)
	}
	return id
}

func (of *registered) takeSpec(id, part string, record *kgo.Record) {
	spec := of.specs[part]
	if spec == nil {
		spec = &register[stored]{}
		of.specs[part] = spec
	}
	if spec.take(record, func(s *stored) error { return s.validate(id) }); spec.absent() {
		delete(of.specs, part)
	}
}

func (of *registered) empty() bool {
	return len(of.specs) == 0 && of.started.absent() && of.wanted.absent() && of.refused.absent() && len(of.intents) == 0
}

// spec is that of the replay and the last part of its key: of several the one at the lowest offset holds. Nil: there is none
// that can be read.
func (of *registered) spec() (*register[stored], string) {
	var first *register[stored]
	var part string
	for p, s := range of.specs {
		if s.value != nil && (first == nil || s.first < first.first) {
			first, part = s, p
		}
	}
	return first, part
}

// stored is what is known, nil when there is no spec that can be read.
func (of *registered) stored() *Stored {
	spec, part := of.spec()
	if spec == nil {
		return nil
	}
	return &Stored{Spec: spec.value.Spec, Settings: spec.value.Settings, part: part, started: of.started.value, startedAt: of.started.first}
}

// unreadable is why the replay cannot be dealt with: it may be another one than what can be read of it says. What is wanted of
// it makes it no other one.
func (of *registered) unreadable() error {
	errs := []error{of.started.err}
	if intent := of.forgetting(); intent != nil {
		errs = append(errs, intent.err)
	}
	for _, s := range of.specs {
		errs = append(errs, s.err)
	}
	return cmp.Or(errs...)
}

// into are the replays that have begun to put an overlapping window into the topic of s, s itself left out. Of one that was
// overwritten what it was before counts, as far as that is still there.
func (r *registry) into(s *replay.Spec) (map[string]*Stored, error) {
	if err := r.newerTrace(); err != nil {
		return nil, fmt.Errorf("look for other replays into topic %s: %w", s.Topic, err)
	}
	found := map[string]*Stored{}
	for id, of := range r.replays {
		if err := of.unreadable(); errors.As(err, new(*errNewer)) {
			return nil, fmt.Errorf("look for other replays into topic %s: %w", s.Topic, err)
		}
		other := of.stored()
		if id != s.ID && other.Begun() && other.Spec.Topic == s.Topic && overlaps(other.Spec.Window, s.Window) {
			found[id] = other
		}
	}
	return found, nil
}

// foreign are records in control topics that are none of replayd's: they are ignored, and that is said once for each key.
type foreign struct {
	log  zerolog.Logger
	said map[string]bool // keys
}

// mostSaid is how many keys are remembered: whoever fills a control topic does not fill our memory or the log.
const mostSaid = 1000

func (f *foreign) say(r *kgo.Record) {
	key := r.Topic + "/" + string(r.Key)
	if f.said[key] || len(f.said) == mostSaid {
		return
	}
	f.said[key] = true
	f.log.Warn().Str("topic", r.Topic).Int64("offset", r.Offset).Bytes("key", r.Key).Msg("a record here is none that this replayd knows: ignored")
}
