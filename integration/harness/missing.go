package harness

import (
	"testing"

	"replayd/integration/ledger"
)

// leaveOut ends a test that needs what is not here: skipped with a trace in the ledger, failed when it is required.
func leaveOut(tb testing.TB, name, reason string) {
	tb.Helper()
	if err := ledger.LeftOut(name, reason); err != nil {
		tb.Fatal(err)
	}
	if ledger.Required(name) {
		tb.Fatalf("%s is required by %s, but: %s", name, ledger.RequireVariable, reason)
	}
	tb.Skipf("%s left out: %s", name, reason)
}

// tested notes that equipment of this kind serves the run.
func tested(tb testing.TB, name, with string) {
	tb.Helper()
	if err := ledger.Tested(name, with); err != nil {
		tb.Fatal(err)
	}
}
