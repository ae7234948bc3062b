package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestProfilesAreServedAsLongAsTheRunLasts(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	p := b.startRun(append(b.many(2000), "--id", "profiled", "--pace", "200/s", "--pprof", "127.0.0.1:0")...)
	var address string
	p.until("the address of the profiles", func() bool {
		m := regexp.MustCompile(`"address":"(http://127\.0\.0\.1:[1-9][0-9]*/debug/pprof/)"`).FindStringSubmatch(p.err.String())
		if m != nil {
			address = m[1]
		}
		return m != nil
	})
	p.until("the first commit", func() bool { return b.committed("x") })
	for _, kind := range []string{"", "goroutine?debug=1", "heap?debug=1", "cmdline"} {
		resp, err := http.Get(address + kind)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || len(text) == 0 {
			t.Errorf("%q: %s, %v", kind, resp.Status, err)
		}
		if kind == "goroutine?debug=1" && !strings.Contains(string(text), "replay.(*pipeline).feed") {
			t.Errorf("the profile is not that of the replay:\n%s", text)
		}
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	p.end(10 * time.Second).want(exitInterrupted)
}

// TestProfilesEndWithTheRun looks at a run in this process: what it has listened at is free when it has ended.
func TestProfilesEndWithTheRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.put("o", []byte(`{"id":"1","t":"2026-11-01T12:00:00Z"}`))
	r := b.run(append(b.what("--topic", "x", "--create-topic"), "--pprof", "127.0.0.1:0", "--log-format", "json")...).want(exitOK)
	m := regexp.MustCompile(`"address":"http://([^/]*)/`).FindStringSubmatch(r.err.String())
	if m == nil {
		t.Fatalf("stderr does not name the address:\n%s", r.err.String())
	}
	l, err := net.Listen("tcp", m[1])
	if err != nil {
		t.Fatalf("the address is still taken: %v", err)
	}
	_ = l.Close()
}

func TestProfilesAreForThisMachineOnly(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := nowhere(t)
	for _, c := range []struct {
		address string
		code    int
		says    string
	}{
		{":6060", exitUsage, "others could reach the profiles"},
		{"0.0.0.0:6060", exitUsage, "others could reach the profiles"},
		{"[::]:6060", exitUsage, "ssh -L"},
		{"192.0.2.1:6060", exitUsage, "want 127.0.0.1:6060"},
		{"6060", exitUsage, "port 0 for any that is free"},
		{"127.0.0.1:pprof", exitUsage, "port 0 for any that is free"},
		{taken.Addr().String(), exitFailed, "choose another port"},
	} {
		args := append([]string{"run"}, b.what("--topic", "x", "--pprof", c.address)...)
		b.replayd(args...).want(c.code, "--pprof", c.says)
	}
	for _, address := range []string{"localhost:0", "127.0.0.1:0"} {
		l, err := profileListener(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("%s became %s", address, fmt.Sprint(ip))
		}
		_ = l.Close()
	}
}
