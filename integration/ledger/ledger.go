// Package ledger keeps account of what a test run tried on real equipment and what it had to leave out, so that a
// machine without Docker or Java cannot pass for a machine on which everything was tested.
//
// Test processes append one line per fact to the file that REPLAYD_TEST_LEDGER names; when it names none, as in a plain
// `go test`, nothing is kept and the skip message of the test is the only trace. `make test` prints the summary as its
// last line.
package ledger

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// FileVariable names the environment variable that holds the ledger's path.
const FileVariable = "REPLAYD_TEST_LEDGER"

// RequireVariable names the environment variable that lists, separated by commas, what must not be left out: names or
// details of entries, such as kafka, docker, s3.
const RequireVariable = "REPLAYD_TEST_REQUIRE"

// maxDetail bounds a reason, in bytes, so that the summary stays a line that people read.
const maxDetail = 160

// Entry is one fact of a run.
type Entry struct {
	Tested bool   // false: left out
	Name   string // unit, kafka, s3, kcat, java
	Detail string // of what was tested: with what (process, docker, versitygw); of what was left out: why
}

// Tested notes that name ran on real equipment.
func Tested(name, with string) error { return record(Entry{Tested: true, Name: name, Detail: with}) }

// LeftOut notes that name could not be tried here.
func LeftOut(name, reason string) error { return record(Entry{Name: name, Detail: reason}) }

// record appends with a single write, so that lines of test processes running side by side do not mix.
func record(e Entry) error {
	path := os.Getenv(FileVariable)
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open test ledger: %w", err)
	}
	_, err = f.WriteString(e.line())
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write test ledger: %w", err)
	}
	return nil
}

func (e Entry) line() string {
	kind := "left out"
	if e.Tested {
		kind = "tested"
	}
	return kind + "\t" + oneLine(e.Name) + "\t" + oneLine(e.Detail) + "\n"
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// Read returns the entries of the file, each once, in the order in which they first appeared.
func Read(path string) ([]Entry, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read test ledger: %w", err)
	}
	var entries []Entry
	for line := range strings.Lines(string(data)) {
		e, err := parse(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("test ledger %s: %w", path, err)
		}
		if !slices.Contains(entries, e) {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func parse(line string) (Entry, error) {
	parts := strings.Split(line, "\t")
	if len(parts) != 3 || (parts[0] != "tested" && parts[0] != "left out") {
		return Entry{}, fmt.Errorf("line %q: want tested or left out, a name and a detail, separated by tabs", line)
	}
	return Entry{Tested: parts[0] == "tested", Name: parts[1], Detail: parts[2]}, nil
}
