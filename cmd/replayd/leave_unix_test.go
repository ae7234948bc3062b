//go:build unix

package main

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/replay"
)

// stream is what a daemon tells of its replays until it ends that.
type stream struct {
	mu    sync.Mutex
	text  strings.Builder
	ended chan struct{}
	err   error // once it has ended; nil: the daemon ended it
}

func (s *stream) holds(word string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Contains(s.text.String(), word)
}

// listen opens the stream of events.
func (d *served) listen() *stream {
	d.bench.t.Helper()
	answer, err := http.Get(d.url + "/v1/events")
	if err != nil || answer.StatusCode != http.StatusOK {
		d.bench.t.Fatal(answer, err)
	}
	s := &stream{ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		defer answer.Body.Close()
		for part := make([]byte, 4096); ; {
			n, err := answer.Body.Read(part)
			s.mu.Lock()
			s.text.Write(part[:n])
			s.mu.Unlock()
			if err != nil {
				if err != io.EOF {
					s.err = err
				}
				return
			}
		}
	}()
	return s
}

// TestADaemonThatIsToldToStopLeavesInOrder: it is no longer ready while its replay still waits for a commit, answers until that is
// decided, ends its streams, and leaves the group. Another one carries the replay on.
func TestADaemonThatIsToldToStopLeavesInOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	d := b.serve(targetX)
	d.replayd("start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night", "--pace", "100/s", "--yes").want(exitOK)
	d.until("the first commit", func() bool { return b.committed("x") })
	s := d.listen()
	d.until("the stream to tell of it", func() bool { return s.holds(`"id":"night"`) })

	held, release := hold(b.broker, kmsg.EndTxn)
	defer release()
	d.until("a commit to wait", func() bool { return len(held) > 0 })
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	d.until("it is not ready", func() bool { return d.ready(http.DefaultClient) == http.StatusServiceUnavailable })
	if told := d.get("/readyz", ""); !strings.Contains(told, "the daemon is starting or stopping") {
		t.Errorf("it is not ready because of %s", told)
	}
	if told := d.get("/healthz", ""); !strings.Contains(told, `"ok"`) {
		t.Errorf("it is well: %s", told)
	}
	d.replayd("show", "night").want(exitOK)
	select {
	case <-s.ended:
		t.Errorf("the stream ends while a replay waits: %v", s.err)
	default:
	}
	release()
	d.end(20*time.Second).want(exitOK, "stopping: each replay leaves at its next commit")
	if <-s.ended; s.err != nil {
		t.Errorf("the stream was cut off: %v", s.err)
	}
	client := b.client()
	defer client.Close()
	groups, err := kadm.NewClient(client).DescribeGroups(t.Context(), "replayd.daemons")
	if err != nil || len(groups["replayd.daemons"].Members) != 0 {
		t.Errorf("left in the group are %+v, %v", groups["replayd.daemons"].Members, err)
	}

	other := b.serve(targetX)
	other.replayd("pace", "night", "unlimited").want(exitOK)
	other.replayd("watch", "night").want(exitOK)
	if got := b.values("x"); len(got) != 600 {
		t.Errorf("%d records for 600 events", len(got))
	}
	if r := other.replayd("show", "night", "-o", "json").want(exitOK); !strings.Contains(r.out.String(), `"sessions":2`) || !strings.Contains(r.out.String(), string(replay.Completed)) {
		t.Errorf("in the end it is %s", r.out.String())
	}
}

// TestADaemonThatIsToldTwiceLeavesAtOnce, whatever it waits for.
func TestADaemonThatIsToldTwiceLeavesAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	d := b.serve(targetX)
	d.replayd("start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic", "--id", "night", "--pace", "100/s", "--yes").want(exitOK)
	d.until("the first commit", func() bool { return b.committed("x") })
	held, release := hold(b.broker, kmsg.EndTxn)
	defer release()
	d.until("a commit to wait", func() bool { return len(held) > 0 })
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	d.until("it is stopping", func() bool { return d.ready(http.DefaultClient) == http.StatusServiceUnavailable })
	d.insist(syscall.SIGTERM).want(exitInterrupted, "left at once: replays go on where their last commit is")
}

// TestADaemonWhoseBrokersDoNotAnswerIsWellAndNotReady until they do.
func TestADaemonWhoseBrokersDoNotAnswerIsWellAndNotReady(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	d := b.serve(targetX)
	release := hang(b.broker, kmsg.ListOffsets)
	defer release()
	d.within(time.Minute, "it is not ready", func() bool { return d.ready(http.DefaultClient) == http.StatusServiceUnavailable })
	if told := d.get("/readyz", ""); !strings.Contains(told, "nothing could be read from the topics of replayd") {
		t.Errorf("it is not ready because of %s", told)
	}
	if told := d.get("/healthz", ""); !strings.Contains(told, `"ok"`) {
		t.Errorf("it is well: %s", told)
	}
	release()
	d.within(time.Minute, "it is ready again", func() bool { return d.ready(http.DefaultClient) == http.StatusOK })
}
