package integration

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay"
)

// TestAnArchiveFullOfBadInput replays archives in which everything is wrong somewhere: broken codecs and JSON, no times,
// events above the limit, ids of every kind, marks and empty objects. The topic and the quarantine are the oracle's.
func TestAnArchiveFullOfBadInput(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	for _, format := range []string{archivetest.FormatJSON, archivetest.FormatLines, archivetest.FormatArray} {
		t.Run(format, func(t *testing.T) {
			st := newStage(t, k, nil, awful(format))
			id := "bad-" + format
			s := st.start(t, st.how(id, append(st.what(), "--pace", "unlimited")...)...).ended(t, 3,
				" quarantined, not produced: ", " at byte ", "replayd quarantine list "+id, "--quarantine-ok")
			st.sameCounts(t, s.receipt(t))
			st.verify(t, id)
			st.sameQuarantine(t, id)
		})
	}
}

func awful(format string) archivetest.Plan {
	return archivetest.Plan{
		Seed: 5, Events: 4000, MeanSize: 900, Format: format, Codec: archivetest.CodecMixed, EventLimit: 32 << 10, FlushBytes: 100_000,
		Odds: archivetest.Odds{
			Duplicates: 0.02, Conflicts: 0.005, Late: 0.01, WrongClock: 0.02, BadTime: 0.02, Oversized: 0.01, Broken: 0.02,
			NoID: 0.01, NumericID: 0.02, NoKey: 0.01, Twofold: 0.01, Faults: 0.2, Misfiled: 0.02, Empty: 0.1, Marks: 0.5, Gaps: 1,
		},
	}
}

// sameQuarantine holds the quarantine topic against the oracle: each bad entry once, with its address and reason.
func (st *stage) sameQuarantine(t *testing.T, id string) {
	t.Helper()
	want := map[string]int{}
	for v := range st.oracle.Verdicts() {
		if v.Fate == archivetest.FateQuarantined {
			want[fmt.Sprintf("%s %d %d %s", v.Position.Object, v.Position.Offset, v.Length, v.Bad)]++
		}
	}
	if len(want) == 0 {
		t.Fatal("the oracle quarantines nothing: the archive is too good")
	}
	st.consume(t, "replayd.quarantine", func(r *kgo.Record) {
		var q struct {
			ID string
			replay.Quarantined
		}
		if err := json.Unmarshal(r.Value, &q); err != nil {
			t.Fatal(err)
		}
		if q.ID == id {
			want[fmt.Sprintf("%s %d %d %s", q.Object, q.Range[0], q.Range[1]-q.Range[0], q.Reason)]--
		}
	})
	for address, n := range want {
		if n != 0 {
			t.Errorf("%s: %+d in the quarantine", address, -n)
		}
	}
}
