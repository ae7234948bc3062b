package integration

import (
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"replayd/integration/pty"
	"replayd/integration/transcript"
)

// terminal is what a person sits at: a pseudo terminal of 80 columns.
type terminal struct {
	folder string
	env    []string
}

const patienceAtTerminal = time.Minute

// types runs a line in a shell. It returns what stands on the screen in the end, and the exit code. With an interrupt it
// presses Ctrl-C as soon as the program has produced something.
func (term *terminal) types(t *testing.T, line string, interrupt bool) (screen string, code int) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = master.Close() }()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = term.folder, term.env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err = cmd.Start()
	_ = slave.Close()
	if err != nil {
		t.Fatal(err)
	}
	var written transcript.Transcript
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(&written, master) // ends with EIO when nobody has the terminal open any more
	}()
	if interrupt {
		await(t, "something to be produced", func() bool { return produces.MatchString(written.String()) })
		if _, err := master.Write([]byte{3}); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-done:
	case <-time.After(patienceAtTerminal):
		_ = cmd.Process.Kill()
		t.Fatalf("%s\ndoes not end:\n%s", line, written.String())
	}
	_ = cmd.Wait() // ProcessState tells
	code = cmd.ProcessState.ExitCode()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() { // the shell got Ctrl-C, too
		code = 128 + int(status.Signal())
	}
	return pty.Shown(written.String()), code
}

var produces = regexp.MustCompile(`produced [1-9]`)

// sameScreen holds what a page shows against what stood on the screen. A line … stands for any lines, … inside a line for
// anything; durations and times of the day differ. All else is the same, in its order.
func sameScreen(t *testing.T, says, screen string) {
	t.Helper()
	if missing, ok := screenHolds(strings.Split(says, "\n"), strings.Split(screen, "\n")); !ok {
		t.Errorf("%q is not what follows:\n%s", missing, screen)
	}
}

// screenHolds returns the first line of a page that the screen does not go on with.
func screenHolds(says, screen []string) (missing string, ok bool) {
	if len(says) == 0 {
		return "(the end)", len(screen) == 0
	}
	if says[0] == "…" {
		for skip := range len(screen) + 1 {
			if missing, ok = screenHolds(says[1:], screen[skip:]); ok {
				return "", true
			}
		}
		return missing, false
	}
	if len(screen) == 0 || !linePattern(says[0]).MatchString(screen[0]) {
		return says[0], false
	}
	return screenHolds(says[1:], screen[1:])
}

func TestAPageMayLeaveOutLinesAndNothingElse(t *testing.T) {
	screen := []string{"one", "12:00:01 WRN two in 1.8s (1 session)", "three", "four"}
	for says, want := range map[string]bool{
		"one|11:22:33 WRN two in 3s (1 session)|three|four": true,
		"one|…|four":  true,
		"…|t…e|…":     true,
		"…":           true,
		"one|three|…": false, "one|…|three": false, "…|four|three": false, "…|five|…": false, "one|two|…": false,
	} {
		if _, ok := screenHolds(strings.Split(says, "|"), slices.Clone(screen)); ok != want {
			t.Errorf("%s: %v", says, ok)
		}
	}
}
