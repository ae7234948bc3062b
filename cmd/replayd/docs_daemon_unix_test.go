//go:build unix

package main

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// TestTheReadmesDaemonReplays runs README.md's daemon with its configuration, and types what follows.
func TestTheReadmesDaemonReplays(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	page, bin, folder := read(t, "README.md"), program(t), t.TempDir()
	config, blocks := fences(page, "yaml"), fences(page, "sh daemon")
	if len(config) != 1 || len(blocks) != 1 {
		t.Fatalf("README.md has %d configurations and %d blocks for the daemon", len(config), len(blocks))
	}
	if err := os.WriteFile(filepath.Join(folder, "replayd.yaml"), []byte(config[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := shell(t, bin, folder, "replayd demo --write ./demo"); code != exitOK {
		t.Fatal(out)
	}
	here := "REPLAYD_KAFKA_BROKERS=" + broker.ListenAddrs()[0] + " "
	for line := range strings.SplitSeq(blocks[0], "\n") {
		line, note, _ := strings.Cut(line, " #")
		if strings.HasPrefix(line, "replayd serve") {
			here += "REPLAYD_SERVER=" + serveIn(t, bin, folder, here) + " "
			continue
		}
		want := exitOK
		if strings.Contains(note, "exits 3") {
			want = exitQuarantined
		}
		if out, code := shell(t, bin, folder, here+line); code != want {
			t.Fatalf("%s\nexits %d, not %d:\n%s", line, code, want, out)
		}
	}
}

// serveIn starts a daemon in a folder, with variables before its command, and returns its address when it is ready.
func serveIn(t *testing.T, bin, folder, variables string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", variables+"exec "+filepath.Join(bin, "replayd")+" serve --listen "+address)
	var log strings.Builder
	cmd.Dir, cmd.Stderr = folder, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Wait() // the test's context has ended
		if t.Failed() {
			t.Log(log.String())
		}
	})
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		answer, err := http.Get("http://" + address + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
		if time.Now().After(end) {
			t.Fatal("the daemon is not ready after a minute")
		}
	}
}
