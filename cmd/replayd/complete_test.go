package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"

	"replayd/replay"
	"replayd/replay/api"
	"replayd/replay/api/apitest"
)

// completed is what a shell is offered behind a line, and the directive that says what else.
func completed(t *testing.T, line ...string) (words []string, directive string) {
	t.Helper()
	r := nowhere(t).replayd(append([]string{cobra.ShellCompNoDescRequestCmd}, line...)...)
	lines := strings.Split(strings.TrimSpace(r.out.String()), "\n")
	last := len(lines) - 1
	if r.code != exitOK || !strings.HasPrefix(lines[last], ":") {
		t.Fatalf("%q: exit %d\n%s\n%s", line, r.code, r.out.String(), r.err.String())
	}
	return lines[:last], lines[last]
}

const (
	noFiles     = ":4"
	onlyFolders = ":16"
	files       = ":0"
)

func TestShellsAreOfferedTheWordsOfAFlag(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"run --preset ":          "pismo firehose hive jsonl " + noFiles,
		"run --preset=":          "pismo firehose hive jsonl " + noFiles,
		"ls --format json":       "json jsonl json-array " + noFiles,
		"cat -o ":                "text json " + noFiles,
		"list --wanted ":         "running paused cancelled " + noFiles,
		"plan --dedupe ":         "on off " + noFiles,
		"run --headers ":         "reason source targets " + noFiles,
		"run --headers reason,t": "reason,source reason,targets " + noFiles,
		"run --pace ":            noFiles,
		"run --from ":            noFiles,
		"run --topic ":           noFiles,
		"run --spill-dir ":       onlyFolders,
		"config show --config ":  files,
		"run --archive ":         files,
		"list --token-file ":     files,
		"watch --ca ":            files,
		"token new --append ":    files,
		"token new --role ":      "viewer operator admin " + noFiles,
		"completion ":            "bash fish powershell zsh " + noFiles,
	} {
		words, directive := completed(t, strings.Split(line, " ")...)
		if got := strings.TrimSpace(strings.Join(words, " ") + " " + directive); got != want {
			t.Errorf("replayd %s\ngot  %s\nwant %s", line, got, want)
		}
	}
	if words, _ := completed(t, "run", "--allow", "retention,"); slices.Contains(words, "retention,retention") || !slices.Contains(words, "retention,overlap") {
		t.Errorf("behind --allow retention, come %v", words)
	}
}

// Words that are offered and then refused would be worse than none.
func TestWordsThatShellsAreOfferedAreTaken(t *testing.T) {
	t.Parallel()
	for flag, words := range flagWords {
		if (&app{}).planCommand().Flags().Lookup(flag) == nil && flag != "output" && flag != "log-format" {
			continue
		}
		for _, word := range words {
			r := nowhere(t).replayd("plan", "--id", "x", "--brokers", "127.0.0.1:1", "--"+flag, word)
			if r.code == exitUsage && !strings.Contains(r.err.String(), "missing") {
				t.Errorf("--%s %s is refused:\n%s", flag, word, r.err.String())
			}
		}
	}
}

func TestShellsAreOfferedWhatIsConfigured(t *testing.T) {
	t.Parallel()
	path := nowhere(t).config(`archives:
  payments: {url: ./a, preset: jsonl, event_id: /id, event_time: /t}
  orders: {url: ./b, preset: jsonl, event_id: /id, event_time: /t}
targets:
  replay.orders: {archives: [orders]}
`)
	if words, _ := completed(t, "run", "--config", path, "--archive", ""); !slices.Equal(words, []string{"orders", "payments"}) {
		t.Errorf("archives: %v", words)
	}
	if words, _ := completed(t, "run", "--config", path, "--topic", "r"); !slices.Equal(words, []string{"replay.orders"}) {
		t.Errorf("topics: %v", words)
	}
}

// asked is what a shell is offered behind words by a daemon.
func (c *client) asked(line ...string) string {
	c.Helper()
	return strings.TrimSpace(c.replayd(append([]string{cobra.ShellCompNoDescRequestCmd}, line...)...).want(exitOK).out.String())
}

// TestShellsAreOfferedTheReplaysOfADaemon about which the command does something.
func TestShellsAreOfferedTheReplaysOfADaemon(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, r := range []struct {
		id  string
		how func(*api.Replay)
	}{
		{"night", func(*api.Replay) {}},
		{"own", func(r *api.Replay) { r.Owner, r.HeardAt = replay.OwnerRun, time.Now().Add(-time.Hour) }},
		{"large", func(r *api.Replay) { r.State, r.Waits = replay.Planned, true }},
		{"held", func(r *api.Replay) { r.State, r.Wanted = replay.Paused, replay.Paused }},
		{"over", func(r *api.Replay) { r.State = replay.Completed }},
	} {
		c.start("--id", r.id)
		c.Change(r.id, r.how)
	}
	of := map[string]string{ // the newest first
		"approve": "large", "resume": "held", "pause": "large night", "cancel": "held large night", "pace": "held large night", "forget": "over own",
	}
	for name, args := range ofDaemons(t) {
		if !slices.Contains(args, "p1") { // it takes no id
			continue
		}
		want := strings.Fields(cmp.Or(of[name], "over held large own night"))
		if got := c.asked(append(strings.Fields(name), "--server", "x", "")...); got != strings.Join(append(want, noFiles), "\n") {
			t.Errorf("%s is offered %q", name, got)
		}
	}
	for _, line := range []string{"show night ", "pace night ", "quarantine list "} {
		if got := c.asked(strings.Split(line, " ")...); got != noFiles {
			t.Errorf("%s is offered %q", line, got)
		}
	}
	c.Break(errors.New("away"))
	if r := c.replayd(cobra.ShellCompNoDescRequestCmd, "show", "").want(exitOK); strings.TrimSpace(r.out.String()) != noFiles || strings.Contains(r.err.String(), "away") {
		t.Errorf("of a daemon that is away is told %s%s", r.out.String(), r.err.String())
	}
}

// TestShellsAreOfferedTheArchivesOfTheDaemon where one does it, and those that are configured here where none answers.
func TestShellsAreOfferedTheArchivesOfTheDaemon(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	path := nowhere(t).config("archives:\n  mine: {url: ./a, preset: jsonl, event_id: /id, event_time: /t}\n")
	of := func(want string, line string) {
		t.Helper()
		args := append(strings.Fields(line), "--config", path, "--archive", "")
		if got := strings.Fields(c.asked(args...)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s is offered %q, want %q", line, got, want)
		}
	}
	const known = "orders payments "
	of(known+noFiles, "start")
	of(known+noFiles, "list")
	of(known+noFiles, "plan --server x")
	of("mine "+files, "plan")
	of("mine "+files, "run")
	c.Break(errors.New("away"))
	of("mine "+noFiles, "start")
}

// slow is a daemon that answers when nobody waits any more.
type slow struct{ *apitest.Fake }

func (slow) Replays(ctx context.Context, _ api.Query) (api.Page[api.Replay], error) {
	<-ctx.Done()
	return api.Page[api.Replay]{}, ctx.Err()
}

func TestAShellDoesNotWaitForASlowDaemon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, began := &result{t: t, args: []string{cobra.ShellCompNoDescRequestCmd, "show", ""}}, time.Now()
		a := &app{out: &r.out, err: &r.err, now: time.Now, dial: func(*clientFlags) (api.Service, error) { return slow{apitest.NewFake()}, nil }}
		r.code = a.run(t.Context(), r.args)
		if out := strings.TrimSpace(r.want(exitOK).out.String()); out != noFiles || time.Since(began) > completing {
			t.Errorf("behind %s it is offered %q", time.Since(began), out)
		}
	})
}

// It is typed to find out what is wrong with the file.
func TestABadConfigurationDoesNotTakeCompletionAway(t *testing.T) {
	t.Parallel()
	path := nowhere(t).config("kafka: {broker: x}\n")
	if words, _ := completed(t, "--config", path, "config", ""); !slices.Equal(words, []string{"check", "show"}) {
		t.Errorf("got %v", words)
	}
	nowhere(t).replayd("completion", "bash", "--config", path).want(exitOK)
}

func TestEveryShellGetsAScriptItUnderstands(t *testing.T) {
	t.Parallel()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := nowhere(t).replayd("completion", shell).want(exitOK).out.String()
		if !strings.Contains(script, cobra.ShellCompRequestCmd) {
			t.Errorf("%s: not a completion script:\n%.200s", shell, script)
		}
		if _, err := exec.LookPath(shell); err != nil || shell == "powershell" {
			continue // where the shell is, it reads the script, too
		}
		path := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(path, []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.CommandContext(t.Context(), shell, "-n", path).CombinedOutput(); err != nil {
			t.Errorf("%s -n: %v\n%s", shell, err, out)
		}
	}
}

// TestBashCompletes types a line into bash itself. _get_comp_words_by_ref is bash-completion's, which may not be installed.
func TestBashCompletes(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatal(err) // .ci/run and the scripts of the tests need it, too
	}
	script := nowhere(t).replayd("completion", "bash").want(exitOK).out.String() + `
replayd() { "$PROGRAM" "$@"; }
_get_comp_words_by_ref() { words=(replayd run --compression z); cword=3 cur=z prev=--compression; }
__start_replayd
printf '%s\n' "${COMPREPLY[@]}"
`
	cmd := exec.CommandContext(t.Context(), bash, "-c", script)
	cmd.Env = append(os.Environ(), asProgram+"=1", "PROGRAM="+os.Args[0])
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "zstd" {
		t.Errorf("bash offers %q, %v", out, err)
	}
}
