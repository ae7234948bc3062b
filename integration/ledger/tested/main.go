// Tested prints the last line of `make test`: what ran on real equipment and what was left out. It fails when something
// that REPLAYD_TEST_REQUIRE lists did not run.
//
//	tested [-failed] LEDGER
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"replayd/integration/ledger"
)

func main() {
	failed := flag.Bool("failed", false, "say that tests failed, and fail")
	flag.Parse()
	entries, err := ledger.Read(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	line := ledger.Summary(entries)
	if missing := ledger.Missing(entries); len(missing) > 0 {
		line = "REQUIRED BUT NOT TESTED: " + strings.Join(missing, ", ") + " · " + line
		*failed = true
	}
	if *failed {
		line = "FAILED · " + line
	}
	fmt.Println(line)
	if *failed {
		os.Exit(1)
	}
}
