package integration

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/zeebo/xxh3"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/integration/transcript"
	"replayd/replay"
)

// program is the built replayd.
var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "replayd-integration-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(folder, "replayd")
	if out, err := exec.Command("go", "build", "-o", program, "replayd/cmd/replayd").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build replayd: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(folder)
	os.Exit(code)
}

// stage is an archive on S3 or in a folder, a cluster, and the flags that replay one into the other.
type stage struct {
	kafka  *harness.Kafka
	binary string // of replayd; empty: the one of this tree
	plan   archivetest.Plan
	oracle *archivetest.Oracle
	env    []string
	folder string // that holds the archive
	url    string
	config string
	topic  string
	parts  int32
}

// newStage writes the archive of plan p and the configuration that reads it. It goes to a real S3 server when one is
// given, else to a folder.
func newStage(t *testing.T, k *harness.Kafka, s *harness.S3, p archivetest.Plan) *stage {
	t.Helper()
	a := archivetest.Generate(p)
	st := &stage{kafka: k, plan: a.Plan, oracle: a.Oracle(), parts: 6, config: filepath.Join(t.TempDir(), "replayd.yaml")}
	st.topic = "replay." + strings.NewReplacer("/", ".", " ", "-", "#", "-").Replace(strings.ToLower(t.Name()))
	s3 := ""
	if s == nil {
		st.folder = t.TempDir()
		st.url = st.folder
	} else {
		st.folder, st.url = s.Dir, "s3://"+s.Bucket
		st.env = []string{"AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey}
		s3 = fmt.Sprintf("    s3: {endpoint: %q, region: %s, path_style: true}\n", s.Endpoint, s.Region)
	}
	if err := a.Write(st.folder); err != nil {
		t.Fatal(err)
	}
	layout := st.plan.Layout
	if layout == archivetest.LayoutHive {
		layout = "dt=%Y-%m-%d/hr=%H/"
	}
	text := fmt.Sprintf(`kafka: {brokers: ["%s"]}
archives:
  test:
    url: %q
    layout: %q
    format: %s
    event_id: /event_id
    event_time: /timestamp
    arrival: /arrival_epoch
    key: /data/account_id
    volatile: [/arrival_epoch]
    lateness: %s
    horizon: %s
    slack: "%s,%s"
%slimits: {event_size: %d, spill_dir: %q}
`, k.Addr(), st.url, layout, st.plan.Format, st.plan.Lateness, st.plan.Horizon, st.plan.SlackBefore, st.plan.SlackAfter,
		s3, st.plan.EventLimit, t.TempDir())
	if err := os.WriteFile(st.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return st
}

// what are the flags that say what is replayed.
func (st *stage) what() []string {
	p := st.plan
	return []string{
		"--archive", "test", "--window-on", p.WindowOn,
		"--from", p.From.Format(time.RFC3339Nano), "--to", p.To.Format(time.RFC3339Nano),
		"--topic", st.topic, "--create-topic", "--partitions", strconv.Itoa(int(st.parts)), "--headers", "source",
	}
}

// how are the flags of every session.
func (st *stage) how(id string, more ...string) []string {
	return append([]string{"run", "--id", id, "-c", st.config, "-o", "json", "--max-bad", "100%"}, more...)
}

// session is one running replayd.
type session struct {
	cmd      *exec.Cmd
	out, err transcript.Transcript
	done     chan struct{} // closed when it has ended
}

// start runs replayd with arguments.
func (st *stage) start(t *testing.T, args ...string) *session {
	t.Helper()
	s := &session{cmd: exec.Command(cmp.Or(st.binary, program), args...), done: make(chan struct{})}
	s.cmd.Env = append(os.Environ(), st.env...)
	s.run(t)
	return s
}

// run starts the session's program.
func (s *session) run(t *testing.T) {
	t.Helper()
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // ProcessState tells
	}()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
}

// wait returns the exit code, -1 for a process that was killed.
func (s *session) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		_ = s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.done
		t.Fatalf("%s runs for more than %s:\n%s", s.cmd.Path, limit, s.err.String())
		return 0
	}
}

// receipt is the last line of the output.
func (s *session) receipt(t *testing.T) replay.Receipt {
	t.Helper()
	var r replay.Receipt
	lines := bufio.NewScanner(strings.NewReader(s.out.String()))
	lines.Buffer(nil, 10<<20)
	for lines.Scan() {
		var kind struct{ Type string }
		if json.Unmarshal(lines.Bytes(), &kind) == nil && kind.Type == "receipt" {
			if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
				t.Fatal(err)
			}
			return r
		}
	}
	t.Fatalf("no receipt in the output; stderr:\n%s", s.err.String())
	return r
}

// replayed runs a session to its end and returns its receipt. Bad entries make the exit code 3.
func (st *stage) replayed(t *testing.T, args []string) replay.Receipt {
	t.Helper()
	s := st.start(t, args...)
	code := s.wait(t, 5*time.Minute)
	want := 0
	if st.oracle.Receipt.Quarantined > 0 {
		want = 3
	}
	if code != want {
		t.Fatalf("exit %d, want %d:\n%s", code, want, s.err.String())
	}
	return s.receipt(t)
}

// print of an event: what a consumer must see of it, in 64 bits.
func printOf(key, value []byte, hasKey bool, id, flags, eventTime, source string) uint64 {
	h := xxh3.New()
	for _, part := range [][]byte{key, value, fmt.Append(nil, hasKey), []byte(id), []byte(flags), []byte(eventTime), []byte(source)} {
		_, _ = h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		_, _ = h.Write(part)
	}
	return h.Sum64()
}

// verify reads the topic as a consumer does and holds every record against the oracle: each event once, ascending in each
// partition, its key, value and tags right, in the partition that its key chooses.
func (st *stage) verify(t *testing.T, id string) {
	t.Helper()
	want := []uint64{0}
	for v := range st.oracle.Produced() {
		e := v.Event()
		want = append(want, printOf(e.Key, e.Value, e.Key != nil, string(e.ID), v.Flags, fmt.Sprint(time.Unix(0, e.Time).UnixMilli()), v.Position.String()))
	}
	seen := make([]bool, len(want))
	last := map[int32]int64{}
	n := 0
	st.consume(t, st.topic, func(r *kgo.Record) {
		tags := map[string]string{}
		for _, h := range r.Headers {
			tags[h.Key] = string(h.Value)
		}
		seq, err := strconv.ParseInt(tags["replay-seq"], 10, 64)
		if err != nil || tags["replay-id"] != id || seq < 1 || int(seq) >= len(want) {
			t.Fatalf("partition %d offset %d: tags %v", r.Partition, r.Offset, tags)
		}
		got := printOf(r.Key, r.Value, r.Key != nil, tags["replay-event-id"], tags["replay-flags"], tags["replay-event-time"], tags["replay-source"])
		switch {
		case seen[seq]:
			t.Fatalf("event %d stands twice", seq)
		case seq <= last[r.Partition]:
			t.Fatalf("partition %d: event %d behind %d", r.Partition, seq, last[r.Partition])
		case got != want[seq]:
			t.Fatalf("event %d is not the oracle's: key %q, tags %v, value %s", seq, r.Key, tags, r.Value)
		}
		if p := partitionOf(r.Key, []byte(tags["replay-event-id"]), r.Value, st.parts); r.Partition != p {
			t.Fatalf("event %d is in partition %d, its key %q belongs into %d", seq, r.Partition, r.Key, p)
		}
		seen[seq], last[r.Partition] = true, seq
		n++
	})
	if n != len(want)-1 {
		t.Fatalf("the topic holds %d events, the oracle wants %d", n, len(want)-1)
	}
}

// partitionOf is where a record belongs: by its key, else its id, else its value.
func partitionOf(key, id, value []byte, n int32) int32 {
	switch {
	case key != nil:
	case len(id) > 0:
		key = id
	default:
		key = value
	}
	return int32(murmur2(key)&0x7fffffff) % n
}

// murmur2 is org.apache.kafka.common.utils.Utils.murmur2, written down from there.
func murmur2(data []byte) uint32 {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data) * m
		h = h*m ^ (k^k>>r)*m
	}
	for i := len(data) - 1; i >= 0; i-- {
		h ^= uint32(data[i]) << (8 * i)
		if i == 0 {
			h *= m
		}
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// consume reads all committed records of a topic up to its present end.
func (st *stage) consume(t *testing.T, topic string, each func(*kgo.Record)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ends, err := kadm.NewClient(st.kafka.Client(t)).ListEndOffsets(ctx, topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	from, open := map[int32]kgo.Offset{}, map[int32]int64{}
	for p, end := range ends[topic] {
		if end.Offset > 0 {
			from[p], open[p] = kgo.NewOffset().AtStart(), end.Offset
		}
	}
	client := st.kafka.Client(t, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	for len(open) > 0 {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("topic %s: not all could be read: %v", topic, open)
		}
		for _, r := range fetches.Records() {
			if !r.Attrs.IsControl() {
				each(r)
			}
			if r.Offset+1 >= open[r.Partition] {
				delete(open, r.Partition)
			}
		}
	}
}

// sameCounts holds a receipt against the oracle's, and against the schema that others read it by.
func (st *stage) sameCounts(t *testing.T, r replay.Receipt) {
	t.Helper()
	if !r.Balanced() {
		t.Errorf("the receipt does not balance: %+v", r.Counters)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range append(st.oracle.Receipt.Differences(text), statusSchema(t).ofReceipt().wrong(text)...) {
		t.Error(d)
	}
}
