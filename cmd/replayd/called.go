package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"replayd/archive"
)

// called is what a person types to call this program again: its name where the shell finds it by that, else its path. What
// `go run` built is gone when it ends, so there it is `go run` again.
func called() string {
	path, err := os.Executable()
	if err != nil {
		return "replayd"
	}
	return calledBy(path)
}

func calledBy(executable string) string {
	if strings.Contains(executable, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/replayd"
	}
	if found, err := exec.LookPath("replayd"); err == nil && found == executable {
		return "replayd"
	}
	return archive.ShellWord(executable)
}
