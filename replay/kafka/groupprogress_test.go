package kafka

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// commits sets what a group has committed of the replay topic, by partition.
func commits(t *testing.T, c *Cluster, offsets map[int32]int64) {
	t.Helper()
	o := kadm.Offsets{}
	for p, at := range offsets {
		o.AddOffset("replay", p, at, -1)
	}
	if err := c.admin.CommitAllOffsets(t.Context(), "g", o); err != nil {
		t.Fatal(err)
	}
}

// TestAGroupIsDoneWhenItHasPassedTheLastRecordOfEachPartition has a marker behind it that nobody reads.
func TestAGroupIsDoneWhenItHasPassedTheLastRecordOfEachPartition(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	s, _ := open(t, c, testSpec("r"))
	running := chunk(30, 1, replay.Running)
	commit(t, s, running)
	var ends atomic.Int64
	f.ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		ends.Add(1)
		return nil, nil, false
	})
	progress := func(of *replay.Chunk) GroupProgress {
		t.Helper()
		before := ends.Load()
		g, err := c.GroupProgress(t.Context(), &of.Checkpoint, "g")
		if err != nil || ends.Load() > before {
			t.Fatalf("%v; it asked %d times where partitions end", err, ends.Load()-before)
		}
		return g
	}
	last := func(of *replay.Chunk) map[int32]int64 {
		m := map[int32]int64{}
		for _, p := range of.Checkpoint.Partitions {
			if p.LastOffset != nil {
				m[p.Partition] = *p.LastOffset
			}
		}
		return m
	}
	if g := progress(running); g.State != "Dead" || g.Done || g.Lag < 30 || g.Partitions[0].Committed != -1 {
		t.Errorf("a group that is not there: %+v", g)
	}
	at := last(running)
	commits(t, c, at) // the last records are to be read yet
	if g := progress(running); g.State != "Empty" || g.Lag != int64(len(at)) || g.Done {
		t.Errorf("one record from the end in %d partitions: %+v", len(at), g)
	}
	for p := range at {
		at[p]++
	}
	commits(t, c, at)
	if g := progress(running); g.Lag != 0 || g.Done {
		t.Errorf("it has passed all that there is, and more will come: %+v", g)
	}
	ended := chunk(30, 31, replay.Completed)
	commit(t, s, ended)
	if g := progress(ended); g.Lag < 30 || g.Done {
		t.Errorf("the second half is to be read: %+v", g)
	}
	at = last(ended)
	for p := range at {
		at[p]++
	}
	commits(t, c, at)
	if g := progress(ended); g.Lag != 0 || !g.Done {
		t.Errorf("it has passed all, and there will not be more: %+v", g)
	}
}

func TestAPartitionWithoutRecordsIsDoneAtOnce(t *testing.T) {
	t.Parallel()
	last := int64(9)
	var g GroupProgress
	g.add(replay.Partition{StartOffset: 5}, -1)
	g.add(replay.Partition{Partition: 1, StartOffset: 5, LastOffset: &last}, 2)
	if !g.Partitions[0].Done || g.Partitions[1].Done || g.Lag != 5 {
		t.Errorf("%+v", g)
	}
}

func TestAGroupThatMayNotBeSeenIsSaid(t *testing.T) {
	t.Parallel()
	c := as(t, true, Rights("replayd", "replay"))
	_, err := c.GroupProgress(t.Context(), &replay.Checkpoint{}, "payments")
	wantRefusal(t, err, ItemRights, "--operation Describe --group payments")
}

// TestOffsetsLeadToAnEventTime has a chunk every ten minutes of the window.
func TestOffsetsLeadToAnEventTime(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	commit(t, opened(t, c, "r"), chunk(7, 1, replay.Completed))
	v := follow(t, c)
	spec := testSpec("later")
	s := opened(t, c, "later")
	next := []map[int32]int64{{}} // behind each chunk
	for i := range int64(5) {
		part := chunk(20, 20*i+1, replay.Running)
		part.Checkpoint.Position.Time = spec.Window.From.Add(time.Duration(i+1) * 10 * time.Minute).UnixNano()
		commit(t, s, part)
		m := map[int32]int64{}
		for _, p := range part.Checkpoint.Partitions {
			next[0][p.Partition], m[p.Partition] = p.StartOffset, *p.LastOffset+1
		}
		next = append(next, m)
	}
	k := finds(t, v, "later", func(k replay.Known) bool { return k.Checkpoint != nil && k.Checkpoint.Seq == 100 })
	for minute, chunk := range map[int]int{-5: 0, 0: 0, 10: 0, 11: 1, 20: 1, 25: 2, 51: 5, 500: 5} {
		got, err := c.OffsetsAt(t.Context(), &k, spec.Window.From.Add(time.Duration(minute)*time.Minute))
		if err != nil || fmt.Sprint(got.ByPartition) != fmt.Sprint(next[chunk]) || got.Known.IsZero() != (chunk == 0) {
			t.Errorf("minute %d: %+v, %v; want %v", minute, got, err, next[chunk])
		}
	}
}

// opened is a session beside those of other replays of the window.
func opened(t *testing.T, c *Cluster, id string) *Sink {
	t.Helper()
	s := c.Sink(Settings{Allow: replay.Allowed{ItemOverlap}})
	t.Cleanup(s.Close)
	if _, err := s.Open(t.Context(), testSpec(id)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestOfWhatHasProducedNothingNoOffsetsAreKnown(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	if err := v.Freeze(t.Context(), daemonSpec("r"), replay.Start{}, running()); err != nil {
		t.Fatal(err)
	}
	k, _ := v.Find("r")
	_, err := c.OffsetsAt(t.Context(), &k, k.Spec.Window.From)
	if !errors.As(err, new(*Unbegun)) || !strings.Contains(err.Error(), "replay r has produced nothing") {
		t.Errorf("got %v", err)
	}
}
