package integration

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay/api"
)

// callers are those of one daemon, and the tokens that they show.
type callers struct {
	*daemonOn
	tokens map[string]string // by role; "none", "wrong" and "expired" are no logins
}

// TestADaemonAmongBadCallersAndRecords has one real daemon that asks who is there, and one replay, which goes on through
// all of it: requests that are wrong, a thousand watchers, records in the config topic that are none of ours. What a request can
// have wrong in itself is tested in replay/api.
func TestADaemonAmongBadCallersAndRecords(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{})
	st := newStage(t, k, nil, archivetest.Plan{Seed: *seed, Events: 3_000, MeanSize: 700, Odds: archivetest.Everyday()})
	stages := st.targets(t, 2)
	c := newCallers(t, st)
	if status, text := c.ask(t, "admin", http.MethodPost, "/v1/replays", stages[0].asking("r", "20/s")); status != http.StatusCreated {
		t.Fatal(status, text)
	}
	t.Run("requests", c.badRequests)
	t.Run("logins", c.badLogins)
	t.Run("watchers", c.watchers)
	t.Run("records", func(t *testing.T) { c.records(t, k) })
	c.produces(t, "r")
	if _, err := c.SetPace(t.Context(), "r", api.Pace{Pace: "unlimited"}); err != nil {
		t.Fatal(err)
	}
	c.until(t, "r", "its end", func(r api.Replay) bool { return r.State.Terminal() })
	stages[0].verify(t, "r")
	t.Run("a deleted topic", func(t *testing.T) { c.deleted(t, k, stages[0]) })
}

// newCallers starts a daemon with a token for each role.
func newCallers(t *testing.T, st *stage) *callers {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens.yaml")
	c := &callers{tokens: map[string]string{"none": "", "wrong": "rpd_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}
	for role, more := range map[string][]string{"viewer": nil, "operator": nil, "admin": nil, "expired": {"--expires", "1ms"}} {
		args := append([]string{"token", "new", role, "--append", file, "--role", strings.Replace(role, "expired", "admin", 1)}, more...)
		s := st.start(t, args...)
		if code := s.wait(t, time.Minute); code != 0 {
			t.Fatalf("token new: exit %d:\n%s", code, s.err.String())
		}
		c.tokens[role] = strings.TrimSpace(s.out.String())
	}
	st.env = append(st.env, "REPLAYD_SERVER_AUTH_TOKENS_FILE="+file)
	c.daemonOn = st.place(t)
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte(c.tokens["admin"]), 0o600); err != nil {
		t.Fatal(err)
	}
	var err error
	if c.Service, err = api.NewClient(api.ClientOptions{URL: c.url, TokenFile: secret}); err != nil {
		t.Fatal(err)
	}
	c.begin(t)
	c.ready(t)
	return c
}

// ask sends a request with somebody's token and returns the answer.
func (c *callers) ask(t *testing.T, who, method, path string, body any) (int, string) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header.Set("Content-Type", "application/json")
	if token := c.tokens[who]; token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(answer)
}

// badRequests are those that only a daemon with an archive and a cluster can tell to be wrong.
func (c *callers) badRequests(t *testing.T) {
	soon := time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339)
	right := c.stage.asking("new", "20/s")
	right.Topic = c.stage.topic + ".1"
	for name, bad := range map[string]struct {
		change func(*api.Start)
		status int
		says   string
	}{
		"a window in the future":          {func(s *api.Start) { s.From, s.To, s.For = soon, "", "1h" }, 422, "begins in the future"},
		"a window that ends first":        {func(s *api.Start) { s.From, s.To = s.To, s.From }, 422, "body.from"},
		"a time that is none":             {func(s *api.Start) { s.From = "2026-13-45" }, 422, "body.from"},
		"an end and a length":             {func(s *api.Start) { s.For = "1h" }, 422, "for"},
		"an archive that is not there":    {func(s *api.Start) { s.Archive = "other" }, 422, "body.archive"},
		"a topic that is no target":       {func(s *api.Start) { s.Topic = "payments" }, 403, "not-allowed"},
		"another replay under that id":    {func(s *api.Start) { s.ID = "r" }, 409, "exists already"},
		"a control topic for a target":    {func(s *api.Start) { s.Topic = "replayd.config" }, 403, "internal-topic"},
		"a plan that is not what is here": {func(s *api.Start) { s.Plan = strings.Repeat("0", 32) }, 422, "archive-change"},
	} {
		t.Run(name, func(t *testing.T) {
			s := right
			bad.change(&s)
			if status, text := c.ask(t, "admin", http.MethodPost, "/v1/replays", s); status != bad.status || !strings.Contains(text, bad.says) {
				t.Errorf("answered %d: %s", status, text)
			}
		})
	}
	if status, text := c.ask(t, "admin", http.MethodGet, "/v1/replays/new", nil); status != http.StatusNotFound {
		t.Errorf("one was started: %d %s", status, text)
	}
}

// badLogins are told apart, denied, and audited.
func (c *callers) badLogins(t *testing.T) {
	for who, want := range map[string]int{"none": 401, "wrong": 401, "expired": 401, "viewer": 403, "operator": 404} {
		if status, text := c.ask(t, who, http.MethodPost, "/v1/replays/unknown/pause", api.Act{}); status != want {
			t.Errorf("%s: %d %s", who, status, text)
		}
	}
	if status, text := c.ask(t, "operator", http.MethodDelete, "/v1/replays/r", nil); status != http.StatusForbidden {
		t.Errorf("an operator forgets: %d %s", status, text)
	}
	await(t, "the denials to be audited", func() bool {
		status, text := c.ask(t, "admin", http.MethodGet, "/v1/audit?limit=1000", nil)
		return status == http.StatusOK && strings.Contains(text, `"denied"`) && strings.Contains(text, "viewer") && strings.Contains(text, "operator")
	})
}

const (
	watching  = 1_000
	streamsOf = 1_000      // of one caller, for whom the daemon has places; it has those of two
	perStream = 128 << 10  // bytes of the daemon's memory
	spared    = 64 << 20   // of them for what else it does meanwhile
	listening = "data: {"  // that which each event has
	waiting   = "\r\n\r\n" // behind the head of an answer
)

// watchers are a thousand, of whom one never reads, and then as many of two callers as have no place.
func (c *callers) watchers(t *testing.T) {
	before := c.resident(t)
	lazy := c.watch(t, "viewer")
	defer lazy.Close()
	var all sync.WaitGroup
	for range watching - 1 {
		conn := c.watch(t, "viewer")
		all.Go(func() {
			defer conn.Close()
			if err := conn.SetReadDeadline(time.Now().Add(2 * time.Minute)); err != nil {
				t.Error(err)
				return
			}
			lines := bufio.NewScanner(conn)
			lines.Buffer(nil, 1<<20)
			for seen := 0; lines.Scan(); {
				if strings.HasPrefix(lines.Text(), listening) {
					seen++
				}
				if seen == 5 { // how all stands, and what has changed since
					return
				}
			}
			t.Errorf("a watcher was left: %v", lines.Err())
		})
	}
	all.Wait()
	if used := c.resident(t) - before; used > watching*perStream+spared {
		t.Errorf("%d watchers take %d bytes", watching, used)
	} else {
		t.Logf("%d watchers take %d MiB at most", watching, used>>20)
	}
	c.crowd(t, "viewer", " 429 ")
	c.crowd(t, "operator", " 503 ")
	if status, _ := c.ask(t, "viewer", http.MethodGet, "/v1/replays/r", nil); status != http.StatusOK {
		t.Errorf("with all places taken another request is answered %d", status)
	}
}

// crowd has one caller take more streams than one may, until the test ends: some are refused, and so.
func (c *callers) crowd(t *testing.T, who, refused string) {
	t.Helper()
	var crowd []net.Conn
	for range streamsOf + 10 {
		crowd = append(crowd, c.watch(t, who))
	}
	answers := map[string]int{}
	for _, conn := range crowd {
		if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			line = err.Error()
		}
		switch {
		case strings.Contains(line, refused):
			answers[refused]++
		case strings.Contains(line, " 200 "):
			answers[" 200 "]++
		default:
			t.Errorf("%s is answered %q", who, line)
		}
	}
	if answers[refused] < 10 || answers[" 200 "] == 0 {
		t.Errorf("%s is answered %v", who, answers)
	}
}

// watch asks for events and reads nothing.
func (c *callers) watch(t *testing.T, who string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Minute}).DialContext(t.Context(), "tcp", c.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprintf(conn, "GET /v1/events HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s%s", c.address, c.tokens[who], waiting); err != nil {
		t.Fatal(err)
	}
	return conn
}

// resident is the most memory that the daemon has had, in bytes.
func (c *callers) resident(t *testing.T) int64 {
	t.Helper()
	peak := harness.PeakMemory(c.cmd.Process.Pid)
	if peak == 0 {
		t.Fatal("the daemon does not tell its memory")
	}
	return peak
}

// records puts what is foreign, corrupt or newer into the config topic: it is ignored, or the trouble of one replay, which is told.
func (c *callers) records(t *testing.T, k *harness.Kafka) {
	client := k.Client(t)
	for key, value := range map[string]string{
		"what/is/this": "{}", "spec/newer/x": `{"version":2}`, "spec/broken/x": "\x00\xff{", "wish/nobody": `{"version":1,"state":"cancelled"}`,
	} {
		r := &kgo.Record{Topic: "replayd.config", Key: []byte(key), Value: []byte(value)}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for id, says := range map[string]string{"newer": "a newer replayd", "broken": "overwritten with what is not replayd's"} {
		c.until(t, id, id+" to be told of", func(r api.Replay) bool { return r.State == "failed" && strings.Contains(r.Reason, says) })
		if _, err := c.Cancel(t.Context(), id, api.Act{}); err == nil {
			t.Errorf("%s can be cancelled", id)
		}
	}
	if r, err := c.Ready(t.Context()); err != nil || !r.Ready {
		t.Errorf("it is not ready: %v, %v", r.Reasons, err)
	}
	if _, err := c.Replay(t.Context(), "nobody"); err == nil {
		t.Error("a wish alone is a replay")
	}
}

// deleted takes the topic away that says what replays there are: neither this daemon nor the next begins one that is known at zero.
func (c *callers) deleted(t *testing.T, k *harness.Kafka, of *stage) {
	if _, err := kadm.NewClient(k.Client(t)).DeleteTopic(t.Context(), "replayd.config"); err != nil {
		t.Fatal(err)
	}
	await(t, "the daemon to say so", func() bool {
		r, err := c.Ready(t.Context())
		return err == nil && !r.Ready && slices.ContainsFunc(r.Reasons, func(why string) bool { return strings.Contains(why, "replayd.config was deleted") })
	})
	again := of.asking("r", "20/s")
	if status, text := c.ask(t, "admin", http.MethodPost, "/v1/replays", again); status < 400 {
		t.Errorf("answered %d: %s", status, text)
	}
	c.kill()
	c.sound(t)
	c.begin(t)
	c.ready(t)
	c.until(t, "r", "r to be known as lost", func(r api.Replay) bool { return r.State == "failed" && strings.Contains(r.Reason, "restart: ") })
	status, text := c.ask(t, "admin", http.MethodPost, "/v1/replays", again)
	if status != http.StatusConflict {
		t.Errorf("started anew: %d %s", status, text)
	}
	if err := c.Forget(t.Context(), "r", api.Act{Reason: "it is lost"}); err != nil {
		t.Fatal(err)
	}
	if status, text = c.ask(t, "admin", http.MethodPost, "/v1/replays", again); status != http.StatusUnprocessableEntity || !strings.Contains(text, "twice") {
		t.Errorf("forgotten and started anew: %d %s", status, text)
	}
}
