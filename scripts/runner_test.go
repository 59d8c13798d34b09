package scripts_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sampleModule is a small module in which scripts/test and scripts/fuzz run: a package all of whose tests pass or are skipped, and
// one with a failing test and a fuzz target that crashes.
var sampleModule = map[string]string{
	"go.mod": "module sample\n\ngo 1.26\n",
	"good/good_test.go": `package good

import "testing"

func TestPasses(t *testing.T) {}
func TestSkips(t *testing.T)  { t.Skip("the moon is not full") }
func FuzzHolds(f *testing.F)  { f.Fuzz(func(t *testing.T, n int) {}) }
`,
	"bad/bad_test.go": `package bad

import "testing"

func TestFails(t *testing.T) { t.Error("two is not three") }
func FuzzBreaks(f *testing.F) {
	f.Fuzz(func(t *testing.T, n int) {
		if n != 0 { // not met by the tests, only by fuzzing
			t.Error("a number other than zero")
		}
	})
}
`,
}

func TestRunner(t *testing.T) {
	module := t.TempDir()
	for name, content := range sampleModule {
		writeFile(t, filepath.Join(module, name), content)
	}
	for _, name := range []string{"test", "fuzz", "lib.sh", "testsummary/main.go", "testsummary/summary.go"} {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(module, "scripts", name), string(content))
	}
	for _, test := range []struct {
		script, packages string
		code             int
		last             string
		shows            []string
	}{
		{"test", "./good", 0, "2 passed, 0 failed, 1 skipped", []string{"SKIP  sample/good TestSkips: good_test.go:6: the moon is not full\n"}},
		{"test", "./...", 1, "3 passed, 1 failed, 1 skipped", []string{"FAIL  sample/bad TestFails\n", "two is not three"}},
		{"fuzz", "./good", 0, "1 passed, 0 failed, 0 skipped", []string{"ok    sample/good FuzzHolds: fuzzed "}},
		{"fuzz", "./...", 1, "1 passed, 1 failed, 0 skipped", []string{"FAIL  sample/bad FuzzBreaks\n", "a number other than zero"}},
	} {
		cmd := exec.Command(filepath.Join(module, "scripts", test.script), test.packages)
		cmd.Env = append(os.Environ(), "FUZZ_SECONDS=2", "CI=true")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if code := exitCode(t, cmd.Run()); code != test.code || lastLine(out.String()) != test.last {
			t.Errorf("%s %s: code %d, want %d and %q at the end of:\n%s", test.script, test.packages, code, test.code, test.last, &out)
		}
		for _, want := range test.shows {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s %s: does not show %q in:\n%s", test.script, test.packages, want, &out)
			}
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
