package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
	"replayd/replay/consumer"
)

// page is the code of a document: blocks by their kind.
type page struct{ blocks map[string][]string }

func consumersPage(t *testing.T) page {
	t.Helper()
	text, err := os.ReadFile("../docs/consumers.md")
	if err != nil {
		t.Fatal(err)
	}
	p := page{map[string][]string{}}
	for _, m := range regexp.MustCompile("(?ms)^```([^\n]*)\n(.*?\n)```$").FindAllStringSubmatch(string(text), -1) {
		p.blocks[m[1]] = append(p.blocks[m[1]], m[2])
	}
	return p
}

// consumers is the stage of docs/consumers.md: the replay that it speaks of, into a topic that other things stand in.
type consumers struct {
	kafka  *harness.Kafka
	client *kgo.Client
	folder string
	here   *strings.Replacer
	java   harness.JDK

	programs map[string]documented // by file
}

const (
	replayed = 300 // events of the document's replay
	earlier  = 90  // of an earlier one, which names no targets
	live     = 1
	topic    = "replay.payments"

	patience = 2 * time.Minute // with a program that takes seconds
)

// TestTheCodeForConsumersWorks runs each block of code in docs/consumers.md as it stands there.
func TestTheCodeForConsumersWorks(t *testing.T) {
	t.Parallel()
	java, _ := harness.Java(t), harness.Kcat(t)
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true}) // not shared: the document's names may be taken there
	c := &consumers{
		kafka: k, client: k.Client(t), folder: t.TempDir(), java: java,
		here: strings.NewReplacer("localhost:9092", k.Addr()), programs: map[string]documented{},
	}
	p := consumersPage(t)
	c.prepare(t)

	tested := map[string]int{"json": len(p.blocks["json"])} // by TestTheSchemaRefusesWhatIsNoStatus
	for _, block := range p.blocks["sh"] {
		c.commands(t, block)
		tested["sh"]++
	}
	tests := map[string]func(*testing.T, documented){
		"consume.go": c.consume, "done.go": c.done, "ReplayConsumer.java": c.replayConsumer, "ByEventTime.java": c.byEventTime,
	}
	for _, kind := range []string{"go", "java"} {
		for _, block := range p.blocks[kind] {
			d := documentedProgram(t, block)
			c.programs[d.file] = d
		}
	}
	for file, d := range c.programs {
		if tests[file] == nil {
			t.Fatalf("no test runs %s", file)
		}
		t.Run(file, func(t *testing.T) { tests[file](t, d) })
		tested[strings.TrimPrefix(filepath.Ext(file), ".")]++
	}
	for kind, blocks := range p.blocks {
		if tested[kind] != len(blocks) {
			t.Errorf("%d of %d blocks of kind %q were tested", tested[kind], len(blocks), kind)
		}
	}
}

// prepare writes the archive and fills the topic with what a consumer must cope with: a live record, a record of a
// transaction that was aborted, and another replay.
func (c *consumers) prepare(t *testing.T) {
	t.Helper()
	await(t, "groups to have their coordinator", func() bool { // a broker makes their topic when it is first asked
		for _, group := range []string{"ledger-replay", "mail-replay", "slow-replay"} {
			if _, err := kadm.NewClient(c.client).FetchOffsets(t.Context(), group); err != nil {
				return false
			}
		}
		return true
	})
	if err := os.Mkdir(filepath.Join(c.folder, "payments"), 0o755); err != nil {
		t.Fatal(err)
	}
	c.write(t, "payments/11.jsonl", paid(11, earlier))
	c.write(t, "payments/12.jsonl", paid(12, replayed)+paid(12, 1)) // one event twice
	c.write(t, "replayd.yaml", "kafka: {brokers: ['"+c.kafka.Addr()+"']}\n"+
		"archives:\n  payments: {url: ./payments, preset: jsonl, event_id: /id, event_time: /at, key: /account}\n")

	admin := kadm.NewClient(c.client)
	for _, name := range []string{topic, "payments.by-event-time"} {
		if _, err := admin.CreateTopic(t.Context(), 3, -1, nil, name); err != nil {
			t.Fatal(err)
		}
	}
	account := []byte("account-0")
	if err := c.client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: account, Value: []byte(`{"id":"live-0"}`)}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	c.abort(t, &kgo.Record{Topic: topic, Key: account, Value: []byte(`{"id":"aborted"}`)})
	c.commands(t, "replayd run --archive payments --from 2026-11-01T11 --for 1h --topic "+topic+" --allow live-topic --id payments-1100")
}

// paid are n events of an hour of 2026-11-01, as JSON lines.
func paid(hour, n int) string {
	var lines strings.Builder
	for i := range n {
		at := time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Hour / time.Duration(replayed))
		fmt.Fprintf(&lines, `{"id":"%d-%d","at":%q,"account":"account-%d","amount":%d}`+"\n", hour, i, at.Format(time.RFC3339), i%30, i)
	}
	return lines.String()
}

func (c *consumers) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.folder, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// abort produces r in a transaction that is not committed.
func (c *consumers) abort(t *testing.T, r *kgo.Record) {
	t.Helper()
	p := c.kafka.Client(t, kgo.TransactionalID("aborted"))
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := p.ProduceSync(t.Context(), r).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if err := p.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
}

// shell runs a line as the document's reader types it.
func (c *consumers) shell(t *testing.T, line string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir = c.folder
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(program)+string(os.PathListSeparator)+os.Getenv("PATH"))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s\n%v\n%s%s", line, err, out, stderr.String())
	}
	return string(out)
}

// awaitVisible waits for the last records of a replay that has ended: what is committed can be read some tenths of a
// second later.
func (c *consumers) awaitVisible(t *testing.T, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := c.kafka.Client(t, kgo.ConsumeTopics(topic, consumer.StatusTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	var seen consumer.Progress
	receipt := &consumer.Receipt{}
	for !seen.Done(receipt.Partitions) {
		for _, r := range client.PollFetches(ctx).Records() {
			seen.Processed(r)
			if r.Topic != consumer.StatusTopic || string(r.Key) != id {
				continue
			}
			status, err := consumer.ReadStatus(r.Value)
			if err != nil {
				t.Fatal(err)
			}
			receipt = status.Receipt
		}
		if ctx.Err() != nil {
			t.Fatalf("replay %s cannot be read to its end: %+v", id, seen.Open(receipt.Partitions))
		}
	}
}

// commands runs the lines of a block, waits for replays that they run, and looks at what kcat prints.
func (c *consumers) commands(t *testing.T, block string) {
	t.Helper()
	for line := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(block), "\\\n", ""), "\n") {
		out := c.shell(t, c.here.Replace(line))
		switch lines := strings.Split(strings.TrimSpace(out), "\n"); {
		case strings.HasPrefix(line, "replayd run "):
			c.awaitVisible(t, line[strings.LastIndex(line, " ")+1:])
		case strings.Contains(line, "grep"):
			if len(lines) != 1 {
				t.Fatalf("%s\nprints %d lines:\n%s", line, len(lines), out)
			}
			c.sameStatus(t, strings.TrimPrefix(lines[0], "payments-1200 "))
		case strings.HasPrefix(line, "kcat"):
			if len(lines) != replayed+earlier+live || strings.Count(out, "replay-id=payments-1200,") != replayed {
				t.Errorf("%s\nprints %d lines, the first is\n%s", line, len(lines), lines[0])
			}
		}
	}
}

// sameStatus holds the real record of the status topic against the schema and against the document's example.
func (c *consumers) sameStatus(t *testing.T, value string) {
	t.Helper()
	for _, wrong := range statusSchema(t).wrong([]byte(value)) {
		t.Errorf("the status of a replay: %s\n%s", wrong, value)
	}
	status, err := consumer.ReadStatus([]byte(value))
	if err != nil || status.Receipt == nil || status.Receipt.Produced != replayed {
		t.Fatalf("status %+v, %v", status, err)
	}
	shown, is := statusFields(t, consumersPage(t).blocks["json"][0]), statusFields(t, value)
	if !reflect.DeepEqual(shown, is) {
		t.Errorf("docs/consumers.md shows\n%v\nbut it is\n%v\n%s", shown, is, value)
	}
}

// statusFields is a status without what differs from run to run.
func statusFields(t *testing.T, text string) map[string]any {
	t.Helper()
	var status struct{ Receipt map[string]any }
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		t.Fatal(err)
	}
	delete(status.Receipt, "elapsed_seconds")
	for _, p := range status.Receipt["partitions"].([]any) {
		delete(p.(map[string]any), "start_offset") // by the number of commits
		delete(p.(map[string]any), "last_offset")
	}
	return status.Receipt
}

// documented is a program of the document, and how it says to run it.
type documented struct {
	file, name, code string
	args             []string
}

// documentedProgram reads the first line of a program: `// file.go does this: file some arguments`.
func documentedProgram(t *testing.T, code string) documented {
	t.Helper()
	m := regexp.MustCompile(`^// (\S+\.(?:go|java)) .*: (\S+) (.*)\n`).FindStringSubmatch(code)
	if m == nil {
		t.Fatalf("a program does not begin with how it is run:\n%s", code)
	}
	return documented{m[1], m[2], code, strings.Fields(m[3])}
}

// with replaces an argument.
func (d documented) with(old, replacement string) documented {
	args := make([]string, len(d.args))
	for i, arg := range d.args {
		args[i] = strings.Replace(arg, old, replacement, 1)
	}
	d.args = args
	return d
}

// start compiles a program and runs it.
func (c *consumers) start(t *testing.T, d documented) *session {
	t.Helper()
	folder := t.TempDir()
	source := filepath.Join(folder, d.file)
	if err := os.WriteFile(source, []byte(d.code), 0o600); err != nil {
		t.Fatal(err)
	}
	d = d.with("localhost:9092", c.kafka.Addr())
	s := &session{done: make(chan struct{})}
	if filepath.Ext(d.file) == ".java" {
		c.java.Compile(t, folder, source)
		s.cmd = c.java.Command(folder, d.name, d.args...)
	} else {
		built := filepath.Join(folder, d.name)
		buildGo(t, built, source, d.code)
		s.cmd = exec.Command(built, d.args...)
	}
	s.run(t)
	return s
}

// buildGo compiles a program as it would stand in this module, and sees to its form.
func buildGo(t *testing.T, built, source, code string) {
	t.Helper()
	if formatted, err := format.Source([]byte(code)); err != nil || string(formatted) != code {
		t.Fatalf("%s is not formatted as gofmt does it: %v", source, err)
	}
	for _, args := range [][]string{{"vet", source}, {"build", "-o", built, source}} {
		if out, err := exec.Command("go", args...).CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
}

// prints waits until a running program has printed a text.
func (s *session) prints(t *testing.T, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !strings.Contains(s.out.String(), text) {
		select {
		case <-tick.C:
		case <-s.done:
			t.Fatalf("ended without %q:\n%s%s", text, s.out.String(), s.err.String())
		case <-limit:
			t.Fatalf("does not print %q:\n%s%s", text, s.out.String(), s.err.String())
		}
	}
}

// endsWith sends a signal, if there is one, and wants exit code 0 and a last line.
func (s *session) endsWith(t *testing.T, signal syscall.Signal, line string) {
	t.Helper()
	if signal != 0 {
		_ = s.cmd.Process.Signal(signal)
	}
	code := s.wait(t, patience)
	if out := s.out.String(); code != 0 || !strings.HasSuffix(out, line+"\n") {
		t.Errorf("exit %d, last line not %q:\n%s%s", code, line, out, s.err.String())
	}
}

// consume stores everything that is meant for its group, acts on the live record alone, and is not told of aborted ones.
func (c *consumers) consume(t *testing.T, d documented) {
	waiting := c.programs["done.go"]
	for group, stored := range map[string]int{"ledger-replay": replayed + earlier + live, "mail-replay": earlier + live} {
		s := c.start(t, d.with("ledger-replay", group))
		c.start(t, waiting.with("ledger-replay", group)).endsWith(t, 0, "partitions left: 0")
		s.endsWith(t, syscall.SIGTERM, strconv.Itoa(stored)+" events are stored")
		if mails := strings.Count(s.out.String(), "mail about"); mails != live {
			t.Errorf("group %s: %d mails:\n%s", group, mails, s.out.String())
		}
	}
}

// done waits for a group that has not consumed anything, and ends once it has.
func (c *consumers) done(t *testing.T, d documented) {
	d = d.with("ledger-replay", "slow-replay")
	s := c.start(t, d)
	s.prints(t, "completed "+strconv.Itoa(replayed)+"\npartitions left: 3\n")
	ends, err := kadm.NewClient(c.client).ListEndOffsets(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	if err := kadm.NewClient(c.client).CommitAllOffsets(t.Context(), "slow-replay", ends.Offsets()); err != nil {
		t.Fatal(err)
	}
	s.endsWith(t, 0, "partitions left: 0")
}

// replayConsumer ends by itself.
func (c *consumers) replayConsumer(t *testing.T, d documented) {
	s := c.start(t, d)
	s.endsWith(t, 0, strconv.Itoa(replayed+earlier+live)+" events are stored")
	if mails := strings.Count(s.out.String(), "mail about"); mails != live {
		t.Errorf("%d mails:\n%s", mails, s.out.String())
	}
	c.start(t, d.with("search-replay", "mail-replay-java")).endsWith(t, 0, strconv.Itoa(earlier+live)+" events are stored")
}

// byEventTime copies each record with the time of its event.
func (c *consumers) byEventTime(t *testing.T, d documented) {
	s := c.start(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	client := c.kafka.Client(t, kgo.ConsumeTopics(d.args[2]), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	for n := 0; n < replayed+earlier+live; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%d records came:\n%s%s", n, s.out.String(), s.err.String())
		}
		for _, r := range fetches.Records() {
			n++
			if strings.Contains(string(r.Value), "aborted") {
				t.Fatalf("%s was copied", r.Value)
			}
			want, isReplay := consumer.EventTime(r)
			if isReplay && !r.Timestamp.Equal(want) || !isReplay && time.Since(r.Timestamp) > time.Hour {
				t.Fatalf("%s has the time %s: %v", r.Value, r.Timestamp, r.Headers)
			}
		}
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	if code := s.wait(t, patience); code != 143 { // 128 + SIGTERM, as the JVM ends
		t.Errorf("exit %d:\n%s", code, s.err.String())
	}
}
