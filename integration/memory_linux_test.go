package integration

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
	"replayd/integration/transcript"
)

var (
	memoryObjects = flag.Int("memory-objects", 40, "objects of the hour that TestMemory… reads; make memory takes 3,000")
	memoryLines   = flag.Int("memory-lines", 2400, "lines of 1,000 bytes in each; make memory takes 9,600")
)

// mode is how a replay of the hour is to go.
type mode struct {
	name   string
	memory int64 // MiB
	open   int   // limits.open_objects
	again  int   // objects that are read a second time, at least
	once   bool  // none is
}

// hourModes are modes of an hour that is short, or long.
func hourModes() []mode {
	if *memoryObjects >= 3000 {
		return []mode{
			{"1 GiB", 1024, 256, 100, false},
			{"1 GiB, all read twice that may be", 1024, 4000, 500, false},
			{"512 MiB", 512, 256, 100, false},
		}
	}
	return []mode{
		{"all in memory", 512, 256, 0, true},
		{"read twice", 64, 256, *memoryObjects / 4, false},
		{"spilled", 64, 2, 0, true},
		{"the least memory", 16, 256, 1, false},
	}
}

// TestMemoryOfAnHourOfOverlappingObjects reads an hour of objects that all reach over it, in each mode: what comes out is the same, and
// the process takes no more than its budget and 150 MiB.
func TestMemoryOfAnHourOfOverlappingObjects(t *testing.T) {
	t.Parallel()
	g := &generated{objects: *memoryObjects, packed: newPacked(t, *memoryLines)}
	g.begin(t)
	want := ""
	for _, m := range hourModes() {
		before := g.opened.Load()
		began := time.Now()
		c := g.cat(t, m)
		again := int(g.opened.Load()-before) - g.objects
		t.Logf("%s: %d objects of %.1f MB, %.1f GB raw: %d MiB resident of %d MiB, %d objects read twice, %.1f s, CPU %.1f s",
			m.name, g.objects, float64(g.packed.raw)/1e6, float64(g.packed.raw)*float64(g.objects)/1e9, c.resident>>20, m.memory, again,
			time.Since(began).Seconds(), c.cpu.Seconds())
		if want == "" {
			want = c.sum
		}
		if c.lines != int64(g.objects**memoryLines) || c.sum != want {
			t.Errorf("%s: %d events of %d, digest %s, want %s", m.name, c.lines, g.objects**memoryLines, c.sum, want)
		}
		if again < m.again || m.once && again > 0 {
			t.Errorf("%s: %d objects were read a second time", m.name, again)
		}
		if c.resident > (m.memory+150)<<20 {
			t.Errorf("%s: %d MiB were resident", m.name, c.resident>>20)
		}
	}
}

// printed is what replayd cat printed, and what it took.
type printed struct {
	sum      string
	lines    int64
	resident int64
	cpu      time.Duration
}

// hourOf are the arguments that name the hour of the bucket.
func (g *generated) hourOf(m mode) []string {
	return []string{
		"--archive", "s3://big/", "--s3-endpoint", g.URL, "--s3-region", "us-east-1", "--s3-path-style", "--layout", "jsonl", "--format", "jsonl",
		"--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01T12", "--for", "1h", "--memory", fmt.Sprintf("%dMiB", m.memory),
	}
}

func (g *generated) environ(m mode) []string {
	return append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s", "REPLAYD_LIMITS_OPEN_OBJECTS="+strconv.Itoa(m.open))
}

// cat prints the hour in some mode.
func (g *generated) cat(t *testing.T, m mode) printed {
	t.Helper()
	return cat(t, g.environ(m), g.hourOf(m)...)
}

// cat runs replayd cat to its end. Duplicates are not looked for: their index has a test of its own.
func cat(t *testing.T, env []string, of ...string) printed {
	t.Helper()
	cmd := exec.Command(program, append([]string{"cat", "--dedupe", "off", "--quiet", "--spill-dir", t.TempDir()}, of...)...)
	cmd.Env = env
	var log transcript.Transcript
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p, sum, buf := printed{}, sha256.New(), make([]byte, 1<<20)
	for {
		n, err := io.ReadFull(out, buf)
		_, _ = sum.Write(buf[:n])
		p.lines += int64(strings.Count(string(buf[:n]), "\n"))
		p.resident = max(p.resident, harness.PeakMemory(cmd.Process.Pid))
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	p.sum, p.cpu = hex.EncodeToString(sum.Sum(nil)), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	if p.resident == 0 {
		t.Fatal("the process does not tell its memory")
	}
	return p
}

// TestTopicAndReceiptAreTheSameInEveryMode produces the hour to a topic.
func TestTopicAndReceiptAreTheSameInEveryMode(t *testing.T) {
	t.Parallel()
	w := hazard{"objects that overlap and do not fit into memory", "read twice if they are in order, else spilled: the same comes out", 0, "produced"}
	g := &generated{objects: 30, packed: newPacked(t, 1500)}
	g.begin(t)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	var topic, counters string
	for i, m := range []mode{{"all in memory", 512, 256, 0, true}, {"read twice", 32, 256, 5, false}, {"spilled", 32, 2, 0, true}} {
		name, before := fmt.Sprintf("replay.mode-%d", i), g.opened.Load()
		st := &stage{kafka: k, env: g.environ(m)}
		args := []string{
			"run", "--brokers", k.Addr(), "-o", "json", "--topic", name, "--create-topic", "--partitions", "3", "--pace", "unlimited",
			"--allow", "overlap", "--spill-dir", t.TempDir(),
		}
		s := st.start(t, append(args, g.hourOf(m)...)...)
		r := s.ended(t, w.exit).receipt(t)
		if again := int(g.opened.Load()-before) - g.objects; again < m.again || m.once && again > 0 {
			t.Errorf("%s: %d objects were read a second time", m.name, again)
		}
		counts, err := json.Marshal(r.Counters)
		if err != nil {
			t.Fatal(err)
		}
		sums := map[int32]string{}
		st.consume(t, name, func(r *kgo.Record) {
			sum := sha256.Sum256(fmt.Append([]byte(sums[r.Partition]), r.Key, r.Value))
			sums[r.Partition] = hex.EncodeToString(sum[:])
		})
		if i == 0 {
			topic, counters = fmt.Sprint(sums), string(counts)
		}
		if r.Produced != int64(g.objects*1500) || string(counts) != counters || fmt.Sprint(sums) != topic {
			t.Errorf("%s: produced %d\n got %s %v\nwant %s %s", m.name, r.Produced, counts, sums, counters, topic)
		}
	}
}
