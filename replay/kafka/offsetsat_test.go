package kafka

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/replay"
)

func arrivals(id string) *replay.Spec {
	s := testSpec(id)
	s.Fields.Arrival, s.Window.On = "/a", replay.OnArrival
	if err := s.Complete(s.Window.From); err != nil {
		panic(err)
	}
	return s
}

// at is so many minutes behind the beginning of the window.
func at(minute int64) time.Time {
	return testSpec("x").Window.From.Add(time.Duration(minute) * time.Minute)
}

// timed is a chunk that reaches a minute of the window, whose events have times of their own, by the number of the first.
func timed(reached, first int64, times []time.Time) *replay.Chunk {
	c := chunk(len(times), first, replay.Running)
	for i := range c.Records {
		r := &c.Records[i]
		r.EventTime = times[i].UnixNano()
		r.Headers = append(r.Headers, replay.Header{Key: "replay-event-time", Value: fmt.Append(nil, times[i].UnixMilli())})
	}
	c.Checkpoint.Position.Time = at(reached).UnixNano()
	return c
}

// passed counts the records of a topic with an event time from at on which whoever begins at p does not see.
func passed(t *testing.T, f *kfake.Cluster, p Offsets, at time.Time) (n int) {
	t.Helper()
	for _, r := range consumed(t, f, "replay") {
		if r.Offset < p.ByPartition[r.Partition] && !eventTime(r).Before(at) {
			n++
		}
	}
	return n
}

func eventTime(r *kgo.Record) time.Time {
	for _, h := range r.Headers {
		if h.Key == "replay-event-time" {
			ms, _ := strconv.ParseInt(string(h.Value), 10, 64)
			return time.UnixMilli(ms)
		}
	}
	return time.Time{}
}

// TestOffsetsLeadToEventsOfAFastClock has one in the second chunk, which arrived at 20 minutes and says 45. The session behind it
// knows of it only what the log holds.
func TestOffsetsLeadToEventsOfAFastClock(t *testing.T) {
	t.Parallel()
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	s, _ := open(t, c, arrivals("r"))
	for i := range int64(5) {
		if i == 2 {
			s.Close()
			s, _ = open(t, c, arrivals("r"))
		}
		times := []time.Time{at(10 * i), at(10*i + 5), at(10*i + 10)}
		if i == 1 {
			times[1] = at(45)
		}
		commit(t, s, timed(10*(i+1), 3*i+1, times))
	}
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil && k.Checkpoint.Seq == 15 })
	for minute, known := range map[int64]int64{5: 0, 11: 10, 25: 10, 44: 10, 45: 10, 46: 40, 51: 50} {
		got, err := c.OffsetsAt(t.Context(), &k, at(minute))
		switch want := at(known); {
		case err != nil:
			t.Fatal(err)
		case known == 0 && !got.Known.IsZero(), known > 0 && !got.Known.Equal(want):
			t.Errorf("minute %d: they are those of %s, not of minute %d", minute, got.Known, known)
		}
		if n := passed(t, f, got, at(minute)); n > 0 {
			t.Errorf("minute %d: %d records stand before %+v", minute, n, got)
		}
	}
}

// TestNoRecordStandsBeforeTheOffsetsOfItsTime has clocks of all kinds, and sessions that end anywhere.
func TestNoRecordStandsBeforeTheOffsetsOfItsTime(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := fake(t)
	c := connect(t, f)
	v := follow(t, c)
	s, _ := open(t, c, arrivals("r"))
	seq := int64(0)
	for reached := int64(5); reached <= 60; reached += 5 {
		if random.IntN(4) == 0 {
			s.Close()
			s, _ = open(t, c, arrivals("r"))
		}
		times := make([]time.Time, 1+random.IntN(5))
		for i := range times {
			times[i] = at(reached - random.Int64N(15))
			if random.IntN(20) == 0 {
				times[i] = at(reached + random.Int64N(30))
			}
		}
		commit(t, s, timed(reached, seq+1, times))
		seq += int64(len(times))
	}
	k := finds(t, v, "r", func(k replay.Known) bool { return k.Checkpoint != nil && k.Checkpoint.Seq == seq })
	for minute := int64(-1); minute < 95; minute += 3 {
		got, err := c.OffsetsAt(t.Context(), &k, at(minute))
		if err != nil {
			t.Fatal(err)
		}
		if n := passed(t, f, got, at(minute)); n > 0 {
			t.Errorf("minute %d: %d records stand before %+v", minute, n, got)
		}
	}
}

// TestAMarkLeadsWhereNothingLaterStandsBeforeIt tells marks of older programs apart, which do not say what stands before them.
func TestAMarkLeadsWhereNothingLaterStandsBeforeIt(t *testing.T) {
	t.Parallel()
	event, arrival := testSpec("x").Window, arrivals("x").Window
	old, noted, fast := mark{EventTime: at(10)}, mark{EventTime: at(10), LastEvent: at(9)}, mark{EventTime: at(10), LastEvent: at(30)}
	for _, c := range []struct {
		name   string
		mark   mark
		window replay.Window
		minute int64
		leads  bool
	}{
		{"by event, of an older program", old, event, 11, true},
		{"by event, of an older program, its own time", old, event, 10, false},
		{"by event", noted, event, 11, true},
		{"by arrival, of an older program", old, arrival, 11, false},
		{"by arrival", noted, arrival, 11, true},
		{"by arrival, its own time", noted, arrival, 10, false},
		{"by arrival, before a fast clock's time", fast, arrival, 29, false},
		{"by arrival, at a fast clock's time", fast, arrival, 30, false},
		{"by arrival, behind a fast clock's time", fast, arrival, 31, true},
	} {
		if got := c.mark.leads(c.window, at(c.minute)); got != c.leads {
			t.Errorf("%s: minute %d: %v", c.name, c.minute, got)
		}
	}
}
