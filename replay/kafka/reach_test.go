package kafka

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"replayd/replay"
)

// offsets are those of the partitions of topic x; below 0: a broker does not know one.
func offsets(list ...int64) kadm.ListedOffsets {
	all := map[int32]kadm.ListedOffset{}
	for p, at := range list {
		o := kadm.ListedOffset{Topic: "x", Partition: int32(p), Offset: at}
		if at < 0 {
			o.Err = kerr.NotLeaderForPartition
		}
		all[int32(p)] = o
	}
	return kadm.ListedOffsets{"x": all}
}

// TestATraceFadesWhenAllOfItsReplayIsDeleted from each partition, as far as is told.
func TestATraceFadesWhenAllOfItsReplayIsDeleted(t *testing.T) {
	t.Parallel()
	many := func(n int, at func(p int) int64) (list []int64) {
		for p := range n {
			list = append(list, at(p))
		}
		return list
	}
	all := func(at int64) []int64 { return many(1000, func(int) int64 { return at }) }
	quiet := func(p int) int64 { // one partition has less than the others
		if p == 17 {
			return 3
		}
		return 100
	}
	for _, c := range []struct {
		what         string
		noted        []int64 // when it was forgotten
		starts, ends []int64 // now
		fades        bool
	}{
		{"nothing was deleted", []int64{5, 7}, []int64{0, 0}, []int64{5, 7}, false},
		{"from one partition", []int64{5, 7}, []int64{5, 6}, []int64{9, 9}, false},
		{"from both", []int64{5, 7}, []int64{5, 7}, []int64{9, 9}, true},
		{"and no more came", []int64{5, 7}, []int64{5, 7}, []int64{5, 7}, true},
		{"one never had anything", []int64{0, 7}, []int64{0, 8}, []int64{0, 9}, true},
		{"the topic has more partitions", []int64{5, 7}, []int64{5, 7, 0}, []int64{9, 9, 9}, true},
		{"one is not told of", []int64{5, 7}, []int64{5}, []int64{9, 9}, false},
		{"a broker does not know where one begins", []int64{5, 7}, []int64{5, -1}, []int64{9, 9}, false},
		{"a broker does not know where one ends", []int64{5, 7}, []int64{5, 7}, []int64{9, -1}, false},
		{"a broker that comes up has it empty", []int64{5, 7}, []int64{5, 0}, []int64{9, 0}, false},
		{"nothing is told", []int64{5, 7}, nil, nil, false},
		{"of many, nothing", all(100), all(0), all(100), false},
		{"of many, from each", all(100), all(100), all(200), true},
		{"of many, one is left", all(100), many(1000, func(p int) int64 { return 100 - int64(p/999) }), all(200), false},
		{"of many, a quiet one is left", many(1000, quiet), many(1000, func(p int) int64 { return quiet(p) - int64(1-min(1, max(p-17, 17-p))) }), all(200), false},
		{"of many, a quiet one is empty", many(1000, quiet), many(1000, quiet), many(1000, quiet), true},
		{"it was not noted", nil, []int64{9}, []int64{9}, false},
	} {
		tr := trace{Version: version, Topic: "x", TopicID: "id", Window: testSpec("x").Window, At: time.Now()}
		tr.reaches(c.noted)
		if err := tr.validate(); err != nil {
			t.Errorf("%s: it is not valid: %v", c.what, err)
		}
		if tr.faded(reach{starts: offsets(c.starts...), ends: offsets(c.ends...)}) != c.fades {
			t.Errorf("%s: that it has faded is %t", c.what, !c.fades)
		}
	}
	if (&trace{Topic: "x"}).faded(reach{}) {
		t.Error("it has faded and nobody has asked")
	}
}

// TestATraceIsSmall however many partitions the topic has.
func TestATraceIsSmall(t *testing.T) {
	t.Parallel()
	produced := int64(123_456_789)
	tr := trace{Version: version, Topic: "replay.payments", TopicID: kadm.TopicID{}.String(), Window: testSpec("x").Window, Produced: &produced, At: time.Now()}
	for partitions, most := range map[int]int{12: 400, 1000: 450} {
		tr.reaches(slices.Repeat([]int64{10_000_000}, partitions))
		if n := len(encode(tr)); n > most {
			t.Errorf("with %d partitions it takes %d bytes", partitions, n)
		}
	}
}

// TestAForgottenReplayIsInNobodysWayOnceItsEventsAreDeleted, before its trace is, which the next forgetting deletes.
func TestAForgottenReplayIsInNobodysWayOnceItsEventsAreDeleted(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t))
	v := follow(t, c)
	cancelled(t, v, daemonSpec("r"), 30)
	forget(t, v, "r")
	passes := func(id string) bool {
		t.Helper()
		findings, err := c.Preflight(t.Context(), testSpec(id), Settings{})
		if err != nil {
			t.Fatal(err)
		}
		return Refusals(findings, nil) == nil
	}
	expire(t, c, 0, 1)
	if passes("other") {
		t.Error("events stand in one partition still, and it passes")
	}
	never(t, v, "x")
	forget(t, v, "x")
	if n := len(traces(t, c, "r")); n != 1 {
		t.Fatalf("events stand in one partition still, and there are %d traces", n)
	}
	expire(t, c, 2)
	if !passes("other") || !passes("r") {
		t.Error("nothing of it stands there, and it is refused")
	}
	s, _ := open(t, c, testSpec("other"))
	commit(t, s, of("other", chunk(30, 1, replay.Completed)))
	s.Close()
	never(t, v, "x")
	forget(t, v, "x")
	if n := len(traces(t, c, "r")); n != 0 {
		t.Errorf("nothing of it stands there, and there are %d traces", n)
	}
}

// expire deletes what stands in partitions of the topic replay.
func expire(t *testing.T, c *Cluster, partitions ...int32) {
	t.Helper()
	ends, err := c.ends(t.Context(), "replay", 3)
	if err != nil {
		t.Fatal(err)
	}
	o := kadm.Offsets{}
	for _, p := range partitions {
		o.AddOffset("replay", p, ends[p], -1)
	}
	deleted, err := c.admin.DeleteRecords(t.Context(), o)
	if err = errors.Join(err, deleted.Error()); err != nil {
		t.Fatal(err)
	}
}

// never is a replay that is cancelled before it begins.
func never(t *testing.T, v *View, id string) {
	t.Helper()
	if err := v.Freeze(t.Context(), daemonSpec(id), replay.Start{}, replay.Wish{State: replay.Cancelled}); err != nil {
		t.Fatal(err)
	}
}

// TestWhatLeavesNoTraceIsForgottenHoweverManyThereAre: one that never began, one whose topic is another now, and one whose trace is
// there already.
func TestWhatLeavesNoTraceIsForgottenHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	for what, makes := range map[string]func(*testing.T, *View){
		"it never began": func(t *testing.T, v *View) { never(t, v, "r") },
		"its topic is gone": func(t *testing.T, v *View) {
			cancelled(t, v, daemonSpec("r"), 30)
			remake(t, v.cluster)
		},
		"its trace is there": func(t *testing.T, v *View) {
			cancelled(t, v, daemonSpec("r"), 30)
			k, _ := v.Find("r")
			detail, err := v.cluster.topicDetail(t.Context(), "replay")
			if err != nil {
				t.Fatal(err)
			}
			there := trace{Version: version, Topic: "replay", TopicID: detail.ID.String(), At: time.Now()}
			if err := v.write(t.Context(), traceKey(traceID{"r", k.Incarnation}), there); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := fake(t)
			v := follow(t, connect(t, f))
			makes(t, v)
			detail, err := v.cluster.topicDetail(t.Context(), "replay")
			if err != nil {
				t.Fatal(err)
			}
			v.mu.Lock()
			for i := range mostTraces {
				v.registry.traces[traceID{replay: fmt.Sprint(i)}] = &register[trace]{value: &trace{Topic: "replay", TopicID: detail.ID.String()}}
			}
			v.mu.Unlock()
			forget(t, v, "r")
			if keys := left(t, f, "r"); len(keys) > 0 {
				t.Errorf("left are %v", keys)
			}
			if n := len(traces(t, v.cluster, "r")); n > 1 || n == 1 && what != "its trace is there" {
				t.Errorf("it has %d traces", n)
			}
		})
	}
}

// remake deletes the topic replay and makes another, which the client has heard of then.
func remake(t *testing.T, c *Cluster) {
	t.Helper()
	id := func() kadm.TopicID {
		detail, err := c.topicDetail(t.Context(), "replay")
		if err != nil {
			t.Fatal(err)
		}
		return detail.ID
	}
	before := id()
	if _, err := c.admin.DeleteTopic(t.Context(), "replay"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.admin.CreateTopic(t.Context(), 3, 1, nil, "replay"); err != nil {
		t.Fatal(err)
	}
	until(t, "the other topic", func() bool { return id() != before })
}
