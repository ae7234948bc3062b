package kafka

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Stored is what the config topic knows of a replay.
type Stored struct {
	Spec     replay.Spec
	Settings Settings // of its first session

	started *started // once it has begun
	hash    string
}

// Stored finds a replay by its id; nil when there is none.
func (c *Cluster) Stored(ctx context.Context, id string) (*Stored, error) {
	exists, err := c.topicExists(ctx, c.topic(configTopic))
	if err != nil || !exists {
		return nil, err
	}
	var found *Stored
	var begun *started
	prefix := specKey(id, "")
	err = c.readConfig(ctx, func(r *kgo.Record) error {
		key := string(r.Key)
		switch {
		case key == startedKey(id):
			begun = nil
			if r.Value != nil {
				begun = &started{}
				return c.decodeConfig(r, begun)
			}
		case strings.HasPrefix(key, prefix) && r.Value == nil:
			if found != nil && found.hash == strings.TrimPrefix(key, prefix) {
				found = nil
			}
		case strings.HasPrefix(key, prefix) && found == nil: // the lowest offset is the spec
			v := &stored{}
			if err := c.decodeConfig(r, v); err != nil {
				return err
			}
			found = &Stored{Spec: v.Spec, Settings: v.Settings, hash: strings.TrimPrefix(key, prefix)}
		}
		return nil
	})
	if err != nil || found == nil {
		return nil, err
	}
	found.started = begun
	return found, nil
}

func (c *Cluster) decodeConfig(r *kgo.Record, v any) error {
	ok, err := decode(r.Topic, r.Key, r.Value, v)
	if err == nil && !ok {
		c.options.Log.Warn().Str("topic", r.Topic).Int64("offset", r.Offset).Bytes("key", r.Key).Msg("a record here is not replayd's: ignored")
	}
	return err
}

// readConfig calls each with every record of the config topic.
func (c *Cluster) readConfig(ctx context.Context, each func(*kgo.Record) error) error {
	topic := c.topic(configTopic)
	ends, err := c.admin.ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("end of %s: %w", topic, err)
	}
	starts, err := c.admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return fmt.Errorf("start of %s: %w", topic, err)
	}
	end, _ := ends.Lookup(topic, 0)
	if start, _ := starts.Lookup(topic, 0); start.Offset >= end.Offset {
		return nil
	}
	return c.read(ctx, topic, 0, 0, kgo.ReadUncommitted(), func(r *kgo.Record) (bool, error) {
		return r.Offset+1 < end.Offset, each(r)
	})
}

// writeConfig writes one record and waits until it is acknowledged by all replicas.
func (c *Cluster) writeConfig(ctx context.Context, key string, value any) error {
	r := &kgo.Record{Topic: c.topic(configTopic), Key: []byte(key)}
	if value != nil {
		r.Value = encode(value)
	}
	if err := c.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("write %s to %s: %w", key, r.Topic, err)
	}
	return nil
}

// freeze makes spec the one of its id, or finds that it is already, or that another is. Specs are named by their content
// and never written twice; when two sessions write different ones at once the lower offset holds and the other leaves.
func (c *Cluster) freeze(ctx context.Context, spec *replay.Spec, s Settings) (*Stored, error) {
	known, err := c.Stored(ctx, spec.ID)
	if err != nil {
		return nil, err
	}
	key := specKey(spec.ID, spec.Hash())
	if known == nil {
		if err := c.writeConfig(ctx, key, stored{Version: version, Spec: *spec, Settings: s}); err != nil {
			return nil, err
		}
		if known, err = c.Stored(ctx, spec.ID); err != nil {
			return nil, err
		}
		if known == nil {
			return nil, fmt.Errorf("replay %s: its spec was written and is not there: topic %s was deleted meanwhile", spec.ID, c.topic(configTopic))
		}
		if known.Spec.Hash() != spec.Hash() {
			if err := c.writeConfig(ctx, key, nil); err != nil {
				return nil, err
			}
		}
	}
	if known.Spec.Hash() != spec.Hash() {
		return nil, &SpecDiffers{ID: spec.ID, Differences: Differences(known.Spec, *spec)}
	}
	return known, nil
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
