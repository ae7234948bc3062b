package bench

import (
	"flag"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
)

var (
	rounds = flag.Int("rounds", 1, "how often each comparison is run; make bench takes more")
	events = flag.Int("events", 5_000, "in the archives; make bench takes more")
	full   = flag.Bool("full", false, "all that takes minutes, too: make bench")
	pages  = flag.Bool("write", false, "put the tables into docs/performance.md, and what benchstat takes into docs/performance.bench")
	out    = flag.String("out", "", "folder for performance.md and performance.bench")
)

var (
	plain = shape{archivetest.FormatJSON, archivetest.CodecNone}
	zstd  = shape{archivetest.FormatJSON, archivetest.CodecZstd}
	gzip  = shape{archivetest.FormatJSON, archivetest.CodecGzip}

	lines     = shape{archivetest.FormatLines, archivetest.CodecNone}
	linesZstd = shape{archivetest.FormatLines, archivetest.CodecZstd}
	linesGzip = shape{archivetest.FormatLines, archivetest.CodecGzip}
)

// measuring is one measurement: programs, archives that were written, a broker, and what came of it.
type measuring struct {
	programs
	*report
	t      *testing.T
	kafka  *harness.Kafka
	stocks map[shape]*stock
	topics int
}

func (m *measuring) stock(s shape) *stock {
	m.t.Helper()
	if m.stocks[s] == nil {
		m.stocks[s] = write(m.t, s, *events)
	}
	return m.stocks[s]
}

// broker starts when it is needed: what one core does is measured while none runs.
func (m *measuring) broker() *harness.Kafka {
	m.t.Helper()
	if m.kafka == nil {
		m.kafka = harness.StartKafka(m.t, harness.KafkaOptions{Measured: true})
	}
	return m.kafka
}

// warm runs both kinds of producers once: the first to meet a new broker pays for its compiler.
func (m *measuring) warm() {
	m.t.Helper()
	m.rivalInKafka("floor", plain)
	m.replay(plain)
}

// partitions are those of the topics.
const partitions = 6

// inTopic calls run with a new topic, which is deleted when it returns: a broker that keeps all rounds would be slower in the
// last of them.
func (m *measuring) inTopic(run func(brokers, topic string) cost) cost {
	m.t.Helper()
	k := m.broker()
	admin := kadm.NewClient(k.Client(m.t))
	name := m.topic(admin)
	c := run(k.Addr(), name)
	if _, err := admin.DeleteTopic(m.t.Context(), name); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// topic makes a topic and waits until the broker knows it: the controller, which makes it, is ahead of the broker.
func (m *measuring) topic(admin *kadm.Client) string {
	m.t.Helper()
	m.topics++
	name := fmt.Sprintf("bench.%d", m.topics)
	if _, err := admin.CreateTopic(m.t.Context(), partitions, 1, nil, name); err != nil {
		m.t.Fatal(err)
	}
	for again := time.NewTicker(20 * time.Millisecond); ; <-again.C {
		known, err := admin.ListTopics(m.t.Context(), name)
		if err != nil {
			m.t.Fatal(err)
		}
		if topic := known[name]; topic.Err == nil && len(topic.Partitions) == partitions {
			return name
		}
	}
}

func (m *measuring) replay(s shape, args ...string) cost {
	m.t.Helper()
	return m.inTopic(func(brokers, topic string) cost {
		return m.run(m.stock(s), brokers, topic, append(args, "--pace", "unlimited")...).start(m.t).end(m.t)
	})
}

// compare runs both in turn, and adds a row.
func (m *measuring) compare(our, their string, s shape, ours, theirs func() cost, bounds ...bound) {
	m.t.Helper()
	st := m.stock(s)
	c := &comparison{our: our, their: their, shape: s.String(), path: s.path(), bounds: bounds}
	for range *rounds {
		a, b := ours(), theirs()
		if a.Events != st.entries || b.Events != st.entries {
			m.t.Fatalf("%s had %d events, %s %d, the archive %d", our, a.Events, their, b.Events, st.entries)
		}
		if a.rate() <= 0 || b.rate() <= 0 || a.CPU <= 0 || b.CPU <= 0 || b.Bytes == 0 {
			m.t.Fatalf("%s and %s took nothing: %+v, %+v", our, their, a, b)
		}
		a.Bytes = b.Bytes // of the archive, duplicates and all
		c.ours, c.theirs = append(c.ours, a), append(c.theirs, b)
	}
	m.add(c)
	m.t.Log(strings.TrimSpace(c.row()))
}

// engine compares all of a replay but Kafka with the usual way to read an archive, on one core.
func (m *measuring) engine(s shape, rate float64) {
	m.compare("engine", "encoding/json", s,
		func() cost { return m.rival(m.t, m.stock(s), "engine", 1) },
		func() cost { return m.rival(m.t, m.stock(s), "decoder", 1) }, bound{"rate", rate})
}

func (m *measuring) rivalInKafka(name string, s shape) cost {
	return m.inTopic(func(brokers, topic string) cost {
		return m.rival(m.t, m.stock(s), name, runtime.NumCPU(), "-brokers", brokers, "-topic", topic)
	})
}

// floor compares a replay with the least that could do the job.
func (m *measuring) floor(s shape, bounds ...bound) {
	m.compare("replay", "floor", s, func() cost { return m.replay(s) }, func() cost { return m.rivalInKafka("floor", s) }, bounds...)
}

// bare compares a replay with a producer that has all records in memory.
func (m *measuring) bare(s shape, bounds ...bound) {
	m.compare("replay", "bare", s, func() cost { return m.replay(s) }, func() cost { return m.rivalInKafka("bare", s) }, bounds...)
}

// TestTable runs every comparison and prints the table of what replayd is to hold. Without flags it is a short form, which
// shows that all programs see the same events.
func TestTable(t *testing.T) {
	p := programs{build(t, "replayd/cmd/replayd"), build(t, "replayd/integration/bench/rivals")}
	m := &measuring{programs: p, report: newReport(), t: t, stocks: map[shape]*stock{}}
	fmt.Fprintf(&m.text, "Measured %s.\n\n%s", machine(*rounds, *events), tableHead)
	m.engine(plain, 7)
	m.engine(zstd, 4)
	m.engine(gzip, 2.5)
	m.library()
	if *full {
		m.warm()
	}
	m.floor(plain, bound{"rate", 0.9}, bound{"CPU", 1.2})
	if *full {
		m.floor(lines, bound{"CPU", 1.7})
		m.floor(linesZstd, bound{"CPU", 1.5})
	}
	m.floor(linesGzip, bound{"CPU", 1.3})
	m.bare(plain, bound{"rate", 0.6})
	m.others()
	m.stages()
	m.save(t, *out)
	if *pages {
		m.publish(t)
	}
	t.Logf("\n%s\n%s", m.text.String(), m.stat.String())
}
