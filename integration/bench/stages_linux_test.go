package bench

import (
	"fmt"
	"maps"
	"math"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// stage is a part of the way of an event, by the functions that do its work.
type stage struct {
	name      string
	functions []string // a function belongs to the first stage that names its beginning
}

// stages in the order of the way. The stage of a sample is that of the innermost function of its stack that any of them
// names; so what a stage calls of the standard library, and the memory that it takes, is its own.
var stages = []stage{
	{"decompress", []string{
		"github.com/klauspost/compress/gzip.", "github.com/klauspost/compress/flate.", "github.com/klauspost/compress/zstd.",
		"github.com/klauspost/compress/huff0.", "github.com/klauspost/compress/fse.",
		"replayd/archive/format.(*Decoder)", "replayd/archive/format.(*source)",
	}},
	{"extract and hash", []string{
		"github.com/zeebo/xxh3.", "replayd/archive/format.(*fields)", "replayd/archive/format.textOf", "replayd/archive/format.idPart",
		"replayd/archive/format.unescape", "replayd/archive.ParseTime", "replayd/archive.plain", "replayd/archive.two",
		"replayd/archive.fractionOf", "replayd/archive.offsetOf",
	}},
	{"walk", []string{"replayd/archive/format."}},
	{"spill", []string{"replayd/replay/shelf."}},
	{"merge", []string{"replayd/replay/merge."}},
	{"dedupe", []string{"replayd/replay/dedupe."}},
	{"pace", []string{"replayd/replay/pace."}},
	{"tag", []string{"replayd/replay.(*chunker)", "replayd/replay.(*tagger)", "replayd/replay.(*slab)", "replayd/replay.route", "replayd/replay/kafka.partition"}},
	{"produce: compress", []string{kgoPackage + "(*compressor)", kgoPackage + "(*streamCompressor)"}},
	{"produce: encode", []string{
		kgoPackage + "(*produceRequest)", kgoPackage + "(*seqRecBatch)", kgoPackage + "seqRecBatch", kgoPackage + "(*recBatch)", kgoPackage + "recBatch",
		kgoPackage + "(*promisedNumberedRecord)", kgoPackage + "promisedNumberedRecord", "github.com/twmb/franz-go/pkg/kbin.",
	}},
	{"produce: send", []string{kgoPackage + "(*broker"}},
	{"produce: buffer", []string{"github.com/twmb/franz-go/"}},
	{"commit", []string{"replayd/replay/kafka."}},
	{"judge", []string{"replayd/replay."}},
	{"read", []string{"replayd/archive/dir.", "replayd/archive/s3.", "replayd/archive.", "github.com/aws/"}},
	{"garbage collection", []string{
		"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.gcDrain", "runtime.gcStart", "runtime.bgsweep", "runtime.bgscavenge", "runtime.sweepone",
	}},
}

const kgoPackage = "github.com/twmb/franz-go/pkg/kgo."

// other is what belongs to no stage: the scheduler, waiting, the start of the program.
const other = "other"

func stageOf(function string) (string, bool) {
	for _, s := range stages {
		for _, f := range s.functions {
			if strings.HasPrefix(function, f) {
				return s.name, true
			}
		}
	}
	return "", false
}

// sharesOf are the shares of the stages in the stacks that go tool pprof -traces prints, innermost function first: blocks
// behind lines of dashes, whose first line begins with the time.
func sharesOf(traces string) map[string]float64 {
	shares, all := map[string]float64{}, 0.0
	blocks := strings.Split(traces, "-----------+-------------------------------------------------------\n")
	for _, block := range blocks[1:] {
		var took time.Duration
		name := other
		for line := range strings.Lines(block) {
			words := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), " (inline)"))
			if len(words) == 2 && took == 0 {
				took, _ = time.ParseDuration(words[0])
			}
			if len(words) == 0 {
				continue
			}
			if s, ok := stageOf(words[len(words)-1]); ok {
				name = s
				break
			}
		}
		shares[name] += took.Seconds()
		all += took.Seconds()
	}
	for name := range shares {
		shares[name] /= all
	}
	return shares
}

// profiled is what an event cost, and where that went.
type profiled struct {
	name   string
	cost   float64 // µs of the processor an event
	shares map[string]float64
}

// shares are those of the stages in some profiles together.
func (m *measuring) shares(profiles []string) map[string]float64 {
	m.t.Helper()
	if len(profiles) == 0 {
		return nil
	}
	printed, err := exec.Command("go", append([]string{"tool", "pprof", "-traces"}, profiles...)...).Output()
	if err != nil {
		m.t.Fatalf("go tool pprof -traces %s: %v", profiles, err)
	}
	return sharesOf(string(printed))
}

// engineStages are of the engine on one core.
func (m *measuring) engineStages(s shape) profiled {
	m.t.Helper()
	var costs []cost
	var profiles []string
	for range *rounds {
		path := filepath.Join(m.t.TempDir(), "engine.prof")
		costs = append(costs, m.rival(m.t, m.stock(s), "engine", 1, "-profile", path))
		profiles = append(profiles, path)
	}
	return profiled{"engine, " + s.codec, median(costs, cost.cpu), m.shares(profiles)}
}

// replayStages are of replays into Kafka. How long one takes, so that a profile ends before it does, is known from one
// without.
func (m *measuring) replayStages(s shape) profiled {
	m.t.Helper()
	var costs []cost
	var profiles []string
	for range *rounds {
		before := m.replay(s)
		costs = append(costs, before)
		seconds := int(before.Seconds / 2)
		if seconds < 1 {
			continue // too few events
		}
		m.inTopic(func(brokers, topic string) cost {
			r := m.run(m.stock(s), brokers, topic, "--pace", "unlimited", "--pprof", "127.0.0.1:0").start(m.t)
			if file, ok := r.profile(m.t, seconds); ok {
				profiles = append(profiles, file)
			}
			return r.end(m.t)
		})
	}
	return profiled{"replay, " + s.codec, median(costs, cost.cpu), m.shares(profiles)}
}

// stages prints what each microsecond of an event goes to.
func (m *measuring) stages() {
	m.t.Helper()
	columns := []profiled{m.engineStages(plain), m.engineStages(zstd), m.engineStages(gzip)}
	if *full {
		columns = append(columns, m.replayStages(plain), m.replayStages(gzip))
	}
	columns = slices.DeleteFunc(columns, func(p profiled) bool { return p.shares == nil })
	fmt.Fprintf(&m.text, "\nCPU of an event of %.0f bytes, in µs (engine: one core, into nothing; replay: %d cores, into Kafka, start included):\n\n%s",
		m.eventSize(), runtime.NumCPU(), breakdown(columns))
}

// eventSize is the mean of the events.
func (m *measuring) eventSize() float64 {
	c := m.rival(m.t, m.stock(plain), "engine", 1)
	return float64(c.Bytes) / float64(c.Events)
}

// breakdown is a table of stages by profiles.
func breakdown(columns []profiled) string {
	var b strings.Builder
	head, rule, all := "| stage |", "|---|", "| all |"
	for _, c := range columns {
		head += " " + c.name + " |"
		rule += "---:|"
		all += fmt.Sprintf(" %.2f |", c.cost)
	}
	fmt.Fprintf(&b, "%s\n%s\n", head, rule)
	names := []string{}
	for _, s := range stages {
		names = append(names, s.name)
	}
	for _, name := range append(names, other) {
		row, some := "| "+name+" |", false
		for _, c := range columns {
			row += fmt.Sprintf(" %.2f |", c.shares[name]*c.cost)
			some = some || c.shares[name]*c.cost >= 0.005
		}
		if some {
			b.WriteString(row + "\n")
		}
	}
	b.WriteString(all + "\n")
	return b.String()
}

func TestStagesOfStacks(t *testing.T) {
	const traces = `File: rivals
Type: cpu
-----------+-------------------------------------------------------
      30ms   runtime.memmove
             replayd/archive/format.(*buffer).more (inline)
             replayd/archive/format.(*jsonScanner).Next
             replayd/replay/merge.(*Merger).work
-----------+-------------------------------------------------------
      10ms   internal/runtime/syscall.Syscall6
             os.(*File).Read
             replayd/archive.(*body).Read
             github.com/klauspost/compress/flate.(*decompressor).moreBits
-----------+-------------------------------------------------------
      40ms   runtime.scanObject
             runtime.gcDrain
             runtime.gcBgMarkWorker.func2
-----------+-------------------------------------------------------
      20ms   runtime.futex
             runtime.findRunnable
             runtime.schedule
`
	want := map[string]float64{"walk": 0.3, "read": 0.1, "garbage collection": 0.4, other: 0.2}
	got := sharesOf(traces)
	for name := range got {
		got[name] = math.Round(got[name]*1000) / 1000
	}
	if !maps.Equal(got, want) {
		t.Errorf("shares are %v, want %v", got, want)
	}
	text := breakdown([]profiled{{name: "engine", cost: 2, shares: want}})
	for _, row := range []string{"| walk | 0.60 |", "| garbage collection | 0.80 |", "| other | 0.40 |", "| all | 2.00 |"} {
		if strings.Count(text, row+"\n") != 1 {
			t.Errorf("the breakdown has not one row %s:\n%s", row, text)
		}
	}
}
