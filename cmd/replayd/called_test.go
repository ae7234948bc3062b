package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheProgramIsCalledAgainAsItWasFound(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	program := filepath.Join(folder, "replayd")
	if err := os.WriteFile(program, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	for executable, want := range map[string]string{
		program:                              "replayd",
		"/opt/bin/replayd":                   "/opt/bin/replayd",
		"/my tools/replayd":                  "'/my tools/replayd'",
		"/tmp/go-build3034/b001/exe/replayd": "go run ./cmd/replayd",
		"/root/.cache/go-build/5b/5b0e49d-d/replayd": "go run ./cmd/replayd",
	} {
		if got := calledBy(executable); got != want {
			t.Errorf("%s is called as %s, want %s", executable, got, want)
		}
	}
}
