package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/transcript"
	"replayd/replay"
)

// asProgram makes the test binary the program, for tests that need a process: signals, pipes, exits.
const asProgram = "REPLAYD_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	flag.Parse()
	// They wait for brokers more than they work. A process that the race detector watches would wait a second before each exit.
	if err := errors.Join(flag.Set("test.parallel", "8"), os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))); err != nil {
		panic(err)
	}
	signals := make(chan os.Signal, 1) // the first who asks for any starts what hands them out, which no bubble of synctest may keep
	signal.Notify(signals, os.Interrupt)
	signal.Stop(signals)
	code := m.Run()
	_ = os.RemoveAll(builtFolder)
	os.Exit(code)
}

// bench is a broker inside the process and a folder for an archive.
type bench struct {
	t      *testing.T
	broker *kfake.Cluster
	folder string // holds the archive
	now    time.Time

	configured string    // path of a configuration, if any
	login      []kgo.Opt // of the test's own clients, where the broker wants one
}

func newBench(t *testing.T, opts ...kfake.Opt) *bench {
	t.Helper()
	broker, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.DefaultNumPartitions(2)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	return &bench{t: t, broker: broker, folder: t.TempDir(), now: time.Now()}
}

func (b *bench) address() string { return b.broker.ListenAddrs()[0] }

// put writes an object of the archive.
func (b *bench) put(key string, data []byte) {
	b.t.Helper()
	path := filepath.Join(b.folder, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// what are flags that read the flat folder of the bench.
func (b *bench) what(more ...string) []string {
	return append([]string{
		"--archive", b.folder, "--layout", "jsonl", "--format", "json", "--event-id", "/id", "--event-time", "/t",
		"--from", "2026-11-01", "--for", "24h",
	}, more...)
}

// run is replayd run with the bench's broker and JSON output.
func (b *bench) run(args ...string) *result {
	b.t.Helper()
	return b.replayd(append(b.here("run"), args...)...)
}

// plan are the words of replayd plan with the flags of what and more.
func (b *bench) plan(flags string) []string {
	return append(b.here("plan"), b.what(strings.Fields(flags)...)...)
}

// here begins a command line: the bench's broker and configuration, and JSON output.
func (b *bench) here(command string) []string {
	words := []string{command, "--brokers", b.address(), "--output", "json"}
	if b.configured != "" {
		words = append(words, "--config", b.configured)
	}
	return words
}

// replayd executes a command line in this process.
func (b *bench) replayd(args ...string) *result {
	b.t.Helper()
	r := &result{t: b.t, args: args}
	a := &app{out: &r.out, err: &r.err, now: func() time.Time { return b.now }}
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	r.code = a.run(ctx, args)
	return r
}

// alone executes a command line in a process of its own, without the race detector: for much data.
func (b *bench) alone(args ...string) *result {
	b.t.Helper()
	cmd := exec.Command(filepath.Join(program(b.t), "replayd"), args...)
	p := &process{result: &result{t: b.t, args: args}, cmd: cmd, done: make(chan struct{})}
	return p.begin().end(2 * time.Minute)
}

// told executes a command line that replayd printed.
func (b *bench) told(line string) *result {
	b.t.Helper()
	return b.replayd(b.printed(line)...)
}

// printed are the arguments of a command line that replayd printed.
func (b *bench) printed(line string) []string {
	b.t.Helper()
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "replayd" {
		b.t.Fatalf("not a command of replayd: %q", line)
	}
	return append(words[1:], "--output", "json")
}

// result is what a command line came to.
type result struct {
	t        *testing.T
	args     []string
	code     int
	out, err transcript.Transcript
}

// want checks the exit code and that stderr holds all of words.
func (r *result) want(code int, words ...string) *result {
	r.t.Helper()
	if r.code != code {
		r.t.Fatalf("replayd %s\nexit %d, want %d; stderr:\n%s", strings.Join(r.args, " "), r.code, code, r.err.String())
	}
	for _, w := range words {
		if !strings.Contains(r.err.String(), w) {
			r.t.Errorf("replayd %s\nstderr does not say %q:\n%s", strings.Join(r.args, " "), w, r.err.String())
		}
	}
	return r
}

// lines parses stdout, which must be JSON lines and nothing else, and returns those of a type.
func (r *result) lines(kind string) []map[string]any {
	r.t.Helper()
	var found []map[string]any
	for line := range strings.Lines(r.out.String()) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			r.t.Fatalf("stdout holds what is no JSON line: %v: %q", err, line)
		}
		if v["type"] == kind {
			found = append(found, v)
		}
	}
	return found
}

// receipt is the one receipt on stdout; it must balance.
func (r *result) receipt() replay.Receipt {
	r.t.Helper()
	list := r.lines("receipt")
	if len(list) != 1 {
		r.t.Fatalf("%d receipts on stdout, stderr:\n%s", len(list), r.err.String())
	}
	text, err := json.Marshal(list[0])
	if err != nil {
		r.t.Fatal(err)
	}
	var receipt replay.Receipt
	if err := json.Unmarshal(text, &receipt); err != nil {
		r.t.Fatal(err)
	}
	if !receipt.Balanced() {
		r.t.Errorf("the receipt does not balance: %s", text)
	}
	return receipt
}

// next is the command that stderr says continues.
func (r *result) next() string {
	r.t.Helper()
	return r.after("Continue with: ")
}

// after is what stderr says after words, up to the end of the line.
func (r *result) after(words string) string {
	r.t.Helper()
	_, line, ok := strings.Cut(r.err.String(), words)
	if !ok {
		r.t.Fatalf("stderr does not say %q:\n%s", words, r.err.String())
	}
	line, _, _ = strings.Cut(line, "\n")
	return line
}

// values are the values of a topic's committed records, by replay-seq for a replay topic, else as they stand.
func (b *bench) values(topic string) []string {
	b.t.Helper()
	records := b.consume(topic)
	slices.SortStableFunc(records, func(x, y *kgo.Record) int { return seqOf(x) - seqOf(y) })
	values := []string{}
	for _, r := range records {
		values = append(values, string(r.Value))
	}
	return values
}

func seqOf(r *kgo.Record) int {
	n, _ := strconv.Atoi(tag(r, "replay-seq"))
	return n
}

// tag is the value of a header, empty without it.
func tag(r *kgo.Record, name string) string {
	for _, h := range r.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// consume reads the committed records of a topic up to its present end.
func (b *bench) consume(topic string) []*kgo.Record {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	client := b.client()
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	from, open := map[int32]kgo.Offset{}, map[int32]int64{}
	for p, end := range ends[topic] {
		if end.Offset > 0 {
			from[p], open[p] = kgo.NewOffset().AtStart(), end.Offset
		}
	}
	reader := b.client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	defer reader.Close()
	var all []*kgo.Record
	for len(open) > 0 && ctx.Err() == nil {
		for _, r := range reader.PollFetches(ctx).Records() {
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if r.Offset+1 >= open[r.Partition] {
				delete(open, r.Partition)
			}
		}
	}
	if ctx.Err() != nil {
		b.t.Fatalf("topic %s: not all could be read: %v", topic, open)
	}
	return all
}

func (b *bench) client(opts ...kgo.Opt) *kgo.Client {
	b.t.Helper()
	client, err := kgo.NewClient(slices.Concat([]kgo.Opt{kgo.SeedBrokers(b.address())}, b.login, opts)...)
	if err != nil {
		b.t.Fatal(err)
	}
	return client
}

// topic makes a topic with settings, written name=value.
func (b *bench) topic(name string, settings ...string) {
	b.t.Helper()
	client := b.client()
	defer client.Close()
	m := map[string]*string{}
	for _, s := range settings {
		key, value, _ := strings.Cut(s, "=")
		m[key] = &value
	}
	if _, err := kadm.NewClient(client).CreateTopic(b.t.Context(), 1, -1, m, name); err != nil {
		b.t.Fatal(err)
	}
}

// quarantined is a record of the quarantine topic.
type quarantined struct {
	ID     string   `json:"id"`
	Object string   `json:"object"`
	Range  [2]int64 `json:"range"`
	Reason string   `json:"reason"`
}

func (b *bench) quarantine() []quarantined {
	b.t.Helper()
	list := []quarantined{}
	for _, value := range b.values("replayd.quarantine") {
		var q quarantined
		if err := json.Unmarshal([]byte(value), &q); err != nil {
			b.t.Fatal(err)
		}
		list = append(list, q)
	}
	return list
}

// process is the program running by itself.
type process struct {
	*result
	cmd  *exec.Cmd
	done chan struct{}
}

// start runs the program; arguments as for run.
func (b *bench) start(args ...string) *process {
	b.t.Helper()
	p := &process{result: &result{t: b.t, args: args}, cmd: asCommand(args), done: make(chan struct{})}
	return p.begin()
}

// asCommand is the program as a process, with variables beside those of the test.
func asCommand(args []string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	return cmd
}

func (p *process) begin() *process {
	p.t.Helper()
	p.cmd.Stderr = &p.err
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = &p.out
	}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// startRun is start with replayd run, the bench's broker and JSON output.
func (b *bench) startRun(args ...string) *process {
	b.t.Helper()
	return b.start(append(b.here("run"), args...)...)
}

// until waits until holds; the program must not end before.
func (p *process) until(what string, holds func() bool) {
	p.t.Helper()
	p.within(20*time.Second, what, holds)
}

// within is until for what takes its time. Between two looks it waits as long as one takes: many are commands, which the
// program answers.
func (p *process) within(most time.Duration, what string, holds func() bool) {
	p.t.Helper()
	limit := time.After(most)
	for {
		began := time.Now()
		if holds() {
			return
		}
		select {
		case <-time.After(max(10*time.Millisecond, time.Since(began))):
		case <-p.done:
			p.t.Fatalf("it ended before %s:\n%s", what, p.err.String())
		case <-limit:
			p.t.Fatalf("waited in vain for %s:\n%s\n%s", what, p.out.String(), p.err.String())
		}
	}
}

// end waits until the program has ended, at most for limit.
func (p *process) end(limit time.Duration) *result {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		p.t.Fatalf("it runs for more than %s:\n%s", limit, p.err.String())
	}
	p.code = p.cmd.ProcessState.ExitCode()
	return p.result
}
