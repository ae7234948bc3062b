package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"replayd/config"
	"replayd/replay/api"
	"replayd/replay/metrics"
)

// TestADaemonNamesEveryWrongFieldInOneAnswer: those that its document's schemas refuse, and those that only it can tell. Each stands
// there once, nothing is started, and the audit holds nothing of it.
func TestADaemonNamesEveryWrongFieldInOneAnswer(t *testing.T) {
	t.Parallel()
	desk, _ := newDesk(t, targetX)
	a := desk.app
	a.config.Server = config.Default().Server
	a.config.Server.Listen, a.config.Server.RequireReason = "127.0.0.1:0", true
	m := metrics.New("v1.2.3", a.log)
	d, err := a.newDaemon(t.Context(), desk.cluster, nil, m)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	served := httptest.NewServer(d.server)
	defer served.Close()
	until(t, "the topics to be read", d.view.Whole)
	long := strings.Repeat("/k", 600)
	for _, c := range []struct{ path, body, want string }{
		{"replays", `{"archive":"a","from":"yesterday","for":"4h","topic":"x","on_bad":"maybe","reason":"why"}`, "body.from body.on_bad"},
		{"plan", `{"archive":"a","from":"yesterday","for":"4h","topic":"x","on_bad":"maybe"}`, "body.from body.on_bad"},
		{"replays", `{"archive":"b","from":"2026-11-01","to":"2026-11-02","topic":"x","dedupe":"no","compression":"zip","pace":"fast"}`, "body.archive body.compression body.dedupe body.pace body.reason"},
		{"replays", `{"archive":"a","from":"2026-11-01","topic":"x","limit":"5","headers":["why"],"reason":"why"}`, "body.headers body.limit body.to"},
		{"replays", `{"from":5,"to":"2026-11-02","on_late":"never","event_id":"id","reason":"why"}`, "body.archive body.event_id body.from body.on_late body.topic"},
		{"replays", `{"archive":"a","from":"yesterday","topic":"x","reason":"why"}`, "body.from body.to"},
		{"replays", `{"archive":"a","topic":"x","key":"` + long + `","horizon":"` + long + `","targets":["` + long + `"],"pace":"` + long + `","reason":"why"}`, "body.from body.horizon body.key body.pace body.targets[0] body.to"},
		{"replays", `{"archive":"a","from":"2026-11-01","for":"4h","topic":"x","partitions":-1,"unheard":1,"reason":"why"}`, "body.partitions body.unheard"},
		{"replays", `{"archive":"a","from":"2026-11-01","for":"4h","topic":"x","id":"no spaces","ramp":"soon","limit":-1,"reason":"two\nlines"}`, "body.id body.limit body.ramp body.reason"},
	} {
		answer, err := http.Post(served.URL+"/v1/"+c.path, "application/json", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		p := api.Problem{}
		if err := errors.Join(json.NewDecoder(answer.Body).Decode(&p), answer.Body.Close()); err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, e := range p.Errors {
			fields = append(fields, e.Location)
		}
		slices.Sort(fields)
		if got := strings.Join(fields, " "); answer.StatusCode != http.StatusUnprocessableEntity || got != c.want {
			t.Errorf("%s %s: %d\n%s\nwant %s: %+v", c.path, c.body, answer.StatusCode, got, c.want, p)
		}
	}
	if audit, err := d.manager.Audit(t.Context(), api.AuditQuery{}); err != nil || len(audit.Items) != 0 {
		t.Errorf("the audit holds %+v, %v", audit.Items, err)
	}
	if page, err := d.manager.Replays(t.Context(), api.Query{}); err != nil || len(page.Items) != 0 {
		t.Errorf("started: %+v, %v", page.Items, err)
	}
}
