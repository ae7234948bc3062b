package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/integration/harness"
)

// generated is a bucket whose objects are made while they are read: lines of one length, so that any byte of any object is
// found without keeping one.
type generated struct {
	*httptest.Server
	objects int
	folder  string                                // before the number that is an object's name
	lines   int64                                 // of each object
	length  int64                                 // of each line
	line    func(object int, n int64, dst []byte) // writes one
	packed  *packed                               // compressed objects in place of lines; nil: none
	listed  atomic.Int64                          // pages
	opened  atomic.Int64                          // requests for objects
}

func (g *generated) begin(t *testing.T) {
	t.Helper()
	g.Server = httptest.NewUnstartedServer(http.HandlerFunc(g.serve))
	g.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		_ = c.(*net.TCPConn).SetWriteBuffer(128 << 10) // a store's buffers are not on the machine that reads
		return ctx
	}
	g.Start()
	t.Cleanup(g.Close)
}

func (g *generated) size() int64 {
	if g.packed != nil {
		return g.packed.size
	}
	return g.lines * g.length
}

func (g *generated) serve(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("list-type") == "2" {
		g.list(w, r.URL.Query())
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/big/"+g.folder)
	object, err := strconv.Atoi(name)
	if !ok || err != nil || object >= g.objects {
		answer(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	g.opened.Add(1)
	from := int64(0)
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
	w.Header().Set("ETag", `"e"`)
	w.Header().Set("Last-Modified", time.Unix(1_793_620_800, 0).UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Length", strconv.FormatInt(g.size()-from, 10))
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, g.size()-1, g.size()))
	if r.Header.Get("Range") != "" {
		w.WriteHeader(http.StatusPartialContent)
	}
	g.write(w, object, from)
}

// write is the object from a byte on.
func (g *generated) write(w io.Writer, object int, from int64) {
	if g.packed != nil {
		_, _ = g.packed.write(&skipping{w, from}, object) // an error is that whoever asked has gone
		return
	}
	line := make([]byte, g.length)
	for n := from / g.length; n < g.lines; n++ {
		g.line(object, n, line)
		if _, err := w.Write(line[from%g.length:]); err != nil {
			return // whoever asked has gone
		}
		from = 0
	}
}

// list is a page of a thousand.
func (g *generated) list(w io.Writer, q url.Values) {
	g.listed.Add(1)
	first, _ := strconv.Atoi(q.Get("continuation-token"))
	last := min(first+1000, g.objects)
	fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult><EncodingType>%s</EncodingType><IsTruncated>%t</IsTruncated><NextContinuationToken>%d</NextContinuationToken>`, q.Get("encoding-type"), last < g.objects, last)
	for i := first; i < last; i++ {
		fmt.Fprintf(w, `<Contents><Key>%s%06d</Key><Size>%d</Size><ETag>"e"</ETag><LastModified>2026-11-02T12:00:00.000Z</LastModified></Contents>`, url.QueryEscape(g.folder), i, g.size())
	}
	_, _ = io.WriteString(w, `</ListBucketResult>`)
}

// replayed replays the hour after noon of the bucket in a process that may have so many files open, and returns the
// session and the most memory it had resident, in bytes.
func (g *generated) replayed(t *testing.T, k *harness.Kafka, files int, topic string) (*session, int64) {
	t.Helper()
	args := []string{
		"run", "--brokers", k.Addr(), "-o", "json", "--archive", "s3://big/", "--s3-endpoint", g.URL, "--s3-region", "us-east-1", "--s3-path-style",
		"--layout", "jsonl", "--format", "jsonl", "--event-id", "/id", "--event-time", "/t", "--from", "2026-11-01T12", "--for", "1h",
		"--topic", topic, "--create-topic", "--partitions", "1", "--pace", "unlimited", "--memory", "64MiB", "--spill-dir", t.TempDir(),
	}
	script := fmt.Sprintf(`ulimit -n %d && exec "$0" "$@"`, files)
	s := &session{cmd: exec.Command("sh", append([]string{"-c", script, program}, args...)...), done: make(chan struct{})}
	s.cmd.Env = append(s.cmd.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=s")
	s.cmd.Stdout, s.cmd.Stderr = &s.out, &s.err
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() })
	go func() {
		defer close(s.done)
		_ = s.cmd.Wait() // ProcessState tells
	}()
	resident, ticks := int64(0), time.NewTicker(20*time.Millisecond)
	defer ticks.Stop()
	for late := time.After(5 * time.Minute); ; {
		select {
		case <-s.done:
			if resident == 0 {
				t.Fatal("the process does not tell its memory")
			}
			return s, resident
		case <-ticks.C:
			resident = max(resident, harness.PeakMemory(s.cmd.Process.Pid))
		case <-late:
			s.wait(t, 0)
		}
	}
}

const (
	// mostResident is what --memory 64MiB may come to, with all that a process has beside its budget.
	mostResident = (64 + 150) << 20

	// perOpenObject is what an object costs beside the budget while it is open to the merge: its names and places, the
	// head of its run, a small buffer; all of it twice, before a collection.
	perOpenObject = 3 << 10
)

// TestAnObjectOfFiveGigabytes reads one of 5 GiB, most of which lies outside the window.
func TestAnObjectOfFiveGigabytes(t *testing.T) {
	t.Parallel()
	w := hazard{"an object of 5 GB", "read once, in bounded memory, without a copy on disk", 0, "produced"}
	const length = 64 << 10
	pad := strings.Repeat("p", length)
	g := &generated{objects: 1, lines: 5 << 30 / length, length: length}
	const inside = 1000 // every so many lines
	g.line = func(_ int, n int64, dst []byte) {
		at := "2026-11-01T11:00:00.000Z"
		if n%inside == 0 {
			at = time.Date(2026, 11, 1, 12, 0, 0, int(n)*1e6%1e9, time.UTC).Add(time.Duration(n/1000) * time.Second).Format("2006-01-02T15:04:05.000Z")
		}
		head := copy(dst, fmt.Sprintf(`{"id":"%010d","t":"%s","p":"`, n, at))
		if dst[length-2] != '}' { // the rest of the line is always the same
			copy(dst[head:], pad)
			copy(dst[length-3:], "\"}\n")
		}
	}
	g.begin(t)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	s, resident := g.replayed(t, k, 1024, "replay.large")
	r := s.saw(t, w.exit).receipt(t)
	want := (g.lines + inside - 1) / inside
	if r.Produced != want || r.Read != g.lines || r.Outside != g.lines-want || r.Bytes != 5<<30 || !r.Balanced() {
		t.Errorf("produced %d of %d, read %d of %d, %d bytes", r.Produced, want, r.Read, g.lines, r.Bytes)
	}
	if n := g.opened.Load(); n != 1 {
		t.Errorf("opened %d times", n)
	}
	t.Logf("%d MiB resident, %.1f s", resident>>20, r.ElapsedSeconds)
	if resident > mostResident {
		t.Errorf("%d MiB were resident", resident>>20)
	}
}

// TestFiftyThousandObjectsOfOneHour all reach over the whole hour, so that all of them have to be open to the merge before
// the first event goes out.
func TestFiftyThousandObjectsOfOneHour(t *testing.T) {
	t.Parallel()
	w := hazard{"50,000 objects in an hour, all of which overlap", "listed page by page; spilled to a few files, in bounded memory", 0, "produced"}
	const length = 150
	g := &generated{objects: 50_000, lines: 2, length: length}
	g.line = func(object int, n int64, dst []byte) {
		at := time.Date(2026, 11, 1, 12, 0, object%1800+int(n)*1800, 0, time.UTC)
		line := fmt.Sprintf(`{"id":"%06d-%d","t":"%s","p":"`, object, n, at.Format(time.RFC3339))
		copy(dst, line+strings.Repeat("p", length-len(line)-3)+"\"}\n")
	}
	g.begin(t)
	k := harness.StartKafka(t, harness.KafkaOptions{})
	s, resident := g.replayed(t, k, 100, "replay.many")
	r := s.saw(t, w.exit).receipt(t)
	if r.Produced != 100_000 || r.Objects != 50_000 || !r.Balanced() {
		t.Errorf("produced %d from %d objects", r.Produced, r.Objects)
	}
	if pages := g.listed.Load(); pages < 100 || pages > 120 { // once for what lies in cold storage, once to read it
		t.Errorf("listed in %d pages", pages)
	}
	t.Logf("%d MiB resident, %.1f s", resident>>20, r.ElapsedSeconds)
	if most := int64(mostResident + 50_000*perOpenObject); resident > most {
		t.Errorf("%d MiB were resident", resident>>20)
	}
	seen, last := map[string]bool{}, ""
	(&stage{kafka: k}).consume(t, "replay.many", func(r *kgo.Record) {
		var e struct{ ID, T string }
		if err := json.Unmarshal(r.Value, &e); err != nil || e.T < last || seen[e.ID] {
			t.Fatalf("event %q of %s stands behind %s, or twice: %v", e.ID, e.T, last, err)
		}
		seen[e.ID], last = true, e.T
	})
	if len(seen) != 100_000 {
		t.Errorf("the topic holds %d events", len(seen))
	}
}

// TestNamesOnS3ThatAreNoPaths has objects whose names lead upwards, and one whose name a terminal would obey.
func TestNamesOnS3ThatAreNoPaths(t *testing.T) {
	t.Parallel()
	w := hazard{"names on S3 with `..`, `//`, spaces, plus signs and control characters", "read like others: a name is never a path on this machine", 0, "produced"}
	k := harness.StartKafka(t, harness.KafkaOptions{})
	for i, folder := range []string{"../../../../tmp/", "a//./..//", "a b+c%20d/", "\x1b[2J\n\x01/"} {
		const length = 100
		g := &generated{objects: 3, lines: 2, length: length, folder: folder}
		g.line = func(object int, n int64, dst []byte) {
			line := fmt.Sprintf(`{"id":"%d-%d","t":"2026-11-01T12:00:00Z","p":"`, object, n)
			copy(dst, line+strings.Repeat("p", length-len(line)-3)+"\"}\n")
		}
		g.begin(t)
		s, _ := g.replayed(t, k, 1024, fmt.Sprintf("replay.names-%d", i))
		if r := s.saw(t, w.exit).receipt(t); r.Produced != 6 || r.Objects != 3 || !r.Balanced() {
			t.Errorf("%q: produced %d from %d objects", folder, r.Produced, r.Objects)
		}
		if strings.Contains(s.err.String(), "\x1b") {
			t.Errorf("the terminal obeys %q", folder)
		}
	}
}
