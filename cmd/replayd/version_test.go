package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheVersionOfAReleaseIsStampedIn(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "replayd")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-ldflags", "-X main.release=v1.2.3", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build replayd: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), path, "version").Output()
	if err != nil || string(out) != "replayd v1.2.3\n" {
		t.Errorf("got %q, %v", out, err)
	}
}
