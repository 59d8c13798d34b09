package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The .jsonl files are what go test -json wrote for five small packages: good (with two skips and a fuzz target),
// a fuzz run of it, bad (a failed test), broken (does not compile) and dies (TestMain exits 3).
func TestSummary(t *testing.T) {
	const shared = "SKIP  demo/good TestShared: good_test.go:6: no shared folder: set QIUZHEN_SHARED\n"
	tests := []struct {
		name   string
		files  []string
		ci     bool
		good   bool
		last   string
		shows  []string
		hidden []string
	}{
		{
			name: "skips are named with their reasons", files: []string{"good"}, good: true,
			last:   "5 passed, 0 failed, 2 skipped",
			shows:  []string{shared, "SKIP  demo/good TestModel: good_test.go:7: embedding model missing", "ok    demo/good (7 tests"},
			hidden: []string{"demo/none", "=== RUN"},
		},
		{
			name: "in CI a missing runtime fails, another skip does not", files: []string{"good"}, ci: true,
			last:   "5 passed, 1 failed, 1 skipped",
			shows:  []string{shared, "FAIL  demo/good TestModel: must not be skipped in CI: good_test.go:7: embedding model missing"},
			hidden: []string{"SKIP  demo/good TestModel"},
		},
		{
			name: "tests, then fuzzing, in one stream", files: []string{"good", "fuzz"}, good: true,
			last:  "6 passed, 0 failed, 2 skipped",
			shows: []string{"ok    demo/good FuzzUpper: fuzzed 0s, execs: 200 "},
		},
		{
			name: "a failed test shows its output", files: []string{"bad"},
			last:  "1 passed, 1 failed, 0 skipped",
			shows: []string{"    bad_test.go:6: a line of output\n", "    bad_test.go:6: got 1, want 2\n", "FAIL  demo/bad TestBad\n"},
		},
		{
			name: "a package that does not compile", files: []string{"broken"},
			last:  "0 passed, 1 failed, 0 skipped",
			shows: []string{"broken/b.go:3:23: cannot use", "FAIL  demo/broken\n"},
		},
		{
			name: "a package whose TestMain dies", files: []string{"good", "dies"},
			last:  "5 passed, 1 failed, 2 skipped",
			shows: []string{"the server did not start\n", "FAIL  demo/dies\n"},
		},
		{name: "nothing ran", last: "0 passed, 0 failed, 0 skipped", shows: []string{"FAIL  no test ran\n"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			summary, err := Read(strings.NewReader(events(t, test.files...)), &out)
			if err != nil {
				t.Fatal(err)
			}
			if good := summary.Report(&out, test.ci); good != test.good {
				t.Errorf("good = %v, want %v", good, test.good)
			}
			lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if last := lines[len(lines)-1]; last != test.last {
				t.Errorf("closes with %q, want %q", last, test.last)
			}
			for _, want := range test.shows {
				if !strings.Contains(out.String(), want) {
					t.Errorf("does not show %q in:\n%s", want, &out)
				}
			}
			for _, unwanted := range test.hidden {
				if strings.Contains(out.String(), unwanted) {
					t.Errorf("shows %q in:\n%s", unwanted, &out)
				}
			}
		})
	}
}

func TestAStreamThatBreaksOffFails(t *testing.T) {
	whole := events(t, "good")
	cut := whole[:strings.Index(whole, `"Action":"pass"`)]
	cut = cut[:strings.LastIndex(cut, "\n")+1] + "go: signal: killed\n"
	var out bytes.Buffer
	summary, err := Read(strings.NewReader(cut), &out)
	if err != nil {
		t.Fatal(err)
	}
	if summary.Report(&out, false) {
		t.Error("a package that did not finish counts as good")
	}
	for _, want := range []string{"go: signal: killed\n", "FAIL  demo/good: did not finish\n", "0 passed, 1 failed, 0 skipped\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not show %q in:\n%s", want, &out)
		}
	}
}

func TestMissingRuntime(t *testing.T) {
	for reason, want := range map[string]bool{
		"x_test.go:3: Postgres missing: /var/cache/qiuzhen/p/bin/postgres; run: scripts/setup":    true,
		"onnx_test.go:9: ONNX Runtime not found":                                                  true,
		"no server: set QIUZHEN_POSTGRES_BIN":                                                     true,
		"proxy_test.go:72: nginx is missing; with nginx-light the guide's configuration is tried": true,
		"../shared is not there: set QIUZHEN_SHARED":                                              false,
		"needs an OpenAI-compatible server":                                                       false,
		"(no reason given)":                                                                       false,
	} {
		if got := missingRuntime.MatchString(reason); got != want {
			t.Errorf("%q: missing runtime = %v, want %v", reason, got, want)
		}
	}
}

func events(t *testing.T, names ...string) string {
	t.Helper()
	var all strings.Builder
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}
