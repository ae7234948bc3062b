package kafka

import (
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

// Settings say how a replay is put into Kafka; they may differ between sessions. Those of the first are kept beside the
// spec, for sessions that say nothing.
type Settings struct {
	Pace        string `json:"pace,omitempty"`
	Compression string `json:"compression,omitempty"` // snappy (default), none, lz4, zstd, gzip

	Create       bool                `json:"-"` // the topic, when it is missing
	Partitions   int32               `json:"-"` // of a topic that is created; 0: the cluster's default
	Like         string              `json:"-"` // topic whose partitions and settings a created one gets
	SourceTopics []string            `json:"-"` // what the archive was made of: never a target
	Targets      map[string][]string `json:"-"` // topics that may be written, and the archives for each (none: all); empty: any
	Strict       bool                `json:"-"` // Targets hold whatever is allowed: who starts is another than who runs the program
	Allow        replay.Allowed      `json:"-"`
	Audited      bool                `json:"-"` // what is allowed stands in the audit: sessions of a daemon are many, and write it no more
	Ends         bool                `json:"-"` // the session only writes that the replay has ended: of its target nothing is asked
	Lasts        time.Duration       `json:"-"` // at Pace, as far as that is known
	Reason       string              `json:"-"` // for what this session allows; empty: the spec's
}

// Creates reports whether a target that is missing is made.
func (s Settings) Creates() bool { return s.Create || s.Allow.Has(ItemTopicMissing) }

func (s Settings) codec() (kgo.CompressionCodec, error) {
	switch s.Compression {
	case "", "snappy":
		return kgo.SnappyCompression(), nil
	case "none":
		return kgo.NoCompression(), nil
	case "lz4":
		return kgo.Lz4Compression(), nil
	case "zstd":
		return kgo.ZstdCompression(), nil
	case "gzip":
		return kgo.GzipCompression(), nil
	}
	return kgo.CompressionCodec{}, fmt.Errorf("compression %q: snappy, none, lz4, zstd or gzip", s.Compression)
}
