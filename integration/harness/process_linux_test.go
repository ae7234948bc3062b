package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test binary serve as the parent that is killed in TestChildDiesWithItsKilledParent.
func TestMain(m *testing.M) {
	if log := os.Getenv("HARNESS_TEST_PARENT_LOG"); log != "" {
		becomeParent(log)
	}
	os.Exit(m.Run())
}

func becomeParent(log string) {
	child := &process{name: "sleep", path: "sleep", args: []string{"600"}, log: log}
	if err := child.start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(child.pid)
	<-child.done
}

func TestChildDiesWithItsKilledParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "HARNESS_TEST_PARENT_LOG="+filepath.Join(t.TempDir(), "log"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	err = waitFor("end of the child", 10*time.Second, nil, func(context.Context) error {
		if isAlive(child) {
			return errors.New("it lives")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
		_ = syscall.Kill(child, syscall.SIGKILL)
	}
}

// isAlive does not count a zombie, which nobody waits for in some containers.
func isAlive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestKilledProcessCanBeStartedAgain(t *testing.T) {
	p := &process{name: "sh", path: "sh", args: []string{"-c", "echo alive; exec sleep 600"}, log: filepath.Join(t.TempDir(), "log")}
	p.endWithTest(t)
	for life := 1; life <= 2; life++ {
		if err := p.start(); err != nil {
			t.Fatal(err)
		}
		err := waitFor("output", 10*time.Second, nil, func(context.Context) error {
			if strings.Count(p.logTail(), "alive") < life {
				return errors.New("nothing yet")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.kill(); err != nil || p.running() {
			t.Fatalf("kill: %v, running %v", err, p.running())
		}
	}
}

func TestWaitingEndsWhenTheProcessHasExited(t *testing.T) {
	p := &process{name: "true", path: "true", log: filepath.Join(t.TempDir(), "log")}
	if err := p.start(); err != nil {
		t.Fatal(err)
	}
	gone := errors.New("exited")
	err := waitFor("what never comes", time.Minute, func() error {
		if !p.running() {
			return gone
		}
		return nil
	}, func(context.Context) error { return errors.New("not ready") })
	if !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
}

func TestMissingProgramIsAnErrorOfStart(t *testing.T) {
	p := &process{name: "ghost", path: "/no/such/program", log: filepath.Join(t.TempDir(), "log")}
	if err := p.start(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if p.running() {
		t.Error("it runs")
	}
}
