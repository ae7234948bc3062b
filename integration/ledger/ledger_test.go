package ledger_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"replayd/integration/ledger"
)

func TestSummaryNamesWhatWasTestedAndWhyTheRestWasNot(t *testing.T) {
	path := openLedger(t)
	check(t, ledger.Tested("unit", ""))
	check(t, ledger.Tested("kafka", "process"))
	check(t, ledger.Tested("kafka", "process")) // a second test of the same kind is not a second fact
	check(t, ledger.LeftOut("docker", "no engine answers:\n\tdial unix: connect: refused"))

	got := ledger.Summary(read(t, path))
	want := "tested: unit, kafka (process) · left out here: docker (no engine answers: dial unix: connect: refused)"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestSummaryOfARunThatTestedNothingSaysSo(t *testing.T) {
	if got := ledger.Summary(nil); got != "tested: nothing" {
		t.Errorf("got %q", got)
	}
}

func TestRequirementsAreMetByNameOrByMeans(t *testing.T) {
	entries := []ledger.Entry{
		{Tested: true, Name: "kafka", Detail: "docker"},
		{Name: "s3", Detail: "no versitygw"},
	}
	tests := map[string][]string{
		"":              nil,
		"kafka":         nil,
		"kafka, docker": nil,
		"kafka,s3,kcat": {"s3", "kcat"}, // left out is not tested, and neither is what nobody mentioned
	}
	for require, want := range tests {
		t.Run(require, func(t *testing.T) {
			t.Setenv(ledger.RequireVariable, require)
			if got := ledger.Missing(entries); !slices.Equal(got, want) {
				t.Errorf("missing %q, want %q", got, want)
			}
		})
	}
}

func TestLongReasonIsCutAtACharacter(t *testing.T) {
	path := openLedger(t)
	check(t, ledger.LeftOut("docker", strings.Repeat("ä", 500)))
	detail := read(t, path)[0].Detail
	if len(detail) > 170 || strings.Trim(detail, "ä") != "…" {
		t.Errorf("got %d bytes: %s", len(detail), detail)
	}
}

func TestLedgerThatIsNotOneIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	check(t, os.WriteFile(path, []byte("tested kafka\n"), 0o600))
	if _, err := ledger.Read(path); err == nil || !strings.Contains(err.Error(), "tested kafka") {
		t.Errorf("got error %v", err)
	}
}

func openLedger(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "ledger")
	t.Setenv(ledger.FileVariable, path)
	return path
}

func read(t *testing.T, path string) []ledger.Entry {
	t.Helper()
	entries, err := ledger.Read(path)
	check(t, err)
	return entries
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
