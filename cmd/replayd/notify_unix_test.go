//go:build unix

package main

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rs/zerolog"

	"replayd/replay/api"
)

func TestSystemdIsToldOfReadyAndStop(t *testing.T) {
	address := &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "s")} // of 104 bytes at most, the test's name among them
	systemd, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = systemd.Close() }()
	heard := func() string {
		b := make([]byte, 100)
		n, err := systemd.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	asked := 0
	ready := func(context.Context) (api.Readiness, error) {
		asked++
		return api.Readiness{Ready: asked == 2}, nil
	}
	ctx, stop := context.WithCancel(t.Context())
	t.Setenv("NOTIFY_SOCKET", address.Name) // where the library looks
	a, done := &app{environ: os.Environ(), log: zerolog.Nop()}, make(chan struct{})
	go func() {
		defer close(done)
		a.notify(ctx, ready)
	}()
	if word := heard(); word != "READY=1" || asked != 2 {
		t.Errorf("told %q when asked %d times", word, asked)
	}
	stop()
	if word := heard(); word != "STOPPING=1" {
		t.Errorf("told %q at the end", word)
	}
	<-done
	(&app{log: zerolog.Nop()}).notify(ctx, ready) // without systemd
	if asked != 2 {
		t.Error("asked without systemd")
	}
}
