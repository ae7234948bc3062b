package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"replayd/integration/transcript"
	"replayd/replay/kafka"
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
	_, release = hold(broker, key)
	return release
}

// hold is hang that also tells when there is such a request.
func hold(broker *kfake.Cluster, key kmsg.Key) (held <-chan struct{}, release func()) {
	let, some := make(chan struct{}), make(chan struct{}, 1)
	broker.ControlKey(key.Int16(), func(r kmsg.Request) (kmsg.Response, error, bool) {
		broker.KeepControl()
		if end, ok := r.(*kmsg.EndTxnRequest); !ok || end.Commit { // the probe's abort is given up by itself
			select {
			case some <- struct{}{}:
			default:
			}
			broker.SleepControl(func() { <-let })
		}
		return nil, nil, false
	})
	once := false
	return some, func() {
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
	r := p.end(5*time.Second).want(exitInterrupted, "interrupted: this call has changed nothing")
	if next, want := r.next(), "replayd run --id known --brokers=127.0.0.1:1 --wait-broker=1h"; next != want {
		t.Errorf("it says %q, want %q", next, want)
	}
}

// TestASignalBeforeAKnownReplayIsReachedContinuesWhatWasTyped types the whole command of a replay that has begun again: nobody
// knows yet that it has.
func TestASignalBeforeAKnownReplayIsReachedContinuesWhatWasTyped(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	typed := append(b.many(2000), "--id", "twice", "--on-bad", "stop", "--filter", `id != "none"`)
	p := b.startRun(append(typed, "--pace", "200/s")...)
	p.until("the first commit", func() bool { return b.committed("x") })
	_ = p.cmd.Process.Signal(os.Interrupt)
	p.end(10 * time.Second).want(exitInterrupted)
	release := hang(b.broker, kmsg.Metadata)
	p = b.startRun(append(typed, "--log-format", "console", "-vv", "--create-topic=false")...)
	p.until("it to ask", func() bool { return strings.Contains(p.err.String(), "wrote Metadata") })
	_ = p.cmd.Process.Signal(os.Interrupt)
	r := p.end(5*time.Second).want(exitInterrupted, "interrupted: this call has changed nothing")
	release()
	if next := r.next(); !strings.Contains(next, "--create-topic=false") || !strings.Contains(next, `--filter='id != "none"'`) {
		t.Errorf("it is not what was typed: %s", next)
	}
	told := exec.Command("/bin/sh", "-c", strings.Replace(r.next(), "replayd", `"$0"`, 1), os.Args[0])
	told.Env = append(told.Environ(), asProgram+"=1")
	if out, err := told.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", r.next(), err, out)
	}
	b.eachOnce("x", 2000)
}

func TestABrokerThatHangsWhileAReplayIsTakenOverIsToldAndLeftAtTheFirstSignal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, id string
		at       kmsg.Key
		next     string
	}{
		{"before its spec is frozen", "early", kmsg.CreateTopics, "replayd run --id early --allow=overlap --archive="},
		{"before its spec is frozen, without an id", "", kmsg.CreateTopics, ""},
		{"in the first transaction", "late", kmsg.EndTxn, "replayd run --id late --allow=overlap --brokers="},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t)
			flags := b.many(20)
			if c.id != "" {
				flags = append(flags, "--id", c.id, "--allow", "overlap")
			}
			release := hang(b.broker, c.at)
			defer release()
			p := b.startRun(flags...)
			p.until("its broker to be held to hang", func() bool {
				return strings.Contains(p.out.String(), `"phase":"waiting"`) && strings.Contains(p.out.String(), `"held_by":"broker"`)
			})
			_ = p.cmd.Process.Signal(os.Interrupt)
			r := p.end(4*time.Second).want(exitInterrupted, "stopping before this session produces anything", "interrupted before anything was produced")
			release()
			if c.next == "" {
				r.want(exitInterrupted, "type the same command again")
				b.run(flags...).want(exitOK)
			} else if next := r.next(); !strings.HasPrefix(next, c.next) {
				t.Errorf("it says %q, want %q", next, c.next)
			} else {
				b.told(next).want(exitOK)
			}
			b.eachOnce("x", 20)
		})
	}
}

func TestABrokerThatAnswersNoMoreEndsWithTheNextStep(t *testing.T) {
	t.Parallel()
	t.Run("once the spec is frozen", func(t *testing.T) {
		t.Parallel()
		b := newBench(t)
		release := hang(b.broker, kmsg.EndTxn)
		defer release()
		r := b.run(append(b.many(20), "--id", "gone", "--give-up", "2s")...).want(exitFailed, "gave up after 2s", "check that Kafka is up")
		release()
		if next := r.next(); !strings.HasPrefix(next, "replayd run --id gone --brokers=") {
			t.Errorf("it says %q", next)
		}
		b.told(r.next()).want(exitOK)
		b.eachOnce("x", 20)
	})
	gone := &kafka.Unanswered{Brokers: []string{"kafka1:9092"}, Err: errors.New("create topic x: i/o timeout")}
	for _, c := range []struct{ id, next string }{
		{"--id=x", "Continue with: replayd run --id x --create-topic --topic=x"},
		{"--topic=x", "Nothing was begun: type the same command again"},
	} {
		f := &replayFlags{}
		cmd := pflag.NewFlagSet("run", pflag.ContinueOnError)
		f.addRead(cmd)
		f.addWrite(cmd)
		if err := cmd.Parse([]string{"--topic=x", "--create-topic", c.id}); err != nil {
			t.Fatal(err)
		}
		j := &job{asTyped: f.asTyped()}
		for _, err := range []error{interruptedBy(t.Context(), f, gone), j.unopened(false, gone)} {
			if want := gone.Error() + "\n" + c.next; err.Error() != want {
				t.Errorf("it says %q, want %q", err, want)
			}
		}
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
