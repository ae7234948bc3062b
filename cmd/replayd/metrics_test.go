package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/metrics"
)

// TestADaemonTellsPrometheusWhatItDoes runs a replay at a daemon on the in-process broker, and scrapes it.
func TestADaemonTellsPrometheusWhatItDoes(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t, targetX)
	a := desk.app
	a.config.Server.Listen = "127.0.0.1:0"
	m := metrics.New("v1.2.3", a.log)
	cluster, err := a.connect(t.Context(), &replayFlags{}, m.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	d, err := a.newDaemon(t.Context(), cluster, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		d.close()
	}()
	url := "http://" + d.listen.Addr().String()
	c, err := api.NewClient(api.ClientOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	until(t, "the daemon to be ready", func() bool {
		r, err := c.Ready(t.Context())
		return err == nil && r.Ready
	})
	s := asking()
	s.ID = "r"
	if _, _, err := c.Start(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	until(t, "the replay's end", func() bool {
		r, err := c.Replay(t.Context(), "r")
		return err == nil && r.State == replay.Completed
	})
	var told string
	var missing []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("not told: %q", missing)
		}
	})
	until(t, "all of it to be told", func() bool {
		told, missing = scrape(t, url), nil
		for _, want := range []string{
			`version="v1.2.3"} 1`, "replayd_ready 1", "replayd_control_topics_ready 1", "replayd_work_parts_owned 64", "replayd_sessions 0",
			`replayd_replays{owner="daemon",state="completed"} 1`, `replayd_events_total{outcome="produced"} 3`, "replayd_sessions_started_total 1",
			`replayd_sessions_ended_total{outcome="over"} 1`, "replayd_commit_failures_total 0", `operation="startReplay",status="2xx",le="+Inf"} 1`,
			"replayd_kafka_produce_records_total", "go_goroutines",
		} {
			if !strings.Contains(told, want) {
				missing = append(missing, want)
			}
		}
		return missing == nil
	})
	if strings.Contains(told, "replayd_replay_info") {
		t.Error("a replay that has ended is told of one by one")
	}
}

// TestTheMetricSaysWhatReadyzSays of a daemon that never had the keys of its issuer, and of one that stops: an alert is of the metric.
func TestTheMetricSaysWhatReadyzSays(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t, targetX)
	a := desk.app
	a.config.Server.Listen = "127.0.0.1:0"
	p := newProvider(t)
	auth, err := api.NewAuthenticator(api.AuthOptions{OIDC: &api.OIDCOptions{Issuer: p.server.URL, KeysURL: p.server.URL + "/keys", Audience: "replayd"}}, a.log)
	if err != nil {
		t.Fatal(err)
	}
	m := metrics.New("v1.2.3", a.log)
	cluster, err := a.connect(t.Context(), &replayFlags{}, m.Client())
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	d, err := a.newDaemon(t.Context(), cluster, auth, m)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.run(ctx) }()
	says := func(want string) {
		t.Helper()
		probe, scraped := httptest.NewRecorder(), httptest.NewRecorder()
		d.server.ServeHTTP(probe, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/readyz", nil))
		m.ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		if probe.Code != http.StatusServiceUnavailable || !strings.Contains(probe.Body.String(), want) || !strings.Contains(scraped.Body.String(), "replayd_ready 0\n") {
			t.Errorf("/readyz says %d %s, and the metric is not 0: it is scraped as %d", probe.Code, probe.Body, scraped.Code)
		}
	}
	until(t, "all but the keys to be there", func() bool {
		r, err := d.manager.Ready(t.Context())
		return err == nil && r.Ready
	})
	says("the keys of the identity provider")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	says("the daemon is stopping")
}

// until waits for something that a daemon does in its own time.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.NewTimer(time.Minute)
	defer late.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-look.C:
		case <-late.C:
			t.Fatal("waited in vain for", what)
		}
	}
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%d, %v: %s", r.StatusCode, err, text)
	}
	return string(text)
}
