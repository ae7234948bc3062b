package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"replayd/replay"
)

// printers stand before the programs of the same names and tell what they would be asked: the hour, the job's request, and what is
// typed, a word each line.
var printers = map[string]string{
	"date":    "#!/bin/sh\nprintf 2026-11-01T09\n",
	"curl":    "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = --json ] && printf '%s' \"$2\"; shift; done\n",
	"replayd": "#!/bin/sh\nprintf '%s\\n' \"$@\"\n",
}

// TestTheJobAndTheCrontabAskForTheSame holds the two recipes of docs/deploy.md against each other. By event time what happens in an
// hour and arrives later would be lost (replay: TestWhatIsReplayedHourByHourMissesNothing), and by other fields an hour that both
// ask for would be refused.
func TestTheJobAndTheCrontabAskForTheSame(t *testing.T) {
	t.Parallel()
	bin, folder := t.TempDir(), t.TempDir()
	for name, script := range printers {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	manifest := manifests(t, "cronjob.yaml", "CronJob")[0]
	said, code := shell(t, bin, folder, "JOB=synapse-1 CA= HEADER= SERVER=\n"+inside[pod](t, manifest, "spec", "jobTemplate", "spec", "template", "spec").Containers[0].Args[0])
	job := map[string]string{}
	if err := json.Unmarshal([]byte(said), &job); err != nil || code != 0 {
		t.Fatalf("%v, exit code %d: %s", err, code, said)
	}

	table := strings.TrimSpace(fences(section(t, "docs/deploy.md", "## Each hour the hour before"), "sh shown: a line of a crontab")[0])
	schedule, typed, _ := strings.Cut(table, "  ")
	said, code = shell(t, bin, folder, strings.ReplaceAll(typed, `\%`, "%"))
	words := strings.Split(strings.TrimSpace(said), "\n")
	start, _, err := programRoot().Find(words[:1])
	if err != nil || code != 0 || start.Name() != "start" {
		t.Fatalf("%v, exit code %d: %s", err, code, said)
	}
	if err := start.ParseFlags(words[1:]); err != nil {
		t.Fatal(err)
	}
	if on := job["window_on"]; on != replay.OnArrival {
		t.Errorf("the job's window goes by %q", on)
	}
	for field, want := range job {
		if f := start.Flags().Lookup(strings.ReplaceAll(field, "_", "-")); f == nil || f.Value.String() != want {
			t.Errorf("the job asks for the %s %q, the crontab otherwise: %v", field, want, f)
		}
	}
	if set := start.Flags().NFlag(); set != len(job)+1 { // and --yes
		t.Errorf("the job says %d fields, the crontab %d flags", len(job), set)
	}
	behindSettle(t, schedule, inside[string](t, manifest, "spec", "schedule"))
}

// behindSettle holds the minute at which both begin against when an hour is complete.
func behindSettle(t *testing.T, table, job string) {
	t.Helper()
	minute, _, _ := strings.Cut(table, " ")
	behind, err := time.ParseDuration(minute + "m")
	if err != nil || table != job {
		t.Fatalf("the crontab begins at %q, the job at %q: %v", table, job, err)
	}
	if settle := replay.Defaults().Settle.Std(); behind <= settle {
		t.Errorf("they begin %s behind an hour, which is complete after %s", behind, settle)
	}
}

// TestWhatDeployTellsToTypeComesInOrder has the unit started behind all that it takes, and nothing watched that was not started.
func TestWhatDeployTellsToTypeComesInOrder(t *testing.T) {
	t.Parallel()
	unit := strings.Join(fences(section(t, "docs/deploy.md", "## systemd"), "sh shown: as root, on a machine with systemd"), "\n")
	if last, start := strings.LastIndex(unit, "install "), strings.Index(unit, "systemctl "); last < 0 || start < last {
		t.Errorf("something is installed behind the first systemctl:\n%s", unit)
	}
	pods := strings.Join(fences(section(t, "docs/deploy.md", "## Kubernetes"), "sh shown: needs a cluster"), "\n")
	_, watched, found := strings.Cut(pods, "replayd watch ")
	if !found || !strings.Contains(pods, "--id "+strings.TrimSpace(watched)+" ") {
		t.Errorf("%q is watched, and not started:\n%s", watched, pods)
	}
}
