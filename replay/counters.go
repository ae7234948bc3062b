package replay

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"time"

	"replayd/archive"
	"replayd/replay/merge"
)

// Counters are the account of a replay as of one position: a function of the position alone.
// Read = Produced + Duplicates + Filtered + Outside + Quarantined.
type Counters struct {
	Objects          int64            `json:"objects"` // read to their end
	Bytes            int64            `json:"bytes"`   // their stored size
	Read             int64            `json:"read"`    // entries: events, and ranges that hold none
	Produced         int64            `json:"produced"`
	Duplicates       int64            `json:"duplicates"`
	Filtered         int64            `json:"filtered"`
	Outside          int64            `json:"outside"` // of the window
	Quarantined      int64            `json:"quarantined"`
	Late             int64            `json:"late"`      // inside Produced or Quarantined
	Conflicts        int64            `json:"conflicts"` // inside Produced or Quarantined
	NoID             int64            `json:"no_id"`     // inside Produced or Quarantined
	FilteredBy       map[string]int64 `json:"filtered_by"`
	QuarantinedBy    map[string]int64 `json:"quarantined_by"`
	QuarantinedBytes int64            `json:"quarantined_bytes"`
	SlackShort       int64            `json:"slack_short"`
	MaxArrivalDelay  int64            `json:"max_arrival_delay_seconds"`
	Gaps             []string         `json:"gaps"` // hours of the window without objects, at most maxGaps
	GapsMore         int              `json:"gaps_more,omitempty"`
	FirstEvent       time.Time        `json:"first_event,omitzero"` // smallest event time produced
	LastEvent        time.Time        `json:"last_event,omitzero"`
	Digest           Digest           `json:"digest"`
}

// maxGaps bounds the checkpoint: a year of empty hours is told in numbers.
const maxGaps = 1000

// Balanced reports whether everything read is accounted for.
func (c *Counters) Balanced() bool {
	return c.Read == c.Produced+c.Duplicates+c.Filtered+c.Outside+c.Quarantined
}

func (c *Counters) clone() Counters {
	d := *c
	d.FilteredBy = maps.Clone(c.FilteredBy)
	d.QuarantinedBy = maps.Clone(c.QuarantinedBy)
	d.Gaps = slices.Clone(c.Gaps)
	return d
}

func (c *Counters) gap(hour string) {
	if len(c.Gaps) == maxGaps {
		c.GapsMore++
		return
	}
	c.Gaps = append(c.Gaps, hour)
}

// noGap takes back a gap: objects were admitted to its hour.
func (c *Counters) noGap(hour string) {
	if i := slices.Index(c.Gaps, hour); i >= 0 {
		c.Gaps = slices.Delete(c.Gaps, i, i+1)
		return
	}
	c.GapsMore = max(0, c.GapsMore-1)
}

// end accounts for the end of an object.
func (c *Counters) end(it *merge.Item) {
	c.Objects++
	c.Bytes += it.Object.Size
	c.Read += it.Outside
	c.Outside += it.Outside
}

func (c *Counters) quarantine(it *merge.Item, v verdict) {
	c.Read++
	c.Quarantined++
	c.QuarantinedBytes += it.Length
	if c.QuarantinedBy == nil {
		c.QuarantinedBy = map[string]int64{}
	}
	c.QuarantinedBy[v.reason]++
	c.flagged(v.flags)
}

func (c *Counters) filter(reason string) {
	c.Read++
	c.Filtered++
	if c.FilteredBy == nil {
		c.FilteredBy = map[string]int64{}
	}
	c.FilteredBy[reason]++
}

// flagged counts what is told of events that are produced or quarantined.
func (c *Counters) flagged(flags merge.Flags) {
	c.Late += bit(flags, merge.Late)
	c.Conflicts += bit(flags, merge.Conflict)
	c.NoID += bit(flags, merge.NoID)
}

// produce accounts for a produced event.
func (c *Counters) produce(it *merge.Item, flags merge.Flags) {
	c.Read++
	c.Produced++
	c.Digest.add(it.Sum)
	c.flagged(flags)
	if flags&merge.TimeMissing == 0 {
		t := time.Unix(0, it.EventTime).UTC()
		if c.FirstEvent.IsZero() || t.Before(c.FirstEvent) {
			c.FirstEvent = t
		}
		if t.After(c.LastEvent) {
			c.LastEvent = t
		}
	}
}

// inWindow notes what every event of the window tells, produced or not.
func (c *Counters) inWindow(it *merge.Item) {
	if it.SlackShort {
		c.SlackShort++
	}
	c.MaxArrivalDelay = max(c.MaxArrivalDelay, it.Delay/int64(time.Second))
}

func bit(flags, flag merge.Flags) int64 {
	if flags&flag != 0 {
		return 1
	}
	return 0
}

// Digest identifies a set of produced events whatever their order: the sum modulo 2^128 of XXH3-128 (seed 0) over
// (length of the id as u32 big-endian, id, value) of each. It is written as 32 hex digits.
type Digest struct{ hi, lo uint64 }

func (d *Digest) add(h archive.Hash) {
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, h.Lo, 0)
	d.hi, _ = bits.Add64(d.hi, h.Hi, carry)
}

func (d Digest) String() string {
	b := binary.BigEndian.AppendUint64(nil, d.hi)
	return hex.EncodeToString(binary.BigEndian.AppendUint64(b, d.lo))
}

// MarshalText writes 32 hex digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 32 hex digits.
func (d *Digest) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(string(text))
	if err != nil || len(b) != 16 {
		return fmt.Errorf("digest %q: want 32 hex digits", text)
	}
	d.hi, d.lo = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	return nil
}
