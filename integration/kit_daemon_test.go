package integration

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"replayd/integration/harness"
	"replayd/replay/api"
)

// daemonOn is a daemon of a stage, and what talks to it. Another one may begin at its address when it has ended.
type daemonOn struct {
	*session
	api.Service
	stage   *stage
	address string
	url     string
}

// place is where a daemon of the stage will answer. There is none yet.
func (st *stage) place(t *testing.T) *daemonOn {
	t.Helper()
	d := &daemonOn{stage: st, address: fmt.Sprint("127.0.0.1:", harness.FreePort(t))}
	d.url = "http://" + d.address
	var err error
	if d.Service, err = api.NewClient(api.ClientOptions{URL: d.url}); err != nil {
		t.Fatal(err)
	}
	return d
}

// daemon starts one at a port of its own. The stage's topic is its target.
func (st *stage) daemon(t *testing.T) *daemonOn {
	t.Helper()
	d := st.place(t)
	d.begin(t)
	d.ready(t)
	return d
}

// begin starts the daemon's process.
func (d *daemonOn) begin(t *testing.T) {
	t.Helper()
	d.session = d.stage.start(t, "serve", "-c", d.stage.config, "--listen", d.address, "--log-format", "json")
}

// ready waits until the daemon can do its work.
func (d *daemonOn) ready(t *testing.T) {
	t.Helper()
	await(t, "the daemon to be ready", func() bool {
		r, err := d.Ready(t.Context())
		return err == nil && r.Ready
	})
}

// kill ends the daemon by SIGKILL. It returns when it is gone.
func (d *daemonOn) kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// stop ends the daemon as a supervisor does.
func (d *daemonOn) stop(t *testing.T) int {
	t.Helper()
	_ = d.cmd.Process.Signal(os.Interrupt)
	return d.wait(t, time.Minute)
}

// sound fails the test when the daemon has met what it should not have survived.
func (d *daemonOn) sound(t *testing.T) {
	t.Helper()
	for _, word := range []string{"fatal error", "panic:"} {
		if text := d.err.String(); strings.Contains(text, word) {
			t.Fatalf("the daemon at %s:\n%s", d.address, text)
		}
	}
}

// until waits for a replay to stand as it should.
func (d *daemonOn) until(t *testing.T, id, what string, so func(r api.Replay) bool) api.Replay {
	t.Helper()
	var last api.Replay
	await(t, what, func() bool {
		r, err := d.Replay(t.Context(), id)
		if err == nil {
			last = r
		}
		return err == nil && so(r)
	})
	return last
}

// targeted adds targets to the configuration.
func (st *stage) targeted(t *testing.T, topics ...string) {
	t.Helper()
	text, err := os.ReadFile(st.config)
	if err != nil {
		t.Fatal(err)
	}
	more := "targets:\n"
	for _, topic := range topics {
		more += fmt.Sprintf("  %s: {archives: [test]}\n", topic)
	}
	if err := os.WriteFile(st.config, append(text, more...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// targets are n stages of the same archive, each with a topic of its own, which are targets of the daemons.
func (st *stage) targets(t *testing.T, n int) []*stage {
	t.Helper()
	stages, topics := make([]*stage, n), make([]string, n)
	for i := range n {
		topics[i] = fmt.Sprintf("%s.%d", st.topic, i)
		other := *st
		other.topic = topics[i]
		stages[i] = &other
	}
	st.targeted(t, topics...)
	return stages
}

// asking is what starts the stage's replay.
func (st *stage) asking(id, pace string) api.Start {
	p := st.plan
	return api.Start{
		ID: id, Archive: "test", WindowOn: p.WindowOn, From: p.From.Format(time.RFC3339Nano), To: p.To.Format(time.RFC3339Nano),
		Topic: st.topic, CreateTopic: true, Partitions: st.parts, Headers: []string{"source"}, MaxBad: "100%", Pace: pace,
	}
}
