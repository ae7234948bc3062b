package main

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"replayd/replay"
	"replayd/replay/api"
)

// served is a daemon that runs beside a test.
type served struct {
	*process
	bench *bench
	url   string
}

var serving = regexp.MustCompile(`"address":"([^"]+)".*"message":"serving"`)

// serve starts a daemon with the archive a, which is the folder of the bench, and waits until it can do its work.
func (b *bench) serve(more string, env ...string) *served {
	b.t.Helper()
	d := b.listening("http", more, env...)
	d.until("it can do its work", func() bool { return d.ready(http.DefaultClient) == http.StatusOK })
	return d
}

// ready is what /readyz answers; 0: nothing.
func (d *served) ready(client *http.Client) int {
	answer, err := client.Get(d.url + "/readyz")
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is kept
	return answer.StatusCode
}

// listening is serve without waiting for more than its address, which is of a scheme.
func (b *bench) listening(scheme, more string, env ...string) *served {
	b.t.Helper()
	b.configured = b.config("archives:\n  a: {url: '" + b.folder + "', layout: jsonl, format: json, event_id: /id, event_time: /t}\n" + more)
	args := []string{"serve", "--brokers", b.address(), "--config", b.configured, "--listen", "127.0.0.1:0", "--log-format", "json", "-vv"}
	d := &served{bench: b, process: &process{result: &result{t: b.t, args: args}, cmd: asCommand(args, env...), done: make(chan struct{})}}
	d.begin()
	d.until("it listens", func() bool {
		m := serving.FindStringSubmatch(d.err.String())
		if m != nil {
			d.url = scheme + "://" + m[1]
		}
		return m != nil
	})
	return d
}

// replayd executes a command line that is to be done by the daemon.
func (d *served) replayd(args ...string) *result {
	d.bench.t.Helper()
	return d.bench.replayd(append(args, "--server", d.url)...)
}

// TestADaemonDoesWhatIsDoneHere compares what commands print that are done here with what they print when a daemon does them.
func TestADaemonDoesWhatIsDoneHere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"rubbish\n"+event("b", 2)))
	d := b.serve(targetX)
	b.run(b.what("--archive", "a", "--topic", "x", "--create-topic", "--id", "q")...).want(exitQuarantined)
	here := []string{"--brokers", b.address(), "--config", b.configured}
	for _, c := range []struct {
		code int
		line string
	}{
		{exitOK, "plan --archive a --from 2026-11-01 --for 24h --topic x --allow overlap"},
		{exitRefused, "plan --archive a --from 2026-11-01 --for 24h --topic x"},
		{exitOK, "ls --archive a --from 2026-11-01 --for 24d"},
		{exitOK, "quarantine list q"},
		{exitOK, "quarantine show q 1"},
		{exitUsage, "quarantine show q 7"},
	} {
		for _, form := range []string{"text", "json"} {
			args := append(strings.Fields(c.line), "-o", form)
			mine, theirs := b.replayd(append(args, here...)...).want(c.code), d.replayd(args...).want(c.code, "by the daemon at "+d.url)
			if strings.HasPrefix(c.line, "ls") && form == "text" { // where the place is and which layout it has is known here alone
				continue
			}
			if got, want := theirs.out.String(), mine.out.String(); !alike(t, form, got, want) {
				t.Errorf("%s\nby a daemon:\n%s\nhere:\n%s", c.line, got, want)
			}
		}
	}
	for _, line := range []string{"quarantine show q 1 --bytes", "quarantine list q --wait-broker 1s", "ls --archive a --from 2026-11-01 --for 1h --layout jsonl", "ls --archive ./a --from 2026-11-01 --for 1h", "plan --id q", "plan --archive a --from 2026-11-01 --for 24h --topic x --memory 1GiB"} {
		d.replayd(strings.Fields(line)...).want(exitUsage)
	}
	d.replayd("quarantine", "list", "nobody").want(exitUsage, "nobody")
}

// TestADaemonLeavesWhatRunsInTheForeground where it is, also when the process is gone: the next replay into its topic begins, and
// it is continued by its own command.
func TestADaemonLeavesWhatRunsInTheForeground(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	d := b.serve(targetX)
	stands := func() (r api.Replay) {
		t.Helper()
		if err := json.Unmarshal([]byte(d.replayd("show", "front", "-o", "json").want(exitOK).out.String()), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	p := b.startRun(b.what("--archive", "a", "--topic", "x", "--create-topic", "--id", "front", "--pace", "100/s")...)
	p.until("the daemon tells of its first commit", func() bool {
		return strings.Contains(d.replayd("list", "-o", "json").want(exitOK).out.String(), `"id":"front"`) && stands().Sessions == 1
	})
	for _, act := range []string{"pause", "resume", "cancel", "forget"} {
		d.replayd(act, "front").want(exitUsage, "replay front runs in the foreground", "last heard", "Stop it there", "replayd run --id front")
	}
	if got := d.replayd("list").want(exitOK).out.String(); !strings.Contains(got, "replayd run at") {
		t.Errorf("list does not say who runs it:\n%s", got)
	}
	_ = p.cmd.Process.Kill()
	<-p.done
	d.replayd("start", "--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--id", "back", "--limit", "1", "--allow", "overlap", "--yes").want(exitOK)
	d.replayd("watch", "back").want(exitOK)
	if r := stands(); r.Owner != replay.OwnerRun || r.State != replay.Running || r.Sessions != 1 {
		t.Errorf("what ran in the foreground stands as %+v", r)
	}
	if r := b.run("--id", "front", "--pace", "unlimited").want(exitOK).receipt(); r.Produced != 600 || r.Sessions != 2 {
		t.Errorf("continued by its own command it comes to %+v", r)
	}
}

// TestAPlanThatWaitsForItsTurnIsHeldAgainstTheArchive again when the turn comes.
func TestAPlanThatWaitsForItsTurnIsHeldAgainstTheArchive(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", events(600))
	d := b.serve(targetX)
	what := []string{"--archive", "a", "--from", "2026-11-01", "--for", "24h", "--topic", "x", "--allow", "overlap"}
	start := func(id string, more ...string) *result {
		t.Helper()
		return d.replayd(append(append([]string{"start", "--id", id, "--yes"}, what...), more...)...)
	}
	start("first", "--pace", "5/s", "--create-topic").want(exitOK)
	d.until("the first has begun", func() bool {
		return strings.Contains(d.replayd("show", "first", "-o", "json").want(exitOK).out.String(), `"sessions":1`)
	})
	plan := func() string {
		t.Helper()
		return d.replayd(append([]string{"plan", "-o", "json"}, what...)...).want(exitOK).lines("plan")[0]["hash"].(string)
	}
	before := plan()
	start("queued", "--plan", before).want(exitOK)
	b.put("o2", []byte(event("late", 5)))
	after := plan()
	start("unplanned", "--plan", before).want(exitRefused, "archive-change", before, after)
	start("again", "--plan", after).want(exitOK)
	d.replayd("cancel", "first").want(exitOK)
	d.replayd("watch", "again").want(exitOK)
	shown := d.replayd("show", "queued").want(exitOK).out.String()
	for _, words := range []string{"planned", "archive-change: the plan " + before, after, "plan again"} {
		if !strings.Contains(shown, words) {
			t.Errorf("%q is not told:\n%s", words, shown)
		}
	}
	if r := d.replayd("show", "again", "-o", "json").want(exitOK).out.String(); !strings.Contains(r, `"produced":601`) {
		t.Errorf("what was planned again comes to %s", r)
	}
}

// alike compares two outputs, those in JSON line by line by what they say.
func alike(t *testing.T, form, a, b string) bool {
	t.Helper()
	if form == "text" {
		return a == b
	}
	return reflect.DeepEqual(objects(t, a), objects(t, b))
}

func objects(t *testing.T, text string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

// TestWhoDoesItIsSaidByFlagThenByVariable asks addresses at which nobody listens.
func TestWhoDoesItIsSaidByFlagThenByVariable(t *testing.T) {
	t.Parallel()
	const away = "http://127.0.0.1:1"
	ls := []string{"ls", "--archive", "nobody", "--from", "2026-11-01", "--for", "1h"}
	for _, c := range []struct {
		variable string
		more     []string
		code     int
		says     string
	}{
		{"", []string{"--server", away}, exitUnreached, "by the daemon at " + away},
		{away, nil, exitUnreached, "by the daemon at " + away},
		{away, []string{"--server", ""}, exitUsage, "is not in the configuration"},
		{"", nil, exitUsage, "is not in the configuration"},
	} {
		r := &result{t: t, args: append(ls, c.more...)}
		a := &app{out: &r.out, err: &r.err, now: time.Now, environ: []string{"REPLAYD_SERVER=" + c.variable}}
		r.code = a.run(t.Context(), r.args)
		r.want(c.code, c.says)
	}
}

// TestHoursOfALongTimeAreAskedForInParts also has a flat folder, whose one hour is told in every part.
func TestHoursOfALongTimeAreAskedForInParts(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	r := c.replayd("ls", "--archive", "payments", "--from", "2026-08-01T13", "--to", "2026-11-01T05", "--server", "x", "-o", "json").want(exitOK)
	lines := r.lines("hour")
	if len(lines) != 92*24-8 || lines[0]["hour"] != "2026-08-01T13Z" || lines[len(lines)-1]["hour"] != "2026-11-01T04Z" {
		t.Errorf("%d hours, the first %v, the last %v", len(lines), lines[0], lines[len(lines)-1])
	}
	all := []api.Hour{{Hour: flat, Objects: 2}}
	if got := withHours(withHours(nil, all), all); len(got) != 1 || got[0].Objects != 2 {
		t.Errorf("a flat folder: %+v", got)
	}
	c.replayd("ls", "--archive", "payments", "--from", "1990-01-01", "--to", "2026-01-01", "--server", "x").want(exitUsage, "longer than 20 years")
	c.replayd("ls", "--archive", "nosuch", "--from", "2026-11-01", "--for", "1h", "--server", "x").want(exitUsage, `replayd: --archive "nosuch": the daemon has orders, payments`)
}
