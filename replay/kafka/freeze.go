package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// writeConfig writes one record and waits until it is acknowledged by all replicas.
func (c *Cluster) writeConfig(ctx context.Context, key string, value any) error {
	r := &kgo.Record{Topic: c.topic(configTopic), Key: []byte(key)}
	if value != nil {
		r.Value = encode(value)
	}
	if err := produce(ctx, c.client, r); err != nil {
		return fmt.Errorf("write %s to %s: %w", key, r.Topic, err)
	}
	return nil
}

// produce waits until r is acknowledged by all replicas, or until ctx ends; the client itself waits for what it has sent. What
// is written after that is as what a killed session wrote.
func produce(ctx context.Context, client *kgo.Client, r *kgo.Record) error {
	written := make(chan error, 1)
	client.Produce(ctx, r, func(_ *kgo.Record, err error) { written <- err })
	select {
	case err := <-written:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// freeze makes spec the one of its id, or finds that it is already, or that another is. Each writing of a spec has a key of its
// own; when two sessions write at once the lower offset holds, and the other leaves if it wrote another spec. A spec
// without an instant takes that of the replay. A daemon's replay is frozen by whoever starts it, never by its sessions: one
// that nothing is known of was forgotten.
func (c *Cluster) freeze(ctx context.Context, spec *replay.Spec, s Settings) (*Stored, error) {
	known, err := c.Stored(ctx, spec.ID)
	if err != nil {
		return nil, err
	}
	if known == nil && spec.Owner == replay.OwnerDaemon {
		return nil, nothingLeft(spec.ID)
	}
	undated := spec.AsOf.IsZero()
	if known == nil {
		if undated {
			spec.AsOf = time.Now().UTC()
		}
		if known, err = c.freezeFirst(ctx, spec, s); err != nil {
			return nil, err
		}
	}
	if undated {
		spec.AsOf = known.Spec.AsOf
	}
	if known.Spec.Hash() != spec.Hash() {
		return nil, &SpecDiffers{ID: spec.ID, Differences: Differences(known.Spec, *spec)}
	}
	return known, nil
}

// freezeFirst writes a spec whose id nothing was known of, and returns the one that holds. When that is another's, ours is
// taken back.
func (c *Cluster) freezeFirst(ctx context.Context, spec *replay.Spec, s Settings) (*Stored, error) {
	first := stored{Version: version, Spec: *spec, Settings: s}
	part := writing(first, ulid.Make().String())
	key := specKey(spec.ID, part)
	if err := c.writeConfig(ctx, key, first); err != nil {
		return nil, err
	}
	known, err := c.Stored(ctx, spec.ID)
	if err != nil {
		return nil, err
	}
	if known == nil {
		return nil, fmt.Errorf("replay %s: its spec was written and is not there: topic %s was deleted meanwhile", spec.ID, c.topic(configTopic))
	}
	if known.part == part {
		return known, nil
	}
	return known, c.writeConfig(ctx, key, nil)
}

// nothingLeft refuses a session of a replay that was forgotten while it slept.
func nothingLeft(id string) error {
	return &replay.Refusal{
		Item: ItemRestart, What: fmt.Sprintf("replay %s was forgotten meanwhile: this session produces nothing", id),
		Next: "Start it anew where it is still wanted.",
	}
}

// BeingForgotten says that what is known of a replay is being deleted, or was left half deleted.
type BeingForgotten struct{ ID string }

func (e *BeingForgotten) Error() string {
	return "replay " + e.ID + " is being forgotten\nForget it again if that has ended before its end; until then its id is not free"
}

// Unwrap is the same as a refusal: what it has produced is half forgotten, so it must not begin.
func (e *BeingForgotten) Unwrap() error {
	what, next, _ := strings.Cut(e.Error(), "\n")
	return &replay.Refusal{Item: ItemRestart, What: what, Next: next}
}

// Differences lists the fields in which two specs differ: name, what is frozen, what was asked for.
func Differences(frozen, asked replay.Spec) []string {
	a, b := fields(frozen), fields(asked)
	var list []string
	for name := range a {
		if string(a[name]) != string(b[name]) {
			list = append(list, fmt.Sprintf("%s: it has %s, asked for is %s", name, orNone(a[name]), orNone(b[name])))
		}
	}
	for name := range b {
		if _, both := a[name]; !both {
			list = append(list, fmt.Sprintf("%s: it has none, asked for is %s", name, b[name]))
		}
	}
	slices.Sort(list)
	return list
}

func fields(s replay.Spec) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(encode(s), &m); err != nil {
		panic(err) // plain data
	}
	return m
}

func orNone(v json.RawMessage) string {
	if v == nil {
		return "none"
	}
	return string(v)
}
