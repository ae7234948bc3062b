package config

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what testdata/problems.txt should hold")

// TestProblems holds Load against testdata/problems.txt: blocks of a name, a file, a line of dashes, and the problems
// as they are printed.
func TestProblems(t *testing.T) {
	const path, end = "testdata/problems.txt", "\n====\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), end)
	for i, block := range blocks {
		name, rest, _ := strings.Cut(block, "\n")
		file, want, _ := strings.Cut(rest, "\n----\n")
		_, err := parse("replayd.yaml", []byte(file), map[string]string{"SET": "set"})
		if err == nil {
			t.Errorf("%s: want problems", name)
			continue
		}
		if got := err.Error(); !*update && got != strings.TrimSuffix(want, "\n") {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: a password is shown:\n%v", name, err)
		}
		blocks[i] = name + "\n" + file + "\n----\n" + err.Error()
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(blocks, end)+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
