package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"
)

// An event is one line of `go test -json` (go doc test2json); Test is empty for what concerns the whole package.
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package in build-output and build-fail
	Test       string
	Elapsed    float64 // seconds
	Output     string
}

// A Result is one test, or one package without a failing test, that failed or was skipped.
type Result struct {
	Package, Test, Reason string
}

func (r Result) String() string {
	name := strings.TrimSpace(r.Package + " " + r.Test)
	if r.Reason == "" {
		return name
	}
	return name + ": " + r.Reason
}

// A Summary counts tests and subtests. A package that failed by itself (it did not build, or died) counts as one.
type Summary struct {
	Passed  int
	Failed  []Result
	Skipped []Result

	out     io.Writer
	output  map[[2]string][]string // of the tests and packages that still run
	running map[string]bool        // packages
	failing map[string]bool        // packages with a failed test
	tests   map[string]int         // tests that ended, by package
}

// Read takes events until the end of in, and writes to out what shows progress: packages as they end, the output
// of failed tests, and lines that are no events (compilers and go itself write some). It stands several runs of
// go test in one stream, as tests and then fuzzing.
func Read(in io.Reader, out io.Writer) (*Summary, error) {
	s := &Summary{
		out: out, output: map[[2]string][]string{}, running: map[string]bool{},
		failing: map[string]bool{}, tests: map[string]int{},
	}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	for name := range s.running {
		s.fail(event{Package: name}, "did not finish")
	}
	return s, nil
}

func (s *Summary) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
		fmt.Fprint(s.out, line)
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(s.out, e.Output)
	case e.Action == "start":
		s.running[e.Package] = true
	case e.Action == "output":
		key := [2]string{e.Package, e.Test}
		s.output[key] = append(s.output[key], e.Output)
	case e.Action != "pass" && e.Action != "fail" && e.Action != "skip":
	case e.Test == "":
		s.endPackage(e)
	default:
		s.endTest(e)
	}
}

func (s *Summary) endTest(e event) {
	key := [2]string{e.Package, e.Test}
	s.tests[e.Package]++
	switch e.Action {
	case "pass":
		s.Passed++
		if line := lastFuzzLine(s.output[key]); line != "" {
			fmt.Fprintf(s.out, "ok    %s %s: %s\n", e.Package, e.Test, line)
		}
	case "fail":
		s.failing[e.Package] = true
		s.fail(e, "")
	case "skip":
		s.Skipped = append(s.Skipped, Result{e.Package, e.Test, skipReason(s.output[key])})
	}
	delete(s.output, key)
}

func (s *Summary) endPackage(e event) {
	switch {
	case e.Action == "fail" && !s.failing[e.Package]:
		s.fail(e, "")
	case e.Action == "fail":
		fmt.Fprintf(s.out, "FAIL  %s (%d tests, %.1f s)\n", e.Package, s.tests[e.Package], e.Elapsed)
	case e.Action == "pass" && s.tests[e.Package] > 0:
		fmt.Fprintf(s.out, "ok    %s (%d tests, %.1f s)\n", e.Package, s.tests[e.Package], e.Elapsed)
	}
	delete(s.running, e.Package)
	delete(s.failing, e.Package)
	delete(s.tests, e.Package)
	delete(s.output, [2]string{e.Package, ""})
}

// fail records a failure and shows the output that came with it.
func (s *Summary) fail(e event, reason string) {
	r := Result{e.Package, e.Test, reason}
	s.Failed = append(s.Failed, r)
	fmt.Fprintf(s.out, "FAIL  %s\n", r)
	for _, line := range s.output[[2]string{e.Package, e.Test}] {
		fmt.Fprint(s.out, line)
	}
}

// Report lists the skips and the failures and closes with the counts; true means that all is well.
func (s *Summary) Report(out io.Writer, ci bool) bool {
	if ci {
		s.refuseMissingRuntime()
	}
	report(out, "SKIP", s.Skipped)
	report(out, "FAIL", s.Failed)
	if s.Passed+len(s.Failed) == 0 {
		fmt.Fprintln(out, "FAIL  no test ran")
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", s.Passed, len(s.Failed), len(s.Skipped))
	return s.Passed > 0 && len(s.Failed) == 0
}

// refuseMissingRuntime turns skips for want of the runtime into failures.
func (s *Summary) refuseMissingRuntime() {
	var allowed []Result
	for _, r := range s.Skipped {
		if missingRuntime.MatchString(r.Reason) {
			r.Reason = "must not be skipped in CI: " + r.Reason
			s.Failed = append(s.Failed, r)
		} else {
			allowed = append(allowed, r)
		}
	}
	s.Skipped = allowed
}

func report(out io.Writer, label string, results []Result) {
	sort.Slice(results, func(i, j int) bool { return results[i].String() < results[j].String() })
	for _, r := range results {
		fmt.Fprintf(out, "%s  %s\n", label, r)
	}
}

// missingRuntime recognises a skip that scripts/setup would have prevented, foremost the lines of parts.Missing, or that scripts/e2e would have in CI.
var missingRuntime = regexp.MustCompile(
	`(?i)scripts/setup|\bnginx is missing\b|QIUZHEN_(RUNTIME|POSTGRES_BIN|ONNXRUNTIME|MODEL_DIR)|` +
		`\b(postgres|onnx|model|tokenizer|runtime)\b.*\b(missing|not found|absent|unavailable|not there|no such file)\b`)

// skipReason is what the test said, without the lines that go test adds.
func skipReason(output []string) string {
	var said []string
	for _, line := range output {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "(no reason given)"
	}
	return strings.Join(said, " ")
}

// lastFuzzLine tells how much was fuzzed ("elapsed: 3s, execs: 41207 (13735/sec), ..."), empty for other tests.
func lastFuzzLine(output []string) string {
	for i := len(output) - 1; i >= 0; i-- {
		if rest, found := strings.CutPrefix(output[i], "fuzz: elapsed: "); found {
			return "fuzzed " + strings.TrimSpace(rest)
		}
	}
	return ""
}
