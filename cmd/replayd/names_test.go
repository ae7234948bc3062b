package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"replayd/archive/archivetest/awstest"
)

// evil is the name of an object that would set a terminal's title, begin a line, turn the direction of text and change its
// colour: with ESC, BEL, a line feed, U+202E and U+009B, which is an escape sequence's beginning too.
const evil = "a\x1b]0;pwned\a\n\u202e\u009b31m.json"

// obeyed are the runes of text that a terminal obeys or does not show, but for ends of lines.
func obeyed(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsGraphic(r) {
			return -1
		}
		return r
	}, text)
}

// unheard runs a command line and checks that a terminal obeys nothing of what it prints.
func (b *bench) unheard(code int, args ...string) *result {
	b.t.Helper()
	r := b.replayd(args...).want(code)
	if told := r.out.String() + r.err.String(); obeyed(told) != "" {
		b.t.Errorf("replayd %q\nmakes a terminal obey %q:\n%q", args, obeyed(told), told)
	}
	return r
}

func TestNoOutputLetsNamesOfObjectsSpeakToTheTerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	other := `{"id":"a","t":"2026-11-01T12:00:01Z","other":1}`
	b.put(evil, []byte(event("a", 30)+event("b", 1)+"rubbish"+other))
	for _, output := range []string{"text", "json"} {
		command := func(name string, more ...string) []string {
			return append(append(b.here(name), b.what(more...)...), "--output", output)
		}
		b.unheard(exitOK, command("plan", "--topic", "new"+output, "--create-topic")...)
		b.unheard(exitOK, append([]string{"ls"}, "--output", output, "--archive", b.folder, "--layout", "jsonl", "--from", "2026-11-01", "--for", "24h")...)
		for _, stop := range []string{"bad", "conflict"} {
			r := b.unheard(exitFailed, command("run", "--topic", stop+output, "--create-topic", "--on-"+stop, "stop")...)
			r.want(exitFailed, "stopped before", `of object "a\x1b]0;pwned\a\n\u202e\u009b31m.json"`)
		}
		id := "night-" + output
		b.unheard(exitQuarantined, command("run", "--topic", "x"+output, "--create-topic", "--id", id)...)
		about := []string{"--brokers", b.address(), "--output", output}
		b.unheard(exitOK, append([]string{"quarantine", "list", id}, about...)...)
		show := append([]string{"quarantine", "show", id, "1"}, about...)
		b.unheard(exitOK, show...)
		bytes := slices.Concat(show, []string{"--bytes"})
		b.unheard(exitOK, bytes...)
		path := filepath.Join(b.folder, evil)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b.put(evil, []byte("another"))
		b.unheard(exitFailed, bytes...)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		b.unheard(exitFailed, bytes...).want(exitFailed, "is no longer in the archive")
		b.put(evil, whole)
	}
	b.put(evil, []byte("BZh91AY&SY..."))
	b.unheard(exitFailed, append(b.here("run"), b.what("--topic", "z", "--create-topic")...)...)
	b.unheard(exitRefused, append(b.here("plan"), b.what("--topic", "z", "--create-topic")...)...)
}

func TestNoOutputLetsNamesInBucketsSpeakToTheTerminal(t *testing.T) {
	d := bucket(t, map[string][]byte{evil: []byte(event("a", 1))})
	d.Store(evil, "GLACIER", awstest.Restore{})
	b := newBench(t)
	for _, output := range []string{"text", "json"} {
		for _, command := range []string{"run", "plan"} {
			r := b.unheard(exitRefused, append(b.here(command), "--output", output,
				"--archive", "s3://archive/", "--s3-endpoint", d.URL, "--s3-region", "us-east-1", "--s3-path-style",
				"--layout", "jsonl", "--format", "json", "--event-id", "/id", "--event-time", "/t",
				"--from", "2026-11-01", "--for", "24h", "--topic", "x", "--create-topic")...)
			if told := r.out.String() + r.err.String(); !strings.Contains(strings.ReplaceAll(told, `\\`, `\`), `--key $'a\033]0;pwned\007\012\342\200\256\302\23331m.json'`) {
				t.Errorf("no command that restores it:\n%s", told)
			}
		}
	}
}

// TestAReasonIsOneLineOfText wherever it is given; nothing is asked of a broker or a daemon, of which there is none.
func TestAReasonIsOneLineOfText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reason, says string }{
		{"INC-1\nreplay payments-0300: completed", "--reason \"INC-1\\nreplay payments-0300: completed\": has control characters"},
		{evil, "--reason"},
		{strings.Repeat("a", 257), "--reason: 257 bytes, at most 256: name the incident"},
		{"\xff", "--reason \"\\xff\": not valid UTF-8"},
	} {
		for _, command := range []string{"run", "plan", "plan --server=", "start", "pause p1", "resume p1", "pace p1 5/s", "cancel p1", "approve p1", "forget p1"} {
			args := strings.Fields(command)
			switch args[0] {
			case "run", "plan", "start":
				args = append(args, "--archive", "./a", "--from", "2026-11-01", "--for", "1h", "--topic", "x")
			}
			r := &result{t: t, args: append(args, "--reason", c.reason)}
			a := &app{out: &r.out, err: &r.err, now: time.Now, environ: []string{"REPLAYD_SERVER=http://127.0.0.1:1", "REPLAYD_KAFKA_BROKERS=127.0.0.1:1"}}
			r.code = a.run(t.Context(), r.args)
			if r.want(exitUsage, c.says); obeyed(r.err.String()) != "" {
				t.Errorf("%s: a terminal obeys %q", command, obeyed(r.err.String()))
			}
		}
	}
}

func TestNamesOfAConfigurationDoNotSpeakToTheTerminal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, text := range map[string]string{
		"an archive":      `archives: {"\e]0;pwned\a": {url: ./a}}`,
		"a key":           `"\e]0;pwned\a\n\u202E\u009B31m": 1`,
		"a target":        `targets: {"\e]0;pwned\a": {archives: ["\u009B31m"]}}`,
		"as it is":        "archives: {a: {url: ./a, lateness: \"\u202e\u009b31m\"}}",
		"as it is, a key": "\"\u202e\u009b31m\": 1",
		"a broker":        `kafka: {brokers: ["\e]0;pwned\a"]}`,
	} {
		path := b.config(text + "\n")
		for _, command := range []string{"check", "show"} {
			r := b.replayd("config", command, "--config", path).want(exitBadConfig)
			if told := r.out.String() + r.err.String(); obeyed(told) != "" {
				t.Errorf("%s: %q", name, told)
			}
		}
	}
}
