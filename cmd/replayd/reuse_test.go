package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"replayd/replay"
	"replayd/replay/api"
)

// TestAnIDThatIsUsedAgainTellsNothingOfTheReplayBefore to somebody who may see this one only, nor to those who ask the cluster
// itself. An admin who may see the one before finds what was done with it.
func TestAnIDThatIsUsedAgainTellsNothingOfTheReplayBefore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("payroll/o", []byte(event("a", 1)+"salaries\n"+"more salaries\n"))
	b.put("orders/o", []byte(event("b", 1)+event("c", 2)+"rubbish\n"))
	tokens := filepath.Join(t.TempDir(), "tokens.yaml")
	few := func(name, archive, topic string) (file, secret string) {
		secret = strings.TrimSpace(b.replayd("token", "new", name, "--role", "admin", "--archives", archive, "--topics", topic, "--append", tokens).want(exitOK).out.String())
		file = filepath.Join(t.TempDir(), name)
		rewrite(t, file, secret)
		return file, secret
	}
	anna, annas := few("anna", "payroll", "x")
	ben, bens := few("ben", "orders", "y")
	archive := func(name string) string {
		return "  " + name + ": {url: '" + filepath.Join(b.folder, name) + "', layout: jsonl, format: json, event_id: /id, event_time: /t}\n"
	}
	d := b.serve(archive("payroll") + archive("orders") + "targets: {x: {}, y: {}}\nserver: {auth: {tokens_file: '" + tokens + "'}}\n")
	replayed := func(token, archive, topic string) {
		t.Helper()
		d.replayd("start", "--archive", archive, "--topic", topic, "--from", "2026-11-01", "--for", "24h", "--create-topic", "--id", "night", "--yes", "--token-file", token).want(exitOK)
		d.replayd("watch", "night", "--token-file", token).want(exitQuarantined)
	}
	replayed(anna, "payroll", "x")
	d.replayd("forget", "night", "--token-file", anna).want(exitOK)
	replayed(ben, "orders", "y")

	for where, r := range map[string]*result{
		"the daemon":  d.replayd("quarantine", "list", "night", "-o", "json", "--token-file", ben),
		"the cluster": b.replayd(append(b.here("quarantine"), "list", "night")...),
	} {
		if list := r.want(exitOK).lines("quarantined"); len(list) != 1 {
			t.Errorf("%s tells of the quarantine %s", where, r.out.String())
		}
	}
	var receipt replay.Receipt
	if err := json.Unmarshal([]byte(d.get("/v1/replays/night/receipt", bens)), &receipt); err != nil || receipt.Produced != 2 || receipt.Quarantined != 1 || receipt.Topic != "y" {
		t.Errorf("the receipt is %+v, %v", receipt, err)
	}
	done := func(token, id string) string {
		var page api.Page[replay.Audited]
		if err := json.Unmarshal([]byte(d.get("/v1/audit?id="+id, token)), &page); err != nil {
			t.Fatal(err)
		}
		var acts []string
		for _, a := range page.Items {
			if a.Phase == "outcome" {
				acts = append(acts, a.Act+" "+a.Archive)
			}
		}
		return strings.Join(acts, ", ")
	}
	for _, id := range []string{"night", ""} {
		if acts := done(annas, id); acts != "start payroll, forget payroll" {
			t.Errorf("anna is told of %q: %s", id, acts)
		}
		if acts := done(bens, id); acts != "start orders" {
			t.Errorf("ben is told of %q: %s", id, acts)
		}
	}
	d.replayd("show", "night", "--token-file", anna).want(exitUsage, "there is no replay night")
}
