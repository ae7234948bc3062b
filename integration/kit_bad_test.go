package integration

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/integration/transcript"
	"replayd/replay"
)

// hazard is a line of the tables in docs/reliability.md, as in the tests of cmd/replayd, which hold the document against
// these too: an input, what happens to it, the exit code of replayd run, and where the receipt counts it.
type hazard struct {
	input, happens string
	exit           int
	counted        string
}

// again is the same stage with a topic of its own for each test, so that tests share broker, S3 server and archive.
func (st *stage) again(t *testing.T) *stage {
	c := *st
	c.topic = "replay." + strings.NewReplacer("/", ".", " ", "-", "#", "-").Replace(strings.ToLower(t.Name()))
	return &c
}

// id is a name for the replay of a test.
func (st *stage) id() string { return strings.TrimPrefix(st.topic, "replay.") }

// first are the flags of a replay's first session.
func (st *stage) first(more ...string) []string {
	return st.how(st.id(), append(st.what(), append([]string{"--allow", "overlap"}, more...)...)...)
}

// ended waits for the end of s, which must have this code and say these words.
func (s *session) ended(t *testing.T, code int, words ...string) *session {
	t.Helper()
	s.wait(t, time.Minute)
	return s.saw(t, code, words...)
}

// saw is ended for a session that has been waited for.
func (s *session) saw(t *testing.T, code int, words ...string) *session {
	t.Helper()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("exit %d, want %d:\n%s", got, code, s.err.String())
	}
	for _, w := range words {
		if !strings.Contains(s.err.String(), w) {
			t.Errorf("stderr does not say %q:\n%s", w, s.err.String())
		}
	}
	return s
}

// told runs the command that s printed to continue, with more flags.
func (st *stage) told(t *testing.T, s *session, more ...string) *session {
	t.Helper()
	_, line, ok := strings.Cut(s.err.String(), "Continue with: replayd ")
	if !ok {
		t.Fatalf("stderr names no command that continues:\n%s", s.err.String())
	}
	line, _, _ = strings.Cut(line, "\n")
	return st.start(t, append(append(strings.Fields(line), "-o", "json"), more...)...)
}

// complete checks that a replay has ended well: the oracle's counts, the oracle's topic.
func (st *stage) complete(t *testing.T, s *session) replay.Receipt {
	t.Helper()
	code := 0
	if st.oracle.Receipt.Quarantined > 0 {
		code = 3
	}
	s.ended(t, code)
	r := s.receipt(t)
	st.sameCounts(t, r)
	st.verify(t, st.id())
	return r
}

// door is a proxy before an S3 server that can refuse or break requests.
type door struct {
	*httptest.Server
	rule  atomic.Pointer[func(http.ResponseWriter, *http.Request) bool]
	asked atomic.Int64 // requests that a rule answered
}

// newDoor stands before s from now on: what learns the endpoint later goes through it.
func newDoor(t *testing.T, s *harness.S3) *door {
	t.Helper()
	behind, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	d := &door{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = behind.Scheme, behind.Host
		r.Out.Host = r.In.Host // which the signature covers
	}, ErrorLog: log.New(io.Discard, "", 0)}
	d.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rule := d.rule.Load(); rule != nil && (*rule)(w, r) {
			d.asked.Add(1)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(d.Close)
	s.Endpoint = d.URL
	return d
}

// set makes rule answer the requests for which it returns true; nil lets all pass.
func (d *door) set(rule func(http.ResponseWriter, *http.Request) bool) {
	d.asked.Store(0)
	if rule == nil {
		d.rule.Store(nil)
		return
	}
	d.rule.Store(&rule)
}

// listing reports whether r asks for keys rather than for an object.
func listing(r *http.Request) bool { return r.URL.Query().Has("list-type") }

// answer is an error as S3 writes it.
func answer(w http.ResponseWriter, status int, code string) bool {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0"?><Error><Code>%s</Code><Message>said by the test</Message></Error>`, code)
	return true
}

// smallPlan is an archive of some seconds of work.
func smallPlan() archivetest.Plan {
	return archivetest.Plan{Seed: 11, Events: 6000, MeanSize: 900, FlushBytes: 200_000, Odds: archivetest.Everyday()}
}

// command runs replayd once.
func command(t *testing.T, env []string, args ...string) (code int, stderr string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(cmd.Environ(), env...)
	var out transcript.Transcript
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
