package harness

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// process is a child in a process group of its own. It can be killed and started again with the same arguments; all its
// lives write to one log. It is driven from one goroutine.
type process struct {
	name string
	path string
	args []string
	env  []string // added to ours
	log  string   // path

	pid  int
	done chan struct{} // closed when the present life ended and was waited for; nil before the first
}

// start begins a life. The child must not be running.
func (p *process) start() error {
	log, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open log of %s: %w", p.name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = ownGroup()
	done := make(chan struct{})
	if err := startAndWait(cmd, done); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.pid, p.done = cmd.Process.Pid, done
	return nil
}

// startAndWait starts cmd and closes done when it has ended. The kernel sends the parent-death signal when the *thread*
// that started the child ends, so the goroutine keeps that thread for the child's whole life.
func startAndWait(cmd *exec.Cmd, done chan<- struct{}) error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how a killed child ended says nothing
		close(done)
	}()
	return <-started
}

// kill is kill -9 of the whole group, and returns when the child is gone. Killing the dead is no error.
func (p *process) kill() error {
	if !p.running() {
		return nil
	}
	if err := killGroup(p.pid); err != nil {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

func (p *process) freeze() error { return p.stopOrGo("freeze", freezeGroup) }

func (p *process) thaw() error { return p.stopOrGo("thaw", thawGroup) }

func (p *process) stopOrGo(what string, signal func(pid int) error) error {
	if !p.running() {
		return fmt.Errorf("%s %s: it is not running", what, p.name)
	}
	if err := signal(p.pid); err != nil {
		return fmt.Errorf("%s %s: %w", what, p.name, err)
	}
	return nil
}

func (p *process) running() bool {
	if p.done == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

func (p *process) logTail() string { return tail(p.log, maxLogShown) }

// maxLogShown is how much of a log a failed test prints, in bytes.
const maxLogShown = 16 << 10

// tail returns at most limit bytes of the end of the file, from the beginning of a line.
func tail(path string, limit int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(lastLines(data, limit))
}

// notable leaves out what a broker logs of its everyday work: hundreds of lines, behind which nobody finds the failed test's own.
func notable(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, "] INFO ") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func lastLines(data []byte, limit int) []byte {
	if len(data) <= limit {
		return data
	}
	data = data[len(data)-limit:]
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		data = data[i+1:]
	}
	return data
}

// endWithTest kills the child when the test ends and shows its log when the test failed.
func (p *process) endWithTest(tb testing.TB) {
	tb.Cleanup(func() {
		if err := p.kill(); err != nil {
			tb.Error(err)
		}
		if tb.Failed() {
			tb.Logf("end of the log of %s:\n%s", p.name, p.logTail())
		}
	})
}
