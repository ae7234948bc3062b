package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"replayd/replay/api"
)

// TestAReplayThatMayNotBeSeenIsNotNamed to who reads another archive and writes the same topic: neither where theirs waits behind
// it, nor where it refuses theirs, be it forgotten, nor where its Idempotency-Key is used.
func TestAReplayThatMayNotBeSeenIsNotNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	anna, _ := b.person(tokens, "anna", "admin")
	ben, bens := b.person(tokens, "ben", "operator", "--archives", "b")
	d := b.serve("  b: {url: '" + b.folder + "', layout: jsonl, format: json, event_id: /id, event_time: /t}\n" +
		targetX + "server: {auth: {tokens_file: '" + tokens + "'}}\n")
	told := ""
	as := func(file string, code int, says string, args ...string) *result {
		t.Helper()
		r := d.replayd(append(args, "--token-file", file)...).want(code, says)
		if file == ben {
			told += r.out.String() + r.err.String()
		}
		return r
	}
	window := []string{"--from", "2026-11-01", "--for", "24h", "--topic", "x"}
	start := func(more ...string) []string {
		return append(append([]string{"start"}, window...), more...)
	}
	as(anna, exitOK, "", start("--archive", "a", "--id", "secret-1", "--pace", "5/s", "--create-topic")...)
	d.until("it has begun", func() bool {
		return strings.Contains(as(anna, exitOK, "", "show", "secret-1", "-o", "json").out.String(), `"sessions":1`)
	})
	as(ben, exitUsage, "there is no replay", "show", "secret-1", "-o", "json")
	told = "" // there he has named it himself
	if r := as(ben, exitRefused, "", append([]string{"plan", "--archive", "b"}, window...)...); !strings.Contains(r.out.String(), "another replay has put events") {
		t.Errorf("the plan says %s", r.out.String())
	}
	as(ben, exitRefused, "overlap: another replay has put events", start("--archive", "b", "--id", "refused")...)
	as(ben, exitOK, "", start("--archive", "b", "--id", "mine", "--allow", "overlap")...)
	waits := func(who string) string { return as(who, exitOK, "", "show", "mine", "-o", "json").out.String() }
	d.until("it waits", func() bool { return strings.Contains(waits(ben), "behind another replay of this topic") })
	if r := waits(anna); !strings.Contains(r, "behind secret-1") {
		t.Errorf("who may see both is told %s", r)
	}
	by := func(file, archive string) (api.Replay, error) {
		t.Helper()
		c, err := api.NewClient(api.ClientOptions{URL: d.url, TokenFile: file})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		r, _, err := c.Start(t.Context(), api.Start{Archive: archive, Topic: "x", From: "2026-11-01", For: "24h", Allow: []string{"overlap"}, IdempotencyKey: "one key"})
		return r, err
	}
	hers, err := by(anna, "a")
	if err != nil {
		t.Fatal(err)
	}
	_, err = by(ben, "b")
	if text := fmt.Sprint(err); !strings.Contains(text, "the Idempotency-Key was used to start another replay") || strings.Contains(text, hers.ID) || strings.Contains(text, "body.") {
		t.Errorf("another's key: %s", text)
	}
	as(anna, exitOK, "", "cancel", "secret-1", "--wait")
	as(anna, exitOK, "", "forget", "secret-1")
	if r := as(ben, exitRefused, "", append([]string{"plan", "--archive", "b"}, window...)...); !strings.Contains(r.out.String(), "a forgotten replay has put events") {
		t.Errorf("when it is forgotten, the plan says %s", r.out.String())
	}
	told += d.get("/v1/replays", bens)
	if i := strings.Index(told, "secret-1"); i >= 0 {
		t.Errorf("it is named: %s", told[max(0, i-300):min(len(told), i+100)])
	}
}
