//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTheSecondSignalLeavesWhatNobodyReads fills the pipe behind cat, and reads no more than proves that it prints.
func TestTheSecondSignalLeavesWhatNobodyReads(t *testing.T) {
	t.Parallel()
	b := nowhere(t)
	b.many(5000)
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	args := append([]string{"cat"}, b.what()...)
	p := &process{result: &result{t: t, args: args}, cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stdout = write
	p.begin()
	_ = write.Close()
	if _, err := read.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	p.insist(syscall.SIGINT).want(exitInterrupted, "interrupted: not all is printed")
}

// TestTheSecondSignalLeavesWhatIsNotYetASession has the AWS SDK wait for a file that nobody writes.
func TestTheSecondSignalLeavesWhatIsNotYetASession(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--brokers", b.address(), "--archive", "s3://bucket/prefix", "--event-id", "/id", "--event-time", "/t", "--from", "-3h", "--to", "-1h", "--topic", "x", "--create-topic", "--id", "early"}
	p := &process{result: &result{t: t, args: args}, cmd: exec.Command(os.Args[0], args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1", "AWS_CONFIG_FILE="+pipe, "AWS_EC2_METADATA_DISABLED=true")
	p.begin()
	opened := make(chan error, 1)
	go func() { // returns when it is opened for reading
		f, err := os.OpenFile(pipe, os.O_WRONLY, 0)
		opened <- err
		<-p.done
		_ = f.Close()
	}()
	select {
	case err := <-opened:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("it never asks for credentials:\n%s", p.err.String())
	}
	r := p.insist(syscall.SIGTERM).want(exitInterrupted, "interrupted: this call has changed nothing")
	if next := r.next(); !strings.HasPrefix(next, "replayd run --id early --archive=s3://bucket/prefix ") {
		t.Errorf("it says %q", next)
	}
}
