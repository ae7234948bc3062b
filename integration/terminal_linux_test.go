package integration

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

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
	master, slave, err := openTerminal()
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
	return shown(written.String()), code
}

var produces = regexp.MustCompile(`produced [1-9]`)

// openTerminal returns both ends of a new pseudo terminal.
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	var locked, n int32
	size := struct{ rows, columns, x, y uint16 }{rows: 40, columns: 80}
	for _, c := range []struct {
		request uintptr
		value   unsafe.Pointer
	}{
		{syscall.TIOCSPTLCK, unsafe.Pointer(&locked)},
		{syscall.TIOCGPTN, unsafe.Pointer(&n)},
		{syscall.TIOCSWINSZ, unsafe.Pointer(&size)},
	} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), c.request, uintptr(c.value)); failed != 0 {
			_ = master.Close()
			return nil, nil, fmt.Errorf("pseudo terminal: %w", failed)
		}
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(n)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		_ = master.Close()
	}
	return master, slave, err
}

// control is what a program tells a terminal beside text: lines up, erase to the end, colours.
var control = regexp.MustCompile("^\x1b\\[([0-9;]*)([A-Za-z])")

// shown is what stands on a screen after text was written to it. Its lines are as long as they were written: a person can
// make the window wider.
func shown(text string) string {
	lines, row, column := [][]rune{nil}, 0, 0
	for len(text) > 0 {
		if m := control.FindStringSubmatch(text); m != nil {
			text = text[len(m[0]):]
			switch m[2] {
			case "A":
				n, _ := strconv.Atoi(m[1])
				row = max(0, row-n)
			case "J":
				lines = lines[:row+1]
				lines[row] = lines[row][:min(column, len(lines[row]))]
			}
			continue
		}
		r := []rune(text)[0]
		text = text[len(string(r)):]
		switch r {
		case '\r':
			column = 0
		case '\n':
			if row++; row == len(lines) {
				lines = append(lines, nil)
			}
		default:
			line := lines[row]
			for len(line) <= column {
				line = append(line, ' ')
			}
			line[column] = r
			lines[row] = line
			column++
		}
	}
	var out []string
	for _, line := range lines {
		out = append(out, strings.TrimRight(string(line), " "))
	}
	return strings.TrimRight(strings.Join(out, "\n"), "\n")
}

func TestAScreenShowsWhatIsLeftOnIt(t *testing.T) {
	for written, want := range map[string]string{
		"a\r\nb\r\n": "a\nb",
		"head\r\none\r\ntwo\r\n\r\x1b[2A\x1b[Jafter\r\n": "head\nafter",
		"one\r\n^C\r\x1b[1A\x1b[Jstopped\r\n":            "stopped",
		"\x1b[90m12:00\x1b[0m \x1b[31mWRN\x1b[0m x\r\n":  "12:00 WRN x",
		"half\rHA\r\n": "HAlf",
		"···\r\n█░":    "···\n█░",
	} {
		if got := shown(written); got != want {
			t.Errorf("%q shows %q, want %q", written, got, want)
		}
	}
}

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
