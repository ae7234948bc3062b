package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/integration/transcript"
)

// many puts n events, two a second, into one object, and returns the flags that replay them in about a second at full
// speed and never at this pace.
func (b *bench) many(n int) []string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `{"id":"%d","t":"2026-11-01T12:%02d:%02d.%dZ"}`+"\n", i, i/120, i/2%60, i%2*5)
	}
	b.put("o", []byte(text.String()))
	return b.what("--topic", "x", "--create-topic")
}

// eachOnce checks that the topic holds events 0 to n-1 in order.
func (b *bench) eachOnce(topic string, n int) {
	b.t.Helper()
	values := b.values(topic)
	if len(values) != n {
		b.t.Fatalf("the topic holds %d events, want %d", len(values), n)
	}
	for i, v := range values {
		if !strings.HasPrefix(v, fmt.Sprintf(`{"id":"%d",`, i)) {
			b.t.Fatalf("event %d is %s", i, v)
		}
	}
}

// committed reports whether a checkpoint with data is in its topic.
func (b *bench) committed(topic string) bool {
	client := b.client()
	defer client.Close()
	req := kmsg.NewPtrListOffsetsRequest()
	req.IsolationLevel = 1
	for p := range int32(2) {
		rt := kmsg.NewListOffsetsRequestTopic()
		rt.Topic = topic
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, -1
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(b.t.Context(), client)
	if err != nil {
		return false
	}
	for _, topic := range resp.Topics {
		for _, p := range topic.Partitions {
			if p.ErrorCode == 0 && p.Offset > 0 {
				return true
			}
		}
	}
	return false
}

func TestTheFirstSignalStopsAtTheNextCommitAndTheCommandItPrintsContinues(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			b.configured = b.config("limits: {event_size: 64KiB}\n")
			p := b.startRun(append(b.many(2000), "--id", "sig", "--pace", "200/s", "--give-up", "30s")...)
			p.until("the first commit", func() bool { return b.committed("x") })
			_ = p.cmd.Process.Signal(signal)
			r := p.end(10*time.Second).want(exitInterrupted, "stopping at the next commit", "interrupted")
			next := r.next()
			for _, word := range []string{"--id sig", "--brokers=" + b.address(), "--config=" + b.configured, "--give-up=30s"} {
				if !strings.Contains(next, word) {
					t.Errorf("the command does not repeat %s: %s", word, next)
				}
			}
			if n := len(b.values("x")); n == 0 || n == 2000 {
				t.Errorf("%d events stand in the topic", n)
			}
			receipt := b.told(next + " --pace unlimited").want(exitOK).receipt()
			if receipt.Sessions != 2 || receipt.Produced != 2000 {
				t.Errorf("sessions %d, produced %d", receipt.Sessions, receipt.Produced)
			}
			b.eachOnce("x", 2000)
		})
	}
}

func TestTheSecondSignalLeavesAtOnceEvenWhenTheBrokerHangs(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.startRun(append(b.many(2000), "--id", "twice", "--pace", "200/s")...)
	p.until("the first commit", func() bool { return b.committed("x") })
	release := hang(b.broker, kmsg.EndTxn)
	defer release()
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	p.until("the first signal to be heard", func() bool { return strings.Contains(p.err.String(), "stopping at the next commit") })
	r := p.insist(syscall.SIGINT).want(exitInterrupted, "left at once")
	release()
	b.told(r.next() + " --pace unlimited").want(exitOK)
	b.eachOnce("x", 2000)
}

func TestTwoSignalsAtOnceAreOneWish(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.startRun(append(b.many(2000), "--id", "group", "--pace", "200/s")...)
	p.until("the first commit", func() bool { return b.committed("x") })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	r := p.end(10*time.Second).want(exitInterrupted, "stopping at the next commit", "interrupted")
	if strings.Contains(r.err.String(), "left at once") {
		t.Errorf("the second was taken for another wish:\n%s", r.err.String())
	}
}

// insist sends a signal again and again until the program ends: one that comes close upon the first does not count.
func (p *process) insist(signal os.Signal) *result {
	p.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for {
		select {
		case <-tick.C:
			_ = p.cmd.Process.Signal(signal)
		case <-p.done:
			return p.end(time.Second)
		case <-limit:
			p.t.Fatalf("it goes on:\n%s", p.err.String())
		}
	}
}

// hang makes the broker keep requests of a kind without an answer until the returned function is called.
func hang(broker *kfake.Cluster, key kmsg.Key) (release func()) {
	let := make(chan struct{})
	broker.ControlKey(key.Int16(), func(kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		broker.SleepControl(func() { <-let })
		return nil, nil, false
	})
	once := false
	return func() {
		if !once {
			once = true
			close(let)
		}
	}
}

func TestASignalBeforeAnythingWasBegunSaysSo(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	p := b.start(append([]string{"run", "--brokers", "127.0.0.1:1", "--wait-broker", "1h", "--topic", "x"}, b.what()...)...)
	p.until("it to wait", func() bool { return strings.Contains(p.err.String(), "waiting for the broker") })
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	r := p.end(5*time.Second).want(exitInterrupted, "interrupted before anything was begun")
	if strings.Contains(r.err.String(), "commit") {
		t.Errorf("it speaks of commits:\n%s", r.err.String())
	}
}

func TestASignalBeforeAnIDIsContinuedSaysHowToContinueIt(t *testing.T) {
	t.Parallel()
	p := nowhere(t).start("run", "--brokers", "127.0.0.1:1", "--wait-broker", "1h", "--id", "known")
	p.until("it to wait", func() bool { return strings.Contains(p.err.String(), "waiting for the broker") })
	_ = p.cmd.Process.Signal(os.Interrupt)
	r := p.end(5*time.Second).want(exitInterrupted, "interrupted before anything was begun")
	if next, want := r.next(), "replayd run --id known --brokers=127.0.0.1:1"; next != want {
		t.Errorf("it says %q, want %q", next, want)
	}
}

func TestASignalInTheDemoPromisesNoContinuation(t *testing.T) {
	t.Parallel()
	p := &process{result: &result{t: t, args: []string{"demo"}}, cmd: exec.Command(filepath.Join(program(t), "replayd"), "demo"), done: make(chan struct{})}
	p.begin()
	p.until("its broker to run", func() bool { return strings.Contains(p.err.String(), "broker:  embedded") })
	_ = p.cmd.Process.Signal(os.Interrupt)
	r := p.end(10*time.Second).want(exitInterrupted, "the demo's broker and archive are gone")
	if strings.Contains(r.err.String(), "Continue with") {
		t.Errorf("nothing can be continued:\n%s", r.err.String())
	}
}

func TestCatIntoAPipeThatIsClosedEndsQuietly(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.many(5000)
	p := exec.Command("/bin/sh", "-c", `"$0" "$@" | head -1`)
	p.Args = append(append(p.Args, os.Args[0]), append([]string{"cat", "--log-format", "console"}, b.what()...)...)
	p.Env = append(p.Environ(), asProgram+"=1")
	var out, stderr transcript.Transcript
	p.Stdout, p.Stderr = &out, &stderr
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), `{"id":"0","t":"2026-11-01T12:00:00.0Z"}`+"\n"; got != want {
		t.Errorf("stdout is %q, want %q", got, want)
	}
	if text := stderr.String(); strings.Contains(text, "pipe") || strings.Contains(text, "replayd:") {
		t.Errorf("it is not quiet: %s", text)
	}
}

// TestTheMessagesOfTheDocumentAreThoseOfTheProgram runs into the refusal of cli.md, and interrupts the replay that its cure
// begins.
func TestTheMessagesOfTheDocumentAreThoseOfTheProgram(t *testing.T) {
	t.Parallel()
	shown := fences(section(t, "docs/cli.md", "## Messages"), "text")
	if len(shown) != 2 || len(fences(read(t, "docs/cli.md"), "text")) != 2 {
		t.Fatalf("docs/cli.md shows %d messages", len(shown))
	}
	b := newBench(t)
	b.many(2000)
	b.run(b.what("--topic", "replay.payments")...).want(exitRefused, shown[0])
	p := b.startRun(b.what("--topic", "replay.payments", "--create-topic", "--id", "payments-1200", "--pace", "200/s")...)
	p.until("the first commit", func() bool { return b.committed("replay.payments") })
	_ = p.cmd.Process.Signal(syscall.SIGINT)
	p.end(10*time.Second).want(exitInterrupted, strings.ReplaceAll(shown[1], "kafka1:9092", b.address()))
}
