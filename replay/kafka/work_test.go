package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// daemon is a member of the group, and what it was told to leave.
type daemon struct {
	*Work

	mu   sync.Mutex
	left []string // targets, as they were left
	gate func()   // that each leave passes; nil: none
}

// targetNames are more targets than there are partitions.
func targetNames() []string {
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprint("replay.", i))
	}
	return names
}

func (d *daemon) leave(lost func(string) bool) {
	d.mu.Lock()
	gate := d.gate
	for _, name := range targetNames() {
		if lost(name) {
			d.left = append(d.left, name)
		}
	}
	d.mu.Unlock()
	if gate != nil {
		gate()
	}
}

func (d *daemon) shut(gate func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gate = gate
}

func (d *daemon) mine() (names []string) {
	for _, name := range targetNames() {
		if d.Mine(name) {
			names = append(names, name)
		}
	}
	return names
}

func share(t *testing.T, c *Cluster) *daemon {
	t.Helper()
	d := &daemon{}
	var err error
	if d.Work, err = c.Share(t.Context(), d.leave); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		_ = d.Close(ctx) // the group is not told, which is an error
	})
	return d
}

// divided waits until each target belongs to exactly one of the daemons, and to each as many as to the others.
func divided(t *testing.T, daemons ...*daemon) {
	t.Helper()
	until(t, "the targets to be divided", func() bool {
		sum := 0
		for _, d := range daemons {
			n := len(d.mine())
			if n == 0 {
				return false
			}
			sum += n
		}
		owners := map[string]int{}
		for _, d := range daemons {
			for _, name := range d.mine() {
				owners[name]++
			}
		}
		return sum == 300 && len(owners) == 300
	})
}

func TestDaemonsDivideTheTargets(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a := share(t, connect(t, f))
	divided(t, a)
	if err := a.Ready(); err != nil || a.Parts() != workParts {
		t.Errorf("alone it has %d parts, %v", a.Parts(), err)
	}
	b, c := share(t, connect(t, f)), share(t, connect(t, f))
	divided(t, a, b, c)
	if n := a.Parts() + b.Parts() + c.Parts(); n != workParts || a.Parts() == workParts {
		t.Errorf("of %d parts three have %d, one of them %d", workParts, n, a.Parts())
	}
	var told atomic.Bool
	f.ControlKey(int16(kmsg.LeaveGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		told.Store(true)
		return nil, nil, false
	})
	changed := a.Changed()
	if err := b.Close(t.Context()); err != nil || !told.Load() {
		t.Errorf("the group is not told that one leaves it: %v", err)
	}
	divided(t, a, c)
	select {
	case <-changed:
	default:
		t.Error("a change was not told")
	}
	if len(b.mine()) > 0 || b.Parts() > 0 {
		t.Errorf("what has left keeps %v", b.mine())
	}
	committed, err := a.cluster.admin.FetchOffsets(t.Context(), "replayd.daemons")
	if err != nil || len(committed) > 0 {
		t.Errorf("committed are %v, %v", committed, err)
	}
}

// TestATargetIsLeftBeforeAnotherDaemonHasIt holds a leave up.
func TestATargetIsLeftBeforeAnotherDaemonHasIt(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a := share(t, connect(t, f))
	divided(t, a)
	open, asked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	a.shut(func() {
		once.Do(func() { close(asked) })
		<-open
	})
	b := share(t, connect(t, f))
	<-asked
	var beats atomic.Int32
	f.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		beats.Add(1)
		return nil, nil, false
	})
	until(t, "the group to go on", func() bool { return beats.Load() >= 3 }) // which gives the other every chance
	kept := len(a.mine())
	if n := len(b.mine()); n > 0 || kept == 300 || kept == 0 {
		t.Errorf("while the first is leaving it has %d of 300, and the second %d", kept, n)
	}
	close(open)
	divided(t, a, b)
	left := map[string]bool{}
	for _, name := range a.left {
		left[name] = true
	}
	for _, name := range b.mine() {
		if !left[name] {
			t.Errorf("%s was never left", name)
		}
	}
	if len(a.mine()) != kept {
		t.Errorf("it lost %d targets that it was not told to leave", kept-len(a.mine()))
	}
}

// TestALostGroupIsLeftAndJoinedAgain lets the coordinator forget a member whose sessions take their time.
func TestALostGroupIsLeftAndJoinedAgain(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a := share(t, connect(t, f))
	divided(t, a)
	open, asked := make(chan struct{}), make(chan struct{}, 9)
	a.shut(func() {
		asked <- struct{}{}
		<-open
	})
	forgetMember(f)
	<-asked
	until(t, "the group to be joined again", func() bool { return a.Ready() == nil && owns(a.Work) == workParts })
	if n := len(a.mine()); n > 0 {
		t.Errorf("%d targets are its own while it is leaving them", n)
	}
	close(open)
	divided(t, a)
}

// forgetMember answers the next heartbeat as a coordinator that does not know the member.
func forgetMember(f *kfake.Cluster) {
	f.ControlKey(int16(kmsg.Heartbeat), func(r kmsg.Request) (kmsg.Response, error, bool) {
		resp := r.ResponseKind().(*kmsg.HeartbeatResponse)
		resp.ErrorCode = 25 // UNKNOWN_MEMBER_ID
		return resp, nil, true
	})
}

func owns(w *Work) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.owned)
}

// TestADaemonWithANameComesBackUnnoticed kills one and starts it again within the timeout.
func TestADaemonWithANameComesBackUnnoticed(t *testing.T) {
	t.Parallel()
	f := fake(t)
	named := func(name string) *Cluster {
		c, err := Connect(t.Context(), Options{Brokers: f.ListenAddrs(), Member: name, Log: zerolog.Nop()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	a, b := share(t, named("a")), share(t, named("b"))
	divided(t, a, b)
	had, unchanged := a.mine(), b.Changed()
	a.client.Close() // which does not leave
	again := share(t, named("a"))
	divided(t, again, b)
	if fmt.Sprint(again.mine()) != fmt.Sprint(had) {
		t.Errorf("it had %v and has %v", had, again.mine())
	}
	select {
	case <-unchanged:
		t.Error("the other daemon was disturbed")
	default:
	}
	if err := again.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	divided(t, b)
}

func TestAWorkTopicThatIsTooSmallIsRefused(t *testing.T) {
	t.Parallel()
	c := connect(t, fake(t, kfake.SeedTopics(12, "replayd.work")))
	_, err := c.Share(t.Context(), func(func(string) bool) {})
	wantRefusal(t, err, ItemControlTopics, "--alter --topic replayd.work --partitions 64")
}

func TestRightsToServeAreAskedFor(t *testing.T) {
	t.Parallel()
	c := as(t, true, RightsToServe("replayd"))
	divided(t, share(t, c))
	for i, r := range RightsToServe("replayd") {
		rights := slices.Delete(RightsToServe("replayd"), i, i+1)
		_, err := as(t, true, rights).Share(t.Context(), func(func(string) bool) {})
		wantRefusal(t, err, ItemRights, "missing: "+r.String()+"\n")
		if word := map[bool]string{true: "--group replayd.daemons", false: "--topic " + r.Name}[i == 0]; !strings.Contains(err.Error(), "--operation Read "+word) {
			t.Errorf("it does not say how it is granted: %v", err)
		}
	}
}

// TestWhatSomebodyWritesIntoTheWorkTopicIsNothingToDaemons writes into all of it.
func TestWhatSomebodyWritesIntoTheWorkTopicIsNothingToDaemons(t *testing.T) {
	t.Parallel()
	f := fake(t)
	a := share(t, connect(t, f))
	divided(t, a)
	for i := range 200 {
		r := &kgo.Record{Topic: "replayd.work", Key: fmt.Append(nil, i), Value: []byte("x")}
		if err := produce(t.Context(), a.cluster.client, r); err != nil {
			t.Fatal(err)
		}
	}
	b := share(t, connect(t, f))
	divided(t, a, b)
	if n := a.client.BufferedFetchRecords() + b.client.BufferedFetchRecords(); n > 0 {
		t.Errorf("%d of its records are held", n)
	}
}
