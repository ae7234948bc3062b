package main

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestWhatIsSeenIsWhatTheProgramSays looks for the words by which docs/reliability.md lets people find what happened.
func TestWhatIsSeenIsWhatTheProgramSays(t *testing.T) {
	words := firstCells(section(t, "docs/reliability.md", "## What you see"))
	if len(words) < 10 {
		t.Errorf("only %q were found", words)
	}
	source := sources(t)
	for _, word := range words {
		if !strings.Contains(source, word) {
			t.Errorf("the program never says %q", word)
		}
	}
}

// sources are all Go files that are no tests.
func sources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	root := os.DirFS(projectRoot)
	for _, folder := range []string{"archive", "cmd", "replay"} {
		err := fs.WalkDir(root, folder, func(name string, _ fs.DirEntry, err error) error {
			if err == nil && path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go") {
				all.WriteString(read(t, name))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func TestWhatToLookAtIsToldForEveryReason(t *testing.T) {
	reasons := append(constants(t, "archive/format.go", "Bad"), constants(t, "replay/policy.go", "Reason")...)
	reasons = slices.DeleteFunc(reasons, func(r string) bool { return r == "filter" }) // what it does not keep is filtered
	sameWords(t, "reasons", reasons, firstCells(section(t, "docs/reliability.md", "## What lands in quarantine")))
}

func TestTheCommandsThatShowTheQuarantineWork(t *testing.T) {
	t.Parallel()
	blocks := fences(read(t, "docs/reliability.md"), "sh")
	if len(blocks) != 1 {
		t.Fatalf("docs/reliability.md has %d blocks of commands", len(blocks))
	}
	b := newBench(t)
	b.put("o", []byte(event("a", 1)+"rubbish"))
	b.run(b.what("--topic", "x", "--create-topic", "--id", "payments-0300")...).want(exitQuarantined)
	shown := ""
	for line := range strings.SplitSeq(blocks[0], "\n") {
		shown += b.replayd(append(strings.Fields(line)[1:], "--brokers", b.address(), "-o", "text")...).want(exitOK).out.String()
	}
	if !strings.Contains(shown, "o at byte 37: json") || !strings.Contains(shown, "rubbish") {
		t.Errorf("they show\n%s", shown)
	}
}
