// Command testsummary reads the events of `go test -json` from standard input and tells a person what they need:
// a line a package, the output of what failed, every skipped test with its reason, and one closing line
// "N passed, N failed, N skipped". It exits 1 when anything failed, when nothing ran, and in CI (CI=true) when a
// test was skipped because a part of the runtime is missing: there, scripts/setup has fetched it.
package main

import (
	"fmt"
	"os"
)

func main() {
	summary, err := Read(os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "testsummary: cannot read the test events: %v; run: go test ./...\n", err)
		os.Exit(1)
	}
	if !summary.Report(os.Stdout, os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}
