package integration

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"replayd/archive/archivetest"
	"replayd/integration/harness"
	"replayd/replay"
	"replayd/replay/api"
)

// TestADaemonIsKilledAndAnotherCarriesOn is the story of a night: started by curl, paused, the daemon killed, another one on the
// same topics; it is still paused, resumed, made faster, and finished.
func TestADaemonIsKilledAndAnotherCarriesOn(t *testing.T) {
	t.Parallel()
	k := harness.StartKafka(t, harness.KafkaOptions{Control: true})
	plan := archivetest.Big()
	plan.Events = 60_000
	st := newStage(t, k, nil, plan)
	st.targeted(t, st.topic)
	first := st.daemon(t)

	body, err := json.Marshal(st.asking("", "2000/s"))
	if err != nil {
		t.Fatal(err)
	}
	post := func() (int, api.Replay) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, first.url+"/v1/replays", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "INC-1234")
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var r api.Replay
		if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, r
	}
	status, r := post()
	again, same := post()
	if status != http.StatusCreated || again != http.StatusOK || r.ID == "" || same.ID != r.ID {
		t.Fatalf("answered %d with %s, and then %d with %s", status, r.ID, again, same.ID)
	}
	id := r.ID
	first.until(t, id, "it to produce", func(r api.Replay) bool { return r.Progress != nil && r.Progress.Produced > 1000 })
	if _, err := first.Pause(t.Context(), id, api.Act{Reason: "the consumer is behind"}); err != nil {
		t.Fatal(err)
	}
	first.until(t, id, "it to be paused", func(r api.Replay) bool { return r.State == replay.Paused })
	first.kill()

	second := st.daemon(t)
	if r, err := second.Replay(t.Context(), id); err != nil || r.State != replay.Paused || !strings.Contains(r.Reason, "the consumer is behind") {
		t.Fatalf("behind the kill it is %+v, %v", r, err)
	}
	if _, err := second.Resume(t.Context(), id, api.Resume{Act: api.Act{Reason: "the consumer is back"}}); err != nil {
		t.Fatal(err)
	}
	second.until(t, id, "it to run", func(r api.Replay) bool { return r.State == replay.Running })
	if _, err := second.SetPace(t.Context(), id, api.Pace{Pace: "unlimited"}); err != nil {
		t.Fatal(err)
	}
	second.until(t, id, "its end", func(r api.Replay) bool { return r.State.Terminal() })
	receipt, err := second.Receipt(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	st.sameCounts(t, receipt)
	st.verify(t, id)
	if receipt.Sessions < 2 {
		t.Errorf("%d sessions", receipt.Sessions)
	}
	acts, err := second.Audit(t.Context(), api.AuditQuery{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, a := range acts.Items {
		told = append(told, strings.Join(strings.Fields(strings.Join([]string{a.Act, a.Phase, a.Result, a.Pace, a.Reason}, " ")), " "))
		if a.User != "anonymous" || a.Topic == "" || a.Archive == "" || a.Window == nil {
			t.Errorf("the audit does not tell who did it, or to what: %+v", a)
		}
	}
	if want := []string{
		"start intent 2000/s", "start outcome done 2000/s",
		"pause intent the consumer is behind", "pause outcome done the consumer is behind",
		"resume intent the consumer is back", "resume outcome done the consumer is back",
		"pace intent unlimited", "pace outcome done unlimited",
	}; !slices.Equal(want, told) {
		t.Errorf("the audit tells %q, want %q", told, want)
	}
	if code := second.stop(t); code != 0 {
		t.Errorf("the daemon ended with %d", code)
	}
}
